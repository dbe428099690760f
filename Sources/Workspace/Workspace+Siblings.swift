import Glibc
import Paths

extension Workspace {
  /// Opens another workspace on the same base with nothing changed: the judge's.
  /// - Parameter name: letters, digits, `-` and `_`; the workspace that had it is dropped.
  public func clean(named name: String) async throws(WorkspaceError) -> Workspace {
    try prepareSibling(name)
    return try Workspace(shared, sibling: name, sandbox: sandbox, view: view, below: nil)
  }

  /// Opens another workspace on top of this one as it is now, to try something. Its snapshots and diffs are relative to
  /// this one.
  ///
  /// As long as the fork lives, this workspace must neither be written nor run commands.
  /// - Parameter name: as for ``clean(named:)``.
  public func fork(named name: String) async throws(WorkspaceError) -> Workspace {
    await acquire()
    defer { release() }
    try prepareSibling(name)
    let layers =
      tree.isCopy
      ? Layers(main: [tree.own], extras: extras.map { [$0.own, $0.mountPoint] })
      : Layers(main: [tree.own] + tree.lowers, extras: extras.map { [$0.own] + $0.lowers })
    return try Workspace(shared, sibling: name, sandbox: sandbox, view: view, below: layers)
  }

  private func prepareSibling(_ name: String) throws(WorkspaceError) {
    let isPlain = name.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x2d || $0 == 0x5f
    }
    guard isPlain, !name.isEmpty, name.utf8.count <= 100 else {
      throw WorkspaceError(.outside, "\(Quoting.quote(Array(name.utf8))) is no name for a workspace")
    }
    let siblings = try shared.storage.makeDirectory("siblings")
    try siblings.removeTree(Array(name.utf8))
    for index in extras.indices { try siblings.removeTree(Array("\(name)-git\(index)".utf8)) }
  }

  /// Makes what the workspace holds now part of the base: what `--setup` left. Later snapshots and diffs are relative to
  /// it, and clean siblings begin with it.
  public func freezeBase() async throws(WorkspaceError) {
    await acquire()
    defer { release() }
    guard sibling == nil else {
      throw WorkspaceError(.outside, "only the run's own workspace can become its base")
    }
    let number = shared.frozenLayers
    try shared.storage.makeDirectory("layers")
    for (index, tree) in ([tree] + extras).enumerated() {
      let target = shared.storage.path("layers", index == 0 ? "\(number)" : "\(number)-git\(index - 1)")
      let moved = withPath(tree.own) { from in withPath(target) { rename(from, $0) } }
      guard moved == 0 else { throw .writing(target) }
    }
    try shared.addFrozenLayer()
    try reopenTrees()
  }

  /// Opens the trees again after the base has changed.
  private func reopenTrees() throws(WorkspaceError) {
    let layers = shared.baseLayers
    let isCopy = tree.isCopy
    tree = try CopyOnWriteTree(
      shared.storage, mountPoint: location.root, place: tree.place, lowers: layers.main, isCopy: isCopy)
    var opened: [CopyOnWriteTree] = []
    for (extra, lowers) in zip(extras, layers.extras) {
      let copy = try CopyOnWriteTree(
        shared.storage, mountPoint: extra.mountPoint, place: extra.place, lowers: lowers, isCopy: isCopy)
      if isCopy { try Self.fill(copy, from: copy.base, nil, hidden: []) }
      opened.append(copy)
    }
    extras = opened
    shared.originals.forgetAll()
    scanner = shared.makeScanner(tree, shared.originals, masked: view.masked)
    if isCopy { try Self.fill(tree, from: tree.base, scanner, hidden: view.masked) }
  }

  /// Drops the workspace and everything it holds. A sibling drops its own files only; the run's own workspace drops
  /// the whole storage. Nothing can be done with it afterwards.
  public func discard() async throws(WorkspaceError) {
    await acquire()
    defer { release() }
    let storage = shared.storage
    if let sibling {
      guard let siblings = storage.directory.subdirectory(Array("siblings".utf8)) else { return }
      try siblings.removeTree(Array(sibling.utf8))
      for index in extras.indices { try siblings.removeTree(Array("\(sibling)-git\(index)".utf8)) }
      return
    }
    for name in try storage.directory.names() where name != Array("lock".utf8) {
      try storage.directory.removeTree(name)
    }
    // The lock last: what another process put there meanwhile keeps the directory.
    try storage.directory.unlink(Array("lock".utf8))
    _ = withPath(storage.path) { rmdir($0) }
  }
}

extension Workspace {
  /// Does something with this workspace and drops it then, however that ends.
  /// - Throws: what the work throws; where it succeeds, what dropping throws.
  public func discarded<Value>(
    isolation: isolated (any Actor)? = #isolation, after work: () async throws -> Value
  ) async throws -> Value {
    let value: Value
    do {
      value = try await work()
    } catch {
      try? await discard()
      throw error
    }
    try await discard()
    return value
  }

  /// Drops the storage of a run that no process works with, and everything in it. A missing one is fine.
  /// - Throws: `locked`.
  public static func removeStorage(_ path: [UInt8]) throws(WorkspaceError) {
    guard withPath(path, { access($0, F_OK) }) == 0 else { return }
    let storage = try RunStorage(path: path)
    _ = try CheckoutWriter.recover(storage)
    for name in try storage.directory.names() { try storage.directory.removeTree(name) }
    if withPath(path, { rmdir($0) }) != 0 && errno != ENOENT { throw .writing(path) }
  }
}
