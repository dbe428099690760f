public import Git
import Glibc
public import Paths

/// What a delivery did.
public struct DeliveryReport: Sendable, Hashable {
  /// Paths whose change was delivered, those that were removed included, in path order.
  public var written: [RepoPath] = []
  /// Those of ``written`` that are gone now.
  public var removed: [RepoPath] = []
  /// Those of ``written`` that somebody else had changed, too: both changes are in them.
  public var merged: [RepoPath] = []
  /// Paths that were already as the change wants them.
  public var unchanged: [RepoPath] = []
  /// What was not delivered, and why.
  public var leftOut: [LeftOut] = []
  /// The commit, when a branch was made.
  public var commit: ObjectID?

  /// An empty report.
  public init() {}
}

extension Workspace {
  /// How a change leaves a run. A patch is what ``diff(from:to:)`` gives.
  public enum Delivery: Sendable {
    /// Into the files of the user's checkout, all of them or none.
    case apply
    /// As a commit of its own in the user's repository, on the commit that the run began with. No file of the checkout
    /// and no other reference is touched.
    case branch(name: [UInt8], message: String, author: (name: String, email: String))
  }

  /// The changed files that are not in the checkout as the change found them, nor as it leaves them: somebody else changed
  /// them since. Some of them may still merge.
  public func conflicts(for snapshot: Snapshot) throws(WorkspaceError) -> [RepoPath] {
    let checkout = try CheckoutState(root: location.root)
    let removed = Set(snapshot.changes.filter { $0.after == nil }.map(\.path))
    var result: [RepoPath] = []
    for change in snapshot.changes {
      let now = try checkout.version(change.path)
      if now.isAlready(change) { continue }
      if try !checkout.fits(change, now, removed: removed) { result.append(change.path) }
    }
    return result
  }

  /// Delivers a snapshot's changes to the user's checkout or repository.
  ///
  /// `.apply`: a file that the user changed meanwhile is merged three ways; where that fails, and where anything else is
  /// in the way, nothing is written at all. New files get the modes 0644 or 0755, replaced ones keep theirs. A process
  /// that is killed in the middle leaves a journal; see ``recoverDeliveries(storage:)``.
  ///
  /// `.branch`: the commit holds the run's changes only. Where the base had uncommitted changes in the same file, the
  /// run's change is merged onto the committed version, or refused.
  ///
  /// Never delivered: names that git trusts, links that lead out of the checkout, what ``Snapshot/leftOut`` lists.
  /// - Throws: `conflict` with the paths, `branchExists`, `notARepository`, `noSpace`, `notWritable`.
  public func deliver(_ snapshot: Snapshot, as delivery: Delivery) async throws(WorkspaceError) -> DeliveryReport {
    await acquire()
    defer { release() }
    return try deliver(snapshot, as: delivery, at: { _ in })
  }

  /// - Parameter observe: told of each stage of the writing; tests end the process there.
  func deliver(
    _ snapshot: Snapshot, as delivery: Delivery, at observe: (CheckoutWriter.Stage) throws(WorkspaceError) -> Void
  ) throws(WorkspaceError) -> DeliveryReport {
    let (changes, leftOut) = try deliverable(snapshot)
    var report: DeliveryReport
    switch delivery {
    case .apply:
      let plan = try DeliveryPlan(changes, store, checkout: try CheckoutState(root: location.root))
      try CheckoutWriter(root: location.root, storage: shared.storage, store: store).run(plan.steps, at: observe)
      report = plan.report
    case .branch(let name, let message, let author):
      let branch = BranchDelivery(location: location, base: baseCommit, store: store)
      report = try branch.deliver(
        changes, name: name, message: message,
        author: Signature(name: author.name, email: author.email, time: Int64(wallClock() / 1_000_000_000)))
    }
    report.leftOut = (snapshot.leftOut + leftOut + report.leftOut).sorted { $0.path < $1.path }
    return report
  }

  /// Ends deliveries that a killed process left half done in a storage: completes them when nothing has changed since,
  /// else takes them back. ``reopen(_:storage:sandbox:view:)`` does it by itself.
  /// - Throws: `locked`, `damaged` when the files of the checkout allow neither; the journal stays then.
  @discardableResult
  public static func recoverDeliveries(storage: [UInt8]) throws(WorkspaceError) -> RecoveredDelivery {
    let journal = storage + Array("/delivery".utf8)
    guard withPath(journal, { access($0, F_OK) }) == 0 else { return .nothing }
    return try CheckoutWriter.recover(try RunStorage(path: storage))
  }

  /// The changes that may leave a run, and the others.
  func deliverable(_ snapshot: Snapshot) throws(WorkspaceError) -> ([FileChange], [LeftOut]) {
    let base = tree.base
    let store = store
    let links = LinkResolver(root: location.root) { (path) throws(WorkspaceError) in
      if let change = snapshot[path] {
        guard let after = change.after else { return .missing }
        return after.mode == .symlink ? .link(try store.read(after.id)) : .file
      }
      if snapshot.hasChange(below: path) { return .directory }
      guard let node = try? base.node(path) else { return .missing }
      switch node.status.kind {
      case .directory: return .directory
      case .symlink: return .link(try node.holder.linkTarget(node.name))
      default: return .file
      }
    }
    var changes: [FileChange] = []
    var leftOut: [LeftOut] = []
    for change in snapshot.changes {
      if ProtectedNames.contains(change.path) {
        leftOut.append(LeftOut(path: change.path, reason: .protectedName))
      } else if view.masked.contains(where: { change.path.isInside($0) }) {
        leftOut.append(LeftOut(path: change.path, reason: .masked))
      } else if let after = change.after, after.mode == .symlink {
        let target = try store.read(after.id)
        let place = try? links.resolve(target: target, ofLinkAt: change.path)
        if place == nil || target.isEmpty {
          leftOut.append(LeftOut(path: change.path, reason: .linkOutside))
        } else if let place, ProtectedNames.contains(place) {
          leftOut.append(LeftOut(path: change.path, reason: .protectedName))
        } else {
          changes.append(change)
        }
      } else {
        changes.append(change)
      }
    }
    return (changes, leftOut)
  }
}

/// What became of a delivery that a killed process left half done.
public enum RecoveredDelivery: Sendable, Hashable {
  /// There was none.
  case nothing
  /// These paths are delivered.
  case completed([RepoPath])
  /// The checkout is as it was before the delivery of these paths.
  case takenBack([RepoPath])
}

extension Snapshot {
  /// True when a file that is there after the change lies below a path.
  func hasChange(below directory: RepoPath) -> Bool {
    let prefix = directory.bytes + [0x2f]
    var low = 0
    var high = changes.count
    while low < high {
      let middle = (low + high) / 2
      if changes[middle].path.bytes.lexicographicallyPrecedes(prefix) { low = middle + 1 } else { high = middle }
    }
    return changes[low...].prefix { $0.path.bytes.starts(with: prefix) }.contains { $0.after != nil }
  }
}
