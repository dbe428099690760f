/// What a satisfied policy does.
public enum Effect: String, Sendable, Hashable {
  /// Allows, unless a policy forbids.
  case permit
  /// Denies, whatever is permitted.
  case forbid
}

/// A static policy, a template, or a template with its slots filled.
public struct Policy: Sendable {
  /// `@name` or `@name("value")` before a policy. Annotations have no effect on decisions.
  public struct Annotation: Sendable, Hashable {
    /// The name.
    public let name: String
    /// The value; empty when none is written.
    public let value: String
  }

  /// Where a linked policy comes from.
  public struct Link: Sendable, Hashable {
    /// The template's id.
    public let template: String
    /// What `?principal` stands for.
    public let principal: EntityUID?
    /// What `?resource` stands for.
    public let resource: EntityUID?

    /// A link.
    public init(template: String, principal: EntityUID? = nil, resource: EntityUID? = nil) {
      self.template = template
      self.principal = principal
      self.resource = resource
    }
  }

  /// The id: unique within a set, and what decisions name.
  public internal(set) var id: String
  /// Permit or forbid.
  public let effect: Effect
  /// The annotations in the order written, each name once.
  public let annotations: [Annotation]
  /// Set when this was made from a template.
  public internal(set) var link: Link?

  let principal: ScopeConstraint
  let action: ActionConstraint
  let resource: ScopeConstraint
  /// One for each clause; those of `unless` are negated already.
  let conditions: [Expression]
  let sourceText: SourceText
  let range: Range<Int>
  let places: ScopePlaces

  /// The name of the text that it was read from.
  public var source: String { sourceText.name }
  /// Where it begins there, annotations included.
  public var position: SourcePosition { sourceText.position(range.lowerBound) }
  /// The policy as it was written.
  public var text: String { sourceText.text(range) }

  /// True while a slot of the scope is open: then it decides nothing.
  public var isTemplate: Bool { link == nil && (principal.hasSlot || resource.hasSlot) }

  /// The value of an annotation; empty when written without one, nil when it is not there.
  public func annotation(_ name: String) -> String? { annotations.first { $0.name == name }?.value }
}

/// Where the parts of a scope begin: bytes of the policy's text.
struct ScopePlaces: Sendable {
  let effect: Int
  let principal: Int
  let action: Int
  let resource: Int
}

/// The right side of a comparison in the scope.
enum EntityReference: Sendable, Hashable {
  case entity(EntityUID)
  case slot
}

/// What the scope says of the principal or the resource.
enum ScopeConstraint: Sendable, Hashable {
  case any
  case equal(EntityReference)
  case isIn(EntityReference)
  case isType(String)
  case isTypeIn(String, EntityReference)

  var reference: EntityReference? {
    switch self {
    case .any, .isType: nil
    case .equal(let reference), .isIn(let reference), .isTypeIn(_, let reference): reference
    }
  }

  var type: String? {
    switch self {
    case .isType(let type), .isTypeIn(let type, _): type
    default: nil
    }
  }

  var hasSlot: Bool { reference == .slot }

  /// With an entity in the slot's place.
  func linked(_ uid: EntityUID?) -> ScopeConstraint {
    guard hasSlot, let uid else { return self }
    return switch self {
    case .equal: .equal(.entity(uid))
    case .isIn: .isIn(.entity(uid))
    case .isTypeIn(let type, _): .isTypeIn(type, .entity(uid))
    case .any, .isType: self
    }
  }
}

/// What the scope says of the action.
enum ActionConstraint: Sendable, Hashable {
  case any
  case equal(EntityUID)
  /// One of these, or in one of these groups. A single group is a list of one.
  case isIn([EntityUID])

  var entities: [EntityUID] {
    switch self {
    case .any: []
    case .equal(let uid): [uid]
    case .isIn(let uids): uids
    }
  }
}

extension Policy {
  /// What the scope says of the principal, with the link's entity in the slot's place.
  var linkedPrincipal: ScopeConstraint { principal.linked(link?.principal) }
  /// What the scope says of the resource, with the link's entity in the slot's place.
  var linkedResource: ScopeConstraint { resource.linked(link?.resource) }
}
