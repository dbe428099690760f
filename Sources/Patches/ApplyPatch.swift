public import Paths

/// The apply_patch language, in which many models write edits (published with OpenAI's Codex):
///
/// ```
/// *** Begin Patch
/// *** Update File: path
/// *** Move to: path
/// @@ a line before the place
///  context
/// -removed
/// +added
/// *** End of File
/// *** Add File: path
/// +line
/// *** Delete File: path
/// *** End Patch
/// ```
public enum ApplyPatch {
  /// Reads a patch.
  ///
  /// What models often get wrong is taken as meant: an envelope inside a shell heredoc or a code fence, white space around
  /// markers, CRLF, a missing Begin or End marker, a context line without its space, blank lines without a `+`, a unified
  /// diff instead.
  /// - Parameters:
  ///   - directory: where relative paths start.
  ///   - root: the absolute path of the workspace; absolute paths below it are taken as relative to it.
  /// - Throws: ``PatchError``: `malformed` with the line, `badPath`, `unsupported`.
  public static func parse(
    _ patch: [UInt8], directory: RepoPath = .root, root: [UInt8]? = nil
  ) throws(PatchError) -> [FileEdit] {
    let text = try PatchText(patch)
    let paths = PathReader(root: root, directory: directory)
    var parser = ApplyPatchParser(text: text, paths: paths)
    do throws(PatchError) {
      return try parser.parse()
    } catch {
      // A heredoc, perhaps: its patch is what was meant, and errors are in terms of that.
      if let inner = ShellEnvelope.extract(String(decoding: patch, as: UTF8.self)), inner.patch.utf8.count < patch.count
      {
        var place = directory
        if let inside = inner.directory, inside != "." { place = try paths.path(Array(inside.utf8)[...], line: 1) }
        return try parse(inner.patch, directory: place, root: root)
      }
      // Or another language: no other can be taken for it.
      if error.kind == .malformed, UnifiedDiff.isDiff(text) {
        return try UnifiedDiff.parse(patch, directory: directory, root: root)
      }
      throw error
    }
  }

  /// Reads a patch.
  public static func parse(
    _ patch: String, directory: RepoPath = .root, root: [UInt8]? = nil
  ) throws(PatchError) -> [FileEdit] {
    try parse(Array(patch.utf8), directory: directory, root: root)
  }

  /// The patch in a shell command that does nothing but apply one, and the directory that it changes to first.
  ///
  /// Recognised are `apply_patch` (or `applypatch`) with a heredoc or a quoted argument, after `cd DIR &&` or not, and the
  /// same inside `bash -lc`, as shell text or as a JSON array of arguments. nil for any other command: one that does
  /// more than that is for the shell.
  public static func extractFromShell(_ command: String) -> (directory: String?, patch: String)? {
    ShellEnvelope.extract(command)
  }

  /// The patch in an argument list, such as `["bash", "-lc", "apply_patch <<'EOF' …"]`.
  public static func extractFromShell(arguments: [String]) -> (directory: String?, patch: String)? {
    ShellEnvelope.extract(arguments: arguments)
  }
}

private struct ApplyPatchParser {
  private static let begin = "*** Begin Patch"
  private static let end = "*** End Patch"
  private static let endOfFile = "*** End of File"

  private let text: PatchText
  private let paths: PathReader
  private var index = 0
  private var edits: [FileEdit] = []
  /// The last line that is not blank.
  private let lastLine: Int

  init(text: PatchText, paths: PathReader) {
    self.text = text
    self.paths = paths
    lastLine = text.lines.lastIndex { !PatchText.trimmed($0).isEmpty } ?? 0
  }

  mutating func parse() throws(PatchError) -> [FileEdit] {
    var isOpen = true
    skipFences()
    if marker(Self.begin) != nil { index += 1 }
    while let line = current {
      if marker(Self.end) != nil {
        index += 1
        isOpen = false
      } else if marker(Self.begin) != nil {
        index += 1
        isOpen = true
      } else if PatchText.trimmed(line).isEmpty || isFence(line) {
        index += 1
      } else if !isOpen {
        // The heredoc's end, where the envelope was cut off in front only.
        guard index == text.lines.count - 1, isWord(PatchText.trimmed(line)) else {
          throw malformed("text after *** End Patch")
        }
        index += 1
      } else {
        try parseFile()
      }
    }
    guard !edits.isEmpty else {
      throw PatchError(
        .malformed,
        "there is no change in this patch; it begins with *** Begin Patch, and then for each file has "
          + "*** Add File: PATH, *** Update File: PATH or *** Delete File: PATH")
    }
    return edits
  }

  private mutating func parseFile() throws(PatchError) {
    if let path = marker("*** Add File:") {
      let path = try paths.path(path, line: index + 1)
      index += 1
      edits.append(.add(path: path, content: parseContent()))
    } else if let path = marker("*** Delete File:") {
      let path = try paths.path(path, line: index + 1)
      index += 1
      edits.append(.delete(path: path))
    } else if let path = marker("*** Update File:") {
      let start = index
      let path = try paths.path(path, line: index + 1)
      index += 1
      var moveTo: RepoPath?
      if let target = marker("*** Move to:") {
        moveTo = try paths.path(target, line: index + 1)
        index += 1
      }
      let hunks = try parseHunks()
      guard !hunks.isEmpty || moveTo != nil else {
        throw PatchError(.malformed, "the update has no lines", path: path, patchLine: start + 1)
      }
      edits.append(.update(path: path, moveTo: moveTo, hunks: hunks))
    } else {
      throw malformed(
        "this is no file header; expected *** Add File: PATH, *** Update File: PATH or *** Delete File: PATH")
    }
  }

  /// The lines of a new file: all begin with `+`.
  private mutating func parseContent() -> [UInt8] {
    var content: [UInt8] = []
    while let line = current {
      if line.first == UInt8(ascii: "+") {
        content.append(contentsOf: line.dropFirst())
        content.append(0x0a)
        index += 1
        continue
      }
      // An empty line between added ones lost its `+`.
      var next = index
      while next < text.lines.count, PatchText.trimmed(text.lines[next]).isEmpty { next += 1 }
      guard next > index, next < text.lines.count, text.lines[next].first == UInt8(ascii: "+") else { break }
      content.append(contentsOf: repeatElement(0x0a, count: next - index))
      index = next
    }
    return content
  }

  private mutating func parseHunks() throws(PatchError) -> [Hunk] {
    var hunks: [Hunk] = []
    while let line = current, !isMarker(line), !isPaddedEnd {
      if PatchText.trimmed(line).isEmpty, !startsLine(after: index) {
        index += 1
        continue
      }
      if isFence(line) { break }
      hunks.append(try parseHunk())
    }
    return hunks
  }

  private mutating func parseHunk() throws(PatchError) -> Hunk {
    var hunk = Hunk(lines: [], patchLine: index + 1)
    while let line = current, line.starts(with: "@@".utf8) {
      readAnchor(line.dropFirst(2), into: &hunk)
      index += 1
    }
    loop: while let line = current {
      if marker(Self.endOfFile) != nil {
        hunk.isAtEndOfFile = true
        index += 1
        break
      }
      switch line.first {
      case _ where isPaddedEnd || isMarker(line) || line.starts(with: "@@".utf8) || isFence(line): break loop
      case UInt8(ascii: "+"): hunk.lines.append(.added(Array(line.dropFirst())))
      case UInt8(ascii: "-"): hunk.lines.append(.removed(Array(line.dropFirst())))
      case UInt8(ascii: " "): hunk.lines.append(.context(Array(line.dropFirst())))
      case UInt8(ascii: "\\") where line.starts(with: "\\ No newline".utf8): break
      // A context line whose space got lost: whether it is one, the file will say.
      default: hunk.lines.append(.context(Array(line)))
      }
      index += 1
    }
    guard !hunk.lines.isEmpty else {
      throw PatchError(.malformed, "the hunk has no lines", patchLine: hunk.patchLine)
    }
    return hunk
  }

  /// `@@ text`, also in the forms of unified diffs: `@@ -1,2 +1,3 @@ text`, `@@ text @@`.
  private func readAnchor(_ rest: ArraySlice<UInt8>, into hunk: inout Hunk) {
    var anchor = rest.first == 0x20 ? rest.dropFirst() : rest
    if let range = UnifiedDiff.range(in: PatchText.trimmed(rest)) {
      if range.oldCount > 0 { hunk.oldStart = range.oldStart }
      anchor = range.rest
    }
    let bare = PatchText.trimmed(anchor)
    if bare.count >= 3, bare.suffix(3).elementsEqual(" @@".utf8) { anchor = bare.dropLast(3) }
    if bare.elementsEqual("@@".utf8) { return }
    if !PatchText.trimmed(anchor).isEmpty { hunk.anchors.append(Array(anchor)) }
  }

  private var current: ArraySlice<UInt8>? { index < text.lines.count ? text.lines[index] : nil }

  /// What follows a marker on the current line, without white space around; nil when the line is another.
  private func marker(_ name: String) -> ArraySlice<UInt8>? {
    guard let line = current else { return nil }
    let bare = PatchText.trimmed(line)
    guard bare.starts(with: name.utf8) else { return nil }
    let rest = PatchText.trimmed(bare.dropFirst(name.utf8.count))
    return name.hasSuffix(":") || rest.isEmpty ? rest : nil
  }

  /// Inside hunks only markers at the line's start count: behind a space they are context.
  private func isMarker(_ line: ArraySlice<UInt8>) -> Bool {
    line.starts(with: "*** ".utf8)
      && [
        Self.end, Self.begin, "*** Add File:", "*** Update File:", "*** Delete File:", "*** Move to:", Self.endOfFile,
      ]
      .contains { line.starts(with: $0.utf8) }
  }

  /// An end marker behind a space would be context, were it not the last line.
  private var isPaddedEnd: Bool { index == lastLine && marker(Self.end) != nil }

  /// True when a line of a hunk comes after the blank lines at `index`.
  private func startsLine(after index: Int) -> Bool {
    var next = index
    while next < text.lines.count, PatchText.trimmed(text.lines[next]).isEmpty { next += 1 }
    guard next < text.lines.count else { return false }
    return !isMarker(text.lines[next]) && !text.lines[next].starts(with: "@@".utf8) && !isFence(text.lines[next])
  }

  private mutating func skipFences() {
    while let line = current, PatchText.trimmed(line).isEmpty || isFence(line) { index += 1 }
  }

  private func isFence(_ line: ArraySlice<UInt8>) -> Bool { line.starts(with: "```".utf8) }

  private func isWord(_ line: ArraySlice<UInt8>) -> Bool {
    line.allSatisfy { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7a || $0 == 0x5f }
  }

  private func malformed(_ reason: String) -> PatchError {
    let line = current.map { String(decoding: $0.prefix(120), as: UTF8.self) } ?? ""
    return PatchError(.malformed, "\(reason): \(Quoting.quote(Array(line.utf8)))", patchLine: index + 1)
  }
}
