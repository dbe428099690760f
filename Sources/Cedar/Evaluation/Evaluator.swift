/// Evaluates expressions for one request.
struct Evaluator {
  let principal: Value
  let action: Value
  let resource: Value
  let context: Value
  let entities: any EntitySource

  /// A failure with the byte of the policy's text that it is about.
  struct Failure: Error {
    let reason: EvaluationError.Reason
    let offset: Int
  }

  init(_ request: Request, _ entities: any EntitySource) {
    principal = .entity(request.principal)
    action = .entity(request.action)
    resource = .entity(request.resource)
    context = .record(request.context)
    self.entities = entities
  }

  /// The value of an expression without slots.
  func evaluate(_ expression: Expression) throws(Failure) -> Value {
    switch expression.kind {
    case .literal(let value): return value
    case .variable(let variable):
      switch variable {
      case .principal: return principal
      case .action: return action
      case .resource: return resource
      case .context: return context
      }
    case .slot(let slot): throw Failure(reason: .noAttribute(slot.rawValue), offset: expression.offset)
    case .conditional(let test, let then, let otherwise): return try evaluate(try bool(test) ? then : otherwise)
    case .and, .or, .not, .isEmpty, .hasAttribute, .like, .isType: return .bool(try bool(expression))
    case .negate(let operand):
      let (negative, overflow) = Int64(0).subtractingReportingOverflow(try long(operand))
      if overflow { throw Failure(reason: .overflow(operation: "-"), offset: expression.offset) }
      return .long(negative)
    case .binary(let operation, let left, let right):
      switch operation {
      case .add, .subtract, .multiply: return .long(try arithmetic(operation, left, right, expression.offset))
      case .getTag: return try getTag(left, right, expression.offset)
      default: return .bool(try bool(expression))
      }
    case .attribute(let operand, let name): return try attribute(name, of: operand, expression.offset)
    case .set(let operands):
      var values: [Value] = []
      values.reserveCapacity(operands.count)
      for operand in operands { values.append(try evaluate(operand)) }
      return .set(ValueSet(values))
    case .record(let fields):
      var evaluated: [Record.Field] = []
      evaluated.reserveCapacity(fields.count)
      for field in fields { evaluated.append(Record.Field(name: field.name, value: try evaluate(field.value))) }
      return .record(Record(evaluated))
    case .call(let function, let operands):
      var arguments: [Value] = []
      arguments.reserveCapacity(operands.count)
      for operand in operands { arguments.append(try evaluate(operand)) }
      do throws(EvaluationError.Reason) {
        return try function.call(arguments)
      } catch {
        throw Failure(reason: error, offset: expression.offset)
      }
    }
  }

  /// The truth of an expression that must be a bool.
  func bool(_ expression: Expression) throws(Failure) -> Bool {
    switch expression.kind {
    case .and(let operands):
      for operand in operands where try !bool(operand) { return false }
      return true
    case .or(let operands):
      for operand in operands where try bool(operand) { return true }
      return false
    case .not(let operand): return try !bool(operand)
    case .isEmpty(let operand): return try set(operand).isEmpty
    case .binary(let operation, let left, let right):
      switch operation {
      case .equal: return try evaluate(left) == evaluate(right)
      case .less, .lessOrEqual: return try compare(operation == .less, left, right)
      case .isIn: return try isIn(left, right)
      case .contains:
        let receiver = try evaluate(left)
        let element = try evaluate(right)
        return try asSet(receiver, left.offset).contains(element)
      case .containsAll, .containsAny:
        let receiver = try evaluate(left)
        let argument = try evaluate(right)
        let mine = try asSet(receiver, left.offset)
        let other = try asSet(argument, right.offset)
        return operation == .containsAll ? mine.containsAll(other) : mine.containsAny(other)
      case .hasTag:
        let (uid, name) = try tagOperands(left, right)
        return entities.tag(name, of: uid) != nil
      case .add, .subtract, .multiply, .getTag: break
      }
    case .hasAttribute(let operand, let name):
      let value = try evaluate(operand)
      switch value {
      case .record(let record): return record[name] != nil
      case .entity(let uid): return entities.attribute(name, of: uid) != nil
      default: throw wrongType("a record or an entity", value, operand.offset)
      }
    case .like(let operand, let pattern): return pattern.matches(try string(operand))
    case .isType(let operand, let type): return try entity(operand).type.isExactly(type)
    default: break
    }
    let value = try evaluate(expression)
    guard case .bool(let truth) = value else { throw wrongType("bool", value, expression.offset) }
    return truth
  }

  // MARK: Operators

  private func arithmetic(
    _ operation: Expression.BinaryOperator, _ left: Expression, _ right: Expression, _ offset: Int
  ) throws(Failure) -> Int64 {
    let (first, second) = (try evaluate(left), try evaluate(right))
    guard case .long(let a) = first else { throw wrongType("long", first, left.offset) }
    guard case .long(let b) = second else { throw wrongType("long", second, right.offset) }
    let (result, overflow) =
      switch operation {
      case .add: a.addingReportingOverflow(b)
      case .subtract: a.subtractingReportingOverflow(b)
      default: a.multipliedReportingOverflow(by: b)
      }
    if overflow { throw Failure(reason: .overflow(operation: operation.rawValue), offset: offset) }
    return result
  }

  private func compare(_ isStrict: Bool, _ left: Expression, _ right: Expression) throws(Failure) -> Bool {
    let (first, second) = (try evaluate(left), try evaluate(right))
    switch (first, second) {
    case (.long(let a), .long(let b)): return isStrict ? a < b : a <= b
    case (.datetime(let a), .datetime(let b)): return isStrict ? a < b : a <= b
    case (.duration(let a), .duration(let b)): return isStrict ? a < b : a <= b
    case (.long, _), (.datetime, _), (.duration, _): throw wrongType(first.typeName, second, right.offset)
    case (_, .long), (_, .datetime), (_, .duration): throw wrongType(second.typeName, first, left.offset)
    default: throw wrongType("long, datetime or duration", first, left.offset)
    }
  }

  private func isIn(_ left: Expression, _ right: Expression) throws(Failure) -> Bool {
    let (first, second) = (try evaluate(left), try evaluate(right))
    guard case .entity(let uid) = first else { throw wrongType("an entity", first, left.offset) }
    switch second {
    case .entity(let ancestor): return uid == ancestor || entities.isMember(uid, of: ancestor)
    case .set(let ancestors):
      // Every element must be an entity, even when an earlier one decides.
      for element in ancestors.elements {
        guard case .entity = element else { throw wrongType("a set of entities", element, right.offset) }
      }
      for case .entity(let ancestor) in ancestors.elements where uid == ancestor || entities.isMember(uid, of: ancestor)
      {
        return true
      }
      return false
    default: throw wrongType("an entity or a set of entities", second, right.offset)
    }
  }

  private func attribute(_ name: String, of operand: Expression, _ offset: Int) throws(Failure) -> Value {
    let owner = try evaluate(operand)
    switch owner {
    case .record(let record):
      if let value = record[name] { return value }
      throw Failure(reason: .noAttribute(name), offset: offset)
    case .entity(let uid):
      if let value = entities.attribute(name, of: uid) { return value }
      throw Failure(
        reason: entities.contains(uid) ? .noEntityAttribute(name, of: uid) : .unknownEntity(uid), offset: offset)
    default: throw wrongType("a record or an entity", owner, operand.offset)
    }
  }

  private func getTag(_ left: Expression, _ right: Expression, _ offset: Int) throws(Failure) -> Value {
    let (uid, name) = try tagOperands(left, right)
    if let value = entities.tag(name, of: uid) { return value }
    throw Failure(reason: entities.contains(uid) ? .noTag(name, of: uid) : .unknownEntity(uid), offset: offset)
  }

  private func tagOperands(_ left: Expression, _ right: Expression) throws(Failure) -> (EntityUID, String) {
    let (first, second) = (try evaluate(left), try evaluate(right))
    guard case .entity(let uid) = first else { throw wrongType("an entity", first, left.offset) }
    guard case .string(let name) = second else { throw wrongType("string", second, right.offset) }
    return (uid, name)
  }

  // MARK: Operands of one type

  private func long(_ operand: Expression) throws(Failure) -> Int64 {
    let value = try evaluate(operand)
    guard case .long(let number) = value else { throw wrongType("long", value, operand.offset) }
    return number
  }

  private func string(_ operand: Expression) throws(Failure) -> String {
    let value = try evaluate(operand)
    guard case .string(let text) = value else { throw wrongType("string", value, operand.offset) }
    return text
  }

  private func entity(_ operand: Expression) throws(Failure) -> EntityUID {
    let value = try evaluate(operand)
    guard case .entity(let uid) = value else { throw wrongType("an entity", value, operand.offset) }
    return uid
  }

  private func set(_ operand: Expression) throws(Failure) -> ValueSet {
    try asSet(try evaluate(operand), operand.offset)
  }

  private func asSet(_ value: Value, _ offset: Int) throws(Failure) -> ValueSet {
    guard case .set(let set) = value else { throw wrongType("set", value, offset) }
    return set
  }

  private func wrongType(_ expected: String, _ found: Value, _ offset: Int) -> Failure {
    Failure(reason: .wrongType(expected: expected, found: found), offset: offset)
  }
}

extension Expression {
  /// The same with calls of constructors, sets and records that hold only literals made into literals, so that
  /// policies pay for these once. What fails is left as it is: it must fail when, and only when, it is evaluated.
  func folded() -> Expression {
    switch kind {
    case .literal, .variable, .slot: return self
    case .conditional(let test, let then, let otherwise):
      return Expression(.conditional(test.folded(), then: then.folded(), otherwise: otherwise.folded()), at: offset)
    case .and(let operands): return Expression(.and(operands.map { $0.folded() }), at: offset)
    case .or(let operands): return Expression(.or(operands.map { $0.folded() }), at: offset)
    case .not(let operand): return Expression(.not(operand.folded()), at: offset)
    case .negate(let operand): return Expression(.negate(operand.folded()), at: offset)
    case .isEmpty(let operand): return Expression(.isEmpty(operand.folded()), at: offset)
    case .binary(let operation, let left, let right):
      return Expression(.binary(operation, left.folded(), right.folded()), at: offset)
    case .attribute(let operand, let name): return Expression(.attribute(operand.folded(), name), at: offset)
    case .hasAttribute(let operand, let name): return Expression(.hasAttribute(operand.folded(), name), at: offset)
    case .like(let operand, let pattern): return Expression(.like(operand.folded(), pattern), at: offset)
    case .isType(let operand, let type): return Expression(.isType(operand.folded(), type), at: offset)
    case .set(let operands):
      let folded = operands.map { $0.folded() }
      let values = folded.compactMap(\.literal)
      return Expression(values.count == folded.count ? .literal(.set(ValueSet(values))) : .set(folded), at: offset)
    case .record(let fields):
      let folded = fields.map { (name: $0.name, value: $0.value.folded()) }
      let values = folded.compactMap { field in field.value.literal.map { Record.Field(name: field.name, value: $0) } }
      return Expression(values.count == folded.count ? .literal(.record(Record(values))) : .record(folded), at: offset)
    case .call(let function, let operands):
      let folded = operands.map { $0.folded() }
      let values = folded.compactMap(\.literal)
      if values.count == folded.count, let value = try? function.call(values) {
        return Expression(.literal(value), at: offset)
      }
      return Expression(.call(function, folded), at: offset)
    }
  }

  var literal: Value? { if case .literal(let value) = kind { value } else { nil } }
}
