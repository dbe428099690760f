/// One request. It is sent as it is: no redirect is followed, no header is added but those that the protocol needs.
public struct HTTPRequest: Sendable {
  /// The method, such as `POST`.
  public var method: String
  /// The absolute URL, `http` or `https`.
  public var url: String
  /// The headers, in order.
  public var headers: HTTPHeaders
  /// The body in pieces that are sent one after another: a long body can share pieces with the one before it instead of
  /// being copied together. Empty for none.
  public var body: [[UInt8]]
  /// How long to wait for what.
  public var timeouts: HTTPTimeouts
  /// The most bytes that the answer's body may have.
  public var maximumResponseBytes: Int

  /// A request.
  public init(
    method: String = "GET", url: String, headers: HTTPHeaders = [:], body: [[UInt8]] = [],
    timeouts: HTTPTimeouts = HTTPTimeouts(), maximumResponseBytes: Int = 256 << 20
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeouts = timeouts
    self.maximumResponseBytes = maximumResponseBytes
  }

  /// Scheme, host and port of a URL as written in it, such as `https://api.openai.com`: what may be said of a request
  /// without telling its user, path or query.
  public static func origin(of url: String) -> String {
    let bytes = url.utf8
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else {
      return "(no URL)"
    }
    let start = bytes.index(colon, offsetBy: 3)
    let authority = bytes[start...].prefix { !"/?#\\".utf8.contains($0) }
    let host = authority.lastIndex(of: UInt8(ascii: "@")).map { authority[bytes.index(after: $0)...] } ?? authority
    return String(url[..<start]) + String(Substring(host))
  }

  /// A text as one segment of a URL's path: everything but letters, digits and `-._~` is escaped (RFC 3986).
  public static func percentEncoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        result += digits.count < 2 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return result
  }
}

/// Bounds on waiting. Time that the reader of a body lets pass by itself never counts.
public struct HTTPTimeouts: Sendable, Hashable {
  /// For name resolution, connection and TLS together.
  public var connect: Duration
  /// Without a byte sent or received.
  public var idle: Duration
  /// For ``leastBytes`` of a body: a server that says a byte a minute is never idle.
  public var trickle: Duration
  /// For everything; nil for no bound.
  public var total: Duration?

  /// So many bytes of a body have to come within ``trickle``. A comment every half minute, by which servers show that they are
  /// still there, is more.
  public static let leastBytes = 64

  /// Bounds on waiting.
  public init(
    connect: Duration = .seconds(15), idle: Duration = .seconds(120), trickle: Duration = .seconds(600),
    total: Duration? = nil
  ) {
    self.connect = connect
    self.idle = idle
    self.trickle = trickle
    self.total = total
  }
}

/// Header fields in their order. Names compare without regard to case.
public struct HTTPHeaders: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  /// One field.
  public struct Field: Sendable, Hashable {
    /// The name as written.
    public var name: String
    /// The value, without the white space around it.
    public var value: String

    /// One field.
    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// All fields.
  public var fields: [Field]

  /// Fields in order.
  public init(_ fields: [Field] = []) { self.fields = fields }

  /// Fields in the literal's order.
  public init(dictionaryLiteral elements: (String, String)...) {
    fields = elements.map { Field(name: $0.0, value: $0.1) }
  }

  /// The value of the first field of a name. Setting replaces all fields of that name; nil removes them.
  public subscript(name: String) -> String? {
    get { fields.first { Self.same($0.name, name) }?.value }
    set {
      fields.removeAll { Self.same($0.name, name) }
      if let newValue { fields.append(Field(name: name, value: newValue)) }
    }
  }

  private static func same(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && left.lowercased() == right.lowercased()
  }

  /// Why a field cannot be sent, or nil: names are tokens (RFC 9110), values hold no control characters but tabs, so
  /// that no value can add a field or a request.
  static func fault(_ field: Field) -> String? {
    let isToken =
      !field.name.isEmpty
      && field.name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "a")...UInt8(ascii: "z"):
          true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
    guard isToken else { return "a header's name is not a token" }
    guard field.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
      return "the value of header \(field.name) holds a control character"
    }
    return nil
  }
}
