import Git
import Paths

/// One file of a git-format patch as the record keeps it, read strictly: whole blob ids, exact line numbers.
struct FilePatch: Sendable, Hashable {
  struct Hunk: Sendable, Hashable {
    /// The first line of the old side, counted from 1; the line before where nothing was removed.
    var oldStart: Int
    var newStart: Int
    /// Each with its mark (space, plus, minus) and its line feed, which the last line of a file may lack.
    var lines: [[UInt8]]
  }

  var path: RepoPath
  var oldPath: RepoPath
  var oldMode: FileMode?
  var newMode: FileMode?
  /// The blob before; nil for a new file, and where only the mode changed.
  var before: ObjectID?
  /// The blob after; nil for a deleted file, and where only the mode changed.
  var after: ObjectID?
  var isBinary = false
  var hunks: [Hunk] = []
  /// The section as it stands in the patch.
  var bytes: [UInt8]

  var isNew: Bool { oldMode == nil && newMode != nil }
  var isDeleted: Bool { newMode == nil && oldMode != nil }

  /// The new content from the old one; nil when the hunks do not stand where they say.
  func apply(to old: [UInt8]) -> [UInt8]? {
    let lines = FilePatch.lines(old)
    var output: [UInt8] = []
    output.reserveCapacity(old.count)
    var next = 0
    for hunk in hunks {
      let removes = hunk.lines.contains { $0.first != UInt8(ascii: "+") }
      let start = removes ? hunk.oldStart - 1 : hunk.oldStart
      guard start >= next, start <= lines.count else { return nil }
      for line in lines[next..<start] { output += line }
      next = start
      for line in hunk.lines {
        let text = line.dropFirst()
        if line.first != UInt8(ascii: "+") {
          guard next < lines.count, lines[next].elementsEqual(text) else { return nil }
          next += 1
        }
        if line.first != UInt8(ascii: "-") { output += text }
      }
    }
    for line in lines[next...] { output += line }
    return output
  }

  /// Lines with their line feeds.
  static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    var lines: [ArraySlice<UInt8>] = []
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0a).map { $0 + 1 } ?? bytes.count
      lines.append(bytes[start..<end])
      start = end
    }
    return lines
  }
}

/// Reads whole patches.
enum GitPatch {
  /// The files of a patch, in order; nil when it is not one of ours.
  static func files(in patch: [UInt8]) -> [FilePatch]? {
    let mark = Array("diff --git ".utf8)
    var sections: [[ArraySlice<UInt8>]] = []
    for line in FilePatch.lines(patch) {
      if line.starts(with: mark) {
        sections.append([line])
      } else if sections.isEmpty {
        return nil
      } else {
        sections[sections.count - 1].append(line)
      }
    }
    var files: [FilePatch] = []
    for section in sections {
      guard let file = file(section) else { return nil }
      files.append(file)
    }
    return files
  }

  private static func file(_ lines: [ArraySlice<UInt8>]) -> FilePatch? {
    guard let header = lines.first.map(text), let (old, new) = paths(String(header.dropFirst(11))) else { return nil }
    var file = FilePatch(path: new, oldPath: old, bytes: lines.flatMap { $0 })
    var index = 1
    while index < lines.count {
      let line = text(lines[index])
      index += 1
      func rest(_ prefix: String) -> String? { line.hasPrefix(prefix) ? String(line.dropFirst(prefix.count)) : nil }
      if let mode = rest("old mode ") ?? rest("deleted file mode ") {
        file.oldMode = self.mode(mode)
      } else if let mode = rest("new mode ") ?? rest("new file mode ") {
        file.newMode = self.mode(mode)
      } else if let ids = rest("index ") {
        let parts = ids.split(separator: " ")
        let pair = parts[0].split(separator: ".", omittingEmptySubsequences: true)
        guard pair.count == 2 else { return nil }
        file.before = id(pair[0])
        file.after = id(pair[1])
        if parts.count == 2 { (file.oldMode, file.newMode) = (mode(String(parts[1])), mode(String(parts[1]))) }
      } else if line.hasPrefix("GIT binary patch") {
        file.isBinary = true
        break
      } else if line.hasPrefix("@@ ") {
        guard let hunk = hunk(line, lines, &index) else { return nil }
        file.hunks.append(hunk)
      }
    }
    return file
  }

  private static func hunk(_ header: String, _ lines: [ArraySlice<UInt8>], _ index: inout Int) -> FilePatch.Hunk? {
    let parts = header.split(separator: " ", maxSplits: 3)
    guard parts.count >= 3, let old = range(parts[1], "-"), let new = range(parts[2], "+") else { return nil }
    var hunk = FilePatch.Hunk(oldStart: old.start, newStart: new.start, lines: [])
    var (oldLeft, newLeft) = (old.count, new.count)
    while oldLeft > 0 || newLeft > 0 || (index < lines.count && lines[index].first == UInt8(ascii: "\\")) {
      guard index < lines.count, let mark = lines[index].first else { return nil }
      switch mark {
      case UInt8(ascii: " "): (oldLeft, newLeft) = (oldLeft - 1, newLeft - 1)
      case UInt8(ascii: "-"): oldLeft -= 1
      case UInt8(ascii: "+"): newLeft -= 1
      case UInt8(ascii: "\\"):
        // "No newline at end of file" belongs to the line before.
        if hunk.lines.last?.last == 0x0a { hunk.lines[hunk.lines.count - 1].removeLast() }
        index += 1
        continue
      default: return nil
      }
      hunk.lines.append(Array(lines[index]))
      index += 1
    }
    return oldLeft == 0 && newLeft == 0 ? hunk : nil
  }

  private static func range(_ text: Substring, _ mark: Character) -> (start: Int, count: Int)? {
    guard text.first == mark else { return nil }
    let parts = text.dropFirst().split(separator: ",")
    guard let start = parts.first.flatMap({ Int($0) }) else { return nil }
    return (start, parts.count > 1 ? Int(parts[1]) ?? 0 : 1)
  }

  /// `a/x b/x`, either part quoted when it needs to be. Ours name the same path twice unless a file moved.
  private static func paths(_ text: String) -> (RepoPath, RepoPath)? {
    func path(_ part: Substring, _ prefix: String) -> RepoPath? {
      guard let bytes = Quoting.unquote(String(part)), bytes.starts(with: prefix.utf8) else { return nil }
      return RepoPath(Array(bytes.dropFirst(2)))
    }
    for space in text.indices where text[space] == " " {
      let (left, right) = (text[..<space], text[text.index(after: space)...])
      if let old = path(left, "a/"), let new = path(right, "b/"), old == new { return (old, new) }
    }
    return nil
  }

  private static func id(_ text: Substring) -> ObjectID? {
    text.allSatisfy { $0 == "0" } ? nil : ObjectID(hex: String(text))
  }

  private static func mode(_ octal: String) -> FileMode? {
    Int(octal, radix: 8).flatMap { FileMode(rawValue: .init($0)) }
  }

  private static func text(_ line: ArraySlice<UInt8>) -> String {
    String(decoding: line.last == 0x0a ? line.dropLast() : line, as: UTF8.self)
  }
}
