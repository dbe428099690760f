import Access
import AuditTrail
import CodeIndex
import Conversation
import Git
import JSON
import Models
import Paths
import Prompts
import Repair
import TestReports
import Workspace

/// Drives one run: asks the model, answers its calls, lets the judge decide, until the run ends.
///
/// Every step follows from the record's fold, so a resumed run takes the same path as one that was never interrupted.
final class RunDriver {
  let run: String
  let request: RunRequest
  let services: RunServices
  let session: Session
  let recorder: Recorder
  let gate: Gate
  let toolbox: Toolbox
  let observe: @Sendable (RunNotice) -> Void
  var state: RunState
  /// Runs beside the first turn when a task is given.
  var baselineTask: Task<BaselineRun, any Error>?
  let deadline: Deadline
  private let start = ContinuousClock.now
  private let system = Prompt.system.filled()
  private let tools: [ToolDefinition]
  private let toolsDigest: String
  private var repetition = RepetitionWatch()
  private var size: ConversationSize
  /// Which of the model and its fallbacks is asked first.
  private var chosen = 0

  init(
    run: String, request: RunRequest, services: RunServices, session: Session, gate: Gate, toolbox: Toolbox,
    state: RunState, deadline: Deadline, observe: @escaping @Sendable (RunNotice) -> Void
  ) {
    self.run = run
    self.request = request
    self.services = services
    self.session = session
    self.gate = gate
    self.recorder = gate.recorder
    self.toolbox = toolbox
    tools = toolbox.definitions
    size = ConversationSize(fixed: ModelRequest(system: system, tools: tools, items: []))
    toolsDigest = PromptRecord.digest(of: tools)
    self.state = state
    self.deadline = deadline
    self.observe = observe
  }

  /// Seconds of work on this run, in this process and before it.
  var elapsed: Double { state.elapsed + (ContinuousClock.now - start).seconds }

  /// Works until the run ends.
  func work() async throws -> RunResult {
    observe(.phase(.working))
    while true {
      try Task.checkCancellation()
      let pending = state.pendingCalls
      if !pending.isEmpty {
        try await answer(pending)
      } else if state.modelHasStopped {
        if let result = try await conclude() { return result }
      } else if state.finish != nil {
        if let result = try await conclude() { return result }
      } else if let limit = request.budget.exhausted(by: state.spending, elapsed: elapsed) {
        return try await endOfBudget(limit)
      } else {
        do {
          try await ask()
        } catch let error as ModelError {
          if error.kind == .contextTooLong, try await cut() { continue }
          if error.kind == .cancelled { throw CancellationError() }
          return try await modelFailed(error)
        }
      }
    }
  }

  // MARK: Asking

  /// Asks the model once and records its whole answer before anything is done with it.
  private func ask() async throws {
    if size.tokens(of: state.items) > (services.contextWindow ?? .max) / 100 * 85 { _ = try await cut() }
    let estimated = size.tokens(of: state.items)
    let modelRequest = ModelRequest(system: system, tools: tools, items: state.items, cacheKey: run)
    // The sandbox's promises are tried beside the first request: nothing is executed before they hold.
    let gate = gate
    async let held: Void = gate.sandboxHolds()
    let (response, price) = try await answer(to: modelRequest)
    try await held
    if !response.usage.isEstimated { size.correct(estimated, by: response.usage.input) }
    state.add(response, microdollars: price)
    observe(.answered(state.spending))
    if response.stop == .length, state.modelHasStopped {
      try add(.user(text: "Your answer was cut off by its length limit. Go on, in smaller steps.", structured: nil))
    }
    // A refusal or an answer of nothing counts as having stopped; the judge then sees what there is.
    if state.pendingCalls.first.map(toolbox.mayWrite) != true || baselineTask != nil { try recorder.flush() }
  }

  /// Asks the model, and where its provider cannot answer, those that the configuration names instead. One that answered is
  /// asked first from then on.
  private func answer(to modelRequest: ModelRequest) async throws -> (ModelResponse, Int?) {
    let candidates = [PricedModel(model: services.model, price: services.price)] + services.fallbacks
    var failure: ModelError?
    for index in candidates.indices.dropFirst(chosen) {
      do {
        let answer = try await ask(candidates[index], modelRequest)
        chosen = index
        return answer
      } catch let error as ModelError {
        guard error.permitsFallback, index + 1 < candidates.count else { throw failure ?? error }
        failure = failure ?? error
        let next = candidates[index + 1].model.identity
        observe(.notice("\(error.message); asking \(next.provider)/\(next.name) instead"))
      } catch let refusal as Refusal {
        // Policy does not permit the fallback: what happened is still that the provider failed.
        guard let failure else { throw refusal }
        guard index + 1 < candidates.count else { throw failure }
      }
    }
    throw failure ?? ModelError(kind: .unavailable, message: "no model is left to ask")
  }

  private func ask(_ candidate: PricedModel, _ modelRequest: ModelRequest) async throws -> (ModelResponse, Int?) {
    let model = candidate.model
    gate.setSpending(
      Resource.Spending(
        microdollars: state.spending.microdollars.map(Int64.init),
        tokens: Int64(state.spending.usage.input + state.spending.usage.output)))
    return try await gate.perform(
      .callModel(model.identity), details: PromptRecord.fields(of: modelRequest, toolsDigest: toolsDigest)
    ) {
      var response = try await RetryRecord(recorder, observe).respond(model, to: modelRequest)
      response.usage = response.usage.plausible
      let price = model.identity.endpoint == nil ? 0 : candidate.price(response.usage)
      try recorder.append(
        .modelAnswer,
        [
          "model": JSONValue(response.model ?? model.identity.name), "id": JSONValue(response.id),
          "stop": .string(response.stop.rawValue), "usage": response.usage.json,
          "microdollars": price.map { JSONValue($0) } ?? .null,
        ], values: ["answer": response.json])
      return EffectOutcome(value: (response, price))
    }
  }

  /// Cuts the conversation down to the task, the plan, the change, the open failures and the last steps. Returns false
  /// when the last cut left nothing to gain.
  private func cut() async throws -> Bool {
    guard state.items.count > state.itemsAfterCut + 2, state.items.count > 2 else { return false }
    let diff = try await session.workspace.diff(from: nil, to: session.snapshot)
    let items = Compaction.compact(
      state.items, plan: await session.plan, diff: diff, report: await session.lastReport ?? state.baseline,
      redact: recorder.redact)
    state.items = items
    state.itemsAfterCut = items.count
    size.beginAgain()
    state.baselineWasShown = state.baseline != nil
    try recorder.append(
      .conversation, ["reason": "the conversation was cut", "baseline": .bool(state.baselineWasShown)],
      values: ["items": .array(items.map(\.json))])
    observe(
      .notice("the conversation grew too long and was cut to the task, the plan, the change and the open failures"))
    return true
  }

  // MARK: Answering

  /// Answers the calls of one answer: those that only read side by side, the others one after another, in order.
  private func answer(_ calls: [ToolCall]) async throws {
    var rest = calls[...]
    while let first = rest.first {
      if toolbox.mayWrite(first) {
        rest.removeFirst()
        try await joinBaseline()
        try add(.toolResult(watched(first, try await toolbox.run(first, in: session))))
        continue
      }
      let toolbox = self.toolbox
      let session = self.session
      let batch = rest.prefix { !toolbox.mayWrite($0) }
      rest.removeFirst(batch.count)
      var results: [Int: ToolResult] = [:]
      try await withThrowingTaskGroup(of: (Int, ToolResult).self) { group in
        for index in batch.indices {
          let call = batch[index]
          group.addTask { (index, try await toolbox.run(call, in: session)) }
        }
        for try await (index, result) in group { results[index] = result }
      }
      for index in batch.indices {
        guard let result = results[index] else { continue }
        try add(.toolResult(watched(batch[index], result)))
      }
    }
    if let report = state.baseline, !state.baselineWasShown {
      state.baselineWasShown = true
      let code = try await ContextFinder.failingCode(session, task: state.task, baseline: report)
      let text =
        Prompt.baseline.filled(["report": ReportText.describe(report)])
        + (code.map { Prompt.failingCode.filled(["pack": $0.text]) } ?? "")
      try add(.user(text: recorder.redact(text), structured: nil), fields: ["baseline": true])
    }
  }

  private func watched(_ call: ToolCall, _ result: ToolResult) -> ToolResult {
    guard let note = repetition.note(call, result) else { return result }
    var result = result
    result.output += "\n" + note
    return result
  }

  /// Adds one item to the conversation and the record.
  func add(_ item: Item, fields: JSONObject = JSONObject()) throws {
    state.append(item)
    try recorder.append(.item, .object(fields), values: ["item": item.json])
  }

  // MARK: Baseline

  /// Waits for the baseline that runs beside the first turn; nothing is written before it is known.
  func joinBaseline() async throws {
    guard let task = baselineTask else { return }
    observe(.phase(.baseline))
    let run = try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
    baselineTask = nil
    try await take(baseline: run)
    observe(.phase(.working))
  }

  /// Takes what the tests said before any change.
  /// - Parameter snapshot: the workspace afterwards, when it ran there.
  func take(baseline run: BaselineRun, snapshot: Snapshot? = nil) async throws {
    // As the record will give it back, so that a resumed run sees the very same.
    let report = TestReport(json: run.report.json) ?? run.report
    state.leftovers = run.leftovers
    if let snapshot { state.snapshot = snapshot.id }
    let leftovers = run.leftovers.sorted { $0.key < $1.key }.map { path, id in
      JSONValue.array([.string(path.quoted), .string(id)])
    }
    state.baseline = report
    state.lastReport = report
    await session.restore(report: report)
    try recorder.append(
      .baseline,
      [
        "passed": JSONValue(report.passing.count), "failed": JSONValue(report.failing.count),
        "incomplete": .bool(report.isIncomplete), "snapshot": JSONValue(snapshot?.id),
      ], values: ["report": report.json, "leftovers": .array(leftovers)], durable: true)
    try requireStart(of: report)
  }

  /// Tests that cannot start at all are told apart from tests that fail.
  func requireStart(of report: TestReport) throws(RunFailure) {
    guard let missing = report.startFailure else { return }
    throw RunFailure(
      .project, "the tests cannot start: \(missing.message)",
      hint: missing.suggestedSetup.map { "prepare the project first: --setup '\($0)'" }
        ?? "prepare the project, or name its check with --test")
  }
}

/// The tests before any change, and what running them leaves behind.
struct BaselineRun: Sendable {
  var report: TestReport
  /// Files that differ afterwards, with the hex id of what they hold; empty for a deleted one.
  var leftovers: [RepoPath: String] = [:]
  /// Seconds that it took.
  var seconds: Double

  init(_ execution: TestRunner.Execution, leaving snapshot: Snapshot) {
    report = execution.report
    seconds = execution.seconds
    for change in snapshot.changes { leftovers[change.path] = change.after?.id.hex ?? "" }
  }
}

extension ModelError {
  /// True when another provider may do better: this one could not be reached, is out of quota, or makes no sense.
  fileprivate var permitsFallback: Bool {
    switch kind {
    case .unavailable, .rateLimited, .authentication, .malformedAnswer: true
    case .cancelled, .contextTooLong, .invalidRequest: false
    }
  }
}

extension Usage {
  /// The counts, kept within what can be added up and recorded: a server may say anything.
  var plausible: Usage {
    func clamp(_ count: Int) -> Int { min(max(count, 0), 1 << 40) }
    return Usage(
      input: clamp(input), cachedInput: clamp(cachedInput), output: clamp(output), reasoning: clamp(reasoning),
      cacheWriteInput: clamp(cacheWriteInput), isEstimated: isEstimated)
  }
}

/// Notices calls that are made again with the same arguments and the same result.
struct RepetitionWatch {
  private var last: (name: String, arguments: ToolCall.Arguments, output: String)?
  private var count = 0

  /// A note for the model when a call repeats the one before it.
  mutating func note(_ call: ToolCall, _ result: ToolResult) -> String? {
    if let last, last.name == call.name, last.arguments == call.arguments, last.output == result.output {
      count += 1
      return "[This is the same call with the same result as the \(count == 1 ? "one" : "\(count)") before.]"
    }
    last = (call.name, call.arguments, result.output)
    count = 0
    return nil
  }
}
