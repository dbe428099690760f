import Git
import Glibc
import IndexKernel
import Paths

/// The messages of past commits, and which files each changed: where a task's words were dealt with before is where they
/// will be again. Commits are read once, whatever revisions are asked about.
struct CommitLog {
  /// A commit as far as ranking needs it.
  struct Entry: Sendable {
    let parents: [ObjectID]
    let time: Int64
    let message: TermTable
    /// What it changed with regard to its parent; empty for merges and for changes of very many files.
    let paths: [RepoPath]
  }

  /// Older commits are not looked at.
  static let depth = 4000
  /// A commit of more files says nothing about any of them.
  private static let mostPaths = 40

  private var entries: [ObjectID: Entry] = [:]
  private let store: AnalysisStore?
  /// Read from the repository and not yet kept.
  private var fresh: [(ContentKey, [UInt8])] = []

  init(store: AnalysisStore?) { self.store = store }

  /// The commits that led to `start`, itself included, the newest first by commit time.
  mutating func ancestors(of start: ObjectID, _ repository: Repository, limit: Int = depth) throws(GitError) -> [Entry]
  {
    var seen: Set<ObjectID> = [start]
    var waiting = [try entry(start, repository)]
    var result: [Entry] = []
    // Sorted by time, the newest last; as short as the number of parallel branches.
    while result.count < limit, let next = waiting.popLast() {
      result.append(next)
      for parent in next.parents where seen.insert(parent).inserted {
        // Where a shallow clone was cut, history ends.
        guard entries[parent] != nil || repository.contains(parent) else { continue }
        let entry = try entry(parent, repository)
        let place = waiting.lastIndex { $0.time <= entry.time }.map { $0 + 1 } ?? 0
        waiting.insert(entry, at: place)
      }
    }
    store?.add(records: fresh)
    fresh = []
    return result
  }

  /// Whether commits up to this one, or to one just before it, are kept: then all that led to it are read at once.
  func isKept(_ start: ObjectID, _ repository: Repository) -> Bool {
    var id = start
    for _ in 0..<20 {
      if entries[id] != nil || store?.value(Self.key(id), { _ in true }) ?? false { return true }
      guard let parent = try? repository.commit(id).parents.first else { return true }
      id = parent
    }
    return false
  }

  private static func key(_ id: ObjectID) -> ContentKey { ContentKey(blob: id, language: "\u{0}commit") }

  private mutating func entry(_ id: ObjectID, _ repository: Repository) throws(GitError) -> Entry {
    if let known = entries[id] { return known }
    let key = Self.key(id)
    if let stored = store?.value(key, { Entry.decode($0) }) {
      entries[id] = stored
      return stored
    }
    let commit = try repository.commit(id)
    var paths: [RepoPath] = []
    if commit.parents.count < 2, let changes = try? repository.changes(in: commit), changes.count <= Self.mostPaths {
      paths = changes.map(\.path)
    }
    let entry = Entry(
      parents: commit.parents, time: commit.time,
      message: TermTable(text: Array(commit.message.utf8.prefix(8000))), paths: paths)
    entries[id] = entry
    if store != nil { fresh.append((key, entry.encoded())) }
    return entry
  }
}

/// What led to a state of the files.
struct Past: Sendable {
  /// So many commits are the newest ones.
  static let newest = 10

  /// The commits, the newest first.
  var log: [CommitLog.Entry] = []
  /// The files as they were before the newest commits; nil when there are not so many.
  private(set) var before: (any IndexSource)?

  init() {}

  init(_ log: [CommitLog.Entry], _ repository: Repository, _ location: RepositoryLocation) {
    self.log = log
    guard log.count > Self.newest, let commit = log[Self.newest - 1].parents.first,
      let tree = try? repository.tree(of: commit)
    else { return }
    before = RevisionSource(location, tree: tree, skipped: [:])
  }
}

extension CommitLog.Entry {
  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.write(parents.count)
    for parent in parents { writer.write(parent.bytes) }
    writer.write(Int(max(0, time)))
    message.write(to: &writer)
    writer.write(paths.count)
    for path in paths { writer.write(path.bytes) }
    return writer.bytes
  }

  static func decode(_ bytes: UnsafeRawBufferPointer) -> CommitLog.Entry? {
    var reader = ByteReader(bytes)
    var parents: [ObjectID] = []
    for _ in 0..<reader.count() {
      guard let parent = ObjectID(bytes: reader.text()) else { return nil }
      parents.append(parent)
    }
    let time = Int64(reader.number(upTo: 1 << 60))
    guard let message = TermTable(from: &reader) else { return nil }
    var paths: [RepoPath] = []
    for _ in 0..<reader.count() {
      guard let path = RepoPath(reader.text()) else { return nil }
      paths.append(path)
    }
    guard reader.isFinished else { return nil }
    return CommitLog.Entry(parents: parents, time: time, message: message, paths: paths)
  }
}
