/// Writes numbers in as few bytes as they need (LEB128), and bytes with their count before them.
public struct ByteWriter {
  /// What was written.
  public private(set) var bytes: [UInt8] = []

  /// An empty writer.
  public init() {}

  /// A number, seven bits a byte.
  public mutating func write(_ number: Int) {
    var rest = UInt64(bitPattern: Int64(number))
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// A number that may be below zero (zigzag).
  public mutating func write(signed number: Int) { write(number << 1 ^ number >> 63) }

  /// A text.
  public mutating func write(_ text: [UInt8]) {
    write(text.count)
    bytes.append(contentsOf: text)
  }

  /// A text that may be absent.
  public mutating func write(_ text: [UInt8]?) {
    write(text == nil ? 0 : 1)
    if let text { write(text) }
  }

  /// Words of fixed size, little endian, with their count.
  public mutating func write(words: [UInt64]) {
    write(words.count)
    for word in words { withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) } }
  }
}

/// Reads what ``ByteWriter`` wrote. Whatever the bytes are, it stays inside them: a reader that met something impossible
/// gives zeros from there on and says so in ``isValid``.
public struct ByteReader {
  private let bytes: UnsafeRawBufferPointer
  private var index = 0
  /// False once something was read that no writer writes.
  public private(set) var isValid = true

  /// Reads from bytes that outlive the reader.
  public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// True when all was read, and validly.
  public var isFinished: Bool { isValid && index == bytes.count }

  /// A number from 0 to `limit`.
  public mutating func number(upTo limit: Int = .max) -> Int {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while index < bytes.count, shift < 63 {
      let byte = bytes[index]
      index += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 {
        guard value <= UInt64(limit) else { break }
        return Int(value)
      }
      shift += 7
    }
    fail()
    return 0
  }

  /// A number that may be below zero.
  public mutating func signed() -> Int {
    let value = number(upTo: 1 << 40)
    return value >> 1 ^ -(value & 1)
  }

  /// How many of something follow, each of which takes at least one byte.
  public mutating func count() -> Int { number(upTo: bytes.count - index) }

  /// A text.
  public mutating func text() -> [UInt8] {
    let count = number(upTo: max(0, bytes.count - index))
    guard isValid, count <= bytes.count - index else {
      fail()
      return []
    }
    defer { index += count }
    return Array(bytes[index..<(index + count)])
  }

  /// A text that may be absent.
  public mutating func optionalText() -> [UInt8]? { number(upTo: 1) == 1 ? text() : nil }

  /// Words of fixed size.
  public mutating func words() -> [UInt64] {
    let count = number(upTo: (bytes.count - index) / 8)
    guard isValid, count * 8 <= bytes.count - index else {
      fail()
      return []
    }
    defer { index += count * 8 }
    return (0..<count).map { place in
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index + place * 8, as: UInt64.self))
    }
  }

  private mutating func fail() {
    isValid = false
    index = bytes.count
  }
}

extension TermTable {
  /// Appends the table: differences of terms, and of units, with counts.
  public func write(to writer: inout ByteWriter) {
    writer.write(unitLengths.count)
    for length in unitLengths { writer.write(Int(length)) }
    writer.write(terms.count)
    var previous = 0
    for index in terms.indices {
      writer.write(Int(terms[index]) - previous)
      previous = Int(terms[index])
      let range = Int(starts[index])..<Int(starts[index + 1])
      // Mostly one unit and one occurrence: both in one byte with the unit itself.
      writer.write(range.count)
      var unit = 0
      for place in range {
        let count = Int(counts[place])
        writer.write((Int(units[place]) - unit) << 2 | (min(count, 4) - 1))
        if count >= 4 { writer.write(count - 4) }
        unit = Int(units[place])
      }
    }
  }

  /// Reads a table; nil when the bytes are none.
  public init?(from reader: inout ByteReader) {
    let unitCount = reader.count()
    var lengths: [UInt32] = []
    lengths.reserveCapacity(unitCount)
    for _ in 0..<unitCount { lengths.append(UInt32(reader.number(upTo: 1 << 31))) }
    let termCount = reader.count()
    var terms: [UInt32] = []
    var starts: [UInt32] = []
    var units: [UInt16] = []
    var counts: [UInt16] = []
    terms.reserveCapacity(termCount)
    starts.reserveCapacity(termCount + 1)
    var previous = 0
    for _ in 0..<termCount {
      previous += reader.number(upTo: 0xffff_ffff)
      guard reader.isValid, previous <= 0xffff_ffff else { return nil }
      terms.append(UInt32(previous))
      starts.append(UInt32(units.count))
      var unit = 0
      for _ in 0..<reader.count() {
        let packed = reader.number(upTo: 0x3_ffff)
        unit += packed >> 2
        var count = packed & 3 + 1
        if count == 4 { count += reader.number(upTo: 0xffff - 4) }
        guard reader.isValid, unit <= 0xffff else { return nil }
        units.append(UInt16(unit))
        counts.append(UInt16(count))
      }
    }
    starts.append(UInt32(units.count))
    guard reader.isValid else { return nil }
    self.init(terms: terms, starts: starts, units: units, counts: counts, unitLengths: lengths)
  }
}

/// A 64-bit checksum against damage, not against forgery.
public enum Checksum {
  /// Of some bytes: multiply and fold, eight bytes at a time in each of four lanes.
  public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var value = 0x9e37_79b9_7f4a_7c15 ^ UInt64(bytes.count)
    var index = 0
    if bytes.count >= 32 {
      var (second, third, fourth) = (value &+ 1, value &+ 2, value &+ 3)
      func word(_ number: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index + number * 8, as: UInt64.self))
      }
      while index + 32 <= bytes.count {
        value = mix(value ^ word(0))
        second = mix(second ^ word(1))
        third = mix(third ^ word(2))
        fourth = mix(fourth ^ word(3))
        index += 32
      }
      value = mix(mix(mix(value ^ second) ^ third) ^ fourth)
    }
    while index + 8 <= bytes.count {
      value = mix(value ^ UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
      index += 8
    }
    while index < bytes.count {
      value = mix(value ^ UInt64(bytes[index]))
      index += 1
    }
    return value
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    let (high, low) = value.multipliedFullWidth(by: 0xa076_1d64_78bd_642f)
    return high ^ low &+ 0xe703_7ed1_a0b4_28db
  }
}
