/// An IPv4 or IPv6 address, or a range of them in CIDR notation.
///
/// Two ranges are equal when address and prefix are: `192.168.0.1/24` and `192.168.0.8/24` are the same range, and not
/// equal.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
  /// Boxed, so that a ``Value`` stays small.
  private final class Storage: Sendable {
    let isIPv6: Bool
    let bits: UInt128
    let prefix: UInt8

    init(isIPv6: Bool, bits: UInt128, prefix: UInt8) {
      self.isIPv6 = isIPv6
      self.bits = bits
      self.prefix = prefix
    }
  }

  private let storage: Storage

  /// The longest text that is read.
  private static let mostBytes = 43

  /// Reads `127.0.0.1`, `::1`, `10.0.0.0/8`, `ffee::/64`. Octets and prefixes with leading zeros and IPv4 written
  /// inside IPv6 are refused: parsers disagree about them.
  public init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count <= Self.mostBytes else { return nil }
    let slash = bytes.firstIndex(of: UInt8(ascii: "/"))
    let address = bytes[..<(slash ?? bytes.count)]
    let isIPv6 = address.contains(UInt8(ascii: ":"))
    guard let bits = isIPv6 ? Self.readIPv6(address) : Self.readIPv4(address) else { return nil }
    let width: UInt8 = isIPv6 ? 128 : 32
    var prefix = width
    if let slash {
      guard let read = Self.readPrefix(bytes[(slash + 1)...], atMost: width) else { return nil }
      prefix = read
    }
    storage = Storage(isIPv6: isIPv6, bits: bits, prefix: prefix)
  }

  /// True for IPv4.
  public var isIPv4: Bool { !storage.isIPv6 }
  /// True for IPv6.
  public var isIPv6: Bool { storage.isIPv6 }
  /// How many leading bits a member of the range shares.
  public var prefixLength: Int { Int(storage.prefix) }

  /// True when the whole range is of this machine: in 127.0.0.0/8, or ::1.
  public var isLoopback: Bool {
    storage.isIPv6
      ? storage.bits == 1 && storage.prefix == 128 : storage.bits >> 24 == 127 && storage.prefix >= 8
  }

  /// True when the whole range is multicast: in 224.0.0.0/4, or ff00::/8.
  public var isMulticast: Bool {
    storage.isIPv6
      ? storage.bits >> 120 == 0xff && storage.prefix >= 8 : storage.bits >> 28 == 0xe && storage.prefix >= 4
  }

  /// True when every address of this range is one of the other.
  public func isInRange(_ other: IPAddress) -> Bool {
    guard storage.isIPv6 == other.storage.isIPv6 else { return false }
    return other.first <= first && last <= other.last
  }

  private var hostMask: UInt128 {
    let hostBits = (storage.isIPv6 ? 128 : 32) - Int(storage.prefix)
    return hostBits == 128 ? .max : (1 << UInt128(hostBits)) - 1
  }
  private var first: UInt128 { storage.bits & ~hostMask }
  private var last: UInt128 { storage.bits | hostMask }

  /// By family, address and prefix.
  public static func == (left: IPAddress, right: IPAddress) -> Bool {
    left.storage.isIPv6 == right.storage.isIPv6 && left.storage.bits == right.storage.bits
      && left.storage.prefix == right.storage.prefix
  }

  /// Consistent with `==`.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(storage.bits)
    hasher.combine(storage.prefix)
  }

  /// The address, with the prefix unless it is the whole address.
  public var description: String {
    let width: UInt8 = storage.isIPv6 ? 128 : 32
    return (storage.isIPv6 ? textIPv6 : textIPv4) + (storage.prefix == width ? "" : "/\(storage.prefix)")
  }

  private var textIPv4: String {
    [24, 16, 8, 0].map { String((storage.bits >> UInt128($0)) & 0xff) }.joined(separator: ".")
  }

  /// The longest run of two or more zero groups is written `::` (RFC 5952).
  private var textIPv6: String {
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: storage.bits >> UInt128(112 - 16 * $0)) }
    var longest = 0..<0
    var index = 0
    while index < 8 {
      var end = index
      while end < 8, groups[end] == 0 { end += 1 }
      if end - index > longest.count, end - index > 1 { longest = index..<end }
      index = max(end, index + 1)
    }
    func text(_ range: Range<Int>) -> String {
      groups[range].map { String($0, radix: 16) }.joined(separator: ":")
    }
    return longest.isEmpty ? text(0..<8) : text(0..<longest.lowerBound) + "::" + text(longest.upperBound..<8)
  }

  private static func readIPv4(_ bytes: ArraySlice<UInt8>) -> UInt128? {
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bits: UInt128 = 0
    for part in parts {
      guard let octet = readNumber(part, atMost: 255, digits: 3) else { return nil }
      bits = bits << 8 | UInt128(octet)
    }
    return bits
  }

  private static func readIPv6(_ bytes: ArraySlice<UInt8>) -> UInt128? {
    let colon = UInt8(ascii: ":")
    var gap: Int?
    var at = bytes.startIndex
    while at + 1 < bytes.endIndex {
      if bytes[at] == colon, bytes[at + 1] == colon {
        guard gap == nil else { return nil }
        gap = at
        at += 1
      }
      at += 1
    }
    guard let gap else {
      guard let groups = readGroups(bytes), groups.count == 8 else { return nil }
      return join(groups)
    }
    let head = bytes[..<gap]
    let tail = bytes[(gap + 2)...]
    guard let left = head.isEmpty ? [] : readGroups(head), let right = tail.isEmpty ? [] : readGroups(tail),
      left.count + right.count <= 7
    else { return nil }
    return join(left + Array(repeating: 0, count: 8 - left.count - right.count) + right)
  }

  private static func join(_ groups: [UInt16]) -> UInt128 { groups.reduce(0) { $0 << 16 | UInt128($1) } }

  private static func readGroups(_ bytes: ArraySlice<UInt8>) -> [UInt16]? {
    var groups: [UInt16] = []
    for part in bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
      guard (1...4).contains(part.count) else { return nil }
      var group: UInt16 = 0
      for byte in part {
        guard let digit = HexDigit.value(byte) else { return nil }
        group = group << 4 | UInt16(digit)
      }
      groups.append(group)
    }
    return groups
  }

  private static func readPrefix(_ bytes: ArraySlice<UInt8>, atMost most: UInt8) -> UInt8? {
    readNumber(bytes, atMost: Int(most), digits: most == 32 ? 2 : 3).map { UInt8($0) }
  }

  private static func readNumber(_ bytes: ArraySlice<UInt8>, atMost most: Int, digits: Int) -> Int? {
    guard (1...digits).contains(bytes.count), bytes.allSatisfy({ (0x30...0x39).contains($0) }),
      bytes.count == 1 || bytes.first != 0x30
    else { return nil }
    let value = bytes.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    return value <= most ? value : nil
  }
}

/// Hexadecimal digits of either case.
enum HexDigit {
  @inline(__always)
  static func value(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }
}
