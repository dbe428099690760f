import Glibc
import Paths

/// One rename, removal or directory of a delivery, with what is needed to tell whether it was done and to take it back.
struct DeliveryAction {
  /// What is done.
  enum Kind: String {
    /// The file is renamed to its temporary name.
    case remove
    /// The empty directory is removed.
    case removeDirectory
    /// The directory is made.
    case makeDirectory
    /// The new file, staged under its temporary name, and the old one change names.
    case replace
    /// The staged file gets its name.
    case add
  }

  var kind: Kind
  var path: RepoPath
  /// The directory of the temporary name: an existing one as near to the path as there is.
  var holder: RepoPath
  /// Of the directory that is removed.
  var permissions: UInt32 = 0
  /// The file that is replaced or removed.
  var old: FileMark = .none
  /// The inode of the staged file; 0 until it is staged.
  var newInode: UInt64 = 0

  /// True when there is a temporary name.
  var isFile: Bool { kind == .remove || kind == .replace || kind == .add }
}

/// What of a file's identity a rename does not change.
struct FileMark: Equatable {
  var inode: UInt64
  var size: Int64
  var modified: Int64

  static let none = FileMark(inode: 0, size: 0, modified: 0)

  init(inode: UInt64, size: Int64, modified: Int64) {
    self.inode = inode
    self.size = size
    self.modified = modified
  }

  init(_ identity: FileIdentity) {
    self.init(inode: identity.inode, size: identity.size, modified: identity.modified)
  }
}

/// The record of a delivery under way, in the run's storage: written before the first file of the checkout is touched,
/// gone when the last is done. Format: NUL-terminated words.
struct DeliveryJournal {
  /// How far the delivery had come for certain.
  enum Phase: String {
    /// Nothing in the checkout but temporary files.
    case staging
    /// Files are getting their names.
    case committing
    /// All have their names; the old files are still to be removed.
    case placed
  }

  var phase: Phase
  var root: [UInt8]
  /// Tells this delivery's temporary names from others'.
  var token: String
  var actions: [DeliveryAction]

  private static let header = "codeagent delivery 1"
  private static let name = "delivery"

  /// The temporary name of an action.
  func temporary(_ index: Int) -> [UInt8] { Array(".codeagent-\(token)-\(index)".utf8) }

  /// The name that keeps the old file where names cannot be exchanged.
  func kept(_ index: Int) -> [UInt8] { Array(".codeagent-\(token)-\(index)-old".utf8) }

  /// Writes the journal, and returns when it is on disk.
  func save(_ storage: RunStorage) throws(WorkspaceError) {
    var bytes: [UInt8] = []
    func add(_ word: [UInt8]) {
      bytes += word
      bytes.append(0)
    }
    func add(text: String) { add(Array(text.utf8)) }
    add(text: Self.header)
    add(text: phase.rawValue)
    add(root)
    add(text: token)
    for action in actions {
      add(text: action.kind.rawValue)
      for number in [
        UInt64(action.permissions), action.old.inode, UInt64(bitPattern: action.old.size),
        UInt64(bitPattern: action.old.modified), action.newInode,
      ] { add(text: "\(number)") }
      add(action.holder.bytes)
      add(action.path.bytes)
    }
    try storage.replace(Self.name, with: bytes, sync: true)
  }

  /// The journal that a storage holds; nil when there is none.
  static func load(_ storage: RunStorage) throws(WorkspaceError) -> DeliveryJournal? {
    guard try storage.directory.status(Array(name.utf8)) != nil else { return nil }
    let content = try storage.directory.contents(Array(name.utf8), limit: 1 << 30)
    guard let journal = parse(content) else {
      throw WorkspaceError(.damaged, "\(Quoting.quote(storage.path(name))) is no journal of a delivery")
    }
    return journal
  }

  private static func parse(_ content: [UInt8]) -> DeliveryJournal? {
    var words = content.split(separator: 0, omittingEmptySubsequences: false)[...]
    guard words.popLast()?.isEmpty == true else { return nil }
    func text(_ word: ArraySlice<UInt8>?) -> String? { word.map { String(decoding: $0, as: UTF8.self) } }
    guard text(words.popFirst()) == header, let phase = text(words.popFirst()).flatMap(Phase.init),
      let root = words.popFirst(), let token = text(words.popFirst())
    else { return nil }
    var journal = DeliveryJournal(phase: phase, root: Array(root), token: token, actions: [])
    while let kind = words.popFirst() {
      guard let kind = text(kind).flatMap(DeliveryAction.Kind.init) else { return nil }
      var numbers: [UInt64] = []
      for _ in 0..<5 {
        guard let number = text(words.popFirst()).flatMap({ UInt64($0) }) else { return nil }
        numbers.append(number)
      }
      guard let holder = words.popFirst().flatMap({ RepoPath(Array($0)) }),
        let path = words.popFirst().flatMap({ RepoPath(Array($0)) })
      else { return nil }
      journal.actions.append(
        DeliveryAction(
          kind: kind, path: path, holder: holder, permissions: UInt32(truncatingIfNeeded: numbers[0]),
          old: FileMark(
            inode: numbers[1], size: Int64(bitPattern: numbers[2]), modified: Int64(bitPattern: numbers[3])),
          newInode: numbers[4]))
    }
    return journal
  }

  /// Removes the journal: the delivery is over.
  static func remove(_ storage: RunStorage) throws(WorkspaceError) {
    try storage.directory.unlink(Array(name.utf8))
  }
}
