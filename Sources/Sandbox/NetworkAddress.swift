import Glibc

/// An IPv4 or IPv6 address.
struct NetworkAddress: Sendable, Hashable {
  /// 4 or 16 bytes, in network order.
  let bytes: [UInt8]

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// Reads the usual text forms; nil for a name.
  init?(_ text: String) {
    var four = in_addr()
    var sixteen = in6_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      bytes = withUnsafeBytes(of: &four) { Array($0) }
    } else if inet_pton(AF_INET6, text, &sixteen) == 1 {
      bytes = withUnsafeBytes(of: &sixteen) { Array($0) }
    } else {
      return nil
    }
  }

  var text: String {
    var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    guard inet_ntop(family, bytes, &buffer, socklen_t(buffer.count)) != nil else { return "?" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whether the address is one of the public internet: none of IANA's special-purpose registries for IPv4 and IPv6
  /// (RFC 6890 and its updates) has it, nor does it carry an IPv4 address that is not.
  var isPublic: Bool {
    if bytes.count == 4 {
      return !Self.special4.contains { prefix in Self.has(bytes, prefix.0, prefix.1) }
    }
    // Embedded IPv4: mapped, compatible, NAT64, 6to4.
    if Self.has(bytes, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96)
      || Self.has(bytes, [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], 96)
    {
      return NetworkAddress(bytes: Array(bytes[12...])).isPublic
    }
    if Self.has(bytes, [0x20, 0x02], 16) { return NetworkAddress(bytes: Array(bytes[2..<6])).isPublic }
    // Global unicast, without documentation, benchmarks, Teredo and other tunnels.
    return Self.has(bytes, [0x20], 3) && !Self.special6.contains { Self.has(bytes, $0.0, $0.1) }
  }

  private static let special4: [([UInt8], Int)] = [
    ([0], 8), ([10], 8), ([100, 64], 10), ([127], 8), ([169, 254], 16), ([172, 16], 12), ([192, 0, 0], 24),
    ([192, 0, 2], 24), ([192, 31, 196], 24), ([192, 52, 193], 24), ([192, 88, 99], 24), ([192, 168], 16),
    ([192, 175, 48], 24), ([198, 18], 15), ([198, 51, 100], 24), ([203, 0, 113], 24), ([224], 3),
    // A cloud's metadata service that has a public address.
    ([168, 63, 129, 16], 32),
  ]

  private static let special6: [([UInt8], Int)] = [
    ([0x20, 0x01, 0x00, 0x00], 23), ([0x20, 0x01, 0x0d, 0xb8], 32), ([0x3f, 0xff], 20),
  ]

  private static func has(_ bytes: [UInt8], _ prefix: [UInt8], _ bits: Int) -> Bool {
    for index in 0..<((bits + 7) / 8) {
      let mask: UInt8 = bits - index * 8 >= 8 ? 0xff : ~(0xff >> UInt8(bits - index * 8))
      let wanted = index < prefix.count ? prefix[index] : 0
      if bytes[index] & mask != wanted & mask { return false }
    }
    return true
  }

  /// The addresses of a host, in the resolver's order. Blocks.
  static func resolve(_ host: String) -> [NetworkAddress] {
    if let literal = NetworkAddress(host) { return [literal] }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
    defer { freeaddrinfo(list) }
    var found: [NetworkAddress] = []
    var next = list
    while let entry = next {
      if let address = entry.pointee.ai_addr {
        let raw = UnsafeRawPointer(address)
        if entry.pointee.ai_family == AF_INET {
          var four = raw.load(as: sockaddr_in.self).sin_addr
          found.append(NetworkAddress(bytes: withUnsafeBytes(of: &four) { Array($0) }))
        } else if entry.pointee.ai_family == AF_INET6 {
          var sixteen = raw.load(as: sockaddr_in6.self).sin6_addr
          found.append(NetworkAddress(bytes: withUnsafeBytes(of: &sixteen) { Array($0) }))
        }
      }
      next = entry.pointee.ai_next
    }
    return found
  }

  /// Connects within a time. -1 with `errno` when that fails.
  func connect(port: Int, seconds: Int) -> Int32 {
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    let file = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard file >= 0 else { return -1 }
    // The kernel bounds connecting by the time for sending.
    var patience = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let result: Int32
    if bytes.count == 4 {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = UInt16(port).bigEndian
      withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: bytes) }
      result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Glibc.connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    } else {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = UInt16(port).bigEndian
      withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: bytes) }
      result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Glibc.connect(file, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
    }
    if result == 0 { return file }
    let error = errno
    close(file)
    errno = error
    return -1
  }
}
