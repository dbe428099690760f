/// Brings names that some file system takes for the same into one form.
///
/// A name that is protected must be so under every spelling: a change made here may be checked out on a system that
/// ignores case, trailing dots and spaces (Windows) or invisible characters (HFS+).
enum PathFolding {
  static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }

  /// ASCII letters in lower case, and the two other scalars that fold to ASCII letters.
  static func lowercased(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.contains(where: { (0x41...0x5a).contains($0) || $0 >= 0x80 }) else { return bytes }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      if bytes[index...].starts(with: [0xc5, 0xbf]) {
        // U+017F, long s.
        result.append(UInt8(ascii: "s"))
        index += 2
      } else if bytes[index...].starts(with: [0xe2, 0x84, 0xaa]) {
        // U+212A, Kelvin sign.
        result.append(UInt8(ascii: "k"))
        index += 3
      } else {
        result.append(lower(bytes[index]))
        index += 1
      }
    }
    return result
  }

  /// The one form in which all spellings of a path agree.
  static func folded(_ bytes: [UInt8]) -> [UInt8] {
    let lowercased = lowercased(bytes)
    return stripped(lowercased) ?? lowercased
  }

  /// A lower-case path without what some file systems ignore; nil when there is nothing of that kind in it.
  static func stripped(_ lowercased: [UInt8]) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(lowercased.count)
    var index = 0
    func dropTrailingDots() {
      while let last = result.last, last == UInt8(ascii: ".") || last == UInt8(ascii: " ") { result.removeLast() }
    }
    while index < lowercased.count {
      let byte = lowercased[index]
      if byte >= 0xe2, let length = ignorableLength(lowercased[index...]) {
        index += length
        continue
      }
      if byte == UInt8(ascii: "/") { dropTrailingDots() }
      result.append(byte)
      index += 1
    }
    dropTrailingDots()
    return result.count == lowercased.count ? nil : result
  }

  /// The UTF-8 length of a character that HFS+ ignores in names; nil for any other.
  private static func ignorableLength(_ bytes: ArraySlice<UInt8>) -> Int? {
    guard bytes.count >= 3 else { return nil }
    let start = bytes.startIndex
    switch (bytes[start], bytes[start + 1], bytes[start + 2]) {
    case (0xe2, 0x80, 0x8c...0x8f), (0xe2, 0x80, 0xaa...0xae), (0xe2, 0x81, 0xaa...0xaf), (0xef, 0xbb, 0xbf): return 3
    default: return nil
    }
  }
}
