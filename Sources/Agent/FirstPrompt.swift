import CodeIndex
import Conversation
import Git
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
  let recorder: Recorder

  /// The message for a model that reads text.
  func item() -> Item {
    let instructions = Instructions.read(location)
    let text = Prompt.first.filled([
      "task": task ?? Prompt.repairTask.filled(),
      "root": Quoting.quote(location.root),
      "project": location.project.quoted,
      "command": tests.map { "\($0.shell)  (\($0.reason))" } ?? "(none is known)",
      "baseline": baseline.map { Prompt.baseline.filled(["report": ReportText.describe($0)]) } ?? "",
      "instructions": instructions.isEmpty ? "" : Prompt.instructions.filled(["files": instructions]),
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

/// The repository's `AGENTS.md` files, from the committed base: what lies uncommitted in the checkout, or what a run
/// writes, instructs nobody.
enum Instructions {
  private static let name = Array("AGENTS.md".utf8)
  private static let limit = 16_000

  /// The files from the root down to the project directory, quoted.
  static func read(_ location: CheckoutLocation) -> String {
    guard let place = location.repository, let repository = try? Repository.open(place),
      let commit = try? repository.head.commit, let tree = try? repository.tree(of: commit)
    else { return "" }
    var directories: [RepoPath] = [.root]
    for component in location.project.components {
      if let last = directories.last, let next = last.appending(component) { directories.append(next) }
    }
    var parts: [String] = []
    for directory in directories {
      guard let path = directory.appending(name), let entry = try? repository.entry(tree, path),
        let bytes = try? repository.readBlob(entry.id)
      else { continue }
      let text = OutputText.bounded(OutputText.clean(bytes), limit: limit)
      parts.append("## \(path.quoted)\n\n" + text.split(separator: "\n", omittingEmptySubsequences: false)
        .map { "> " + $0 }.joined(separator: "\n"))
    }
    return parts.joined(separator: "\n\n")
  }
}
