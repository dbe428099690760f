import CLibgit2
import Glibc

/// The objects that are written here.
enum ObjectType {
  case blob
  case tree
  case commit

  var code: git_object_t {
    switch self {
    case .blob: GIT_OBJECT_BLOB
    case .tree: GIT_OBJECT_TREE
    case .commit: GIT_OBJECT_COMMIT
    }
  }
}

extension Repository {
  /// The content of a blob.
  /// - Parameter maximumSize: refuses a larger one with `tooLarge` before reading it.
  /// - Throws: ``GitError``: `notFound`, also for what a partial clone has not fetched; `corrupt`.
  public func readBlob(_ id: ObjectID, maximumSize: Int = .max) throws(GitError) -> [UInt8] {
    if maximumSize < .max, try blobSize(id) > maximumSize {
      throw GitError(.tooLarge, "blob \(id) is larger than \(maximumSize) bytes")
    }
    return try withBlob(id) { Array($0) }
  }

  /// The size of a blob in bytes, without reading its content where the store allows.
  public func blobSize(_ id: ObjectID) throws(GitError) -> Int {
    let header = try header(id)
    guard header.type == GIT_OBJECT_BLOB else { throw GitError(.invalid, "object \(id) is no blob") }
    return header.size
  }

  /// Lends the content of a blob without copying it; the bytes are valid only inside `body`.
  public func withBlob<R>(_ id: ObjectID, _ body: (UnsafeRawBufferPointer) -> R) throws(GitError) -> R {
    let object = try readObject(id)
    guard git_odb_object_type(object.pointer) == GIT_OBJECT_BLOB else {
      throw GitError(.invalid, "object \(id) is no blob")
    }
    return body(
      UnsafeRawBufferPointer(start: git_odb_object_data(object.pointer), count: git_odb_object_size(object.pointer)))
  }

  /// True when the object is in this store or in one of its alternates.
  public func contains(_ id: ObjectID) -> Bool {
    var oid = id.oid
    return git_odb_exists(objects.pointer, &oid) == 1
  }

  /// Stores a blob and returns its id.
  public func writeBlob(_ content: [UInt8]) throws(GitError) -> ObjectID {
    try write(content, .blob)
  }

  /// Stores a blob from a file descriptor without holding it in memory: for large files.
  /// - Parameter size: how many bytes the file has; reading fewer or more is a `conflict`, as the file changed.
  public func writeBlob(readingFrom descriptor: Int32, size: Int) throws(GitError) -> ObjectID {
    let store = ownObjects?.pointer ?? objects.pointer
    var stream: UnsafeMutablePointer<git_odb_stream>?
    try check(git_odb_open_wstream(&stream, store, git_object_size_t(size), GIT_OBJECT_BLOB), "cannot write a blob")
    guard let stream else { throw GitError(.io, "cannot write a blob") }
    defer { git_odb_stream_free(stream) }
    var left = size
    var buffer = [CChar](repeating: 0, count: 1 << 18)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw GitError(.io, "cannot read a file: \(String(cString: strerror(errno)))") }
      if count == 0 { break }
      left -= count
      guard left >= 0 else { break }
      try check(git_odb_stream_write(stream, buffer, count), "cannot write a blob")
    }
    guard left == 0 else { throw GitError(.conflict, "a file changed while it was being stored") }
    var oid = git_oid()
    try check(git_odb_stream_finalize_write(&oid, stream), "cannot write a blob")
    return ObjectID(oid)
  }

  /// Stores an object in this repository's own store, unless it or an alternate has it.
  func write(_ content: [UInt8], _ type: ObjectType) throws(GitError) -> ObjectID {
    var oid = git_oid()
    let doing = "cannot write an object"
    let store = ownObjects?.pointer ?? objects.pointer
    if store != objects.pointer {
      try check(content.withUnsafeBytes { git_odb_hash(&oid, $0.baseAddress, $0.count, type.code) }, doing)
      // Without a refresh: a miss would otherwise list the pack directories of every store, each time.
      if git_odb_exists_ext(objects.pointer, &oid, GIT_ODB_LOOKUP_NO_REFRESH.rawValue) == 1 { return ObjectID(oid) }
    }
    try check(content.withUnsafeBytes { git_odb_write(&oid, store, $0.baseAddress, $0.count, type.code) }, doing)
    return ObjectID(oid)
  }

  func readObject(_ id: ObjectID) throws(GitError) -> Handle {
    var oid = id.oid
    let store = objects.pointer
    do throws(GitError) {
      return try Handle("cannot read object \(id)", free: git_odb_object_free) { git_odb_read(&$0, store, &oid) }
    } catch {
      throw explained(error, id)
    }
  }

  private func header(_ id: ObjectID) throws(GitError) -> (type: git_object_t, size: Int) {
    var oid = id.oid
    var size = 0
    var type = GIT_OBJECT_INVALID
    do throws(GitError) {
      try check(git_odb_read_header(&size, &type, objects.pointer, &oid), "cannot read object \(id)")
    } catch {
      throw explained(error, id)
    }
    return (type, size)
  }

  /// Says why an object may be missing where a partial clone is the reason.
  private func explained(_ error: GitError, _ id: ObjectID) -> GitError {
    guard error.kind == .notFound, isPartialClone else { return error }
    return GitError(
      .notFound, "object \(id) is not here: this is a partial clone",
      hint: "`git fetch --refetch --no-filter` fetches what the clone left out")
  }

  private var isPartialClone: Bool {
    let all = repository.pointer
    guard
      let configuration = try? Handle(
        "cannot read the configuration", free: git_config_free, { git_repository_config_snapshot(&$0, all) })
    else { return false }
    guard
      let iterator = try? Handle(
        "cannot read the configuration", free: git_config_iterator_free,
        {
          git_config_iterator_glob_new(
            &$0, configuration.pointer, #"^(extensions\.partialclone|remote\..*\.promisor)$"#)
        })
    else { return false }
    var entry: UnsafeMutablePointer<git_config_entry>?
    return git_config_next(&entry, iterator.pointer) == 0
  }
}
