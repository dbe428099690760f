/// The path and query that a request asks an endpoint for.
struct EndpointTarget: Hashable {
  /// The path, as it was sent.
  var path: [UInt8]
  /// What follows the question mark; nil without one.
  let query: [UInt8]?

  /// Reads the target of a request in origin form (RFC 9112, 3.2.1); nil for every other form, and for a path that some
  /// server might take for another than it seems.
  init?(_ bytes: some Collection<UInt8>) {
    let parts = bytes.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, first.first == UInt8(ascii: "/") else { return nil }
    path = Array(first)
    query = parts.count > 1 ? Array(parts[1]) : nil
    guard Self.isPlain(path), (query ?? []).allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") }) else {
      return nil
    }
  }

  /// Whether the target is a path or lies below it.
  func isAtOrBelow(_ base: [UInt8]) -> Bool {
    path.starts(with: base) && (path.count == base.count || path[base.count] == UInt8(ascii: "/"))
  }

  /// Whether nobody who decodes a path, twice even, finds a step upwards in it, a backslash, or what is no text.
  static func isPlain(_ path: [UInt8]) -> Bool {
    var decoded = path
    for round in 0..<3 {
      // As sent, visible ASCII; what that stands for is any text.
      let isText = decoded.allSatisfy {
        round > 0 ? $0 >= 0x20 && $0 != 0x7f : $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#")
      }
      guard isText, !decoded.contains(UInt8(ascii: "\\")) else { return false }
      for part in decoded.split(separator: UInt8(ascii: "/")) {
        // What follows a semicolon is a parameter of the segment to some servers.
        let name = part.prefix { $0 != UInt8(ascii: ";") }
        if !name.isEmpty, name.allSatisfy({ $0 == UInt8(ascii: ".") }) { return false }
      }
      guard let next = Self.decoded(decoded, isStrict: round == 0) else { return false }
      decoded = next
    }
    return true
  }

  private static func decoded(_ path: [UInt8], isStrict: Bool) -> [UInt8]? {
    func digit(_ byte: UInt8) -> UInt8? {
      switch byte {
      case 0x30...0x39: byte - 0x30
      case 0x41...0x46: byte - 0x41 + 10
      case 0x61...0x66: byte - 0x61 + 10
      default: nil
      }
    }
    var result: [UInt8] = []
    var index = 0
    while index < path.count {
      defer { index += 1 }
      guard path[index] == UInt8(ascii: "%") else {
        result.append(path[index])
        continue
      }
      guard index + 2 < path.count, let high = digit(path[index + 1]), let low = digit(path[index + 2]) else {
        if isStrict { return nil }
        result.append(path[index])
        continue
      }
      result.append(high << 4 | low)
      index += 2
    }
    return result
  }
}
