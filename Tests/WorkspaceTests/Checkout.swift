import Git
import Glibc
import Paths
import Sandbox
import TestSupport

@testable import Workspace

/// A checkout of a test, with a place for runs beside it.
final class Checkout: Sendable {
  let directory: TemporaryDirectory
  /// The checkout's root.
  let root: String

  /// An empty directory, or a git repository with these files committed.
  /// - Parameter memory: in memory where there is such a place, so that syncing costs nothing; without git and commands.
  init(
    git: Bool = true, memory: Bool = false,
    _ files: [String: String] = ["a.txt": "one\ntwo\nthree\n", "src/main.c": "int main;\n"]
  ) throws {
    let parent = memory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : nil
    directory = try TemporaryDirectory("workspace-test", in: parent)
    root = try directory.makeDirectory("checkout")
    for (name, content) in files { try write(name, content) }
    if git {
      try self.git("init", "-q", "-b", "main")
      if !files.isEmpty { try commit("first") }
    }
  }

  func path(_ name: String) -> String { "\(root)/\(name)" }

  @discardableResult
  func write(_ name: String, _ content: String, mode: mode_t = 0o644) throws -> String {
    try directory.write("checkout/\(name)", content, mode: mode)
  }

  func text(_ name: String) -> String? { directory.text("checkout/\(name)") }

  @discardableResult
  func git(_ arguments: String..., input: [UInt8]? = nil) throws -> ProcessResult {
    let environment = [
      "PATH": "/usr/bin:/bin", "HOME": directory.path, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
      "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
    ]
    let result = try runProcess(["git"] + arguments, environment: environment, cwd: root, input: input)
    if result.status != 0 { throw Failure("git \(arguments.joined(separator: " ")): \(result.err)\(result.out)") }
    return result
  }

  func commit(_ message: String) throws {
    try git("add", "-A")
    try git("commit", "-qm", message)
  }

  /// Everything below the root but git's own files: path, mode and content.
  func listing() throws -> String {
    let script =
      "find . -path ./.git -prune -o -printf '%P %y %m %l\\n' | sort; "
      + "find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 -r sha1sum"
    return try runProcess(["sh", "-c", script], cwd: root).out
  }

  func location(_ name: String = ".") throws -> CheckoutLocation {
    if root.hasPrefix("/dev/") { return CheckoutLocation(root: Array(root.utf8), project: .root, repository: nil) }
    return try CheckoutLocation.resolve(Array(path(name).utf8))
  }

  /// A workspace in the run directory of this name.
  func open(_ run: String = "run", masked: [RepoPath] = []) async throws -> Workspace {
    try await Workspace.open(try location(), storage: storage(run), sandbox: try sandbox(), view: view(masked))
  }

  func reopen(_ run: String = "run") async throws -> Workspace {
    try await Workspace.reopen(try location(), storage: storage(run), sandbox: try sandbox(), view: view())
  }

  func storage(_ run: String = "run") -> [UInt8] { Array(directory.path(run).utf8) }

  func view(_ masked: [RepoPath] = []) -> WorkspaceView {
    WorkspaceView(environment: ["PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"], masked: masked)
  }

  func sandbox() throws -> Sandbox { try Self.sandbox() }

  static func sandbox() throws -> Sandbox { try Sandbox(launcher: Array(builtProduct("codeagent-launch").utf8)) }
}

struct Failure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

func path(_ text: String) -> RepoPath { RepoPath(text) ?? .root }

extension Snapshot {
  /// `A path`, `M path`, `D path`.
  var summary: [String] { changes.map { "\($0.kind.rawValue.prefix(1).uppercased()) \($0.path)" } }
}

extension Workspace {
  /// Runs a shell command and returns its output; a failing one throws.
  @discardableResult
  func sh(_ command: String, in directory: RepoPath = .root) async throws -> String {
    let run = try await run(shell: command, directory: directory)
    let output = String(decoding: run.result.output.head, as: UTF8.self)
    guard run.result.status == .exited(0) else { throw Failure("\(command): \(run.result.status): \(output)") }
    return output
  }

  func text(_ name: String) throws -> String { String(decoding: try read(path(name)).bytes, as: UTF8.self) }
}

/// The error that a body throws; nil when none.
func failure(_ body: () async throws -> Void) async -> WorkspaceError? {
  do {
    try await body()
    return nil
  } catch {
    return error as? WorkspaceError
  }
}
