/// A set of bytes.
struct ByteSet: Hashable {
  var low: (UInt64, UInt64) = (0, 0)
  var high: (UInt64, UInt64) = (0, 0)

  init() {}
  init(_ range: ClosedRange<UInt8>) { insert(range) }
  init(_ byte: UInt8) { insert(byte...byte) }

  static func == (left: ByteSet, right: ByteSet) -> Bool { left.low == right.low && left.high == right.high }
  func hash(into hasher: inout Hasher) {
    hasher.combine(low.0)
    hasher.combine(low.1)
    hasher.combine(high.0)
    hasher.combine(high.1)
  }

  func contains(_ byte: UInt8) -> Bool {
    let bit = UInt64(1) << UInt64(byte & 63)
    switch byte >> 6 {
    case 0: return low.0 & bit != 0
    case 1: return low.1 & bit != 0
    case 2: return high.0 & bit != 0
    default: return high.1 & bit != 0
    }
  }

  mutating func insert(_ range: ClosedRange<UInt8>) {
    for byte in range {
      let bit = UInt64(1) << UInt64(byte & 63)
      switch byte >> 6 {
      case 0: low.0 |= bit
      case 1: low.1 |= bit
      case 2: high.0 |= bit
      default: high.1 |= bit
      }
    }
  }

  mutating func formUnion(_ other: ByteSet) {
    low.0 |= other.low.0
    low.1 |= other.low.1
    high.0 |= other.high.0
    high.1 |= other.high.1
  }

  /// The ASCII bytes that are not in it.
  var asciiComplement: ByteSet {
    var result = ByteSet()
    result.low = (~low.0, ~low.1)
    return result
  }

  mutating func remove(_ byte: UInt8) {
    let bit = UInt64(1) << UInt64(byte & 63)
    switch byte >> 6 {
    case 0: low.0 &= ~bit
    case 1: low.1 &= ~bit
    case 2: high.0 &= ~bit
    default: high.1 &= ~bit
    }
  }

  /// The one byte in it; nil when there are others.
  var single: UInt8? {
    guard low.0.nonzeroBitCount + low.1.nonzeroBitCount + high.0.nonzeroBitCount + high.1.nonzeroBitCount == 1 else {
      return nil
    }
    for (number, word) in [low.0, low.1, high.0, high.1].enumerated() where word != 0 {
      return UInt8(number * 64 + word.trailingZeroBitCount)
    }
    return nil
  }

  /// The one byte in it, letters of both cases counting as lower case; nil when there are others.
  var folded: UInt8? {
    guard high == (0, 0) else {
      guard low == (0, 0), high.0.nonzeroBitCount + high.1.nonzeroBitCount == 1 else { return nil }
      return high.0 != 0 ? UInt8(128 + high.0.trailingZeroBitCount) : UInt8(192 + high.1.trailingZeroBitCount)
    }
    let count = low.0.nonzeroBitCount + low.1.nonzeroBitCount
    if count == 1 {
      let byte = low.0 != 0 ? UInt8(low.0.trailingZeroBitCount) : UInt8(64 + low.1.trailingZeroBitCount)
      return byte &- 0x41 < 26 ? byte | 0x20 : byte
    }
    if count == 2, low.0 == 0 {
      let first = UInt8(64 + low.1.trailingZeroBitCount)
      let second = UInt8(127 - low.1.leadingZeroBitCount)
      if first &- 0x41 < 26, second == first | 0x20 { return second }
    }
    return nil
  }
}
