/// What validation says of policies.
public struct ValidationResult: Sendable {
  /// One finding about one policy.
  public struct Finding: Sendable, Hashable, CustomStringConvertible {
    /// The policy's id.
    public let policy: String
    /// Where, and what.
    public let diagnostic: CedarDiagnostic

    /// Where in the policy's text.
    public var position: SourcePosition? { diagnostic.position }
    /// What is wrong.
    public var message: String { diagnostic.message }

    /// `place: message (help) [policy id]`.
    public var description: String { "\(diagnostic) [\(policy)]" }
  }

  /// What makes the policies unfit for the schema.
  public let errors: [Finding]
  /// What is legal, and probably not meant.
  public let warnings: [Finding]

  /// True without errors.
  public var isValid: Bool { errors.isEmpty }
}

extension Schema {
  /// Strict validation: a policy that passes cannot fail by a wrong type, a missing attribute or an unknown type, as
  /// long as requests and entities conform to the schema. What can still fail is arithmetic that overflows.
  public func validate(_ policies: PolicySet) -> ValidationResult {
    var errors: [ValidationResult.Finding] = []
    var warnings: [ValidationResult.Finding] = []
    for policy in policies.templates + policies.policies {
      var check = PolicyCheck(schema: self, policy: policy)
      check.run()
      errors += check.errors
      warnings += check.warnings
    }
    return ValidationResult(errors: errors, warnings: warnings)
  }
}

/// The validation of one policy.
private struct PolicyCheck {
  let schema: Schema
  let policy: Policy
  var errors: [ValidationResult.Finding] = []
  var warnings: [ValidationResult.Finding] = []

  init(schema: Schema, policy: Policy) {
    self.schema = schema
    self.policy = policy
  }

  mutating func run() {
    checkNames()
    checkApplication()
    // A template's expressions are checked with the template, for all that its slots can hold.
    if policy.link == nil {
      checkTypes()
      for finding in ConfusableText.findings(policy) { warn(finding.offset, finding.message, help: finding.help) }
    }
  }

  private func finding(_ offset: Int, _ message: String, help: String?) -> ValidationResult.Finding {
    ValidationResult.Finding(
      policy: policy.id, diagnostic: policy.sourceText.diagnostic(offset, message, help: help))
  }

  private mutating func fail(_ offset: Int, _ message: String, help: String? = nil) {
    errors.append(finding(offset, message, help: help))
  }

  private mutating func warn(_ offset: Int, _ message: String, help: String? = nil) {
    warnings.append(finding(offset, message, help: help))
  }

  // MARK: Names

  /// Entity types, actions and ids of enumerated types must be known, even where they are never evaluated.
  private mutating func checkNames() {
    for (constraint, offset) in [
      (policy.linkedPrincipal, policy.places.principal), (policy.linkedResource, policy.places.resource),
    ] {
      if let type = constraint.type { checkType(type, offset) }
      if case .entity(let uid) = constraint.reference { checkEntity(uid, offset) }
    }
    for uid in policy.action.entities { checkEntity(uid, policy.places.action) }
    guard policy.link == nil else { return }
    var stack = Array(policy.conditions.reversed())
    while let expression = stack.popLast() {
      switch expression.kind {
      case .literal(.entity(let uid)): checkEntity(uid, expression.offset)
      case .isType(_, let type): checkType(type, expression.offset)
      default: break
      }
      stack.append(contentsOf: expression.kind.children.reversed())
    }
  }

  private mutating func checkType(_ type: String, _ offset: Int) {
    guard !Names.isActionType(type), schema.entityTypes[type] == nil else { return }
    fail(
      offset, "the schema has no entity type \(type)",
      help: Spelling.closest(to: type, in: schema.entityTypeNames).map { "did you mean \($0)?" })
  }

  private mutating func checkEntity(_ uid: EntityUID, _ offset: Int) {
    guard !uid.isAction else {
      if schema.actions[uid] == nil {
        let close = Spelling.closest(to: uid.description, in: schema.actionNames.map(\.description))
        fail(offset, "the schema has no action \(uid)", help: close.map { "did you mean \($0)?" })
      }
      return
    }
    checkType(uid.type, offset)
    if let type = schema.entityTypes[uid.type], !type.allows(id: uid.id) {
      fail(
        offset, "\(uid) is none of the entities that the schema enumerates",
        help: type.choices.map { "there are " + $0.prefix(8).map { Names.quoted($0) }.joined(separator: ", ") })
    }
  }

  // MARK: The scope

  /// An action must exist that the scope allows, and that applies to principals and resources that it allows.
  private mutating func checkApplication() {
    let principals = types(policy.linkedPrincipal)
    let resources = types(policy.linkedResource)
    let actions: [EntityUID]
    switch policy.action {
    case .any: actions = schema.sortedActions
    case .equal(let uid): actions = [uid]
    case .isIn(let uids):
      guard uids.allSatisfy({ schema.actions[$0] != nil }) else {
        actions = []
        break
      }
      actions = uids.flatMap { uid in [uid] + (schema.actions[uid]?.descendants ?? []) }
    }
    let applies = actions.contains { uid in
      guard let action = schema.actions[uid] else { return false }
      return action.principals.contains { principals.contains($0) }
        && action.resources.contains { resources.contains($0) }
    }
    if !applies {
      fail(
        policy.places.effect,
        "the scope fits no request: no action applies to these principals and resources",
        help: hint(principals, resources, actions))
    }
  }

  private func hint(_ principals: Set<String>, _ resources: Set<String>, _ uids: [EntityUID]) -> String? {
    let known = uids.compactMap { schema.actions[$0] }
    guard let action = known.first, known.count == 1 else { return nil }
    func list(_ types: [String]) -> String { types.isEmpty ? "nothing" : types.joined(separator: ", ") }
    return "\(action.uid) applies to principals \(list(action.principals)) and resources \(list(action.resources))"
  }

  /// The entity types that fit a constraint.
  private func types(_ constraint: ScopeConstraint) -> Set<String> {
    func known(_ type: String) -> Set<String> {
      Names.isActionType(type) || schema.entityTypes[type] != nil ? [type] : []
    }
    func within(_ uid: EntityUID) -> Set<String> {
      (schema.entityTypes[uid.type]?.descendants ?? []).union([uid.type])
    }
    switch constraint {
    case .any, .equal(.slot), .isIn(.slot): return Set(schema.entityTypes.keys)
    case .equal(.entity(let uid)): return [uid.type]
    case .isIn(.entity(let uid)): return within(uid)
    case .isType(let type), .isTypeIn(let type, .slot): return known(type)
    case .isTypeIn(let type, .entity(let uid)): return within(uid).intersection([type])
    }
  }

  // MARK: Types

  private mutating func checkTypes() {
    let conditions = scopeConditions() + policy.conditions
    var canApply = false
    var findings: Set<TypeChecker.Finding> = []
    for environment in environments() {
      var checker = TypeChecker(schema: schema, environment: environment)
      let answer = checker.check(conditions)
      findings.formUnion(checker.findings)
      if answer.type != .bool(.never) { canApply = true }
      if !answer.isSound, checker.findings.isEmpty, errors.isEmpty {
        findings.insert(
          TypeChecker.Finding(offset: policy.places.effect, message: "the policy has no type", help: nil))
      }
    }
    for finding in findings.sorted(by: { ($0.offset, $0.message) < ($1.offset, $1.message) }) {
      fail(finding.offset, finding.message, help: finding.help)
    }
    if !canApply {
      warn(policy.places.effect, "this policy can never apply: its conditions are false for every request")
    }
  }

  /// Every action with every pair of types that it applies to, and of templates every type that a slot can hold.
  private func environments() -> [TypeChecker.Environment] {
    var environments: [TypeChecker.Environment] = []
    for uid in schema.sortedActions {
      guard let action = schema.actions[uid] else { continue }
      for principal in action.principals {
        for resource in action.resources {
          for principalSlot in slotTypes(policy.principal, principal) {
            for resourceSlot in slotTypes(policy.resource, resource) {
              environments.append(
                TypeChecker.Environment(
                  principal: principal, action: uid, resource: resource, context: action.context,
                  principalSlot: principalSlot, resourceSlot: resourceSlot))
            }
          }
        }
      }
    }
    return environments
  }

  private func slotTypes(_ constraint: ScopeConstraint, _ type: String) -> [String?] {
    switch constraint {
    case .equal(.slot): [type]
    case .isIn(.slot), .isTypeIn(_, .slot):
      [type] + (schema.entityTypes[type]?.ancestors ?? []).filter { $0 != type }.sorted()
    default: [nil]
    }
  }

  /// The scope as conditions.
  private func scopeConditions() -> [Expression] {
    func conditions(
      _ variable: Expression.Variable, _ slot: Expression.Slot, _ constraint: ScopeConstraint, _ offset: Int
    ) -> [Expression] {
      let subject = Expression(.variable(variable), at: offset)
      func reference(_ reference: EntityReference) -> Expression {
        switch reference {
        case .entity(let uid): Expression(.literal(.entity(uid)), at: offset)
        case .slot: Expression(.slot(slot), at: offset)
        }
      }
      switch constraint {
      case .any: return []
      case .equal(let other): return [Expression(.binary(.equal, subject, reference(other)), at: offset)]
      case .isIn(let other): return [Expression(.binary(.isIn, subject, reference(other)), at: offset)]
      case .isType(let type): return [Expression(.isType(subject, type), at: offset)]
      case .isTypeIn(let type, let other):
        return [
          Expression(.isType(subject, type), at: offset),
          Expression(.binary(.isIn, subject, reference(other)), at: offset),
        ]
      }
    }
    let offset = policy.places.action
    let action = Expression(.variable(.action), at: offset)
    func literal(_ uid: EntityUID) -> Expression { Expression(.literal(.entity(uid)), at: offset) }
    let actionConditions: [Expression] =
      switch policy.action {
      case .any: []
      case .equal(let uid): [Expression(.binary(.equal, action, literal(uid)), at: offset)]
      case .isIn(let uids):
        [Expression(.binary(.isIn, action, Expression(.set(uids.map(literal)), at: offset)), at: offset)]
      }
    return conditions(.principal, .principal, policy.principal, policy.places.principal) + actionConditions
      + conditions(.resource, .resource, policy.resource, policy.places.resource)
  }
}
