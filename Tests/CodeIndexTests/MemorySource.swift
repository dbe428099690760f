import CodeIndex
import Git
import Paths
import Synchronization

/// Files in memory.
final class MemorySource: IndexSource {
  private let content: Mutex<[RepoPath: [UInt8]]>
  private let reads = Mutex(0)
  private let knowsBlobs: Bool

  init(_ files: [String: [UInt8]], knowsBlobs: Bool = false) {
    content = Mutex(
      Dictionary(uniqueKeysWithValues: files.compactMap { name, bytes in RepoPath(name).map { ($0, bytes) } }))
    self.knowsBlobs = knowsBlobs
  }

  convenience init(_ files: [String: String], knowsBlobs: Bool = false) {
    self.init(files.mapValues { Array($0.utf8) }, knowsBlobs: knowsBlobs)
  }

  var readCount: Int { reads.withLock { $0 } }

  func write(_ path: String, _ bytes: [UInt8]?) {
    guard let path = RepoPath(path) else { return }
    content.withLock { $0[path] = bytes }
  }

  func files() async -> [IndexedFile] {
    content.withLock { content in
      content.map { IndexedFile(path: $0.key, blob: knowsBlobs ? BlobHash.id(of: $0.value).hex : nil) }
    }
  }

  func read(_ path: RepoPath, limit: Int) async -> [UInt8]? {
    reads.withLock { $0 += 1 }
    return content.withLock { $0[path] }.flatMap { $0.count <= limit ? $0 : nil }
  }
}
