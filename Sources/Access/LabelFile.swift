/// One rule of a label file.
struct LabelRule: Sendable, Hashable {
  /// What a file must be like.
  enum Condition: Sendable, Hashable {
    /// Its path, or a directory above it, matches a pattern.
    case path(String)
    /// CODEOWNERS names this owner for it.
    case owner(String)
    /// It holds something, where `path` matches it when one is given.
    case content(ContentTest, path: String?)
  }

  var condition: Condition
  var labels: [String]
  var line: Int
}

/// What a rule looks for in a file's content.
enum ContentTest: Sendable, Hashable {
  /// A private key in one of the text forms that mark it.
  case privateKey
  /// A token or a password given by value in a settings file.
  case credentials
  /// These bytes.
  case text([UInt8])

  func holds(_ content: [UInt8]) -> Bool {
    switch self {
    case .privateKey: ShippedRules.holdsPrivateKey(content)
    case .credentials: ShippedRules.holdsToken(content)
    case .text(let needle): ByteSearch.contains(needle, in: content)
    }
  }
}

/// Reads label files: one rule a line, `#` begins a comment.
///
///     path     customers/**                        restricted personal
///     owner    @acme/security                      restricted
///     content  private-key                         secret
///     content  credentials in *.ini                secret
///     content  "COMPANY CONFIDENTIAL"              restricted
///
/// Patterns are those of ``Glob`` and compare without case. A value with blanks stands in double quotes, in which `\"` and
/// `\\` stand for themselves.
enum LabelFile {
  static let mostRules = 10_000

  static func parse(_ text: String, file: String, layer: LayerName) throws(PolicyError) -> [LabelRule] {
    var rules: [LabelRule] = []
    // Scalars, not characters: "\r\n" is one character.
    let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      func fail(_ reason: String) -> PolicyError {
        PolicyError(layer: layer, file: file, line: index + 1, reason: reason)
      }
      var words: [Word]
      do throws(LineError) { words = try Self.words(of: line) } catch { throw fail(error.reason) }
      guard let kind = words.first else { continue }
      words.removeFirst()
      guard !words.isEmpty else { throw fail("`\(kind.text)` needs a value and a label") }
      let value = words.removeFirst()
      let condition: LabelRule.Condition
      switch kind.text {
      case "path":
        condition = .path(value.text)
      case "owner":
        condition = .owner(value.text)
      case "content":
        var place: String?
        if words.first == Word(text: "in", isQuoted: false) {
          guard words.count >= 3 else { throw fail("after `in` come a pattern and a label") }
          place = words[1].text
          words.removeFirst(2)
        }
        condition = .content(try test(value, fail), path: place)
      default: throw fail("`\(kind.text)` is no kind of rule: there are path, owner and content")
      }
      guard !words.isEmpty else { throw fail("the rule gives no label") }
      for label in words where !Label.isWellFormed(label.text) {
        throw fail("`\(label.text)` is no name for a label: lower-case letters, digits and -_., at most 64")
      }
      for pattern in condition.patterns {
        do throws(GlobError) { _ = try Glob(pattern, syntax: .pathIgnoringCase) } catch { throw fail("\(error)") }
      }
      rules.append(LabelRule(condition: condition, labels: words.map(\.text), line: index + 1))
      guard rules.count <= mostRules else { throw fail("there are more than \(mostRules) rules") }
    }
    return rules
  }

  private static func test(
    _ value: Word, _ fail: (String) -> PolicyError
  ) throws(PolicyError) -> ContentTest {
    if value.isQuoted {
      guard value.text.utf8.count >= 3 else { throw fail("a text to look for needs at least 3 bytes") }
      return .text(Array(value.text.utf8))
    }
    switch value.text {
    case "private-key": return .privateKey
    case "credentials": return .credentials
    default: throw fail("`\(value.text)` is no test: there are private-key, credentials, and a text in quotes")
    }
  }

  private struct Word: Equatable {
    var text: String
    var isQuoted: Bool
  }

  private struct LineError: Error {
    var reason: String
  }

  private static func words(of line: Substring.UnicodeScalarView) throws(LineError) -> [Word] {
    var words: [Word] = []
    var rest = line
    if rest.last == "\r" { rest.removeLast() }
    while true {
      rest = rest.drop { $0 == " " || $0 == "\t" }
      guard let first = rest.first, first != "#" else { return words }
      var text = String.UnicodeScalarView()
      if first == "\"" {
        rest.removeFirst()
        var isClosed = false
        while !isClosed, let scalar = rest.popFirst() {
          switch scalar {
          case "\"": isClosed = true
          case "\\":
            guard let escaped = rest.popFirst(), escaped == "\"" || escaped == "\\" else {
              throw LineError(reason: "after a backslash in quotes only \" and \\ can stand")
            }
            text.append(escaped)
          default: text.append(scalar)
          }
        }
        guard isClosed else { throw LineError(reason: "a quoted value is not closed") }
        words.append(Word(text: String(text), isQuoted: true))
      } else {
        while let scalar = rest.first, scalar != " ", scalar != "\t" {
          text.append(scalar)
          rest.removeFirst()
        }
        words.append(Word(text: String(text), isQuoted: false))
      }
    }
  }
}

extension LabelRule.Condition {
  /// The path patterns in it.
  var patterns: [String] {
    switch self {
    case .path(let pattern): [pattern]
    case .owner: []
    case .content(_, let pattern): pattern.map { [$0] } ?? []
    }
  }
}
