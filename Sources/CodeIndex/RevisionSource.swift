import Git
import Paths
import Synchronization

/// The files of a committed tree, read from the object store.
final class RevisionSource: IndexSource {
  private let location: RepositoryLocation
  let entries: [(path: RepoPath, blob: ObjectID)]
  private let skipped: [String: Int]
  private let pool = Mutex<[Lent]>([])

  /// Unchecked: an opened repository is used by one task at a time, the one that took it out of the pool.
  private struct Lent: @unchecked Sendable {
    let repository: Repository
  }

  /// Lists a tree.
  init(_ location: RepositoryLocation, tree: ObjectID, _ repository: Repository) throws {
    self.location = location
    var entries: [(path: RepoPath, blob: ObjectID)] = []
    var skipped: [String: Int] = [:]
    try repository.walkTree(tree) { path, mode, id in
      switch mode {
      case .regular, .executable: entries.append((path, id))
      case .symlink: skipped["symbolic link", default: 0] += 1
      case .submodule: skipped["submodule", default: 0] += 1
      case .tree: break
      }
    }
    self.entries = entries.sorted { $0.path < $1.path }
    self.skipped = skipped
  }

  func files() async -> [IndexedFile] { entries.map { IndexedFile(path: $0.path, blob: $0.blob.hex) } }

  func listing() async -> FileListing { FileListing(files: await files(), skipped: skipped) }

  func read(_ path: RepoPath, limit: Int) async -> [UInt8]? { await content(path, limit: limit).bytes }

  func content(_ path: RepoPath, limit: Int) async -> FileContentResult {
    guard let blob = blob(path) else { return .missing }
    guard let lent = take() else { return .unreadable }
    defer { pool.withLock { $0.append(lent) } }
    do {
      return .bytes(try lent.repository.readBlob(blob, maximumSize: limit))
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
