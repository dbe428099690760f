public import Paths

/// A question to ``CodeSearch``.
public struct SearchRequest: Sendable, Hashable {
  /// What the text is.
  public enum Mode: Sendable, Hashable, CaseIterable {
    /// Words of a task, ranked.
    case words
    /// A regular expression; every matching line, in path order.
    case regex
    /// The name of a function, type or macro.
    case symbols
    /// Parts of a path.
    case files
  }

  /// What is asked.
  public var text: String
  /// What the text is.
  public var mode: Mode
  /// The most results, and the most functions.
  public var limit: Int
  /// Lines to show before and after a matching one.
  public var context: Int
  /// Git's patterns for paths: without a slash they match a name in any directory, with `!` before them they leave out.
  public var globs: [String]
  /// Names of languages, such as `swift`; empty for all.
  public var languages: [String]
  /// Lower and upper case are the same (regular expressions, names).
  public var ignoresCase: Bool
  /// Only files in this directory.
  public var below: RepoPath?
  /// Whether results of ranked words come with the lines worth showing, which have to be read.
  public var wantsExcerpts: Bool
  /// Whether matching lines come with the name of the function or type that each lies in.
  public var wantsNames = true

  /// A question.
  public init(
    _ text: String, mode: Mode = .words, limit: Int = 20, context: Int = 0, globs: [String] = [],
    languages: [String] = [], ignoresCase: Bool = false, below: RepoPath? = nil, wantsExcerpts: Bool = true
  ) {
    self.text = text
    self.mode = mode
    self.limit = limit
    self.context = context
    self.globs = globs
    self.languages = languages
    self.ignoresCase = ignoresCase
    self.below = below
    self.wantsExcerpts = wantsExcerpts
  }
}

/// What ``CodeSearch`` answers.
public struct SearchAnswer: Sendable, Hashable {
  /// A place.
  public struct Result: Sendable, Hashable {
    /// The file.
    public var path: RepoPath
    /// Its first line, from 1.
    public var line: Int
    /// Its last line.
    public var endLine: Int
    /// How well it fits; comparable within one answer.
    public var score: Double
    /// Why it was found.
    public var why: [String]
    /// The function or type that it is, or lies in.
    public var name: String?
    /// Of a definition: what it is, such as `class`.
    public var kind: String?
    /// Of a definition: its parameters as written.
    public var signature: String?
    /// The lines worth showing, each with its number.
    public var lines: [Line] = []
  }

  /// A line of a file.
  public struct Line: Sendable, Hashable {
    /// From 1.
    public var number: Int
    /// Without its end.
    public var text: [UInt8]
    /// Whether it is what was looked for, not its surroundings.
    public var isMatch: Bool
  }

  /// The best places, or all matching lines.
  public var results: [Result] = []
  /// For words: the best functions, the best first.
  public var functions: [Result] = []
  /// For names: where they are used.
  public var references: [Result] = []
  /// What the answer knows nothing of, by the reason.
  public var skipped: [String: Int] = [:]
  /// True when there are more results than were asked for.
  public var isCut = false
}

/// How far the building of an index is.
public struct IndexProgress: Sendable, Hashable {
  /// Files that are done.
  public var files: Int
  /// Files in all.
  public var total: Int
  /// Bytes that were read.
  public var bytes: Int
}
