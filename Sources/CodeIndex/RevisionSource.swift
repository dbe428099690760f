import Git
import Paths
import Synchronization

/// The files of a committed tree, read from the object store.
final class RevisionSource: IndexSource {
  private let location: RepositoryLocation
  private let tree: ObjectID
  /// All files in path order; empty when the tree need not be listed.
  let entries: [(path: RepoPath, blob: ObjectID)]
  let skipped: [String: Int]
  private let pool = Mutex<[Lent]>([])

  /// Unchecked: an opened repository is used by one task at a time, the one that took it out of the pool.
  private struct Lent: @unchecked Sendable {
    let repository: Repository
  }

  /// The files of a tree, one by one.
  init(_ location: RepositoryLocation, tree: ObjectID, skipped: [String: Int]) {
    self.location = location
    self.tree = tree
    self.skipped = skipped
    entries = []
  }

  /// Lists a tree.
  init(_ location: RepositoryLocation, tree: ObjectID, _ repository: Repository) throws {
    self.location = location
    self.tree = tree
    var entries: [(path: RepoPath, blob: ObjectID)] = []
    var skipped: [String: Int] = [:]
    try repository.walkTree(tree) { path, mode, id in
      if mode == .regular || mode == .executable {
        entries.append((path, id))
      } else if let name = Self.word(mode) {
        skipped[name, default: 0] += 1
      }
    }
    self.entries = entries.sorted { $0.path < $1.path }
    self.skipped = skipped
  }

  /// What is no file to index.
  static func word(_ mode: FileMode) -> String? {
    switch mode {
    case .symlink: "symbolic link"
    case .submodule: "submodule"
    case .regular, .executable, .tree: nil
    }
  }

  func files() async -> [IndexedFile] { entries.map { IndexedFile(path: $0.path, blob: $0.blob.hex) } }

  func listing() async -> FileListing { FileListing(files: await files(), skipped: skipped) }

  func read(_ path: RepoPath, limit: Int) async -> [UInt8]? { load(path, limit).bytes }

  func content(_ path: RepoPath, limit: Int) async -> FileContentResult { load(path, limit) }

  private func load(_ path: RepoPath, _ limit: Int) -> FileContentResult {
    guard let lent = take() else { return .unreadable }
    defer { pool.withLock { $0.append(lent) } }
    do throws(GitError) {
      var found = blob(path)
      if found == nil { found = try lent.repository.entry(tree, path)?.id }
      guard let found else { return .missing }
      return .bytes(try lent.repository.readBlob(found, maximumSize: limit))
    } catch {
      switch error.kind {
      case .tooLarge: return .tooLarge
      case .notFound: return .missing
      default: return .unreadable
      }
    }
  }

  private func take() -> Lent? {
    if let known = pool.withLock({ $0.popLast() }) { return known }
    return (try? Repository.open(location)).map { Lent(repository: $0) }
  }

  private func blob(_ path: RepoPath) -> ObjectID? {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) >> 1
      if entries[middle].path < path { low = middle + 1 } else { high = middle }
    }
    return low < entries.count && entries[low].path == path ? entries[low].blob : nil
  }
}
