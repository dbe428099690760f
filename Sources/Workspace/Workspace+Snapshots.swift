public import Git
public import Paths

extension Workspace {
  /// Records which files differ from the base, and stores their content.
  ///
  /// The cost is that of the files that changed since the last one, and of a look at the run's own layer; the checkout is
  /// not walked. Equal changes give the same id.
  /// - Throws: `noSpace`, `tooLarge` when more files differ than ``SnapshotLimits/files``.
  public func snapshot() async throws(WorkspaceError) -> Snapshot {
    await acquire()
    defer { release() }
    return try takeSnapshot()
  }

  func takeSnapshot() throws(WorkspaceError) -> Snapshot {
    let found = try scanner.scan(tree.merged.layers[0].root)
    let leftOut = found.leftOut.sorted { ($0.path, $0.reason.rawValue) < ($1.path, $1.reason.rawValue) }
    let manifest = SnapshotManifest.encode(found.changes, leftOut)
    let id = try store.write(manifest)
    let ignored = IgnoredChanges(
      count: found.ignoredCount, isComplete: found.ignoredIsComplete, sample: found.ignoredSample)
    return Snapshot(id: id.hex, changes: found.changes, ignoredChanges: ignored, leftOut: leftOut)
  }

  /// A snapshot that was taken in this run, also before the process was killed.
  /// - Throws: `unknownSnapshot`.
  public func snapshot(id: String) throws(WorkspaceError) -> Snapshot {
    guard let name = ObjectID(hex: id), let snapshot = SnapshotManifest.decode(try store.read(name), id: name) else {
      throw WorkspaceError(.unknownSnapshot, "there is no snapshot \(Quoting.quote(Array(id.utf8)))")
    }
    return snapshot
  }

  /// Makes the workspace's files those of a snapshot again. What the snapshot does not hold stays as it is: ignored files
  /// and git's own directory.
  /// - Throws: `unknownSnapshot`, `noSpace`.
  public func restore(_ id: String) async throws(WorkspaceError) {
    await acquire()
    defer { release() }
    let wanted = try snapshot(id: id)
    scanner.originals.adopt(wanted)
    let current = try takeSnapshot()
    if current.changes == wanted.changes { return }
    scanner.layerWillChange()
    var steps: [FileChange] = []
    for change in current.changes where wanted[change.path] == nil {
      steps.append(FileChange(path: change.path, before: change.after, after: change.before))
    }
    for change in wanted.changes {
      if let now = current[change.path], now.after == change.after { continue }
      steps.append(change)
    }
    try place(steps, isReverting: { wanted[$0] == nil })
  }

  /// Writes changes into this workspace, their content taken from the run's object store: a candidate's, a sibling's.
  /// - Throws: `outside` for a protected path, `noSpace`, `unknownSnapshot` when the content is not stored.
  public func apply(_ changes: [FileChange]) async throws(WorkspaceError) {
    for change in changes { try refuseUnwritable(change.path) }
    await acquire()
    defer { release() }
    scanner.layerWillChange()
    try place(changes, isReverting: { _ in false })
  }

  /// Removes first, deepest first, so that a directory can take a file's place and the reverse.
  private func place(
    _ changes: [FileChange], isReverting: (RepoPath) -> Bool
  ) throws(WorkspaceError) {
    let editor = tree.editor
    for change in changes.sorted(by: { $0.path > $1.path }) where change.after == nil {
      scanner.forget(change.path)
      try editor.remove(change.path)
      try removeEmptyParents(of: change.path)
    }
    for change in changes.sorted(by: { $0.path < $1.path }) {
      guard let after = change.after else { continue }
      scanner.forget(change.path)
      if try tree.merged.node(change.path)?.directory != nil { try editor.remove(change.path) }
      if isReverting(change.path), try editor.uncover(change.path),
        try tree.merged.node(change.path)?.status.fileMode == after.mode
      {
        continue
      }
      let content = try store.read(after.id)
      if after.mode == .symlink {
        try editor.writeLink(change.path, target: content)
      } else {
        try editor.write(change.path, content, executable: after.mode == .executable)
      }
    }
  }

  /// Git knows no empty directories: one that loses its last file goes, as in a checkout.
  private func removeEmptyParents(of path: RepoPath) throws(WorkspaceError) {
    var parent = path.parent
    while let directory = parent, !directory.isRoot {
      guard let merged = try? tree.merged.directory(directory), try tree.merged.children(of: merged).isEmpty else {
        return
      }
      try tree.editor.remove(directory)
      parent = directory.parent
    }
  }

  /// The content of a stored version.
  /// - Throws: `unknownSnapshot` when no snapshot of this run holds it.
  public func content(of id: ObjectID) throws(WorkspaceError) -> [UInt8] { try store.read(id) }

  /// What the base has at a path; nil when it has no file there.
  /// - Throws: `masked`, `tooLarge`, `unreadable`, `outside`.
  public func baseContent(_ path: RepoPath) throws(WorkspaceError) -> [UInt8]? {
    try refuseMasked(path)
    if let original = scanner.originals[path] {
      guard let version = original.version else { return nil }
      return try store.read(version.id)
    }
    guard let node = try tree.base.node(path), node.directory == nil else { return nil }
    return try tree.base.contents(node, limit: SnapshotLimits.standard.fileBytes, subject: path)
  }
}
