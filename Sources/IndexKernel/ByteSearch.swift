import Glibc

/// Finds bytes in bytes.
public enum ByteSearch {
  /// Whether a range of a text holds a sequence.
  public static func contains(_ text: [UInt8], _ wanted: [UInt8], in range: Range<Int>) -> Bool {
    text.withUnsafeBytes { first(wanted, in: $0, range) } != nil
  }

  /// Where a sequence begins first in a range of a text; an empty one begins at once.
  ///
  /// It looks for the rarest byte of the sequence, by how often bytes occur in programs.
  public static func first(_ wanted: [UInt8], in text: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
    guard !wanted.isEmpty else { return range.lowerBound }
    guard let base = text.baseAddress, wanted.count <= range.count else { return nil }
    var rare = 0
    for place in wanted.indices where rarity(wanted[place]) > rarity(wanted[rare]) { rare = place }
    return wanted.withUnsafeBytes { sequence -> Int? in
      guard let start = sequence.baseAddress else { return nil }
      let end = range.upperBound - wanted.count + rare + 1
      var place = range.lowerBound + rare
      while place < end, let found = memchr(base + place, Int32(wanted[rare]), end - place) {
        let at = UnsafeRawPointer(found) - base - rare
        if text[at] == wanted[0], memcmp(base + at, start, wanted.count) == 0 { return at }
        place = at + rare + 1
      }
      return nil
    }
  }

  /// How rare a byte is in programs, by the order of their frequency in C, Python, Go, Java and Swift sources.
  @inline(__always)
  private static func rarity(_ byte: UInt8) -> Int { Int(rarities[Int(byte)]) }

  private static let rarities: [UInt8] = {
    var table = [UInt8](repeating: 255, count: 256)
    let frequent =
      " etsrinaolcdupmf_hgb\tvy.,()=-kx*;w0/:1_\"TESR2ANIC>OLP<{}Dq'j34MFz&U8#6[]5GBHV79XW+Y!|%K@JQZ$?~^`"
    for (rank, byte) in frequent.utf8.enumerated() where table[Int(byte)] == 255 { table[Int(byte)] = UInt8(rank) }
    return table
  }()
}
