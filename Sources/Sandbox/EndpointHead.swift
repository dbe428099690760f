import CLinux

/// The head of a request to an endpoint (RFC 9112), read so strictly that nobody can see another request in it.
struct EndpointHead {
  var method: String
  var target: EndpointTarget
  /// Whether the client takes bodies in chunks, and keeps its connection.
  var isVersion11: Bool
  var keepsConnection: Bool
  var expectsContinue = false
  var body = Body.none
  /// The fields that are passed on.
  var fields: [(name: String, value: String)] = []

  /// How the end of the body is found.
  enum Body: Hashable {
    case none
    case length(Int)
    case chunks
  }

  /// Why a head cannot be used, as a status.
  struct Fault: Error {
    var status: Int
    var reason: String

    init(_ status: Int, _ reason: String) {
      self.status = status
      self.reason = reason
    }
  }

  /// The longest head, in bytes, and the most fields in it.
  static let limit = 32 << 10
  private static let mostFields = 100

  /// What is passed on: what says which answer is wanted, and what programs say of themselves. Not what says who asks, what
  /// changes the method or the path on the way, or what is between two neighbours.
  private static let passed: Set<String> = [
    "accept", "accept-language", "user-agent", "range", "if-range", "if-none-match", "if-match", "if-modified-since",
    "if-unmodified-since", "cache-control", "content-type", "content-encoding", "git-protocol", "npm-command",
    "npm-scope", "npm-in-ci", "npm-auth-type", "pacote-version", "pacote-req-type", "pacote-pkg-id", "pacote-integrity",
  ]

  /// The index after the head's end; nil when it is not there yet.
  static func end(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= 4 else { return nil }
    return bytes.withUnsafeBytes { all in
      guard let start = all.baseAddress, let found = linux_find(start, all.count, "\r\n\r\n", 4) else { return nil }
      return found - start + 4
    }
  }

  init(_ head: ArraySlice<UInt8>) throws(Fault) {
    // Ends in two line ends; there are no others than these in it, and no other control character but tabs.
    var lines: [ArraySlice<UInt8>] = []
    var start = head.startIndex
    var index = start
    while index < head.endIndex {
      if head[index] == 0x0d, index + 1 < head.endIndex, head[index + 1] == 0x0a {
        lines.append(head[start..<index])
        index += 2
        start = index
        continue
      }
      guard head[index] >= 0x20 && head[index] != 0x7f || head[index] == 0x09 else {
        throw Fault(400, "a control character in the head")
      }
      index += 1
    }
    guard let first = lines.first, lines.count > 1, lines.last?.isEmpty == true else { throw Fault(400, "no request") }
    let words = first.split(separator: 0x20, omittingEmptySubsequences: false)
    guard words.count == 3, Self.isToken(words[0]) else { throw Fault(400, "not a request line") }
    switch String(decoding: words[2], as: UTF8.self) {
    case "HTTP/1.1": isVersion11 = true
    case "HTTP/1.0": isVersion11 = false
    default: throw Fault(505, "not a version of HTTP that is spoken here")
    }
    keepsConnection = isVersion11
    method = String(decoding: words[0], as: UTF8.self)
    guard let target = EndpointTarget(words[1]) else {
      throw Fault(400, "an endpoint is asked for plain paths of its own, in origin form")
    }
    self.target = target
    guard lines.count - 2 <= Self.mostFields else { throw Fault(431, "too many header fields") }
    try readFields(lines.dropFirst().dropLast())
  }

  private mutating func readFields(_ lines: ArraySlice<ArraySlice<UInt8>>) throws(Fault) {
    var seen: Set<String> = []
    for line in lines {
      guard let colon = line.firstIndex(of: 0x3a), Self.isToken(line[..<colon]) else {
        throw Fault(400, "not a header field")
      }
      let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
      let isFirst = seen.insert(name).inserted
      let value = Self.trimmed(line[(colon + 1)...])
      let text = String(decoding: value, as: UTF8.self)
      switch name {
      case "content-length":
        guard isFirst, (1...15).contains(value.count), value.allSatisfy({ (0x30...0x39).contains($0) }),
          let length = Int(text), body == .none
        else { throw Fault(400, "Content-Length is given in more than one way") }
        body = .length(length)
      case "transfer-encoding":
        guard isFirst, isVersion11, text.lowercased() == "chunked", body == .none else {
          throw Fault(400, "the end of the body is given in more than one way")
        }
        body = .chunks
      case "host": guard isFirst else { throw Fault(400, "two hosts") }
      case "connection":
        let options = text.lowercased()
        keepsConnection = !options.contains("close") && (isVersion11 || options.contains("keep-alive"))
      case "expect":
        guard isFirst, text.lowercased() == "100-continue" else { throw Fault(417, "nothing else can be expected") }
        expectsContinue = isVersion11
      case "upgrade": throw Fault(400, "no other protocol is spoken here")
      default:
        guard Self.passed.contains(name), value.allSatisfy({ $0 < 0x7f }) else { continue }
        fields.append((name, text))
      }
    }
  }

  /// The value of a field that is passed on.
  func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }

  /// Whether these bytes are a token (RFC 9110, 5.6.2).
  static func isToken(_ bytes: some Collection<UInt8>) -> Bool {
    !bytes.isEmpty
      && bytes.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }

  static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
    let start = bytes.firstIndex { !isSpace($0) } ?? bytes.endIndex
    let end = bytes.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start
    return bytes[start..<end]
  }
}

extension EndpointHead {
  /// Why an endpoint does not pass this request on; nil when it does.
  func refusal(by endpoint: NetworkEndpoint) -> Fault? {
    guard target.isAtOrBelow(endpoint.base) else { return Fault(403, "outside of what the endpoint leads to") }
    if endpoint.kind == .git { return gitRefusal(endpoint) }
    switch method {
    case "GET", "HEAD":
      return body == .none || body == .length(0) ? nil : Fault(400, "a request to read that has a body")
    case "PUT", "POST":
      return endpoint.mayPublish ? nil : Fault(403, "this endpoint is for reading: `publish` is not set")
    default: return Fault(405, "the method is not passed on")
    }
  }

  /// Fetching, and where it may be, pushing, by the smart protocol: gitprotocol-http(5).
  private func gitRefusal(_ endpoint: NetworkEndpoint) -> Fault? {
    var services = ["git-upload-pack"]
    if endpoint.mayPublish { services.append("git-receive-pack") }
    for service in services {
      if method == "GET", ends("/info/refs"), target.query == Array("service=\(service)".utf8), body == .none {
        return nil
      }
      if method == "POST", ends("/\(service)"), target.query == nil, body != .none,
        field("content-type") == "application/x-\(service)-request"
      {
        return nil
      }
    }
    return Fault(403, endpoint.mayPublish ? "not a request of git's" : "not a request of git's for fetching")
  }

  private func ends(_ text: String) -> Bool {
    target.path.count >= text.utf8.count && target.path.suffix(text.utf8.count).elementsEqual(text.utf8)
  }
}
