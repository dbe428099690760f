/// Collects the distinct trigrams of texts, one text after another. ASCII letters count as lower case, so that one index
/// serves both ways of searching; a sequence never spans a line end, as a match never does.
public struct TrigramSet {
  /// One bit a trigram, all zero between texts: those of frequent bytes alone, in a table that stays in the nearest cache,
  /// and all others.
  private var frequent = [UInt64](repeating: 0, count: 1 << 12)
  private var others = [UInt64](repeating: 0, count: 1 << 18)

  /// An empty collection.
  public init() {}

  /// Appends the trigrams of a text, in order of appearance.
  public mutating func add(_ text: [UInt8], to result: inout [UInt32]) {
    guard text.count >= 3 else { return }
    let start = result.count
    frequent.withUnsafeMutableBufferPointer { frequent in
      others.withUnsafeMutableBufferPointer { others in
        Self.lower.withUnsafeBufferPointer { lower in
          Self.classes.withUnsafeBufferPointer { classes in
            text.withUnsafeBufferPointer { text in
              Self.collect(text, frequent, others, lower, classes, &result)
            }
          }
        }
      }
    }
    // What spans a line end was marked, too, and is left out here.
    var kept = start
    frequent.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    others.withUnsafeMutableBufferPointer { others in
      result.withUnsafeMutableBufferPointer { result in
        for place in start..<result.count {
          let trigram = result[place]
          if others[Int(trigram >> 6)] != 0 { others[Int(trigram >> 6)] = 0 }
          if trigram & 0xff == 0x0a || trigram >> 8 & 0xff == 0x0a || trigram >> 16 == 0x0a { continue }
          result[kept] = trigram
          kept += 1
        }
      }
    }
    result.removeLast(result.count - kept)
  }

  @inline(__always)
  private static func collect(
    _ text: UnsafeBufferPointer<UInt8>, _ frequent: UnsafeMutableBufferPointer<UInt64>,
    _ others: UnsafeMutableBufferPointer<UInt64>, _ lower: UnsafeBufferPointer<UInt8>,
    _ classes: UnsafeBufferPointer<UInt8>, _ result: inout [UInt32]
  ) {
    var trigram = UInt32(lower[Int(text[0])]) << 8 | UInt32(lower[Int(text[1])])
    // The same in classes of six bits; a seventh bit says that one of the three bytes is rare.
    var key = UInt32(classes[Int(text[0])]) << 8 | UInt32(classes[Int(text[1])])
    for place in 2..<text.count {
      let byte = Int(text[place])
      trigram = (trigram << 8 | UInt32(lower[byte])) & 0xff_ffff
      key = (key << 8 | UInt32(classes[byte])) & 0xff_ffff
      if key & 0x80_8080 == 0 {
        let short = key & 0x3f | key >> 2 & 0xfc0 | key >> 4 & 0x3_f000
        let bit = UInt64(1) << UInt64(short & 63)
        let old = frequent[Int(short >> 6)]
        guard old & bit == 0 else { continue }
        frequent[Int(short >> 6)] = old | bit
      } else {
        let bit = UInt64(1) << UInt64(trigram & 63)
        let old = others[Int(trigram >> 6)]
        guard old & bit == 0 else { continue }
        others[Int(trigram >> 6)] = old | bit
      }
      result.append(trigram)
    }
  }

  /// The distinct trigrams of a text without line ends, sorted.
  public static func of(_ literal: [UInt8]) -> [UInt32] {
    guard literal.count >= 3 else { return [] }
    var result: Set<UInt32> = []
    var trigram = UInt32(lower[Int(literal[0])]) << 8 | UInt32(lower[Int(literal[1])])
    for byte in literal.dropFirst(2) {
      trigram = (trigram << 8 | UInt32(lower[Int(byte)])) & 0xff_ffff
      result.insert(trigram)
    }
    return result.sorted()
  }

  private static let lower: [UInt8] = (0..<256).map { byte in
    let byte = UInt8(byte)
    return byte &- 0x41 < 26 ? byte | 0x20 : byte
  }

  /// By byte the number of its lower-case form among the sixty-four most frequent of programs; 0x80 for the others.
  private static let classes: [UInt8] = {
    var table = [UInt8](repeating: 0x80, count: 256)
    let frequent = "abcdefghijklmnopqrstuvwxyz0123456789 \t\n_(),;=*-><./&|\"'{}[]:+#!\\"
    for (number, byte) in frequent.utf8.enumerated() { table[Int(byte)] = UInt8(number) }
    for byte in UInt8(ascii: "A")...UInt8(ascii: "Z") { table[Int(byte)] = table[Int(byte | 0x20)] }
    return table
  }()
}
