public import Git
public import Paths

/// The files of a workspace that differ from its base, at one moment. Their content is in the run's object store.
public struct Snapshot: Sendable, Hashable {
  /// Names the set of changes: equal changes have equal ids, in hexadecimal.
  public let id: String
  /// What differs, in path order.
  public let changes: [FileChange]
  /// What differs and is not stored because the base's ignore rules ignore it. Only known to the snapshot as it was taken.
  public let ignoredChanges: IgnoredChanges
  /// What differs and cannot be stored, and why; at most ``SnapshotLimits/leftOutListed`` of them.
  public let leftOut: [LeftOut]

  /// A snapshot of these changes.
  public init(id: String, changes: [FileChange], ignoredChanges: IgnoredChanges = .none, leftOut: [LeftOut] = []) {
    self.id = id
    self.changes = changes
    self.ignoredChanges = ignoredChanges
    self.leftOut = leftOut
  }

  /// This snapshot without some paths, which are listed as left out for a reason. For a delivery of the rest: its id stays
  /// the whole's.
  public func leavingOut(_ paths: Set<RepoPath>, for reason: LeftOut.Reason) -> Snapshot {
    Snapshot(
      id: id, changes: changes.filter { !paths.contains($0.path) }, ignoredChanges: ignoredChanges,
      leftOut: leftOut + changes.map(\.path).filter(paths.contains).map { LeftOut(path: $0, reason: reason) })
  }

  /// The change of one path; nil when it is as in the base.
  public subscript(path: RepoPath) -> FileChange? {
    var low = 0
    var high = changes.count
    while low < high {
      let middle = (low + high) / 2
      if changes[middle].path < path { low = middle + 1 } else { high = middle }
    }
    return low < changes.count && changes[low].path == path ? changes[low] : nil
  }
}

/// One file that differs from the base.
public struct FileChange: Sendable, Hashable {
  /// Which file.
  public let path: RepoPath
  /// What the base has; nil for a new file.
  public let before: FileVersion?
  /// What the workspace has; nil for a file that is gone.
  public let after: FileVersion?
  /// False when somebody changed the checkout's file while a command that may have read it was running, so that nobody
  /// can say which version the change was made on. Delivery treats that as a conflict.
  public let isBaseCertain: Bool

  /// A change.
  public init(path: RepoPath, before: FileVersion?, after: FileVersion?, isBaseCertain: Bool = true) {
    self.path = path
    self.before = before
    self.after = after
    self.isBaseCertain = isBaseCertain
  }

  /// What happened to the file.
  public var kind: Kind {
    switch (before, after) {
    case (nil, _): .added
    case (_, nil): .deleted
    default: .modified
    }
  }

  /// What can happen to a file.
  public enum Kind: String, Sendable, Hashable {
    /// It is new.
    case added
    /// Its content or its mode is another.
    case modified
    /// It is gone.
    case deleted
  }
}

/// One state of one file.
public struct FileVersion: Sendable, Hashable {
  /// Regular, executable or symbolic link.
  public let mode: FileMode
  /// The blob with the content, or with the target of the link.
  public let id: ObjectID
  /// Bytes of content.
  public let size: Int

  /// A state.
  public init(mode: FileMode, id: ObjectID, size: Int) {
    self.mode = mode
    self.id = id
    self.size = size
  }
}

/// What changed among the files that the base's ignore rules ignore: caches, build results. Counted, not stored.
public struct IgnoredChanges: Sendable, Hashable {
  /// How many files were seen, up to a bound; a whole new directory counts each of its files.
  public let count: Int
  /// False when counting stopped at the bound.
  public let isComplete: Bool
  /// Some of the paths; an ignored directory stands for what is in it.
  public let sample: [RepoPath]

  /// Nothing.
  public static let none = IgnoredChanges(count: 0, isComplete: true, sample: [])

  /// Counted changes.
  public init(count: Int, isComplete: Bool, sample: [RepoPath]) {
    self.count = count
    self.isComplete = isComplete
    self.sample = sample
  }
}

/// Something that is not taken from a workspace, and why.
public struct LeftOut: Sendable, Hashable {
  /// What.
  public let path: RepoPath
  /// Why.
  public let reason: Reason

  /// Something left out.
  public init(path: RepoPath, reason: Reason) {
    self.path = path
    self.reason = reason
  }

  /// Why something is left out.
  public enum Reason: String, Sendable, Hashable, CaseIterable {
    /// A named pipe.
    case fifo
    /// A unix socket.
    case socket
    /// A device node.
    case device
    /// A git repository that was made inside.
    case nestedRepository
    /// A name that git or an editor trusts (`.git` in any spelling).
    case protectedName
    /// The file is taken, its set-user-id or set-group-id bit is not.
    case setID
    /// A symbolic link that leads out of the checkout.
    case linkOutside
    /// Larger than what is stored.
    case tooLarge
    /// Nested too deeply, or its path is too long.
    case tooDeep
    /// It cannot be read.
    case unreadable
    /// It is hidden from this run, so whatever was put there is not its own.
    case masked
  }
}

extension LeftOut.Reason: CustomStringConvertible {
  /// The reason in words.
  public var description: String {
    switch self {
    case .fifo: "a named pipe"
    case .socket: "a socket"
    case .device: "a device node"
    case .nestedRepository: "a git repository made inside"
    case .protectedName: "a protected name"
    case .setID: "its set-id bit"
    case .linkOutside: "a symbolic link that leads out of the checkout"
    case .tooLarge: "larger than \(SnapshotLimits.standard.fileBytes >> 20) MiB"
    case .tooDeep: "nested too deeply"
    case .unreadable: "not readable"
    case .masked: "hidden from this run"
    }
  }
}

/// How much a snapshot takes.
public struct SnapshotLimits: Sendable, Hashable {
  /// Bytes of one file; a larger one is left out.
  public var fileBytes: Int
  /// Files that may differ; with more, no snapshot is taken.
  public var files: Int
  /// Levels of directories; what lies deeper is left out.
  public var depth: Int
  /// Ignored files that are counted.
  public var ignoredCounted: Int
  /// Ignored paths that are named.
  public var ignoredListed: Int
  /// Paths listed as left out.
  public var leftOutListed: Int

  /// What a run uses.
  public static let standard = SnapshotLimits(
    fileBytes: 64 << 20, files: 200_000, depth: 100, ignoredCounted: 1000, ignoredListed: 20, leftOutListed: 1000)

  /// Limits, each of them named.
  public init(
    fileBytes: Int, files: Int, depth: Int, ignoredCounted: Int, ignoredListed: Int, leftOutListed: Int
  ) {
    self.fileBytes = fileBytes
    self.files = files
    self.depth = depth
    self.ignoredCounted = ignoredCounted
    self.ignoredListed = ignoredListed
    self.leftOutListed = leftOutListed
  }
}
