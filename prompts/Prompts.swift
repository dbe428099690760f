/// The texts that models are given, one Markdown file each, built into the binary.
public enum Prompt: String, CaseIterable, Sendable {
  /// The system text of every run.
  case system
  /// The first message: task, workspace, what is known.
  case first
  /// The task when the user gave none: repair what the tests say is broken.
  case repairTask
  /// How the repository's `AGENTS.md` files are quoted.
  case instructions
  /// What the judge saw, when it did not accept the change.
  case feedback
  /// What is kept when the conversation is cut.
  case compacted
  /// The baseline's failures.
  case baseline
  /// What the index found.
  case context
  /// What the index found for failures that are known after the first message.
  case failingCode
  /// The question to a second model, after the judge.
  case review
  /// How models that know no tools call them.
  case textTools

  /// The text as written.
  public var template: String {
    let bytes: [UInt8] =
      switch self {
      case .system: PackageResources.system_md
      case .first: PackageResources.first_md
      case .repairTask: PackageResources.repair_task_md
      case .instructions: PackageResources.instructions_md
      case .feedback: PackageResources.feedback_md
      case .compacted: PackageResources.compacted_md
      case .baseline: PackageResources.baseline_md
      case .context: PackageResources.context_md
      case .failingCode: PackageResources.failing_code_md
      case .review: PackageResources.review_md
      case .textTools: PackageResources.text_tools_md
      }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The text with its `{{names}}` filled in. Values are inserted as they are and never searched for further names, so
  /// that repository text cannot reach another slot.
  public func filled(_ values: [String: String] = [:]) -> String {
    var rest = template[...]
    var result = ""
    while let open = rest.range(of: "{{") {
      guard let close = rest[open.upperBound...].range(of: "}}") else { break }
      result += rest[..<open.lowerBound]
      result += values[String(rest[open.upperBound..<close.lowerBound])] ?? ""
      rest = rest[close.upperBound...]
    }
    return result + rest
  }
}

extension Substring {
  /// The first place of a text, without Foundation.
  fileprivate func range(of needle: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(needle) { return start..<index(start, offsetBy: needle.count) }
      start = index(after: start)
    }
    return nil
  }
}
