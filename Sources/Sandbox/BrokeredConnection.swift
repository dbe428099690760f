import Glibc

/// One client of the broker: what it asks for, in one of the protocols of proxies, and the bytes to and fro.
struct BrokeredConnection {
  private enum Dialect {
    case socks
    case tunnel
    /// A request for an `http` address, to be passed on with this head.
    case plain(head: [UInt8])
  }

  private var client: SocketStream
  private var dialect = Dialect.tunnel

  private static let headLimit = 32 << 10
  private static let headSeconds = 30.0

  init(client: Descriptor, stopping: Int32) { self.client = SocketStream(client, stopping: stopping) }

  // MARK: The request

  /// What the client asks for; nil when that cannot be understood, or it went away.
  mutating func readRequest() -> ConnectionRequest? {
    let deadline = monotonicSeconds() + Self.headSeconds
    guard client.more(until: deadline), let first = client.pending.first else { return nil }
    return first == 5 ? readSOCKS(deadline) : readHTTP(deadline)
  }

  /// RFC 1928. Only CONNECT, without authentication: whoever is inside may ask.
  private mutating func readSOCKS(_ deadline: Double) -> ConnectionRequest? {
    dialect = .socks
    guard client.fill(2, until: deadline) else { return nil }
    let methods = 2 + Int(client.pending[1])
    guard client.fill(methods, until: deadline), client.pending[2..<methods].contains(0) else { return nil }
    client.pending.removeFirst(methods)
    guard client.writeAll([5, 0]), client.fill(5, until: deadline), client.pending[0] == 5, client.pending[1] == 1
    else {
      return nil
    }
    let length: Int
    let start: Int
    switch client.pending[3] {
    case 1: (start, length) = (4, 4)
    case 3: (start, length) = (5, Int(client.pending[4]))
    case 4: (start, length) = (4, 16)
    default: return nil
    }
    guard client.fill(start + length + 2, until: deadline) else { return nil }
    let bytes = Array(client.pending[start..<(start + length)])
    let port = Int(client.pending[start + length]) << 8 | Int(client.pending[start + length + 1])
    client.pending.removeFirst(start + length + 2)
    let host = start == 5 ? HostName.normal(bytes) : NetworkAddress(bytes: bytes).text
    return host.map { ConnectionRequest(host: $0, port: port) }
  }

  /// RFC 9112: `CONNECT host:port`, or a request in absolute form.
  private mutating func readHTTP(_ deadline: Double) -> ConnectionRequest? {
    var end: Int?
    while true {
      end = Self.endOfHead(client.pending)
      if end != nil { break }
      guard client.pending.count < Self.headLimit, client.more(until: deadline) else { return nil }
    }
    guard let end else { return nil }
    let lines = client.pending[..<end].split(separator: 0x0a).map { $0.last == 0x0d ? $0.dropLast() : $0 }
    let words = lines.first?.split(separator: 0x20) ?? []
    guard words.count == 3 else { return nil }
    client.pending.removeFirst(end)
    if words[0].elementsEqual("CONNECT".utf8) {
      dialect = .tunnel
      return Self.authority(words[1], port: nil)
    }
    let scheme = Array("http://".utf8)
    guard words[1].starts(with: scheme) else { return nil }
    let rest = words[1].dropFirst(scheme.count)
    let slash = rest.firstIndex { $0 == 0x2f || $0 == 0x3f } ?? rest.endIndex
    guard let request = Self.authority(rest[..<slash], port: 80) else { return nil }
    var target = Array(rest[slash...])
    if target.first != 0x2f { target.insert(0x2f, at: 0) }
    var head = Array(words[0]) + [0x20] + target + Array(" HTTP/1.1\r\n".utf8)
    // The Host is what was asked about, and one request is all that a connection carries.
    head += Array("Host: \(request.host.contains(":") ? "[\(request.host)]" : request.host)".utf8)
    head += Array((request.port == 80 ? "" : ":\(request.port)").utf8) + Array("\r\nConnection: close\r\n".utf8)
    for line in lines.dropFirst() where !line.isEmpty {
      guard let colon = line.firstIndex(of: 0x3a) else { return nil }
      let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
      if ["host", "connection", "proxy-connection", "proxy-authorization", "keep-alive"].contains(name) { continue }
      head += Array(line) + [0x0d, 0x0a]
    }
    dialect = .plain(head: head + [0x0d, 0x0a])
    return request
  }

  private static func endOfHead(_ bytes: [UInt8]) -> Int? {
    var previous = 0
    for (index, byte) in bytes.enumerated() where byte == 0x0a {
      if index - previous <= 1 || index - previous == 2 && bytes[index - 1] == 0x0d, index > 1 { return index + 1 }
      previous = index
    }
    return nil
  }

  /// `HOST[:PORT]`, with the port that is meant where none is given.
  static func authority(_ bytes: ArraySlice<UInt8>, port: Int?) -> ConnectionRequest? {
    guard !bytes.contains(UInt8(ascii: "@")) else { return nil }
    let text = Array(bytes)
    let colon = text.lastIndex(of: 0x3a).flatMap { text[$0...].contains(0x5d) ? nil : $0 }
    let host = colon.map { Array(text[..<$0]) } ?? text
    let number =
      colon.flatMap { Int(String(decoding: text[($0 + 1)...], as: UTF8.self)) } ?? (colon == nil ? port : nil)
    guard let name = HostName.normal(host), let number, (1...65535).contains(number) else { return nil }
    return ConnectionRequest(host: name, port: number)
  }

  /// Tells the client that there will be no connection.
  func refuse() {
    switch dialect {
    case .socks: _ = client.writeAll([5, 2, 0, 1, 0, 0, 0, 0, 0, 0])
    case .tunnel, .plain:
      _ = client.writeAll(
        Array("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\nX-Codeagent: refused\r\n\r\n".utf8))
    }
  }

  // MARK: Bytes to and fro

  /// Passes bytes on until either side ends. What the client says first must not name another host than it asked for.
  mutating func relay(_ upstream: Descriptor, _ record: inout ConnectionRecord) {
    let server = SocketStream(upstream, stopping: client.stopping)
    var isChecked = false
    switch dialect {
    case .socks: guard client.writeAll([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]) else { return }
    case .tunnel: guard client.writeAll(Array("HTTP/1.1 200 Connected\r\n\r\n".utf8)) else { return }
    case .plain(let head):
      guard server.writeAll(head) else { return }
      record.sentBytes += head.count
      isChecked = true
    }
    _ = fcntl(upstream.number, F_SETFL, O_NONBLOCK)
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    var clientIsOpen = true
    while true {
      if !client.pending.isEmpty {
        if !isChecked, let refusal = check(record.request, &isChecked) {
          record.refusal = refusal
          return
        }
        if isChecked {
          guard server.writeAll(client.pending) else { return }
          record.sentBytes += client.pending.count
          client.pending = []
        }
      }
      var polled = [
        pollfd(fd: clientIsOpen ? client.file.number : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: upstream.number, events: Int16(POLLIN), revents: 0),
        pollfd(fd: client.stopping, events: Int16(POLLIN), revents: 0),
      ]
      let count = poll(&polled, 3, Int32(SocketStream.idleSeconds * 1000))
      if count == 0 || polled[2].revents != 0 || count < 0 && errno != EINTR { return }
      if polled[1].revents != 0 {
        let got = read(upstream.number, &buffer, buffer.count)
        if got == 0 || got < 0 && errno != EAGAIN && errno != EINTR { return }
        if got > 0 {
          record.receivedBytes += got
          guard client.writeAll(Array(buffer[..<got])) else { return }
        }
      }
      if polled[0].revents != 0 {
        let got = read(client.file.number, &buffer, buffer.count)
        if got > 0 {
          client.pending += buffer[..<got]
        } else if got == 0 || errno != EAGAIN && errno != EINTR {
          clientIsOpen = false
          shutdown(upstream.number, Int32(SHUT_WR))
        }
      }
    }
  }

  /// Looks at what a tunnel carries. Port 443 is TLS and nothing else, and TLS names the host that was asked for.
  /// - Returns: why it cannot go on.
  private func check(_ request: ConnectionRequest, _ isChecked: inout Bool) -> String? {
    switch ClientHello.read(client.pending) {
    case .incomplete: return nil
    case .notTLS:
      if request.port == 443 { return "not TLS on port 443" }
      isChecked = true
      return nil
    case .serverName(let name):
      guard name == request.host || name == nil && NetworkAddress(request.host) != nil else {
        return "TLS for \(name ?? "no name") through a connection to \(request.host)"
      }
      isChecked = true
      return nil
    }
  }
}
