import Paths
import TestSupport
import Testing

@testable import Repair

@Suite struct LexerTests {
  /// Pieces that lexers stumble over, to be put together at random.
  static let pieces = [
    "\"", "'", "`", "\"\"\"", "'''", "\\", "\n", "\r\n", "\t", " ", "#", "//", "/*", "*/", "r#\"", "\"#", "R\"x(",
    ")x\"", "f'", "${",
    "}", "\\(", ")", "(", "[", "]", "{", "<", ">=", "===", "**=", "0x1f", "1e-5", "1..2", ".5", "a.b", "'a",
    "/re[/]x/g", "@x",
    "$y", "é", "\u{0}", "if", "def f():", "return", "#define A \\\n 1", "?.", "=>", "x", "%w(a b)", "\u{feff}", "::",
  ]

  private func coversAll(_ bytes: [UInt8], _ language: Language) -> Bool {
    var position = 0
    for token in Lexer.tokens(of: bytes, language: language) {
      guard Int(token.start) == position, token.end > token.start else { return false }
      position = Int(token.end)
    }
    return position == bytes.count
  }

  @Test(arguments: Language.allCases)
  func `Tokens cover any bytes without gap or overlap`(language: Language) {
    var random = Seeded(UInt64(language.rawValue) + 1)
    for round in 0..<150 {
      var bytes: [UInt8] = []
      if round.isMultiple(of: 3) {
        bytes = random.bytes(Int.random(in: 0...300, using: &random))
      } else {
        for _ in 0..<Int.random(in: 0...60, using: &random) {
          bytes += Array((Self.pieces.randomElement(using: &random) ?? "").utf8)
        }
      }
      #expect(coversAll(bytes, language), "\(String(decoding: bytes, as: UTF8.self))")
    }
  }

  @Test(arguments: Language.allCases)
  func `Any text can be taken apart, and its statements lie in it`(language: Language) {
    var random = Seeded(UInt64(language.rawValue) + 100)
    guard let path = RepoPath("any") else { return }
    for _ in 0..<60 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0...120, using: &random) {
        bytes += Array((Self.pieces.randomElement(using: &random) ?? "").utf8)
        if Bool.random(using: &random) { bytes.append(0x20) }
      }
      let file = SourceFile(path: path, bytes: bytes, language: language)
      for statement in file.statements {
        #expect(
          statement.first <= statement.last && statement.last <= statement.blockEnd
            && statement.blockEnd < file.tokens.count)
        #expect(statement.parent < file.statements.count)
      }
      for (index, partner) in file.match.enumerated() where partner >= 0 { #expect(file.match[partner] == index) }
    }
  }

  @Test func `Deep nesting is bounded`() throws {
    let path = try #require(RepoPath("deep.js"))
    for piece in ["(", "{", "[", "if (x) ", "x => {", "else "] {
      let text = String(repeating: piece, count: 20_000)
      let file = SourceFile(path: path, bytes: Array(text.utf8), language: .javascript)
      #expect(!file.tokens.isEmpty)
    }
  }

  private func texts(_ source: String, _ language: Language) throws -> [String] {
    SourceFile(path: try #require(RepoPath("x")), bytes: Array(source.utf8), language: language).texts
  }

  @Test func `Strings of each language are one token`() throws {
    #expect(
      try texts(#"x = rb'a\'b' + """c"d""" + f"{y}""#, .python) == [
        "x", "=", #"rb'a\'b'"#, "+", #""""c"d""""#, "+", #"f"{y}""#,
      ])
    #expect(try texts("a = `x ${b + `y`} z`; c", .javascript) == ["a", "=", "`x ${b + `y`} z`", ";", "c"])
    #expect(try texts("x = a / b / c; y = /[/]'/.test(z)", .javascript).contains("/[/]'/"))
    #expect(
      try texts(##"let a = r#"x"y"#; let b: &'a str = 'c';"##, .rust) == [
        "let", "a", "=", ##"r#"x"y"#"##, ";", "let", "b", ":", "&", "'a", "str", "=", "'c'", ";",
      ])
    #expect(try texts(#"print("a \(b("c")) d")"#, .swift) == ["print", "(", #""a \(b("c")) d""#, ")"])
    #expect(try texts("s := `a\nb` + \"c\"", .go) == ["s", ":=", "`a\nb`", "+", "\"c\""])
    #expect(try texts("#define N 3\nint x = N;", .c) == ["#define", "N", "3", "int", "x", "=", "N", ";"])
  }

  @Test func `Functions and statements are found`() throws {
    func functions(_ source: String, _ language: Language) throws -> [String] {
      SourceFile(path: try #require(RepoPath("x")), bytes: Array(source.utf8), language: language).functions.map(\.name)
    }
    #expect(
      try functions("class A:\n  async def f(self, x=1):\n    return x\n\ndef g(): pass\n", .python) == ["f", "g"])
    #expect(
      try functions("static int f(int a) { if (a) { return 1; } return 0; }\nvoid g(void) {}\n", .c) == ["f", "g"])
    #expect(
      try functions(
        "const f = (a) => { return a }\nclass B { g(x) { return x } }\nmodule.exports = { h() {}, i: function () {} }",
        .javascript)
        == ["f", "g", "h", "i"])
    #expect(try functions("func (r *T) F(x int) (int, error) {\n return x, nil\n}\nfunc G() {}", .go) == ["F", "G"])
    #expect(try functions("impl A { pub fn f(&self) -> i32 { 1 } }\nfn g<T>(x: T) {}", .rust) == ["f", "g"])
    #expect(try functions("struct A { init(x: Int) { } ; func f(_ x: Int) -> Int { x } }", .swift) == ["init", "f"])
    #expect(try functions("public class A { int f(int x) { return x; } }", .java) == ["f"])
  }
}
