/// An inverted index as ``PostingsWriter`` wrote it, somewhere in checked bytes.
public struct Postings: Sendable {
  private let bytes: CheckedBytes
  private let range: Range<Int>
  /// How many documents it is over.
  public let documents: Int
  /// How many keys it has.
  public let keys: Int
  private let keyParameter: Int
  private let hasCounts: Bool
  private let hasUnits: Bool
  /// Units of each document, for an index that names them.
  private let unitCounts: [UInt16]
  private let blocks: Int
  private let table: Range<Int>
  private let dictionary: Range<Int>
  private let lists: Range<Int>

  /// Finds an index in some bytes; nil when there is none.
  /// - Parameter unitCounts: how many units each document has, when postings name units.
  public init?(_ bytes: CheckedBytes, _ range: Range<Int>, unitCounts: [UInt16] = []) {
    guard range.count >= PostingsWriter.headerSize,
      let header = bytes.slice(range.lowerBound..<range.lowerBound + PostingsWriter.headerSize)
    else { return nil }
    self.init(bytes, range, head: header, unitCounts: unitCounts)
  }

  /// As ``init(_:_:unitCounts:)``, with the index's first bytes from somewhere else: its own are not looked at.
  /// - Parameter head: ``PostingsWriter/headerSize`` bytes.
  public init?(
    _ bytes: CheckedBytes, _ range: Range<Int>, head header: UnsafeRawBufferPointer, unitCounts: [UInt16] = []
  ) {
    guard range.count >= PostingsWriter.headerSize, header.count >= PostingsWriter.headerSize else { return nil }
    func number(_ place: Int) -> Int {
      Int(UInt32(littleEndian: header.loadUnaligned(fromByteOffset: place * 4, as: UInt32.self)))
    }
    self.bytes = bytes
    self.range = range
    documents = number(0)
    keys = number(1)
    keyParameter = number(2) & 31
    hasCounts = number(2) >> 8 & 1 == 1
    hasUnits = number(2) >> 9 & 1 == 1
    blocks = number(3)
    let start = range.lowerBound + PostingsWriter.headerSize
    table = start..<start + blocks * 12
    dictionary = table.upperBound..<table.upperBound + number(4)
    lists = dictionary.upperBound..<dictionary.upperBound + number(5)
    self.unitCounts = unitCounts
    guard !hasUnits || unitCounts.count == documents else { return nil }
    guard lists.upperBound <= range.upperBound,
      (keys + PostingsWriter.blockSize - 1) / PostingsWriter.blockSize == blocks
    else { return nil }
  }

  /// The documents of one key.
  public struct List: Sendable {
    /// How many documents hold the key.
    public let count: Int
    fileprivate let bytes: CheckedBytes
    fileprivate let section: Range<Int>
    /// Where the documents begin, and end when they are not in the dictionary.
    fileprivate let start: Int
    fileprivate let end: Int?
    fileprivate let unitEnd: Int?
  }

  private struct Block {
    var key: UInt32
    var dictionary: Int
    var lists: Int
  }

  private func block(_ number: Int, _ table: UnsafeRawBufferPointer) -> Block {
    func load(_ place: Int) -> UInt32 {
      UInt32(littleEndian: table.loadUnaligned(fromByteOffset: number * 12 + place * 4, as: UInt32.self))
    }
    return Block(key: load(0), dictionary: Int(load(1)), lists: Int(load(2)))
  }

  /// The list of a key; nil when no document holds it, or the bytes are damaged.
  public func list(_ key: UInt32) -> List? {
    guard blocks > 0, let table = bytes.slice(table) else { return nil }
    var low = 0
    var high = blocks
    while low < high {
      let middle = (low + high) >> 1
      if block(middle, table).key <= key { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    var found: List?
    walk(low - 1, table) { candidate, list in
      if candidate == key { found = list }
      return candidate < key
    }
    return found
  }

  /// Visits all keys in order.
  public func forEach(_ visit: (UInt32, List) -> Void) {
    guard let table = bytes.slice(table) else { return }
    for number in 0..<blocks {
      walk(number, table) { key, list in
        visit(key, list)
        return true
      }
    }
  }

  /// Visits the keys of a block until `visit` says false.
  @inline(__always)
  private func walk(
    _ number: Int, _ table: UnsafeRawBufferPointer, _ visit: (UInt32, List) -> Bool
  ) {
    let block = block(number, table)
    // A block is short; where its last key ends is where the next begins.
    let end =
      number + 1 < blocks ? self.block(number + 1, table).dictionary >> 3 + 1 + PostingCode.padding : dictionary.count
    guard block.dictionary >> 3 <= end,
      let stream = bytes.slice(
        dictionary.lowerBound + block.dictionary >> 3..<min(dictionary.upperBound, dictionary.lowerBound + end))
    else { return }
    let base = block.dictionary & ~7
    var reader = BitReader(stream, bit: block.dictionary & 7)
    var key = block.key
    var listBit = block.lists
    let count = min(PostingsWriter.blockSize, keys - number * PostingsWriter.blockSize)
    for place in 0..<count {
      if place > 0 { key = key &+ reader.rice(keyParameter) &+ 1 }
      let documents = Int(reader.gamma())
      if documents <= PostingsWriter.inlined {
        let list = List(
          count: documents, bytes: bytes, section: dictionary, start: base + reader.bit, end: nil, unitEnd: nil)
        guard visit(key, list) else { return }
        skipInlined(documents, &reader)
      } else {
        let length = Int(reader.gamma()) - 1
        let units = hasUnits ? Int(reader.gamma()) - 1 : 0
        let list = List(
          count: documents, bytes: bytes, section: lists, start: listBit, end: listBit + length,
          unitEnd: listBit + length + units)
        guard visit(key, list) else { return }
        listBit += length + units
      }
    }
  }

  private func skipInlined(_ count: Int, _ reader: inout BitReader) {
    let parameter = PostingCode.parameter(documents, count)
    var next: UInt32 = 0
    withUnsafeTemporaryAllocation(of: (UInt32, UInt32).self, capacity: max(1, count)) { found in
      for place in 0..<count {
        let document = next &+ reader.rice(parameter)
        next = document &+ 1
        found.initializeElement(at: place, to: (document, hasCounts ? reader.rice(0) &+ 1 : 1))
      }
      guard hasUnits else { return }
      for place in 0..<count {
        guard found[place].0 < documents else { return }
        UnitReader.skip(&reader, unitCounts[Int(found[place].0)], found[place].1)
      }
    }
  }

  /// Appends the documents of a list, and how often each has the key.
  /// - Returns: where the units begin, for ``units(of:_:_:from:_:)``; nil when the bytes are damaged.
  @discardableResult
  public func read(_ list: List, into result: inout [UInt32], counts: inout [UInt32]) -> Int? {
    let first = list.start >> 3
    let end = list.end.map { $0 >> 3 + 1 + PostingCode.padding } ?? first + 256
    guard first <= end,
      let stream = bytes.slice(
        list.section.lowerBound + first..<min(list.section.upperBound, list.section.lowerBound + end))
    else { return nil }
    var reader = BitReader(stream, bit: list.start & 7)
    let parameter = PostingCode.parameter(documents, list.count)
    var next: UInt32 = 0
    let limit = UInt32(documents)
    result.reserveCapacity(result.count + list.count)
    if hasCounts { counts.reserveCapacity(counts.count + list.count) }
    for _ in 0..<list.count {
      let document = next &+ reader.rice(parameter)
      guard document < limit, document >= next else { return nil }
      next = document + 1
      result.append(document)
      if hasCounts { counts.append(reader.rice(0) &+ 1) }
    }
    return list.end ?? first << 3 + reader.bit
  }

  /// Visits the units of a list's documents in order.
  /// - Parameters:
  ///   - documents: as ``read(_:into:counts:)`` gave them, with `counts` beside them.
  ///   - start: what it returned.
  ///   - visit: takes the place in `documents`, the unit and how often.
  public func units(
    of list: List, _ documents: ArraySlice<UInt32>, _ counts: ArraySlice<UInt32>, from start: Int,
    _ visit: (Int, UInt16, UInt16) -> Void
  ) {
    guard hasUnits else { return }
    let first = start >> 3
    let end = list.unitEnd.map { $0 >> 3 + 1 + PostingCode.padding } ?? first + 1 << 16
    guard first <= end,
      let stream = bytes.slice(
        list.section.lowerBound + first..<min(list.section.upperBound, list.section.lowerBound + end))
    else { return }
    var reader = BitReader(stream, bit: start & 7)
    for (place, document) in documents.enumerated() {
      let unitCount = unitCounts[Int(document)]
      var left = counts[counts.startIndex + place]
      guard unitCount > 1 else {
        visit(place, 0, UInt16(clamping: left))
        continue
      }
      let parameter = PostingCode.unitParameter(Int(unitCount))
      var next: UInt32 = 0
      while left > 0 {
        let unit = next &+ reader.rice(parameter)
        guard unit < UInt32(unitCount) else { return }
        next = unit + 1
        let here = left > 1 ? min(left, reader.rice(0) &+ 1) : 1
        visit(place, UInt16(unit), UInt16(clamping: here))
        left -= here
      }
    }
  }
}

private enum UnitReader {
  @inline(__always)
  static func skip(_ reader: inout BitReader, _ unitCount: UInt16, _ count: UInt32) {
    guard unitCount > 1 else { return }
    let parameter = PostingCode.unitParameter(Int(unitCount))
    var left = count
    var steps = 0
    while left > 0, steps <= Int(unitCount) {
      _ = reader.rice(parameter)
      left -= left > 1 ? min(left, reader.rice(0) &+ 1) : 1
      steps += 1
    }
  }
}
