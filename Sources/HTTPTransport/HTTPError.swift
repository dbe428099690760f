/// Why a request has no answer, or an answer no end. Its texts name the server, never a path, a query, a header or a
/// body: no key can be in them.
public struct HTTPError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What a caller may want to tell apart.
  public enum Kind: Sendable, Hashable {
    /// The request itself cannot be sent.
    case invalidRequest
    /// The host's (or proxy's) name has no address.
    case resolve
    /// No connection: refused, unreachable, or turned away by the proxy.
    case connect
    /// No trustworthy TLS connection.
    case tls
    /// Time was up.
    case timeout(Phase)
    /// The connection broke, or ended before the answer did.
    case reset
    /// The server did not speak HTTP.
    case malformed
    /// The answer is larger than allowed.
    case tooLarge
    /// The task was cancelled.
    case cancelled
    /// libcurl cannot be used on this machine, or failed within itself.
    case unavailable
  }

  /// Which time was up.
  public enum Phase: Sendable, Hashable {
    /// Until the connection stood.
    case connect
    /// Without a byte.
    case idle
    /// With so few bytes of a body that it cannot be meant.
    case trickle
    /// For everything.
    case total
  }

  /// What happened, for programs.
  public var kind: Kind
  /// What happened, for people.
  public var message: String

  /// Describes a failure.
  public init(kind: Kind, message: String) {
    self.kind = kind
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
