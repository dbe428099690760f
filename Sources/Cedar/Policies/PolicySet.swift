/// How the policies of a text get their ids.
public enum PolicyNaming: Sendable {
  /// `policy0`, `policy1`, … in the order of the text, with this in place of `policy`.
  case numbered(prefix: String)
  /// The value of the annotation `@id("…")`, with this before it; numbered where there is none.
  case annotated(prefix: String)

  /// As the reference engine names them.
  public static let standard = PolicyNaming.numbered(prefix: "policy")
}

/// Policies and templates with unique ids.
public struct PolicySet: Sendable {
  /// Static and linked policies in the order added: those that decide.
  public private(set) var policies: [Policy] = []
  /// Templates in the order added.
  public private(set) var templates: [Policy] = []
  private var ids: Set<ExactText> = []

  /// A set without policies.
  public init() {}

  /// Reads the policies and templates of a text.
  /// - Parameters:
  ///   - text: UTF-8.
  ///   - source: the name that errors and policies carry, such as a path.
  /// - Throws: all that is wrong, up to twenty findings; nothing of such a text is kept.
  public init(
    parsing text: [UInt8], source: String = "", naming: PolicyNaming = .standard
  ) throws(CedarError) {
    for policy in try PolicyParser.parse(try SourceText(utf8: text, name: source), naming: naming) { try add(policy) }
  }

  /// Reads the policies and templates of a text.
  public init(parsing text: String, source: String = "", naming: PolicyNaming = .standard) throws(CedarError) {
    try self.init(parsing: Array(text.utf8), source: source, naming: naming)
  }

  /// Adds everything of another set.
  /// - Throws: when an id is in both; nothing is added then.
  public mutating func add(_ other: PolicySet) throws(CedarError) {
    var sum = self
    for policy in other.templates + other.policies { try sum.add(policy) }
    self = sum
  }

  /// Fills the slots of a template, which makes a policy.
  /// - Throws: when there is no such template, the id is taken, or the entities are not those that the slots need.
  public mutating func link(
    template: String, id: String, principal: EntityUID? = nil, resource: EntityUID? = nil
  ) throws(CedarError) {
    guard let found = templates.first(where: { $0.id.isExactly(template) }) else {
      throw CedarError(source: "", "there is no template '\(template)' to make '\(id)' from")
    }
    for (slot, has, uid) in [
      ("?principal", found.principal.hasSlot, principal), ("?resource", found.resource.hasSlot, resource),
    ] where has != (uid != nil) {
      throw CedarError(
        source: found.source,
        has
          ? "the link '\(id)' of template '\(template)' gives no entity for \(slot)"
          : "the link '\(id)' gives an entity for \(slot), which template '\(template)' does not have")
    }
    var policy = found
    policy.id = id
    policy.link = Policy.Link(template: template, principal: principal, resource: resource)
    try add(policy)
  }

  /// The policy or template of an id.
  public subscript(id: String) -> Policy? {
    guard ids.contains(ExactText(id)) else { return nil }
    return policies.first { $0.id.isExactly(id) } ?? templates.first { $0.id.isExactly(id) }
  }

  /// Adds a policy of a set whose ids are known to be unique.
  mutating func insert(_ policy: Policy) {
    ids.insert(ExactText(policy.id))
    if policy.isTemplate { templates.append(policy) } else { policies.append(policy) }
  }

  private mutating func add(_ policy: Policy) throws(CedarError) {
    guard ids.insert(ExactText(policy.id)).inserted else {
      let other = self[policy.id]
      throw CedarError(
        CedarDiagnostic(
          source: policy.source, position: policy.position,
          message: "the id '\(policy.id)' is taken",
          help: other.map { "by the policy at \($0.source.isEmpty ? "" : $0.source + ":")\($0.position)" }))
    }
    if policy.isTemplate { templates.append(policy) } else { policies.append(policy) }
  }
}
