internal import Paths

/// Turns paths as tools print them into paths of the project.
struct ProjectRoot {
  /// The directory that the tests ran in, absolute, without a trailing slash.
  private let root: [UInt8]

  init(_ root: [UInt8]) {
    self.root = root.last == UInt8(ascii: "/") && root.count > 1 ? Array(root.dropLast()) : root
  }

  /// Directories of installed or generated code: their frames are not the project's.
  private static let foreign: Set<[UInt8]> = Set(
    [
      "site-packages", "dist-packages", "node_modules", ".venv", "venv", ".tox", ".nox", ".build", ".cargo", ".git",
      "__pycache__", ".eggs", "target",
    ].map { Array($0.utf8) })

  /// The path inside the project; nil for one outside it, of installed code, or malformed.
  func path(_ printed: some Collection<UInt8>) -> RepoPath? {
    var bytes = Array(printed)
    for scheme in ["file://", "./"] {
      while let rest = bytes[...].after(prefix: scheme) { bytes = Array(rest) }
    }
    guard !bytes.isEmpty, bytes.count <= 4096 else { return nil }
    var components: [[UInt8]] = []
    if bytes[0] == UInt8(ascii: "/") {
      guard bytes.starts(with: root), bytes.count > root.count,
        root == [UInt8(ascii: "/")] || bytes[root.count] == UInt8(ascii: "/")
      else { return nil }
      bytes.removeFirst(root.count)
    }
    for component in bytes.split(separator: UInt8(ascii: "/")) where component != [UInt8(ascii: ".")] {
      if component == [UInt8(ascii: "."), UInt8(ascii: ".")] {
        guard !components.isEmpty else { return nil }
        components.removeLast()
      } else {
        components.append(Array(component))
      }
    }
    guard !components.isEmpty, !components.contains(where: Self.foreign.contains) else { return nil }
    return RepoPath(Array(components.joined(separator: [UInt8(ascii: "/")])))
  }

  /// A line of a file of the project.
  func location(_ printed: some Collection<UInt8>, line: Int?) -> SourceLocation? {
    guard let line, line > 0, line < 1 << 31, let path = path(printed) else { return nil }
    return SourceLocation(path: path, line: line)
  }

  /// Reads `path:line` at the start of a text, optionally with a column and more behind it.
  func location(prefix text: Bytes) -> SourceLocation? {
    var search = text
    while let colon = search.firstIndex(of: UInt8(ascii: ":")) {
      if let (line, rest) = text[(colon + 1)...].leadingNumber, rest.isEmpty || !(rest[rest.startIndex].isWord) {
        return location(text[..<colon], line: line)
      }
      search = search[(colon + 1)...]
    }
    return nil
  }
}
