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
    let table = TermTable(
      text: Array("alpha beta\nalpha\nalpha gamma\n".utf8), unitOfLine: [0, 0, 1], unitCount: 2)
    var matches: [TermTable.Match] = []
    table.matches(of: terms("alpha").sorted(), into: &matches)
    #expect(matches.count == 1 && matches.first?.total == 3)
    #expect(matches.first.map { Array(table.counts[$0.range]) } == [2, 1])
    #expect(table.unitLengths == [3, 2] && table.length == 5)
  }

  /// Identifiers of a few words in all spellings, separators, line ends, bytes of any kind.
  private func text(_ most: Int, _ generator: inout Seeded) -> [UInt8] {
    let words = [
      "add", "Item", "HTTP", "files", "x9", "größe", "v", "_", "__", "Stopped", String(repeating: "ab", count: 40),
    ]
    var text: [UInt8] = []
    for _ in 0..<Int.random(in: 0..<most, using: &generator) {
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        text += words[Int.random(in: 0..<words.count, using: &generator)].utf8
        if Int.random(in: 0..<40, using: &generator) == 0 { text.append(UInt8.random(in: 0...255, using: &generator)) }
      }
      text.append([0x20, 0x0a, 0x2e, 0x5f].randomElement(using: &generator) ?? 0x20)
    }
    return text
  }

  @Test func tablesSayWhatAPlainCountSays() {
    var generator = Seeded(7)
    for round in 0..<60 {
      let text = text(round < 50 ? 300 : 20_000, &generator)
      let count = [1, 9, 300, 5000][round % 4]
      let units = (0..<400).map { _ in UInt16.random(in: 0..<UInt16(count), using: &generator) }
      let table = TermTable(text: text, unitOfLine: units, unitCount: count)
      var occurrences: [UInt64] = []
      TermScanner.scan(text, into: &occurrences)
      var plain: [UInt64: Int] = [:]
      var lengths = [UInt32](repeating: 0, count: count)
      for occurrence in occurrences {
        let line = Int(occurrence & 0xffff_ffff)
        let unit = line < units.count ? units[line] : 0
        plain[(occurrence >> 32) << 16 | UInt64(unit), default: 0] += 1
        lengths[Int(unit)] += 1
      }
      #expect(table.unitLengths == lengths && table.length == occurrences.count)
      var told: [UInt64: Int] = [:]
      for (place, term) in table.terms.enumerated() {
        for entry in Int(table.starts[place])..<Int(table.starts[place + 1]) {
          told[UInt64(term) << 16 | UInt64(table.units[entry])] = Int(table.counts[entry])
        }
      }
      #expect(told == plain.mapValues { min($0, 65_535) })
      #expect(table.terms == table.terms.sorted() && table.units.count == told.count)
    }
    let many = TermTable(
      text: Array(repeatElement(Array("ab\n".utf8), count: 70_000).joined()), unitOfLine: [], unitCount: 1)
    #expect(many.counts == [65_535] && many.length == 70_000)
  }

  /// What an index is made of says the same as the tables that are sorted.
  @Test func tablesInPartsSayTheSame() {
    func told(_ table: TermTable) -> [UInt32: [[UInt16]]] {
      var result: [UInt32: [[UInt16]]] = [:]
      for (place, term) in table.terms.enumerated() {
        let range = Int(table.starts[place])..<Int(table.starts[place + 1])
        result[term] = [Array(table.units[range]), Array(table.counts[range])]
      }
      return result
    }
    var generator = Seeded(13)
    for round in 0..<40 {
      let text = text(round < 30 ? 300 : 9000, &generator)
      let units = (0..<400).map { _ in UInt16.random(in: 0..<9, using: &generator) }
      // Words of the text, one of them first in short texts; now and then one that it has not.
      var names = text.split(separator: 0x0a).prefix(round).joined(separator: [0x20]).map { $0 }
      if round % 4 == 3 { names += Array(" somethingElse_\(round)".utf8) }
      let runs = IdentifierRuns(text)
      let parts = TermTable.parts(text: text, runs, unitOfLine: units, unitCount: 9, names: names)
      let plain = TermTable(text: text, unitOfLine: units, unitCount: 9)
      let plainNames = TermTable(text: names)
      #expect(told(parts.body) == told(plain) && parts.body.unitLengths == plain.unitLengths)
      #expect(told(parts.names) == told(plainNames) && parts.names.unitLengths == plainNames.unitLengths)
      #expect(parts.body.length == plain.length && parts.names.length == plainNames.length)
      let highest = parts.body.terms.map { $0 >> 26 }
      #expect(highest == highest.sorted())
      var starts: [Int32] = [0]
      for (place, byte) in text.enumerated() where byte == 0x0a { starts.append(Int32(place + 1)) }
      #expect(runs.lineStarts() == starts)
    }
  }

  @Test func tablesSurviveStorageAndDamageIsSeen() {
    var generator = Seeded(3)
    for _ in 0..<100 {
      let units = (0..<50).map { _ in UInt16.random(in: 0..<9, using: &generator) }
      let table = TermTable(text: text(900, &generator), unitOfLine: units, unitCount: 9)
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
