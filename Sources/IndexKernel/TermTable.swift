/// The terms of one text, with how often each occurs in each of its units (line ranges).
public struct TermTable: Sendable, Hashable {
  /// The distinct terms, ascending.
  public private(set) var terms: [UInt32]
  /// Where the occurrences of each term begin in ``units``; one more than there are terms.
  public private(set) var starts: [UInt32]
  /// Per term, the units that hold it, ascending.
  public private(set) var units: [UInt16]
  /// Beside ``units``: how often, at most 65,535.
  public private(set) var counts: [UInt16]
  /// How many terms each unit has, repeats included.
  public private(set) var unitLengths: [UInt32]
  /// How many terms there are in all, repeats included.
  public private(set) var length: Int

  /// Counts the terms of a text.
  /// - Parameters:
  ///   - unitOfLine: the unit of each line; a line beyond belongs to unit 0.
  ///   - unitCount: how many units there are, at least 1.
  public init(text: [UInt8], unitOfLine: [UInt16], unitCount: Int) {
    self = text.withUnsafeBufferPointer {
      TermTable(TermCounter.count($0, IdentifierRuns($0), unitOfLine: unitOfLine, unitCount: unitCount, .all).body)
    }
  }

  /// How many of a term's highest bits say to which part of an index it belongs.
  static let partBits = 6

  /// Counts the terms of a text and of names in it, for an index: they are not ascending, but those with the same highest
  /// bits stand together, in the order of these.
  /// - Parameters:
  ///   - runs: those of the text.
  ///   - unitOfLine: the unit of each line; a line beyond belongs to unit 0.
  ///   - unitCount: how many units there are, at least 1.
  ///   - names: text without units.
  public static func parts(
    text: [UInt8], _ runs: borrowing IdentifierRuns, unitOfLine: [UInt16], unitCount: Int, names: [UInt8]
  ) -> (body: TermTable, names: TermTable) {
    text.withUnsafeBufferPointer { text in
      names.withUnsafeBufferPointer { names in
        let found = TermCounter.count(
          text, runs, unitOfLine: unitOfLine, unitCount: unitCount, .parts, names: names)
        let own =
          found.names ?? TermCounter.count(names, IdentifierRuns(names), unitOfLine: [], unitCount: 1, .parts).body
        return (TermTable(found.body), TermTable(own))
      }
    }
  }

  private init(_ found: TermCounter.Result) {
    unitLengths = found.unitLengths
    length = found.unitLengths.reduce(0) { $0 + Int($1) }
    terms = found.terms
    starts = found.starts
    units = found.units
    counts = found.counts
  }

  /// A text without units.
  public init(text: [UInt8]) { self.init(text: text, unitOfLine: [], unitCount: 1) }

  /// A table that only knows how long its units are: the terms are in an inverted index.
  public init(lengths: [UInt32], total: Int) {
    terms = []
    starts = [0]
    units = []
    counts = []
    unitLengths = lengths
    length = total
  }

  /// Puts a stored table together; nil when its parts do not fit one another.
  public init?(terms: [UInt32], starts: [UInt32], units: [UInt16], counts: [UInt16], unitLengths: [UInt32]) {
    guard starts.count == terms.count + 1, units.count == counts.count, !unitLengths.isEmpty,
      starts.last == UInt32(units.count), starts.first == 0 || terms.isEmpty,
      zip(starts, starts.dropFirst()).allSatisfy({ $0 <= $1 }), zip(terms, terms.dropFirst()).allSatisfy({ $0 < $1 })
    else { return nil }
    guard units.allSatisfy({ Int($0) < unitLengths.count }) else { return nil }
    self.terms = terms
    self.starts = starts
    self.units = units
    self.counts = counts
    self.unitLengths = unitLengths
    length = unitLengths.reduce(0) { $0 + Int($1) }
  }

  /// A term of a query that a text holds.
  public struct Match: Sendable {
    /// Which of the query's terms.
    public let query: Int
    /// Where its occurrences lie in ``TermTable/units`` and ``TermTable/counts``.
    public let range: Range<Int>
    /// How often it occurs in all.
    public let total: Int

    /// A match.
    public init(query: Int, range: Range<Int>, total: Int) {
      self.query = query
      self.range = range
      self.total = total
    }
  }

  /// Which of the terms, given in ascending order, occur here.
  public func matches(of query: [UInt32], into result: inout [Match]) {
    terms.withUnsafeBufferPointer { terms in
      var low = 0
      for (number, term) in query.enumerated() {
        var high = terms.count
        var first = low
        while first < high {
          let middle = (first + high) >> 1
          if terms[middle] < term { first = middle + 1 } else { high = middle }
        }
        low = first
        guard first < terms.count else { return }
        guard terms[first] == term else { continue }
        let range = Int(starts[first])..<Int(starts[first + 1])
        var total = 0
        for place in range { total += Int(counts[place]) }
        result.append(Match(query: number, range: range, total: total))
      }
    }
  }
}

/// Sorts 64-bit keys by digits, the lowest first.
enum RadixSort {
  /// Sorts by the upper 32 bits alone, of which the lowest `bits` count; equal ones stay in order.
  static func sortByUpper(_ keys: inout [UInt64], bits: Int = 32) {
    var other = [UInt64](repeating: 0, count: keys.count)
    let width = (bits + (bits + 12) / 13 - 1) / ((bits + 12) / 13)
    var shift = 32
    while shift < 32 + bits {
      pass(&keys, &other, shift, min(width, 32 + bits - shift))
      swap(&keys, &other)
      shift += width
    }
  }

  /// Sorts by the upper 32 bits, which are hashes: few have the same sixteen highest.
  static func sortDistinct(_ keys: inout [UInt64]) {
    guard keys.count > 64 else { return keys.sort() }
    // More would make it worth somebody's while to choose them so that they do.
    guard keys.count <= 4096 else { return sortByUpper(&keys) }
    var other = [UInt64](repeating: 0, count: keys.count)
    pass(&keys, &other, 48, 8)
    pass(&other, &keys, 56, 8)
    keys.withUnsafeMutableBufferPointer { keys in
      for place in 1..<keys.count {
        let key = keys[place]
        var free = place
        while free > 0, keys[free - 1] > key {
          keys[free] = keys[free - 1]
          free -= 1
        }
        keys[free] = key
      }
    }
  }

  /// How many different values the upper 32 bits of sorted keys have.
  static func distinct(_ keys: [UInt64]) -> Int {
    var count = 0
    var previous: UInt64?
    for key in keys where previous != key >> 32 {
      previous = key >> 32
      count += 1
    }
    return count
  }

  private static func pass(_ source: inout [UInt64], _ target: inout [UInt64], _ shift: Int, _ bits: Int) {
    let mask = UInt64(1 << bits - 1)
    source.withUnsafeBufferPointer { source in
      target.withUnsafeMutableBufferPointer { target in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 1 << bits) { places in
          places.initialize(repeating: 0)
          for key in source { places[Int(key >> UInt64(shift) & mask)] += 1 }
          var sum: Int32 = 0
          for digit in 0..<places.count {
            let count = places[digit]
            places[digit] = sum
            sum += count
          }
          for key in source {
            let digit = Int(key >> UInt64(shift) & mask)
            target[Int(places[digit])] = key
            places[digit] += 1
          }
        }
      }
    }
  }
}
