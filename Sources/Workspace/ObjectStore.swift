import Git
import Glibc
import Paths
import Synchronization

/// The run's own store of blobs: an object database that only its user can enter, dropped with the run.
///
/// Not `Sendable`, as an open repository is not: each workspace opens it for itself, when it first needs it.
final class ObjectStore {
  private let path: [UInt8]
  private var opened: Repository?

  /// A store at a path; nothing is made or opened yet.
  init(path: [UInt8]) { self.path = path }

  /// Stores content and returns its name.
  func write(_ content: [UInt8]) throws(WorkspaceError) -> ObjectID {
    let repository = try repository()
    do throws(GitError) { return try repository.writeBlob(content) } catch { throw failure(error) }
  }

  /// The content of a name.
  func read(_ id: ObjectID) throws(WorkspaceError) -> [UInt8] {
    let repository = try repository()
    do throws(GitError) { return try repository.readBlob(id) } catch { throw failure(error) }
  }

  private func repository() throws(WorkspaceError) -> Repository {
    if let opened { return opened }
    do throws(GitError) {
      let location = try Self.making.withLock { _ throws(GitError) in
        if let found = try find() { return found }
        return try make()
      }
      let repository = try Repository.open(location)
      opened = repository
      return repository
    } catch {
      throw failure(error)
    }
  }

  /// Siblings of one run share the store, and any of them may be the first to need it.
  private static let making = Mutex(())

  private func find() throws(GitError) -> RepositoryLocation? {
    guard withPath(path, { access($0, F_OK) }) == 0 else { return nil }
    return try Repository.discover(from: path)
  }

  /// Made under another name first: a store that a killed process left half made is never taken for one.
  private func make() throws(GitError) -> RepositoryLocation {
    let draft = path + Array(".new".utf8)
    if let slash = path.lastIndex(of: 0x2f), let parent = try? Descriptor.directory(Array(path[..<slash])) {
      try? parent.removeTree(Array(draft[(slash + 1)...]))
    }
    _ = try Repository.createBare(at: draft)
    let renamed = withPath(draft) { draft in withPath(path) { rename(draft, $0) } }
    guard renamed == 0, let location = try find() else {
      throw GitError(.io, "cannot make the object store \(Quoting.quote(path))")
    }
    return location
  }

  private func failure(_ error: GitError) -> WorkspaceError {
    var space = statvfs()
    let isFull = withPath(path) { statvfs($0, &space) } == 0 && space.f_bavail < 64
    let kind: WorkspaceError.Kind =
      switch error.kind {
      case .notFound: .unknownSnapshot
      case .io: isFull ? .noSpace : .io(EIO)
      default: .damaged
      }
    return WorkspaceError(kind, "the run's object store: \(error.message)", hint: error.hint)
  }
}
