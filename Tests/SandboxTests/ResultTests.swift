import Glibc
import Sandbox
import Synchronization
import TestSupport
import Testing

/// What a caller learns of a command.
@Suite(.serialized) struct ResultTests {
  @Test(arguments: [0, 1, 2, 77, 125, 126, 127, 128, 255]) func exitCodesAreTheCommandsOwn(_ code: Int32) async throws {
    let scene = try Scene()
    #expect(try await scene.shell("exit \(code)").status == .exited(code))
  }

  @Test(arguments: [SIGKILL, SIGTERM, SIGSEGV, SIGABRT, SIGPIPE, SIGINT]) func signals(_ signal: Int32) async throws {
    let scene = try Scene()
    #expect(try await scene.shell("kill -\(signal) $$").status == .signaled(signal))
  }

  @Test func whatCannotBeRun() async throws {
    var scene = try Scene(["text": "hello", "empty.sh": ""])
    chmod("\(scene.checkout)/empty.sh", 0o755)
    await #expect(throws: SandboxError.self) { try await scene.run(["no-such-program"]) }
    #expect(await kind(scene, ["no-such-program"]) == .commandNotFound)
    #expect(await kind(scene, ["/no/such/program"]) == .commandNotFound)
    #expect(await kind(scene, ["./text"]) == .commandNotExecutable)
    #expect(await kind(scene, ["/etc"]) == .commandNotExecutable)
    #expect(await kind(scene, []) == .invalidCommand)
    #expect(await kind(scene, ["echo", "a\0b"]) == .invalidCommand)
    scene.environment["X"] = "a\0b"
    #expect(await kind(scene, ["true"]) == .invalidCommand)
    scene.environment["X"] = nil
    // A script without an interpreter line is the shell's, as everywhere.
    #expect(try await scene.run(["./empty.sh"]).succeeded)
    var command = scene.command(["true"])
    command.workingDirectory = bytes("\(scene.checkout)/nowhere")
    #expect(await kind(scene, command) == .workingDirectory)
    command.workingDirectory = bytes("relative")
    #expect(await kind(scene, command) == .invalidCommand)
    command = scene.command(["true"])
    command.workspace = .overlay(
      lowers: [bytes("/no/such/checkout")], upper: bytes(scene.directory.path("upper")),
      work: bytes(scene.directory.path("work")), mountPoint: bytes(scene.checkout))
    #expect(await kind(scene, command) == .setUpFailed)
    command.workspace = .copy(directory: bytes(scene.checkout), mountPoint: bytes("/usr"))
    #expect(await kind(scene, command) == .invalidCommand)
  }

  @Test func noLauncher() throws {
    #expect(throws: SandboxError.self) { try Sandbox(launcher: bytes("/no/such/launcher")) }
  }

  @Test func argumentsOfAnyBytes() async throws {
    let scene = try Scene()
    var command = scene.command(["/usr/bin/printf", "%s|"])
    let odd: [[UInt8]] = [
      [], [0xff, 0xfe], bytes(" "), bytes("a\nb"), bytes("$(id) `id` ; ' \" \\ *"), bytes("--"), Array(1...255),
      Array(repeating: 0x61, count: 100_000),
    ]
    command.arguments += odd
    let result = try await scene.sandbox.run(command)
    var expected: [UInt8] = []
    for argument in odd { expected += argument + [UInt8(ascii: "|")] }
    var captured = result.output.head
    captured += result.output.tail
    #expect(result.output.totalBytes == expected.count)
    #expect(captured == expected)
  }

  @Test func manyArgumentsAndVariables() async throws {
    var scene = try Scene()
    for number in 0..<1000 { scene.environment["VARIABLE_\(number)"] = "\(number)" }
    let result = try await scene.run(
      ["/bin/sh", "-c", "echo $#; env | grep -c VARIABLE_"] + (0..<5000).map(String.init))
    #expect(result.lines == ["4999", "1000"])
  }

  @Test func standardInput() async throws {
    let scene = try Scene()
    #expect(try await scene.shell("wc -c").text == "0\n")
    #expect(try await scene.shell("wc -c", input: String(repeating: "x", count: 3_000_000)).text == "3000000\n")
    #expect(try await scene.shell("head -1", input: "a\nb\n").text == "a\n")
  }

  @Test func outputComesAsItIsWritten() async throws {
    let scene = try Scene()
    let seen = Mutex<[(String, ContinuousClock.Instant)]>([])
    let command = scene.command(["/bin/sh", "-c", "echo one; sleep 3; echo two >&2"])
    let result = try await scene.sandbox.run(command) { chunk in
      seen.withLock { $0.append((String(decoding: chunk, as: UTF8.self), .now)) }
    }
    let chunks = seen.withLock { $0 }
    #expect(chunks.map(\.0) == ["one\n", "two\n"])
    #expect(chunks[1].1 - chunks[0].1 > .milliseconds(200))
    #expect(result.text == "one\ntwo\n")
  }

  @Test func costIsTold() async throws {
    let scene = try Scene()
    let result = try await scene.python("b = bytearray(50 << 20)\nfor i in range(3000000): pass")
    #expect((result.cpuSeconds ?? 0) > 0.05)
    #expect((result.peakMemoryBytes ?? 0) > 50 << 20)
    #expect(result.duration > 0.05)
  }

  @Test func manyAtOnce() async throws {
    let scenes = try (0..<12).map { _ in try Scene() }
    let texts = try await withThrowingTaskGroup(of: String.self) { group in
      for (number, scene) in scenes.enumerated() {
        group.addTask { try await scene.shell("echo \(number) > mine; sleep 0.1; cat mine").text }
      }
      return try await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    #expect(texts == Set((0..<12).map { "\($0)\n" }))
  }

  @Test func commandsOnOneUpperDirectoryTakeTurns() async throws {
    let scene = try Scene(["log": ""])
    try await withThrowingTaskGroup(of: CommandResult.self) { group in
      for number in 0..<5 {
        group.addTask { try await scene.shell("echo start \(number) >> log; sleep 0.05; echo end \(number) >> log") }
      }
      for try await result in group { #expect(result.succeeded) }
    }
    let lines = (scene.directory.text("upper/log") ?? "").split(separator: "\n")
    #expect(lines.count == 10)
    for pair in 0..<(lines.count / 2) {
      #expect(lines[2 * pair].replacing("start", with: "end") == lines[2 * pair + 1])
    }
  }

  @Test func aWaitingCommandCanBeCancelled() async throws {
    let scene = try Scene()
    let first = Task { try await scene.shell("touch begun; sleep 3; echo first") }
    #expect(try await eventually { scene.directory.bytes("upper/begun") != nil })
    let second = Task { try await scene.shell("echo x > second") }
    try await Task.sleep(for: .milliseconds(50))
    second.cancel()
    #expect(try await second.value.status == .cancelled)
    #expect(try await first.value.text == "first\n")
    #expect(scene.directory.bytes("upper/second") == nil)
  }

  @Test func noDescriptorsOrChildrenAreLeft() async throws {
    let scene = try Scene()
    _ = try await scene.shell("true")
    for _ in 0..<20 { _ = try await scene.shell("true") }
    for _ in 0..<5 { _ = try? await scene.run(["no-such-program"]) }
    // Other tests run meanwhile; what matters is that none stays.
    let now = zombies()
    #expect(try await eventually { now.isDisjoint(with: zombies()) })
  }
}

private func kind(_ scene: Scene, _ arguments: [String]) async -> SandboxError.Kind? {
  await kind(scene, scene.command(arguments))
}

private func kind(_ scene: Scene, _ command: SandboxedCommand) async -> SandboxError.Kind? {
  do throws(SandboxError) {
    _ = try await scene.sandbox.run(command)
    return nil
  } catch { return error.kind }
}

/// Children of this process that nobody waited for.
private func zombies() -> Set<String> {
  guard let listing = opendir("/proc") else { return [] }
  defer { closedir(listing) }
  var found: Set<String> = []
  while let entry = readdir(listing) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    guard pid_t(name) != nil, let text = fileBytes("/proc/\(name)/stat") else { continue }
    let line = String(decoding: text, as: UTF8.self)
    // Other tests have children of their own.
    if line.contains("(codeagent-launc) Z \(getpid()) ") { found.insert(name) }
  }
  return found
}
