import Agent
import AuditTrail
import JSON

/// One event of the record as a line for people.
enum EventText {
  /// Where what belongs to an event begins.
  static let indent = String(repeating: " ", count: 18)

  /// Sequence, seconds since the start, what, and the facts that matter most.
  /// - Parameter outcome: what became of it, where that is told on the same line.
  static func line(_ event: Event, outcome: Event? = nil, since start: Int64, style: Style) -> String {
    // The wall clock may have been set back meanwhile.
    let millis = max(0, (event.wallTime - start) / 1_000_000)
    let tenths = String(millis / 1000) + "." + String(String(1000 + millis % 1000).dropFirst())
    let time = String(repeating: " ", count: max(0, 9 - tenths.count)) + tenths
    let number = String(event.sequence)
    return style.faint(String(repeating: " ", count: max(0, 5 - number.count)) + number + time) + "  "
      + describe(event, style) + (outcome.map { result($0, style) }.map { $0.isEmpty ? "" : "  " + $0 } ?? "")
      + marks(event, outcome, style) + "\n"
  }

  /// What became of an effect.
  private static func result(_ outcome: Event, _ style: Style) -> String {
    let fields = outcome.fields
    let state = fields["outcome"]?.string ?? ""
    var details: [String] = []
    if let status = fields["status"]?.string { details.append(status) }
    if fields["served"] != nil, let passed = fields["passed"]?.int {
      details.append(passed == 0 ? "none passes" : "\(passed) pass\(passed == 1 ? "es" : "")")
    } else if let passed = fields["passed"]?.int {
      details.append("\(passed) pass" + (fields["failed"]?.int.map { ", \($0) fail" } ?? ""))
    }
    if let time = fields["milliseconds"]?.int { details.append(Display.seconds(Double(time) / 1000)) }
    if let programs = fields["executed"]?["total"]?.int {
      details.append(Display.count(programs, "program"))
    }
    if let commit = fields["commit"]?.string { details.append("commit \(commit.prefix(12))") }
    if let error = fields["error"]?.string { details.append(Display.line(error, width: 100)) }
    let text = Display.safe(details.joined(separator: ", "))
    guard state == "done" else { return style.bad("→ \(state)") + (text.isEmpty ? "" : "  \(text)") }
    return text.isEmpty ? "" : style.faint("→ ") + text
  }

  /// Secrets that were replaced, and what allowed it.
  private static func marks(_ event: Event, _ outcome: Event?, _ style: Style) -> String {
    var text = ""
    let all = [event.fields, outcome?.fields ?? .null]
    let redacted = all.flatMap { $0["redacted"]?.array ?? [] }.compactMap { $0["rule"]?.string }
    if !redacted.isEmpty {
      text += "  " + style.warning("[replaced: \(Display.safe(Set(redacted).sorted().joined(separator: ", ")))]")
    }
    let hints = all.flatMap { $0["suspects"]?.object?.members ?? [] }.reduce(0) { $0 + ($1.value.int ?? 0) }
    if hints > 0 { text += "  " + style.warning("[\(hints) look like keys]") }
    if event.kind == EventKind.effectIntent.rawValue || event.kind == EventKind.refusal.rawValue {
      let rules = (event.fields["rules"]?.array ?? []).compactMap(\.string)
      if !rules.isEmpty { text += "  " + style.faint("by \(Display.safe(rules.joined(separator: ", ")))") }
    }
    return text
  }

  private static func describe(_ event: Event, _ style: Style) -> String {
    let fields = event.fields
    func text(_ name: String) -> String { Display.safe(fields[name]?.string ?? "") }
    func number(_ name: String) -> String { fields[name]?.int.map(String.init) ?? "?" }
    guard let kind = EventKind(rawValue: event.kind) else { return ownEvent(event, style) }
    switch kind {
    case .runStarted:
      return style.strong("run started")
        + "  \(text("checkout")) by \(text("user")), \(text("provider"))/\(text("model"))"
    case .runResumed: return style.strong("run resumed")
    case .runEnded: return style.strong("run ended: \(text("outcome"))") + "  \(text("reason"))"
    case .effectIntent:
      let count = fields["count"]?.int.map { "  \($0)" } ?? ""
      return style.name(text("effect")) + count + "  " + subject(fields)
    case .effectOutcome:
      let of = fields["intent"]?.int.map { "of \($0)" } ?? "of the preparation"
      return style.faint("└ \(of)") + "  " + (text("outcome") == "done" ? style.good("done") + "  " : "")
        + result(event, style)
    case .refusal:
      let verb = fields["enforced"]?.bool == false ? style.warning("would be refused") : style.bad("refused")
      return verb + "  \(subject(fields)): \(text("reason"))"
    case .approval: return style.warning("approval") + "  by \(text("by"))  \(subject(fields["effect"] ?? .null))"
    case .decision:
      let verb = fields["enforced"]?.bool == false ? style.warning("would be refused") : style.bad("refused")
      let about =
        text("action") == "connect" ? "connection to \(text("host")), port \(number("port"))" : text("program")
      return verb + "  \(about): \(text("reason"))"
    case .sandbox:
      let failed = (fields["checks"]?.array ?? []).filter { $0["ok"]?.bool == false }.compactMap { $0["name"]?.string }
      let outcome = failed.isEmpty ? style.good("holds") : style.bad("does not hold: \(failed.joined(separator: ", "))")
      return "sandbox  \(text("level")), watch \(text("watch")), network \(text("network"))  \(outcome)"
    case .program:
      let arguments = (fields["argv"]?.array ?? []).compactMap(\.string).joined(separator: " ")
      let ending =
        fields["deniedBy"]?.string.map { style.bad("denied by \(Display.safe($0))") }
        ?? fields["exit"]?.int.map { "exit \($0)" } ?? fields["signal"]?.int.map { "signal \($0)" } ?? text("ended")
      return "  · \(text("program"))  \(Display.line(arguments, width: 100))  \(ending)"
    case .connection:
      let outcome =
        fields["refusal"]?.string.map { style.bad("refused: \(Display.safe($0))") }
        ?? "\(number("sentBytes")) bytes sent, \(number("receivedBytes")) received"
      return "  · \(text("host")), port \(number("port"))  \(outcome)"
    case .mask:
      return "hidden  \(number("count")) files  "
        + Display.safe((fields["rules"]?.array ?? []).compactMap(\.string).joined(separator: ", "))
    case .workspaceOpened: return "workspace  \(text("mode"))"
    case .baseline: return "baseline  \(number("passed")) passed, \(number("failed")) failed"
    case .conversation: return "conversation" + (fields["reason"]?.string.map { "  \(Display.safe($0))" } ?? "  begins")
    case .modelRetry: return style.warning("tried again") + "  attempt \(number("attempt")): \(text("reason"))"
    case .modelAnswer:
      return "answer  \(text("model")), \(text("stop")), "
        + "\(fields["usage"]?["input"]?.int ?? 0) tokens in, \(fields["usage"]?["output"]?.int ?? 0) out"
    case .item: return "told the model"
    case .change:
      return "changed by tests  "
        + Display.safe((fields["changed"]?.array ?? []).compactMap(\.string).joined(separator: ", "))
    case .plan: return "plan  \(fields["steps"]?.array?.count ?? 0) steps"
    case .verification:
      let findings = (fields["findings"]?.array ?? []).compactMap(\.string)
      return "judge: \(text("ruling"))  " + Display.line(findings.first ?? "", width: 100)
    case .secondLook: return "second look  \(fields["flags"]?.array?.count ?? 0) flags"
    }
  }

  /// What the record notes about itself: who, and why.
  private static func ownEvent(_ event: Event, _ style: Style) -> String {
    let facts = ["by", "run", "path", "reason", "override", "directory"].compactMap { name in
      event.fields[name]?.string.map { "\(name) \(Display.line($0, width: 80))" }
    }
    let count = event.fields["contents"]?.int.map { ["\($0) contents"] } ?? []
    return style.strong(Display.safe(event.kind)) + "  " + (facts + count).joined(separator: ", ")
  }

  private static func subject(_ fields: JSONValue) -> String {
    if let shell = fields["argv"]?[2]?.string { return Display.line(shell, width: 120) }
    if let model = fields["model"]?.string {
      return Display.line("\(fields["provider"]?.string ?? "")/\(model)", width: 120)
    }
    for name in ["path", "query", "kind", "command"] {
      if let text = fields[name]?.string { return Display.line(text, width: 120) }
    }
    let paths = (fields["writes"]?.array ?? []) + (fields["deletes"]?.array ?? [])
    return Display.line(paths.compactMap(\.string).joined(separator: ", "), width: 120)
  }
}
