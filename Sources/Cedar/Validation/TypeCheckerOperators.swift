/// Types of operators, attributes, sets and calls.
extension TypeChecker {
  mutating func binary(
    _ operation: Expression.BinaryOperator, _ left: Expression, _ right: Expression, _ whole: Expression,
    _ prior: Set<Capability>
  ) -> Answer {
    switch operation {
    case .equal:
      let (first, second) = (check(left, prior), check(right, prior))
      let type = equality(left, first.type, right, second.type)
      if type == .bool(.any), let one = first.type, let other = second.type,
        join(one, other, whole.offset, "the sides of the comparison") == nil
      {
        return .unsound(type)
      }
      return Answer.sound(type).unlessUnsound(first, second)
    case .less, .lessOrEqual: return comparison(left, right, prior)
    case .add, .subtract, .multiply:
      func help(_ type: CedarType) -> String? {
        switch type {
        case .string: operation == .add ? "texts cannot be joined" : nil
        case .set: "sets have no such operator"
        default: nil
        }
      }
      let first = expect(.long, left, prior, help: help)
      return Answer.sound(.long).unlessUnsound(first, expect(.long, right, prior, help: help))
    case .isIn: return membership(left, right, prior)
    case .contains:
      let first = expect(.set, left, prior, help: Self.helpForSets)
      let second = check(right, prior)
      if case .set(let element) = first.type, let type = second.type,
        join(element, type, whole.offset, "the set's elements and what is looked for") == nil
      {
        return .unsound(.bool(.any))
      }
      return Answer.sound(.bool(.any)).unlessUnsound(first, second)
    case .containsAll, .containsAny:
      let first = expect(.set, left, prior, help: Self.helpForSets)
      let second = expect(.set, right, prior) { _ in "use contains for a single value" }
      if let one = first.type, let other = second.type, join(one, other, whole.offset, "the two sets") == nil {
        return .unsound(.bool(.any))
      }
      return Answer.sound(.bool(.any)).unlessUnsound(first, second)
    case .hasTag, .getTag: return tag(operation, left, right, whole, prior)
    }
  }

  private static func helpForSets(_ type: CedarType) -> String? {
    switch type {
    case .entity: "use 'in' to test an entity's membership"
    case .record: "use 'has' to test for an attribute"
    case .string: "use 'like' to test a text"
    default: nil
    }
  }

  /// `==` of two literals, or of two entity types, is known before any request.
  private func equality(
    _ left: Expression, _ leftType: CedarType?, _ right: Expression, _ rightType: CedarType?
  ) -> CedarType {
    if case .entity(let one) = leftType, case .entity(let other) = rightType, one != other { return .bool(.never) }
    if let one = literalOrAction(left), let other = literalOrAction(right) {
      return .bool(one == other ? .always : .never)
    }
    return .bool(.any)
  }

  /// A literal's value; the action's name for the variable `action`.
  private func literalOrAction(_ expression: Expression) -> Value? {
    if case .variable(.action) = expression.kind { return .entity(environment.action) }
    return expression.literal
  }

  private mutating func comparison(_ left: Expression, _ right: Expression, _ prior: Set<Capability>) -> Answer {
    let (first, second) = (check(left, prior), check(right, prior))
    guard let one = first.type, let other = second.type else { return .unsound(.bool(.any)) }
    func isComparable(_ type: CedarType) -> Bool {
      type == .long || type == .extension(.datetime) || type == .extension(.duration)
    }
    if one == other, isComparable(one) { return Answer.sound(.bool(.any)).unlessUnsound(first, second) }
    if isComparable(one) {
      find(right.offset, "expected \(one), found \(other)")
    } else if isComparable(other) {
      find(left.offset, "expected \(other), found \(one)")
    } else {
      let help = one == .extension(.decimal) ? "decimals are compared with lessThan and its like" : nil
      find(left.offset, "only Long, datetime and duration can be compared, found \(one)", help: help)
    }
    return .unsound(.bool(.any))
  }

  // MARK: Hierarchy

  private mutating func membership(_ left: Expression, _ right: Expression, _ prior: Set<Capability>) -> Answer {
    let first = expect(.entity, left, prior) { _ in "use contains to test whether a set holds a value" }
    let second = expect(.entityOrEntities, right, prior) { type in
      switch type {
      case .set: "use contains to test whether a set holds a value"
      case .string: "use 'like' to test a text"
      default: nil
      }
    }
    guard first.isSound, second.isSound else { return .unsound(.bool(.any)) }
    if case .entity(let uid) = literalOrAction(left), uid.isAction, let groups = literalEntities(right) {
      let actionGroups = groups.filter(\.isAction)
      // An unknown group is found elsewhere.
      guard actionGroups.allSatisfy({ schema.actions[$0] != nil }) else { return .unsound(.bool(.any)) }
      let isIn = actionGroups.contains { $0 == uid || schema.actions[$0]?.descendants.contains(uid) == true }
      return .sound(.bool(isIn ? .always : .never))
    }
    guard case .entity(let member) = first.type else { return .unsound(.bool(.any)) }
    let group: String
    switch second.type {
    case .entity(let type), .set(.entity(let type)): group = type
    default: return .unsound(.bool(.any))
    }
    return .sound(.bool(canBe(member, in: group) ? .any : .never))
  }

  private func canBe(_ member: String, in group: String) -> Bool {
    member == group || schema.entityTypes[group]?.descendants.contains(member) == true
      || schema.actions.values.contains { action in
        action.uid.type == group && action.descendants.contains { $0.type == member }
      }
  }

  /// The entities of a literal, the variable `action`, or a set of these; nil for anything else.
  private func literalEntities(_ expression: Expression) -> [EntityUID]? {
    if case .entity(let uid) = literalOrAction(expression) { return [uid] }
    guard case .set(let elements) = expression.kind else { return nil }
    var uids: [EntityUID] = []
    for element in elements {
      guard case .entity(let uid) = literalOrAction(element) else { return nil }
      uids.append(uid)
    }
    return uids
  }

  // MARK: Attributes and tags

  /// The attributes of a record or an entity.
  private func attributes(of type: CedarType?) -> RecordType {
    switch type {
    case .record(let record): record
    case .entity(let name): schema.entityTypes[name]?.attributes ?? .empty
    default: .empty
    }
  }

  mutating func attribute(
    _ name: String, of operand: Expression, _ whole: Expression, _ prior: Set<Capability>
  ) -> Answer {
    let owner = expect(.recordOrEntity, operand, prior)
    guard let ownerType = owner.type else { return .unsound() }
    guard let attribute = attributes(of: ownerType)[name] else {
      let known = attributes(of: ownerType).attributes.map(\.name.text)
      find(
        whole.offset, "\(ownerType) has no attribute \(Names.quoted(name))",
        help: Spelling.closest(to: name, in: known).map { "did you mean \(Names.quoted($0))?" })
      return .unsound()
    }
    guard attribute.isRequired || prior.contains(.attribute(name, of: operand)) else {
      find(
        whole.offset, "the attribute \(Names.quoted(name)) of \(ownerType) is optional and may be missing",
        help: "test it first: … has \(Names.isIdentifier(name) ? name : Names.quoted(name)) && …")
      return .unsound(attribute.type)
    }
    return Answer.sound(attribute.type).unlessUnsound(owner)
  }

  mutating func hasAttribute(_ name: String, of operand: Expression, _ prior: Set<Capability>) -> Answer {
    let owner = expect(.recordOrEntity, operand, prior) { type in
      switch type {
      case .set: "use contains to test whether a set holds a value"
      case .string: "use 'like' to test a text"
      default: nil
      }
    }
    guard let ownerType = owner.type else { return .unsound(.bool(.any)) }
    guard let attribute = attributes(of: ownerType)[name] else {
      return Answer.sound(.bool(.never)).unlessUnsound(owner)
    }
    let capability = Capability.attribute(name, of: operand)
    // An entity may be unknown, and then has not even its required attributes.
    var isKnown = prior.contains(capability)
    if case .record = ownerType, attribute.isRequired { isKnown = true }
    let answer = Answer.sound(.bool(isKnown ? .always : .any), [capability])
    return answer.unlessUnsound(owner)
  }

  private mutating func tag(
    _ operation: Expression.BinaryOperator, _ left: Expression, _ right: Expression, _ whole: Expression,
    _ prior: Set<Capability>
  ) -> Answer {
    let owner = expect(.entity, left, prior)
    let name = expect(.string, right, prior)
    guard case .entity(let type) = owner.type else { return .unsound() }
    let tags = schema.entityTypes[type]?.tags
    let capability = Capability.tag(right, of: left)
    let isKnown = prior.contains(capability)
    if operation == .hasTag {
      let truth: CedarType.Truth = tags == nil ? .never : isKnown ? .always : .any
      return Answer.sound(.bool(truth), [capability]).unlessUnsound(owner, name)
    }
    guard isKnown else {
      find(whole.offset, "the tag may be missing", help: "test it first: ….hasTag(…) && …")
      return .unsound()
    }
    guard let tags else {
      find(whole.offset, "entities of type \(type) have no tags")
      return .unsound()
    }
    return Answer.sound(tags).unlessUnsound(owner, name)
  }

  // MARK: Sets and calls

  mutating func set(_ elements: [Expression], _ whole: Expression, _ prior: Set<Capability>) -> Answer {
    let answers = elements.map { check($0, prior) }
    guard !elements.isEmpty else {
      find(whole.offset, "an empty set has no type: strict validation does not allow one")
      return .unsound()
    }
    var joined: CedarType?
    for answer in answers {
      guard let type = answer.type else { return .unsound() }
      guard let known = joined else {
        joined = type
        continue
      }
      guard let both = join(known, type, whole.offset, "the elements of the set") else { return .unsound() }
      joined = both
    }
    guard let joined else { return .unsound() }
    return Answer(type: .set(joined), isSound: answers.allSatisfy(\.isSound))
  }

  mutating func call(
    _ function: ExtensionFunction, _ arguments: [Expression], _ whole: Expression, _ prior: Set<Capability>
  ) -> Answer {
    let (expected, result) = function.signature
    var hasFailed = false
    if arguments.count != expected.count {
      let receiver = function.isConstructor ? 0 : 1
      find(
        whole.offset,
        "\(function.rawValue) takes \(expected.count - receiver) argument(s), found \(arguments.count - receiver)")
      hasFailed = true
    }
    if function.isConstructor {
      if arguments.count == 1, case .string(let text) = arguments[0].literal, function.construct(text) == nil {
        find(
          whole.offset, "\(Names.quoted(text)) is nothing that \(function.rawValue) can read",
          help: "expected \(function.expectedText)")
        hasFailed = true
      }
      if !arguments.allSatisfy({ $0.literal != nil }) {
        find(whole.offset, "strict validation wants the argument of \(function.rawValue) to be a literal")
        hasFailed = true
      }
    }
    guard !hasFailed else {
      for argument in arguments { _ = check(argument, prior) }
      return .unsound(result)
    }
    var isSound = true
    for (argument, type) in zip(arguments, expected) {
      if !expect(.type(type), argument, prior).isSound { isSound = false }
    }
    return Answer(type: result, isSound: isSound)
  }
}
