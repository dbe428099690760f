/// The terms of documents in one field, on their way into an inverted index.
struct TermEntries {
  fileprivate struct Entry {
    var term: UInt32
    var document: UInt32
    /// How often the document has the term.
    var count: UInt32
    /// Where its units begin; they end where those of the next entry begin.
    var start: UInt32
  }

  /// Entries of terms that begin with the same bits: few enough to be sorted and collected in a near cache.
  fileprivate struct Part {
    /// The first ``count``, then room; and so the others.
    var entries: [Entry] = []
    var count = 0
    /// Without any for a field without units.
    var units: [UInt16] = []
    var occurrences: [UInt16] = []
    var unitCount = 0

    /// Makes room for so many more.
    mutating func reserve(_ more: Int, units moreUnits: Int) {
      if count + more > entries.count {
        let none = Entry(term: 0, document: 0, count: 0, start: 0)
        entries.append(contentsOf: repeatElement(none, count: max(more, entries.count, 64)))
      }
      if unitCount + moreUnits > units.count {
        let wider = repeatElement(UInt16(0), count: max(moreUnits, units.count, 256))
        units.append(contentsOf: wider)
        occurrences.append(contentsOf: wider)
      }
    }
  }

  private static let partBits = UInt32(TermTable.partBits)

  private let hasUnits: Bool
  private var parts = [Part](repeating: Part(), count: 1 << partBits)
  private(set) var count = 0
  private(set) var unitCount = 0

  init(hasUnits: Bool) { self.hasUnits = hasUnits }

  /// Adds a document's terms; documents come in ascending order.
  mutating func add(_ table: TermTable, document: UInt32) {
    let hasUnits = hasUnits
    count += table.terms.count
    if hasUnits { unitCount += table.units.count }
    parts.withUnsafeMutableBufferPointer { parts in
      table.terms.withUnsafeBufferPointer { terms in
        table.starts.withUnsafeBufferPointer { starts in
          table.counts.withUnsafeBufferPointer { counts in
            table.units.withUnsafeBufferPointer { units in
              var place = 0
              while place < terms.count {
                let number = terms[place] &>> (32 - Self.partBits)
                let first = place
                repeat { place &+= 1 } while place < terms.count && terms[place] &>> (32 - Self.partBits) == number
                Self.add(first..<place, terms, starts, units, counts, document, hasUnits, &parts[Int(number)])
              }
            }
          }
        }
      }
    }
  }

  /// Adds the entries of one part.
  @inline(__always)
  private static func add(
    _ range: Range<Int>, _ terms: UnsafeBufferPointer<UInt32>, _ starts: UnsafeBufferPointer<UInt32>,
    _ units: UnsafeBufferPointer<UInt16>, _ counts: UnsafeBufferPointer<UInt16>, _ document: UInt32, _ hasUnits: Bool,
    _ part: inout Part
  ) {
    let occurrences = Int(starts[range.lowerBound])..<Int(starts[range.upperBound])
    part.reserve(range.count, units: hasUnits ? occurrences.count : 0)
    let base = hasUnits ? UInt32(truncatingIfNeeded: part.unitCount) &- starts[range.lowerBound] : 0
    let free = part.count
    part.entries.withUnsafeMutableBufferPointer { entries in
      for place in range {
        var count: UInt32 = 0
        for occurrence in Int(starts[place])..<Int(starts[place &+ 1]) { count &+= UInt32(counts[occurrence]) }
        entries[free &+ place &- range.lowerBound] = Entry(
          term: terms[place], document: document, count: count, start: hasUnits ? base &+ starts[place] : 0)
      }
    }
    part.count += range.count
    guard hasUnits else { return }
    let freeUnit = part.unitCount
    part.units.withUnsafeMutableBufferPointer { target in
      for place in occurrences { target[freeUnit &+ place &- occurrences.lowerBound] = units[place] }
    }
    part.occurrences.withUnsafeMutableBufferPointer { target in
      for place in occurrences { target[freeUnit &+ place &- occurrences.lowerBound] = counts[place] }
    }
    part.unitCount += occurrences.count
  }

  /// The index of what was added; the entries begin anew, in the same room.
  /// - Parameter unitCounts: how many units each document has; empty for a field without units.
  mutating func finish(documents: Int, _ unitCounts: [UInt16]) -> [UInt8] {
    defer {
      for number in parts.indices {
        parts[number].count = 0
        parts[number].unitCount = 0
      }
      count = 0
      unitCount = 0
    }
    let orders = parts.map { part in
      var keys = [UInt64](unsafeUninitializedCapacity: part.count) { keys, count in
        part.entries.withUnsafeBufferPointer { entries in
          for place in 0..<part.count { keys[place] = UInt64(entries[place].term) << 32 | UInt64(place) }
        }
        count = part.count
      }
      RadixSort.sortByUpper(&keys, bits: 32 - Int(Self.partBits))
      return keys
    }
    var writer = PostingsWriter(
      documents: documents, keys: orders.reduce(0) { $0 + RadixSort.distinct($1) }, keyBits: 32, hasCounts: true,
      unitCounts: unitCounts)
    let lists = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: documents)
    let counts = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: documents)
    let most = parts.reduce(0) { max($0, $1.unitCount) }
    let units = UnsafeMutableBufferPointer<UInt16>.allocate(capacity: most)
    let occurrences = UnsafeMutableBufferPointer<UInt16>.allocate(capacity: most)
    defer {
      lists.deallocate()
      counts.deallocate()
      units.deallocate()
      occurrences.deallocate()
    }
    for (part, order) in zip(parts, orders) {
      part.write(order, lists, counts, units, occurrences, to: &writer)
    }
    return writer.finish()
  }
}

extension TermEntries.Part {
  /// Writes the lists of the part's terms.
  /// - Parameters:
  ///   - order: term `<< 32 |` place of the entry, sorted.
  ///   - lists, counts: room for all documents.
  ///   - units, occurrences: room for all units.
  fileprivate func write(
    _ order: [UInt64], _ lists: UnsafeMutableBufferPointer<UInt32>, _ counts: UnsafeMutableBufferPointer<UInt32>,
    _ units: UnsafeMutableBufferPointer<UInt16>, _ occurrences: UnsafeMutableBufferPointer<UInt16>,
    to writer: inout PostingsWriter
  ) {
    let unitCount = self.unitCount
    let count = self.count
    order.withUnsafeBufferPointer { order in
      entries.withUnsafeBufferPointer { entries in
        self.units.withUnsafeBufferPointer { ownUnits in
          self.occurrences.withUnsafeBufferPointer { ownOccurrences in
            var place = 0
            while place < order.count {
              let term = order[place] >> 32
              var documents = 0
              var filled = 0
              while place < order.count, order[place] >> 32 == term {
                let number = Int(order[place] & 0xffff_ffff)
                lists[documents] = entries[number].document
                counts[documents] = entries[number].count
                documents += 1
                place += 1
                let end = number + 1 < count ? Int(entries[number + 1].start) : unitCount
                for unit in Int(entries[number].start)..<max(Int(entries[number].start), end) {
                  units[filled] = ownUnits[unit]
                  occurrences[filled] = ownOccurrences[unit]
                  filled += 1
                }
              }
              writer.add(
                UInt32(term), documents: UnsafeBufferPointer(rebasing: lists[..<documents]),
                counts: UnsafeBufferPointer(rebasing: counts[..<documents]),
                units: UnsafeBufferPointer(rebasing: units[..<filled]),
                occurrences: UnsafeBufferPointer(rebasing: occurrences[..<filled]))
            }
          }
        }
      }
    }
  }
}
