public import AuditTrail
public import JSON

/// The kinds of events that a run records.
public enum EventKind: String, Sendable, CaseIterable {
  /// The run's task, options, checkout and versions.
  case runStarted = "run.started"
  /// An interrupted run goes on.
  case runResumed = "run.resumed"
  /// How the run ended.
  case runEnded = "run.ended"
  /// An effect is about to happen.
  case effectIntent = "effect.intent"
  /// What became of it.
  case effectOutcome = "effect.outcome"
  /// Policy did not permit an effect, or would not have done so.
  case refusal = "policy.refusal"
  /// A person approved an effect.
  case approval = "policy.approval"
  /// Policy did not permit a program that a command starts, or a connection of its, or would not have done so.
  case decision = "policy.decision"
  /// The sandbox's promises were tried, and what is in force.
  case sandbox = "sandbox.tried"
  /// A command executed a program.
  case program = "program.executed"
  /// A command asked for a connection.
  case connection = "network.connection"
  /// What policy hides from a run's commands, and the labels of what it does not.
  case mask = "policy.mask"
  /// The workspace is open: how, and on what.
  case workspaceOpened = "workspace.opened"
  /// What the tests said before any change.
  case baseline = "baseline"
  /// The conversation's first items, or those after it was cut.
  case conversation = "conversation.began"
  /// A request to the model failed, and is made again.
  case modelRetry = "model.retry"
  /// A complete answer of the model.
  case modelAnswer = "model.answer"
  /// What the model was told: a tool's result or the judge's findings.
  case item = "conversation.item"
  /// Files that running the tests changed in the workspace.
  case change = "workspace.changed"
  /// The model's plan.
  case plan = "plan"
  /// What the judge saw.
  case verification = "verification"
  /// What the second look saw.
  case secondLook = "second.look"
}

/// Writes a run's events, with secrets replaced before anything is stored.
public struct Recorder: Sendable {
  private let log: RunLog
  private let redactor: Redactor

  /// Records into `log`.
  public init(log: RunLog, redactor: Redactor) {
    self.log = log
    self.redactor = redactor
  }

  /// Appends one event and returns its sequence number in the run.
  /// - Parameters:
  ///   - content: bytes that the event commits to.
  ///   - values: JSON that it commits to. Its strings are looked at one by one, so that a secret is found whatever JSON
  ///     makes of its line breaks, and what takes its place leaves the JSON well-formed: runs are resumed from it.
  @discardableResult
  public func append(
    _ kind: EventKind, _ fields: JSONValue, content: [String: [UInt8]] = [:], values: [String: JSONValue] = [:],
    durable: Bool = false
  ) throws(AuditError) -> Int {
    var found = Redactions()
    var content = content.mapValues { found.redact($0, redactor) }
    // Of what providers send, much looks drawn by lot: ids, and reasoning that they alone can read.
    let hints = JSONObject(counting: content.mapValues { redactor.hints(in: $0) })
    for (name, value) in values { content[name] = redact(value, &found).serialized }
    var fields = redact(fields, &found)
    if var object = fields.object {
      if let redacted = found.json { object["redacted"] = redacted }
      // Contents with texts that look like keys and are left as they are: somebody may want to look.
      if let hints { object["suspects"] = .object(hints) }
      fields = .object(object)
    }
    return try log.append(kind.rawValue, fields, content: content, durable: durable).sequence
  }

  /// Makes everything recorded so far durable.
  public func flush() throws(AuditError) { try log.flush() }

  /// A text with its secrets replaced, as the record and the model get it.
  public func redact(_ text: String) -> String {
    // Nothing this short is taken for a secret, and reports have thousands of such strings.
    if text.utf8.count < 8 { return text }
    let result = redactor.redact(Array(text.utf8))
    return result.findings.isEmpty ? text : String(decoding: result.bytes, as: UTF8.self)
  }

  private func redact(_ value: JSONValue, _ found: inout Redactions) -> JSONValue {
    switch value {
    case .string(let text):
      if text.utf8.count < 8 { return value }
      let bytes = found.replaced(Array(text.utf8), redactor)
      return bytes.map { .string(String(decoding: $0, as: UTF8.self)) } ?? value
    case .array(let elements):
      return .array(elements.map { redact($0, &found) })
    case .object(let object):
      var result = JSONObject()
      for member in object.members { result[member.name] = redact(member.value, &found) }
      return .object(result)
    default: return value
    }
  }
}

extension JSONObject {
  /// Counts by name, without those of nothing; nil when nothing is left.
  fileprivate init?(counting counts: [String: Int]) {
    self.init()
    for (name, count) in counts.sorted(by: { $0.key < $1.key }) where count > 0 { self[name] = JSONValue(count) }
    if members.isEmpty { return nil }
  }
}

/// What was replaced in one event: the record says so, by rule and placeholder.
private struct Redactions {
  private var counts: [String: [String: Int]] = [:]

  mutating func redact(_ bytes: [UInt8], _ redactor: Redactor) -> [UInt8] {
    replaced(bytes, redactor) ?? bytes
  }

  /// The bytes with secrets replaced; nil when there is none.
  mutating func replaced(_ bytes: [UInt8], _ redactor: Redactor) -> [UInt8]? {
    let result = redactor.redact(bytes)
    if result.findings.isEmpty { return nil }
    for finding in result.findings { counts[finding.rule, default: [:]][finding.placeholder, default: 0] += 1 }
    return result.bytes
  }

  var json: JSONValue? {
    if counts.isEmpty { return nil }
    var entries: [JSONValue] = []
    for (rule, placeholders) in counts.sorted(by: { $0.key < $1.key }) {
      for (placeholder, count) in placeholders.sorted(by: { $0.key < $1.key }).prefix(50) {
        entries.append(["rule": .string(rule), "placeholder": .string(placeholder), "count": JSONValue(count)])
      }
    }
    return .array(entries)
  }
}
