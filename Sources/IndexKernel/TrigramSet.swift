/// Collects the distinct trigrams of texts, one text after another. ASCII letters count as lower case, so that one index
/// serves both ways of searching; a sequence never spans a line end, as a match never does.
public struct TrigramSet {
  /// One bit a trigram, all zero between texts.
  private var seen = [UInt64](repeating: 0, count: 1 << 18)

  /// An empty collection.
  public init() {}

  /// Appends the trigrams of a text, in order of appearance.
  public mutating func add(_ text: [UInt8], to result: inout [UInt32]) {
    guard text.count >= 3 else { return }
    let start = result.count
    // Most trigrams of a text repeat: room for a third of them, and more when it is needed.
    seen.withUnsafeMutableBufferPointer { seen in
      Self.lower.withUnsafeBufferPointer { lower in
        text.withUnsafeBufferPointer { text in
          var trigram = UInt32(lower[Int(text[0])]) << 8 | UInt32(lower[Int(text[1])])
          for place in 2..<text.count {
            let byte = lower[Int(text[place])]
            trigram = (trigram << 8 | UInt32(byte)) & 0xff_ffff
            let bit = UInt64(1) << UInt64(trigram & 63)
            let word = Int(trigram >> 6)
            let old = seen[word]
            if old & bit == 0 {
              seen[word] = old | bit
              result.append(trigram)
            }
          }
        }
      }
    }
    // What spans a line end was marked, too, and is left out here.
    var kept = start
    seen.withUnsafeMutableBufferPointer { seen in
      result.withUnsafeMutableBufferPointer { result in
        for place in start..<result.count {
          let trigram = result[place]
          seen[Int(trigram >> 6)] = 0
          if trigram & 0xff == 0x0a || trigram >> 8 & 0xff == 0x0a || trigram >> 16 == 0x0a { continue }
          result[kept] = trigram
          kept += 1
        }
      }
    }
    result.removeLast(result.count - kept)
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
}
