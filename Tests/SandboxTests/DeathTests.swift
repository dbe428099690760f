import Glibc
import Sandbox
import Synchronization
import TestSupport
import Testing

/// Nothing of a command outlives it.
@Suite(.serialized) struct DeathTests {
  @Test func daemonsDieWithTheirCommand() async throws {
    let scene = try Scene()
    let word = uniqueWord()
    let result = try await scene.shell(
      """
      for i in 1 2 3; do setsid nohup sh -c 'trap "" HUP TERM; while :; do sleep 0.05; echo x >> late; done' \(word) & done
      (setsid setsid sh -c 'sleep 1000' \(word) &); sleep 0.1; echo started
      """)
    #expect(result.lines.last == "started")
    #expect(processes(naming: word).isEmpty)
    let size = scene.directory.bytes("upper/late")?.count
    try await Task.sleep(for: .milliseconds(200))
    #expect(scene.directory.bytes("upper/late")?.count == size)
  }

  @Test func aCommandThatClosesItsOutputRunsOn() async throws {
    let scene = try Scene()
    let result = try await scene.shell("exec >&- 2>&-; sleep 0.2; echo x > made")
    #expect(result.duration >= 0.2)
    #expect(scene.directory.text("upper/made") == "x\n")
  }

  @Test func cancellationKillsTheTree() async throws {
    let scene = try Scene()
    let word = uniqueWord()
    let command = scene.command(["/bin/sh", "-c", "trap '' TERM; (sleep 1000; : \(word)) & sh -c 'sleep 1000' \(word)"])
    let task = Task { try await scene.sandbox.run(command) }
    #expect(try await eventually { !processes(naming: word).isEmpty })
    task.cancel()
    let result = try await task.value
    #expect(result.status == .cancelled)
    #expect(processes(naming: word).isEmpty)
  }

  @Test func cancellationAtAnyMoment() async throws {
    let scene = try Scene()
    let word = uniqueWord()
    let command = scene.command(["/bin/sh", "-c", "sleep 1000", word])
    for step in 0..<30 {
      let task = Task { try await scene.sandbox.run(command) }
      try await Task.sleep(for: .microseconds(step * 400))
      task.cancel()
      #expect(try await task.value.status == .cancelled)
      #expect(processes(naming: word).isEmpty)
    }
  }

  @Test func cancelledBeforeItStarts() async throws {
    let scene = try Scene()
    let command = scene.command(["true"])
    let task = Task {
      try? await Task.sleep(for: .seconds(100))
      return try await scene.sandbox.run(command)
    }
    task.cancel()
    #expect(try await task.value.status == .cancelled)
  }

  @Test func theTreeDiesWithTheAgent() async throws {
    let word = uniqueWord()
    let agent = try itself(filter: "AgentToKill", environment: ["CODEAGENT_TEST_WORD": word])
    // The shell's own argument holds the word, and so do its daemons'.
    #expect(try await eventually { processes(naming: word).count >= 3 })
    agent.process.signal(SIGKILL)
    #expect(try await eventually(20) { processes(naming: word).isEmpty })
    _ = agent.process.finish(timeout: 60)
  }

  @Test func theTreeDiesWithAnAgentKilledDuringSetUp() async throws {
    for step in 0..<8 {
      let word = uniqueWord()
      let home = try TemporaryDirectory(word)
      let agent = try itself(
        filter: "AgentToKill", environment: ["CODEAGENT_TEST_WORD": word, "TMPDIR": home.path])
      // Set-up takes some milliseconds, after the test program's own start.
      #expect(try await eventually { !children(of: agent.process.id).isEmpty })
      usleep(useconds_t(step * 1000))
      agent.process.signal(SIGKILL)
      #expect(try await eventually(20) { processes(naming: word).isEmpty && processes(mounting: word).isEmpty })
      _ = agent.process.finish(timeout: 60)
    }
  }
}

/// Run by the tests above in a process of its own.
@Suite(.serialized) struct AgentToKill {
  @Test(.enabled(if: getenv("CODEAGENT_TEST_WORD") != nil)) func runsForEver() async throws {
    let word = String(cString: try #require(getenv("CODEAGENT_TEST_WORD")))
    let scene = try Scene()
    _ = try await scene.shell("for i in 1 2 3; do setsid sh -c 'sleep 1000; :' \(word) & done; sleep 1000")
  }
}

private func children(of process: pid_t) -> [Substring] {
  guard let listing = opendir("/proc/\(process)/task") else { return [] }
  defer { closedir(listing) }
  var found: [Substring] = []
  while let entry = readdir(listing) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let text = String(decoding: fileBytes("/proc/\(process)/task/\(name)/children") ?? [], as: UTF8.self)
    found += text.split(separator: " ").map { $0 }
  }
  return found
}

/// Processes that have a word in the list of their mounts, as the checkout's path is in a sandbox's.
private func processes(mounting word: String) -> [Substring] {
  guard let listing = opendir("/proc") else { return [] }
  defer { closedir(listing) }
  var found: [Substring] = []
  while let entry = readdir(listing) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    guard pid_t(name) != nil, let mounts = fileBytes("/proc/\(name)/mountinfo") else { continue }
    if String(decoding: mounts, as: UTF8.self).contains(word) { found.append(name[...]) }
  }
  return found
}
