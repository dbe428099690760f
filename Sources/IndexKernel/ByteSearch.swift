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
        if memcmp(base + at, start, wanted.count) == 0 { return at }
        place = at + rare + 1
      }
      return nil
    }
  }

  /// How rare a byte is, in classes: blanks and frequent letters, other letters, the rest.
  @inline(__always)
  private static func rarity(_ byte: UInt8) -> Int {
    switch byte {
    case 0x20, UInt8(ascii: "e"), UInt8(ascii: "t"), UInt8(ascii: "s"), UInt8(ascii: "r"), UInt8(ascii: "i"),
      UInt8(ascii: "n"), UInt8(ascii: "a"), UInt8(ascii: "o"):
      0
    case UInt8(ascii: "l"), UInt8(ascii: "c"), UInt8(ascii: "d"), UInt8(ascii: "u"), UInt8(ascii: "p"),
      UInt8(ascii: "m"), UInt8(ascii: "f"), UInt8(ascii: "_"):
      1
    case 0x61...0x7a, 0x30...0x39, 0x28...0x2f, 0x3a...0x3e: 2
    default: 3
    }
  }
}
