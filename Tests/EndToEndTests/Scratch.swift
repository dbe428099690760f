import Glibc
import JSON
import TestSupport
import Testing

/// A scratch home and a scratch project, and the real binary run on them.
final class Scratch: Sendable {
  let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory("codeagent-e2e")
    _ = try directory.makeDirectory("home")
  }

  var project: String { directory.path("project") }

  /// What a user's shell would hand over, and a secret that must turn up nowhere.
  func environment(_ server: ScriptedModelServer? = nil, _ extra: [String: String] = [:]) -> [String: String] {
    var variables: [String: String] = ["HOME": directory.path("home"), "LANG": "C.UTF-8", "TERM": "dumb"]
    for name in ["PATH", "PYENV_ROOT", "JAVA_HOME", "RUSTUP_HOME", "CARGO_HOME"] {
      if let value = getenv(name) { variables[name] = String(cString: value) }
    }
    // Toolchains below the real home stay usable: their directories are on PATH.
    if let server {
      variables["OPENAI_BASE_URL"] = server.baseURL
      variables["OPENAI_API_KEY"] = Self.key
    }
    for (name, value) in extra { variables[name] = value }
    return variables
  }

  static let key = "sk-canary-3f9d1c7e5b2a4860"

  /// Runs `codeagent` to its end.
  func codeagent(
    _ arguments: String..., server: ScriptedModelServer? = nil, extra: [String: String] = [:], input: String? = nil,
    cwd: String? = nil
  ) async throws -> ProcessResult {
    try await runningProcess(
      [builtProduct("codeagent")] + arguments, environment: environment(server, extra), cwd: cwd ?? project,
      input: input.map { Array($0.utf8) }, timeout: 240)
  }

  /// Starts `codeagent` and goes on.
  func start(_ arguments: String..., server: ScriptedModelServer? = nil) throws -> RunningProcess {
    try RunningProcess(
      [builtProduct("codeagent")] + arguments, environment: environment(server), cwd: project)
  }

  /// Writes the project's files; as a git repository unless told otherwise.
  func makeProject(_ files: [String: String], git: Bool = true) throws {
    _ = try directory.makeDirectory("project")
    for (name, text) in files { _ = try directory.write("project/\(name)", text) }
    guard git else { return }
    try self.git("init", "-q", "-b", "main")
    try self.git("add", "-A")
    try self.git("commit", "-q", "-m", "first")
  }

  /// Runs git in the project with nobody's configuration.
  @discardableResult
  func git(_ arguments: String...) throws -> String {
    var variables = environment()
    variables["GIT_CONFIG_GLOBAL"] = "/dev/null"
    variables["GIT_CONFIG_NOSYSTEM"] = "1"
    for role in ["AUTHOR", "COMMITTER"] {
      variables["GIT_\(role)_NAME"] = "someone"
      variables["GIT_\(role)_EMAIL"] = "someone@example.invalid"
    }
    let result = try runProcess(["git"] + arguments, environment: variables, cwd: project)
    guard result.status == 0 else { throw ScratchFailure(text: "git \(arguments): \(result.err)") }
    return result.out
  }

  /// A digest of everything in the project: names, modes, contents.
  func fingerprint() throws -> String {
    try runProcess(
      ["sh", "-c", "find . -printf '%p %m %y %l\\n' | sort; find . -type f -print0 | sort -z | xargs -0 sha256sum"],
      cwd: project
    ).out
  }
}

struct ScratchFailure: Error, CustomStringConvertible {
  var text: String
  var description: String { text }
}

extension ProcessResult {
  /// The events of a `--json` run.
  var events: [JSONValue] {
    out.split(separator: "\n").compactMap { try? JSONValue(parsing: String($0)) }
  }

  /// The terminal event of a `--json` run.
  var end: JSONValue? {
    let ends = events.filter { $0["type"]?.string == "run.ended" }
    return ends.count == 1 && events.last == ends.first ? ends.first : nil
  }

  /// Both streams, for messages of failed expectations.
  var shown: String { "status \(status)\n--- out\n\(out)\n--- err\n\(err)" }
}

/// A small project with one bug: `add` subtracts.
enum Calculator {
  static let files: [String: String] = [
    "calc.py": """
    \"\"\"Sums.\"\"\"


    def add(left, right):
        return left - right


    def total(values):
        result = 0
        for value in values:
            result = add(result, value)
        return result

    """,
    "test_calc.py": """
    import unittest

    from calc import add, total


    class CalcTest(unittest.TestCase):
        def test_add(self):
            self.assertEqual(add(2, 3), 5)

        def test_zero(self):
            self.assertEqual(add(4, 0), 4)

        def test_total(self):
            self.assertEqual(total([1, 2, 3]), 6)


    if __name__ == "__main__":
        unittest.main()

    """,
    ".gitignore": "__pycache__/\n",
  ]

  static let fix = """
    *** Begin Patch
    *** Update File: calc.py
    @@ def add(left, right):
    -    return left - right
    +    return left + right
    *** End Patch
    """
  static let test = "python3 -m unittest"
}
