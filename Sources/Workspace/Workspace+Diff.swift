public import Git
public import Paths

/// How one file differs between two snapshots.
public struct FileDiff: Sendable, Hashable {
  /// Which file.
  public let path: RepoPath
  /// What happened to it.
  public let kind: FileChange.Kind
  /// The older content; nil for a new file.
  public let beforeID: ObjectID?
  /// The newer content; nil for a file that is gone.
  public let afterID: ObjectID?
  /// The older mode.
  public let beforeMode: FileMode?
  /// The newer mode.
  public let afterMode: FileMode?
  /// Lines added; 0 for binary content.
  public let added: Int
  /// Lines removed; 0 for binary content.
  public let removed: Int
  /// True for content that has no lines.
  public let isBinary: Bool
  /// The change in git's patch format; all patches of a diff after each other are what `git apply` takes.
  public let patch: [UInt8]
}

extension Workspace {
  /// How the files differ between two snapshots, in path order.
  /// - Parameter older: nil for the base.
  /// - Throws: `unknownSnapshot` when content is not stored.
  public func diff(from older: Snapshot?, to newer: Snapshot) throws(WorkspaceError) -> [FileDiff] {
    var result: [FileDiff] = []
    for change in newer.changes {
      let earlier = older?[change.path]
      let before = earlier == nil ? change.before : earlier?.after
      if let diff = try fileDiff(change.path, before, change.after) { result.append(diff) }
    }
    for change in older?.changes ?? [] where newer[change.path] == nil {
      if let diff = try fileDiff(change.path, change.after, change.before) { result.append(diff) }
    }
    return result.sorted { $0.path < $1.path }
  }

  private func fileDiff(
    _ path: RepoPath, _ before: FileVersion?, _ after: FileVersion?
  ) throws(WorkspaceError) -> FileDiff? {
    if before == after { return nil }
    let old = try side(before)
    let new = try side(after)
    let patch: [UInt8]
    if let old, let new, (old.mode == .symlink) != (new.mode == .symlink) {
      // Git writes a change of type as a removal and an addition.
      patch = try unified(path, old, nil) + unified(path, nil, new)
    } else {
      patch = try unified(path, old, new)
    }
    let isBinary = Diff.isBinary(old?.content ?? []) || Diff.isBinary(new?.content ?? [])
    let lines = isBinary ? (0, 0) : Self.countLines(patch)
    let kind = FileChange(path: path, before: before, after: after).kind
    return FileDiff(
      path: path, kind: kind, beforeID: before?.id, afterID: after?.id, beforeMode: before?.mode,
      afterMode: after?.mode, added: lines.0, removed: lines.1, isBinary: isBinary, patch: patch)
  }

  private func side(_ version: FileVersion?) throws(WorkspaceError) -> Diff.Side? {
    guard let version else { return nil }
    return Diff.Side(try store.read(version.id), mode: version.mode)
  }

  private func unified(_ path: RepoPath, _ old: Diff.Side?, _ new: Diff.Side?) throws(WorkspaceError) -> [UInt8] {
    try usingGit { () throws(GitError) in try Diff.unified(old: old, new: new, oldPath: path, newPath: path) }
  }

  /// Lines added and removed in the hunks of a patch.
  private static func countLines(_ patch: [UInt8]) -> (Int, Int) {
    var added = 0
    var removed = 0
    var isInHunk = false
    for line in patch.split(separator: 0x0a) {
      if line.starts(with: Array("@@ ".utf8)) {
        isInHunk = true
      } else if line.starts(with: Array("diff --git ".utf8)) {
        isInHunk = false
      } else if isInHunk {
        if line.first == UInt8(ascii: "+") { added += 1 }
        if line.first == UInt8(ascii: "-") { removed += 1 }
      }
    }
    return (added, removed)
  }
}
