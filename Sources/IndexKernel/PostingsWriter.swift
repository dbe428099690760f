/// Writes an inverted index: for each key (a term, a trigram) the documents that hold it, how often, and in which units.
///
/// Keys come in ascending order, in blocks of ``blockSize``: a block's first key, its place in the dictionary and its
/// place among the lists stand in a table that is searched by halves. The dictionary has, for each key, the gap to the
/// one before, the number of documents and, for few documents, the list itself; longer lists lie in a stream of their
/// own, so that a search skips what it does not want. All numbers are Golomb–Rice or Elias codes (Witten, Moffat, Bell,
/// "Managing Gigabytes", 2nd ed., chapter 3), with parameters that follow from counts which the reader knows, too.
public struct PostingsWriter: ~Copyable {
  /// Keys of a block.
  static let blockSize = 32
  /// Lists of so many documents lie in the dictionary.
  static let inlined = 4
  /// Bytes before the table: what an index's reader has to know first.
  public static let headerSize = 24

  private let documents: Int
  private let hasCounts: Bool
  /// Units of each document; empty when postings have no units.
  private let unitCounts: [UInt16]
  private let keyParameter: Int
  private var dictionary = BitWriter()
  private var lists = BitWriter()
  private var table: [UInt32] = []
  private var count = 0
  private var previous: UInt32 = 0

  /// Begins an index.
  /// - Parameters:
  ///   - documents: how many there are.
  ///   - keys: how many will be written, at most; it need not be exact.
  ///   - keyBits: how long a key is.
  ///   - hasCounts: whether each posting says how often.
  ///   - unitCounts: how many units each document has; empty when postings name none.
  public init(documents: Int, keys: Int, keyBits: Int, hasCounts: Bool, unitCounts: [UInt16] = []) {
    self.documents = documents
    self.hasCounts = hasCounts
    self.unitCounts = unitCounts
    keyParameter = PostingCode.parameter(1 << keyBits, max(1, keys))
  }

  /// Writes one key's list.
  /// - Parameters:
  ///   - key: larger than the one before.
  ///   - documents: ascending, at least one.
  ///   - counts: beside them, from 1; ignored by an index without counts.
  ///   - units: the units of the documents one behind another, ascending in each; the counts in `unitOccurrences` add up
  ///     to the document's count.
  public mutating func add(
    _ key: UInt32, documents list: [UInt32], counts: [UInt32] = [], units: [UInt16] = [], unitOccurrences: [UInt16] = []
  ) {
    list.withUnsafeBufferPointer { list in
      counts.withUnsafeBufferPointer { counts in
        units.withUnsafeBufferPointer { units in
          unitOccurrences.withUnsafeBufferPointer {
            add(key, documents: list, counts: counts, units: units, occurrences: $0)
          }
        }
      }
    }
  }

  mutating func add(
    _ key: UInt32, documents list: UnsafeBufferPointer<UInt32>,
    counts: UnsafeBufferPointer<UInt32> = UnsafeBufferPointer(start: nil, count: 0),
    units: UnsafeBufferPointer<UInt16> = UnsafeBufferPointer(start: nil, count: 0),
    occurrences: UnsafeBufferPointer<UInt16> = UnsafeBufferPointer(start: nil, count: 0)
  ) {
    if count % Self.blockSize == 0 {
      table.append(key)
      table.append(UInt32(truncatingIfNeeded: dictionary.count))
      table.append(UInt32(truncatingIfNeeded: lists.count))
    } else {
      dictionary.rice(key - previous - 1, keyParameter)
    }
    previous = key
    count += 1
    dictionary.gamma(UInt32(list.count))
    if list.count <= Self.inlined {
      Self.write(list, counts, hasCounts, of: documents, to: &dictionary)
      if !unitCounts.isEmpty { Self.write(units, occurrences, list, counts, unitCounts, to: &dictionary) }
      return
    }
    let start = lists.count
    Self.write(list, counts, hasCounts, of: documents, to: &lists)
    dictionary.gamma(UInt32(lists.count - start + 1))
    if !unitCounts.isEmpty {
      let middle = lists.count
      Self.write(units, occurrences, list, counts, unitCounts, to: &lists)
      dictionary.gamma(UInt32(lists.count - middle + 1))
    }
  }

  // Of the type, not of a value: a value that lends out one of its streams would be copied with all of it.

  @inline(__always)
  private static func write(
    _ list: UnsafeBufferPointer<UInt32>, _ counts: UnsafeBufferPointer<UInt32>, _ hasCounts: Bool, of documents: Int,
    to writer: inout BitWriter
  ) {
    let parameter = PostingCode.parameter(documents, list.count)
    var next: UInt32 = 0
    for place in list.indices {
      writer.rice(list[place] &- next, parameter)
      next = list[place] + 1
      if hasCounts { writer.rice(counts[place] &- 1, 0) }
    }
  }

  @inline(__always)
  private static func write(
    _ units: UnsafeBufferPointer<UInt16>, _ occurrences: UnsafeBufferPointer<UInt16>,
    _ list: UnsafeBufferPointer<UInt32>, _ counts: UnsafeBufferPointer<UInt32>, _ unitCounts: [UInt16],
    to writer: inout BitWriter
  ) {
    var place = 0
    for number in list.indices {
      let unitCount = Int(unitCounts[Int(list[number])])
      var left = counts[number]
      guard unitCount > 1 else {
        place += 1
        continue
      }
      let parameter = PostingCode.unitParameter(unitCount)
      var next: UInt32 = 0
      while left > 0, place < units.count {
        let unit = UInt32(units[place])
        writer.rice(unit &- next, parameter)
        next = unit + 1
        let here = min(left, UInt32(occurrences[place]))
        if left > 1 { writer.rice(here - 1, 0) }
        left -= here
        place += 1
      }
    }
  }

  /// The index as bytes.
  public func finish() -> [UInt8] {
    let keyParameter = self.keyParameter
    let flags: UInt32 = (hasCounts ? 1 : 0) | (unitCounts.isEmpty ? 0 : 2)
    let numbers = [
      UInt32(documents), UInt32(count), UInt32(keyParameter) | flags << 8, UInt32(table.count / 3), 0, 0,
    ]
    let size = Self.headerSize + table.count * 4 + dictionary.size + lists.size
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
      let target = UnsafeMutableRawBufferPointer(buffer)
      for (place, number) in numbers.enumerated() {
        let value = place == 4 ? UInt32(dictionary.size) : place == 5 ? UInt32(lists.size) : number
        target.storeBytes(of: value.littleEndian, toByteOffset: place * 4, as: UInt32.self)
      }
      filled = Self.headerSize
      for number in table {
        target.storeBytes(of: number.littleEndian, toByteOffset: filled, as: UInt32.self)
        filled += 4
      }
      filled += dictionary.copy(to: UnsafeMutableRawBufferPointer(rebasing: target[filled...]))
      filled += lists.copy(to: UnsafeMutableRawBufferPointer(rebasing: target[filled...]))
    }
  }
}
