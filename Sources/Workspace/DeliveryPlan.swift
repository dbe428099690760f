import Git
import Paths

/// What has to be done to a checkout so that it holds a change; made without writing anything.
struct DeliveryPlan {
  /// In the order in which they are to be done.
  private(set) var steps: [DeliveryStep] = []
  private(set) var report = DeliveryReport()

  /// Compares the changes with the checkout as it is.
  /// - Throws: `conflict` naming every path that does not fit.
  init(_ changes: [FileChange], _ store: ObjectStore, checkout: CheckoutState) throws(WorkspaceError) {
    var removals: [DeliveryStep] = []
    var writes: [DeliveryStep] = []
    var conflicts: [RepoPath] = []
    var removed: Set<RepoPath> = []
    for change in changes where change.after == nil { removed.insert(change.path) }
    var cleared: [RepoPath: FileStatus] = [:]
    for change in changes {
      let found = try checkout.version(change.path)
      if found.isAlready(change) {
        report.unchanged.append(change.path)
        continue
      }
      let fits = try checkout.fits(change, found, removed: removed)
      guard let after = change.after else {
        guard fits, case .file(let status, _, _) = found else {
          conflicts.append(change.path)
          continue
        }
        removals.append(.remove(change.path, expected: status.identity))
        report.removed.append(change.path)
        report.written.append(change.path)
        continue
      }
      switch found {
      case .nothing where fits, .blocked where fits:
        writes.append(.write(change.path, Content(after), replacing: nil))
      case .directory(let node) where fits:
        for (path, status) in try checkout.directories(at: node, change.path) { cleared[path] = status }
        writes.append(.write(change.path, Content(after), replacing: nil))
      case .file(let status, _, _) where fits:
        writes.append(.write(change.path, Content(after), replacing: status))
      case .file(let status, let version, let content):
        guard let merged = try Self.merge(change, version, content, store) else {
          conflicts.append(change.path)
          continue
        }
        writes.append(.write(change.path, merged, replacing: status))
        report.merged.append(change.path)
      default:
        conflicts.append(change.path)
        continue
      }
      report.written.append(change.path)
    }
    guard conflicts.isEmpty else { throw Self.conflict(conflicts) }
    steps = removals
    // Deepest first: a directory is empty when those in it are gone.
    for (path, status) in cleared.sorted(by: { $0.key.components.count > $1.key.components.count }) {
      steps.append(.removeDirectory(path, permissions: status.permissions))
    }
    steps += writes
  }

  static func conflict(_ paths: [RepoPath]) -> WorkspaceError {
    let shown = paths.prefix(5).map(\.quoted).joined(separator: ", ")
    let rest = paths.count > 5 ? " and \(paths.count - 5) more" : ""
    return WorkspaceError(
      .conflict(paths), "\(shown)\(rest) changed since the run began, and the changes do not fit together",
      hint: "nothing was written; take the change as a patch or as a branch and merge it by hand")
  }

  /// Both changes of a file in one; nil when they touch the same lines or one is no text.
  static func merge(
    _ change: FileChange, _ ours: FileVersion, _ content: [UInt8], _ store: ObjectStore
  ) throws(WorkspaceError) -> Content? {
    guard let before = change.before, let after = change.after, change.isBaseCertain,
      before.mode != .symlink, after.mode != .symlink, ours.mode != .symlink
    else { return nil }
    let base = try store.read(before.id)
    let theirs = try store.read(after.id)
    let merged = try usingGit { () throws(GitError) in
      try Diff.mergeThreeWay(base: base, ours: content, theirs: theirs)
    }
    guard case .clean(let bytes) = merged else { return nil }
    return Content(bytes: bytes, mode: after.mode == before.mode ? ours.mode : after.mode)
  }

  /// What a path shall hold.
  struct Content {
    let mode: FileMode
    private let source: Source

    private enum Source {
      case bytes([UInt8])
      case stored(ObjectID)
    }

    init(bytes: [UInt8], mode: FileMode) {
      self.mode = mode
      source = .bytes(bytes)
    }

    init(_ version: FileVersion) {
      mode = version.mode
      source = .stored(version.id)
    }

    /// The bytes, read when they are needed: a change of many files is never in memory at once.
    func bytes(_ store: ObjectStore) throws(WorkspaceError) -> [UInt8] {
      switch source {
      case .bytes(let bytes): bytes
      case .stored(let id): try store.read(id)
      }
    }
  }
}

/// One change of a checkout.
enum DeliveryStep {
  /// Takes a file away that is still this one.
  case remove(RepoPath, expected: FileIdentity)
  /// Takes an empty directory away.
  case removeDirectory(RepoPath, permissions: UInt32)
  /// Puts a file or a link at a path, in place of what was there.
  case write(RepoPath, DeliveryPlan.Content, replacing: FileStatus?)
}
