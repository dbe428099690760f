import Paths

/// An edit in the bytes of a file as the workspace has it.
struct WorkspaceEdit: Sendable, Hashable {
  var path: RepoPath
  var start: Int
  var end: Int
  var text: String
}

/// Edits put on top of others, and taken back.
enum EditStack {
  /// Applies edits that do not overlap, in any order.
  static func apply(_ edits: [(start: Int, end: Int, text: String)], to bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var position = 0
    for edit in edits.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
      guard edit.start >= position, edit.end >= edit.start, edit.end <= bytes.count else { continue }
      result += bytes[position..<edit.start]
      result += Array(edit.text.utf8)
      position = edit.end
    }
    result += bytes[position...]
    return result
  }

  /// The edits of the workspace's file that have the effect of `base` and then `further`, whose offsets count in the
  /// file with `base` applied.
  static func combine(
    base: [(start: Int, end: Int, text: String)], further: [(start: Int, end: Int, text: String)], current: [UInt8]
  ) -> [(start: Int, end: Int, text: String)] {
    if base.isEmpty { return further }
    let base = base.sorted { ($0.start, $0.end) < ($1.start, $1.end) }
    // Where each base edit's text lies in the current file.
    var spans: [(start: Int, end: Int, shift: Int)] = []
    var shift = 0
    for edit in base {
      let start = edit.start + shift
      let end = start + edit.text.utf8.count
      shift += edit.text.utf8.count - (edit.end - edit.start)
      spans.append((start, end, shift))
    }
    var intervals: [(start: Int, end: Int)] = spans.map { ($0.start, $0.end) } + further.map { ($0.start, $0.end) }
    intervals.sort { ($0.start, $0.end) < ($1.start, $1.end) }
    var groups: [(start: Int, end: Int)] = []
    for interval in intervals {
      if let last = groups.last, interval.start <= last.end {
        groups[groups.count - 1].end = max(last.end, interval.end)
      } else {
        groups.append(interval)
      }
    }
    return groups.map { group in
      let before = spans.last { $0.start < group.start }?.shift ?? 0
      let after = spans.last { $0.start <= group.end }?.shift ?? 0
      let inside = further.filter { $0.start >= group.start && $0.end <= group.end }
        .map { (start: $0.start - group.start, end: $0.end - group.start, text: $0.text) }
      let text = apply(inside, to: Array(current[group.start..<group.end]))
      return (group.start - before, group.end - after, String(decoding: text, as: UTF8.self))
    }
  }

  /// The edits that undo `edits`; their offsets count in the file with `edits` applied.
  static func inverse(
    of edits: [(start: Int, end: Int, text: String)], original: [UInt8]
  ) -> [(start: Int, end: Int, text: String)] {
    var shift = 0
    return edits.sorted { ($0.start, $0.end) < ($1.start, $1.end) }.map { edit in
      let start = edit.start + shift
      shift += edit.text.utf8.count - (edit.end - edit.start)
      return (start, start + edit.text.utf8.count, String(decoding: original[edit.start..<edit.end], as: UTF8.self))
    }
  }
}

/// Writes what edits do to a file, line by line.
enum EditDiff {
  /// A unified diff with one line of context; empty when nothing changes.
  static func unified(path: RepoPath, original: [UInt8], edits: [(start: Int, end: Int, text: String)]) -> String {
    let changed = EditStack.apply(edits, to: original)
    let old = lines(original)
    let new = lines(changed)
    var prefix = 0
    while prefix < old.count, prefix < new.count, old[prefix] == new[prefix] { prefix += 1 }
    var suffix = 0
    while suffix < old.count - prefix, suffix < new.count - prefix,
      old[old.count - 1 - suffix] == new[new.count - 1 - suffix]
    { suffix += 1 }
    if prefix == old.count, prefix == new.count { return "" }
    let from = max(0, prefix - 1)
    let oldEnd = min(old.count, old.count - suffix + 1)
    let newEnd = min(new.count, new.count - suffix + 1)
    var text =
      "--- a/\(path.quoted)\n+++ b/\(path.quoted)\n@@ -\(from + 1),\(oldEnd - from) +\(from + 1),\(newEnd - from) @@\n"
    if from < prefix { text += " \(old[from])\n" }
    for line in old[prefix..<(old.count - suffix)].prefix(40) { text += "-\(line)\n" }
    for line in new[prefix..<(new.count - suffix)].prefix(40) { text += "+\(line)\n" }
    if suffix > 0, oldEnd - 1 < old.count { text += " \(old[oldEnd - 1])\n" }
    return text
  }

  private static func lines(_ bytes: [UInt8]) -> [String] {
    bytes.split(separator: 0x0a, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
  }
}
