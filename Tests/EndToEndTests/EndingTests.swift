import Glibc
import JSON
import TestSupport
import Testing

/// How runs end: exit codes, budgets, faults of the provider, signals, crashes, and going on afterwards.
@Suite struct EndingTests {
  @Test func nothingToFix() async throws {
    let scratch = try Scratch()
    var files = Calculator.files
    files["calc.py"] = files["calc.py"]?.replacing("left - right", with: "left + right")
    try scratch.makeProject(files)
    let result = try await scratch.codeagent("fix", "--json")
    #expect(result.status == 0, "\(result.shown)")
    #expect(result.end?["outcome"] == "nothing_to_fix")
  }

  @Test(arguments: [
    (["fix", "no/such/path"], 2), (["fix", "calc.py"], 2), (["fix", "--model", "nobody/x"], 2),
    (["fix", "--model", "x"], 2), (["fix", "--max-turns", "0"], 2), (["fix", "--timeout", "soon"], 2),
    (["fix", ".", "a", "--task", "b"], 2), (["fix", "--json", "--patch", "-"], 2), (["fix", "--issue", "/no/such"], 2),
    (["nonsense"], 2), (["runs", "show", "r-nothing"], 2),
  ])
  func usage(arguments: [String], status: Int) async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let result = try await runningProcess(
      [builtProduct("codeagent")] + arguments, environment: scratch.environment(), cwd: scratch.project)
    #expect(result.status == Int32(status), "\(result.shown)")
    #expect(!result.err.isEmpty && !result.err.contains("Fatal error"))
  }

  @Test func usageErrorsEndTheJSONStreamToo() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let result = try await scratch.codeagent("fix", "no/such/path", "--json")
    #expect(result.end?["exit_code"] == 2)
  }

  @Test func noTestsAndNoTaskAsksForACheck() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(["notes.txt": "nothing here\n"])
    let result = try await scratch.codeagent("fix", "--json")
    #expect(result.status == 2, "\(result.shown)")
    #expect(result.err.contains("--test"))
  }

  @Test func aMissingDependencyIsToldApart() async throws {
    let scratch = try Scratch()
    var files = Calculator.files
    files["calc.py"] = "import a_module_nobody_has\n" + (files["calc.py"] ?? "")
    try scratch.makeProject(files)
    let server = try ScriptedModelServer([.say("never asked")])
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 1, "\(result.shown)")
    #expect(result.err.contains("a_module_nobody_has") && result.err.contains("--setup"))
    #expect(server.requests.isEmpty)
  }

  @Test func repositoriesThatCannotBeWorkedOn() async throws {
    let merging = try Scratch()
    try merging.makeProject(Calculator.files)
    try merging.git("checkout", "-q", "-b", "side")
    _ = try merging.directory.write("project/calc.py", "side = 1\n")
    try merging.git("commit", "-qam", "side")
    try merging.git("checkout", "-q", "main")
    _ = try merging.directory.write("project/calc.py", "main = 1\n")
    try merging.git("commit", "-qam", "main")
    _ = try? merging.git("merge", "side")
    let result = try await merging.codeagent("fix")
    #expect(result.status == 7, "\(result.shown)")
    #expect(result.err.contains("merge"))

    let bare = try Scratch()
    try bare.makeProject(Calculator.files)
    try bare.git("clone", "-q", "--bare", ".", bare.directory.path("bare.git"))
    #expect(try await bare.codeagent("fix", bare.directory.path("bare.git")).status == 7)
  }

  @Test func anEmptyRepositoryAndAPlainDirectoryWork() async throws {
    let empty = try Scratch()
    try empty.makeProject(Calculator.files, git: false)
    // The engine may find several repairs that pass: then it says so, and the user decides.
    let plain = try await empty.codeagent("fix", "--json", "--timeout", "200s")
    #expect([0, 9].contains(plain.status), "\(plain.shown)")
    try empty.git("init", "-q", "-b", "main")
    let unborn = try await empty.codeagent("fix", "--json", "--apply", "--yes", "--timeout", "200s")
    #expect([0, 9].contains(unborn.status), "\(unborn.shown)")
    let tests = try await runningProcess(
      ["python3", "-m", "unittest"], environment: empty.environment(), cwd: empty.project)
    #expect(tests.status == 0, "\(tests.shown)")
  }

  @Test func noRecordNoRun() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    _ = try scratch.directory.write("file", "in the way\n")
    let result = try await scratch.codeagent("fix", "--json", extra: ["XDG_STATE_HOME": scratch.directory.path("file")])
    #expect(result.status == 8, "\(result.shown)")
    #expect(result.end?["exit_code"] == 8)
  }

  @Test func budgetsEndRuns() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([.call("shell", ["command": "true"])])
    let result = try await scratch.codeagent(
      "fix", "--json", "--max-turns", "3", "--model", "openai/mock", server: server)
    #expect(result.status == 4, "\(result.shown)")
    #expect(server.requests.count == 3)
    #expect(result.end?["resumable"] == true)
    let timed = try await scratch.codeagent(
      "fix", "--json", "--timeout", "3s", "--model", "openai/mock",
      server: try ScriptedModelServer([.say("late").failing(.silence(seconds: 60), times: 9)]))
    #expect(timed.status == 4, "\(timed.shown)")
    let priced = try await scratch.codeagent(
      "fix", "--json", "--max-cost", "0.01", "--model", "openai/mock", server: server)
    #expect(priced.status == 4, "an unknown price is not zero: \(priced.shown)")
  }

  @Test func aFailingProviderCanBeResumed() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let failing = try ScriptedModelServer([
      .freeform("apply_patch", Calculator.fix),
      .say("Done.").failing(.status(401, code: "invalid_api_key", message: "the key was revoked"), times: 99),
    ])
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: failing)
    #expect(result.status == 5, "\(result.shown)")
    #expect(result.end?["resumable"] == true)
    #expect(!result.out.contains(Scratch.key) && !result.err.contains(Scratch.key))
    let server = try ScriptedModelServer([.freeform("apply_patch", "never asked again"), .say("Done.")])
    let resumed = try await scratch.codeagent("runs", "resume", "last", "--json", server: server)
    #expect(resumed.status == 0, "\(resumed.shown)")
    #expect(server.requests.count == 1)
  }

  @Test func rateLimitsAreWaitedFor() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([
      .freeform("apply_patch", Calculator.fix).failing(.status(429, headers: [("retry-after-ms", "50")]), times: 2),
      .say("Done.").failing(.reset(afterBytes: 200)),
    ])
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 0, "\(result.shown)")
    #expect(result.events.count { $0["type"] == "model.retrying" } == 3)
    #expect(server.requests.count == 5)
  }

  @Test func aKilledRunGoesOnWithoutAskingAgain() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let turns: [ScriptedTurn] = [
      .call("read_file", ["path": "calc.py"]), .freeform("apply_patch", Calculator.fix),
      .call("shell", ["command": "touch started; while [ ! -e go-on ]; do sleep 0.1017; done"]), .say("Done."),
    ]
    let server = try ScriptedModelServer(turns)
    let process = try scratch.start("fix", "--json", "--model", "openai/mock", server: server)
    try await isRunning("sleep 0.1017")
    kill(process.id, SIGKILL)
    let killed = try await onOwnThread { process.finish() }
    #expect(killed.status == 128 + SIGKILL)
    let listed = try await scratch.codeagent("runs", "list")
    #expect(listed.out.contains("interrupted"), "\(listed.shown)")
    let second = try ScriptedModelServer(
      [turns[0], turns[1], .call("shell", ["command": "true"]), .say("Done.")])
    // The command that was under way runs again, and finds what it waits for in the checkout.
    _ = try scratch.directory.write("project/go-on", "")
    let resumed = try await scratch.codeagent("runs", "resume", "last", "--json", server: second)
    #expect(resumed.status == 0, "\(resumed.shown)")
    #expect(second.requests.count == 1)
    #expect(second.requests.first?.toolResults.count == 3)
    #expect(try await scratch.codeagent("audit", "verify").status == 0)
  }

  @Test(arguments: [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)])
  func signalsEndRunsInOrder(signal: Int32, status: Int) async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    // A time of its own, by which what is left over is found.
    let sleep = "sleep 7\(100 + signal)"
    let server = try ScriptedModelServer([.call("shell", ["command": .string(sleep)])])
    let process = try scratch.start("fix", "--json", "--model", "openai/mock", server: server)
    try await isRunning(sleep)
    kill(process.id, signal)
    let result = try await onOwnThread { process.finish(timeout: 120) }
    #expect(result.status == Int32(status), "\(result.shown)")
    #expect(result.end?["exit_code"]?.int == status)
    let left = try runProcess(["pgrep", "-f", "^\(sleep)"])
    #expect(left.out.isEmpty)
  }

  /// Waits until a command of a model runs, told by what its arguments begin with.
  private func isRunning(_ command: String) async throws {
    for _ in 0..<600 {
      if try !runProcess(["pgrep", "-f", "^\(command)"]).out.isEmpty { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    Issue.record("it never ran: \(command)")
  }
}
