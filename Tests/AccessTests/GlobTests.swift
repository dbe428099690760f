import Access
import TestSupport
import Testing

@Suite struct GlobTests {
  @Test(arguments: [
    // A name without a slash matches at every depth, and what lies in a directory of that name.
    ("a.txt", "a.txt", true), ("a.txt", "b/c/a.txt", true), ("a.txt", "a.txt/x", true), ("a.txt", "xa.txt", false),
    ("a.txt", "a.txtx", false), ("node_modules/", "x/node_modules/y", true), ("node_modules/", "node_modules", true),
    // With a slash it is anchored.
    ("/a.txt", "a.txt", true), ("/a.txt", "b/a.txt", false), ("b/a", "b/a", true), ("b/a", "c/b/a", false),
    ("b/a", "b/a/c", true), ("b/a", "b", false),
    // Stars.
    ("*.pem", "x.pem", true), ("*.pem", "d/.pem", true), ("*.pem", "x.pe", false), ("b/*", "b/a", true),
    ("b/*", "b/a/c", true), ("b/*", "c/a", false), ("b/*/d", "b/c/d", true), ("b/*/d", "b/c/c/d", false),
    ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxaxx", false), ("a**b", "axxb", true), ("a**b", "ax/xb", false),
    // Components.
    ("**/x", "x", true), ("**/x", "a/b/x", true), ("a/**/x", "a/x", true), ("a/**/x", "a/b/c/x", true),
    ("a/**/x", "ab/x", false), ("a/**", "a/b", true), ("a/**", "a", false), ("**", "a/b", true),
    ("**/a/**/b/**", "x/a/b/c", true), ("**/a/**/b/**", "x/a/b", false), ("**/**/a", "a", true), ("**/*", "a", true),
    ("a/**/**/b", "a/b", true), ("**/*.x/**/*.y", "a/b.x/c.y", true),
    // Single bytes and sets.
    ("?", "a", true), ("?", "ab", false), ("a?b", "a/b", false), ("[ab]", "b", true), ("[!ab]", "b", false),
    ("[^ab]", "c", true), ("[a-c]x", "bx", true), ("[a-c]x", "dx", false), ("a[!x]b", "a/b", false),
    ("[]a]", "]", true),
    ("[a-]", "-", true), ("[\\]]", "]", true), ("\\*", "*", true), ("\\*", "a", false), ("\\a", "a", true),
    // Alternatives.
    ("*.{pem,key}", "a.key", true), ("*.{pem,key}", "a.kez", false), ("{a,b{c,d}}/x", "bd/x", true),
    ("x{,y}", "x", true),
    ("\\{a,b\\}", "{a,b}", true), ("a}b", "a}b", true), ("a,b", "a,b", true),
    // Case counts here.
    ("A", "a", false),
  ])
  func matching(pattern: String, path: String, expected: Bool) throws {
    #expect(try Glob(pattern).matches(Array(path.utf8)) == expected)
  }

  @Test(arguments: [
    "", "/", "a//b", "a/../b", "./a", "[a", "[", "[b-a]", "a\\", "{a,b", "{a,{b}", "a\0b", "..", "[\\",
    "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", String(repeating: "a", count: 1025),
  ])
  func refused(pattern: String) { #expect(throws: GlobError.self) { try Glob(pattern) } }

  @Test func bytesThatAreNotText() throws {
    #expect(try Glob("*.bin").matches([0xff, 0xfe, 0x2e, 0x62, 0x69, 0x6e]))
    #expect(try Glob("?").matches([0xff]))
    #expect(try Glob("é").matches(Array("é".utf8)))
  }

  @Test func caseIsIgnoredWhereAskedFor() throws {
    let glob = try Glob("[A-C]x*.PEM", syntax: .pathIgnoringCase)
    #expect(glob.matches(Array("bx1.pem".utf8)))
    #expect(try !Glob("[!A]", syntax: .pathIgnoringCase).matches(Array("a".utf8)))
    #expect(try Glob("meta*", syntax: .nameIgnoringCase).matches(Array("meta/llama".utf8)))
    #expect(try !Glob("meta", syntax: .nameIgnoringCase).matches(Array("meta/llama".utf8)))
  }

  /// Every pattern and path over a small alphabet, drawn at random, against a matcher that tries all ways.
  @Test func agreesWithTryingAllWays() throws {
    var random = Seeded(7)
    let pieces = ["a", "b", "*", "?", "[ab]", "[!a]", "/", "**/", "/**", "/**/", "aa", "ab", "*a"]
    let letters = Array("aab/".utf8)
    var compared = 0
    for _ in 0..<6000 {
      let pattern = (0..<Int.random(in: 1...6, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "a" }
        .joined()
      guard let glob = try? Glob(pattern) else { continue }
      for _ in 0..<8 {
        let path = (0..<Int.random(in: 1...8, using: &random)).map { _ in letters.randomElement(using: &random) ?? 0x61
        }
        let text = String(decoding: path, as: UTF8.self)
        guard !text.contains("//"), !text.hasPrefix("/"), !text.hasSuffix("/") else { continue }
        compared += 1
        #expect(glob.matches(path) == SlowGlob.matches(pattern, text), "\(pattern) on \(text)")
      }
    }
    #expect(compared > 5000)
  }

  @Test func longPatternsUseMoreThanOneWord() throws {
    var random = Seeded(8)
    for _ in 0..<300 {
      let count = Int.random(in: 40...200, using: &random)
      let letters = (0..<count).map { _ in Bool.random(using: &random) ? "a" : "b" }
      var pattern = letters
      for _ in 0..<6 {
        pattern[Int.random(in: 0..<count, using: &random)] = ["*", "?", "[ab]"].randomElement(using: &random) ?? "*"
      }
      let path = letters.joined()
      #expect(try Glob(pattern.joined()).matches(Array(path.utf8)))
      #expect(try Glob("**/" + pattern.joined()).matches(Array("x/y/\(path)/z".utf8)))
      #expect(try !Glob(pattern.joined() + "c").matches(Array(path.utf8)))
    }
  }

  @Test func anyBytesNeverCrashTheReader() {
    var random = Seeded(9)
    let bytes = Array("ab*?[]!^-\\{},/.\0é".utf8)
    for _ in 0..<20000 {
      let pattern = (0..<Int.random(in: 0...12, using: &random)).map { _ in bytes.randomElement(using: &random) ?? 0x61
      }
      for syntax in [Glob.Syntax.path, .pathIgnoringCase, .nameIgnoringCase] {
        _ = (try? Glob(String(decoding: pattern, as: UTF8.self), syntax: syntax))?.matches(Array("a/b.a".utf8))
      }
    }
  }

  @Test func timeIsLinearInThePath() throws {
    let glob = try Glob("**/*a*a*a*a*a*a*a*a*b")
    let path = [UInt8](repeating: 0x61, count: 200_000)
    // What backtracks would not come back.
    #expect(!glob.matches(path))
  }
}

/// The meaning of a pattern, by trying all ways. Knows no braces, no backslashes, no ranges.
enum SlowGlob {
  static func matches(_ pattern: String, _ path: String) -> Bool {
    var body = pattern[...]
    if body.hasSuffix("/") { body = body.dropLast() }
    let isAnchored = body.contains("/")
    if body.hasPrefix("/") { body = body.dropFirst() }
    let wanted = (isAnchored ? [] : ["**"]) + body.split(separator: "/").map(String.init)
    let components = path.split(separator: "/").map(String.init)
    // The path itself, or a directory above it.
    return (1...components.count).contains { match(wanted[...], components[..<$0]) }
  }

  private static func match(_ wanted: ArraySlice<String>, _ path: ArraySlice<String>) -> Bool {
    guard let first = wanted.first else { return path.isEmpty }
    if first == "**" {
      if wanted.count == 1 { return !path.isEmpty }
      return (path.startIndex...path.endIndex).contains { match(wanted.dropFirst(), path[$0...]) }
    }
    guard let name = path.first else { return false }
    return component(Array(first.utf8)[...], Array(name.utf8)[...]) && match(wanted.dropFirst(), path.dropFirst())
  }

  private static func component(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return name.isEmpty }
    switch first {
    case UInt8(ascii: "*"):
      return (name.startIndex...name.endIndex).contains { component(pattern.dropFirst(), name[$0...]) }
    case UInt8(ascii: "["):
      guard let byte = name.first, let close = pattern.firstIndex(of: UInt8(ascii: "]")) else { return false }
      let members = pattern[(pattern.startIndex + 1)..<close]
      let holds =
        members.first == UInt8(ascii: "!") ? !members.dropFirst().contains(byte) : members.contains(byte)
      return holds && component(pattern[(close + 1)...], name.dropFirst())
    default:
      guard let byte = name.first, first == UInt8(ascii: "?") || first == byte else { return false }
      return component(pattern.dropFirst(), name.dropFirst())
    }
  }
}
