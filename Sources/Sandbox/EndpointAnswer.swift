/// What a command gets to see of an answer: never the credential, no session that was opened with it, and addresses of the
/// server as those of the endpoint.
struct EndpointAnswer {
  /// How the client finds the end of the body.
  enum Framing: Hashable {
    case none
    case length
    case chunks
    case close
  }

  let status: Int
  let head: [UInt8]
  let framing: Framing
  private var body: ByteReplacer

  private static let dropped: Set<String> = [
    "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authentication-info", "te", "trailer",
    "transfer-encoding", "upgrade", "content-length", "set-cookie", "set-cookie2", "www-authenticate",
    "authentication-info", "alt-svc", "strict-transport-security", "public-key-pins", "nel", "report-to",
  ]
  private static let pages = ["text/html", "application/json", "+json", "+html"]

  /// - Parameters:
  ///   - fields: as the server sent them, in their order.
  ///   - index: the endpoint's place.
  init(
    _ status: Int, _ fields: [(name: [UInt8], value: [UInt8])], to request: EndpointHead,
    from endpoint: NetworkEndpoint, at index: Int
  ) {
    self.status = status
    let inside = NetworkEndpoint.insideOrigin(index)
    let scrubbing = (endpoint.credential?.secrets ?? []).map {
      (from: $0, to: [UInt8](repeating: 0x2a, count: $0.count))
    }
    let scrub = ByteReplacer(scrubbing)
    var head = Array("HTTP/1.1 \(status) \r\n".utf8)
    var length: [UInt8]?
    var type = ""
    var isEncoded = false
    for field in fields {
      let name = String(decoding: field.name, as: UTF8.self).lowercased()
      guard EndpointHead.isToken(field.name), field.value.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
        continue
      }
      switch name {
      case "content-length": length = field.value.allSatisfy { (0x30...0x39).contains($0) } ? field.value : nil
      case "content-type": type = String(decoding: field.value, as: UTF8.self).lowercased()
      case "content-encoding": isEncoded = true
      default: break
      }
      if Self.dropped.contains(name) { continue }
      var value = scrub.replaced(field.value)
      if name == "location" || name == "content-location" || name == "link" {
        value = ByteReplacer(Self.moved(endpoint, to: inside)).replaced(value)
      }
      head += scrub.replaced(field.name) + Array(": ".utf8) + value + Array("\r\n".utf8)
    }
    let isPage = type.prefix { $0 != ";" }.split(separator: " ").first.map { name in
      Self.pages.contains { $0.hasPrefix("+") ? name.hasSuffix($0) : name == $0 }
    }
    // npm finds its way from the server's own addresses, and writes them into lock files.
    let isMoved = endpoint.kind == .pip && isPage == true && status == 200 && !isEncoded
    body = ByteReplacer(scrubbing + (isMoved ? Self.moved(endpoint, to: inside) : []))
    let hasBody = request.method != "HEAD" && status != 204 && status != 304
    if let length, !isMoved {
      head += Array("Content-Length: ".utf8) + length + Array("\r\n".utf8)
      framing = hasBody ? .length : .none
    } else if !hasBody {
      framing = .none
    } else if request.isVersion11 {
      head += Array("Transfer-Encoding: chunked\r\n".utf8)
      framing = .chunks
    } else {
      framing = .close
    }
    let keeps = request.keepsConnection && framing != .close
    head += Array("Connection: \(keeps ? "keep-alive" : "close")\r\n\r\n".utf8)
    self.head = head
  }

  /// The server's origin, in every spelling, and the endpoint's. A slash, or the end, ends it: the host may only begin alike.
  private static func moved(
    _ endpoint: NetworkEndpoint, to inside: String
  ) -> [(from: [UInt8], to: [UInt8])] {
    endpoint.origins.flatMap { origin in
      ["/", "\\/"].map { slash in
        func spelt(_ text: String) -> [UInt8] {
          Array((text + "/").utf8).flatMap { $0 == UInt8(ascii: "/") ? Array(slash.utf8) : [$0] }
        }
        return (spelt(origin), spelt(inside))
      }
    }
  }

  /// The next bytes of the body, as the client gets them.
  mutating func take(_ bytes: UnsafeRawBufferPointer) -> [UInt8] { framed(body.replace(bytes)) }

  /// The last bytes of the body.
  mutating func finish() -> [UInt8] { framed(body.finish()) + (framing == .chunks ? Array("0\r\n\r\n".utf8) : []) }

  private func framed(_ bytes: [UInt8]) -> [UInt8] {
    guard framing == .chunks, !bytes.isEmpty else { return bytes }
    return Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [0x0d, 0x0a]
  }
}
