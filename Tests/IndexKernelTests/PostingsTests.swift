import IndexKernel
import TestSupport
import Testing

@Suite struct PostingsTests {
  private struct Sample {
    var body: [UInt32: [(document: UInt32, units: [(UInt16, UInt16)])]] = [:]
    var builder = SegmentBuilder()
    var unitCounts: [UInt16] = []
  }

  /// Documents of random words in random lines, beside a plain account of them.
  private func sample(_ seed: UInt64, documents: Int, vocabulary: Int) -> Sample {
    var generator = Seeded(seed)
    var sample = Sample()
    for document in 0..<documents {
      let units = [1, 2, 7, 60].randomElement(using: &generator) ?? 1
      var lines = [String](repeating: "", count: units)
      for _ in 0..<Int.random(in: 0..<80, using: &generator) {
        // Few words are frequent, as in any text.
        let word = Int(pow2(Double.random(in: 0..<1, using: &generator)) * Double(vocabulary))
        lines[Int.random(in: 0..<units, using: &generator)] += "w\(word) "
      }
      let table = TermTable(
        text: Array(lines.joined(separator: "\n").utf8), unitOfLine: (0..<units).map { UInt16($0) }, unitCount: units)
      for (index, term) in table.terms.enumerated() {
        let range = Int(table.starts[index])..<Int(table.starts[index + 1])
        sample.body[term, default: []].append(
          (UInt32(document), range.map { (table.units[$0], table.counts[$0]) }))
      }
      sample.unitCounts.append(UInt16(units))
      _ = sample.builder.add(body: table, names: TermTable(text: Array("name\(document % 7)".utf8)), text: [])
    }
    return sample
  }

  private func pow2(_ value: Double) -> Double { value * value }

  @Test(arguments: [(1, 1, 10), (2, 40, 5), (3, 500, 3000), (4, 3, 100_000)])
  func whatIsWrittenIsRead(seed: Int, documents: Int, vocabulary: Int) throws {
    var sample = sample(UInt64(seed), documents: documents, vocabulary: vocabulary)
    let built = sample.builder.finish()
    #expect(built.unitCounts == sample.unitCounts)
    let bytes = CheckedBytes(built.body)
    let index = try #require(Postings(bytes, 0..<bytes.count, unitCounts: built.unitCounts))
    #expect(index.keys == sample.body.count)
    for (term, expected) in sample.body {
      let list = try #require(index.list(term))
      var found: [UInt32] = []
      var counts: [UInt32] = []
      let start = try #require(index.read(list, into: &found, counts: &counts))
      #expect(found == expected.map(\.document))
      #expect(counts == expected.map { $0.units.reduce(0) { $0 + UInt32($1.1) } })
      var units = [[(UInt16, UInt16)]](repeating: [], count: found.count)
      index.units(of: list, found[...], counts[...], from: start) { units[$0].append(($1, $2)) }
      #expect(zip(units, expected).allSatisfy { $0.elementsEqual($1.units, by: ==) })
    }
    for term in UInt32(0)..<200 where sample.body[term] == nil { #expect(index.list(term) == nil) }
    var previous: UInt32?
    index.forEach { key, list in
      #expect(previous.map { $0 < key } ?? true)
      #expect(list.count == sample.body[key]?.count)
      previous = key
    }
  }

  /// Whatever the bytes are, reading them ends and stays inside.
  @Test func damagedBytesAreSurvived() throws {
    var builder = sample(9, documents: 300, vocabulary: 2000).builder
    let built = builder.finish()
    var generator = Seeded(11)
    for _ in 0..<150 {
      var content = built.body
      for _ in 0..<Int.random(in: 1...30, using: &generator) {
        content[Int.random(in: 0..<content.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      let bytes = CheckedBytes(content)
      let end = Int.random(in: 0...content.count, using: &generator)
      guard let index = Postings(bytes, 0..<max(end, content.count / 2), unitCounts: built.unitCounts) else { continue }
      for key in stride(from: UInt32(0), to: .max - 50_000_000, by: 50_000_000) {
        guard let list = index.list(key), list.count < 10_000 else { continue }
        var found: [UInt32] = []
        var counts: [UInt32] = []
        guard let start = index.read(list, into: &found, counts: &counts) else { continue }
        index.units(of: list, found[...], counts[...], from: start) { _, _, _ in }
      }
    }
  }
}
