import Glibc

/// A small HTTP server for a witness: one connection at a time, one request each, bounded in size and time. For an address
/// inside a company's network; put a proxy before it where TLS is wanted.
public final class WitnessServer: Sendable {
  private let service: WitnessService
  private let listener: Int32
  /// The port that was bound.
  public let port: UInt16

  private static let longestHead = 16 << 10
  private static let longestBody = 1 << 20
  private static let seconds = 10

  /// Binds an address; port 0 takes a free one.
  /// - Parameter address: IPv4 or IPv6, as numbers.
  /// - Throws: ``AuditError``.
  public init(_ service: WitnessService, address: String, port: UInt16) throws(AuditError) {
    self.service = service
    let isIPv6 = address.utf8.contains(UInt8(ascii: ":"))
    let socket = Glibc.socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | 0o2000000, 0)
    guard socket >= 0 else { throw Self.failure(address, port) }
    var one: Int32 = 1
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, 4)
    var bound: UInt16 = 0
    let isBound = isIPv6 ? Self.bindIPv6(socket, address, port, &bound) : Self.bindIPv4(socket, address, port, &bound)
    guard isBound, listen(socket, 16) == 0 else {
      let error = Self.failure(address, port)
      close(socket)
      throw error
    }
    listener = socket
    self.port = bound
  }

  deinit { close(listener) }

  /// Answers requests until the listener fails, which it does when the process ends.
  public func run() {
    while let connection = accept() {
      serve(connection)
      close(connection)
    }
  }

  /// Answers some requests, one after another.
  public func run(requests: Int) {
    for _ in 0..<requests {
      guard let connection = accept() else { return }
      serve(connection)
      close(connection)
    }
  }

  private func accept() -> Int32? {
    while true {
      let connection = Glibc.accept(listener, nil, nil)
      if connection >= 0 {
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        return connection
      }
      if errno != EINTR && errno != ECONNABORTED && errno != EMFILE { return nil }
    }
  }

  private func serve(_ connection: Int32) {
    var limit = timeval(tv_sec: Self.seconds, tv_usec: 0)
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let deadline = time.tv_sec + Self.seconds
    guard let (method, target, body) = request(connection, deadline) else {
      send(connection, .init(status: 400, type: "text/plain", body: Array("malformed\n".utf8)))
      return
    }
    send(connection, service.respond(method, target, body, time: UInt64(max(0, Clock.wallTime() / 1_000_000_000))))
  }

  private func request(_ connection: Int32, _ deadline: Int) -> (String, String, [UInt8])? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    func more() -> Bool {
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      guard time.tv_sec < deadline else { return false }
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0 else { return false }
      bytes += buffer[..<count]
      return true
    }
    var end: Int?
    while end == nil {
      guard bytes.count < Self.longestHead, more() else { return nil }
      end = bytes.indices.first { bytes[$0...].starts(with: [0x0d, 0x0a, 0x0d, 0x0a]) }
    }
    guard let end else { return nil }
    let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
    let first = lines.first?.split(separator: " ") ?? []
    guard first.count == 3, first[2].hasPrefix("HTTP/1.") else { return nil }
    var length = 0
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { return nil }
      let value = String(parts[1].drop { $0 == " " })
      switch parts[0].lowercased() {
      case "content-length":
        guard let number = Int(value), (0...Self.longestBody).contains(number) else { return nil }
        length = number
      case "transfer-encoding": return nil
      case "expect":
        let line = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
        _ = Glibc.send(connection, line, line.count, Int32(MSG_NOSIGNAL))
      default: break
      }
    }
    while bytes.count < end + 4 + length {
      guard more() else { return nil }
    }
    return (String(first[0]), String(first[1]), Array(bytes[(end + 4)..<(end + 4 + length)]))
  }

  private func send(_ connection: Int32, _ response: WitnessService.Response) {
    let head =
      "HTTP/1.1 \(response.status) \(response.status == 200 ? "OK" : "Refused")\r\nContent-Type: \(response.type)\r\n"
      + "Content-Length: \(response.body.count)\r\nConnection: close\r\n\r\n"
    var rest = (Array(head.utf8) + response.body)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
    shutdown(connection, Int32(SHUT_WR))
  }

  private static func bindIPv4(_ socket: Int32, _ text: String, _ port: UInt16, _ bound: inout UInt16) -> Bool {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    guard inet_pton(AF_INET, text, &address.sin_addr) == 1 else {
      errno = EINVAL
      return false
    }
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    bound = UInt16(bigEndian: address.sin_port)
    return isBound
  }

  private static func bindIPv6(_ socket: Int32, _ text: String, _ port: UInt16, _ bound: inout UInt16) -> Bool {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    guard inet_pton(AF_INET6, text, &address.sin6_addr) == 1 else {
      errno = EINVAL
      return false
    }
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
      }
    }
    bound = UInt16(bigEndian: address.sin6_port)
    return isBound
  }

  /// Binds, and takes the port that was given.
  private static func bind(
    _ socket: Int32, _ address: UnsafeMutablePointer<sockaddr>, _ size: socklen_t
  ) -> Bool {
    var length = size
    return Glibc.bind(socket, address, size) == 0 && getsockname(socket, address, &length) == 0
  }

  private static func failure(_ address: String, _ port: UInt16) -> AuditError {
    AuditError(
      .unwritable, "the witness cannot listen on \(address) port \(port): \(String(cString: strerror(errno)))",
      hint: "give another address or port with --listen")
  }
}
