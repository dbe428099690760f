/// What requests to Amazon Web Services are signed with. Nothing prints the secret parts: not string interpolation, not
/// `dump`, not a debugger's description.
public struct AWSCredentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  /// The public part, such as `AKIDEXAMPLE`.
  public let accessKeyID: String
  let secretAccessKey: String
  let sessionToken: String?
  /// When they end, in seconds since 1970; nil when they last.
  public let expiration: Int?

  /// Keeps credentials; an empty session token counts as none.
  public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, expiration: Int? = nil) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken.flatMap { $0.isEmpty ? nil : $0 }
    self.expiration = expiration
  }

  /// What must be taken out of texts that a server wrote.
  package var secrets: [String] { [secretAccessKey] + [sessionToken].compactMap { $0 } }
  /// The public part alone.
  public var description: String { "AWS credentials \(accessKeyID)" }
  /// The public part alone.
  public var debugDescription: String { description }
  /// Without children.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
