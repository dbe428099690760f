public import Paths

/// Who owns which files, as a CODEOWNERS file says: of the patterns that match a path, the last one decides.
///
/// Patterns are those of gitignore without negation, sets and `\` before `#`; `dir/*` means the files in a directory and
/// not those further down. A line that cannot be read is passed over, as code hosts do. Paths compare exactly and, to
/// find owners under other spellings, once more without case; both owners count.
public struct CodeOwners: Sendable, Hashable {
  private struct Rule: Sendable, Hashable {
    var exact: Glob
    var folded: Glob
    /// Components that a path must have; nil for any number.
    var depth: Int?
    var owners: [String]
  }

  private var rules: [Rule] = []
  /// The file as it was read.
  private(set) var text = ""
  private static let mostRules = 20_000

  /// Nobody owns anything.
  public init() {}

  /// Where code hosts look for the file, first match first.
  public static let places = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"]

  /// Reads a file.
  public init(_ text: String) {
    self.text = text
    // Scalars, not characters: "\r\n" is one character, and a mark can join a blank.
    for line in text.unicodeScalars.split(separator: "\n") where rules.count < Self.mostRules {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" }).map { String($0) }
      // A section of GitLab's; its owners are those of its lines.
      guard let pattern = words.first, !pattern.hasPrefix("#"), !pattern.hasPrefix("["), !pattern.hasPrefix("^[") else {
        continue
      }
      let owners = words.dropFirst().prefix { !$0.hasPrefix("#") }.map { $0.lowercased() }
      let glob = pattern
      guard let exact = try? Glob(glob),
        let folded = try? Glob(
          String(decoding: PathFolding.lowercased(Array(glob.utf8)), as: UTF8.self), syntax: .pathIgnoringCase)
      else { continue }
      let isFlat = glob.hasSuffix("/*") && !glob.contains("**")
      let depth = isFlat ? glob.split(separator: "/").count : nil
      rules.append(Rule(exact: exact, folded: folded, depth: depth, owners: owners))
    }
  }

  /// True when nobody owns anything.
  public var isEmpty: Bool { rules.isEmpty }

  /// The owners of a path, in lower case, sorted.
  public func owners(of path: RepoPath) -> [String] { isEmpty ? [] : owners(path.bytes, FoldedPath(path.bytes)) }

  func owners(_ path: [UInt8], _ folded: FoldedPath) -> [String] {
    guard !rules.isEmpty else { return [] }
    var owners = Set(last { $0.exact.matches(path) } ?? [])
    owners.formUnion(last { $0.folded.matches(folded.lowercased) } ?? [])
    if let stripped = folded.stripped { owners.formUnion(last { $0.folded.matches(stripped) } ?? []) }
    return owners.sorted()

    func last(_ matches: (Rule) -> Bool) -> [String]? {
      let depth = path.count { $0 == UInt8(ascii: "/") } + 1
      return rules.last { ($0.depth == nil || $0.depth == depth) && matches($0) }?.owners
    }
  }
}
