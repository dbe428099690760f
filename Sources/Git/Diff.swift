import CLibgit2
public import Paths

/// Differences between two contents, in memory.
public enum Diff {
  /// One side of a diff.
  public struct Side: Sendable {
    /// The content.
    public var content: [UInt8]
    /// Its mode.
    public var mode: FileMode

    /// One side.
    public init(_ content: [UInt8], mode: FileMode = .regular) {
      self.content = content
      self.mode = mode
    }
  }

  /// How many lines a change adds and removes. Binary content counts no lines.
  public struct Stats: Sendable, Hashable {
    /// Lines added.
    public var added: Int
    /// Lines removed.
    public var removed: Int

    /// Counts.
    public init(added: Int, removed: Int) {
      self.added = added
      self.removed = removed
    }
  }

  /// The change from `old` to `new` as one file of a git-format patch that `git apply` takes; empty when there is none.
  ///
  /// Binary content is written as `GIT binary patch`, so that nothing is lost. Paths that need it are quoted.
  /// - Parameters:
  ///   - old: nil for a file that is new.
  ///   - new: nil for a file that is gone.
  ///   - oldPath: where it was; the same as `newPath` unless it moved.
  public static func unified(
    old: Side?, new: Side?, oldPath: RepoPath, newPath: RepoPath, context: Int = 3
  ) throws(GitError) -> [UInt8] {
    if let old, let new, old.mode == new.mode, old.content == new.content, oldPath == newPath { return [] }
    if old == nil && new == nil { return [] }
    var output: [UInt8] = []
    let before = quoted("a/", oldPath)
    let after = quoted("b/", newPath)
    output += "diff --git ".utf8 + before + " ".utf8 + after + "\n".utf8
    if let old, let new {
      if old.mode != new.mode { output += "old mode \(old.mode.octal)\nnew mode \(new.mode.octal)\n".utf8 }
      if oldPath != newPath {
        output += "rename from ".utf8 + quoted("", oldPath) + "\nrename to ".utf8 + quoted("", newPath) + "\n".utf8
      }
    } else if let new {
      output += "new file mode \(new.mode.octal)\n".utf8
    } else if let old {
      output += "deleted file mode \(old.mode.octal)\n".utf8
    }
    let oldContent = old?.content ?? []
    let newContent = new?.content ?? []
    // A new or removed empty file has an index line and no hunk.
    if oldContent == newContent && old != nil && new != nil { return output }
    let zero = String(repeating: "0", count: 40)
    let ids = (
      old.map { BlobHash.id(of: $0.content).hex } ?? zero, new.map { BlobHash.id(of: $0.content).hex } ?? zero
    )
    let mode = old?.mode == new?.mode ? (old.map { " \($0.mode.octal)" } ?? "") : ""
    output += "index \(ids.0)..\(ids.1)\(mode)\n".utf8
    if oldContent == newContent { return output }
    let body = try hunks(oldContent, newContent, context: context)
    if body.isBinary {
      output += body.text
    } else {
      output += "--- ".utf8 + (old == nil ? Array("/dev/null".utf8) : terminated(before)) + "\n".utf8
      output += "+++ ".utf8 + (new == nil ? Array("/dev/null".utf8) : terminated(after)) + "\n".utf8
      output += body.text
    }
    return output
  }

  /// Counts the lines that differ.
  public static func stats(old: [UInt8]?, new: [UInt8]?) throws(GitError) -> Stats {
    try Library.start()
    let patch = try makePatch(old ?? [], new ?? [], context: 0)
    var added = 0
    var removed = 0
    try check(git_patch_line_stats(nil, &added, &removed, patch.pointer), "cannot count lines")
    return Stats(added: added, removed: removed)
  }

  /// True when git treats the content as binary: a NUL among the first 8000 bytes.
  public static func isBinary(_ content: [UInt8]) -> Bool { content.prefix(8000).contains(0) }

  private static func quoted(_ prefix: String, _ path: RepoPath) -> [UInt8] {
    Array(Quoting.quote(Array(prefix.utf8) + path.bytes).utf8)
  }

  /// In the `---` and `+++` lines a name with a space is followed by a tab, so that its end can be told.
  private static func terminated(_ name: [UInt8]) -> [UInt8] {
    name.first != 0x22 && name.contains(0x20) ? name + [0x09] : name
  }

  private static func makePatch(_ old: [UInt8], _ new: [UInt8], context: Int) throws(GitError) -> Handle {
    try Library.start()
    var options = git_diff_options()
    try check(git_diff_options_init(&options, UInt32(GIT_DIFF_OPTIONS_VERSION)), "cannot compare")
    options.flags = GIT_DIFF_SHOW_BINARY.rawValue
    options.context_lines = UInt32(clamping: context)
    options.id_abbrev = 40
    // An empty side must not be a null pointer, which would mean that there is no such file.
    var patch: OpaquePointer?
    let code = old.withUnsafeBytes { old in
      new.withUnsafeBytes { new in
        git_patch_from_buffers(
          &patch, old.baseAddress ?? emptyContent, old.count, "x", new.baseAddress ?? emptyContent, new.count, "x",
          &options)
      }
    }
    try check(code, "cannot compare")
    guard let patch else { throw GitError(.corrupt, "cannot compare") }
    return Handle(patch, free: git_patch_free)
  }

  private static var emptyContent: UnsafeRawPointer { UnsafeRawPointer(("" as StaticString).utf8Start) }

  private static func hunks(
    _ old: [UInt8], _ new: [UInt8], context: Int
  ) throws(GitError) -> (text: [UInt8], isBinary: Bool) {
    let patch = try makePatch(old, new, context: context)
    var sink = LineSink()
    let code = withUnsafeMutablePointer(to: &sink) { pointer in
      git_patch_print(
        patch.pointer,
        { _, _, line, payload in
          guard let line, let sink = payload?.assumingMemoryBound(to: LineSink.self) else { return -1 }
          sink.pointee.take(line.pointee)
          return 0
        }, pointer)
    }
    try check(code, "cannot compare")
    return (sink.text, sink.isBinary)
  }
}

/// Collects the hunks that libgit2 prints, without the header, which is ours.
private struct LineSink {
  var text: [UInt8] = []
  var isBinary = false

  mutating func take(_ line: git_diff_line) {
    let content = UnsafeRawBufferPointer(start: line.content, count: line.content_len)
    switch UInt8(bitPattern: line.origin) {
    case UInt8(ascii: "F"): return
    case UInt8(ascii: " "), UInt8(ascii: "+"), UInt8(ascii: "-"):
      text.append(UInt8(bitPattern: line.origin))
    case UInt8(ascii: "B"): isBinary = true
    default: break
    }
    text.append(contentsOf: content)
  }
}
