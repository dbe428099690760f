import Access
import Agent
import ArgumentParser
import AuditTrail
import JSON
import Workspace

/// `codeagent policy explain`: which rules decided in a run, in words.
struct PolicyExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Say which rules decided in a run, and why.",
    discussion: """
      Without STEP: what was refused, asked or hidden, and how often each rule permitted. STEP is an event's number, \
      as `codeagent audit log` shows it.

      EXAMPLES
        codeagent policy explain last
        codeagent policy explain last 17
      """)

  @Argument(help: "The run's id, the beginning of one, or `last`.") var name = "last"
  @Argument(help: "The number of an event.") var step: Int?
  @OptionGroup var output: OutputOptions

  func run() throws {
    let store = try Assembly().store()
    let id = try store.run(matching: name)
    let events = try store.events(of: id)
    let explainer = Explainer(
      current: Self.authorizer(try RunRecord(id, in: store)), style: style, start: events.first?.wallTime ?? 0)
    if let step {
      guard let event = events.first(where: { $0.sequence == step }) else {
        throw UsageFailure("\(id.text) has no event \(step)", advice: "codeagent audit log \(id.text) shows them")
      }
      guard explainer.isDecision(event) else {
        throw UsageFailure("event \(step) of \(id.text) is no decision", advice: "try the effect or the refusal nearby")
      }
      Output.write(explainer.details(event))
      return
    }
    if output.json {
      for event in events where explainer.isDecision(event) {
        Output.write(
          JSONValue.object([
            "v": 1, "seq": JSONValue(event.sequence), "kind": .string(event.kind), "fields": event.fields,
          ])
          .serialized + [0x0a])
      }
      return
    }
    Output.write(explainer.summary(events))
  }

  private var style: Style { Style(hasColor: TerminalTraits.detect(Environment.current).hasColor) }

  /// The policies as they are now, for the texts of rules; nil when they cannot be put in force any more.
  private static func authorizer(_ record: RunRecord) -> CedarAuthorizer? {
    guard let assembly = try? Assembly(location: try? record.location()) else { return nil }
    let model = record.model == "builtin" ? "builtin/repair" : record.model
    return (try? assembly.policySources(chosenModels: [model])).flatMap { try? CedarAuthorizer($0) }
  }
}

/// Tells decisions in words.
private struct Explainer {
  let current: CedarAuthorizer?
  let style: Style
  let start: Int64

  func isDecision(_ event: Event) -> Bool {
    switch EventKind(rawValue: event.kind) {
    case .effectIntent, .refusal, .approval, .decision, .mask: true
    default: false
    }
  }

  /// What was not simply permitted, and a count of what was.
  func summary(_ events: [Event]) -> String {
    var text = ""
    var permits: [String: Int] = [:]
    for event in events {
      switch EventKind(rawValue: event.kind) {
      case .effectIntent: for rule in rules(event.fields) { permits[rule, default: 0] += 1 }
      case .refusal, .approval, .mask:
        text += EventText.line(event, since: start, style: style)
        for rule in rules(event.fields) { text += "          \(describe(rule))\n" }
      case .decision where event.fields["decision"]?.string != Decision.Outcome.permit.rawValue:
        text += EventText.line(event, since: start, style: style)
      default: continue
      }
    }
    if text.isEmpty { text = "nothing was refused, asked or hidden\n" }
    text += "\npermitted\n"
    for (rule, count) in permits.sorted(by: { ($0.value, $1.key) > ($1.value, $0.key) }) {
      text += "  \(String(count).padding(to: 6))\(describe(rule))\n"
    }
    return text
  }

  /// One decision with the policies that made it.
  func details(_ event: Event) -> String {
    let fields = event.fields
    var text = EventText.line(event, since: start, style: style)
    func row(_ name: String, _ value: String) {
      if !value.isEmpty { text += "  " + style.faint(name.padding(to: 12)) + Display.safe(value) + "\n" }
    }
    func list(_ name: String) -> String { (fields[name]?.array ?? []).compactMap(\.string).joined(separator: ", ") }
    row("decision", fields["decision"]?.string ?? (event.kind == EventKind.effectIntent.rawValue ? "permit" : ""))
    if fields["enforced"]?.bool == false { row("mode", "recorded, not enforced") }
    row("reason", fields["reason"]?.string ?? "")
    row("had read", list("labels"))
    row("reads", list("gains"))
    row("approvals", fields["approvals"]?.int.map { "\($0) needed, of action \(fields["action"]?.string ?? "")" } ?? "")
    let digest = fields["policy"]?.string ?? ""
    row("policies", digest)
    let isCurrent = current.map { $0.digest == digest } ?? false
    for rule in rules(fields) {
      text += "\n  \(describe(rule))\n"
      guard isCurrent, let policy = current?.policy(RuleID(rawValue: rule)) else { continue }
      for line in policy.text.split(separator: "\n", omittingEmptySubsequences: false) {
        text += "    \(Display.safe(String(line)))\n"
      }
    }
    if !isCurrent, !digest.isEmpty {
      text += style.faint("\n  the policies have changed since: their texts are not those that decided\n")
    }
    return text
  }

  private func rules(_ fields: JSONValue) -> [String] { (fields["rules"]?.array ?? []).compactMap(\.string) }

  private func describe(_ rule: String) -> String {
    guard let policy = current?.policy(RuleID(rawValue: rule)) else {
      let words = rule == "shipped/deny-by-default" ? "nothing permits it" : ""
      return "\(style.name(Display.safe(rule)))  \(words)"
    }
    let reason = policy.reason.map { "  \(Display.line($0, width: 100))" } ?? ""
    return "\(style.name(Display.safe(rule)))\(reason)  \(style.faint(Display.safe("\(policy.file):\(policy.line)")))"
  }
}
