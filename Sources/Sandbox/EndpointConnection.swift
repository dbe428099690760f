/// One client of an endpoint: its requests, one after another, each of them asked about and recorded.
struct EndpointConnection {
  private var client: SocketStream
  private let endpoint: NetworkEndpoint
  private let index: Int
  private let upstream: EndpointUpstream?

  private static let headSeconds = 30.0
  private static let bodySeconds = 120.0
  /// The longest body of a request that only reads: what git has to say about what it has.
  private static let readingLimit = 64 << 20

  /// What the broker says to a request: addresses that may be connected to, or why there are none.
  enum Permission {
    case addresses([NetworkAddress])
    case refused(String)
  }

  init(client: Descriptor, stopping: Int32, endpoint: NetworkEndpoint, at index: Int) {
    self.client = SocketStream(client, stopping: stopping)
    self.endpoint = endpoint
    self.index = index
    upstream = EndpointUpstream(endpoint, stopping: stopping)
  }

  /// Answers requests until the client or the command ends.
  /// - Parameters:
  ///   - ask: whether a request may be sent.
  ///   - record: told what became of each.
  mutating func serve(
    begin: Double, ask: (ConnectionRequest) -> Permission, record: (ConnectionRecord) -> Void
  ) {
    while let read = readHead() {
      let started = monotonicSeconds()
      var entry = ConnectionRecord(
        request: ConnectionRequest(host: endpoint.host, port: endpoint.port, endpoint: endpoint.name),
        time: started - begin)
      let goesOn: Bool
      switch read {
      case .failure(let fault):
        entry.refusal = fault.reason
        goesOn = answer(fault, keeping: false)
      case .success(let head):
        entry.exchange = ConnectionRecord.Exchange(method: String(head.method.prefix(32)), path: [])
        goesOn = pass(head, ask, &entry)
      }
      entry.duration = monotonicSeconds() - started
      record(entry)
      if !goesOn { return }
    }
  }

  /// The next request; nil when there is none.
  private mutating func readHead() -> Result<EndpointHead, EndpointHead.Fault>? {
    let deadline = monotonicSeconds() + Self.headSeconds
    while true {
      if let end = EndpointHead.end(client.pending) {
        defer { client.pending.removeFirst(end) }
        do throws(EndpointHead.Fault) {
          return .success(try EndpointHead(client.pending[..<end]))
        } catch { return .failure(error) }
      }
      guard client.pending.count < EndpointHead.limit else {
        return .failure(EndpointHead.Fault(431, "the head is too large"))
      }
      guard client.more(until: deadline) else { return nil }
    }
  }

  private mutating func pass(
    _ asked: EndpointHead, _ ask: (ConnectionRequest) -> Permission, _ entry: inout ConnectionRecord
  ) -> Bool {
    var head = asked
    head.target.path = endpoint.path(for: asked.target.path)
    entry.exchange?.path = Array(head.target.path.prefix(2048))
    let keeps = head.keepsConnection && head.body == .none
    func refuse(_ client: SocketStream, _ status: Int, _ reason: String) -> Bool {
      entry.refusal = reason
      entry.exchange?.status = status
      return answer(EndpointHead.Fault(status, reason), keeping: keeps, isHead: head.method == "HEAD")
    }
    if let fault = head.refusal(by: endpoint) { return refuse(client, fault.status, fault.reason) }
    let addresses: [NetworkAddress]
    switch ask(entry.request) {
    case .refused(let why): return refuse(client, 403, why)
    case .addresses(let usable): addresses = usable
    }
    guard let upstream else { return refuse(client, 502, "libcurl cannot be used here") }
    if head.expectsContinue, head.body != .none {
      guard client.writeAll("HTTP/1.1 100 Continue\r\n\r\n".utf8) else { return false }
    }
    var body = EndpointBody(client, head.body, limit: endpoint.mayPublish ? .max : Self.readingLimit)
    var reply: EndpointAnswer?
    var denied = false
    let (stream, endpoint, index, sent) = (client, endpoint, index, head)
    let outcome = upstream.send(
      head, to: addresses,
      body: { body.read(into: $0, until: monotonicSeconds() + Self.bodySeconds) },
      head: { status, fields in
        // Whoever asks inside has no credential to give, and must not be asked for one.
        denied = status == 401 || status == 407
        if denied { return true }
        let answer = EndpointAnswer(status, fields, to: sent, from: endpoint, at: index)
        reply = answer
        return stream.writeAll(answer.head)
      },
      data: { bytes in denied || stream.writeAll(reply?.take(bytes) ?? []) })
    client = body.client
    entry.address = outcome.address
    entry.sentBytes = outcome.sentBytes
    entry.receivedBytes = outcome.receivedBytes
    if denied { return refuse(client, 403, "the server does not accept the endpoint's credential") && body.isAtEnd }
    guard var reply else { return refuse(client, 502, outcome.failure ?? "no answer") && body.isAtEnd }
    entry.exchange?.status = reply.status
    // An answer that broke off must look so.
    if let failure = outcome.failure {
      entry.refusal = failure
      return false
    }
    guard reply.framing == .none || client.writeAll(reply.finish()) else { return false }
    return head.keepsConnection && reply.framing != .close && body.isAtEnd
  }

  private func answer(_ fault: EndpointHead.Fault, keeping: Bool, isHead: Bool = false) -> Bool {
    let text = Array("codeagent: \(fault.reason)\n".utf8)
    let head =
      "HTTP/1.1 \(fault.status) \r\nContent-Type: text/plain\r\nContent-Length: \(text.count)\r\n"
      + "Connection: \(keeping ? "keep-alive" : "close")\r\nX-Codeagent: refused\r\n\r\n"
    return client.writeAll(Array(head.utf8) + (isHead ? [] : text)) && keeping
  }
}

/// The body of a request, as its head says that it ends.
struct EndpointBody {
  private(set) var client: SocketStream
  private(set) var isAtEnd: Bool
  private let isChunked: Bool
  /// Bytes until the end, of the body or of the chunk.
  private var left = 0
  private var isFirst = true
  private var room: Int

  private static let lineLimit = 256

  /// - Parameter limit: the most bytes that it may have.
  init(_ client: SocketStream, _ body: EndpointHead.Body, limit: Int) {
    self.client = client
    room = limit
    switch body {
    case .none: (isChunked, isAtEnd) = (false, true)
    case .length(let length): (isChunked, isAtEnd, left) = (false, length == 0, length)
    case .chunks: (isChunked, isAtEnd) = (true, false)
    }
  }

  /// The next bytes: their count, 0 at the end, -1 when the body is none.
  mutating func read(into buffer: UnsafeMutableRawBufferPointer, until deadline: Double) -> Int {
    if isAtEnd { return 0 }
    if left == 0 {
      guard isChunked, let size = nextChunk(deadline) else { return -1 }
      left = size
      if size == 0 {
        isAtEnd = line(deadline)?.isEmpty == true
        return isAtEnd ? 0 : -1
      }
    }
    let wanted = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, left)])
    let count: Int
    if client.pending.isEmpty {
      count = client.read(into: wanted, until: deadline)
    } else {
      count = min(wanted.count, client.pending.count)
      wanted.copyBytes(from: client.pending[..<count])
      client.pending.removeFirst(count)
    }
    guard count > 0, count <= room else { return -1 }
    room -= count
    left -= count
    if left == 0, !isChunked { isAtEnd = true }
    return count
  }

  /// RFC 9112, 7.1, without extensions and trailers.
  private mutating func nextChunk(_ deadline: Double) -> Int? {
    if !isFirst, line(deadline)?.isEmpty != true { return nil }
    isFirst = false
    guard let size = line(deadline), (1...8).contains(size.count),
      size.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0) })
    else { return nil }
    return Int(String(decoding: size, as: UTF8.self), radix: 16)
  }

  private mutating func line(_ deadline: Double) -> [UInt8]? {
    while true {
      if let end = client.pending.firstIndex(of: 0x0a) {
        guard end > 0, client.pending[end - 1] == 0x0d else { return nil }
        defer { client.pending.removeFirst(end + 1) }
        return Array(client.pending[..<(end - 1)])
      }
      guard client.pending.count < Self.lineLimit, client.more(until: deadline) else { return nil }
    }
  }
}
