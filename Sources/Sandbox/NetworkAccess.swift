/// What a command may reach. Without it, nothing: not even names are resolved.
///
/// The only way out is a broker in this process. It listens inside the command's own network namespace on
/// `127.0.0.1` at ``port``, speaks HTTP proxying (RFC 9110, 9.3.6) and SOCKS 5 (RFC 1928), resolves names itself and asks
/// about each connection. Addresses of private networks, this machine, links and clouds' metadata services are refused,
/// whatever a name resolves to, unless the answer says otherwise. Further addresses of loopback are those of ``endpoints``.
public struct NetworkAccess: Sendable {
  /// Decides about each connection. Called on a thread of that connection's own: it may take its time.
  public var authorize: @Sendable (ConnectionRequest) -> ConnectionVerdict
  /// Servers that are reached through the broker itself, which adds their credentials; at most ``NetworkEndpoint/most``.
  public var endpoints: [NetworkEndpoint]

  /// Access by question.
  public init(
    endpoints: [NetworkEndpoint] = [], authorize: @escaping @Sendable (ConnectionRequest) -> ConnectionVerdict
  ) {
    self.endpoints = endpoints
    self.authorize = authorize
  }

  /// Access to these hosts and nothing else; an empty list is access to nothing.
  /// - Parameter hosts: `name`, `name:port` or `*.domain`, with port 443 where none is given. An address counts as named,
  ///   and so does `localhost`: they are reached even when they are private.
  /// - Parameter endpoints: servers that are reached as endpoints, and by no other way unless they are among the hosts.
  public init(hosts: [String], endpoints: [NetworkEndpoint] = []) {
    let patterns = hosts.map(HostName.Pattern.init)
    self.endpoints = endpoints
    authorize = { request in
      if request.endpoint != nil { return .allowPrivate }
      guard let match = patterns.first(where: { $0.matches(request.host, port: request.port) }) else {
        return .deny(rule: "not among the hosts named")
      }
      return match.isPrivateNamed ? .allowPrivate : .allow
    }
  }

  /// Where the broker listens inside.
  public static let port = 3128

  /// What programs are told, so that they find the broker.
  var environment: [String: String] {
    let proxy = "http://127.0.0.1:\(Self.port)"
    let own =
      ["localhost", "127.0.0.1", "::1"]
      + endpoints.indices.map { NetworkAddress(bytes: NetworkEndpoint.address($0)).text }
    var variables = NetworkEndpoint.environment(endpoints)
    for name in ["NO_PROXY", "no_proxy"] { variables[name] = own.joined(separator: ",") }
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
      variables[name] = proxy
    }
    return variables
  }
}

/// A connection that a command asks for.
public struct ConnectionRequest: Sendable, Hashable {
  /// The host's name in lower case without a dot at its end, or an address.
  public var host: String
  /// The port.
  public var port: Int
  /// The endpoint that one of its requests is to be sent to; nil for a connection of the command's own.
  public var endpoint: String?

  /// A request.
  public init(host: String, port: Int, endpoint: String? = nil) {
    self.host = host
    self.port = port
    self.endpoint = endpoint
  }
}

/// What is to become of a connection.
public enum ConnectionVerdict: Sendable, Hashable {
  /// It is made, if the host has a public address.
  case allow
  /// It is made, to a private address, too: the host is named as such.
  case allowPrivate
  /// It is refused.
  case deny(rule: String)
}

/// A connection that was asked for, and what became of it.
public struct ConnectionRecord: Sendable, Hashable {
  /// What was asked for.
  public var request: ConnectionRequest
  /// The address that was connected to; nil when none was.
  public var address: String?
  /// Why it was refused or broken off: a rule, or what went wrong.
  public var refusal: String?
  /// Bytes from the command to the host.
  public var sentBytes = 0
  /// Bytes from the host to the command.
  public var receivedBytes = 0
  /// Seconds since the command was started.
  public var time: Double
  /// Seconds that it lasted.
  public var duration: Double = 0
  /// What was asked of an endpoint; nil for a connection of the command's own.
  public var exchange: Exchange?

  /// One request to an endpoint.
  public struct Exchange: Sendable, Hashable {
    /// The method, such as `GET`.
    public var method: String
    /// The path, without its query.
    public var path: [UInt8]
    /// The status that the command got.
    public var status = 0
  }

  /// A record of a request.
  public init(request: ConnectionRequest, time: Double) {
    self.request = request
    self.time = time
  }
}

/// Names of hosts as rules see them.
enum HostName {
  /// A name in the form that is compared; nil for what is no name and no address.
  static func normal(_ bytes: some Collection<UInt8>) -> String? {
    var name = String(decoding: bytes, as: UTF8.self).lowercased()
    if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
    if name.hasSuffix(".") { name.removeLast() }
    let allowed = name.utf8.allSatisfy {
      (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2e || $0 == 0x2d || $0 == 0x5f || $0 == 0x3a
    }
    return allowed && !name.isEmpty && name.utf8.count <= 253 ? name : nil
  }

  struct Pattern: Sendable {
    private let name: String
    private let port: Int
    private let isDomain: Bool

    init(_ text: String) {
      var host = text[...]
      var port = 443
      if let colon = text.lastIndex(of: ":"), let number = Int(text[text.index(after: colon)...]),
        !text[..<colon].contains(":") || text[..<colon].hasSuffix("]")
      {
        host = text[..<colon]
        port = number
      }
      isDomain = host.hasPrefix("*.")
      name = HostName.normal(Array((isDomain ? host.dropFirst(2) : host).utf8)) ?? ""
      self.port = port
    }

    func matches(_ host: String, port: Int) -> Bool {
      guard port == self.port, !name.isEmpty else { return false }
      return isDomain ? host.hasSuffix("." + name) : host == name
    }

    var isPrivateNamed: Bool { !isDomain && (name == "localhost" || NetworkAddress(name) != nil) }
  }
}
