import Git
import Paths
import TestReports
import Workspace

/// The second look: read-only, after the judge. Advice for people, never proof.
enum Review {
  /// What in a change looks like making tests pass rather than repairing code.
  /// - Parameter failing: the base's report: what its failures expect must not simply be written into the code.
  static func flags(
    _ changes: [FileChange], failing: TestReport? = nil, in workspace: Workspace
  ) async throws -> [TamperFlag] {
    var contents: [Tampering.Change] = []
    for change in changes {
      let old = try await content(change.before?.id, in: workspace)
      let new = try await content(change.after?.id, in: workspace)
      guard !Diff.isBinary(old ?? []), !Diff.isBinary(new ?? []) else { continue }
      contents.append(Tampering.Change(path: change.path, old: old, new: new))
    }
    return Tampering.flags(in: contents, failing: failing)
  }

  private static func content(_ id: ObjectID?, in workspace: Workspace) async throws -> [UInt8]? {
    guard let id else { return nil }
    return try await workspace.content(of: id)
  }
}

extension TamperFlag {
  /// The flag as a line for people.
  var sentence: String { "\(path)" + (line.map { ":\($0)" } ?? "") + " " + text }
}
