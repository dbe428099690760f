import Crypto

/// A SHA-256 value: the hash of a leaf, of an inner node, or the root of a tree.
public struct MerkleHash: Hashable, Sendable {
  /// The 32 bytes as big-endian words: no allocation per hash, and words compare as the bytes do.
  private let words: (UInt64, UInt64, UInt64, UInt64)

  /// Takes exactly 32 bytes; nil for any other number.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == MerkleHash.byteCount else { return nil }
    var iterator = bytes.makeIterator()
    func word() -> UInt64 {
      var value: UInt64 = 0
      for _ in 0..<8 { value = value << 8 | UInt64(iterator.next() ?? 0) }
      return value
    }
    words = (word(), word(), word(), word())
  }

  /// Takes exactly 32 borrowed bytes; nil for any other number.
  public init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count == MerkleHash.byteCount else { return nil }
    words = (
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
    )
  }

  /// Takes 64 hexadecimal digits of either case; nil for anything else.
  public init?(hex: String) {
    let digits = Array(hex.utf8)
    guard digits.count == 2 * MerkleHash.byteCount else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(MerkleHash.byteCount)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = Hexadecimal.value(digits[index]), let low = Hexadecimal.value(digits[index + 1]) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    self.init(bytes)
  }

  init(_ digest: SHA256Digest) {
    // A digest of SHA-256 always has 32 bytes.
    self = digest.withUnsafeBytes { MerkleHash($0) } ?? MerkleHash.zero
  }

  private init() { words = (0, 0, 0, 0) }

  /// 32 zero bytes: what stands where there is no hash yet.
  public static let zero = MerkleHash()

  /// The length of a hash in bytes.
  public static let byteCount = 32

  /// The 32 bytes.
  public var bytes: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: MerkleHash.byteCount) { buffer, count in
      write(to: UnsafeMutableRawBufferPointer(buffer))
      count = MerkleHash.byteCount
    }
  }

  /// 64 lower-case hexadecimal digits.
  public var hex: String { Hexadecimal.text(bytes) }

  /// Writes the bytes to the start of a buffer of at least 32 bytes.
  func write(to buffer: UnsafeMutableRawBufferPointer) {
    buffer.storeBytes(of: words.0.bigEndian, toByteOffset: 0, as: UInt64.self)
    buffer.storeBytes(of: words.1.bigEndian, toByteOffset: 8, as: UInt64.self)
    buffer.storeBytes(of: words.2.bigEndian, toByteOffset: 16, as: UInt64.self)
    buffer.storeBytes(of: words.3.bigEndian, toByteOffset: 24, as: UInt64.self)
  }

  /// True when all 32 bytes are equal.
  public static func == (left: MerkleHash, right: MerkleHash) -> Bool { left.words == right.words }

  /// Hashes all four words.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}

extension MerkleHash: CustomStringConvertible {
  /// The hexadecimal form.
  public var description: String { hex }
}

/// The hashing of RFC 6962, section 2.1: a prefix byte keeps leaves and inner nodes apart.
extension MerkleHash {
  /// The root of a tree without leaves: the hash of nothing.
  public static let emptyRoot = MerkleHash(SHA256().finalize())

  /// The hash of a leaf: `SHA-256(0x00 ‖ data)`.
  public static func leaf(_ data: [UInt8]) -> MerkleHash { data.withUnsafeBytes { leaf($0) } }

  /// The hash of a leaf from borrowed bytes.
  public static func leaf(_ data: UnsafeRawBufferPointer) -> MerkleHash {
    var hasher = SHA256()
    withUnsafeBytes(of: UInt8(0)) { hasher.update(bufferPointer: $0) }
    hasher.update(bufferPointer: data)
    return MerkleHash(hasher.finalize())
  }

  /// The hash of an inner node: `SHA-256(0x01 ‖ left ‖ right)`.
  public static func node(_ left: MerkleHash, _ right: MerkleHash) -> MerkleHash {
    withUnsafeTemporaryAllocation(byteCount: 1 + 2 * byteCount, alignment: 8) { buffer in
      buffer[0] = 1
      left.write(to: UnsafeMutableRawBufferPointer(rebasing: buffer[1...]))
      right.write(to: UnsafeMutableRawBufferPointer(rebasing: buffer[(1 + byteCount)...]))
      var hasher = SHA256()
      hasher.update(bufferPointer: UnsafeRawBufferPointer(buffer))
      return MerkleHash(hasher.finalize())
    }
  }
}

/// Hexadecimal text of bytes.
enum Hexadecimal {
  static func text(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(2 * bytes.count)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x41...0x46: digit - 0x37
    case 0x61...0x66: digit - 0x57
    default: nil
    }
  }
}
