import Agent
import Conversation
import Paths
import Workspace

/// The one quiet summary at a run's end.
enum Summary {
  /// What failed before, what passes now, the diff, how it was proven, where the record is, what to do next.
  static func render(_ result: RunResult, style: Style) -> String {
    var text = "\n\(headline(result, style))\n"
    func row(_ name: String, _ value: String) {
      text += "  " + style.faint(name.padding(to: 13)) + value + "\n"
    }
    if !result.failedBefore.isEmpty { row("failed before", list(result.failedBefore)) }
    if !result.passesNow.isEmpty { row("passes now", list(result.passesNow)) }
    for (index, sentence) in result.proof.enumerated() { row(index == 0 ? "proof" : "", Display.safe(sentence)) }
    for (index, flag) in result.flags.enumerated() {
      row(index == 0 ? "look at" : "", style.warning(Display.safe(flag)))
    }
    if !result.summary.isEmpty { row("in words", indent(Display.safe(result.summary))) }
    if !result.diff.isEmpty {
      text += "\n"
      for file in result.diff { text += DiffText.render(file, style: style, mostLines: 120) }
      text += "\n"
    }
    var spent = Display.seconds(result.seconds)
    if result.spending.usage.input > 0 {
      spent +=
        ", \(result.spending.turns) turns, \(result.spending.usage.input) tokens in "
        + "(\(result.spending.usage.cachedInput) cached), \(result.spending.usage.output) out, "
        + Display.cost(result.spending.microdollars)
    }
    row("spent", spent)
    if let delivered = result.delivered { row("delivered", Display.safe(delivered)) }
    row("record", "codeagent audit log \(result.run)")
    if let next = next(result) { row("next", style.strong(next)) }
    return text
  }

  private static func headline(_ result: RunResult, _ style: Style) -> String {
    let reason = Display.safe(result.reason)
    switch result.outcome {
    case .fixed: return style.good("✔ fixed") + "  " + reason
    case .nothingToFix: return style.good("✔ nothing to fix") + "  " + reason
    case .unconfirmed: return style.warning("? unconfirmed") + "  " + reason
    case .notFixed: return style.bad("✘ not fixed") + "  " + reason
    case .refused: return style.bad("✘ refused by policy") + "  " + reason
    case .budgetSpent: return style.bad("✘ budget spent") + "  " + reason
    case .modelFailed: return style.bad("✘ the model did not answer") + "  " + reason
    case .conflict: return style.bad("✘ not delivered") + "  " + reason
    case .recordUnavailable: return style.bad("✘ no record") + "  " + reason
    case .interrupted: return style.warning("✘ interrupted") + "  " + reason
    }
  }

  /// The next command that makes sense.
  private static func next(_ result: RunResult) -> String? {
    if result.isResumable { return "codeagent runs resume \(result.run)" }
    guard result.delivered == nil else { return nil }
    switch result.outcome {
    case .fixed: return "codeagent runs apply \(result.run)"
    case .unconfirmed: return result.diff.isEmpty ? nil : "codeagent runs apply \(result.run) --yes"
    default: return nil
    }
  }

  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(6).map { Display.safe($0) }.joined(separator: "\n               ")
    return names.count > 6 ? shown + "\n               … and \(names.count - 6) more" : shown
  }

  private static func indent(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n               ")
  }
}

extension String {
  /// The text with spaces after it up to a width.
  func padding(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
