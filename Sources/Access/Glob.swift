/// Why a pattern is refused.
public struct GlobError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The pattern as written.
  public let pattern: String
  /// What is wrong with it.
  public let reason: String

  /// A sentence for people.
  public var description: String { "the pattern \"\(pattern)\" is refused: \(reason)" }
}

/// A pattern over path bytes, in the way of gitignore(5).
///
/// `*` stands for any bytes but `/`, `?` for one byte but `/`, `[a-z]` and `[!a-z]` for one byte of a set, `\` takes
/// the next byte as it is, `{a,b}` stands for either, and `**` as a whole component for any number of components.
/// A pattern without `/` (a final one aside) matches at every depth; any other is anchored at the repository's root. What
/// matches a directory matches all that lies in it. There is no negation.
///
/// Matching simulates all alternatives at once, a bit for each: its time is the product of the lengths divided by 64,
/// whatever the pattern.
public struct Glob: Sendable, Hashable {
  /// How bytes compare, and what a slash means.
  public enum Syntax: Sendable, Hashable {
    /// Paths; every byte counts.
    case path
    /// Paths; ASCII letters compare without case. The subject has to be in lower case.
    case pathIgnoringCase
    /// Names that are not paths: the whole text has to match, `*` also stands for `/`, ASCII letters compare without
    /// case. The subject has to be in lower case.
    case nameIgnoringCase
  }

  /// The pattern as written.
  public let pattern: String
  private let automata: [GlobAutomaton]

  /// Compiles a pattern.
  public init(_ pattern: String, syntax: Syntax = .path) throws(GlobError) {
    self.pattern = pattern
    guard pattern.utf8.count <= Glob.maximumLength else {
      throw GlobError(
        pattern: String(pattern.prefix(40)) + "…", reason: "it is longer than \(Glob.maximumLength) bytes")
    }
    let parser = GlobParser(pattern: pattern, syntax: syntax)
    var automata: [GlobAutomaton] = []
    for alternative in try parser.alternatives() {
      automata.append(GlobAutomaton(try parser.tokens(of: alternative), isPath: syntax != .nameIgnoringCase))
    }
    self.automata = automata
  }

  /// Whether the pattern matches the path or a directory above it.
  public func matches(_ subject: [UInt8]) -> Bool { automata.contains { $0.matches(subject) } }

  static let maximumLength = 1024
  static let maximumAlternatives = 64

  /// Patterns are equal when they are written alike and read alike.
  public static func == (left: Glob, right: Glob) -> Bool {
    left.pattern == right.pattern && left.automata == right.automata
  }

  /// Hashes the text.
  public func hash(into hasher: inout Hasher) { hasher.combine(pattern) }
}

/// One step of a pattern.
enum GlobToken: Equatable {
  /// One byte of a set.
  case byte(ByteSet)
  /// Any number of bytes, without or with slashes.
  case run(crossingSlashes: Bool)
  /// Any number of whole components, each with its slash.
  case components
}

/// A set of byte values.
struct ByteSet: Equatable {
  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  init() {}
  init(_ byte: UInt8) { insert(byte) }

  static let all = ByteSet().inverted
  static let allButSlash = ByteSet(UInt8(ascii: "/")).inverted

  mutating func insert(_ byte: UInt8) {
    let bit = UInt64(1) << UInt64(byte & 63)
    switch byte >> 6 {
    case 0: words.0 |= bit
    case 1: words.1 |= bit
    case 2: words.2 |= bit
    default: words.3 |= bit
    }
  }

  func contains(_ byte: UInt8) -> Bool {
    let word =
      switch byte >> 6 {
      case 0: words.0
      case 1: words.1
      case 2: words.2
      default: words.3
      }
    return word >> UInt64(byte & 63) & 1 == 1
  }

  var inverted: ByteSet {
    var set = self
    set.words = (~words.0, ~words.1, ~words.2, ~words.3)
    return set
  }

  /// Calls for each member, in order.
  func forEach(_ body: (UInt8) -> Void) {
    for (base, word) in [(UInt8(0), words.0), (64, words.1), (128, words.2), (192, words.3)] {
      var rest = word
      while rest != 0 {
        body(base + UInt8(rest.trailingZeroBitCount))
        rest &= rest - 1
      }
    }
  }

  static func == (left: ByteSet, right: ByteSet) -> Bool { left.words == right.words }
}
