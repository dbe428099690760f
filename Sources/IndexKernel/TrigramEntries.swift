/// The trigrams of documents, on their way into an inverted index.
struct TrigramEntries {
  /// Documents that one index may have.
  static let mostDocuments = 1 << 20

  private var set = TrigramSet()
  /// See ``TrigramSet``; one document's behind another's.
  private var codes: [UInt32] = []
  private var codeEnds: [UInt32] = []
  private var rare: [UInt32] = []
  private var rareEnds: [UInt32] = []

  /// How many there are.
  var count: Int { codes.count + rare.count }

  /// Adds the next document's.
  mutating func add(_ text: [UInt8]) {
    set.add(text, codes: &codes, rare: &rare)
    codeEnds.append(UInt32(codes.count))
    rareEnds.append(UInt32(rare.count))
  }

  /// The index of what was added; the entries begin anew, in the same room.
  mutating func finish() -> [UInt8] {
    defer {
      codes.removeAll(keepingCapacity: true)
      codeEnds.removeAll(keepingCapacity: true)
      rare.removeAll(keepingCapacity: true)
      rareEnds.removeAll(keepingCapacity: true)
    }
    let documents = codeEnds.count
    precondition(documents <= Self.mostDocuments, "more documents than an index may have")
    var rareKeys: [UInt64] = []
    rareKeys.reserveCapacity(rare.count)
    var place = 0
    for document in 0..<documents {
      while place < Int(rareEnds[document]) {
        rareKeys.append(UInt64(rare[place]) << 32 | UInt64(document))
        place += 1
      }
    }
    RadixSort.sortByUpper(&rareKeys, bits: 24)
    let parts = byFirst()
    var writer = PostingsWriter(
      documents: documents, keys: parts.distinct + RadixSort.distinct(rareKeys), keyBits: 24, hasCounts: false)
    Self.write(parts.entries, parts.ends, rareKeys, to: &writer)
    return writer.finish()
  }

  /// The documents of all codes, in parts by their first bytes: the lower twelve bits `<< 20 |` the document.
  private func byFirst() -> (entries: [UInt32], ends: [Int], distinct: Int) {
    var seen = [UInt64](repeating: 0, count: 1 << 12)
    var ends = [Int](repeating: 0, count: 64)
    for code in codes {
      ends[Int(code >> 12)] += 1
      seen[Int(code >> 6)] |= 1 << UInt64(code & 63)
    }
    var sum = 0
    for part in ends.indices {
      sum += ends[part]
      ends[part] = sum - ends[part]
    }
    let entries = [UInt32](unsafeUninitializedCapacity: codes.count) { entries, filled in
      ends.withUnsafeMutableBufferPointer { next in
        var place = 0
        for (document, end) in codeEnds.enumerated() {
          while place < Int(end) {
            let part = Int(codes[place] >> 12)
            entries[next[part]] = (codes[place] & 0xfff) << 20 | UInt32(document)
            next[part] += 1
            place += 1
          }
        }
      }
      filled = codes.count
    }
    return (entries, ends, seen.reduce(0) { $0 + $1.nonzeroBitCount })
  }

  /// Writes the lists of both kinds, which have no trigram in common, in the order of the trigrams.
  private static func write(_ entries: [UInt32], _ ends: [Int], _ rare: [UInt64], to writer: inout PostingsWriter) {
    var nextRare = 0
    var list: [UInt32] = []
    func writeRare(before limit: UInt32, _ writer: inout PostingsWriter) {
      while nextRare < rare.count, rare[nextRare] >> 32 < UInt64(limit) {
        let trigram = rare[nextRare] >> 32
        list.removeAll(keepingCapacity: true)
        while nextRare < rare.count, rare[nextRare] >> 32 == trigram {
          list.append(UInt32(truncatingIfNeeded: rare[nextRare]))
          nextRare += 1
        }
        list.withUnsafeBufferPointer { writer.add(UInt32(trigram), documents: $0) }
      }
    }
    var sorted = [UInt32](repeating: 0, count: zip([0] + ends, ends).map { $1 - $0 }.max() ?? 0)
    var places = [Int](repeating: 0, count: 1 << 12)
    var start = 0
    for (part, end) in ends.enumerated() {
      for value in places.indices { places[value] = 0 }
      for entry in entries[start..<end] { places[Int(entry >> 20)] += 1 }
      var sum = 0
      for value in places.indices {
        sum += places[value]
        places[value] = sum - places[value]
      }
      for entry in entries[start..<end] {
        sorted[places[Int(entry >> 20)]] = entry & 0xf_ffff
        places[Int(entry >> 20)] += 1
      }
      var from = 0
      for (value, end) in places.enumerated() where end > from {
        let trigram = TrigramSet.trigram(UInt32(part << 12 | value))
        let range = from..<end
        from = end
        guard TrigramSet.isOfOneLine(trigram) else { continue }
        writeRare(before: trigram, &writer)
        sorted.withUnsafeBufferPointer { writer.add(trigram, documents: UnsafeBufferPointer(rebasing: $0[range])) }
      }
      start = end
    }
    writeRare(before: .max, &writer)
  }
}
