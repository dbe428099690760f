import Sandbox
import TestSupport
import Testing

@testable import Agent

@Suite struct OutputTextTests {
  /// Bytes that terminals act on.
  private func isHarmless(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { scalar in
      scalar.value >= 0x20 && scalar.value != 0x7f && !(0x80...0x9f).contains(scalar.value) || scalar == "\n"
        || scalar == "\t"
    }
  }

  @Test func anyBytesBecomeHarmlessBoundedText() {
    var generator = Seeded(11)
    let pieces: [[UInt8]] = [
      [0x1b], Array("\u{1b}[31m".utf8), Array("\u{1b}]0;title".utf8), [0x07], [0xc2], [0x9b], [0xc2, 0x9b], [0x00],
      [0x0d], [0x0a], [0xf0, 0x9f], [0x98, 0x80], Array("text".utf8), Array("é\u{301}\u{301}".utf8), [0xff],
      [0x1b, 0x5b],
      [0x1b, 0x5d], [0x1b, 0x5c], [0x7f],
    ]
    for _ in 0..<3000 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0...30, using: &generator) { bytes += pieces.randomElement(using: &generator) ?? [] }
      let text = OutputText.clean(bytes)
      #expect(isHarmless(text), "\(bytes)")
      #expect(OutputText.clean(Array(text.utf8)) == text)
      let limit = Int.random(in: 0...60, using: &generator)
      #expect(OutputText.bounded(text, limit: limit).utf8.count <= max(limit, 0) + 60)
    }
  }

  @Test func textIsKept() {
    #expect(OutputText.clean(Array("naïve – ok\tyes\r\nno\rdone\n".utf8)) == "naïve – ok\tyes\nno\ndone\n")
    #expect(OutputText.clean(Array("\u{1b}[1;31mred\u{1b}[0m".utf8)) == "red")
    #expect(OutputText.clean(Array("\u{1b}]0;title\u{07}after".utf8)) == "after")
    #expect(OutputText.clean(Array("\u{1b}[\nnot hidden".utf8)) == "\nnot hidden")
    #expect(OutputText.clean(Array("\u{1b}]never closed".utf8)) == "never closed")
  }

  /// Half a secret is not known for one: wherever the bound lies, a word is there as a whole or not at all.
  @Test func wordsAreNotCutThrough() {
    let secret = "correct-horse-battery-staple"
    for offset in 0..<80 {
      let text = String(repeating: "a", count: 100 + offset) + " \(secret)\n" + String(repeating: "b ", count: 200)
      let mirrored = String(text.reversed())
      for limit in [120, 130, 150, 170, 200] {
        let start = OutputText.start(of: text, limit)
        #expect(start.contains(secret) || !start.contains("corr"), "\(offset) \(limit)")
        #expect(start.utf8.count <= limit)
        let end = OutputText.end(of: mirrored, limit)
        #expect(end.contains(String(secret.reversed())) || !end.contains("rroc"), "\(offset) \(limit)")
      }
    }
    let line = Array((String(repeating: "x", count: 50) + " \(secret)\n").utf8)
    let long = CapturedOutput(
      head: (0..<2000).flatMap { _ in line }, tail: (0..<2000).flatMap { _ in line }, totalBytes: 10_000_000)
    let shown = OutputText.forModel(long)
    #expect(shown.split(separator: secret, omittingEmptySubsequences: false).allSatisfy { !$0.contains("correct") })
    #expect(!shown.replacing(secret, with: "").contains("staple"))
  }

  @Test func oneHugeCharacterIsBoundedToo() {
    let marks = String(repeating: "\u{301}", count: 100_000)
    #expect(OutputText.bounded("e" + marks).utf8.count < OutputText.modelLimit + 100)
    let output = CapturedOutput(head: Array(marks.utf8), tail: Array(marks.utf8), totalBytes: 1 << 30)
    #expect(OutputText.forModel(output).utf8.count < OutputText.modelLimit + 100)
  }

  @Test func largeOutputTakesLinearTime() {
    let bytes = [UInt8](repeating: 0x1b, count: 1 << 20) + Array(repeating: 0x5d, count: 1 << 20)
    #expect(OutputText.clean(bytes + bytes).utf8.count <= 2 * 2 * bytes.count)
  }

  @Test func linesOfAFileAreThoseThatSplitGives() {
    var generator = Seeded(5)
    for _ in 0..<500 {
      let bytes = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
        Bool.random(using: &generator) ? 0x0a : UInt8(0x61)
      }
      var expected = bytes.split(separator: 0x0a, omittingEmptySubsequences: false).map(Array.init)
      if expected.last?.isEmpty == true { expected.removeLast() }
      let first = Int.random(in: 1...10, using: &generator)
      let count = Int.random(in: 1...10, using: &generator)
      let lines = FileLines(bytes, from: first, count: count)
      #expect(lines.total == expected.count)
      #expect(lines.ranges.map { Array(bytes[$0]) } == Array(expected.dropFirst(first - 1).prefix(count)))
    }
  }
}
