import CLibgit2

/// The ids that git gives to content, without a repository.
public enum BlobHash {
  /// The id of a blob with this content.
  public static func id(of content: [UInt8]) -> ObjectID { content.withUnsafeBytes { id(of: $0) } }

  /// The id of a blob with this content.
  public static func id(of content: UnsafeRawBufferPointer) -> ObjectID {
    do throws(GitError) {
      try Library.start()
      var oid = git_oid()
      try check(git_odb_hash(&oid, content.baseAddress, content.count, GIT_OBJECT_BLOB), "cannot hash a blob")
      return ObjectID(oid)
    } catch {
      // Hashing memory has no failure but the lack of memory.
      preconditionFailure(error.description)
    }
  }
}
