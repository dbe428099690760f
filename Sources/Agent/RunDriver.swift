import Access
import AuditTrail
import CodeIndex
import Conversation
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
  var baselineTask: Task<TestRunner.Execution, any Error>?
  private let start = ContinuousClock.now
  private var repetition = RepetitionWatch()
  private var lastCut = 0

  init(
    run: String, request: RunRequest, services: RunServices, session: Session, gate: Gate, toolbox: Toolbox,
    state: RunState, observe: @escaping @Sendable (RunNotice) -> Void
  ) {
    self.run = run
    self.request = request
    self.services = services
    self.session = session
    self.gate = gate
    self.recorder = gate.recorder
    self.toolbox = toolbox
    self.state = state
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
      } else if await session.finished != nil {
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
    if let window = services.contextWindow, estimate() > window * 85 / 100 { _ = try await cut() }
    let modelRequest = ModelRequest(
      system: Prompt.system.filled(), tools: toolbox.definitions, items: state.items, cacheKey: run)
    let model = services.model
    let observe = observe
    let secondsLeft = request.budget.seconds.map { max(1, $0 - elapsed) }
    let (response, price): (ModelResponse, Int?) = try await gate.perform(.callModel(model.identity)) {
      let response = try await withDeadline(seconds: secondsLeft) {
        try await model.respond(to: modelRequest) { observe(.model($0)) }
      }
      let price = model.identity.endpoint == nil ? 0 : services.price(response.usage)
      try recorder.append(
        .modelAnswer,
        [
          "model": JSONValue(response.model ?? model.identity.name), "id": JSONValue(response.id),
          "stop": .string(response.stop.rawValue), "usage": response.usage.json,
          "microdollars": price.map { JSONValue($0) } ?? .null,
        ], content: ["answer": response.json.serialized])
      return EffectOutcome(value: (response, price))
    }
    state.add(response, microdollars: price)
    observe(.answered(state.spending))
    if response.stop == .length, state.modelHasStopped {
      try add(.user(text: "Your answer was cut off by its length limit. Go on, in smaller steps.", structured: nil))
    }
    // A refusal or an answer of nothing counts as having stopped; the judge then sees what there is.
    if state.pendingCalls.first.map(toolbox.mayWrite) != true || baselineTask != nil { try recorder.flush() }
  }

  /// Tokens of the whole conversation, estimated.
  private func estimate() -> Int {
    state.items.reduce(0) { sum, item in
      switch item {
      case .user(let text, _), .assistant(let text): sum + TokenEstimate.tokens(in: text)
      case .reasoning(let reasoning): sum + TokenEstimate.tokens(in: reasoning.payload.text)
      case .toolCall(let call):
        switch call.arguments {
        case .json(let text), .freeform(let text): sum + TokenEstimate.tokens(in: text) + 10
        }
      case .toolResult(let result): sum + TokenEstimate.tokens(in: result.output) + 10
      }
    }
  }

  /// Cuts the conversation down to the task, the plan, the change, the open failures and the last steps. Returns false
  /// when the last cut left nothing to gain.
  private func cut() async throws -> Bool {
    guard state.items.count > lastCut + 2, state.items.count > 2 else { return false }
    let diff = try await session.workspace.diff(from: nil, to: session.snapshot)
    let items = Compaction.compact(
      state.items, plan: await session.plan, diff: diff, report: await session.lastReport ?? state.baseline)
    state.items = items
    lastCut = items.count
    try recorder.append(
      .conversation, ["reason": "the conversation was cut", "baseline": .bool(state.baselineWasShown)],
      content: ["items": JSONValue.array(items.map(\.json)).serialized])
    observe(.notice("the conversation grew too long and was cut to the task, the plan, the change and the open failures"))
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
      let text = Prompt.baseline.filled(["report": ReportText.describe(report)])
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
    state.items.append(item)
    state.modelHasStopped = false
    try recorder.append(.item, .object(fields), content: ["item": item.json.serialized])
  }

  // MARK: Baseline

  /// Waits for the baseline that runs beside the first turn; nothing is written before it is known.
  func joinBaseline() async throws {
    guard let task = baselineTask else { return }
    observe(.phase(.baseline))
    let execution = try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
    baselineTask = nil
    try await take(baseline: execution.report)
    observe(.phase(.working))
  }

  /// Takes what the tests said before any change.
  func take(baseline report: TestReport) async throws {
    state.baseline = report
    await session.restore(report: report)
    try recorder.append(
      .baseline,
      [
        "passed": JSONValue(report.passing.count), "failed": JSONValue(report.failing.count),
        "incomplete": .bool(report.isIncomplete),
      ], content: ["report": report.json.serialized], durable: true)
    if let missing = report.startFailure {
      throw RunFailure(
        .project, "the tests cannot start: \(missing.message)",
        hint: missing.suggestedSetup.map { "prepare the project first: --setup '\($0)'" }
          ?? "prepare the project, or name its check with --test")
    }
  }
}

/// Notices calls that are made again with the same arguments and the same result.
struct RepetitionWatch {
  private var last: (call: String, output: String)?
  private var count = 0

  /// A note for the model when a call repeats the one before it.
  mutating func note(_ call: ToolCall, _ result: ToolResult) -> String? {
    let key = "\(call.name)\u{0}\(call.arguments)"
    if let last, last.call == key, last.output == result.output {
      count += 1
      return "[This is the same call with the same result as the \(count == 1 ? "one" : "\(count)") before.]"
    }
    last = (key, result.output)
    count = 0
    return nil
  }
}
