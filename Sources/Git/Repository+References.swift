import CLibgit2

extension Repository {
  /// The object that a revision text names, as gitrevisions(7) defines: an id or its beginning, a branch or tag, `HEAD~2`,
  /// `v1^{tree}`. An annotated tag gives what it was put on.
  /// - Throws: ``GitError``: `notFound`, `invalid` for a text that is malformed or ambiguous.
  public func resolve(_ revision: String) throws(GitError) -> ObjectID {
    let all = repository.pointer
    let name = GitError.printable(revision)
    guard !revision.utf8.contains(0) else { throw GitError(.invalid, "revision with a NUL byte: \(name)") }
    let object = try Handle("cannot find revision \(name)", free: git_object_free) {
      git_revparse_single(&$0, all, revision)
    }
    if git_object_type(object.pointer) == GIT_OBJECT_TAG {
      let target = try Handle("cannot read tag \(name)", free: git_object_free) {
        git_object_peel(&$0, object.pointer, GIT_OBJECT_ANY)
      }
      guard let id = git_object_id(target.pointer) else { throw GitError(.corrupt, "cannot read tag \(name)") }
      return ObjectID(id.pointee)
    }
    guard let id = git_object_id(object.pointer) else { throw GitError(.corrupt, "cannot read revision \(name)") }
    return ObjectID(id.pointee)
  }

  /// Makes a branch at a commit. HEAD and the checkout stay as they are.
  /// - Parameter force: moves a branch that exists; never the one that a checkout is on.
  /// - Throws: ``GitError``: `conflict` when the branch exists (or is checked out), `invalid` for a name that git does not
  ///   allow, `notFound` when the commit is not there.
  public func createBranch(_ name: [UInt8], at commit: ObjectID, force: Bool = false) throws(GitError) {
    let shown = GitError.name(name)
    guard !name.isEmpty, name.first != UInt8(ascii: "-"), name != Array("HEAD".utf8) else {
      throw GitError(.invalid, "git does not allow a branch named \(shown)")
    }
    let isValid = try withPath(Array("refs/heads/".utf8) + name) { path in
      var valid: Int32 = 0
      return git_reference_name_is_valid(&valid, path) == 0 && valid == 1
    }
    guard isValid else { throw GitError(.invalid, "git does not allow a branch named \(shown)") }
    let all = repository.pointer
    var oid = commit.oid
    let target = try Handle("cannot read commit \(commit)", free: git_commit_free) {
      git_commit_lookup(&$0, all, &oid)
    }
    var reference: OpaquePointer?
    let code = try withPath(name) { git_branch_create(&reference, all, $0, target.pointer, force ? 1 : 0) }
    git_reference_free(reference)
    // Moving the branch of a checkout is refused without a code of its own.
    if code == GIT_ERROR.rawValue, force {
      throw GitError(.conflict, GitError.last(code, "cannot move branch \(shown)").message)
    }
    try check(code, "cannot make branch \(shown)")
  }

  /// The commit of a branch; nil when there is no such branch.
  public func branch(_ name: [UInt8]) throws(GitError) -> ObjectID? {
    let all = repository.pointer
    var oid = git_oid()
    let code = try withPath(Array("refs/heads/".utf8) + name) { git_reference_name_to_id(&oid, all, $0) }
    if code == GIT_ENOTFOUND.rawValue || code == GIT_EINVALIDSPEC.rawValue { return nil }
    try check(code, "cannot read branch \(GitError.name(name))")
    return ObjectID(oid)
  }
}
