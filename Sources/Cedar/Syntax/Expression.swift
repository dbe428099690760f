/// A node of an expression. Nodes are immutable; their height is bounded by the parser, so that walking them by
/// recursion is safe.
final class Expression: Sendable {
  enum Variable: String, Sendable, Hashable {
    case principal, action, resource, context
  }

  enum Slot: String, Sendable, Hashable {
    case principal = "?principal"
    case resource = "?resource"
  }

  enum BinaryOperator: String, Sendable, Hashable {
    case equal = "=="
    case less = "<"
    case lessOrEqual = "<="
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case isIn = "in"
    case contains, containsAll, containsAny, hasTag, getTag
  }

  enum Kind: Sendable {
    case literal(Value)
    case variable(Variable)
    case slot(Slot)
    case conditional(Expression, then: Expression, otherwise: Expression)
    /// Two or more operands, from the left.
    case and([Expression])
    /// Two or more operands, from the left.
    case or([Expression])
    case not(Expression)
    case negate(Expression)
    case isEmpty(Expression)
    case binary(BinaryOperator, Expression, Expression)
    case attribute(Expression, String)
    case hasAttribute(Expression, String)
    case like(Expression, Pattern)
    case isType(Expression, String)
    case set([Expression])
    /// Sorted by name, each once.
    case record([(name: String, value: Expression)])
    case call(ExtensionFunction, [Expression])
  }

  /// The greatest height of a node.
  static let mostHeight = 150

  let kind: Kind
  /// The first byte in the source.
  let offset: Int
  /// One more than the highest child's.
  let height: Int
  /// A hash of everything but places.
  let shapeHash: Int

  init(_ kind: Kind, at offset: Int) {
    self.kind = kind
    self.offset = offset
    var height = 0
    var hasher = Hasher()
    for child in kind.children {
      height = max(height, child.height)
      hasher.combine(child.shapeHash)
    }
    kind.hashOwnPart(into: &hasher)
    self.height = height + 1
    shapeHash = hasher.finalize()
  }

  /// A chain of `&&` from the left, as one node. Literals at its beginning are joined at once, which strict validation
  /// of `==` can tell.
  static func and(_ operands: [Expression], at offset: Int) -> Expression {
    chain(operands, at: offset, join: { $0 && $1 }, inner: { if case .and(let inner) = $0.kind { inner } else { nil } })
    {
      .and($0)
    }
  }

  /// A chain of `||` from the left, as one node.
  static func or(_ operands: [Expression], at offset: Int) -> Expression {
    chain(operands, at: offset, join: { $0 || $1 }, inner: { if case .or(let inner) = $0.kind { inner } else { nil } })
    {
      .or($0)
    }
  }

  private static func chain(
    _ operands: [Expression], at offset: Int, join: (Bool, Bool) -> Bool, inner: (Expression) -> [Expression]?,
    make: ([Expression]) -> Kind
  ) -> Expression {
    var chain: [Expression] = []
    for operand in operands {
      if chain.isEmpty {
        chain = inner(operand) ?? [operand]
      } else if chain.count == 1, case .literal(.bool(let left)) = chain[0].kind,
        case .literal(.bool(let right)) = operand.kind
      {
        chain = [Expression(.literal(.bool(join(left, right))), at: offset)]
      } else {
        chain.append(operand)
      }
    }
    return chain.count == 1 ? chain[0] : Expression(make(chain), at: offset)
  }
}

extension Expression.Kind {
  var children: [Expression] {
    switch self {
    case .literal, .variable, .slot: []
    case .conditional(let test, let then, let otherwise): [test, then, otherwise]
    case .and(let operands), .or(let operands), .set(let operands), .call(_, let operands): operands
    case .not(let operand), .negate(let operand), .isEmpty(let operand), .attribute(let operand, _),
      .hasAttribute(let operand, _), .like(let operand, _), .isType(let operand, _):
      [operand]
    case .binary(_, let left, let right): [left, right]
    case .record(let fields): fields.map(\.value)
    }
  }

  /// Everything of the node but its children.
  fileprivate func hashOwnPart(into hasher: inout Hasher) {
    switch self {
    case .literal(let value): hasher.combine(value)
    case .variable(let variable): hasher.combine(variable)
    case .slot(let slot): hasher.combine(slot)
    case .conditional: hasher.combine(1)
    case .and: hasher.combine(2)
    case .or: hasher.combine(3)
    case .not: hasher.combine(4)
    case .negate: hasher.combine(5)
    case .isEmpty: hasher.combine(6)
    case .binary(let operation, _, _): hasher.combine(operation)
    case .attribute(_, let name), .hasAttribute(_, let name), .isType(_, let name): name.hashExactly(into: &hasher)
    case .like(_, let pattern): hasher.combine(pattern)
    case .set: hasher.combine(7)
    case .record(let fields): for field in fields { field.name.hashExactly(into: &hasher) }
    case .call(let function, _): hasher.combine(function)
    }
  }

  fileprivate func hasSameOwnPart(as other: Expression.Kind) -> Bool {
    switch (self, other) {
    case (.literal(let a), .literal(let b)): a == b
    case (.variable(let a), .variable(let b)): a == b
    case (.slot(let a), .slot(let b)): a == b
    case (.conditional, .conditional), (.and, .and), (.or, .or), (.not, .not), (.negate, .negate),
      (.isEmpty, .isEmpty), (.set, .set):
      true
    case (.binary(let a, _, _), .binary(let b, _, _)): a == b
    case (.attribute(_, let a), .attribute(_, let b)), (.hasAttribute(_, let a), .hasAttribute(_, let b)),
      (.isType(_, let a), .isType(_, let b)):
      a.isExactly(b)
    case (.like(_, let a), .like(_, let b)): a == b
    case (.record(let a), .record(let b)):
      a.count == b.count && zip(a, b).allSatisfy { $0.name.isExactly($1.name) }
    case (.call(let a, _), .call(let b, _)): a == b
    default: false
    }
  }
}

/// An expression compared without regard to places.
struct ExpressionShape: Hashable, Sendable {
  let expression: Expression

  static func == (left: ExpressionShape, right: ExpressionShape) -> Bool {
    isSame(left.expression, right.expression)
  }

  func hash(into hasher: inout Hasher) { hasher.combine(expression.shapeHash) }

  private static func isSame(_ left: Expression, _ right: Expression) -> Bool {
    if left === right { return true }
    guard left.shapeHash == right.shapeHash, left.kind.hasSameOwnPart(as: right.kind) else { return false }
    let mine = left.kind.children
    let theirs = right.kind.children
    return mine.count == theirs.count && zip(mine, theirs).allSatisfy { isSame($0, $1) }
  }
}
