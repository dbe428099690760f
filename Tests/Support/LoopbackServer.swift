import Foundation
import Glibc
public import JSON
import Synchronization

/// One HTTP request as it arrived.
public struct ReceivedRequest: Sendable {
  /// The method, such as `POST`.
  public var method: String
  /// The path with its query, as sent.
  public var target: String
  /// The headers in their order, names in lower case.
  public var headers: [(name: String, value: String)]
  /// The body.
  public var body: [UInt8]
  /// Which connection it came on, counted from 1: equal numbers show that a connection was reused.
  public var connection: Int
  /// When it was complete, in seconds of the monotonic clock.
  public var arrival: Double

  /// The first header of that name (lower case).
  public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
  /// The body as JSON; nil when it is not.
  public var json: JSONValue? { try? JSONValue(parsing: body) }
}

/// An HTTP/1.1 server on 127.0.0.1 for tests, in raw sockets: what a connection says, byte for byte, is the handler's
/// business, so that every fault of a network can be played. One thread a connection; stops when it is released.
public final class LoopbackServer: Sendable {
  /// Answers one request on its connection; throwing closes the connection.
  public typealias Handler = @Sendable (ReceivedRequest, LoopbackConnection) throws -> Void

  /// The port that it listens on.
  public let port: Int
  private let core: Core

  /// The address, such as `http://127.0.0.1:40001`.
  public var url: String { "http://127.0.0.1:\(port)" }
  /// All requests so far, in order of arrival.
  public var requests: [ReceivedRequest] { core.state.withLock { $0.requests } }
  /// How many connections were accepted so far.
  public var connectionCount: Int { core.state.withLock { $0.accepted } }
  /// How many connections are open now.
  public var openConnectionCount: Int { core.state.withLock { $0.connections.count } }

  /// Listens on a free port and answers until ``stop()``.
  /// - Throws: ``POSIXFailure``.
  public init(handler: @escaping Handler) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard listener >= 0 else { throw POSIXFailure("socket", "") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 128) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard bound else {
      close(listener)
      throw POSIXFailure("bind", "127.0.0.1")
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    let core = Core(listener: listener, handler: handler)
    self.core = core
    Thread.detachNewThread { core.accept() }
  }

  deinit { stop() }

  /// Closes the port and every connection.
  public func stop() { core.stop() }

  fileprivate final class Core: Sendable {
    struct State {
      var requests: [ReceivedRequest] = []
      var accepted = 0
      var connections: [Int: LoopbackConnection] = [:]
      var stopped = false
      /// False once the listening socket is closed: its number may then be another's.
      var isListening = true
    }

    let state = Mutex(State())
    let listener: Int32
    let handler: Handler

    init(listener: Int32, handler: @escaping Handler) {
      self.listener = listener
      self.handler = handler
    }

    func accept() {
      while true {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else {
          if errno == EINTR || errno == ECONNABORTED { continue }
          break
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        let connection: LoopbackConnection? = state.withLock { state in
          if state.stopped { return nil }
          state.accepted += 1
          let connection = LoopbackConnection(descriptor: descriptor, number: state.accepted)
          state.connections[connection.number] = connection
          return connection
        }
        guard let connection else {
          close(descriptor)
          break
        }
        Thread.detachNewThread { self.serve(connection) }
      }
      state.withLock { state in
        state.isListening = false
        close(listener)
      }
    }

    func serve(_ connection: LoopbackConnection) {
      do {
        while let request = try connection.readRequest() {
          state.withLock { $0.requests.append(request) }
          try handler(request, connection)
        }
      } catch {}
      connection.close()
      _ = state.withLock { $0.connections.removeValue(forKey: connection.number) }
    }

    func stop() {
      let connections = state.withLock { state in
        state.stopped = true
        if state.isListening { shutdown(listener, Int32(SHUT_RDWR)) }
        return Array(state.connections.values)
      }
      for connection in connections { connection.shutDown() }
    }
  }
}

/// The client has gone, or the server was stopped.
public struct Disconnected: Error {
  /// Says so.
  public init() {}
}

/// One accepted connection. Its methods are called on the connection's own thread, and block.
public final class LoopbackConnection: Sendable {
  /// Counted from 1.
  public let number: Int
  /// The open socket; nil once closed, so that a number that the system has given away again is never touched.
  private let socket: Mutex<Int32?>
  private let buffer = Mutex<[UInt8]>([])

  init(descriptor: Int32, number: Int) {
    self.number = number
    socket = Mutex(descriptor)
  }

  /// Sends all bytes as they are.
  public func send(_ bytes: some Collection<UInt8>) throws {
    guard let descriptor = socket.withLock({ $0 }) else { throw Disconnected() }
    let bytes = Array(bytes)
    var offset = 0
    while offset < bytes.count {
      let count = bytes[offset...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Disconnected() }
      offset += count
    }
  }

  /// Sends text as it is.
  public func send(_ text: String) throws { try send(text.utf8) }

  /// Sends a status line and headers, and the empty line.
  public func sendHead(_ status: Int, _ headers: [(String, String)]) throws {
    var head = "HTTP/1.1 \(status) \(status == 200 ? "OK" : "Status")\r\n"
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    try send(head + "\r\n")
  }

  /// Sends a whole answer with its length.
  public func reply(
    _ status: Int, _ headers: [(String, String)] = [], body: some Collection<UInt8>
  ) throws {
    try sendHead(status, headers + [("content-length", String(body.count))])
    try send(body)
  }

  /// Sends one chunk of a chunked body.
  public func sendChunk(_ bytes: some Collection<UInt8>) throws {
    try send(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [0x0d, 0x0a])
  }

  /// Ends a chunked body.
  public func endChunks() throws { try send("0\r\n\r\n") }

  /// Waits, but no longer than the client does.
  /// - Throws: ``Disconnected`` as soon as the client closes.
  public func stall(seconds: Double) throws {
    let end = monotonicSeconds() + seconds
    while true {
      guard let descriptor = socket.withLock({ $0 }) else { throw Disconnected() }
      let left = end - monotonicSeconds()
      if left <= 0 { return }
      var polled = pollfd(fd: descriptor, events: Int16(POLLIN | POLLRDHUP_), revents: 0)
      _ = poll(&polled, 1, Int32(min(left, 1) * 1000) + 1)
      if polled.revents != 0 {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        if count == 0 || count < 0 && errno != EAGAIN && errno != EINTR { throw Disconnected() }
        usleep(1000)
      }
    }
  }

  /// Ends the connection with a TCP reset, dropping what was not yet sent.
  public func reset() {
    socket.withLock { descriptor in
      guard let open = descriptor else { return }
      var linger = linger(l_onoff: 1, l_linger: 0)
      setsockopt(open, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
      Glibc.close(open)
      descriptor = nil
    }
  }

  /// Closes the connection in order.
  public func close() {
    socket.withLock { descriptor in
      if let open = descriptor { Glibc.close(open) }
      descriptor = nil
    }
  }

  /// Makes every blocked call on this connection end; the connection's thread then closes it.
  func shutDown() {
    socket.withLock { if let open = $0 { shutdown(open, Int32(SHUT_RDWR)) } }
  }

  /// Reads the next request; nil when the client closed between requests.
  func readRequest() throws -> ReceivedRequest? {
    var bytes = buffer.withLock { $0 }
    var searched = 0
    while true {
      if let end = Self.headEnd(bytes, from: searched) {
        return try parse(&bytes, headEnd: end)
      }
      searched = max(0, bytes.count - 3)
      guard try fill(&bytes) else {
        if bytes.isEmpty { return nil }
        throw Disconnected()
      }
    }
  }

  private func parse(_ bytes: inout [UInt8], headEnd: Int) throws -> ReceivedRequest {
    let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).split(separator: "\r\n")
    bytes.removeFirst(headEnd + 4)
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count == 3 else { throw Disconnected() }
    let headers: [(name: String, value: String)] = lines.dropFirst().map { line in
      let colon = line.firstIndex(of: ":") ?? line.endIndex
      return (line[..<colon].lowercased(), line[colon...].dropFirst().trimmingCharacters(in: .whitespaces))
    }
    if headers.contains(where: { $0.name == "expect" }) { try send("HTTP/1.1 100 Continue\r\n\r\n") }
    let length = headers.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
    while bytes.count < length { guard try fill(&bytes) else { throw Disconnected() } }
    let body = Array(bytes[..<length])
    bytes.removeFirst(length)
    let rest = bytes
    buffer.withLock { $0 = rest }
    return ReceivedRequest(
      method: String(words[0]), target: String(words[1]), headers: headers, body: body, connection: number,
      arrival: monotonicSeconds())
  }

  private func fill(_ bytes: inout [UInt8]) throws -> Bool {
    guard let descriptor = socket.withLock({ $0 }) else { throw Disconnected() }
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Disconnected() }
      bytes.append(contentsOf: chunk[..<count])
      return count > 0
    }
  }

  private static func headEnd(_ bytes: [UInt8], from start: Int) -> Int? {
    var index = start
    while index + 4 <= bytes.count {
      if bytes[index] == 13, bytes[index + 1] == 10, bytes[index + 2] == 13, bytes[index + 3] == 10 { return index }
      index += 1
    }
    return nil
  }
}

/// The peer has shut down its writing side; `Glibc` shows this one only to GNU sources.
private let POLLRDHUP_: Int32 = 0x2000
