public import Paths

/// What differs at one path between two trees.
public struct ChangedPath: Sendable, Hashable {
  /// Which path. A renamed file is one path gone and another one new.
  public let path: RepoPath
  /// What was there; nil when nothing.
  public let old: TreeChange.Content?
  /// What is there now; nil when nothing.
  public let new: TreeChange.Content?
}

extension Repository {
  /// The files, links and submodules that differ between two trees, in path order. Equal directories are not read, so
  /// the cost is that of what changed.
  /// - Parameter old: nil for "nothing", as before a first commit.
  public func changes(from old: ObjectID?, to new: ObjectID?) throws(GitError) -> [ChangedPath] {
    var result: [ChangedPath] = []
    try compare(old, new, at: .root, depth: 0, into: &result)
    return result.sorted { $0.path < $1.path }
  }

  private func compare(
    _ old: ObjectID?, _ new: ObjectID?, at directory: RepoPath, depth: Int, into result: inout [ChangedPath]
  ) throws(GitError) {
    guard old != new else { return }
    guard depth < Self.maximumDepth else { throw GitError(.corrupt, "a tree is nested too deeply at \(directory)") }
    var before: [RepoPath: TreeEntry] = [:]
    if let old { for entry in try children(of: old, at: directory) { before[entry.path] = entry } }
    if let new {
      for entry in try children(of: new, at: directory) {
        try compare(before.removeValue(forKey: entry.path), entry, depth, into: &result)
      }
    }
    for entry in before.values { try compare(entry, nil, depth, into: &result) }
  }

  private func compare(
    _ old: TreeEntry?, _ new: TreeEntry?, _ depth: Int, into result: inout [ChangedPath]
  ) throws(GitError) {
    guard let path = new?.path ?? old?.path else { return }
    let oldTree = old?.mode == .tree ? old?.id : nil
    let newTree = new?.mode == .tree ? new?.id : nil
    if oldTree != nil || newTree != nil {
      try compare(oldTree, newTree, at: path, depth: depth + 1, into: &result)
    }
    let before = oldTree == nil ? old.map { TreeChange.Content(mode: $0.mode, id: $0.id) } : nil
    let after = newTree == nil ? new.map { TreeChange.Content(mode: $0.mode, id: $0.id) } : nil
    if before != after { result.append(ChangedPath(path: path, old: before, new: after)) }
  }
}
