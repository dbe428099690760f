import Paths

/// One line of a `.gitignore` file, as gitignore(5) defines it.
struct IgnorePattern: Sendable {
  /// True for a line that begins with `!`: it takes back what an earlier line ignored.
  let isNegated: Bool
  private let isDirectoryOnly: Bool
  /// True when the pattern has no slash but a final one: it is compared with the name alone, at any depth.
  private let isNameOnly: Bool
  private let glob: Glob

  /// Reads a file's lines; comments and empty lines are left out.
  static func parse(_ content: [UInt8]) -> [IgnorePattern] {
    var content = content[...]
    if content.starts(with: [0xef, 0xbb, 0xbf]) { content = content.dropFirst(3) }
    return content.split(separator: 0x0a).compactMap { IgnorePattern(line: $0) }
  }

  private init?(line: ArraySlice<UInt8>) {
    var line = line
    if line.last == 0x0d { line = line.dropLast() }
    guard let first = line.first, first != UInt8(ascii: "#") else { return nil }
    if let null = line.firstIndex(of: 0) { line = line[..<null] }
    line = Self.withoutTrailingSpaces(line)
    isNegated = line.first == UInt8(ascii: "!")
    if isNegated { line = line.dropFirst() }
    isDirectoryOnly = line.last == 0x2f
    if isDirectoryOnly { line = line.dropLast() }
    guard !line.isEmpty else { return nil }
    isNameOnly = !line.contains(0x2f)
    if line.first == 0x2f { line = line.dropFirst() }
    glob = Glob(Array(line))
  }

  /// Spaces at the end do not count unless a backslash stands before them.
  private static func withoutTrailingSpaces(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var end = line.startIndex
    var index = line.startIndex
    while index < line.endIndex {
      if line[index] == 0x20 {
        index += 1
        continue
      }
      if line[index] == 0x5c { index += 1 }
      index += 1
      end = min(index, line.endIndex)
    }
    return line[..<end]
  }

  /// - Parameters:
  ///   - path: relative to the directory that holds the `.gitignore` file.
  ///   - name: the last component of `path`.
  func matches(path: ArraySlice<UInt8>, name: ArraySlice<UInt8>, isDirectory: Bool) -> Bool {
    if isDirectoryOnly && !isDirectory { return false }
    return glob.matches(isNameOnly ? name : path)
  }
}
