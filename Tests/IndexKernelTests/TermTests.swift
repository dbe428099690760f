import IndexKernel
import TestSupport
import Testing

private func terms(_ text: String) -> [UInt32] { TermScanner.terms(Array(text.utf8)) }

@Suite struct TermTests {
  @Test func identifiersAreCutIntoWords() {
    #expect(Set(terms("parseHTTPHeader")) == Set(terms("parse HTTP header") + [terms("parse_http_header").last ?? 0]))
    #expect(terms("add_item").last == terms("addItem").last)
    #expect(terms("a b") == [])
  }

  @Test(arguments: [
    ("files", "file"), ("matching", "matches"), ("duplicated", "duplicate"), ("tries", "tried"),
    ("stopping", "stop"), ("classes", "class"),
  ])
  func endingsAreTakenOff(first: String, second: String) { #expect(terms(first) == terms(second)) }

  @Test(arguments: [("thing", "th"), ("status", "statu"), ("bed", "b"), ("used", "us")])
  func shortWordsStay(first: String, second: String) { #expect(terms(first) != terms(second)) }

  @Test func pairsOfWordsAreFoundInOrder() {
    let pairs = [("keep", "alive"), ("alive", "time"), ("time", "keep"), ("x1", "keep")].map {
      (first: terms($0)[0], second: terms($1)[0])
    }
    let found = WordPairs(pairs).found(in: Array("int keepAlive_time;\n// x1 (keep\n".utf8))
    #expect(found == [true, true, false, true])
    #expect(WordPairs([]).found(in: [0x61]) == [])
    #expect(WordPairs(pairs).found(in: []) == [false, false, false, false])
  }

  @Test func countsAreByUnit() {
    var found: [UInt64] = []
    TermScanner.scan(Array("alpha beta\nalpha\nalpha gamma\n".utf8), into: &found)
    let table = TermTable(&found, unitOfLine: [0, 0, 1], unitCount: 2)
    var matches: [TermTable.Match] = []
    table.matches(of: terms("alpha").sorted(), into: &matches)
    #expect(matches.count == 1 && matches.first?.total == 3)
    #expect(matches.first.map { Array(table.counts[$0.range]) } == [2, 1])
    #expect(table.unitLengths == [3, 2] && table.length == 5)
  }

  @Test func tablesSurviveStorageAndDamageIsSeen() {
    var generator = Seeded(3)
    for _ in 0..<100 {
      var found: [UInt64] = (0..<Int.random(in: 0..<900, using: &generator)).map { _ in
        UInt64(UInt32.random(in: 0...400, using: &generator) &* 0x9e37_79b1) << 32
          | UInt64.random(in: 0..<50, using: &generator)
      }
      let units = (0..<50).map { _ in UInt16.random(in: 0..<9, using: &generator) }
      let table = TermTable(&found, unitOfLine: units, unitCount: 9)
      var writer = ByteWriter()
      table.write(to: &writer)
      var bytes = writer.bytes
      let back = bytes.withUnsafeBytes { buffer in
        var reader = ByteReader(buffer)
        return TermTable(from: &reader)
      }
      #expect(back == table)
      // Damage may go unseen here (the checksum is elsewhere) but must do no harm.
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= 0x55
      bytes.withUnsafeBytes { buffer in
        var reader = ByteReader(buffer)
        var matches: [TermTable.Match] = []
        TermTable(from: &reader)?.matches(of: [1, 2, 3], into: &matches)
      }
    }
  }

  @Test func trigramsOfATextHoldThoseOfItsParts() {
    var set = TrigramSet()
    var generator = Seeded(5)
    for length in [0, 1, 2, 3, 10, 1000, 20_000] {
      let text = (0..<length).map { _ in UInt8.random(in: 0x20...0x7e, using: &generator) }
      var found: [UInt32] = []
      set.add(text, to: &found)
      #expect(Set(found).count == found.count)
      guard length > 30 else { continue }
      let start = Int.random(in: 0..<(length - 20), using: &generator)
      #expect(Set(TrigramSet.of(Array(text[start..<start + 20]))).isSubset(of: found))
    }
    var found: [UInt32] = []
    set.add(Array("aBc\nDE\nfgh".utf8), to: &found)
    #expect(found.sorted() == TrigramSet.of(Array("abc".utf8)) + TrigramSet.of(Array("FGH".utf8)))
  }
}
