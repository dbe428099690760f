import Crypto
import Glibc

/// Signs requests as Amazon Web Services want them ("Signature Version 4", in its form for all services but S3: the path of
/// the URL is encoded once more in what is signed). libcurl's own signer of Debian 12 does not do that, and so mis-signs the
/// colon that every model's id has.
public struct SignatureVersion4: Sendable {
  /// The region that the request is for, such as `eu-central-1`.
  public var region: String
  /// The service's signing name, such as `bedrock`.
  public var service: String
  /// True to send, and sign, the body's digest as `x-amz-content-sha256`.
  public var sendsContentHash: Bool

  /// A signer for one service in one region.
  public init(region: String, service: String, sendsContentHash: Bool = false) {
    self.region = region
    self.service = service
    self.sendsContentHash = sendsContentHash
  }

  /// Adds date, token and signature to a request. What is signed: method, path, query, body, host, content type and every
  /// `x-amz-` header. The URL must not change afterwards.
  /// - Parameter time: seconds since 1970.
  public func sign(_ request: inout HTTPRequest, with credentials: AWSCredentials, at time: Int) {
    let (date, day) = Self.dates(time)
    request.headers["X-Amz-Date"] = date
    request.headers["X-Amz-Security-Token"] = credentials.sessionToken
    var hash = SHA256()
    for piece in request.body { hash.update(data: piece) }
    let content = Self.hex(hash.finalize())
    if sendsContentHash { request.headers["X-Amz-Content-SHA256"] = content }
    let (canonical, signed) = canonicalRequest(request, contentHash: content)
    let scope = "\(day)/\(region)/\(service)/aws4_request"
    let text = "AWS4-HMAC-SHA256\n\(date)\n\(scope)\n" + Self.hex(SHA256.hash(data: Array(canonical.utf8)))
    var key = SymmetricKey(data: Array("AWS4\(credentials.secretAccessKey)".utf8))
    for part in [day, region, service, "aws4_request"] {
      key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
    }
    let signature = Self.hex(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key))
    request.headers["Authorization"] =
      "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), SignedHeaders=\(signed), Signature=\(signature)"
  }

  /// The request in the form that is signed, and the names of the headers in it.
  func canonicalRequest(_ request: HTTPRequest, contentHash: String) -> (text: String, signedHeaders: String) {
    let origin = HTTPRequest.origin(of: request.url)
    var headers = ["host": Self.host(origin)]
    for field in request.headers.fields {
      let name = field.name.lowercased()
      guard name == "content-type" || name.hasPrefix("x-amz-") else { continue }
      // Runs of spaces count as one.
      headers[name] = field.value.split(separator: " ").joined(separator: " ")
    }
    let names = headers.keys.sorted()
    let signed = names.joined(separator: ";")
    let (path, query) = Self.parts(request.url, origin)
    let lines =
      [request.method, path, query] + names.map { "\($0):\(headers[$0] ?? "")" } + ["", signed, contentHash]
    return (lines.joined(separator: "\n"), signed)
  }

  /// The host as it is sent: without the port that its scheme has anyway.
  private static func host(_ origin: String) -> String {
    guard let slashes = origin.firstRange(of: "://") else { return origin }
    let host = String(origin[slashes.upperBound...])
    for (scheme, port) in [("https", ":443"), ("http", ":80")]
    where origin.lowercased().hasPrefix(scheme + "://") && host.hasSuffix(port) {
      return String(host.dropLast(port.count))
    }
    return host
  }

  /// Path and query in the form that is signed.
  private static func parts(_ url: String, _ origin: String) -> (path: String, query: String) {
    let bytes = url.utf8
    let authority = bytes.firstIndex(of: UInt8(ascii: ":")).map { bytes.index($0, offsetBy: 3) } ?? bytes.startIndex
    let rest = bytes[authority...].drop { !"/?#".utf8.contains($0) }.prefix { $0 != UInt8(ascii: "#") }
    let path = rest.prefix { $0 != UInt8(ascii: "?") }
    let query = String(Substring(rest.dropFirst(path.count + 1)))
    let segments = String(Substring(path)).split(separator: "/", omittingEmptySubsequences: false)
    let encoded = segments.map { HTTPRequest.percentEncoded(String($0)) }.joined(separator: "/")
    let members = query.split(separator: "&").map { member -> (name: String, value: String) in
      let name = member.prefix { $0 != "=" }
      return (String(name), String(member.dropFirst(name.count + 1)))
    }
    let sorted = members.sorted { ($0.name, $0.value) < ($1.name, $1.value) }
    return (encoded.isEmpty ? "/" : encoded, sorted.map { "\($0.name)=\($0.value)" }.joined(separator: "&"))
  }

  /// A time as `20260428T000000Z` and as `20260428`.
  private static func dates(_ time: Int) -> (date: String, day: String) {
    var seconds = time_t(time)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func padded(_ value: Int32, _ count: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(0, count - digits.utf8.count)) + digits
    }
    let day = padded(parts.tm_year + 1900, 4) + padded(parts.tm_mon + 1, 2) + padded(parts.tm_mday, 2)
    return (day + "T" + padded(parts.tm_hour, 2) + padded(parts.tm_min, 2) + padded(parts.tm_sec, 2) + "Z", day)
  }

  private static func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }
}
