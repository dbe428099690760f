/// Reads what binds tightest: literals, names, brackets, and the accesses and calls behind them.
extension ExpressionParser {
  mutating func member() throws(CedarDiagnostic) -> Operand {
    let start = cursor.offset
    let head = try primary()
    guard continuesMember(cursor.token) else { return head }
    var result: Expression
    switch head {
    case .name(let name, let offset):
      guard cursor.isSymbol(.openParenthesis) else { return .expression(try value(.name(name, at: offset))) }
      result = try function(name, at: offset)
    case .variable(let variable, _):
      guard !cursor.isSymbol(.openParenthesis) else { throw cursor.fail("\(variable.rawValue) is not a function") }
      result = try value(head)
    default: result = try value(head)
    }
    while true {
      if cursor.take(.dot) {
        let nameOffset = cursor.offset
        let name = try attributeName("an attribute or method after the dot")
        if cursor.isSymbol(.openParenthesis) {
          result = try method(name, at: nameOffset, of: result, start: start)
        } else {
          result = try node(.attribute(result, name), at: start)
        }
      } else if cursor.take(.openBracket) {
        guard cursor.token.kind == .string else {
          throw cursor.unexpected("an attribute's name in quotes", help: "an index is always a string literal")
        }
        let name = try cursor.string()
        try cursor.expect(.closeBracket, "after the attribute's name")
        result = try node(.attribute(result, name), at: start)
      } else if cursor.isSymbol(.openParenthesis) {
        throw cursor.fail("only functions can be called, such as ip(\"10.0.0.1\")")
      } else {
        return .expression(result)
      }
    }
  }

  // MARK: Calls

  private mutating func arguments() throws(CedarDiagnostic) -> [Expression] {
    try cursor.expect(.openParenthesis, "before the arguments")
    return try expressions(until: .closeParenthesis, "an argument")
  }

  /// Expressions between commas, up to and including the closing bracket; the last comma may be followed by it.
  private mutating func expressions(
    until close: Token.Symbol, _ what: String
  ) throws(CedarDiagnostic) -> [Expression] {
    var expressions: [Expression] = []
    while !cursor.take(close) {
      expressions.append(try expression())
      if cursor.take(close) { break }
      try cursor.expect(.comma, "or '\(close.rawValue)' after \(what)")
    }
    return expressions
  }

  private mutating func function(_ name: String, at offset: Int) throws(CedarDiagnostic) -> Expression {
    let function = ExtensionFunction(rawValue: name)
    if let function, function.isConstructor {
      return try node(.call(function, try arguments()), at: offset)
    }
    if function != nil || Self.methods.contains(name) {
      throw cursor.source.diagnostic(offset, "\(name) is a method", help: "write value.\(name)(…)")
    }
    throw cursor.source.diagnostic(
      offset, "there is no function '\(name)'", help: "functions are ip, decimal, datetime and duration")
  }

  private static let methods: Set<String> = ["contains", "containsAll", "containsAny", "isEmpty", "hasTag", "getTag"]

  private mutating func method(
    _ name: String, at offset: Int, of receiver: Expression, start: Int
  ) throws(CedarDiagnostic) -> Expression {
    let arguments = try arguments()
    if Self.methods.contains(name) {
      let expected = name == "isEmpty" ? 0 : 1
      guard arguments.count == expected else {
        throw cursor.source.diagnostic(
          offset, "\(name) takes \(expected == 0 ? "no argument" : "one argument"), found \(arguments.count)")
      }
      guard let operation = Expression.BinaryOperator(rawValue: name) else {
        return try node(.isEmpty(receiver), at: start)
      }
      return try node(.binary(operation, receiver, arguments[0]), at: start)
    }
    guard let function = ExtensionFunction(rawValue: name) else {
      throw cursor.source.diagnostic(offset, "there is no method '\(name)'")
    }
    guard !function.isConstructor else {
      throw cursor.source.diagnostic(offset, "\(name) is a function", help: "write \(name)(…)")
    }
    return try node(.call(function, [receiver] + arguments), at: start)
  }

  // MARK: Primaries

  private mutating func primary() throws(CedarDiagnostic) -> Operand {
    let start = cursor.offset
    switch cursor.token.kind {
    case .number:
      guard let number = Int64(cursor.text(cursor.token)) else { throw numberTooLarge() }
      cursor.advance()
      return .expression(Expression(.literal(.long(number)), at: start))
    case .string:
      let token = cursor.token
      cursor.advance()
      return .string(token)
    case .slot:
      throw cursor.fail(
        "template slots such as \(cursor.text(cursor.token)) may stand only in the scope",
        help: "constrain the slot in the scope and use principal or resource here")
    case .identifier: return try nameOrEntity()
    case .symbol(.openParenthesis):
      cursor.advance()
      let inner = try expression()
      try cursor.expect(.closeParenthesis, "to close the parenthesis")
      return .expression(inner)
    case .symbol(.openBracket):
      cursor.advance()
      let elements = try expressions(until: .closeBracket, "an element")
      return .expression(try node(.set(elements), at: start))
    case .symbol(.openBrace): return .expression(try record())
    default: throw cursor.unexpected("an expression")
    }
  }

  private mutating func nameOrEntity() throws(CedarDiagnostic) -> Operand {
    let start = cursor.offset
    var name = cursor.text(cursor.token)
    cursor.advance()
    guard cursor.isSymbol(.doubleColon) else {
      switch name {
      case "true": return .bool(true, at: start)
      case "false": return .bool(false, at: start)
      default: break
      }
      if let variable = Expression.Variable(rawValue: name) { return .variable(variable, at: start) }
      guard Names.isIdentifier(name) else {
        throw cursor.source.diagnostic(start, "expected an expression, found the reserved word '\(name)'")
      }
      try check(name: name, at: start)
      return .name(name, at: start)
    }
    while cursor.take(.doubleColon) {
      switch cursor.token.kind {
      case .identifier:
        name += "::" + cursor.text(cursor.token)
        cursor.advance()
      case .string:
        try check(name: name, at: start)
        let id = try cursor.string()
        return .expression(Expression(.literal(.entity(EntityUID(type: name, id: id))), at: start))
      default: throw cursor.unexpected("an entity's id in quotes after '\(name)::'")
      }
    }
    try check(name: name, at: start)
    return .name(name, at: start)
  }

  private mutating func record() throws(CedarDiagnostic) -> Expression {
    let start = cursor.offset
    cursor.advance()
    var fields: [ExactText: Expression] = [:]
    while !cursor.take(.closeBrace) {
      let keyOffset = cursor.offset
      let key = try recordKey()
      try cursor.expect(.colon, "after the attribute's name")
      guard fields.updateValue(try expression(), forKey: ExactText(key)) == nil else {
        throw cursor.source.diagnostic(keyOffset, "the record already has an attribute \(Names.quoted(key))")
      }
      if cursor.take(.closeBrace) { break }
      try cursor.expect(.comma, "or '}' after an attribute")
    }
    let sorted = fields.sorted { $0.key < $1.key }.map { (name: $0.key.text, value: $0.value) }
    return try node(.record(sorted), at: start)
  }

  private mutating func recordKey() throws(CedarDiagnostic) -> String {
    if cursor.token.kind == .string { return try cursor.string() }
    guard cursor.token.kind == .identifier else { throw cursor.unexpected("an attribute's name or a string") }
    let name = cursor.text(cursor.token)
    guard Names.isIdentifier(name), name != Names.languageNamespace else {
      throw cursor.fail("'\(name)' is a reserved word", help: "write it in quotes")
    }
    cursor.advance()
    return name
  }
}
