import CLibgit2
import Glibc

/// What HEAD says.
public struct Head: Sendable, Hashable {
  /// The branch that HEAD names, without `refs/heads/`; nil when detached. Bytes, as names need not be UTF-8.
  public let branch: [UInt8]?
  /// The commit; nil when the branch has none yet.
  public let commit: ObjectID?

  /// True when the branch has no commit yet.
  public var isUnborn: Bool { commit == nil }
  /// True when HEAD names a commit and no branch.
  public var isDetached: Bool { branch == nil }
}

extension Repository {
  /// What HEAD says now.
  /// - Throws: ``GitError``: `corrupt` when HEAD cannot be read.
  public var head: Head {
    get throws(GitError) {
      let all = repository.pointer
      let reference = try Handle("cannot read HEAD", free: git_reference_free) {
        git_reference_lookup(&$0, all, "HEAD")
      }
      if git_reference_type(reference.pointer) == GIT_REFERENCE_DIRECT {
        guard let oid = git_reference_target(reference.pointer) else { throw GitError(.corrupt, "HEAD is empty") }
        return Head(branch: nil, commit: ObjectID(oid.pointee))
      }
      guard let target = git_reference_symbolic_target(reference.pointer) else {
        throw GitError(.corrupt, "HEAD is empty")
      }
      var branch = bytes(of: target)
      let prefix = Array("refs/heads/".utf8)
      if branch.starts(with: prefix) { branch.removeFirst(prefix.count) }
      var oid = git_oid()
      let code = git_reference_name_to_id(&oid, all, "HEAD")
      if code == GIT_ENOTFOUND.rawValue { return Head(branch: branch, commit: nil) }
      try check(code, "cannot read the branch that HEAD names")
      return Head(branch: branch, commit: ObjectID(oid))
    }
  }

  /// True when no reference exists and HEAD's branch has no commit.
  public var isEmpty: Bool {
    get throws(GitError) {
      guard try head.isUnborn else { return false }
      let all = repository.pointer
      let iterator = try Handle("cannot list references", free: git_reference_iterator_free) {
        git_reference_iterator_new(&$0, all)
      }
      var name: UnsafePointer<CChar>?
      return git_reference_next_name(&name, iterator.pointer) == GIT_ITEROVER.rawValue
    }
  }

  /// What the checkout is in the middle of: `merge`, `revert`, `cherry-pick`, `bisect`, `rebase` or `am`; nil when
  /// nothing is unfinished.
  public var operationInProgress: String? {
    switch git_repository_state_t(UInt32(bitPattern: git_repository_state(repository.pointer))) {
    case GIT_REPOSITORY_STATE_MERGE: "merge"
    case GIT_REPOSITORY_STATE_REVERT, GIT_REPOSITORY_STATE_REVERT_SEQUENCE: "revert"
    case GIT_REPOSITORY_STATE_CHERRYPICK, GIT_REPOSITORY_STATE_CHERRYPICK_SEQUENCE: "cherry-pick"
    case GIT_REPOSITORY_STATE_BISECT: "bisect"
    case GIT_REPOSITORY_STATE_REBASE, GIT_REPOSITORY_STATE_REBASE_INTERACTIVE,
      GIT_REPOSITORY_STATE_REBASE_MERGE:
      "rebase"
    case GIT_REPOSITORY_STATE_APPLY_MAILBOX, GIT_REPOSITORY_STATE_APPLY_MAILBOX_OR_REBASE: "am"
    default: nil
    }
  }
}

/// The bytes of a C string.
func bytes(of text: UnsafePointer<CChar>) -> [UInt8] {
  Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
}
