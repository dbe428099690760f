import CLibgit2

extension Repository {
  /// The note on an object; nil when it has none.
  /// - Parameter reference: whole, such as `refs/notes/commits`.
  public func note(on object: ObjectID, in reference: String) throws(GitError) -> [UInt8]? {
    var note: OpaquePointer?
    var oid = object.oid
    let code = git_note_read(&note, repository.pointer, reference, &oid)
    if code == GIT_ENOTFOUND.rawValue { return nil }
    try check(code, "cannot read the note on \(object)")
    defer { git_note_free(note) }
    guard let text = git_note_message(note) else { return [] }
    return Array(String(cString: text).utf8)
  }

  /// Puts a note on an object, in the place of one that is there.
  /// - Parameters:
  ///   - text: without NUL bytes.
  ///   - author: also the committer of the commit that the notes' reference gets.
  public func setNote(
    _ text: String, on object: ObjectID, in reference: String, author: Signature
  ) throws(GitError) {
    guard !text.utf8.contains(0) else { throw GitError(.invalid, "a note holds a NUL byte") }
    var signature: UnsafeMutablePointer<git_signature>?
    try check(
      git_signature_new(&signature, author.name, author.email, git_time_t(author.time), Int32(author.offset)),
      "cannot sign a note")
    defer { git_signature_free(signature) }
    var oid = object.oid
    var written = git_oid()
    try check(
      git_note_create(&written, repository.pointer, reference, signature, signature, &oid, text, 1),
      "cannot put a note on \(object)")
  }
}
