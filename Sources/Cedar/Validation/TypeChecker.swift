/// Checks the types of one policy's expressions in one environment: one action with one type of principal and one of
/// resource.
struct TypeChecker {
  /// What the variables are.
  struct Environment {
    let principal: String
    let action: EntityUID
    let resource: String
    let context: RecordType
    /// The type of what a template's slot will hold.
    var principalSlot: String?
    var resourceSlot: String?
  }

  /// What is known of an expression after checking it.
  struct Answer {
    /// Nil when nothing is known, which a finding explains.
    var type: CedarType?
    /// False when it or a part of it is wrong. Checking goes on with the type all the same.
    var isSound: Bool
    /// What holds when the expression is true.
    var capabilities: Set<Capability> = []

    static func sound(_ type: CedarType, _ capabilities: Set<Capability> = []) -> Answer {
      Answer(type: type, isSound: true, capabilities: capabilities)
    }

    static func unsound(_ type: CedarType? = nil) -> Answer { Answer(type: type, isSound: false) }

    /// This, unless one of the parts is wrong.
    func unlessUnsound(_ parts: Answer...) -> Answer {
      parts.allSatisfy(\.isSound) ? self : Answer(type: type, isSound: false)
    }
  }

  /// A finding with the byte of the policy's text.
  struct Finding: Hashable {
    let offset: Int
    let message: String
    let help: String?
  }

  let schema: Schema
  let environment: Environment
  var findings: Set<Finding> = []

  init(schema: Schema, environment: Environment) {
    self.schema = schema
    self.environment = environment
  }

  mutating func find(_ offset: Int, _ message: String, help: String? = nil) {
    findings.insert(Finding(offset: offset, message: message, help: help))
  }

  /// Checks conditions that must all be true.
  mutating func check(_ conditions: [Expression]) -> Answer { conjunction(conditions[...], []) }

  /// Checks an expression.
  /// - Parameter prior: what is known to hold where it stands.
  mutating func check(_ expression: Expression, _ prior: Set<Capability>) -> Answer {
    switch expression.kind {
    case .literal(let value): return literal(value)
    case .variable(.principal): return .sound(.entity(environment.principal))
    case .variable(.action): return .sound(.entity(environment.action.type))
    case .variable(.resource): return .sound(.entity(environment.resource))
    case .variable(.context): return .sound(.record(environment.context))
    case .slot(let slot):
      let type = slot == .principal ? environment.principalSlot : environment.resourceSlot
      return type.map { .sound(.entity($0)) } ?? .unsound()
    case .conditional(let test, let then, let otherwise):
      return conditional(test, then, otherwise, expression, prior)
    case .and(let operands): return conjunction(operands[...], prior)
    case .or(let operands): return disjunction(operands, prior)
    case .not(let operand):
      let answer = expect(.bool, operand, prior)
      switch answer.type {
      case .bool(.always): return Answer.sound(.bool(.never)).unlessUnsound(answer)
      case .bool(.never): return Answer.sound(.bool(.always)).unlessUnsound(answer)
      default: return Answer.sound(.bool(.any)).unlessUnsound(answer)
      }
    case .negate(let operand): return Answer.sound(.long).unlessUnsound(expect(.long, operand, prior))
    case .isEmpty(let operand): return Answer.sound(.bool(.any)).unlessUnsound(expect(.set, operand, prior))
    case .binary(let operation, let left, let right): return binary(operation, left, right, expression, prior)
    case .attribute(let operand, let name): return attribute(name, of: operand, expression, prior)
    case .hasAttribute(let operand, let name): return hasAttribute(name, of: operand, prior)
    case .like(let operand, _):
      return Answer.sound(.bool(.any)).unlessUnsound(expect(.string, operand, prior))
    case .isType(let operand, let type):
      let answer = expect(.entity, operand, prior)
      guard case .entity(let actual) = answer.type else { return .unsound(.bool(.any)) }
      return Answer.sound(.bool(actual == type ? .always : .never)).unlessUnsound(answer)
    case .set(let elements): return set(elements, expression, prior)
    case .record(let fields):
      var attributes: [RecordType.Attribute] = []
      var isSound = true
      for field in fields {
        let answer = check(field.value, prior)
        isSound = isSound && answer.isSound
        if let type = answer.type {
          attributes.append(RecordType.Attribute(name: ExactText(field.name), type: type, isRequired: true))
        }
      }
      guard attributes.count == fields.count else { return .unsound() }
      return Answer(type: .record(RecordType(attributes)), isSound: isSound)
    case .call(let function, let arguments): return call(function, arguments, expression, prior)
    }
  }

  private func literal(_ value: Value) -> Answer {
    switch value {
    case .bool(let truth): return .sound(.bool(truth ? .always : .never))
    case .long: return .sound(.long)
    case .string: return .sound(.string)
    case .entity(let uid):
      // What the schema does not know is found elsewhere, once for the policy.
      let isKnown = uid.isAction ? schema.actions[uid] != nil : schema.entityTypes[uid.type] != nil
      return isKnown ? .sound(.entity(uid.type)) : .unsound()
    case .set, .record, .ip, .decimal, .datetime, .duration: return .unsound()
    }
  }

  // MARK: Logic

  private mutating func conditional(
    _ test: Expression, _ then: Expression, _ otherwise: Expression, _ whole: Expression, _ prior: Set<Capability>
  ) -> Answer {
    let tested = expect(.bool, test, prior)
    if tested.type == .bool(.always) {
      var answer = check(then, prior.union(tested.capabilities))
      answer.capabilities.formUnion(tested.capabilities)
      return answer.unlessUnsoundKeepingCapabilities(tested)
    }
    if tested.type == .bool(.never) { return check(otherwise, prior).unlessUnsoundKeepingCapabilities(tested) }
    var first = check(then, prior.union(tested.capabilities))
    if first.isSound { first.capabilities.formUnion(tested.capabilities) }
    let second = check(otherwise, prior)
    guard let left = first.type, let right = second.type else { return .unsound() }
    guard let type = join(left, right, whole.offset, "the two results of 'if'") else { return .unsound() }
    return Answer.sound(type, first.capabilities.intersection(second.capabilities)).unlessUnsound(
      tested, first, second)
  }

  /// Operands from the left, until one can only be false.
  private mutating func conjunction(_ operands: ArraySlice<Expression>, _ prior: Set<Capability>) -> Answer {
    guard let first = operands.first else { return .sound(.bool(.always)) }
    var left = expect(.bool, first, prior)
    // Grows in place: a chain of thousands of tests must not copy what it knows at each of them.
    var known = prior
    known.formUnion(left.capabilities)
    for operand in operands.dropFirst() {
      // What stands behind a false operand is never evaluated, and so not checked.
      if left.type == .bool(.never) { break }
      let right = expect(.bool, operand, known)
      left.isSound = left.isSound && right.isSound
      known.formUnion(right.capabilities)
      switch (left.type, right.type) {
      case (.some, .bool(.never)): left.type = .bool(.never)
      case (.some, .bool(.always)): left.capabilities.formUnion(right.capabilities)
      case (.bool(.always), .some(let type)):
        left.type = type
        left.capabilities = right.capabilities
      case (.some, .some):
        left.type = .bool(.any)
        left.capabilities.formUnion(right.capabilities)
      default: left = .unsound(.bool(.any))
      }
    }
    if left.type == .bool(.never) || !left.isSound { left.capabilities = [] }
    return left
  }

  /// Operands from the left, until one can only be true.
  private mutating func disjunction(_ operands: [Expression], _ prior: Set<Capability>) -> Answer {
    var left = expect(.bool, operands[0], prior)
    for operand in operands.dropFirst() {
      if left.type == .bool(.always) { return left }
      let right = expect(.bool, operand, prior)
      let isSound = left.isSound && right.isSound
      switch (left.type, right.type) {
      case (.some, .bool(.always)):
        left = Answer(type: .bool(.always), isSound: isSound, capabilities: right.capabilities)
      case (.some, .bool(.never)): left.isSound = isSound
      case (.bool(.never), .some): left = Answer(type: right.type, isSound: isSound, capabilities: right.capabilities)
      case (.some, .some):
        left = Answer(
          type: .bool(.any), isSound: isSound, capabilities: left.capabilities.intersection(right.capabilities))
      default: left = .unsound(.bool(.any))
      }
      if !left.isSound { left.capabilities = [] }
    }
    return left
  }

  // MARK: Expectations

  /// What an operator accepts.
  enum Expectation {
    case bool, long, string, entity, set, recordOrEntity, entityOrEntities
    case type(CedarType)

    func accepts(_ type: CedarType) -> Bool {
      switch (self, type) {
      case (.bool, .bool), (.long, .long), (.string, .string), (.entity, .entity), (.set, .set),
        (.recordOrEntity, .record), (.recordOrEntity, .entity), (.entityOrEntities, .entity),
        (.entityOrEntities, .set(.entity)):
        true
      case (.type(let expected), _): type.isSubtype(of: expected)
      default: false
      }
    }

    var description: String {
      switch self {
      case .bool: "Bool"
      case .long: "Long"
      case .string: "String"
      case .entity: "an entity"
      case .set: "a set"
      case .recordOrEntity: "a record or an entity"
      case .entityOrEntities: "an entity or a set of entities"
      case .type(let type): type.description
      }
    }
  }

  /// Checks an expression whose type must fit.
  mutating func expect(
    _ expected: Expectation, _ expression: Expression, _ prior: Set<Capability>,
    help: (CedarType) -> String? = { _ in nil }
  ) -> Answer {
    let answer = check(expression, prior)
    guard let type = answer.type else { return .unsound() }
    guard expected.accepts(type) else {
      find(expression.offset, "expected \(expected.description), found \(type)", help: help(type))
      return .unsound()
    }
    return answer
  }

  /// The join of two types, or a finding.
  mutating func join(_ left: CedarType, _ right: CedarType, _ offset: Int, _ what: String) -> CedarType? {
    do throws(CedarType.Mismatch) {
      return try left.joined(right)
    } catch {
      find(offset, "\(what) have different types, \(left) and \(right)", help: error.help)
      return nil
    }
  }
}

extension TypeChecker.Answer {
  /// This, unless the test before it is wrong.
  fileprivate func unlessUnsoundKeepingCapabilities(_ test: TypeChecker.Answer) -> TypeChecker.Answer {
    isSound && test.isSound ? self : TypeChecker.Answer(type: type, isSound: false)
  }
}
