import Conversation
import JSON
import Prompts
import TestReports
import Workspace

/// Cuts a conversation that no longer fits. Nothing is asked of the model for it: what must survive is known.
enum Compaction {
  private static let diffLimit = 24_000
  private static let recentLimit = 8_000

  /// The first item (task and workspace) and its pictures as they were, then one item with what counts.
  static func compact(
    _ items: [Item], plan: [PlanStep], diff: [FileDiff], report: TestReport?, redact: (String) -> String
  ) -> [Item] {
    let patch = diff.map { OutputText.clean($0.patch) }.joined()
    let steps = plan.map { "- [\($0.status)] \($0.text)" }.joined(separator: "\n")
    let text = Prompt.compacted.filled([
      "plan": steps.isEmpty ? "(none)" : steps,
      "diff": patch.isEmpty ? "(none)" : OutputText.bounded(patch, limit: diffLimit),
      "failures": report.map { ReportText.describe($0) } ?? "(not known)",
      "recent": recent(items),
    ])
    // The first item keeps its data, the built-in engine's brief, and the pictures of the task stay with it.
    let task = items.prefix(1) + items.dropFirst().prefix { if case .image = $0 { true } else { false } }
    return task + [.user(text: redact(text), structured: nil)]
  }

  /// The last steps in short, newest last.
  private static func recent(_ items: [Item]) -> String {
    var lines: [String] = []
    var size = 0
    for item in items.dropFirst().reversed() {
      let line: String
      switch item {
      case .assistant(let text): line = "You said: \(OutputText.bounded(text, limit: 1500))"
      case .toolCall(let call):
        switch call.arguments {
        case .json(let text), .freeform(let text):
          line = "You called \(call.name): \(OutputText.bounded(text, limit: 600))"
        }
      case .toolResult(let result): line = "It answered: \(OutputText.bounded(result.output, limit: 800))"
      case .user, .reasoning, .image: continue
      }
      size += line.utf8.count
      if size > recentLimit { break }
      lines.append(line)
    }
    return lines.reversed().joined(separator: "\n")
  }
}
