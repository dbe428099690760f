/// Characters beyond ASCII as sequences of bytes.
enum RegexUnicode {
  private static let tail = ByteSet(0x80...0xbf)

  /// Any character but a newline; a byte that is not UTF-8 counts as one.
  static var anyCharacter: RegexNode { node(ascii: ByteSet(0x0a), ranges: [], negated: true) }

  /// Everything but an ASCII class.
  static func complement(of set: ByteSet) -> RegexNode { node(ascii: set, ranges: [], negated: true) }

  /// One character.
  static func node(_ scalar: UInt32, ignoresCase: Bool) -> RegexNode {
    if scalar < 0x80 {
      let byte = UInt8(scalar)
      var set = ByteSet(byte)
      if ignoresCase, byte | 0x20 >= 0x61, byte | 0x20 <= 0x7a {
        set.insert((byte ^ 0x20)...(byte ^ 0x20))
      }
      return .set(set)
    }
    return node(scalar...scalar)
  }

  /// A class. A negated one admits stray bytes, too, and never a newline.
  static func node(ascii: ByteSet, ranges: [ClosedRange<UInt32>], negated: Bool) -> RegexNode {
    var parts: [RegexNode] = []
    var single = ascii
    var wanted = ranges
    if negated {
      single = ascii.asciiComplement
      single.remove(0x0a)
      wanted = complement(ranges)
    }
    parts.append(.set(single))
    parts += wanted.flatMap(split).map { node($0) }
    if negated { parts.append(.set(ByteSet(0x80...0xff))) }
    return parts.count == 1 ? parts[0] : .choice(parts)
  }

  private static func complement(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0x80
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
      next = max(next, range.upperBound + 1)
    }
    if next <= 0x10ffff { result.append(next...0x10ffff) }
    return result
  }

  /// Cuts a range where the length of the encoding or a leading byte changes, so that each piece is a product of byte
  /// ranges.
  private static func split(_ range: ClosedRange<UInt32>) -> [ClosedRange<UInt32>] {
    for limit in [UInt32(0x7ff), 0xffff] where range.lowerBound <= limit && range.upperBound > limit {
      return split(range.lowerBound...limit) + split((limit + 1)...range.upperBound)
    }
    let width: UInt32 = range.upperBound > 0xffff ? 3 : range.upperBound > 0x7ff ? 2 : 1
    for level in 1...width {
      let mask = UInt32(1) << (6 * level) - 1
      guard range.lowerBound & ~mask != range.upperBound & ~mask else { continue }
      if range.lowerBound & mask != 0 {
        return split(range.lowerBound...(range.lowerBound | mask))
          + split((range.lowerBound | mask) + 1...range.upperBound)
      }
      if range.upperBound & mask != mask {
        return split(range.lowerBound...((range.upperBound & ~mask) - 1))
          + split((range.upperBound & ~mask)...range.upperBound)
      }
    }
    return [range]
  }

  private static func node(_ range: ClosedRange<UInt32>) -> RegexNode {
    let low = encode(range.lowerBound)
    let high = encode(range.upperBound)
    return .sequence(zip(low, high).map { .set(ByteSet($0...max($0, $1))) })
  }

  private static func encode(_ value: UInt32) -> [UInt8] {
    func tail(_ shift: UInt32) -> UInt8 { UInt8(value >> shift & 0x3f) | 0x80 }
    if value < 0x800 { return [UInt8(value >> 6) | 0xc0, tail(0)] }
    if value < 0x10000 { return [UInt8(value >> 12) | 0xe0, tail(6), tail(0)] }
    return [UInt8(value >> 18) | 0xf0, tail(12), tail(6), tail(0)]
  }
}
