import CLinux
import Glibc
import Paths

/// Writes a delivery into a checkout, all of it or nothing.
///
/// New files are staged under temporary names beside their places and synced; a journal says what is to come; then each
/// file gets its name by one rename, the old one keeping the temporary name until all are placed. Whatever goes wrong
/// before that is taken back. Directories are opened component by component without following links, so nothing is ever
/// written outside the root.
struct CheckoutWriter {
  let root: [UInt8]
  let storage: RunStorage
  let store: ObjectStore

  /// Moments of a delivery, for tests.
  enum Stage: Sendable, Hashable {
    case journaled
    case staged(Int)
    case committing
    case performed(Int)
    case placed
    case cleaned(Int)
  }

  /// Does the steps.
  /// - Throws: `conflict` when a file changed since the plan was made, `noSpace`, `notWritable`; nothing is changed then.
  func run(
    _ steps: [DeliveryStep], at observe: (Stage) throws(WorkspaceError) -> Void
  ) throws(WorkspaceError) {
    if steps.isEmpty { return }
    let checkout = try CheckoutState(root: root)
    var contents: [Int: (DeliveryPlan.Content, FileStatus?)] = [:]
    let token = String(UInt64.random(in: 0 ... .max), radix: 36)
    var journal = DeliveryJournal(
      phase: .staging, root: root, token: token, actions: try actions(steps, checkout, &contents))
    try journal.save(storage)
    var performer = DeliveryPerformer(journal: journal, tree: checkout.tree)
    do throws(WorkspaceError) {
      try observe(.journaled)
      for index in journal.actions.indices {
        guard let (content, replaced) = contents[index] else { continue }
        performer.journal.actions[index].newInode = try performer.stage(
          index, content.bytes(store), content.mode, replacing: replaced)
        try observe(.staged(index))
      }
      if performer.syncsAll { try checkout.tree.layers[0].root.syncFilesystem() }
      performer.journal.phase = .committing
      journal = performer.journal
      try journal.save(storage)
      try observe(.committing)
      for index in journal.actions.indices {
        try performer.perform(index)
        try observe(.performed(index))
      }
      try performer.syncDirectories()
      journal.phase = .placed
      try journal.save(storage)
    } catch {
      if error.isSimulatedCrash { throw error }
      try performer.takeBack()
      try DeliveryJournal.remove(storage)
      throw error
    }
    // From here on nothing is taken back: the change is delivered.
    try observe(.placed)
    for index in journal.actions.indices {
      performer.clean(index)
      try observe(.cleaned(index))
    }
    performer.removeEmptyDirectories()
    try DeliveryJournal.remove(storage)
  }

  /// Completes or takes back what a killed process left.
  static func recover(_ storage: RunStorage) throws(WorkspaceError) -> RecoveredDelivery {
    guard let journal = try DeliveryJournal.load(storage) else { return .nothing }
    let paths = journal.actions.filter(\.isFile).map(\.path)
    let checkout = try CheckoutState(root: journal.root)
    let performer = DeliveryPerformer(journal: journal, tree: checkout.tree)
    var isComplete = journal.phase == .placed
    if journal.phase == .committing {
      do throws(WorkspaceError) {
        for index in journal.actions.indices where try !performer.isDone(index) { try performer.perform(index) }
        try performer.syncDirectories()
        var placed = journal
        placed.phase = .placed
        try placed.save(storage)
        isComplete = true
      } catch  where !error.isSpaceFailure {
        // The checkout is not as it was: the other way, then.
      }
    }
    if isComplete {
      for index in journal.actions.indices { performer.clean(index) }
      performer.removeEmptyDirectories()
    } else {
      try performer.takeBack()
    }
    try DeliveryJournal.remove(storage)
    return isComplete ? .completed(paths) : .takenBack(paths)
  }

  /// The actions of the steps, and the directories that they need.
  private func actions(
    _ steps: [DeliveryStep], _ checkout: CheckoutState,
    _ contents: inout [Int: (DeliveryPlan.Content, FileStatus?)]
  ) throws(WorkspaceError) -> [DeliveryAction] {
    var actions: [DeliveryAction] = []
    var made: Set<RepoPath> = []
    var cleared: Set<RepoPath> = []
    for case .removeDirectory(let path, _) in steps { cleared.insert(path) }
    for step in steps {
      switch step {
      case .remove(let path, let expected):
        // Not in a directory that is to go as well.
        var holder = path.parent ?? .root
        while cleared.contains(holder), let above = holder.parent { holder = above }
        actions.append(DeliveryAction(kind: .remove, path: path, holder: holder, old: FileMark(expected)))
      case .removeDirectory(let path, let permissions):
        actions.append(
          DeliveryAction(kind: .removeDirectory, path: path, holder: .root, permissions: permissions))
      case .write(let path, let content, let replaced):
        let (holder, missing) = try directories(of: path, checkout)
        for directory in missing where made.insert(directory).inserted {
          actions.append(DeliveryAction(kind: .makeDirectory, path: directory, holder: .root))
        }
        contents[actions.count] = (content, replaced)
        actions.append(
          DeliveryAction(
            kind: replaced == nil ? .add : .replace, path: path, holder: holder,
            old: replaced.map { FileMark($0.identity) } ?? .none))
      }
    }
    return actions
  }

  /// The nearest existing directory above a path, and those that are missing below it.
  private func directories(
    of path: RepoPath, _ checkout: CheckoutState
  ) throws(WorkspaceError) -> (RepoPath, [RepoPath]) {
    var holder = RepoPath.root
    var missing: [RepoPath] = []
    var current: MergedDirectory? = checkout.tree.root
    var walked = RepoPath.root
    for component in path.components.dropLast() {
      walked = walked.appending(component) ?? walked
      current = try current.flatMap { (directory) throws(WorkspaceError) in
        try checkout.tree.child(component, of: directory)?.directory
      }
      if current != nil { holder = walked } else { missing.append(walked) }
    }
    return (holder, missing)
  }
}

extension WorkspaceError {
  /// True for a full disk, which is no reason to take a delivery back that can be completed later.
  fileprivate var isSpaceFailure: Bool { kind == .noSpace }

  /// What tests throw to leave everything as a killed process would.
  static let simulatedCrash = WorkspaceError(.io(-1), "crash")
  fileprivate var isSimulatedCrash: Bool { self == .simulatedCrash }
}
