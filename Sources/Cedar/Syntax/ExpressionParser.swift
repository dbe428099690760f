/// Reads expressions, by recursive descent over the tokens.
struct ExpressionParser {
  var cursor: TokenCursor
  private var nesting = 0

  /// How deeply brackets and conditionals may be nested.
  static let mostNesting = 100

  init(_ cursor: TokenCursor) { self.cursor = cursor }

  /// What was read, before it is known whether it stands for a value: a name can also be a function, a type or an
  /// attribute, and the pattern of `like` has escapes of its own.
  enum Operand {
    case expression(Expression)
    case variable(Expression.Variable, at: Int)
    case name(String, at: Int)
    case string(Token)
    case bool(Bool, at: Int)
  }

  /// A whole expression.
  mutating func expression() throws(CedarDiagnostic) -> Expression { try value(try operand()) }

  // MARK: Levels of precedence, loosest first

  mutating func operand() throws(CedarDiagnostic) -> Operand {
    nesting += 1
    defer { nesting -= 1 }
    guard nesting <= Self.mostNesting else {
      throw cursor.fail("expressions may be nested \(Self.mostNesting) deep")
    }
    let start = cursor.offset
    // `if` also begins a record's key or the right side of `has`, where it is refused as a reserved word.
    guard cursor.isWord("if"), cursor.ahead().kind != .symbol(.colon) else { return try disjunction() }
    cursor.advance()
    let test = try expression()
    guard cursor.takeWord("then") else { throw cursor.unexpected("'then' after the condition of 'if'") }
    let then = try expression()
    guard cursor.takeWord("else") else {
      throw cursor.unexpected("'else'", help: "every 'if' has a 'then' and an 'else'")
    }
    let otherwise = try expression()
    return .expression(try node(.conditional(test, then: then, otherwise: otherwise), at: start))
  }

  private mutating func disjunction() throws(CedarDiagnostic) -> Operand {
    let start = cursor.offset
    let first = try conjunction()
    guard cursor.isSymbol(.or) else { return first }
    var operands = [try value(first)]
    while cursor.take(.or) { operands.append(try value(try conjunction())) }
    return .expression(try checked(Expression.or(operands, at: start)))
  }

  private mutating func conjunction() throws(CedarDiagnostic) -> Operand {
    let start = cursor.offset
    let first = try relation()
    guard cursor.isSymbol(.and) else { return first }
    var operands = [try value(first)]
    while cursor.take(.and) { operands.append(try value(try relation())) }
    return .expression(try checked(Expression.and(operands, at: start)))
  }

  private mutating func relation() throws(CedarDiagnostic) -> Operand {
    let start = cursor.offset
    let left = try sum()
    if cursor.takeWord("has") { return .expression(try has(try value(left), at: start)) }
    if cursor.takeWord("like") { return .expression(try like(try value(left), at: start)) }
    if cursor.takeWord("is") { return .expression(try isType(try value(left), at: start)) }
    guard let relation = relationOperator() else { return left }
    let first = try value(left)
    cursor.advance()
    let second = try value(try sum())
    let result = try compare(first, relation, second, at: start)
    if relationOperator() != nil || cursor.isWord("has") || cursor.isWord("like") || cursor.isWord("is") {
      throw cursor.fail(
        "comparisons cannot be chained: \(cursor.found) follows another",
        help: "put parentheses around one of them, or join them with &&")
    }
    return .expression(result)
  }

  /// The symbol or word of a comparison that stands here, as it is written.
  private func relationOperator() -> String? {
    switch cursor.token.kind {
    case .symbol(.equal), .symbol(.notEqual), .symbol(.less), .symbol(.lessOrEqual), .symbol(.greater),
      .symbol(.greaterOrEqual), .symbol(.assign):
      cursor.text(cursor.token)
    case .identifier: cursor.isWord("in") ? "in" : nil
    default: nil
    }
  }

  private func compare(
    _ left: Expression, _ relation: String, _ right: Expression, at start: Int
  ) throws(CedarDiagnostic) -> Expression {
    switch relation {
    case "==": return try node(.binary(.equal, left, right), at: start)
    case "!=": return try node(.not(try node(.binary(.equal, left, right), at: start)), at: start)
    case "<": return try node(.binary(.less, left, right), at: start)
    case "<=": return try node(.binary(.lessOrEqual, left, right), at: start)
    case ">": return try node(.not(try node(.binary(.lessOrEqual, left, right), at: start)), at: start)
    case ">=": return try node(.not(try node(.binary(.less, left, right), at: start)), at: start)
    case "in": return try node(.binary(.isIn, left, right), at: start)
    default: throw cursor.source.diagnostic(start, "'=' compares nothing", help: "write == to compare")
    }
  }

  private mutating func sum() throws(CedarDiagnostic) -> Operand {
    let start = cursor.offset
    let first = try product()
    guard cursor.isSymbol(.plus) || cursor.isSymbol(.minus) else { return first }
    var result = try value(first)
    while true {
      let operation: Expression.BinaryOperator
      if cursor.take(.plus) {
        operation = .add
      } else if cursor.take(.minus) {
        operation = .subtract
      } else {
        return .expression(result)
      }
      result = try node(.binary(operation, result, try value(try product())), at: start)
    }
  }

  private mutating func product() throws(CedarDiagnostic) -> Operand {
    let start = cursor.offset
    let first = try unary()
    if cursor.isSymbol(.divide) || cursor.isSymbol(.modulo) { throw cursor.fail("the language has no \(cursor.found)") }
    guard cursor.isSymbol(.times) else { return first }
    var result = try value(first)
    while cursor.take(.times) {
      result = try node(.binary(.multiply, result, try value(try unary())), at: start)
      if cursor.isSymbol(.divide) || cursor.isSymbol(.modulo) {
        throw cursor.fail("the language has no \(cursor.found)")
      }
    }
    return .expression(result)
  }

  private mutating func unary() throws(CedarDiagnostic) -> Operand {
    let start = cursor.offset
    let symbol: Token.Symbol = cursor.isSymbol(.minus) ? .minus : .not
    var count = 0
    while cursor.take(symbol) { count += 1 }
    guard count > 0 else { return try member() }
    guard count <= 4 else {
      throw cursor.source.diagnostic(start, "at most four '\(symbol.rawValue)' may follow one another")
    }
    var result: Expression
    if symbol == .minus, cursor.token.kind == .number, !continuesMember(cursor.ahead()) {
      // The minus belongs to the number: the least one has no positive counterpart.
      guard let number = Int64("-" + cursor.text(cursor.token)) else { throw numberTooLarge() }
      result = try node(.literal(.long(number)), at: cursor.offset)
      cursor.advance()
      count -= 1
    } else {
      result = try value(try member())
    }
    for _ in 0..<count { result = try node(symbol == .minus ? .negate(result) : .not(result), at: start) }
    return .expression(result)
  }

  func continuesMember(_ token: Token) -> Bool {
    token.kind == .symbol(.dot) || token.kind == .symbol(.openBracket) || token.kind == .symbol(.openParenthesis)
  }

  func numberTooLarge() -> CedarDiagnostic {
    cursor.fail("the number does not fit 64 bits", help: "numbers go from \(Int64.min) to \(Int64.max)")
  }

  // MARK: Nodes

  /// A node, when it is not too high.
  func node(_ kind: Expression.Kind, at offset: Int) throws(CedarDiagnostic) -> Expression {
    try checked(Expression(kind, at: offset))
  }

  func checked(_ node: Expression) throws(CedarDiagnostic) -> Expression {
    guard node.height <= Expression.mostHeight else {
      throw cursor.source.diagnostic(node.offset, "expressions may be \(Expression.mostHeight) operations deep")
    }
    return node
  }

  /// The operand as a value.
  func value(_ operand: Operand) throws(CedarDiagnostic) -> Expression {
    switch operand {
    case .expression(let expression): return expression
    case .variable(let variable, let offset): return Expression(.variable(variable), at: offset)
    case .bool(let value, let offset): return Expression(.literal(.bool(value)), at: offset)
    case .string(let token):
      return Expression(.literal(.string(try cursor.text(ofString: token))), at: token.range.lowerBound)
    case .name(let name, let offset):
      throw cursor.source.diagnostic(
        offset, "there is no variable '\(name)'",
        help: "variables are principal, action, resource and context; an entity is written \(name)::\"id\"")
    }
  }

  // MARK: has, like, is

  private mutating func has(_ target: Expression, at start: Int) throws(CedarDiagnostic) -> Expression {
    if cursor.token.kind == .string {
      let name = try cursor.string()
      return try node(.hasAttribute(target, name), at: start)
    }
    let name = try attributeName("an attribute's name or a string after 'has'")
    var result = try node(.hasAttribute(target, name), at: start)
    var inner = try node(.attribute(target, name), at: start)
    while cursor.take(.dot) {
      let name = try attributeName("an attribute's name after the dot")
      let test = try node(.hasAttribute(inner, name), at: start)
      result = try checked(Expression.and([result, test], at: start))
      inner = try node(.attribute(inner, name), at: start)
    }
    if cursor.isSymbol(.doubleColon) || continuesMember(cursor.token) {
      throw cursor.fail("expected an attribute or a path of attributes such as a.b.c after 'has', found more")
    }
    return result
  }

  private mutating func like(_ target: Expression, at start: Int) throws(CedarDiagnostic) -> Expression {
    guard cursor.token.kind == .string else { throw cursor.unexpected("a pattern in quotes after 'like'") }
    let token = cursor.token
    cursor.advance()
    do throws(Escapes.Fault) {
      let pattern = try Pattern(contents: cursor.contents(token))
      return Expression(.like(target, pattern), at: start)
    } catch {
      throw cursor.source.diagnostic(token.range.lowerBound + 1 + error.offset, error.message)
    }
  }

  private mutating func isType(_ target: Expression, at start: Int) throws(CedarDiagnostic) -> Expression {
    let type = try typeName("an entity type after 'is'")
    let test = try node(.isType(target, type), at: start)
    guard cursor.takeWord("in") else { return test }
    let ancestor = try value(try sum())
    let membership = try node(.binary(.isIn, target, ancestor), at: start)
    return try checked(Expression.and([test, membership], at: start))
  }

  /// An identifier that may name an attribute.
  mutating func attributeName(_ what: String) throws(CedarDiagnostic) -> String {
    guard cursor.token.kind == .identifier else { throw cursor.unexpected(what) }
    let name = cursor.text(cursor.token)
    guard Names.isIdentifier(name), name != Names.languageNamespace else {
      throw cursor.fail("'\(name)' is a reserved word", help: "write [\"\(name)\"], or \"\(name)\" after 'has'")
    }
    cursor.advance()
    return name
  }

  /// An entity type, with its namespaces.
  mutating func typeName(_ what: String) throws(CedarDiagnostic) -> String {
    let start = cursor.offset
    guard cursor.token.kind == .identifier else {
      throw cursor.unexpected(what, help: cursor.token.kind == .string ? "types are written without quotes" : nil)
    }
    var name = cursor.text(cursor.token)
    cursor.advance()
    while cursor.isSymbol(.doubleColon) {
      cursor.advance()
      guard cursor.token.kind == .identifier else { throw cursor.unexpected("an entity type, not an entity") }
      name += "::" + cursor.text(cursor.token)
      cursor.advance()
    }
    try check(name: name, at: start)
    return name
  }

  func check(name: String, at offset: Int) throws(CedarDiagnostic) {
    for part in Names.components(name) where !Names.isIdentifier(part) || part == Names.languageNamespace {
      throw cursor.source.diagnostic(offset, "'\(part)' is a reserved word and cannot be part of a name")
    }
  }
}
