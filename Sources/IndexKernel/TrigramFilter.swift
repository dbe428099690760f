/// Which three-byte sequences a text holds, as a Bloom filter of one byte a distinct trigram: "certainly not", or
/// "perhaps" (wrong for about 2 in 100 trigrams). ASCII letters count as lower case, so that one filter serves both ways
/// of searching.
public struct TrigramFilter: Sendable, Hashable {
  /// The bits; a power of two of words, empty for a text without trigrams.
  public private(set) var words: [UInt64]

  /// The filter of a text.
  public init(_ text: [UInt8]) {
    words = []
    guard text.count >= 3 else { return }
    var seen = [UInt64](repeating: 0, count: 1 << 12)
    // A first, small filter counts roughly how many differ; it saturates for large texts, which is what sizes them.
    let distinct = Self.mark(text, &seen)
    var size = 1
    while size * 8 < distinct { size *= 2 }
    words = [UInt64](repeating: 0, count: size)
    _ = Self.mark(text, &words)
  }

  /// A stored filter; nil when the size is none that a filter has.
  public init?(words: [UInt64]) {
    guard words.isEmpty || words.count & (words.count - 1) == 0 else { return nil }
    self.words = words
  }

  /// False when the text certainly lacks one of the trigrams (as ``trigrams(of:)`` gives them).
  public func mayHold(_ trigrams: [UInt32]) -> Bool {
    if trigrams.isEmpty { return true }
    if words.isEmpty { return false }
    let mask = UInt64(words.count * 64 - 1)
    return trigrams.allSatisfy { trigram in
      let (first, second) = Self.bits(trigram, mask)
      return words[Int(first >> 6)] >> (first & 63) & 1 == 1 && words[Int(second >> 6)] >> (second & 63) & 1 == 1
    }
  }

  /// The trigrams of a literal.
  public static func trigrams(of literal: [UInt8]) -> [UInt32] {
    guard literal.count >= 3 else { return [] }
    return Array(
      Set(
        (2..<literal.count).map { place in
          UInt32(fold(literal[place - 2])) << 16 | UInt32(fold(literal[place - 1])) << 8 | UInt32(fold(literal[place]))
        }))
  }

  @inline(__always)
  private static func fold(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

  @inline(__always)
  private static func bits(_ trigram: UInt32, _ mask: UInt64) -> (UInt64, UInt64) {
    let mixed = UInt64(trigram) &* 0x9e37_79b9_7f4a_7c15
    return (mixed >> 40 & mask, mixed >> 18 & mask)
  }

  /// Sets the bits of a text; how many trigrams set a new one.
  private static func mark(_ text: [UInt8], _ words: inout [UInt64]) -> Int {
    let mask = UInt64(words.count * 64 - 1)
    return text.withUnsafeBufferPointer { text in
      words.withUnsafeMutableBufferPointer { words in
        var fresh = 0
        var trigram = UInt32(fold(text[0])) << 8 | UInt32(fold(text[1]))
        for place in 2..<text.count {
          trigram = (trigram << 8 | UInt32(fold(text[place]))) & 0xff_ffff
          let (first, second) = bits(trigram, mask)
          let old = words[Int(first >> 6)]
          let new = old | 1 << (first & 63)
          if new != old {
            fresh += 1
            words[Int(first >> 6)] = new
          }
          words[Int(second >> 6)] |= 1 << (second & 63)
        }
        return fresh
      }
    }
  }
}
