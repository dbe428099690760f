import Git
import Paths
import Synchronization

/// What all workspaces of one run share: the storage, the base and its rules.
final class SharedState: Sendable {
  let location: CheckoutLocation
  let storage: RunStorage
  /// The commit that was checked out at the start.
  var head: ObjectID? { state.withLock { $0.stored.head } }
  /// What the base had where the run's workspaces differ from it; forks have their own.
  let originals = OriginalVersions()
  /// Contents of snapshots.
  let store: ObjectStore
  /// How commands are watched.
  var supervision: CommandSupervision? { supervisionState.withLock { $0 } }
  private let supervisionState = Mutex<CommandSupervision?>(nil)
  private let state: Mutex<State>

  /// Where adaptors were written, by their content; held while writing, because siblings run side by side.
  private let adaptors = Mutex<[String: [UInt8]]>([:])

  private struct State {
    var stored: StoredState
    var veil: [UInt8]?
    var extraVeils: [[UInt8]?] = []
    var rules: IgnoreRules?
  }

  init(location: CheckoutLocation, storage: RunStorage, state: StoredState) throws(WorkspaceError) {
    self.location = location
    store = try ObjectStore(storage)
    self.storage = storage
    self.state = Mutex(State(stored: state))
  }

  /// Puts a supervision in force.
  func supervise(_ supervision: CommandSupervision) { supervisionState.withLock { $0 = supervision } }

  /// Git directories that lie outside the checkout: a linked worktree's common directory, a submodule's own.
  var extraDirectories: [[UInt8]] {
    guard let repository = location.repository else { return [] }
    let isInside = { (path: [UInt8]) in (path + [0x2f]).starts(with: self.location.root + [0x2f]) }
    var result: [[UInt8]] = []
    for path in [repository.commonDirectory, repository.gitDirectory] where !isInside(path) {
      if !result.contains(where: { (path + [0x2f]).starts(with: $0 + [0x2f]) }) { result.append(path) }
    }
    return result
  }

  /// The directory with these adaptors, written at their first use.
  func adaptorDirectory(_ files: [String: [UInt8]]) throws(WorkspaceError) -> [UInt8] {
    let name = AdaptorDirectory.name(files)
    return try adaptors.withLock { written throws(WorkspaceError) in
      if let path = written[name] { return path }
      let path = try AdaptorDirectory.write(files, named: name, storage)
      written[name] = path
      return path
    }
  }

  /// Why workspaces are plain copies; nil for overlays.
  var copyReason: String? { state.withLock { $0.stored.copyReason } }

  /// Stores what reopening needs.
  func save() throws(WorkspaceError) {
    try storage.replace("state", with: state.withLock { $0.stored.encoded })
  }

  /// Remembers that overlays are refused.
  func becomeCopy(_ reason: String) throws(WorkspaceError) {
    state.withLock {
      $0.stored.copyReason = reason.isEmpty ? "overlays are refused" : reason
      $0.stored.copySince = $0.stored.frozenLayers
    }
    try save()
  }

  /// Counts a layer that became part of the base; it lies in `layers/N`, with extras in `layers/N-I`.
  func addFrozenLayer() throws(WorkspaceError) {
    state.withLock { $0.stored.frozenLayers += 1 }
    try save()
  }

  /// Counts a layer that a killed process had moved away without counting it.
  func adoptFrozenLayers() throws(WorkspaceError) {
    guard let layers = storage.directory.subdirectory(Array("layers".utf8)) else { return }
    while try layers.status(Array("\(frozenLayers)".utf8)) != nil {
      for index in extraDirectories.indices {
        let name = Array("\(frozenLayers)-git\(index)".utf8)
        if try layers.makeDirectory(name, permissions: 0o755) { try LayerOwner.current.take(layers, name) }
      }
      try addFrozenLayer()
    }
  }

  /// How many layers became part of the base.
  var frozenLayers: Int { state.withLock { $0.stored.frozenLayers } }

  /// Writes the layers that hide git configuration.
  func makeVeils() throws(WorkspaceError) {
    var veil: [UInt8]?
    if let repository = location.repository, extraDirectories.isEmpty, let place = RepoPath(".git") {
      veil = try Veil.make(storage, named: "veil", gitDirectory: repository.gitDirectory, at: place)
    }
    var extraVeils: [[UInt8]?] = []
    for (index, directory) in extraDirectories.enumerated() {
      extraVeils.append(try Veil.make(storage, named: "veil-\(index)", gitDirectory: directory, at: .root))
    }
    state.withLock {
      $0.veil = veil
      $0.extraVeils = extraVeils
    }
  }

  /// Finds the veils of a workspace that is opened again.
  func findVeils() throws(WorkspaceError) {
    let veil = storage.directory.subdirectory(Array("veil".utf8)).map { _ in storage.path("veil") }
    let extraVeils = extraDirectories.indices.map { index in
      storage.directory.subdirectory(Array("veil-\(index)".utf8)).map { _ in storage.path("veil-\(index)") }
    }
    state.withLock {
      $0.veil = veil
      $0.extraVeils = extraVeils
    }
  }

  /// The base: layers of the set-up, cleaned configuration, the checkout. A copy's set-up is a whole tree by itself.
  var baseLayers: Layers {
    let directories = extraDirectories
    return state.withLock { state in
      let frozen = (0..<state.stored.frozenLayers).reversed()
      let isWhole = state.stored.copyReason != nil && state.stored.frozenLayers > state.stored.copySince
      func layers(_ suffix: String, _ veil: [UInt8]?, _ checkout: [UInt8]) -> [[UInt8]] {
        let own = frozen.map { storage.path("layers", "\($0)\(suffix)") }
        if isWhole, let last = own.first { return [last] }
        return own + (veil.map { [$0] } ?? []) + [checkout]
      }
      var extras: [[[UInt8]]] = []
      for (index, directory) in directories.enumerated() {
        extras.append(layers("-git\(index)", state.extraVeils[index], directory))
      }
      return Layers(main: layers("", state.veil, location.root), extras: extras)
    }
  }

  /// The directory of a workspace's tree, made when it is missing.
  func place(of sibling: String?, extra: Int? = nil) throws(WorkspaceError) -> [UInt8] {
    let suffix = extra.map { "-git\($0)" } ?? ""
    if let sibling {
      try storage.makeDirectory("siblings", sibling + suffix)
      return storage.path("siblings", sibling + suffix)
    }
    try storage.makeDirectory("main" + suffix)
    return storage.path("main" + suffix)
  }

  /// A scanner for a workspace on this base.
  func makeScanner(
    _ tree: CopyOnWriteTree, _ originals: OriginalVersions, masked: [RepoPath]
  ) -> SnapshotScanner {
    let head = head
    let store = store
    let location = location
    var repository: Repository?
    var root: ObjectID?
    let scanner = SnapshotScanner(
      base: tree.base, store: store, originals: originals, rules: rules(), limits: .standard, isCopy: tree.isCopy
    ) { (path) throws(WorkspaceError) in
      guard let place = location.repository, let head else { return false }
      return try usingGit { () throws(GitError) in
        if repository == nil { repository = try Repository.open(place) }
        guard let repository else { return false }
        if root == nil { root = try repository.tree(of: head) }
        return try root.flatMap { (tree) throws(GitError) in try repository.entry(tree, path) } != nil
      }
    }
    scanner.masked = Set(masked)
    return scanner
  }

  /// The ignore rules of the checkout as it is; a workspace's own changes to `.gitignore` never count.
  private func rules() -> IgnoreRules {
    state.withLock { state in
      if let rules = state.rules { return rules }
      var exclude: [UInt8] = []
      if let repository = location.repository,
        let information = try? Descriptor.directory(repository.commonDirectory + Array("/info".utf8))
      {
        exclude = (try? information.contents(Array("exclude".utf8), limit: 1 << 20)) ?? []
      }
      let rules = IgnoreRules(directory: location.root, exclude: exclude)
      state.rules = rules
      return rules
    }
  }
}
