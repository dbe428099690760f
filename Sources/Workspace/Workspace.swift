public import Git
import Glibc
public import Paths
public import Sandbox
import Synchronization

/// What a run's commands see and get beside the workspace itself.
public struct WorkspaceView: Sendable, Hashable {
  /// Environment of every command.
  public var environment: [String: String]
  /// Host directories that are readable inside, beside the system's: where toolchains are installed.
  public var toolchainRoots: [[UInt8]]
  /// Paths of the checkout that are hidden: unreadable for commands, refused by ``Workspace/read(_:limit:)``.
  public var masked: [RepoPath]

  /// A view. The network is always off.
  public init(environment: [String: String], toolchainRoots: [[UInt8]] = [], masked: [RepoPath] = []) {
    self.environment = environment
    self.toolchainRoots = toolchainRoots
    self.masked = masked
  }
}

/// A copy-on-write copy of a checkout, at the checkout's own path for the commands that run in it.
///
/// Opening costs milliseconds whatever the repository's size: what a run writes goes to a directory of its own, and the
/// checkout is never written before ``deliver(_:as:)``. Files are read and written here by hand, as overlayfs shows
/// them; commands run in a sandbox that mounts the same layers. Operations that write wait for each other and for a
/// running command; reading does not wait.
///
/// Calls block on disk for as long as they need, at most.
public actor Workspace {
  /// The checkout.
  public nonisolated let location: CheckoutLocation
  /// What the checkout's HEAD named when the workspace was opened; nil without git or before a first commit.
  public nonisolated var baseCommit: ObjectID? { shared.head }

  nonisolated let shared: SharedState
  /// The name of a sibling; nil for the run's own workspace.
  let sibling: String?
  let sandbox: Sandbox
  let store: ObjectStore
  var view: WorkspaceView
  var tree: CopyOnWriteTree
  /// The git directories of a linked worktree or a submodule, which lie elsewhere.
  var extras: [CopyOnWriteTree]
  var scanner: SnapshotScanner
  private let modeState = Mutex(Mode.overlay)
  private var isBusy = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// How the copy is made.
  public enum Mode: Sendable, Hashable {
    /// An overlay.
    case overlay
    /// A plain copy, because overlays are refused here, for the reason given.
    case copy(reason: String)
  }

  /// How the copy is made. An overlay is assumed until the first command shows otherwise; see ``prepare()``.
  public nonisolated var mode: Mode { modeState.withLock { $0 } }

  /// Why the workspace is a plain copy; nil for an overlay.
  public nonisolated var modeReason: String? {
    if case .copy(let reason) = mode { reason } else { nil }
  }

  /// Opens a new workspace on a checkout.
  /// - Parameter storage: the run's own directory, made when it is missing; its parent must exist, and it must lie
  ///   outside the checkout. See ``RunStorage``.
  /// - Throws: `locked`, `outside` when the storage lies in the checkout, `notWritable`, `noSpace`, `unreadable`.
  public static func open(
    _ location: CheckoutLocation, storage: [UInt8], sandbox: Sandbox, view: WorkspaceView
  ) async throws(WorkspaceError) -> Workspace {
    let storage = try RunStorage(path: storage)
    guard !(storage.path + [0x2f]).starts(with: location.root + [0x2f]) else {
      throw WorkspaceError(
        .outside, "the run's directory \(Quoting.quote(storage.path)) lies inside the checkout",
        hint: "set the state directory to a place outside of it")
    }
    _ = try CheckoutWriter.recover(storage)
    for leftover in [
      "main", "siblings", "layers", "veil", "veil-0", "veil-1", "results", "adaptors", "state", "objects",
    ] {
      try storage.directory.removeTree(Array(leftover.utf8))
    }
    let head = try headCommit(location)
    let shared = try SharedState(
      location: location, storage: storage, state: StoredState(root: location.root, head: head))
    try shared.save()
    try shared.makeVeils()
    return try Workspace(shared, sibling: nil, sandbox: sandbox, view: view, below: nil)
  }

  /// Opens the workspace of a run that ended without discarding it: killed, or to be looked at again.
  ///
  /// What is in it is what its last command left; ``restore(_:)`` brings a snapshot back.
  /// - Throws: `notFound` when nothing is stored there, `damaged` when it does not belong to this checkout, and what
  ///   ``open(_:storage:sandbox:view:)`` throws.
  public static func reopen(
    _ location: CheckoutLocation, storage: [UInt8], sandbox: Sandbox, view: WorkspaceView
  ) async throws(WorkspaceError) -> Workspace {
    guard withPath(storage + Array("/state".utf8), { access($0, F_OK) }) == 0 else {
      throw WorkspaceError(.notFound, "no workspace is stored in \(Quoting.quote(storage))")
    }
    let storage = try RunStorage(path: storage)
    _ = try CheckoutWriter.recover(storage)
    guard let state = StoredState(try storage.directory.contents(Array("state".utf8), limit: 1 << 20)) else {
      throw WorkspaceError(.damaged, "\(Quoting.quote(storage.path("state"))) cannot be understood")
    }
    guard state.root == location.root else {
      throw WorkspaceError(
        .damaged, "the workspace in \(Quoting.quote(storage.path)) belongs to \(Quoting.quote(state.root))")
    }
    let shared = try SharedState(location: location, storage: storage, state: state)
    try shared.findVeils()
    try shared.adoptFrozenLayers()
    return try Workspace(shared, sibling: nil, sandbox: sandbox, view: view, below: nil)
  }

  /// Opens the run's own workspace, or a sibling on the same base; `below` are layers on top of the base.
  init(
    _ shared: SharedState, sibling: String?, sandbox: Sandbox, view: WorkspaceView, below: Layers?
  ) throws(WorkspaceError) {
    self.shared = shared
    self.sibling = sibling
    self.sandbox = sandbox
    self.view = view
    location = shared.location
    let copyReason = shared.copyReason
    let isCopy = copyReason != nil
    if let copyReason { modeState.withLock { $0 = .copy(reason: copyReason) } }
    let place = try shared.place(of: sibling)
    let layers = below ?? shared.baseLayers
    let tree = try CopyOnWriteTree(
      shared.storage, mountPoint: location.root, place: place, lowers: layers.main, isCopy: isCopy)
    self.tree = tree
    var extras: [CopyOnWriteTree] = []
    for (index, lowers) in layers.extras.enumerated() {
      guard let mountPoint = lowers.last else { continue }
      let place = try shared.place(of: sibling, extra: index)
      let extra = try CopyOnWriteTree(
        shared.storage, mountPoint: mountPoint, place: place, lowers: lowers, isCopy: isCopy)
      if isCopy, extra.isNew { try Self.fill(extra, from: extra.base, nil, hidden: []) }
      extras.append(extra)
    }
    self.extras = extras
    store = shared.store
    scanner = shared.makeScanner(
      tree, below == nil ? shared.originals : OriginalVersions(), masked: view.masked)
    if isCopy, tree.isNew { try Self.fill(tree, from: tree.base, scanner, hidden: view.masked) }
  }

  private static func headCommit(_ location: CheckoutLocation) throws(WorkspaceError) -> ObjectID? {
    guard let repository = location.repository else { return nil }
    return try usingGit { () throws(GitError) in try Repository.open(repository).head.commit }
  }

  /// Waits until nobody else writes to the workspace or runs a command in it.
  func acquire() async {
    if !isBusy {
      isBusy = true
      return
    }
    await withCheckedContinuation { waiting.append($0) }
  }

  /// Lets the next one go on.
  func release() {
    if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() }
  }

  func setMode(_ mode: Mode) { modeState.withLock { $0 = mode } }
}

/// Layers of a workspace's trees, top first.
struct Layers: Sendable {
  var main: [[UInt8]]
  var extras: [[[UInt8]]]
}
