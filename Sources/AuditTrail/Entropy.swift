import Glibc

/// How much a text looks as if it had been drawn by lot: a hint that it is a key, and no proof of it.
///
/// Digests, ids and the checksums of lock files look the same, and there are far more of them. So they are told apart by how they
/// are written: in digits of one case, as UUIDs, behind the name of a hash. What is left is a hint, which alone replaces
/// nothing; beside a name that says what it is, it does.
enum Entropy {
  /// The lengths that keys have. What is longer is data.
  static let lengths = 20...128

  /// Whether letters of both cases and digits take turns as chance would have it. Names and words change case seldom.
  static func looksDrawn(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    guard lengths.contains(text.count) else { return false }
    var counts = InlineArray<256, UInt8>(repeating: 0)
    var seen: UInt8 = 0
    var changes = 0
    var last: UInt8 = 0
    for byte in text {
      let kind: UInt8
      switch byte {
      case 0x30...0x39: kind = 1
      case 0x41...0x5a: kind = 2
      case 0x61...0x7a: kind = 4
      default: kind = 8
      }
      seen |= kind
      if kind != last { changes += 1 }
      last = kind
      counts[Int(byte)] += 1
    }
    guard seen & 7 == 7, changes * 5 >= text.count * 2 else { return false }
    var bits = 0.0
    let count = Double(text.count)
    for byte in 0..<256 where counts[byte] > 0 {
      let share = Double(counts[byte]) / count
      bits -= share * log2(share)
    }
    return bits >= 3.6
  }

  /// Whether it is a key in hexadecimal: only a name can tell it from a digest.
  static func looksHexadecimal(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    guard (32...128).contains(text.count) else { return false }
    var digits = 0
    var letters = 0
    for byte in text {
      switch byte {
      case 0x30...0x39: digits += 1
      case 0x41...0x46, 0x61...0x66: letters += 1
      default: return false
      }
    }
    return digits * 8 > text.count && letters * 8 > text.count
  }
}

/// Names of settings that say that their value is a secret.
enum SecretNames {
  private static let secret = [
    "secret", "passw", "token", "apikey", "api_key", "api-key", "accesskey", "access_key", "access-key", "privatekey",
    "private_key", "private-key", "credential", "auth_key", "authkey",
  ]
  private static let plain = [
    "hash", "digest", "checksum", "public", "integrity", "sha", "fingerprint", "url", "placeholder", "example",
  ]

  /// Whether a name, in small letters, stands for a secret.
  static func matches(_ name: String) -> Bool {
    secret.contains { name.contains($0) } && !plain.contains { name.contains($0) }
  }
}

extension FormatScanner {
  /// The value behind an equals sign or colon whose name says that it is secret, where it looks drawn by lot.
  func namedSecret(at index: Int) -> Match? {
    var end = index
    while end > 0, index - end < 4, " \t\"'\\".utf8.contains(bytes[end - 1]) { end -= 1 }
    var start = end
    while start > 0, end - start < 64, isOfName(bytes[start - 1]) { start -= 1 }
    guard end - start >= 5 else { return nil }
    let name = String(decoding: bytes[start..<end], as: UTF8.self).lowercased()
    guard SecretNames.matches(name) else { return nil }
    let value = skip(" \t\"'\\=>", from: index + 1, most: 6)
    let stop = valueEnd(value)
    let text = bytes[value..<stop]
    guard Entropy.looksDrawn(text) || Entropy.looksHexadecimal(text), !isStandIn(text) else { return nil }
    // A call, a member, an element: code, and not what it gives.
    if stop < bytes.count, "([{.".utf8.contains(bytes[stop]) { return nil }
    // What has a format of its own keeps its rule.
    if formats.prefixed[Int(bytes[value])].contains(where: { prefixed($0, at: value) != nil }) { return nil }
    if webToken(at: value) != nil { return nil }
    return Match(rule: "named-secret", range: value..<stop)
  }

  /// How many texts look drawn by lot, and have no name that tells what they are.
  func countDrawn() -> Int {
    var count = 0
    var index = 0
    while index < bytes.count {
      guard isOfValue(bytes[index]) else {
        index += 1
        continue
      }
      let end = valueEnd(index)
      if Entropy.lengths.contains(end - index), !isKnownKind(index..<end), Entropy.looksDrawn(bytes[index..<end]) {
        count += 1
      }
      index = end
    }
    return count
  }

  /// Digests as package managers write them, and the names that compilers make.
  private func isKnownKind(_ range: Range<Int>) -> Bool {
    let prefixes: [StaticString] = ["sha1-", "sha256-", "sha384-", "sha512-", "_Z", "$s", "_T", "__Z"]
    if prefixes.contains(where: { has($0, at: range.lowerBound) }) { return true }
    return range.lowerBound >= 3 && (has("h1:", at: range.lowerBound - 3) || has("$s", at: range.lowerBound - 2))
  }

  private func isOfName(_ byte: UInt8) -> Bool {
    formats.classes[Int(byte)] & SecretFormats.Characters.wordOrHyphen.rawValue != 0 || byte == UInt8(ascii: ".")
  }

  private func isOfValue(_ byte: UInt8) -> Bool {
    let set = SecretFormats.Characters.wordOrHyphen.rawValue | SecretFormats.Characters.base64.rawValue
    return formats.classes[Int(byte)] & set != 0 && byte != UInt8(ascii: "=")
  }

  /// Where a value ends that begins at a place, the filling of base64 included.
  private func valueEnd(_ start: Int) -> Int {
    var end = start
    while end < bytes.count, isOfValue(bytes[end]) { end += 1 }
    if end > start {
      for _ in 0..<2 where end < bytes.count && bytes[end] == UInt8(ascii: "=") { end += 1 }
    }
    return end
  }
}
