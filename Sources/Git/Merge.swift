import CLibgit2

/// What came of a three-way merge.
public enum MergeResult: Sendable, Equatable {
  /// Both changes are in it.
  case clean([UInt8])
  /// The changes touch the same lines: the text with conflict markers, for people. For binary content, ours.
  case conflicted([UInt8])
}

extension Diff {
  /// Merges two changes of one base, as `git merge-file` does.
  ///
  /// Binary content merges only when one side left it as it was or both made the same change.
  public static func mergeThreeWay(
    base: [UInt8], ours: [UInt8], theirs: [UInt8], oursLabel: String = "ours", theirsLabel: String = "theirs"
  ) throws(GitError) -> MergeResult {
    if ours == theirs || base == theirs { return .clean(ours) }
    if base == ours { return .clean(theirs) }
    if isBinary(base) || isBinary(ours) || isBinary(theirs) { return .conflicted(ours) }
    try Library.start()
    var options = git_merge_file_options()
    try check(
      git_merge_file_options_init(&options, UInt32(GIT_MERGE_FILE_OPTIONS_VERSION)), "cannot merge")
    var result = git_merge_file_result()
    defer { git_merge_file_result_free(&result) }
    let code = oursLabel.withCString { oursLabel in
      theirsLabel.withCString { theirsLabel in
        options.our_label = oursLabel
        options.their_label = theirsLabel
        return withInput(base) { base in
          withInput(ours) { ours in
            withInput(theirs) { theirs in git_merge_file(&result, base, ours, theirs, &options) }
          }
        }
      }
    }
    try check(code, "cannot merge")
    let content = Array(UnsafeRawBufferPointer(start: result.ptr, count: result.len))
    return result.automergeable == 1 ? .clean(content) : .conflicted(content)
  }

  private static func withInput(
    _ content: [UInt8], _ body: (UnsafePointer<git_merge_file_input>) -> Int32
  ) -> Int32 {
    content.withUnsafeBufferPointer { buffer in
      var input = git_merge_file_input()
      let code = git_merge_file_input_init(&input, UInt32(GIT_MERGE_FILE_INPUT_VERSION))
      guard code == 0 else { return code }
      return buffer.withMemoryRebound(to: CChar.self) { characters in
        input.ptr = characters.baseAddress
        input.size = characters.count
        return body(&input)
      }
    }
  }
}
