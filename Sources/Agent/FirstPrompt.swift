import CodeIndex
import Conversation
import JSON
import Paths
import Prompts
import Repair
import TestReports
import Workspace

/// Builds the first message of a run.
struct FirstPrompt {
  let location: CheckoutLocation
  let task: String?
  let tests: TestCommand?
  let baseline: TestReport?
  let pack: ContextPack?
  /// The committed `AGENTS.md` files, quoted.
  let instructions: String
  let recorder: Recorder

  /// The message for a model that reads text.
  func item() -> Item {
    let text = Prompt.first.filled([
      "task": task ?? Prompt.repairTask.filled(),
      "root": Quoting.quote(location.root),
      "project": location.project.quoted,
      "command": tests.map { "\($0.shell)  (\($0.reason))" } ?? "(none is known)",
      "baseline": baseline.map { Prompt.baseline.filled(["report": ReportText.describe($0)]) } ?? "",
      "instructions": instructions,
      "context": pack.map { Prompt.context.filled(["pack": $0.text]) } ?? "",
    ])
    return .user(text: recorder.redact(text), structured: nil)
  }

  /// The message for the built-in engine: the same facts as data.
  func engineItem(seconds: Double, files: [RepairBrief.File]) -> Item {
    let brief = RepairBrief(
      task: task, directory: location.project.joining(tests?.directory ?? .root), command: tests?.shell ?? "",
      framework: tests?.framework ?? .exitStatus, report: baseline ?? TestReport(exitStatus: nil), files: files,
      hints: pack?.places.map { $0.path.quoted } ?? [], budgetSeconds: seconds)
    return .user(text: task ?? Prompt.repairTask.filled(), structured: brief.json)
  }
}
