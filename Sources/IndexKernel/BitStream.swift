/// Writes numbers of any width, the lowest bit first.
struct BitWriter: ~Copyable {
  private var words: UnsafeMutableBufferPointer<UInt64> = .allocate(capacity: 64)
  private var wordCount = 0
  private var pending: UInt64 = 0
  /// Bits of ``pending``, fewer than it has.
  private var filled = 0

  deinit { words.deallocate() }

  /// Bits written so far.
  var count: Int { wordCount * 64 + filled }

  /// Bytes of what was written, with ``PostingCode/padding`` zero bytes behind it.
  var size: Int { (count + 7) / 8 + PostingCode.padding }

  /// Copies what was written to the beginning of `target`, and gives how many bytes that are: ``size``.
  func copy(to target: UnsafeMutableRawBufferPointer) -> Int {
    let whole = wordCount * 8
    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(words)[..<whole]))
    for place in whole..<size {
      let byte = place - whole
      target[place] = byte < 8 && byte * 8 < filled ? UInt8(truncatingIfNeeded: pending >> UInt64(byte * 8)) : 0
    }
    return size
  }

  private mutating func grow() {
    let wider = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: words.count * 2)
    _ = wider.moveInitialize(fromContentsOf: words)
    words.deallocate()
    words = wider
  }

  /// The lowest `width` (at most 63) bits of a value, which has no others.
  @inline(__always)
  mutating func write(_ value: UInt64, _ width: Int) {
    pending |= value &<< UInt64(filled)
    filled &+= width
    if filled >= 64 {
      if wordCount == words.count { grow() }
      words[wordCount] = pending.littleEndian
      wordCount &+= 1
      filled &-= 64
      // What did not fit; a shift by all 64 bits gives nothing.
      pending = value >> UInt64(width - filled)
    }
  }

  /// A number that is probably near 2^k (Golomb–Rice): the upper part in unary, `k` (at most 31) bits below.
  @inline(__always)
  mutating func rice(_ value: UInt32, _ k: Int) {
    let upper = Int(value &>> UInt32(k))
    if upper < PostingCode.escape {
      let unary = UInt64(1) &<< UInt64(upper) - 1
      let lower = UInt64(value) & (1 &<< UInt64(k) - 1)
      write(unary | lower &<< UInt64(upper + 1), upper + 1 + k)
    } else {
      write(1 << UInt64(PostingCode.escape) - 1, PostingCode.escape)
      write(UInt64(value), 32)
    }
  }

  /// A number from 1 of unknown size (Elias gamma).
  mutating func gamma(_ value: UInt32) {
    let width = 31 - value.leadingZeroBitCount
    write(1 << UInt64(width), width + 1)
    write(UInt64(value) & (1 << UInt64(width) - 1), width)
  }
}

/// Numbers that writer and reader must agree on.
enum PostingCode {
  /// So many ones in a row announce a number of 32 bits as it is.
  static let escape = 20
  /// Behind the last bit, so that a reader may load eight bytes anywhere.
  static let padding = 8

  /// The best Rice parameter for gaps between `count` of `total` numbers.
  @inline(__always)
  static func parameter(_ total: Int, _ count: Int) -> Int {
    let mean = UInt32(truncatingIfNeeded: max(1, total * 11 / (16 * max(1, count))))
    return 31 - mean.leadingZeroBitCount
  }

  /// The Rice parameter for unit numbers in a document of so many units.
  @inline(__always)
  static func unitParameter(_ units: Int) -> Int {
    max(0, 29 - UInt32(truncatingIfNeeded: max(1, units)).leadingZeroBitCount)
  }
}

/// Reads what ``BitWriter`` wrote. Damaged bytes give wrong numbers, never a read beyond the end.
struct BitReader {
  private let base: UnsafeRawPointer
  /// The last place where eight bytes can be loaded.
  private let last: Int
  private(set) var bit: Int

  /// - Parameter bytes: with ``PostingCode/padding`` bytes behind those that count.
  init(_ bytes: UnsafeRawBufferPointer, bit: Int = 0) {
    // Eight zero bytes stand in for a buffer that is too short.
    base = bytes.count >= 8 ? bytes.baseAddress ?? Self.none : Self.none
    last = bytes.count >= 8 ? bytes.count - 8 : 0
    self.bit = bit
  }

  /// Unchecked: eight bytes made once and never written again.
  private nonisolated(unsafe) static let none: UnsafeRawPointer = {
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 8)
    bytes.initializeMemory(as: UInt8.self, repeating: 0, count: 8)
    return UnsafeRawPointer(bytes)
  }()

  /// At least 57 bits from here on.
  @inline(__always)
  private var window: UInt64 {
    let place = min(bit >> 3, last)
    return UInt64(littleEndian: base.loadUnaligned(fromByteOffset: place, as: UInt64.self)) >> UInt64(bit & 7)
  }

  @inline(__always)
  mutating func read(_ width: Int) -> UInt32 {
    let value = window & (1 << UInt64(width) - 1)
    bit += width
    return UInt32(truncatingIfNeeded: value)
  }

  @inline(__always)
  mutating func rice(_ k: Int) -> UInt32 {
    let window = self.window
    let upper = (~window).trailingZeroBitCount
    if upper < PostingCode.escape {
      let value = UInt64(upper) << UInt64(k) | window >> UInt64(upper + 1) & (1 << UInt64(k) - 1)
      bit += upper + 1 + k
      return UInt32(truncatingIfNeeded: value)
    }
    bit += PostingCode.escape
    return read(32)
  }

  @inline(__always)
  mutating func gamma() -> UInt32 {
    let width = min(31, window.trailingZeroBitCount)
    bit += width + 1
    return 1 << UInt32(width) | read(width)
  }
}
