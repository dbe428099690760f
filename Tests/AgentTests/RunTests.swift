import AuditTrail
import Conversation
import Glibc
import JSON
import Paths
import Synchronization
import TestSupport
import Testing
import Workspace

@testable import Agent

@Suite struct RunTests {
  @Test(arguments: [
    "touch started; sleep 60", "while :; do echo flood; sleep 0.01; done",
    "trap '' TERM INT; while :; do sleep 1; done",
  ])
  func theTimeIsOverInACommand(command: String) async throws {
    let rig = try Rig(Calculator.files)
    let result = try await rig.run(Script([Script.shell(command)]), budget: Budget(seconds: 8))
    #expect(result.outcome == .budgetSpent && result.isResumable && result.outcome.exitCode == 4)
    let end = try #require(try rig.events().events.last)
    #expect(end.kind == "run.ended" && end.fields["outcome"] == "budget_spent")
    #expect(try rig.events().events.contains { $0.fields["outcome"] == "cancelled" })
  }

  @Test func whatToolsLeaveBehindIsNoChange() async throws {
    let rig = try Rig(Calculator.files)
    let result = try await rig.run(
      Script([Script.shell("mkdir .pytest_cache; echo x > .pytest_cache/seen; echo y > note"), Script.say("Done.")]))
    #expect(result.outcome == .notFixed)
    #expect(result.diff.map(\.path.quoted) == ["note"])
  }

  @Test func theTimeIsOverInAnAnswer() async throws {
    let rig = try Rig(Calculator.files)
    let model = Script { _, _ throws(ModelError) in
      do { try await Task.sleep(for: .seconds(60)) } catch { throw ModelError(kind: .cancelled, message: "cancelled") }
      return Script.say("")
    }
    let result = try await rig.run(model, budget: Budget(seconds: 3))
    #expect(result.outcome == .budgetSpent)
    #expect(try rig.seconds() < 60)
  }

  @Test func aCancelledRunIsRecordedAsInterrupted() async throws {
    let rig = try Rig(Calculator.files)
    let (began, continuation) = AsyncStream<Void>.makeStream()
    let task = Task {
      try await rig.run(Script([Script.shell("sleep 60")])) { notice in
        if case .commandStarted(_, "sleep 60", _) = notice { continuation.finish() }
      }
    }
    for await _ in began {}
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(try rig.events().events.last?.fields["outcome"] == "interrupted")
  }

  /// Nothing that a model can write ends the run, and all of it is answered.
  @Test func hostileCallsAreAnsweredAndTheRunGoesOn() async throws {
    let rig = try Rig(Calculator.files)
    let long = String(repeating: "a", count: 5000)
    let deep = String(repeating: "[", count: 100_000)
    @Sendable func json(_ value: JSONValue) -> String { String(decoding: value.serialized, as: UTF8.self) }
    func patch(_ path: String) -> String {
      json(["input": .string("*** Begin Patch\n*** Add File: \(path)\n+x\n*** End Patch")])
    }
    var calls: [(name: String, arguments: String)] = [
      ("shell", deep), ("shell", ""), ("shell", "null"), ("shell", "[]"), ("shell", json(["command": 7])),
      ("shell", json(["command": "a\u{0}b"])),
      ("shell", json(["command": .string(String(repeating: "x", count: 200_000))])),
      ("shell", json(["command": "true", "directory": "../.."])),
      ("shell", json(["command": "true", "directory": "calc.py"])),
      ("shell", json(["command": "true", "directory": "nowhere"])),
      ("shell", #"{"command":"true","timeout_seconds":1e400}"#), ("nothing", "{}"), ("", "{}"),
      ("search", json(["query": "((((", "regex": true])), ("search", json(["query": "add", "path": "/etc"])),
      ("run_tests", json(["tests": 1])), ("finish", json(["outcome": "won", "summary": ""])),
      ("update_plan", json(["steps": ["x"]])),
    ]
    for path in [
      "", "/etc/passwd", "../../etc/passwd", "a/../../..", "nul\u{0}", "\"unclosed", #""\400""#, long,
      ".", "..",
      "//", "calc.py/x",
    ] {
      calls.append(("read_file", json(["path": .string(path)])))
      calls.append(("apply_patch", patch(path)))
    }
    calls.append(("apply_patch", patch(".git/config")))
    calls += [
      ("read_file", json(["path": "calc.py", "start_line": 9_000_000])),
      ("read_file", #"{"path":"calc.py","start_line":1.5}"#),
    ]
    let script = calls
    let model = Script { _, index in
      switch index {
      case 0: Script.raw("x", script)
      case 1:
        Script.raw(
          "x",
          [
            (
              "read_file",
              json(["path": "calc.py", "start_line": -9_223_372_036_854_775_807, "end_line": 9_223_372_036_854_775_807])
            ),
            ("list_files", json(["depth": 9_223_372_036_854_775_807])),
            ("shell", json(["command": "true", "timeout_seconds": 9_223_372_036_854_775_807])),
            ("read_file", json(["path": .string("./sub//../calc.py/"), "start_line": 2, "end_line": 1])),
          ])
      case 2: Calculator.fix
      default: Script.say("")
      }
    }
    let result = try await rig.run(model)
    #expect(result.outcome == .fixed, "\(result.reason)")
    let answers = try #require(model.requests.dropFirst().first).results
    #expect(answers.count == calls.count)
    for (call, answer) in zip(calls, answers) {
      #expect(answer.isError, "\(call.name) \(call.arguments.prefix(80)): \(answer.output.prefix(200))")
    }
    let fair = try #require(model.requests.dropFirst(2).first).results.suffix(4)
    #expect(fair.allSatisfy { !$0.isError }, "\(fair)")
    #expect(fair.last?.output.contains("2\t    return left - right") == true)
    #expect(result.diff.count == 1)
  }

  @Test func instructionsOfTheCommittedBaseAreToldOnce() async throws {
    var files = Calculator.files
    files["AGENTS.md"] = "root rules"
    files["sub/AGENTS.md"] = "sub rules"
    files["sub/one.py"] = "one = 1\n"
    files["sub/two.py"] = "two = 2\n"
    files["other/x.py"] = "x = 1\n"
    let rig = try Rig(files)
    try rig.directory.write("project/sub/AGENTS.md", "uncommitted rules")
    try rig.directory.write("project/other/AGENTS.md", "other uncommitted rules")
    let model = Script([
      Script.turn("x", [("read_file", ["path": "sub/one.py"]), ("read_file", ["path": "other/x.py"])]),
      Script.call("read_file", ["path": "sub/two.py"]), Calculator.fix, Script.say("Done."),
    ])
    #expect(try await rig.run(model).outcome == .fixed)
    guard case .user(let first, _) = model.requests.first?.items.first else { return #expect(Bool(false)) }
    #expect(first.contains("> root rules") && !first.contains("sub rules"))
    let outputs = try #require(model.requests.last).results.map(\.output)
    #expect(outputs[0].contains("> sub rules"))
    #expect(!outputs[1].contains("rules") && !outputs[2].contains("rules"))
    let all = try #require(model.requests.last).items.map { "\($0)" }.joined()
    #expect(!all.contains("uncommitted"))
  }

  @Test func secretsReachNeitherTheModelNorTheRecord() async throws {
    let secret = "hunter2-Zq81xvT9w"
    var files = Calculator.files
    files["notes.txt"] = "password: \(secret)\n\"\(secret)\"\n"
    let rig = try Rig(files)
    let model = Script([
      Script.turn(
        "x", [("read_file", ["path": "notes.txt"]), ("shell", ["command": "cat notes.txt; echo \(secret) > new.txt"])]),
      Calculator.fix, Script.say("Done."),
    ])
    let result = try await rig.run(model, secrets: ["PASSWORD": secret], window: 1_000_000)
    #expect(result.outcome == .fixed)
    let sent = model.requests.flatMap(\.items).filter { if case .toolCall = $0 { false } else { true } }
    #expect(!"\(sent)".contains(secret))
    let (events, content) = try rig.events()
    for event in events {
      #expect(!"\(event.fields)".contains(secret))
      for reference in event.content {
        let text = String(decoding: try content(event, reference.name) ?? [], as: UTF8.self)
        #expect(!text.contains(secret), "\(event.kind) \(reference.name)")
      }
    }
    let folded = try RunState(events: events, content: content)
    #expect(folded.items.count == (model.requests.last?.items.count ?? 0) + 1)
  }

  @Test func aConversationThatOutgrowsItsWindowIsCut() async throws {
    let rig = try Rig(Calculator.files)
    let model = Script { request, _ in
      if request.items.count == 2, case .user = request.items[1] { return Calculator.fix }
      if request.results.last?.output == "(no output)" { return Script.say("Done.") }
      return Script.shell("seq 1 3000 | head -c 9000")
    }
    let result = try await rig.run(model, window: 12_000)
    #expect(result.outcome == .fixed, "\(result.reason)")
    #expect(model.requests.allSatisfy { $0.isWellPaired })
    #expect(model.requests.contains { $0.items.count == 2 })
  }

  @Test func aServersNonsenseCountsDoNotStopARun() async throws {
    let rig = try Rig(Calculator.files)
    let model = Script { _, index in
      var answer = index == 0 ? Calculator.fix : Script.say("Done.")
      answer.usage = Usage(input: .max, cachedInput: -5, output: .max, reasoning: .min)
      return answer
    }
    #expect(try await rig.run(model).outcome == .fixed)
  }

  /// Every effect in the record has an outcome, and barriers are durable before they begin.
  @Test func everyIntentHasAnOutcome() async throws {
    let rig = try Rig(Calculator.files)
    _ = try await rig.run(Script([Script.call("read_file", ["path": "none"]), Calculator.fix, Script.say("Done.")]))
    let (events, content) = try rig.events()
    #expect(try RunState(events: events, content: content).openIntents.isEmpty)
    #expect(events.contains { $0.fields["outcome"] == "failed" })
  }
}
