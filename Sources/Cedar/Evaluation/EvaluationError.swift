/// Why the evaluation of one policy failed. The policy then counts as not satisfied.
public struct EvaluationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What happened.
  public enum Reason: Error, Sendable, Hashable {
    /// A value of another type was needed.
    case wrongType(expected: String, found: Value)
    /// A record has no such attribute.
    case noAttribute(String)
    /// An entity has no such attribute.
    case noEntityAttribute(String, of: EntityUID)
    /// An entity has no such tag.
    case noTag(String, of: EntityUID)
    /// The entity is not known, so it has neither attributes nor tags.
    case unknownEntity(EntityUID)
    /// 64 bits do not hold the result.
    case overflow(operation: String)
    /// A function of an extension type got a text that it does not read.
    case badLiteral(function: String, text: String, expected: String)
    /// A function of an extension type got too many or too few arguments.
    case wrongArgumentCount(function: String, expected: Int, found: Int)
  }

  /// What happened.
  public let reason: Reason
  /// The place is found when it is asked for: failing policies cost decisions no more than others.
  private let source: SourceText?
  private let offset: Int

  init(reason: Reason, source: SourceText?, offset: Int) {
    self.reason = reason
    self.source = source
    self.offset = offset
  }

  /// Where in the policy's text.
  public var position: SourcePosition { source?.position(offset) ?? SourcePosition(line: 0, column: 0) }

  /// By what happened, and where in the text.
  public static func == (left: EvaluationError, right: EvaluationError) -> Bool {
    left.offset == right.offset && left.reason == right.reason
  }

  /// Consistent with `==`.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(offset)
    hasher.combine(reason)
  }

  /// A sentence without a full stop.
  public var message: String {
    switch reason {
    case .wrongType(let expected, let found): "expected \(expected), found \(found.typeName)"
    case .noAttribute(let name): "the record has no attribute \(Names.quoted(name))"
    case .noEntityAttribute(let name, let uid): "\(uid) has no attribute \(Names.quoted(name))"
    case .noTag(let name, let uid): "\(uid) has no tag \(Names.quoted(name))"
    case .unknownEntity(let uid): "the entity \(uid) does not exist"
    case .overflow(let operation): "\(operation) overflows 64 bits"
    case .badLiteral(let function, let text, let expected):
      "\(function)(\(Names.quoted(text))): expected \(expected)"
    case .wrongArgumentCount(let function, let expected, let found):
      "\(function) takes \(expected) arguments, counting the receiver of a method; found \(found)"
    }
  }

  /// `line:column: message`.
  public var description: String { "\(position): \(message)" }
}
