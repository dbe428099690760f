/// The server name in the first bytes of a TLS connection (RFC 8446, 4.1.2 and 5.1; RFC 6066, 3).
enum ClientHello {
  /// What the bytes so far tell.
  enum Reading: Hashable {
    /// More is needed.
    case incomplete
    /// This is no TLS.
    case notTLS
    /// A whole greeting, and the name in it, in lower case; nil when it names none.
    case serverName(String?)
  }

  /// The longest greeting that is read.
  static let limit = 64 << 10

  static func read(_ bytes: [UInt8]) -> Reading {
    guard let first = bytes.first else { return .incomplete }
    guard first == 0x16 else { return .notTLS }
    guard bytes.count >= 5 else { return bytes.count > 1 && bytes[1] != 3 ? .notTLS : .incomplete }
    // Handshake messages may be spread over records.
    var handshake: [UInt8] = []
    var index = 0
    while index + 5 <= bytes.count {
      guard bytes[index] == 0x16, bytes[index + 1] == 3 else { return .notTLS }
      let length = Int(bytes[index + 3]) << 8 | Int(bytes[index + 4])
      guard length > 0, length <= 16640 else { return .notTLS }
      let end = min(index + 5 + length, bytes.count)
      handshake += bytes[(index + 5)..<end]
      index += 5 + length
      if handshake.count >= 4 {
        guard handshake[0] == 1 else { return .notTLS }
        let size = Int(handshake[1]) << 16 | Int(handshake[2]) << 8 | Int(handshake[3])
        if handshake.count >= 4 + size { return name(Array(handshake[4..<(4 + size)])) }
      }
    }
    return bytes.count > limit ? .notTLS : .incomplete
  }

  private static func name(_ hello: [UInt8]) -> Reading {
    var reader = Reader(bytes: hello[...])
    guard reader.skip(34), reader.skipVector(1), reader.skipVector(2), reader.skipVector(1) else { return .notTLS }
    guard var extensions = reader.vector(2) else { return .serverName(nil) }
    while let kind = extensions.number(2) {
      guard var body = extensions.vector(2) else { return .notTLS }
      guard kind == 0 else { continue }
      guard var list = body.vector(2) else { return .notTLS }
      while let type = list.number(1) {
        guard let name = list.vector(2) else { return .notTLS }
        if type == 0 { return .serverName(HostName.normal(name.bytes) ?? "") }
      }
    }
    return .serverName(nil)
  }

  private struct Reader {
    var bytes: ArraySlice<UInt8>

    mutating func skip(_ count: Int) -> Bool {
      guard bytes.count >= count else { return false }
      bytes = bytes.dropFirst(count)
      return true
    }

    mutating func number(_ size: Int) -> Int? {
      guard bytes.count >= size else { return nil }
      let value = bytes.prefix(size).reduce(0) { $0 << 8 | Int($1) }
      bytes = bytes.dropFirst(size)
      return value
    }

    mutating func vector(_ size: Int) -> Reader? {
      guard let count = number(size), bytes.count >= count else { return nil }
      let part = Reader(bytes: bytes.prefix(count))
      bytes = bytes.dropFirst(count)
      return part
    }

    mutating func skipVector(_ size: Int) -> Bool { vector(size) != nil }
  }
}
