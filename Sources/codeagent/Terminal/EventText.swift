import Agent
import AuditTrail
import JSON

/// One event of the record as a line for people.
enum EventText {
  /// Sequence, seconds since the start, what, and the facts that matter most.
  static func line(_ event: Event, since start: Int64, style: Style) -> String {
    let millis = (event.wallTime - start) / 1_000_000
    let tenths = String(millis / 1000) + "." + String(String(1000 + millis % 1000).dropFirst())
    let time = String(repeating: " ", count: max(0, 9 - tenths.count)) + tenths
    let number = String(event.sequence)
    return style.faint(String(repeating: " ", count: max(0, 5 - number.count)) + number + time) + "  "
      + describe(event, style) + "\n"
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
    case .effectIntent: return style.name(text("effect")) + "  " + subject(fields)
    case .effectOutcome:
      let details = [
        fields["status"]?.string, fields["milliseconds"]?.int.map { "\($0) ms" },
        fields["changed"]?.array.map { "changed \($0.compactMap(\.string).joined(separator: ", "))" },
        fields["error"]?.string,
      ].compactMap { $0 }
      let outcome = text("outcome")
      return "  └ " + (outcome == "done" ? style.good(outcome) : style.bad(outcome)) + " of \(number("intent"))  "
        + Display.safe(details.joined(separator: ", "))
    case .refusal:
      let verb = fields["enforced"]?.bool == false ? style.warning("would be refused") : style.bad("refused")
      return verb + "  \(subject(fields)): \(text("reason"))"
    case .approval: return style.warning("approval") + "  by \(text("by"))  \(subject(fields["effect"] ?? .null))"
    case .decision:
      let program = (fields["argv"]?.array ?? []).compactMap(\.string).joined(separator: " ")
      return "program  \(text("decision"))  \(Display.line(program, width: 100))"
    case .mask:
      return "hidden  \(number("count")) files  "
        + Display.safe((fields["rules"]?.array ?? []).compactMap(\.string).joined(separator: ", "))
    case .workspaceOpened: return "workspace  \(text("mode"))"
    case .baseline: return "baseline  \(number("passed")) passed, \(number("failed")) failed"
    case .conversation: return "conversation" + (fields["reason"]?.string.map { "  \(Display.safe($0))" } ?? "  begins")
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
    for name in ["path", "query", "model", "kind", "command"] {
      if let text = fields[name]?.string { return Display.line(text, width: 120) }
    }
    let paths = (fields["writes"]?.array ?? []) + (fields["deletes"]?.array ?? [])
    return Display.line(paths.compactMap(\.string).joined(separator: ", "), width: 120)
  }
}
