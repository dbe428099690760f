import Sandbox
import TestSupport
import Testing

/// Nothing that a terminal obeys comes through.
@Suite struct OutputEscaperTests {
  struct Sample: Sendable, CustomTestStringConvertible {
    var name: String
    var input: [UInt8]
    var output: String
    var testDescription: String { name }

    init(_ name: String, _ input: String, _ output: String) {
      (self.name, self.input, self.output) = (name, Array(input.utf8), output)
    }

    init(_ name: String, bytes: [UInt8], _ output: String) { (self.name, input, self.output) = (name, bytes, output) }
  }

  static let samples = [
    Sample("plain", "a\tb\nc ü 漢 🙂️", "a\tb\nc ü 漢 🙂️"),
    Sample("CR LF stays", "a\r\nb", "a\r\nb"),
    Sample("a carriage return hides a line", "evil\rgood", "evil\\rgood"),
    Sample("colours", "\u{1b}[31mred", "\\e[31mred"),
    Sample("window title", "\u{1b}]0;x\u{7}", "\\e]0;x\\x07"),
    Sample("clipboard", "\u{1b}]52;c;eA==\u{1b}\\", "\\e]52;c;eA==\\e\\"),
    Sample("link", "\u{1b}]8;;http://x\u{1b}\\", "\\e]8;;http://x\\e\\"),
    Sample("C1 as characters", "\u{9b}31m\u{9d}", "\\u{9b}31m\\u{9d}"),
    Sample("C1 as bytes", bytes: [0x9b, 0x33, 0x9d], "\\x9b3\\x9d"),
    Sample("backspace and delete", "a\u{8}\u{7f}", "a\\x08\\x7f"),
    Sample("direction", "a\u{202e}b\u{2066}c", "a\\u{202e}b\\u{2066}c"),
    Sample("invisible", "a\u{200b}\u{feff}\u{ad}\u{3164}\u{e0041}b", "a\\u{200b}\\u{feff}\\u{ad}\\u{3164}\\u{e0041}b"),
    Sample("line separators", "a\u{2028}b\u{85}", "a\\u{2028}b\\u{85}"),
    Sample(
      "not UTF-8", bytes: [0x61, 0xff, 0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xe2, 0x80],
      "a\\xff\\xc0\\xaf\\xed\\xa0\\x80\\xe2\\x80"),
    Sample("NUL", bytes: [0, 0x61], "\\x00a"),
  ]

  @Test(arguments: samples) func whole(_ sample: Sample) {
    #expect(String(decoding: OutputEscaper.escape(sample.input), as: UTF8.self) == sample.output)
    #expect(OutputEscaper.isHostile(sample.input) == (Array(sample.output.utf8) != sample.input))
  }

  @Test(arguments: samples) func inPiecesAtEveryPlace(_ sample: Sample) {
    for cut in 0...sample.input.count {
      var escaper = OutputEscaper()
      let output = escaper.escape(Array(sample.input[..<cut])) + escaper.escape(Array(sample.input[cut...]))
      #expect(String(decoding: output + escaper.finish(), as: UTF8.self) == sample.output)
    }
  }

  @Test func anyBytesBecomeVisible() {
    var state: UInt64 = 7
    for round in 0..<2000 {
      let input = (0..<round % 40).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
      }
      let output = OutputEscaper.escape(input)
      #expect(!OutputEscaper.isHostile(output))
      #expect(!output.contains(0x1b))
    }
  }
}
