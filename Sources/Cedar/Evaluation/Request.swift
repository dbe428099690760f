/// Who wants to do what to what, and in which circumstances.
public struct Request: Sendable, Hashable {
  /// Who.
  public var principal: EntityUID
  /// What is done.
  public var action: EntityUID
  /// To what.
  public var resource: EntityUID
  /// The circumstances.
  public var context: Record

  /// A request.
  public init(principal: EntityUID, action: EntityUID, resource: EntityUID, context: Record = .empty) {
    self.principal = principal
    self.action = action
    self.resource = resource
    self.context = context
  }
}

/// The answer to a request.
public enum Decision: String, Sendable, Hashable {
  /// A policy permits and none forbids.
  case allow
  /// Everything else.
  case deny
}

/// A decision, and how it came about.
public struct Response: Sendable {
  /// A policy that could not be evaluated, and so decided nothing.
  public struct Failure: Sendable, Hashable, CustomStringConvertible {
    /// The policy's id.
    public let policy: String
    /// Its effect: a `forbid` that fails does not forbid.
    public let effect: Effect
    /// Why.
    public let error: EvaluationError

    /// `id: line:column: message`.
    public var description: String { "\(policy): \(error)" }
  }

  /// Allow or deny.
  public let decision: Decision
  /// The ids of the policies that decided, in their order: the satisfied permits, or the satisfied forbids. Empty when
  /// nothing permits and nothing forbids.
  public let reasons: [String]
  /// The policies that could not be evaluated, in their order.
  public let failures: [Failure]

  /// True when a `forbid` could not be evaluated. The language ignores it; a careful caller denies.
  public var hasFailedForbid: Bool { failures.contains { $0.effect == .forbid } }
}
