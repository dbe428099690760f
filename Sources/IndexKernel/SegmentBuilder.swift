/// Gathers documents, and writes their inverted indexes: terms of the text with units, terms of names, trigrams.
public struct SegmentBuilder {
  /// The documents so far.
  public private(set) var documents = 0
  private var unitCounts: [UInt16] = []

  /// Terms of one field: per entry the term, its document, and how often.
  private struct Entries {
    /// Side by side, because they are read in the order of the terms.
    struct Entry {
      var term: UInt32
      var document: UInt32
      var count: UInt32
      /// Where its units begin; they end where those of the next entry begin.
      var start: UInt32
    }

    var entries: [Entry] = []
    /// Empty for a field without units.
    var units: [UInt16] = []
    var occurrences: [UInt16] = []

    func end(_ place: Int) -> Int { place + 1 < entries.count ? Int(entries[place + 1].start) : units.count }
  }

  private var body = Entries()
  private var names = Entries()
  private var trigrams: [UInt32] = []
  private var trigramStarts: [UInt32] = [0]
  private var trigramSet = TrigramSet()

  /// Nothing yet.
  public init() {}

  /// Adds a document.
  /// - Parameters:
  ///   - body: the terms of its text, by units.
  ///   - names: the terms of the names that it declares.
  ///   - text: its text, for trigrams; empty for a document that cannot be searched.
  /// - Returns: the document's number.
  public mutating func add(body table: TermTable, names nameTable: TermTable, text: [UInt8]) -> Int {
    let number = UInt32(documents)
    documents += 1
    unitCounts.append(UInt16(clamping: table.unitLengths.count))
    let base = UInt32(body.units.count)
    table.counts.withUnsafeBufferPointer { counts in
      table.starts.withUnsafeBufferPointer { starts in
        for (index, term) in table.terms.enumerated() {
          var count: UInt32 = 0
          for place in Int(starts[index])..<Int(starts[index + 1]) { count += UInt32(counts[place]) }
          body.entries.append(
            Entries.Entry(term: term, document: number, count: count, start: base + starts[index]))
        }
      }
    }
    body.units.append(contentsOf: table.units)
    body.occurrences.append(contentsOf: table.counts)
    for index in nameTable.terms.indices {
      var count: UInt32 = 0
      for place in Int(nameTable.starts[index])..<Int(nameTable.starts[index + 1]) {
        count += UInt32(nameTable.counts[place])
      }
      names.entries.append(
        Entries.Entry(term: nameTable.terms[index], document: number, count: count, start: 0))
    }
    trigramSet.add(text, to: &trigrams)
    trigramStarts.append(UInt32(trigrams.count))
    return Int(number)
  }

  /// Bytes that are held, about.
  public var size: Int { body.entries.count * 16 + body.units.count * 4 + trigrams.count * 4 }

  /// The three indexes.
  public consuming func finish() -> (body: [UInt8], names: [UInt8], trigrams: [UInt8], unitCounts: [UInt16]) {
    let documents = self.documents
    let unitCounts = self.unitCounts
    let trigramBytes = Self.write(trigrams: trigrams, trigramStarts, documents)
    trigrams = []
    let bodyBytes = Self.write(body, documents, unitCounts)
    let nameBytes = Self.write(names, documents, [])
    return (bodyBytes, nameBytes, trigramBytes, unitCounts)
  }

  private static func write(_ entries: Entries, _ documents: Int, _ unitCounts: [UInt16]) -> [UInt8] {
    let found = entries.entries
    var keys = [UInt64](unsafeUninitializedCapacity: found.count) { buffer, count in
      for place in found.indices { buffer[place] = UInt64(found[place].term) << 32 | UInt64(place) }
      count = found.count
    }
    RadixSort.sortByUpper(&keys)
    var distinct = 0
    var previous: UInt64?
    for key in keys where previous != key >> 32 {
      previous = key >> 32
      distinct += 1
    }
    var writer = PostingsWriter(
      documents: documents, keys: distinct, keyBits: 32, hasCounts: true, unitCounts: unitCounts)
    var list: [UInt32] = []
    var counts: [UInt32] = []
    var units: [UInt16] = []
    var occurrences: [UInt16] = []
    var place = 0
    while place < keys.count {
      let term = keys[place] >> 32
      list.removeAll(keepingCapacity: true)
      counts.removeAll(keepingCapacity: true)
      units.removeAll(keepingCapacity: true)
      occurrences.removeAll(keepingCapacity: true)
      while place < keys.count, keys[place] >> 32 == term {
        let number = Int(keys[place] & 0xffff_ffff)
        let entry = found[number]
        list.append(entry.document)
        counts.append(entry.count)
        if !unitCounts.isEmpty {
          for unit in Int(entry.start)..<entries.end(number) {
            units.append(entries.units[unit])
            occurrences.append(entries.occurrences[unit])
          }
        }
        place += 1
      }
      writer.add(UInt32(term), documents: list, counts: counts, units: units, unitOccurrences: occurrences)
    }
    return writer.finish()
  }

  private static func write(trigrams: [UInt32], _ starts: [UInt32], _ documents: Int) -> [UInt8] {
    var keys = [UInt64](unsafeUninitializedCapacity: trigrams.count) { buffer, count in
      for document in 0..<documents {
        for place in Int(starts[document])..<Int(starts[document + 1]) {
          buffer[place] = UInt64(trigrams[place]) << 32 | UInt64(document)
        }
      }
      count = trigrams.count
    }
    RadixSort.sortByUpper(&keys, bits: 24)
    var distinct = 0
    var previous: UInt64?
    for key in keys where previous != key >> 32 {
      previous = key >> 32
      distinct += 1
    }
    var writer = PostingsWriter(documents: documents, keys: distinct, keyBits: 24, hasCounts: false)
    var list: [UInt32] = []
    var place = 0
    while place < keys.count {
      let trigram = keys[place] >> 32
      list.removeAll(keepingCapacity: true)
      while place < keys.count, keys[place] >> 32 == trigram {
        list.append(UInt32(truncatingIfNeeded: keys[place]))
        place += 1
      }
      writer.add(UInt32(trigram), documents: list)
    }
    return writer.finish()
  }
}
