import AuditTrail
import Conversation
import JSON
import Prompts
import TestReports
import Workspace

extension RunDriver {
  /// Lets the judge decide when the model has stopped. Returns nil when the work goes on.
  func conclude() async throws -> RunResult? {
    try await joinBaseline()
    let finish = state.finish
    let summary = finish?.summary ?? lastWords
    if let finish, finish.outcome == "cannot_be_done" || finish.outcome == "not_fixed" {
      return try await end(.notFixed, finish.summary, summary: summary)
    }
    let snapshot = await session.snapshot
    let parts = try await ChangeParts(snapshot, leftovers: state.leftovers, in: session.workspace)
    guard !parts.isEmpty else {
      return try await concludeWithoutChange(snapshot, summary: summary)
    }
    if let unsteady = await session.lastReport?.unsteady {
      state.baseline = state.baseline?.settingApart(Set(unsteady))
    }
    guard let tests = session.tests, let baseline = state.baseline else {
      let deliverable = try await deliverable(parts)
      var result = try await result(
        .unconfirmed, "no check is known for this project: name one with --test", of: deliverable)
      result.summary = summary
      return try await close(&result, deliverable)
    }
    observe(.phase(.verifying))
    let judge = Judge(
      workspace: session.workspace, tests: tests, baseline: baseline, leftovers: state.leftovers,
      targets: TaskTargets.targets(
        task: state.task, command: tests.command, isUsersOwn: request.testCommand != nil, baseline: baseline))
    let verdict = try await judge.judge(snapshot, round: state.rounds + 1)
    let isTold = state.rejected == snapshot.id
    state.judged(verdict.ruling, snapshot.id)
    // Not durable by itself: what the model is told of it, or the end of the run, is committed together with it.
    try recorder.append(
      .verification,
      [
        "ruling": .string(verdict.ruling.rawValue), "snapshot": .string(snapshot.id),
        "deliverable": .string(verdict.deliverable.id),
        "findings": .array(verdict.findings.map { .string($0) }), "proof": .array(verdict.proof.map { .string($0) }),
        "notes": .array(verdict.notes.map { .string($0) }),
        "passesNow": .array(verdict.passesNow.prefix(200).map { .string($0) }),
      ])
    observe(.judged(accepted: verdict.ruling != .rejected, findings: verdict.findings.joined(separator: "\n")))
    switch verdict.ruling {
    case .rejected:
      return try await rejected(verdict, isTold: isTold, summary: summary)
    case .proven, .unconfirmed:
      let isRivalled = finish?.outcome == "unconfirmed"
      let outcome: RunOutcome = verdict.ruling == .proven && !isRivalled ? .fixed : .unconfirmed
      var result = try await result(
        outcome, reason(verdict, isRivalled: isRivalled), of: verdict.deliverable)
      result.summary = summary
      result.failedBefore = baseline.isNamed ? baseline.failing : [tests.command.shell]
      result.passesNow = verdict.passesNow
      result.proof = verdict.proof + verdict.notes
      return try await close(&result, verdict.deliverable)
    }
  }

  private func reason(_ verdict: Judge.Verdict, isRivalled: Bool) -> String {
    if isRivalled { return "the tests pass, but other changes would make them pass as well" }
    switch verdict.ruling {
    case .proven: return "the failing checks pass and nothing is lost, judged in a clean workspace"
    default: return verdict.notes.last ?? "nothing proves that the change does what was asked"
    }
  }

  private var lastWords: String {
    for item in state.items.reversed() {
      if case .assistant(let text) = item { return text }
    }
    return ""
  }

  /// The model stopped and changed nothing: it is told so once when checks are open, and then believed.
  private func concludeWithoutChange(_ snapshot: Snapshot, summary: String) async throws -> RunResult? {
    let isTold = state.rejected == snapshot.id
    if state.task == nil, let baseline = state.baseline, !isTold || request.keepsGoing {
      state.judged(.rejected, snapshot.id)
      try recorder.append(
        .verification,
        ["ruling": .string(Judge.Verdict.Ruling.rejected.rawValue), "snapshot": .string(snapshot.id), "empty": true])
      try add(
        .user(
          text: Prompt.feedback.filled([
            "findings": "Nothing was changed.\n" + recorder.redact(ReportText.describe(baseline))
          ]), structured: nil))
      return nil
    }
    return try await end(.notFixed, "the model ended without changing anything", summary: summary)
  }

  /// What the judge saw goes back to the model, unless nothing has changed since it was told last.
  private func rejected(_ verdict: Judge.Verdict, isTold: Bool, summary: String) async throws -> RunResult? {
    // It is told in any case: a run whose budget ended can go on from here.
    if !isTold || request.keepsGoing {
      let findings = recorder.redact(
        OutputText.bounded(verdict.findings.map { "- \($0)" }.joined(separator: "\n")))
      try add(.user(text: Prompt.feedback.filled(["findings": findings]), structured: nil))
    }
    let exhausted = request.budget.exhausted(by: state.spending, elapsed: elapsed)
    if isTold && !request.keepsGoing || exhausted != nil {
      let open = verdict.findings.first.map { ": " + OutputText.start(of: $0, 300) } ?? ""
      var result = try await result(
        exhausted == nil ? .notFixed : .budgetSpent, "the judge does not accept the change" + open)
      result.summary = summary
      result.failedBefore = state.baseline?.failing ?? []
      result.passesNow = verdict.passesNow
      result.proof = verdict.notes
      result.isResumable = exhausted != nil
      return try record(&result)
    }
    try recorder.flush()
    return nil
  }

  /// The second look, delivery, and the end.
  private func close(_ result: inout RunResult, _ deliverable: Snapshot) async throws -> RunResult {
    observe(.phase(.reviewing))
    let flags = try await Review.flags(deliverable.changes, failing: state.baseline, in: session.workspace)
    result.flags = flags.map(\.sentence)
    var spent = JSONObject()
    if let opinion = try await opinion(result.diff) {
      result.flags.append(opinion.words)
      if let usage = opinion.usage {
        state.spending.addAside(usage, microdollars: opinion.microdollars)
        result.spending = state.spending
        spent = ["usage": usage.json, "microdollars": opinion.microdollars.map { JSONValue($0) } ?? .null]
      }
    }
    spent["flags"] = .array(result.flags.map { .string($0) })
    try recorder.append(.secondLook, .object(spent))
    guard request.delivery.isRequested else { return try record(&result, deliverable) }
    guard result.outcome == .fixed || request.delivery.acceptUnconfirmed else {
      result.proof.append(
        "not delivered, because it is not confirmed: look at it, then `--yes` or `codeagent runs apply \(run) --yes`")
      return try record(&result, deliverable)
    }
    observe(.phase(.delivering))
    guard deadline.lift() else { throw CancellationError() }
    do {
      result.delivered = try await Delivery(workspace: session.workspace, gate: gate, run: run).deliver(
        deliverable, request.delivery, message: try commitMessage(result))
    } catch let error as Refusal {
      result.outcome = .refused
      result.reason = "the change is proven but not delivered: \(error)"
    } catch let error as WorkspaceError {
      result.outcome = .conflict
      result.reason = "the change is not delivered: \(error.message)"
    }
    return try record(&result, deliverable)
  }

  /// What a second model said, and what it cost.
  private struct Opinion {
    var words: String
    var usage: Usage?
    var microdollars: Int?
  }

  /// What a second model says of the change, read-only: advice, whatever it says. It changes no outcome.
  private func opinion(_ diff: [FileDiff]) async throws -> Opinion? {
    guard let reviewer = services.reviewer?.model, let price = services.reviewer?.price, !diff.isEmpty else {
      return nil
    }
    if let limit = request.budget.exhausted(by: state.spending, elapsed: elapsed) {
      return Opinion(words: "the second opinion was not asked for: the budget is used up: --\(limit.rawValue)")
    }
    let patch = OutputText.bounded(diff.map { OutputText.clean($0.patch) }.joined(), limit: 48_000)
    let text = Prompt.review.filled(["task": state.task ?? Prompt.repairTask.filled(), "diff": patch])
    let question = ModelRequest(
      system: "", tools: [], items: [.user(text: recorder.redact(text), structured: nil)], maxOutputTokens: 1000)
    do {
      let answer: ModelResponse = try await gate.perform(
        .callModel(reviewer.identity), details: PromptRecord.fields(of: question, toolsDigest: nil)
      ) {
        var answer = try await RetryRecord(recorder) { _ in }.respond(reviewer, to: question)
        answer.usage = answer.usage.plausible
        return EffectOutcome(
          value: answer, fields: ["usage": answer.usage.json], content: ["opinion": answer.json.serialized])
      }
      let words = answer.items.compactMap { item in if case .assistant(let text) = item { text } else { nil } }
      let said = OutputText.bounded(words.joined(separator: " "), limit: 1500)
      return Opinion(
        words: "\(reviewer.identity.provider)/\(reviewer.identity.name) "
          + (said.isEmpty ? "said nothing of the change" : "says: \(said)"),
        usage: answer.usage, microdollars: reviewer.identity.endpoint == nil ? 0 : price(answer.usage))
    } catch let error as ModelError {
      if error.kind == .cancelled { throw CancellationError() }
      return Opinion(words: "the second opinion was not given: \(error.message)")
    } catch let error as Refusal {
      return Opinion(words: "the second opinion was not asked for: \(error)")
    }
  }

  private func commitMessage(_ result: RunResult) throws -> String {
    let title =
      result.passesNow.isEmpty
      ? "Change made by a codeagent run" : "Repair \(result.passesNow.prefix(2).joined(separator: ", "))"
    return title + "\n\n" + result.proof.joined(separator: "\n") + "\n\nAssisted-by: codeagent:"
      + "\(services.model.identity.provider)/\(services.model.identity.name)\n"
      + (try RecordTrailer.text(run: run, in: services.store, recorder))
  }

  /// What of a change is delivered when no judge could look at it.
  private func deliverable(_ parts: ChangeParts) async throws -> Snapshot {
    let clean = try await session.workspace.clean(named: "deliverable")
    try await clean.apply(parts.code + parts.tests)
    let snapshot = try await clean.snapshot()
    try await clean.discard()
    return snapshot
  }

  /// A budget is used up: what there is gets judged once, so that a proven change is not thrown away.
  func endOfBudget(_ limit: BudgetLimit) async throws -> RunResult {
    observe(.notice("the budget is used up: --\(limit.rawValue)"))
    if limit == .time { return try await endOfTime() }
    let parts = try await ChangeParts(
      await session.snapshot, leftovers: state.leftovers, in: session.workspace)
    if !parts.isEmpty, state.rejected != (await session.snapshot).id,
      let result = try await conclude()
    {
      return result
    }
    var result = try await result(
      .budgetSpent, "the budget is used up before the change was proven: --\(limit.rawValue)")
    result.isResumable = true
    return try record(&result)
  }

  /// The time is over, whatever was going on: nothing more is begun, not even a last judgement.
  func endOfTime() async throws -> RunResult {
    let reason =
      await session.snapshot.changes.isEmpty
      ? "the time is over, and nothing was changed in it: give more by --timeout"
      : "the time is over before the change was proven: --timeout"
    var result = try await result(.budgetSpent, reason)
    result.failedBefore = state.baseline?.failing ?? []
    result.isResumable = true
    return try record(&result)
  }

  /// The provider gave no answer after all retries: the run can go on later.
  func modelFailed(_ error: ModelError) async throws -> RunResult {
    var result = try await result(.modelFailed, error.message)
    result.isResumable = true
    return try record(&result)
  }

  /// Ends the run.
  func end(_ outcome: RunOutcome, _ reason: String, summary: String = "") async throws -> RunResult {
    var result = try await result(outcome, reason)
    result.summary = summary
    result.failedBefore = state.baseline?.failing ?? []
    return try record(&result)
  }

  /// A result with what is known of every run.
  /// - Parameter deliverable: what is handed over; nil shows the change as far as it came.
  func result(_ outcome: RunOutcome, _ reason: String, of deliverable: Snapshot? = nil) async throws -> RunResult {
    var result = RunResult(run: run, outcome: outcome, reason: reason)
    result.spending = state.spending
    result.seconds = elapsed
    if let deliverable {
      result.diff = try await session.workspace.diff(from: nil, to: deliverable)
      return result
    }
    let snapshot = await session.snapshot
    // What tools left behind is nobody's change, whether or not the run came to one.
    let left = Set(
      try await ChangeParts(snapshot, leftovers: state.leftovers, in: session.workspace).byproducts.map(\.path))
    result.diff = try await session.workspace.diff(from: nil, to: snapshot).filter { !left.contains($0.path) }
    return result
  }

  /// Records the end, durably.
  func record(_ result: inout RunResult, _ deliverable: Snapshot? = nil) throws -> RunResult {
    try recorder.append(
      .runEnded,
      [
        "outcome": .string(result.outcome.rawValue), "exitCode": JSONValue(Int(result.outcome.exitCode)),
        "reason": .string(OutputText.bounded(result.reason, limit: 4000)), "deliverable": JSONValue(deliverable?.id),
        "delivered": JSONValue(result.delivered), "resumable": .bool(result.isResumable),
        "milliseconds": JSONValue(Int(result.seconds * 1000)), "turns": JSONValue(state.spending.turns),
        "usage": state.spending.usage.json,
        "microdollars": state.spending.microdollars.map { JSONValue($0) } ?? .null,
        "summary": .string(OutputText.start(of: result.summary, 4000)),
        "proof": .array(result.proof.map { .string($0) }), "flags": .array(result.flags.map { .string($0) }),
        "failedBefore": .array(result.failedBefore.prefix(200).map { .string($0) }),
        "passesNow": .array(result.passesNow.prefix(200).map { .string($0) }),
      ], content: ["patch": result.diff.flatMap(\.patch)], durable: true)
    return result
  }
}
