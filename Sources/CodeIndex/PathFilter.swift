import Git
import Paths

/// Which files a question is about: below a directory, by patterns, by language.
struct PathFilter: Sendable {
  private struct Pattern: Sendable {
    let glob: Glob
    let leavesOut: Bool
    let isWholePath: Bool

    func matches(_ path: RepoPath) -> Bool { glob.matches(isWholePath ? path.bytes[...] : path.name[...]) }
  }

  private let below: RepoPath?
  private let patterns: [Pattern]
  private let languages: Set<String>

  init(_ request: SearchRequest) throws(SearchError) {
    below = request.below.flatMap { $0.isRoot ? nil : $0 }
    var patterns: [Pattern] = []
    for text in request.globs {
      var bytes = Array(text.utf8)[...]
      let shown = text.utf8.count > 80 ? text.prefix(80) + "…" : text
      let leavesOut = bytes.first == UInt8(ascii: "!")
      if leavesOut { bytes = bytes.dropFirst() }
      let variants = Self.variants(Array(bytes))
      guard variants.count <= Self.mostVariants else {
        throw SearchError("the pattern `\(shown)` stands for more than \(Self.mostVariants)")
      }
      for variant in variants {
        var bytes = variant[...]
        let isWholePath = bytes.contains(UInt8(ascii: "/"))
        if bytes.starts(with: [0x2e, 0x2f]) { bytes = bytes.dropFirst() }
        if bytes.first == UInt8(ascii: "/") { bytes = bytes.dropFirst() }
        // A directory stands for what is in it.
        if bytes.last == UInt8(ascii: "/") { bytes += Array("**".utf8) }
        let glob = Glob(Array(bytes))
        guard !bytes.isEmpty, !glob.isMalformed else {
          throw SearchError("`\(shown)` is no pattern: it is empty, or a bracket or a backslash in it stands alone")
        }
        patterns.append(Pattern(glob: glob, leavesOut: leavesOut, isWholePath: isWholePath))
      }
    }
    self.patterns = patterns
    languages = Set(request.languages.map { $0.lowercased() })
    if let unknown = languages.subtracting(Language.names).sorted().first {
      throw SearchError("`\(unknown)` is no language; known: \(Language.names.sorted().joined(separator: ", "))")
    }
  }

  private static let mostVariants = 1000

  /// What `{a,b}` in a pattern stands for, as in shells and rg; other braces are plain.
  private static func variants(_ pattern: [UInt8]) -> [[UInt8]] {
    var depth = 0
    var open = 0
    var commas: [Int] = []
    var place = 0
    while place < pattern.count {
      switch pattern[place] {
      case UInt8(ascii: "\\"): place += 1
      case UInt8(ascii: "{"):
        if depth == 0 {
          open = place
          commas = []
        }
        depth += 1
      case UInt8(ascii: ","): if depth == 1 { commas.append(place) }
      case UInt8(ascii: "}") where depth > 0:
        depth -= 1
        guard depth == 0, !commas.isEmpty else { break }
        let rest = variants(Array(pattern[(place + 1)...]))
        var result: [[UInt8]] = []
        for (start, end) in zip([open] + commas, commas + [place]) {
          for middle in variants(Array(pattern[(start + 1)..<end])) {
            for end in rest where result.count <= mostVariants { result.append(pattern[..<open] + middle + end) }
          }
        }
        return result
      default: break
      }
      place += 1
    }
    return [pattern]
  }

  var admitsAll: Bool { below == nil && patterns.isEmpty && languages.isEmpty }

  func admits(_ path: RepoPath) -> Bool {
    if let below, !path.isInside(below) { return false }
    if !languages.isEmpty, !languages.contains(Language.of(path).name) { return false }
    guard !patterns.isEmpty else { return true }
    if patterns.contains(where: { $0.leavesOut && $0.matches(path) }) { return false }
    let wanted = patterns.filter { !$0.leavesOut }
    return wanted.isEmpty || wanted.contains { $0.matches(path) }
  }
}
