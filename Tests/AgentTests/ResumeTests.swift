import AuditTrail
import Conversation
import Glibc
import JSON
import TestReports
import TestSupport
import Testing

@testable import Agent

/// A run is the fold of its record.
@Suite struct ResumeTests {
  /// A run with everything in it: parallel reads, a plan, edits, tests, a rejected change, `finish`.
  private static let answers: [ModelResponse] = [
    Script.turn("Looking.", [("read_file", ["path": "calc.py"]), ("list_files", [:]), ("search", ["query": "add"])]),
    Script.call("update_plan", ["steps": [["text": "repair", "status": "in_progress"]]]),
    Script.shell("sed -i 's/left - right/5/' calc.py"),
    Script.call("run_tests", [:]),
    Script.say("Done."),
    Script.shell("sed -i 's/return 5/return left + right/' calc.py"),
    Script.call("finish", ["outcome": "done", "summary": "add subtracted"]),
  ]

  @Test func everyPrefixFoldsAndTheFoldIsWhatTheModelSaw() async throws {
    let rig = try Rig(Calculator.files)
    let model = Script(Self.answers)
    let result = try await rig.run(model)
    #expect(result.outcome == .fixed, "\(result)")
    let (events, content) = try rig.events()
    var asked = 0
    for count in 0...events.count {
      let state = try RunState(events: Array(events.prefix(count)), content: content)
      guard count < events.count, events[count].fields["effect"]?.string == "callModel" else { continue }
      #expect(state.items == model.requests[asked].items)
      #expect(state.pendingCalls.isEmpty)
      asked += 1
    }
    #expect(asked == model.requests.count)
    let end = try RunState(events: events, content: content)
    #expect(end.spending == result.spending)
    #expect(end.finish == FinishRequest(outcome: "done", summary: "add subtracted"))
    #expect(end.rounds == 2 && end.plan.count == 1)
    #expect(end.lastReport?.failing.count == 1)
    #expect(end.openIntents.isEmpty)
    #expect(model.requests.allSatisfy { $0.isWellPaired })
    for (earlier, later) in zip(model.requests, model.requests.dropFirst()) {
      #expect(later.items.starts(with: earlier.items))
    }
  }

  /// The process dies after some event; another one goes on from what the record holds.
  @Test func aRunGoesOnFromAnyPointAsIfNothingHadHappened() async throws {
    let rig = try Rig(Calculator.files)
    let model = Script(Self.answers)
    #expect(try await rig.run(model).outcome == .fixed)
    let (events, content) = try rig.events()
    var generator = Seeded(3)
    let opened = events.firstIndex { $0.kind == "workspace.opened" } ?? 0
    let finished = events.lastIndex { $0.kind == "conversation.item" } ?? 0
    var cuts = [opened + 1, finished + 1, events.count - 1]
    for _ in 0..<4 { cuts.append(Int.random(in: opened + 2..<events.count, using: &generator)) }
    // A verdict and what the model is told of it are one commit.
    for index in cuts.indices where events[cuts[index] - 1].kind == "verification" { cuts[index] += 1 }
    for (number, cut) in cuts.enumerated() {
      let name = "state-\(number)"
      try rig.directory.makeDirectory("\(name)")
      let copied = try runProcess(["cp", "-a", rig.directory.path("state/runs"), rig.directory.path("\(name)/runs")])
      #expect(copied.status == 0, "\(copied.err)")
      let run = try #require(events.first?.run)
      do {
        let log = try rig.store(name).begin(run: run)
        for event in events.prefix(cut) {
          var kept: [String: [UInt8]] = [:]
          for reference in event.content { kept[reference.name] = try content(event, reference.name) }
          try log.append(event.kind, event.fields, content: kept, durable: false)
        }
        try log.flush()
      }
      let answered = events.prefix(cut).count { $0.kind == "model.answer" }
      let again = Script(Self.answers)
      let result = try await Runs(services: rig.services(again, state: name), observe: { _ in })
        .resume(run, delivery: DeliveryRequest(), budget: Budget())
      #expect(result.outcome == .fixed, "cut after \(cut) of \(events.count): \(result.reason)")
      #expect(result.summary == "add subtracted")
      #expect(again.requests.count == Self.answers.count - answered, "cut after \(cut)")
      let known = try RunState(events: Array(events.prefix(cut)), content: content).items
      #expect(again.requests.first?.items.starts(with: known) ?? true, "cut after \(cut)")
      #expect(again.requests.allSatisfy { $0.isWellPaired })
    }
  }

  @Test func timeBetweenTwoProcessesIsNotWork() throws {
    let directory = try TemporaryDirectory("agent-test")
    let store = try AuditStore.open(at: Array(directory.path("state").utf8))
    let run = RunID.new()
    do {
      let log = try store.begin(run: run)
      try log.append("run.started", [:], durable: true)
    }
    usleepSeconds(2)
    do {
      let log = try store.resume(run: run)
      try log.append("run.resumed", [:], durable: true)
      usleepSeconds(0.1)
      try log.append("run.ended", [:], durable: true)
    }
    usleepSeconds(2)
    try store.resume(run: run).append("effect.intent", [:], durable: true)
    let state = try RunState(events: try store.events(of: run)) { _, _ in nil }
    #expect(state.elapsed >= 0.1 && state.elapsed < 4)
  }

  @Test func anEndedRunIsNotGoneOnWith() async throws {
    let rig = try Rig(Calculator.files)
    #expect(try await rig.run(Script([Calculator.fix, Script.say("Done.")])).outcome == .fixed)
    let run = try #require(try rig.events().events.first?.run)
    await #expect(throws: RunFailure.self) {
      try await Runs(services: rig.services(Script([])), observe: { _ in })
        .resume(run, delivery: DeliveryRequest(), budget: Budget())
    }
  }

  /// The budget ends with a rejected change: going on, the model knows what the judge saw.
  @Test func findingsOutliveABudget() async throws {
    let rig = try Rig(Calculator.files)
    let half = Script.shell("sed -i 's/left - right/5/' calc.py")
    let first = try await rig.run(Script([half, Script.say("Done.")]), budget: Budget(turns: 2))
    #expect(first.outcome == .budgetSpent && first.isResumable)
    let run = try #require(try rig.events().events.first?.run)
    let model = Script([
      half, half, Script.shell("sed -i 's/return 5/return left + right/' calc.py"), Script.say("Done."),
    ])
    let result = try await Runs(services: rig.services(model), observe: { _ in })
      .resume(run, delivery: DeliveryRequest(), budget: Budget(turns: 10))
    #expect(result.outcome == .fixed, "\(result.reason)")
    guard case .user(let text, _) = model.requests.first?.items.last else { return #expect(Bool(false)) }
    #expect(text.contains("test_zero"))
  }
}

private func usleepSeconds(_ seconds: Double) { usleep(UInt32(seconds * 1e6)) }
