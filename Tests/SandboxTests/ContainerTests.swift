import Glibc
import Sandbox
import TestSupport
import Testing

/// The level for containers that refuse namespaces: nothing is mounted, and what it promises holds all the same.
@Suite(.serialized) struct ContainerTests {
  private let scene: Scene
  private let sandbox: Sandbox

  init() throws {
    scene = try Scene()
    sandbox = try Sandbox(launcher: try #require(Sandbox.locateLauncher()), level: .container)
    let directory = scene.directory
    try directory.makeDirectory("copy")
    try directory.write("copy/file", "1\n")
    for path in [directory.path, directory.path("copy")] { chmod(path, 0o755) }
    guard let owner = sandbox.payloadOwner else { return }
    for name in ["copy", "copy/file"] { chown(directory.path(name), owner.uid, owner.gid) }
  }

  private func run(
    _ arguments: [String], change: (inout SandboxedCommand) -> Void = { _ in }
  ) async throws -> CommandResult {
    var command = scene.command(arguments)
    command.workspace = .copy(directory: bytes(scene.directory.path("copy")), mountPoint: bytes(scene.checkout))
    change(&command)
    return try await sandbox.run(command)
  }

  private func shell(_ script: String) async throws -> CommandResult { try await run(["/bin/sh", "-c", script]) }

  @Test func commandsWorkInTheCopy() async throws {
    let result = try await shell(
      "cat file \(scene.checkout)/file; echo 2 > file; pwd; echo x > $TMPDIR/t; echo y > ~/h; id -u; echo a | tr a b")
    let owner = sandbox.payloadOwner?.uid ?? geteuid()
    #expect(result.lines == ["1", "1", scene.directory.path("copy"), "\(owner)", "b"], "\(result.text)")
    #expect(scene.directory.text("copy/file") == "2\n" && scene.directory.text("checkout/file") == nil)
    let python = try await run([
      "/usr/bin/python3", "-c",
      "import subprocess, threading, asyncio; asyncio.run(asyncio.sleep(0)); print(subprocess.run(['echo', 'x']).returncode)",
    ])
    #expect(python.text == "x\n0\n", "\(python.text)")
  }

  @Test func nothingElseIsReachedOrWritten() async throws {
    let outside = try TemporaryDirectory()
    chmod(outside.path, 0o777)
    try outside.write("secret", "canary\n", mode: 0o666)
    let server = try LoopbackServer { _, connection in connection.close() }
    let result = try await run([
      "/usr/bin/python3", "-c",
      """
      import ctypes, os, signal, socket
      def attempt(name, f):
          try: f(); print(name)
          except OSError: pass
      attempt("read", lambda: open("\(outside.path)/secret").read())
      attempt("write", lambda: open("\(outside.path)/made", "w"))
      attempt("write", lambda: open("\(outside.path)/secret", "w"))
      attempt("link", lambda: os.link("\(outside.path)/secret", "linked"))
      attempt("list", lambda: os.listdir("\(outside.path)"))
      for path in ("/tmp/made", "/var/tmp/made", "/dev/shm/made", "/run/made", "/etc/made"):
          attempt(path, lambda: open(path, "w"))
      for path in ("/etc/shadow", "/proc/\(getpid())/environ", "/proc/\(getpid())/mem", "/proc/\(getpid())/fd/0"):
          attempt(path, lambda: open(path).read())
      attempt("tcp", lambda: socket.create_connection(("127.0.0.1", \(server.port)), 2))
      attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
      attempt("unix", lambda: socket.socket(socket.AF_UNIX))
      attempt("signal", lambda: os.kill(\(getpid()), 0))
      attempt("signal parent", lambda: os.kill(os.getppid(), signal.SIGTERM))
      libc = ctypes.CDLL(None, use_errno=True)
      for name, arguments in (("trace", (101, 16, \(getpid()), 0, 0)), ("limit", (302, \(getpid()), 0, 0, 0)), ("unshare", (272, 0x10000000)), ("memory", (29, 1, 4096, 0o1600))):
          if os.uname().machine == "x86_64" and libc.syscall(*arguments) >= 0: print(name)
      attempt("nice", lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19))
      print("done")
      """,
    ])
    #expect(result.text == "done\n", "\(result.text)")
    #expect(outside.text("secret") == "canary\n" && outside.text("made") == nil)
    #expect(server.connectionCount == 0)
  }

  @Test func nothingOutlivesItsCommand() async throws {
    let word = uniqueWord()
    let result = try await shell(
      "for i in 1 2 3; do setsid nohup sh -c 'trap \"\" HUP TERM; while :; do sleep 0.05; done' \(word) & done; sleep 0.1"
    )
    #expect(result.succeeded, "\(result.text)")
    #expect(processes(naming: word).isEmpty)
    let task = Task { try await shell("setsid sh -c 'sleep 1000; :' \(word) & sleep 1000; : \(word)") }
    #expect(try await eventually { !processes(naming: word).isEmpty })
    task.cancel()
    #expect(try await task.value.status == .cancelled)
    #expect(try await eventually(20) { processes(naming: word).isEmpty })
  }

  @Test func limitsAreEnforced() async throws {
    let time = try await run(["/bin/sleep", "100"]) { $0.limits.wallSeconds = 0.3 }
    #expect(time.status == .overrun(.time))
    let memory = try await run(["/usr/bin/python3", "-c", "b = bytearray(400 << 20); import time; time.sleep(30)"]) {
      $0.limits.memoryBytes = 100 << 20
    }
    #expect(memory.status == .overrun(.memory))
    let processes = try await run(["/bin/sh", "-c", "while :; do sleep 100 & done"]) { $0.limits.processes = 60 }
    #expect(processes.status == .overrun(.processes))
  }

  @Test func programsAreWatched() async throws {
    let result = try await run(["/bin/sh", "-c", "env touch made; echo $?"]) {
      $0.watch = ExecWatch(programs: ["touch"]) {
        $0.identities.contains(bytes("touch")) ? .deny(rule: "test") : .allow
      }
    }
    #expect(result.execs?.deniedTotal == 1 && scene.directory.bytes("copy/made") == nil, "\(result.text)")
  }

  @Test func anOverlayIsRefused() async throws {
    let error = await #expect(throws: SandboxError.self) { try await sandbox.run(scene.command(["true"])) }
    #expect(error?.kind == .overlayRefused)
  }

  @Test func itsPromisesAreTried() async throws {
    let checks = await sandbox.probe()
    #expect(checks.filter { !$0.ok } == [] && checks.count > 12, "\(checks)")
    #expect(try await sandbox.assure().level == .container)
  }

  @Test func theStrongestAdmittedLevelIsTaken() async throws {
    let launcher = try #require(Sandbox.locateLauncher())
    let isRefused = getenv("CODEAGENT_TEST_REFUSED") != nil
    let both = try await Sandbox.strongest(launcher: launcher, admitting: [.full, .container])
    #expect(both.level == (isRefused ? .container : .full))
    #expect(try await Sandbox.strongest(launcher: launcher, admitting: [.container]).level == .container)
    if isRefused {
      await #expect(throws: SandboxError.self) { try await Sandbox.strongest(launcher: launcher, admitting: [.full]) }
    }
  }
}
