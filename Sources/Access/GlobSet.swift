/// Many patterns asked at once, compared without case and under every spelling (see ``PathFolding``).
///
/// Plain names and plain extensions, which most patterns are, cost one look-up per component; only the rest is run.
struct GlobSet: Sendable {
  let patterns: [String]
  private var names: [ArraySlice<UInt8>: Int] = [:]
  private var extensions: [ArraySlice<UInt8>: Int] = [:]
  private var others: [(index: Int, glob: Glob)] = []

  init(_ patterns: [String]) throws(GlobError) {
    self.patterns = patterns
    for (index, pattern) in patterns.enumerated() {
      let bytes = PathFolding.lowercased(Array(pattern.utf8))
      // Compiled even when it is looked up: that is what checks it.
      let glob: Glob
      do throws(GlobError) {
        glob = try Glob(String(decoding: bytes, as: UTF8.self), syntax: .pathIgnoringCase)
      } catch {
        throw GlobError(pattern: pattern, reason: error.reason)
      }
      if GlobSet.isPlain(bytes[...]) {
        names[bytes[...], default: index] = min(names[bytes[...]] ?? index, index)
      } else if bytes.starts(with: "*.".utf8), GlobSet.isPlain(bytes[2...]), !bytes[2...].contains(UInt8(ascii: ".")) {
        extensions[bytes[2...], default: index] = min(extensions[bytes[2...]] ?? index, index)
      } else {
        others.append((index, glob))
      }
    }
  }

  var isEmpty: Bool { patterns.isEmpty }

  /// The index of the first pattern that matches a path or a directory above it.
  func firstMatch(_ path: FoldedPath) -> Int? {
    guard !patterns.isEmpty else { return nil }
    let first = firstIndex(path.lowercased)
    guard let stripped = path.stripped, let second = firstIndex(stripped) else { return first }
    return min(first ?? second, second)
  }

  private func firstIndex(_ path: [UInt8]) -> Int? {
    var first = Int.max
    if !names.isEmpty || !extensions.isEmpty {
      var start = 0
      while start <= path.count {
        let end = path[start...].firstIndex(of: UInt8(ascii: "/")) ?? path.count
        if let index = names[path[start..<end]] { first = min(first, index) }
        if !extensions.isEmpty, let dot = path[start..<end].lastIndex(of: UInt8(ascii: ".")),
          let index = extensions[path[(dot + 1)..<end]]
        {
          first = min(first, index)
        }
        start = end + 1
      }
    }
    for (index, glob) in others where index < first && glob.matches(path) { first = index }
    return first == .max ? nil : first
  }

  private static func isPlain(_ bytes: ArraySlice<UInt8>) -> Bool {
    !bytes.isEmpty && !bytes.contains { special.contains($0) }
  }

  private static let special = Set("*?[\\{}/".utf8)
}

/// A path in the forms that ``GlobSet`` compares.
struct FoldedPath {
  let lowercased: [UInt8]
  let stripped: [UInt8]?

  init(_ bytes: [UInt8]) {
    lowercased = PathFolding.lowercased(bytes)
    stripped = PathFolding.stripped(lowercased)
  }
}
