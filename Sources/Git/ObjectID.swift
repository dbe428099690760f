import CLibgit2

/// The name of a git object: the 20 bytes of its SHA-1.
public struct ObjectID: Hashable, Sendable, Comparable {
  // Three words in big-endian order: hashing and comparing touch no memory beyond the value itself.
  private let high: UInt64
  private let middle: UInt64
  private let low: UInt32

  /// The number of bytes of an id.
  public static let byteCount = 20

  /// The tree without entries, which git knows without storing it.
  public static let emptyTree = ObjectID(
    high: 0x4b82_5dc6_42cb_6eb9, middle: 0xa060_e54b_f8d6_9288, low: 0xfbee_4904)

  private init(high: UInt64, middle: UInt64, low: UInt32) {
    self.high = high
    self.middle = middle
    self.low = low
  }

  /// Takes 20 bytes; nil for any other number of them.
  public init?(bytes: some Collection<UInt8>) {
    // Other modules call this unspecialised: all bytes are asked for at once, not one by one.
    let found = bytes.withContiguousStorageIfAvailable { Self(raw: UnsafeRawBufferPointer($0)) }
    guard let id = found ?? Array(bytes).withUnsafeBytes({ Self(raw: $0) }) else { return nil }
    self = id
  }

  private init?(raw bytes: UnsafeRawBufferPointer) {
    guard bytes.count == Self.byteCount else { return nil }
    self.init(
      high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
      middle: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
      low: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
  }

  /// Takes 40 hexadecimal digits, of either case; nil for anything else.
  public init?(hex: String) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.byteCount)
    var pending: UInt8?
    for digit in hex.utf8 {
      let value: UInt8
      switch digit {
      case 0x30...0x39: value = digit - 0x30
      case 0x41...0x46: value = digit - 0x37
      case 0x61...0x66: value = digit - 0x57
      default: return nil
      }
      if let first = pending {
        bytes.append(first << 4 | value)
        pending = nil
      } else {
        pending = value
      }
      if bytes.count > Self.byteCount { return nil }
    }
    guard pending == nil else { return nil }
    self.init(bytes: bytes)
  }

  /// The 20 bytes.
  public var bytes: [UInt8] {
    withUnsafeBytes(of: (high.bigEndian, middle.bigEndian, low.bigEndian)) { Array($0.prefix(Self.byteCount)) }
  }

  /// 40 lower-case hexadecimal digits.
  public var hex: String {
    String(unsafeUninitializedCapacity: 40) { output in
      let digits: StaticString = "0123456789abcdef"
      withUnsafeBytes(of: (high.bigEndian, middle.bigEndian, low.bigEndian)) { bytes in
        for index in 0..<Self.byteCount {
          output[2 * index] = digits.utf8Start[Int(bytes[index] >> 4)]
          output[2 * index + 1] = digits.utf8Start[Int(bytes[index] & 15)]
        }
      }
      return 40
    }
  }

  /// Byte order.
  public static func < (left: ObjectID, right: ObjectID) -> Bool {
    (left.high, left.middle, left.low) < (right.high, right.middle, right.low)
  }
}

extension ObjectID: CustomStringConvertible {
  /// The hexadecimal form.
  public var description: String { hex }
}

extension ObjectID {
  init(_ oid: git_oid) {
    self = withUnsafeBytes(of: oid.id) { bytes in
      ObjectID(
        high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
        middle: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
        low: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
    }
  }

  var oid: git_oid {
    var result = git_oid()
    withUnsafeMutableBytes(of: &result.id) { bytes in
      bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
      bytes.storeBytes(of: middle.bigEndian, toByteOffset: 8, as: UInt64.self)
      bytes.storeBytes(of: low.bigEndian, toByteOffset: 16, as: UInt32.self)
    }
    return result
  }
}
