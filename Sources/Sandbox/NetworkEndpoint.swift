import FoundationEssentials

/// A server that commands reach through the broker itself, without TLS and without its credential: the broker speaks TLS to
/// it and adds the credential outside, to this origin and below this path, and nowhere else.
///
/// Inside, it is an `http` address of loopback at ``NetworkAccess/port`` with the server's own paths, so that relative
/// links, links from the root and redirects lead where they should. Each request is asked about and recorded. Reading is all
/// that can be done, unless ``mayPublish`` says otherwise.
public struct NetworkEndpoint: Sendable {
  /// What speaks to the server.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// A Python package index; ``NetworkEndpoint/init(name:kind:url:)`` is given what pip calls its index URL.
    case pip
    /// A registry of npm.
    case npm
    /// Repositories of git, by its smart protocol.
    case git
    /// Anything else.
    case plain
  }

  /// What it is called in the record.
  public let name: String
  /// What speaks to it.
  public let kind: Kind
  /// What is added to each request; nil for nothing.
  public var credential: Credential?
  /// A file of PEM certificates to trust instead of the system's.
  public var certificateFile: String?
  /// Whether requests that change something are passed on: `PUT` and `POST`, and git's pushes.
  public var mayPublish = false
  /// Further variables that are set to the address inside.
  public var variables: [String] = []
  /// A file that holds the credential: hidden from commands.
  public var credentialFile: [UInt8]?

  /// The server.
  let host: String
  let port: Int
  /// The path of the URL, without a slash at its end.
  let path: String
  /// Everything that is asked for is this path or lies below it. Files of an index lie beside its pages.
  let base: [UInt8]

  /// An endpoint for a server.
  /// - Parameter url: `https://HOST[:PORT][/PATH]`.
  /// - Throws: ``SandboxError/Kind/invalidCommand`` for any other URL.
  public init(name: String, kind: Kind, url: String) throws(SandboxError) {
    func wrong(_ why: String) -> SandboxError {
      SandboxError(
        .invalidCommand, "the URL of the endpoint \(name) \(why)",
        hint: "write https://HOST/PATH, without a user, a query or a fragment")
    }
    let scheme = "https://"
    guard url.lowercased().hasPrefix(scheme) else { throw wrong("does not begin with https://") }
    let rest = Array(url.utf8.dropFirst(scheme.utf8.count))
    let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
    guard let place = BrokeredConnection.authority(rest[..<slash], port: 443) else { throw wrong("names no host") }
    var path = Array(rest[slash...])
    while path.last == UInt8(ascii: "/") { path.removeLast() }
    guard EndpointTarget.isPlain(path), !path.contains(UInt8(ascii: "?")) else { throw wrong("has no plain path") }
    self.name = name
    self.kind = kind
    host = place.host
    port = place.port
    let text = String(decoding: path, as: UTF8.self)
    self.path = text
    if kind == .pip, ["/simple", "/+simple"].contains(where: { text.hasSuffix($0) }) {
      base = Array(path[..<(path.lastIndex(of: UInt8(ascii: "/")) ?? 0)])
    } else {
      base = path
    }
  }

  /// `https://HOST[:PORT]`, as it is asked.
  var origin: String { "https://\(authority)" + (port == 443 ? "" : ":\(port)") }

  /// The same in every spelling that pages use.
  var origins: [String] { port == 443 ? [origin, "\(origin):443"] : [origin] }

  private var authority: String { host.contains(":") ? "[\(host)]" : host }

  /// What the server is asked for when the endpoint is asked for a path.
  ///
  /// npm makes addresses of files from those of the registry and its server in more than one way. With a registry that has no
  /// path of its own inside, each of them is the path at the server, and everything else is a path in the registry.
  func path(for inside: [UInt8]) -> [UInt8] {
    guard kind == .npm else { return inside }
    let isServers = inside.starts(with: base + Array("/".utf8)) && !inside.starts(with: base + Array("/-/".utf8))
    return isServers ? inside : base + inside
  }

  // MARK: Inside

  /// Where the endpoint of this place in the list listens.
  static func address(_ index: Int) -> [UInt8] { [127, 0, 0, UInt8(2 + index)] }

  /// The most endpoints that have an address.
  public static let most = 100

  static func insideOrigin(_ index: Int) -> String {
    "http://\(NetworkAddress(bytes: address(index)).text):\(NetworkAccess.port)"
  }

  /// What programs are told, so that they find the endpoints.
  static func environment(_ endpoints: [NetworkEndpoint]) -> [String: String] {
    var variables: [String: String] = [:]
    var indexes: [String] = []
    var rewritten: [(key: String, value: String)] = []
    for (index, endpoint) in endpoints.enumerated() {
      let inside = insideOrigin(index) + (endpoint.kind == .npm ? "" : endpoint.path)
      for variable in endpoint.variables { variables[variable] = inside }
      switch endpoint.kind {
      case .pip: indexes.append(inside + "/")
      case .npm where variables["npm_config_registry"] == nil:
        variables["npm_config_registry"] = inside + "/"
        // Files are fetched from where pages and lock files say, on another host: this one. Lock files stay as they are.
        variables["npm_config_replace_registry_host"] = "always"
        // A request that changes nothing and cannot be told from those that do.
        variables["npm_config_audit"] = "false"
        variables["npm_config_update_notifier"] = "false"
      case .npm, .plain: break
      case .git:
        let path = endpoint.path.isEmpty ? "" : endpoint.path.dropFirst() + "/"
        for prefix in endpoint.origins.map({ "\($0)/" }) + ["ssh://git@\(endpoint.host)/", "git@\(endpoint.host):"] {
          rewritten.append(("url.\(inside)/.insteadOf", prefix + path))
        }
      }
    }
    if let first = indexes.first {
      variables["PIP_INDEX_URL"] = first
      variables["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
      if indexes.count > 1 { variables["PIP_EXTRA_INDEX_URL"] = indexes.dropFirst().joined(separator: " ") }
    }
    if !rewritten.isEmpty {
      variables["GIT_CONFIG_COUNT"] = "\(rewritten.count)"
      variables["GIT_TERMINAL_PROMPT"] = "0"
    }
    for (number, setting) in rewritten.enumerated() {
      variables["GIT_CONFIG_KEY_\(number)"] = setting.key
      variables["GIT_CONFIG_VALUE_\(number)"] = setting.value
    }
    return variables
  }

  // MARK: The credential

  /// A header that is added to each request. It is never printed.
  public struct Credential: Sendable, CustomStringConvertible, CustomReflectable {
    let header: String
    let value: String
    /// In no answer may any of these be seen.
    let secrets: [[UInt8]]

    /// The shortest secret that can be told from what pages say anyway, in bytes.
    public static let shortest = 8

    /// `Authorization: Bearer TOKEN`.
    /// - Throws: ``SandboxError/Kind/invalidCommand`` for what is too short, or no header could carry.
    public init(bearer token: String) throws(SandboxError) {
      try self.init(header: "Authorization", value: "Bearer \(token)", secrets: [token])
    }

    /// `Authorization: Basic …` for a user and a password.
    /// - Throws: as ``init(bearer:)``.
    public init(user: String, password: String) throws(SandboxError) {
      let both = Data("\(user):\(password)".utf8).base64EncodedString()
      guard !user.contains(":") else { throw SandboxError(.invalidCommand, "a user's name holds a colon") }
      try self.init(header: "Authorization", value: "Basic \(both)", secrets: [password, both])
    }

    /// `HEADER: TOKEN`.
    /// - Throws: as ``init(bearer:)``.
    public init(header: String, token: String) throws(SandboxError) {
      try self.init(header: header, value: token, secrets: [token])
    }

    private init(header: String, value: String, secrets: [String]) throws(SandboxError) {
      guard EndpointHead.isToken(Array(header.utf8)) else {
        throw SandboxError(.invalidCommand, "the name of the credential's header is not one")
      }
      guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }),
        secrets.allSatisfy({ $0.utf8.count >= Self.shortest && $0.utf8.first != 0x20 && $0.utf8.last != 0x20 })
      else {
        throw SandboxError(
          .invalidCommand,
          "a credential is at least \(Self.shortest) characters of ASCII, without spaces around it or control characters"
        )
      }
      self.header = header
      self.value = value
      // As JSON may write a slash, and as a query holds it.
      self.secrets = Set(
        secrets.flatMap { secret in
          [Array(secret.utf8), Array(secret.utf8).escaped(slash: true), Array(secret.utf8).escaped(slash: false)]
        }
      ).sorted { $0.count > $1.count }
    }

    /// Says nothing.
    public var description: String { "a credential" }
    /// Shows nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
  }
}

extension [UInt8] {
  /// With `\/` for each slash, or with percent signs for what is not unreserved (RFC 3986).
  fileprivate func escaped(slash: Bool) -> [UInt8] {
    flatMap { byte -> [UInt8] in
      if slash { return byte == UInt8(ascii: "/") ? Array("\\/".utf8) : [byte] }
      let isKept =
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
        || "-._~".utf8.contains(byte)
      if isKept { return [byte] }
      let digits = Array("0123456789ABCDEF".utf8)
      return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
  }
}
