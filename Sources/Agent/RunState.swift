import AuditTrail
import Conversation
import JSON
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
  /// True when the model has been told of the baseline.
  var baselineWasShown = false
  /// True when the last answer asked for no tool.
  var modelHasStopped = false
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

  /// Folds the events of a run.
  init(events: [Event], content: (Event, String) throws -> [UInt8]?) throws {
    var first: Int64?
    for event in events {
      try apply(event, content: content)
      if first == nil { first = event.wallTime }
    }
    if let first, let last = events.last { elapsed = Double(last.wallTime - first) / 1e9 }
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
      task = try content(event, "task").map { String(decoding: $0, as: UTF8.self) }
    case .runEnded:
      ended = event.fields
    case .runResumed:
      ended = nil
      openIntents = []
    case .effectIntent:
      openIntents.append(event.sequence)
    case .effectOutcome:
      openIntents.removeAll { $0 == event.fields["intent"]?.int }
      if let id = event.fields["snapshot"]?.string { snapshot = id }
      if event.fields["setup"]?.bool == true { setupIsDone = true }
    case .baseline:
      baseline = try value("report").flatMap(TestReport.init(json:))
    case .conversation:
      items = (try value("items")?.array ?? []).compactMap(Item.init(json:))
      if event.fields["baseline"]?.bool == true { baselineWasShown = true }
    case .modelAnswer:
      if let answer = try value("answer").flatMap(ModelResponse.init(json:)) {
        add(answer, microdollars: event.fields["microdollars"]?.int)
      }
    case .item:
      if let item = try value("item").flatMap(Item.init(json:)) {
        items.append(item)
        modelHasStopped = false
      }
      if event.fields["baseline"]?.bool == true { baselineWasShown = true }
      if let id = event.fields["snapshot"]?.string { snapshot = id }
    case .plan:
      plan = (event.fields["steps"]?.array ?? []).compactMap { step in
        step["text"]?.string.map { PlanStep(text: $0, status: step["status"]?.string ?? "pending") }
      }
    case .verification:
      rounds += 1
      if event.fields["ruling"]?.string == Judge.Verdict.Ruling.rejected.rawValue {
        rejected = event.fields["snapshot"]?.string
      }
    case .workspaceOpened:
      if snapshot == nil { snapshot = event.fields["snapshot"]?.string }
    case .refusal, .approval, .secondLook:
      break
    }
  }

  /// Adds one complete answer.
  mutating func add(_ answer: ModelResponse, microdollars: Int?) {
    items += answer.items
    spending.add(answer.usage, microdollars: microdollars)
    modelHasStopped = !answer.items.contains { if case .toolCall = $0 { true } else { false } }
  }

  /// Calls of the last answer that have no result yet.
  var pendingCalls: [ToolCall] {
    var answered: Set<String> = []
    var pending: [ToolCall] = []
    for item in items.reversed() {
      switch item {
      case .toolResult(let result): answered.insert(result.callID)
      case .toolCall(let call):
        if !answered.contains(call.id) { pending.append(call) }
      case .user: return pending.reversed()
      case .assistant, .reasoning: continue
      }
    }
    return pending.reversed()
  }
}
