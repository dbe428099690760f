public import Paths

/// The replacement of a range of bytes.
public struct TextEdit: Sendable, Hashable {
  /// Which bytes of the original.
  public var range: Range<Int>
  /// What comes instead.
  public var replacement: [UInt8]

  /// An edit.
  public init(range: Range<Int>, replacement: [UInt8]) {
    self.range = range
    self.replacement = replacement
  }

  /// Applies edits that are all in terms of the original, in any order; insertions at one place in the order given.
  /// - Throws: ``PatchError``: `overlap` for edits of the same bytes, `malformed` for a range outside the original.
  public static func apply(_ edits: [TextEdit], to original: [UInt8]) throws(PatchError) -> [UInt8] {
    let sorted = edits.enumerated().sorted {
      ($0.element.range.lowerBound, $0.element.range.upperBound, $0.offset)
        < ($1.element.range.lowerBound, $1.element.range.upperBound, $1.offset)
    }
    var output: [UInt8] = []
    var next = 0
    for (_, edit) in sorted {
      guard edit.range.lowerBound >= 0, edit.range.upperBound <= original.count else {
        throw PatchError(.malformed, "edit of bytes \(edit.range) of \(original.count)")
      }
      guard edit.range.lowerBound >= next else {
        throw PatchError(.overlap, "two edits of the bytes at \(edit.range.lowerBound)")
      }
      output.append(contentsOf: original[next..<edit.range.lowerBound])
      output.append(contentsOf: edit.replacement)
      next = edit.range.upperBound
    }
    output.append(contentsOf: original[next...])
    return output
  }
}

/// Search and replace, as an edit tool does it.
public enum SearchReplace {
  /// Replaces the one occurrence of a text.
  ///
  /// The text must agree byte for byte, except that a text without CR is also looked for with the CR LF of a file that
  /// uses them.
  /// - Parameters:
  ///   - all: replaces every occurrence instead.
  ///   - path: for messages.
  /// - Throws: ``PatchError``: `notFound` with the nearest place, `ambiguous` with the lines of all occurrences,
  ///   `malformed` for an empty text.
  public static func replace(
    _ old: [UInt8], with new: [UInt8], in content: [UInt8], all: Bool = false, path: RepoPath? = nil
  ) throws(PatchError) -> [UInt8] {
    guard !old.isEmpty else { throw PatchError(.malformed, "the text to replace is empty", path: path) }
    var (old, new) = (old, new)
    var found = occurrences(of: old, in: content)
    if found.isEmpty, old.contains(0x0a), !old.contains(0x0d), content.contains(0x0d) {
      old = withCarriageReturns(old)
      new = new.contains(0x0d) ? new : withCarriageReturns(new)
      found = occurrences(of: old, in: content)
    }
    if found.isEmpty {
      var matcher = LineMatcher(lines: content.split(separator: 0x0a, omittingEmptySubsequences: false))
      var pattern = old.split(separator: 0x0a, omittingEmptySubsequences: false).map(Array.init)
      if pattern.last?.isEmpty == true { pattern.removeLast() }
      throw PatchError(
        .notFound, "the text to replace is not in the file", path: path, lookedFor: pattern,
        nearest: matcher.nearest(to: pattern))
    }
    if found.count > 1 && !all {
      let lines = lineNumbers(of: found.prefix(20), in: content).map(String.init).joined(separator: ", ")
      throw PatchError(
        .ambiguous,
        "the text to replace is in the file \(found.count) times, at lines \(lines)\(found.count > 20 ? ", …" : ""); "
          + "add lines around it", path: path)
    }
    return try TextEdit.apply(
      found.map { TextEdit(range: $0..<($0 + old.count), replacement: new) }, to: content)
  }

  /// The offsets of all occurrences that do not overlap, from the start; linear in both lengths.
  static func occurrences(of pattern: [UInt8], in text: [UInt8]) -> [Int] {
    guard !pattern.isEmpty, pattern.count <= text.count else { return [] }
    var fallback = [Int](repeating: 0, count: pattern.count)
    var matched = 0
    for index in pattern.indices.dropFirst() {
      while matched > 0, pattern[index] != pattern[matched] { matched = fallback[matched - 1] }
      if pattern[index] == pattern[matched] { matched += 1 }
      fallback[index] = matched
    }
    var found: [Int] = []
    matched = 0
    for index in text.indices {
      while matched > 0, text[index] != pattern[matched] { matched = fallback[matched - 1] }
      if text[index] == pattern[matched] { matched += 1 }
      if matched == pattern.count {
        found.append(index + 1 - pattern.count)
        matched = 0
      }
    }
    return found
  }

  private static func withCarriageReturns(_ text: [UInt8]) -> [UInt8] {
    Array(text.split(separator: 0x0a, omittingEmptySubsequences: false).joined(separator: [0x0d, 0x0a]))
  }

  private static func lineNumbers(of offsets: some Sequence<Int>, in text: [UInt8]) -> [Int] {
    var line = 1
    var next = 0
    return offsets.map { offset in
      line += text[next..<offset].reduce(0) { $0 + ($1 == 0x0a ? 1 : 0) }
      next = offset
      return line
    }
  }
}
