extension Policy {
  /// Every entity that the scope or a condition names.
  public var entityLiterals: Set<EntityUID> {
    var found: Set<EntityUID> = Set(action.entities)
    for constraint in [linkedPrincipal, linkedResource] {
      if case .entity(let uid) = constraint.reference { found.insert(uid) }
    }
    for condition in conditions {
      condition.forEachNode { kind in
        if case .literal(let value) = kind { value.forEachEntity { found.insert($0) } }
      }
    }
    return found
  }

  /// The actions and groups of actions that the scope names; empty when it holds for all.
  public var actionsNamed: Set<EntityUID> { Set(action.entities) }

  /// Every text that a condition holds, and every address in one.
  public var texts: Set<String> {
    var found: Set<String> = []
    for condition in conditions {
      condition.forEachNode { kind in
        if case .literal(let value) = kind { value.forEachText { found.insert($0) } }
      }
    }
    return found
  }

  /// The name of every attribute that a condition takes or asks for, of whatever record or entity.
  public var attributeNames: Set<String> {
    var found: Set<String> = []
    for condition in conditions {
      condition.forEachNode { kind in
        switch kind {
        case .attribute(_, let name), .hasAttribute(_, let name): found.insert(name)
        default: break
        }
      }
    }
    return found
  }

  /// The texts that conditions look for in an attribute that is a set: `resource.labels.contains("restricted")`.
  public func textsLookedFor(in attribute: String) -> Set<String> {
    var found: Set<String> = []
    for condition in conditions {
      condition.forEachNode { kind in
        guard case .binary(let operation, let left, let right) = kind,
          [.contains, .containsAll, .containsAny].contains(operation), case .attribute(_, let name) = left.kind,
          name == attribute
        else { return }
        right.forEachNode { if case .literal(.string(let text)) = $0 { found.insert(text) } }
      }
    }
    return found
  }

  /// The attributes that conditions compare with a pattern by `like`.
  public var attributesMatched: Set<String> {
    var found: Set<String> = []
    for condition in conditions {
      condition.forEachNode { kind in
        if case .like(let operand, _) = kind, case .attribute(_, let name) = operand.kind { found.insert(name) }
      }
    }
    return found
  }
}

extension PolicySet {
  /// The set without the policies and templates for which the closure says no.
  public func filter(_ isKept: (Policy) -> Bool) -> PolicySet {
    var result = PolicySet()
    for policy in templates + policies where isKept(policy) { result.insert(policy) }
    return result
  }
}

extension Expression {
  /// Visits the node and all below it; the parser bounds their height.
  fileprivate func forEachNode(_ visit: (Kind) -> Void) {
    visit(kind)
    for child in kind.children { child.forEachNode(visit) }
  }
}

extension Value {
  fileprivate func forEachText(_ visit: (String) -> Void) {
    switch self {
    case .string(let text): visit(text)
    case .ip(let address): visit("\(address)")
    case .set(let set): for element in set.elements { element.forEachText(visit) }
    case .record(let record): for field in record.fields { field.value.forEachText(visit) }
    default: break
    }
  }

  fileprivate func forEachEntity(_ visit: (EntityUID) -> Void) {
    switch self {
    case .entity(let uid): visit(uid)
    case .set(let set): for element in set.elements { element.forEachEntity(visit) }
    case .record(let record): for field in record.fields { field.value.forEachEntity(visit) }
    default: break
    }
  }
}
