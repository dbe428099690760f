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
    patterns = request.globs.map { text in
      var bytes = Array(text.utf8)[...]
      let leavesOut = bytes.first == UInt8(ascii: "!")
      if leavesOut { bytes = bytes.dropFirst() }
      let isWholePath = bytes.contains(UInt8(ascii: "/"))
      if bytes.first == UInt8(ascii: "/") { bytes = bytes.dropFirst() }
      // A directory stands for what is in it.
      if bytes.last == UInt8(ascii: "/") { bytes += Array("**".utf8) }
      return Pattern(glob: Glob(Array(bytes)), leavesOut: leavesOut, isWholePath: isWholePath)
    }
    languages = Set(request.languages.map { $0.lowercased() })
    if let unknown = languages.subtracting(Language.names).sorted().first {
      throw SearchError("`\(unknown)` is no language; known: \(Language.names.sorted().joined(separator: ", "))")
    }
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
