public import Paths

/// Unified diffs, plain and with git's extended headers.
public enum UnifiedDiff {
  /// Reads a diff.
  ///
  /// Line numbers are taken as hints and line counts are forgiven: models miscount. Text around the diffs, as in a mail,
  /// is skipped.
  /// - Parameters:
  ///   - directory: where relative paths start.
  ///   - root: the absolute path of the workspace; absolute paths below it are taken as relative to it.
  /// - Throws: ``PatchError``: `malformed`, `badPath`, `unsupported` for binary patches, links and submodules.
  public static func parse(
    _ diff: [UInt8], directory: RepoPath = .root, root: [UInt8]? = nil
  ) throws(PatchError) -> [FileEdit] {
    var parser = UnifiedDiffParser(
      text: try PatchText(diff), paths: PathReader(root: root, directory: directory))
    return try parser.parse()
  }

  /// Reads a diff.
  public static func parse(
    _ diff: String, directory: RepoPath = .root, root: [UInt8]? = nil
  ) throws(PatchError) -> [FileEdit] {
    try parse(Array(diff.utf8), directory: directory, root: root)
  }

  /// True when the text has the two header lines of a unified diff.
  static func isDiff(_ text: PatchText) -> Bool {
    zip(text.lines, text.lines.dropFirst()).contains {
      $0.starts(with: "--- ".utf8) && $1.starts(with: "+++ ".utf8)
    }
  }

  /// The numbers of `-1,2 +1,3 @@ rest`; nil when the text is something else.
  static func range(
    in text: ArraySlice<UInt8>
  ) -> (oldStart: Int, oldCount: Int, newCount: Int, rest: ArraySlice<UInt8>)? {
    var index = text.startIndex
    func number() -> Int? {
      let start = index
      while index < text.endIndex, (0x30...0x39).contains(text[index]) { index += 1 }
      // More digits than this are no line number.
      return index > start && index - start < 10 ? Int(String(decoding: text[start..<index], as: UTF8.self)) : nil
    }
    func take(_ byte: UInt8) -> Bool {
      guard index < text.endIndex, text[index] == byte else { return false }
      index += 1
      return true
    }
    guard take(UInt8(ascii: "-")), let oldStart = number() else { return nil }
    var oldCount = 1
    if take(UInt8(ascii: ",")) {
      guard let count = number() else { return nil }
      oldCount = count
    }
    guard take(0x20), take(UInt8(ascii: "+")), number() != nil else { return nil }
    var newCount = 1
    if take(UInt8(ascii: ",")) {
      guard let count = number() else { return nil }
      newCount = count
    }
    while take(0x20) {}
    guard text[index...].starts(with: "@@".utf8) else {
      return index == text.endIndex ? (oldStart, oldCount, newCount, []) : nil
    }
    return (oldStart, oldCount, newCount, text[index...].dropFirst(2))
  }
}

private struct UnifiedDiffParser {
  private let text: PatchText
  private let paths: PathReader
  private var index = 0
  private var edits: [FileEdit] = []

  init(text: PatchText, paths: PathReader) {
    self.text = text
    self.paths = paths
  }

  /// What the headers of one file say.
  private struct Header {
    var line = 0
    var old: ArraySlice<UInt8>?
    var new: ArraySlice<UInt8>?
    var renameFrom: ArraySlice<UInt8>?
    var renameTo: ArraySlice<UInt8>?
    var gitLine: ArraySlice<UInt8>?
    var isNew = false
    var isDeleted = false
    var isCopy = false
    var hasModeChange = false
  }

  mutating func parse() throws(PatchError) -> [FileEdit] {
    while let line = current {
      if line.starts(with: "diff --git ".utf8) {
        try parseFile(try parseGitHeader())
      } else if isFileHeader(at: index) {
        var header = Header(line: index + 1)
        readNames(into: &header)
        try parseFile(header)
      } else if line.starts(with: "@@ -".utf8) {
        throw PatchError(.malformed, "a hunk without the --- and +++ lines that name its file", patchLine: index + 1)
      } else {
        index += 1
      }
    }
    guard !edits.isEmpty else { throw PatchError(.malformed, "there is no unified diff in this text") }
    return edits
  }

  private mutating func parseGitHeader() throws(PatchError) -> Header {
    var header = Header(line: index + 1)
    header.gitLine = text.lines[index].dropFirst("diff --git ".utf8.count)
    index += 1
    while let line = current {
      func value(_ name: String) -> ArraySlice<UInt8>? {
        line.starts(with: name.utf8) ? line.dropFirst(name.utf8.count) : nil
      }
      if let mode = value("new file mode ") {
        header.isNew = true
        try refuseLinks(mode)
      } else if let mode = value("deleted file mode ") {
        header.isDeleted = true
        try refuseLinks(mode)
      } else if let mode = value("old mode ") ?? value("new mode ") {
        header.hasModeChange = true
        try refuseLinks(mode)
      } else if let path = value("rename from ") {
        header.renameFrom = path
      } else if let path = value("rename to ") {
        header.renameTo = path
      } else if value("copy from ") != nil || value("copy to ") != nil {
        header.isCopy = true
      } else if let rest = value("index ") {
        if let mode = rest.split(separator: 0x20).dropFirst().first { try refuseLinks(mode) }
      } else if value("similarity index ") == nil, value("dissimilarity index ") == nil {
        break
      }
      index += 1
    }
    if let line = current, line.starts(with: "GIT binary patch".utf8) || line.starts(with: "Binary files ".utf8) {
      throw PatchError(.unsupported, "binary patches cannot be applied here", patchLine: index + 1)
    }
    if isFileHeader(at: index) { readNames(into: &header) }
    return header
  }

  private func refuseLinks(_ mode: ArraySlice<UInt8>) throws(PatchError) {
    let mode = PatchText.trimmed(mode)
    guard mode.starts(with: "12".utf8) || mode.starts(with: "16".utf8) else { return }
    throw PatchError(.unsupported, "patches of links and submodules cannot be applied here", patchLine: index + 1)
  }

  private mutating func readNames(into header: inout Header) {
    header.old = name(text.lines[index].dropFirst(4))
    header.new = name(text.lines[index + 1].dropFirst(4))
    index += 2
  }

  /// A name in a `---` line: up to a tab, after which diff writes a time.
  private func name(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    PatchText.trimmed(text.first == 0x22 ? text : text.prefix { $0 != 0x09 })
  }

  private mutating func parseFile(_ header: Header) throws(PatchError) {
    var hunks: [Hunk] = []
    while let line = current, line.starts(with: "@@".utf8) { hunks.append(try parseHunk(line)) }
    guard !header.isCopy else {
      throw PatchError(.unsupported, "patches that copy a file cannot be applied here", patchLine: header.line)
    }
    let isNull = { (name: ArraySlice<UInt8>?) in name.map { $0.elementsEqual("/dev/null".utf8) } ?? false }
    let (old, new) = try names(of: header)
    if header.isNew || isNull(header.old) {
      var content: [UInt8] = []
      for case .added(let line) in hunks.flatMap(\.lines) { content += line + [0x0a] }
      if hunks.last?.endsWithNewline == false, !content.isEmpty { content.removeLast() }
      edits.append(.add(path: new, content: content))
    } else if header.isDeleted || isNull(header.new) {
      edits.append(.delete(path: old))
    } else {
      guard !hunks.isEmpty || old != new else {
        let reason = header.hasModeChange ? "changes of file modes cannot be applied here" : "the file has no hunks"
        throw PatchError(header.hasModeChange ? .unsupported : .malformed, reason, path: new, patchLine: header.line)
      }
      edits.append(.update(path: old, moveTo: old == new ? nil : new, hunks: hunks))
    }
  }

  /// The two names without git's `a/` and `b/`, from the most reliable header on.
  private func names(of header: Header) throws(PatchError) -> (old: RepoPath, new: RepoPath) {
    if let from = header.renameFrom, let to = header.renameTo {
      return (
        try paths.path(PatchText.trimmed(from), line: header.line),
        try paths.path(PatchText.trimmed(to), line: header.line)
      )
    }
    if let old = header.old, let new = header.new {
      let isNull = { (name: ArraySlice<UInt8>) in name.elementsEqual("/dev/null".utf8) }
      let hasPrefixes = (isNull(old) || begins(old, "a/")) && (isNull(new) || begins(new, "b/"))
      func path(_ name: ArraySlice<UInt8>) throws(PatchError) -> RepoPath {
        try paths.path(hasPrefixes ? withoutPrefix(name) : name, line: header.line)
      }
      if isNull(old) && isNull(new) {
        throw PatchError(.badPath, "both names are /dev/null", patchLine: header.line)
      }
      // `git diff` of one file shows its name on both sides; plain diff may show `x.orig` and `x`.
      let newPath = try path(isNull(new) ? old : new)
      guard !isNull(old), header.gitLine != nil else { return (newPath, newPath) }
      return (try path(old), newPath)
    }
    // No `---` lines: an empty file, a mode change. The two names are the same, apart from a/ and b/.
    let line = PatchText.trimmed(header.gitLine ?? [])
    if line.first == 0x22, let close = line.dropFirst().firstIndex(of: 0x22) {
      let path = try paths.path(withoutPrefix(line[...close]), line: header.line)
      return (path, path)
    }
    guard line.count >= 5, line.count % 2 == 1 else {
      throw PatchError(.badPath, "no name can be read from this header", patchLine: header.line)
    }
    let middle = line.startIndex + line.count / 2
    let path = try paths.path(withoutPrefix(line[..<middle]), line: header.line)
    guard withoutPrefix(line[..<middle]).elementsEqual(withoutPrefix(line[(middle + 1)...])) else {
      throw PatchError(.badPath, "no name can be read from this header", patchLine: header.line)
    }
    return (path, path)
  }

  private func begins(_ name: ArraySlice<UInt8>, _ prefix: String) -> Bool {
    (name.first == 0x22 ? name.dropFirst() : name).starts(with: prefix.utf8)
  }

  private func withoutPrefix(_ name: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard begins(name, "a/") || begins(name, "b/") else { return name }
    return name.first == 0x22 ? [0x22] + name.dropFirst(3) : name.dropFirst(2)
  }

  private mutating func parseHunk(_ header: ArraySlice<UInt8>) throws(PatchError) -> Hunk {
    var hunk = Hunk(lines: [], patchLine: index + 1)
    var oldLeft = 0
    var newLeft = 0
    let rest = PatchText.trimmed(header.dropFirst(2))
    if let range = UnifiedDiff.range(in: rest) {
      hunk.oldStart = range.oldStart
      oldLeft = range.oldCount
      newLeft = range.newCount
    } else if !rest.isEmpty, !rest.elementsEqual("@@".utf8), !rest.elementsEqual("... @@".utf8) {
      // A header without numbers: what it says is a line to look for, as in apply_patch.
      hunk.anchors = [Array(rest)]
    }
    index += 1
    while let line = current {
      let isExpected = oldLeft > 0 || newLeft > 0
      // Beyond the counts, a line that could be a header is one.
      if !isExpected, line.isEmpty || isFileHeader(at: index) || line.elementsEqual("-- ".utf8) { break }
      switch line.first {
      case UInt8(ascii: "+"):
        hunk.lines.append(.added(Array(line.dropFirst())))
        newLeft -= 1
      case UInt8(ascii: "-"):
        hunk.lines.append(.removed(Array(line.dropFirst())))
        oldLeft -= 1
      case UInt8(ascii: " "):
        hunk.lines.append(.context(Array(line.dropFirst())))
        oldLeft -= 1
        newLeft -= 1
      case nil where oldLeft > 0 && newLeft > 0:
        // Mail programs take the space from an empty context line.
        hunk.lines.append(.context([]))
        oldLeft -= 1
        newLeft -= 1
      case UInt8(ascii: "\\"):
        noteMissingNewline(&hunk)
      default:
        return try finished(hunk)
      }
      index += 1
    }
    return try finished(hunk)
  }

  /// `\ No newline at end of file` is about the line before it.
  private func noteMissingNewline(_ hunk: inout Hunk) {
    switch hunk.lines.last {
    // The old file's state; the new one has a newline unless a later line says otherwise.
    case .removed: hunk.endsWithNewline = true
    case .added, .context: hunk.endsWithNewline = false
    case nil: break
    }
  }

  private func finished(_ hunk: Hunk) throws(PatchError) -> Hunk {
    guard !hunk.lines.isEmpty else { throw PatchError(.malformed, "the hunk has no lines", patchLine: hunk.patchLine) }
    return hunk
  }

  private var current: ArraySlice<UInt8>? { index < text.lines.count ? text.lines[index] : nil }

  private func isFileHeader(at index: Int) -> Bool {
    index + 1 < text.lines.count && text.lines[index].starts(with: "--- ".utf8)
      && text.lines[index + 1].starts(with: "+++ ".utf8)
  }
}
