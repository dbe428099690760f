import CLibgit2
public import Paths

/// One path of the index (the staging area).
public struct IndexEntry: Sendable, Hashable {
  /// Which path.
  public let path: RepoPath
  /// What it is.
  public let mode: FileMode
  /// Its staged object.
  public let id: ObjectID
  /// 0; in a merge conflict 1 for the base, 2 for ours, 3 for theirs.
  public let stage: Int
  /// True when the checkout may lack the file: a sparse checkout, or `git update-index --skip-worktree`.
  public let isSkipped: Bool

  /// True for one side of a conflict.
  public var isConflicted: Bool { stage > 0 }

  let stamp: FileStamp
  let isAssumedUnchanged: Bool
}

/// What the index remembers of a file, so that an unchanged one need not be read.
struct FileStamp: Sendable, Hashable {
  var size: UInt32
  var seconds: Int32
  var nanoseconds: UInt32
  var inode: UInt32
}

extension Repository {
  /// The index of the checkout, in path order; empty when there is none.
  /// - Throws: ``GitError``: `unsupported` for sparse and split indexes, `corrupt`.
  public func indexEntries() throws(GitError) -> [IndexEntry] {
    let all = repository.pointer
    let index = try Handle("cannot read the index", free: git_index_free) { git_repository_index(&$0, all) }
    let count = git_index_entrycount(index.pointer)
    var result: [IndexEntry] = []
    result.reserveCapacity(count)
    for number in 0..<count {
      guard let entry = git_index_get_byindex(index.pointer, number)?.pointee else { continue }
      guard let path = RepoPath(bytes(of: entry.path)), let mode = FileMode(raw: entry.mode), mode != .tree else {
        throw GitError(.corrupt, "the index has an entry that no checkout could hold")
      }
      result.append(
        IndexEntry(
          path: path, mode: mode, id: ObjectID(entry.id),
          stage: Int(entry.flags & UInt16(GIT_INDEX_ENTRY_STAGEMASK)) >> Int(GIT_INDEX_ENTRY_STAGESHIFT),
          isSkipped: UInt32(entry.flags_extended) & GIT_INDEX_ENTRY_SKIP_WORKTREE.rawValue != 0,
          stamp: FileStamp(
            size: entry.file_size, seconds: entry.mtime.seconds, nanoseconds: entry.mtime.nanoseconds,
            inode: entry.ino),
          isAssumedUnchanged: UInt32(entry.flags) & GIT_INDEX_ENTRY_VALID.rawValue != 0))
    }
    return result
  }
}
