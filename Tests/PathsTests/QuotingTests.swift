import Paths
import Testing

@Suite("git's quoting of paths")
struct QuotingTests {
  @Test(
    "as git writes it",
    arguments: [
      ("plain.txt", "plain.txt"), ("with space", "with space"), ("é/ü.swift", "é/ü.swift"), ("a\"b", #""a\"b""#),
      ("a\\b", #""a\\b""#), ("a\tb\nc\rd", #""a\tb\nc\rd""#),
      ("\u{7}\u{8}\u{b}\u{c}\u{1}\u{7f}", #""\a\b\v\f\001\177""#),
      ("a\u{202e}b", #""a\342\200\256b""#), ("\u{200b}", #""\342\200\213""#), ("日本", "日本"), ("\u{301}x", "\u{301}x"),
      ("👍", "👍"), ("", ""),
    ])
  func quote(_ text: String, _ quoted: String) {
    #expect(Array(Quoting.quote(Array(text.utf8)).utf8) == Array(quoted.utf8))
    #expect(Quoting.unquote(quoted) == Array(text.utf8))
  }

  @Test("bytes that are not UTF-8")
  func strayBytes() {
    #expect(Quoting.quote([0x61, 0xff, 0xc3, 0x28]) == #""a\377\303(""#)
    #expect(Quoting.quote([0xed, 0xa0, 0x80]) == #""\355\240\200""#)
    #expect(Quoting.quote([0xc0, 0xaf]) == #""\300\257""#)
    #expect(Quoting.quote([0xe2, 0x80]) == #""\342\200""#)
  }

  @Test("git's own quoting, with octal for all that is not ASCII, reads back")
  func octal() {
    #expect(Quoting.unquote(#""caf\303\251""#) == Array("café".utf8))
  }

  @Test(
    "malformed",
    arguments: ["\"", "\"a", "\"a\"b\"", #""\""#, #""\x""#, #""\4""#, #""\40""#, #""\400""#, #""\389""#, #""a\""#])
  func malformed(_ text: String) {
    #expect(Quoting.unquote(text) == nil)
    #expect(RepoPath(quoted: text) == nil)
  }

  @Test(
    "a quoted text cannot smuggle in what is no path",
    arguments: [#""\056\056/a""#, #""\057etc""#, #""a\000b""#, #""""#, #""a/\056""#])
  func smuggling(_ text: String) {
    #expect(RepoPath(quoted: text) == nil)
  }

  @Test("every byte sequence comes back")
  func roundTrip() {
    var state: UInt64 = 42
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    let interesting: [[UInt8]] = [
      [0x22], [0x5c], [0xc3, 0xa9], [0xcc, 0x81], [0xe2, 0x80, 0xae], [0x0a], [0x2f], [0xf0, 0x9f, 0x91, 0x8d], [0x30],
    ]
    for _ in 0..<5000 {
      var bytes: [UInt8] = []
      for _ in 0..<(next() % 12) {
        bytes += next() % 2 == 0 ? [UInt8(next() & 255)] : interesting[Int(next()) % interesting.count]
      }
      let quoted = Quoting.quote(bytes)
      #expect(Quoting.unquote(quoted) == bytes)
      #expect(quoted.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f })
      if let path = RepoPath(bytes), !path.isRoot { #expect(RepoPath(quoted: path.quoted) == path) }
    }
  }
}
