/// Gathers documents, and writes their inverted indexes: terms of the text with units, terms of names, trigrams.
public struct SegmentBuilder {
  /// The documents so far.
  public private(set) var documents = 0
  private var unitCounts: [UInt16] = []
  private var body = TermEntries(hasUnits: true)
  private var names = TermEntries(hasUnits: false)
  private var trigrams = TrigramEntries()

  /// Nothing yet.
  public init() {}

  /// Adds a document.
  /// - Parameters:
  ///   - body: the terms of its text, by units.
  ///   - names: the terms of the names that it declares.
  ///   - text: its text, for trigrams; empty for a document that cannot be searched.
  /// - Returns: the document's number.
  public mutating func add(body table: TermTable, names nameTable: TermTable, text: [UInt8]) -> Int {
    let number = documents
    documents += 1
    unitCounts.append(UInt16(clamping: table.unitLengths.count))
    body.add(table, document: UInt32(number))
    names.add(nameTable, document: UInt32(number))
    trigrams.add(text)
    return number
  }

  /// Bytes that are held, about. No more than a million documents fit: each takes some.
  public var size: Int { documents * 64 + (body.count + names.count) * 16 + body.unitCount * 4 + trigrams.count * 4 }

  /// The three indexes of what was added; the builder begins anew, in the same room.
  public mutating func finish() -> (body: [UInt8], names: [UInt8], trigrams: [UInt8], unitCounts: [UInt16]) {
    defer {
      documents = 0
      unitCounts.removeAll(keepingCapacity: true)
    }
    let trigramBytes = trigrams.finish()
    let bodyBytes = body.finish(documents: documents, unitCounts)
    return (bodyBytes, names.finish(documents: documents, []), trigramBytes, unitCounts)
  }
}
