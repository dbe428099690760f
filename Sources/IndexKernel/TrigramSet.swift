/// Collects the distinct trigrams of texts, one text after another. ASCII letters count as lower case, so that one index
/// serves both ways of searching; a sequence never spans a line end, as a match never does.
///
/// Trigrams of frequent bytes alone have a code of eighteen bits, six a byte, in the order of the trigrams: most trigrams
/// of programs are marked in a table that stays in the nearest cache.
public struct TrigramSet {
  /// One bit a code, all zero between texts.
  private var frequent = [UInt64](repeating: 0, count: 1 << 12)
  /// One bit a trigram with another byte, all zero between texts.
  private var others = [UInt64](repeating: 0, count: 1 << 18)
  /// The codes of a text as they are found, then room.
  private var found: [UInt32] = []

  /// An empty collection.
  public init() {}

  /// Appends the trigrams of a text, each once, in no order.
  public mutating func add(_ text: [UInt8], to result: inout [UInt32]) {
    var codes: [UInt32] = []
    add(text, codes: &codes, rare: &result)
    for code in codes {
      let trigram = Self.trigram(code)
      if Self.isOfOneLine(trigram) { result.append(trigram) }
    }
  }

  /// Appends the trigrams of a text, each once: those that have one as their codes, line ends included, and the others.
  mutating func add(_ text: [UInt8], codes: inout [UInt32], rare: inout [UInt32]) {
    guard text.count >= 3 else { return }
    if found.count < text.count { found = [UInt32](repeating: 0, count: text.count) }
    let start = rare.count
    var count = 0
    frequent.withUnsafeMutableBufferPointer { frequent in
      others.withUnsafeMutableBufferPointer { others in
        found.withUnsafeMutableBufferPointer { found in
          Self.codes.withUnsafeBufferPointer { table in
            text.withUnsafeBufferPointer { text in
              count = Self.collect(text, frequent, others, table, found, &rare)
            }
          }
        }
        for trigram in rare[start...] { others[Int(trigram >> 6)] = 0 }
      }
      frequent.update(repeating: 0)
    }
    codes.append(contentsOf: found[..<count])
  }

  /// Gives the number of codes found.
  @inline(__always)
  private static func collect(
    _ text: UnsafeBufferPointer<UInt8>, _ frequent: UnsafeMutableBufferPointer<UInt64>,
    _ others: UnsafeMutableBufferPointer<UInt64>, _ table: UnsafeBufferPointer<UInt8>,
    _ found: UnsafeMutableBufferPointer<UInt32>, _ rare: inout [UInt32]
  ) -> Int {
    var count = 0
    // Where the next trigram with a rare byte may end.
    var open = 2
    var place = 0
    while place < text.count {
      // A run of frequent bytes.
      let start = place
      var code: UInt32 = 0
      while place < min(text.count, start + 2), table[Int(text[place])] < 64 {
        code = code << 6 | UInt32(table[Int(text[place])])
        place += 1
      }
      if place == start + 2 {
        while place < text.count {
          let byte = UInt32(table[Int(text[place])])
          guard byte < 64 else { break }
          code = (code << 6 | byte) & 0x3_ffff
          // Written in any case, and kept when it is new: whether it is cannot be foretold.
          found[count] = code
          let word = frequent[Int(code >> 6)]
          frequent[Int(code >> 6)] = word | 1 &<< UInt64(code & 63)
          count += Int(~(word &>> UInt64(code & 63)) & 1)
          place += 1
        }
      }
      guard place < text.count else { break }
      // The trigrams that hold the rare byte.
      for end in max(open, place)..<max(open, place, min(text.count, place + 3)) {
        let trigram =
          UInt32(lower(text[end - 2])) << 16 | UInt32(lower(text[end - 1])) << 8 | UInt32(lower(text[end]))
        let bit = UInt64(1) << UInt64(trigram & 63)
        guard others[Int(trigram >> 6)] & bit == 0, isOfOneLine(trigram) else { continue }
        others[Int(trigram >> 6)] |= bit
        rare.append(trigram)
      }
      open = place + 3
      place += 1
    }
    return count
  }

  /// The distinct trigrams of a text without line ends, sorted.
  public static func of(_ literal: [UInt8]) -> [UInt32] {
    guard literal.count >= 3 else { return [] }
    var result: Set<UInt32> = []
    var trigram = UInt32(lower(literal[0])) << 8 | UInt32(lower(literal[1]))
    for byte in literal.dropFirst(2) {
      trigram = (trigram << 8 | UInt32(lower(byte))) & 0xff_ffff
      result.insert(trigram)
    }
    return result.sorted()
  }

  @inline(__always)
  private static func lower(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

  @inline(__always)
  static func isOfOneLine(_ trigram: UInt32) -> Bool {
    trigram & 0xff != 0x0a && trigram >> 8 & 0xff != 0x0a && trigram >> 16 != 0x0a
  }

  /// The trigram that a code stands for.
  static func trigram(_ code: UInt32) -> UInt32 {
    UInt32(frequentBytes[Int(code >> 12)]) << 16 | UInt32(frequentBytes[Int(code >> 6 & 63)]) << 8
      | UInt32(frequentBytes[Int(code & 63)])
  }

  /// The sixty-four most frequent bytes of programs, ascending, upper-case letters counted as lower-case ones.
  private static let frequentBytes: [UInt8] = "abcdefghijklmnopqrstuvwxyz0123456789 \t\n_(),;=*-><./&|\"'{}[]:+#!\\"
    .utf8.sorted()

  /// By byte the place of its lower-case form among ``frequentBytes``; 64 for the others.
  private static let codes: [UInt8] = (0..<256).map { byte in
    UInt8(frequentBytes.firstIndex(of: lower(UInt8(byte))) ?? 64)
  }
}
