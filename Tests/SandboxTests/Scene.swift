import Glibc
import Sandbox
import TestSupport
import Testing

/// A checkout with its upper directory, and a sandbox to run commands in.
struct Scene {
  let sandbox: Sandbox
  let directory: TemporaryDirectory
  /// Absolute, as every path here.
  let checkout: String
  var view = SandboxView()
  var limits = SandboxLimits(
    wallSeconds: 60, cpuSeconds: 60, memoryBytes: 2 << 30, processes: 512, fileBytes: 1 << 30,
    outputKeptBytes: 64 << 10,
    outputBytes: 64 << 20, diskBytes: 4 << 30)
  var environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"]
  var lowers: [String]

  init(_ files: [String: String] = [:]) throws {
    sandbox = try Sandbox(launcher: try #require(Sandbox.locateLauncher()))
    directory = try TemporaryDirectory()
    checkout = try directory.makeDirectory("checkout")
    lowers = [checkout]
    try directory.makeDirectory("upper")
    try directory.makeDirectory("work")
    for (name, contents) in files { try directory.write("checkout/\(name)", contents) }
  }

  var workspace: WorkspaceMount {
    .overlay(
      lowers: lowers.map(bytes), upper: bytes(directory.path("upper")), work: bytes(directory.path("work")),
      mountPoint: bytes(checkout))
  }

  func command(_ arguments: [String], input: String? = nil) -> SandboxedCommand {
    SandboxedCommand(
      arguments: arguments.map(bytes), environment: environment, workingDirectory: bytes(checkout),
      input: input.map(bytes), workspace: workspace, view: view, limits: limits)
  }

  func run(_ arguments: [String], input: String? = nil) async throws -> CommandResult {
    try await sandbox.run(command(arguments, input: input))
  }

  /// Runs a shell script.
  func shell(_ script: String, input: String? = nil) async throws -> CommandResult {
    try await run(["/bin/sh", "-c", script], input: input)
  }

  /// Runs a Python program.
  func python(_ program: String) async throws -> CommandResult {
    try await run(["/usr/bin/python3", "-c", program])
  }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

extension CommandResult {
  /// What was kept of the output.
  var text: String { String(decoding: output.head + output.tail, as: UTF8.self) }
  /// The output's lines.
  var lines: [String] { text.split(separator: "\n").map(String.init) }
  /// Whether it exited with 0.
  var succeeded: Bool { status == .exited(0) }
}

/// Processes of this machine with a word among their arguments.
func processes(naming word: String) -> [pid_t] {
  guard let listing = opendir("/proc") else { return [] }
  defer { closedir(listing) }
  var found: [pid_t] = []
  while let entry = readdir(listing) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    guard let id = pid_t(name), let arguments = fileBytes("/proc/\(name)/cmdline") else { continue }
    if arguments.split(separator: 0).contains(where: { $0.elementsEqual(word.utf8) }) { found.append(id) }
  }
  return found
}

/// A word that no other process has among its arguments.
func uniqueWord() -> String { "mark-\(getpid())-\(UInt64.random(in: 0 ... .max))" }

/// Waits until something holds, for at most a while.
func eventually(_ seconds: Double = 60, _ condition: () -> Bool) async throws -> Bool {
  for _ in 0..<Int(seconds * 100) {
    if condition() { return true }
    try await Task.sleep(for: .milliseconds(10))
  }
  return condition()
}

/// This test program again, with only some tests, possibly as another user.
func itself(
  filter: String, user: uid_t? = nil, environment: [String: String] = [:], within wrapper: [String] = []
) throws -> (
  process: RunningProcess, directory: TemporaryDirectory
) {
  let directory = try TemporaryDirectory()
  chmod(directory.path, 0o755)
  var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
  let count = readlink("/proc/self/exe", &buffer, buffer.count)
  let own = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  var program = own
  if user != nil {
    // Where it lies may be root's alone. Copied by another process: a descriptor open for writing here could be inherited
    // by what a test starts at that moment, and the program would be busy.
    program = directory.path("tests")
    let launcher = String(decoding: try #require(Sandbox.locateLauncher()), as: UTF8.self)
    for (from, to) in [(own, program), (launcher, directory.path("codeagent-launch"))] {
      #expect(try runProcess(["cp", from, to]).status == 0)
      chmod(to, 0o755)
    }
  }
  var arguments = wrapper + [program, "--testing-library", "swift-testing", "--filter", filter]
  if let user {
    arguments = ["/usr/bin/setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups"] + arguments
  }
  let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
  let all = environment.merging(["PATH": path, "HOME": "/nonexistent"]) { first, _ in first }
  return (try RunningProcess(arguments, environment: all), directory)
}
