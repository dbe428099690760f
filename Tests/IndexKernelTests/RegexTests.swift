import IndexKernel
import TestSupport
import Testing

private func lines(_ pattern: String, _ text: String, ignoresCase: Bool = false) throws -> [Int] {
  var regex = try LineRegex(Array(pattern.utf8), ignoresCase: ignoresCase)
  return regex.matchingLines(Array(text.utf8))
}

@Suite struct RegexTests {
  @Test(arguments: [
    ("abc", "xabcx", true), ("^abc$", "abc", true), ("^abc$", "abcd", false), ("a|bc", "xbc", true),
    ("(ab)+c", "ababc", true), ("a{2,3}b", "ab", false), ("a{2,3}b", "aab", true), ("a{2}", "aa", true),
    ("[^a-c]x", "bx", false), ("[^a-c]x", "dx", true), ("\\bfoo\\b", "a foo b", true), ("\\bfoo\\b", "afoo", false),
    ("\\d+\\.\\d", "v1.2", true), ("x.z", "xäz", true), ("[ä-ö]", "ö", true), ("[ä-ö]", "a", false),
    ("(?i)hello", "HeLLo", true), ("a*", "", true), ("\\(\\)", "f()", true), ("[[:digit:]]{3}", "a123", true),
    ("colou?r", "color", true), ("\\x41", "A", true), ("a{,2}", "a{,2}", true), ("[]a]", "]", true),
    ("[^é]", "é", false), ("^..$", "é", false), ("^.$", "é", true), ("\\W\\W", "é", false), ("[^ä-ö]", "é", false),
    ("xé?y", "xy", true), ("^é{2}$", "éé", true), ("^é*$", "ééé", true), ("é+x", "xé", false), ("(?i)É", "é", true),
    ("(?i)straSSE|σίσυφος", "ΣΊΣΥΦΟΣ", true), ("(?i)[а-я]+Т", "Привет", true), ("(?i)[^é]", "É", false),
    ("\\p{Lu}b", "Éb", true), ("(?i)\\p{Lu}b", "éb", true), ("(?i)\\P{Ll}", "É", false), ("\\p{Lu}b", "éb", false),
    ("^\\pL+$", "añZ日", true), ("\\P{L}", "añZ", false),
    ("[\\p{N}x]y", "٣y", true), ("[^\\pL]", "日", false), ("\\p{^L}", "-", true), ("[\\P{L}]", "é", false),
    ("[[:^alpha:]]", "ab", false), ("[[:^alpha:]]", "é", true), ("^[[:print:]]+$", "a b", true),
    ("[[:cntrl:]]", "a\tb", true), ("[[:word:]]", "_", true), ("\\b+foo", "afoo", false), ("(^)+b", "ab", false),
    ("\\Bo", "foo", true), ("$", "abc", true), ("\\W", "abc", false), ("(a|ab)(c|bcd)$", "abcd", true),
  ])
  func syntax(pattern: String, text: String, matches: Bool) throws {
    #expect(try lines(pattern, text + "\n") == (matches ? [0] : []))
  }

  @Test(arguments: [
    "(", ")", "[a", "*a", "a{5,2}", "(?=x)", "(a)\\1", "\\", "a{2000}", "[z-a]", "(?P<a>b)(?P=a)", "\\k<a>", "(?>a)",
    "\\p{Greek}", "\\p{L",
    "[\\p{x}]",
  ])
  func refusals(pattern: String) {
    #expect(throws: RegexError.self) { try LineRegex(Array(pattern.utf8)) }
  }

  @Test func linesAreCounted() throws {
    #expect(try lines("b", "a\nb\n\nab") == [1, 3])
    #expect(try lines("^$", "a\n\nb\n") == [1])
    #expect(try lines("x", "") == [])
  }

  @Test func aMarkOfTheEncodingIsNoPartOfTheFirstLine() throws {
    #expect(try lines("^using", "\u{feff}using a\nusing b\n") == [0, 1])
    #expect(try lines("^.", "\u{feff}") == [])
  }

  /// A byte that is not UTF-8 is a character in its own line, and changes nothing in others.
  @Test func stringsThatAreNotUTF8() throws {
    let text = Array("é\ncaf".utf8) + [0xe9] + Array(" x\nab\n".utf8)
    func found(_ pattern: String, limit: Int = .max) throws -> [Int] {
      var regex = try LineRegex(Array(pattern.utf8))
      return regex.matchingLines(text, limit: limit)
    }
    #expect(try found("[^é]") == [1, 2])
    #expect(try found("^..$") == [2])
    #expect(try found("caf. x") == [1])
    #expect(try found(".", limit: 2) == [0, 1])
    for bytes: [UInt8] in [[0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe9], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]] {
      #expect(!bytes.withUnsafeBufferPointer { UTF8Check.isValid($0) })
    }
    #expect(Array("aé€😀 \u{10ffff}".utf8).withUnsafeBufferPointer { UTF8Check.isValid($0) })
  }

  /// What a backtracking engine takes exponential time for.
  @Test func hostilePatternsAreLinear() throws {
    let text = String(repeating: "a", count: 20_000)
    #expect(try lines("(a*)*b", text) == [])
    #expect(try lines("(a|a)*b", text) == [])
    #expect(try lines(String(repeating: "a?", count: 50) + String(repeating: "a", count: 50) + "$", text) == [0])
  }

  @Test func neededTrigramsNeverExcludeAMatch() throws {
    var generator = Seeded(7)
    let pieces = ["ab", "cd", "x+", "(ab|cd)", "[ab]", "e?", ".", "\\w", "fgh", "(ijk)*", "Q"]
    for _ in 0..<300 {
      let pattern = (0..<Int.random(in: 1...5, using: &generator)).map { _ in pieces.randomElement(using: &generator)! }
        .joined()
      let letters = Array("abcdxefghijkQ")
      let text = String(
        (0..<Int.random(in: 0...30, using: &generator)).map { _ in letters.randomElement(using: &generator)! })
      var regex = try LineRegex(Array(pattern.utf8))
      let expected = text.firstMatch(of: try Regex(pattern)) != nil
      let found = !regex.matchingLines(Array((text + "\n").utf8)).isEmpty
      #expect(found == expected, "\(pattern) on \(text)")
      guard found else { continue }
      var builder = SegmentBuilder()
      _ = builder.add(body: TermTable(text: []), names: TermTable(text: []), text: Array(text.utf8))
      let bytes = CheckedBytes(builder.finish().trigrams)
      let index = try #require(Postings(bytes, 0..<bytes.count))
      #expect(index.documents(meeting: regex.need) ?? [0] == [0], "\(pattern) on \(text)")
    }
  }

}
