/// Why a search was not answered.
public struct SearchError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What happened and what to do.
  public let message: String

  /// An error.
  public init(_ message: String) { self.message = message }

  /// The message.
  public var description: String { message }
}
