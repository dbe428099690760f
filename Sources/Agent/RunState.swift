import AuditTrail
import Conversation
import JSON
import Paths
import TestReports

/// A run as the fold of its events: there is no second state to disagree with the record.
struct RunState: Sendable {
  /// The fields of `run.started`.
  var started: JSONValue = .null
  /// The task's text.
  var task: String?
  /// The conversation so far.
  var items: [Item] = []
  /// What was spent.
  var spending = Spending()
  /// The last snapshot that an effect recorded.
  var snapshot: String?
  /// The model's plan.
  var plan: [PlanStep] = []
  /// What the tests said before any change.
  var baseline: TestReport?
  /// Files that running the tests writes by itself, with the hex id of what it wrote; empty for a deleted one.
  var leftovers: [RepoPath: String] = [:]
  /// The `AGENTS.md` files that the model was told.
  var instructions: [RepoPath] = []
  /// True when the model has been told of the baseline.
  var baselineWasShown = false
  /// True when the last answer asked for no tool.
  var modelHasStopped = false
  /// How the model ended the work; nil while it has not, and again when the judge rejects the change.
  var finish: FinishRequest?
  /// What the last run of all tests on the workspace said; the baseline before there was one.
  var lastReport: TestReport?
  /// How many items the conversation had when it was last cut.
  var itemsAfterCut = 0
  /// The snapshot that the judge last rejected.
  var rejected: String?
  /// Rounds of judging so far.
  var rounds = 0
  /// True when preparing the project is done.
  var setupIsDone = false
  /// Seconds of work before this process.
  var elapsed: Double = 0
  /// The fields of `run.ended`, and its content.
  var ended: JSONValue?
  /// Intents without outcome.
  var openIntents: [Int] = []
  /// The labels of all that the run has read.
  var labels: Set<String> = []
  /// What people have approved.
  var approvals: [Approval] = []

  /// Folds the events of a run.
  init(events: [Event], content: (Event, String) throws -> [UInt8]?) throws {
    for event in events { try apply(event, content: content) }
    elapsed = Self.seconds(of: events)
  }

  /// Seconds of work: the time between events, less that between a process that ended and the one that went on.
  private static func seconds(of events: [Event]) -> Double {
    var nanoseconds: Int64 = 0
    for (earlier, later) in zip(events, events.dropFirst()) {
      if later.kind == EventKind.runResumed.rawValue || earlier.kind == EventKind.runEnded.rawValue { continue }
      // What was open when a process died is closed by the next one, whenever that starts.
      if later.fields["outcome"]?.string == "unknown" { continue }
      let isSameBoot = earlier.bootID == later.bootID
      let gap = isSameBoot ? later.monotonic - earlier.monotonic : later.wallTime - earlier.wallTime
      nanoseconds += max(0, gap)
    }
    return Double(nanoseconds) / 1e9
  }

  /// A run that has not begun.
  init() {}

  private mutating func apply(_ event: Event, content: (Event, String) throws -> [UInt8]?) throws {
    func value(_ name: String) throws -> JSONValue? {
      try content(event, name).flatMap { try? JSONValue(parsing: $0) }
    }
    guard let kind = EventKind(rawValue: event.kind) else { return }
    switch kind {
    case .runStarted:
      started = event.fields
      labels.formUnion((event.fields["labels"]?.array ?? []).compactMap(\.string))
      task = try content(event, "task").map { String(decoding: $0, as: UTF8.self) }
    case .runEnded:
      ended = event.fields
    case .runResumed:
      ended = nil
      openIntents = []
    case .effectIntent:
      openIntents.append(event.sequence)
      labels.formUnion((event.fields["gains"]?.array ?? []).compactMap(\.string))
    case .effectOutcome:
      openIntents.removeAll { $0 == event.fields["intent"]?.int }
      labels.formUnion((event.fields["gains"]?.array ?? []).compactMap(\.string))
      if let id = event.fields["snapshot"]?.string { snapshot = id }
      if event.fields["setup"]?.bool == true { setupIsDone = true }
      if let file = event.fields["instructions"]?.string.flatMap(RepoPath.init(quoted:)) { instructions.append(file) }
    case .baseline:
      baseline = try value("report").flatMap(TestReport.init(json:))
      lastReport = baseline
      for pair in try value("leftovers")?.array ?? [] {
        guard let pair = pair.array, pair.count == 2, let path = pair[0].string.flatMap(RepoPath.init(quoted:)) else {
          continue
        }
        leftovers[path] = pair[1].string
      }
      if let id = event.fields["snapshot"]?.string { snapshot = id }
    case .conversation:
      items = (try value("items")?.array ?? []).compactMap(Item.init(json:))
      if event.fields["reason"] != nil { itemsAfterCut = items.count }
      if event.fields["baseline"]?.bool == true { baselineWasShown = true }
    case .modelAnswer:
      if let answer = try value("answer").flatMap(ModelResponse.init(json:)) {
        add(answer, microdollars: event.fields["microdollars"]?.int)
      }
    case .item:
      if let item = try value("item").flatMap(Item.init(json:)) { append(item) }
      if event.fields["baseline"]?.bool == true { baselineWasShown = true }
    case .change:
      if let id = event.fields["snapshot"]?.string { snapshot = id }
    case .plan:
      plan = (event.fields["steps"]?.array ?? []).compactMap { step in
        step["text"]?.string.map { PlanStep(text: $0, status: step["status"]?.string ?? "pending") }
      }
    case .verification:
      judged(
        event.fields["ruling"]?.string.flatMap(Judge.Verdict.Ruling.init), event.fields["snapshot"]?.string)
    case .workspaceOpened:
      if snapshot == nil { snapshot = event.fields["snapshot"]?.string }
    case .secondLook:
      if let usage = event.fields["usage"] {
        spending.addAside(Usage(json: usage), microdollars: event.fields["microdollars"]?.int)
      }
    case .approval:
      if let approval = Approval(event.fields) { approvals.append(approval) }
    case .refusal, .decision, .mask, .modelRetry, .sandbox, .program, .connection:
      break
    }
  }

  /// Adds one complete answer.
  mutating func add(_ answer: ModelResponse, microdollars: Int?) {
    items += answer.items
    spending.add(answer.usage, microdollars: microdollars)
    modelHasStopped = !answer.items.contains { if case .toolCall = $0 { true } else { false } }
  }

  /// Adds what the model is told. A result of `finish` ends the work, one of all tests is what is known of them now.
  mutating func append(_ item: Item) {
    if case .toolResult(let result) = item, !result.isError,
      let call = lastTurn.compactMap({
        if case .toolCall(let call) = $0, call.id == result.callID { call } else { nil }
      })
      .last
    {
      switch call.name {
      case FinishTool.definition.name:
        finish = (try? ToolArguments(call.arguments)).flatMap { try? FinishTool($0) }?.request
      case RunTestsTool.definition.name where result.structured?["selected"]?.bool != true:
        if let report = result.structured.flatMap(TestReport.init(json:)) { lastReport = report }
      default: break
      }
    }
    items.append(item)
    modelHasStopped = false
  }

  /// Counts one round of judging.
  mutating func judged(_ ruling: Judge.Verdict.Ruling?, _ snapshot: String?) {
    rounds += 1
    guard ruling == .rejected else { return }
    rejected = snapshot
    finish = nil
  }

  /// The last answer and what followed it.
  private var lastTurn: ArraySlice<Item> {
    var start = items.endIndex
    var isInAnswer = false
    while start > items.startIndex {
      switch items[start - 1] {
      case .user: return items[start...]
      case .toolResult, .image: if isInAnswer { return items[start...] }
      case .toolCall, .assistant, .reasoning: isInAnswer = true
      }
      start -= 1
    }
    return items[start...]
  }

  /// Calls of the last answer that have no result yet. Servers are known to give several calls one id: each is answered.
  var pendingCalls: [ToolCall] {
    var answers: [String: Int] = [:]
    let turn = lastTurn
    for case .toolResult(let result) in turn { answers[result.callID, default: 0] += 1 }
    var pending: [ToolCall] = []
    for case .toolCall(let call) in turn {
      if let count = answers[call.id], count > 0 { answers[call.id] = count - 1 } else { pending.append(call) }
    }
    return pending
  }
}
