/// Reads policies: annotations, effect, scope, clauses.
struct PolicyParser {
  private var expressions: ExpressionParser

  private var cursor: TokenCursor {
    get { expressions.cursor }
    _modify { yield &expressions.cursor }
  }

  private init(_ cursor: TokenCursor) { expressions = ExpressionParser(cursor) }

  /// The policies of a text in its order. After a fault, reading goes on behind the next semicolon.
  static func parse(_ source: SourceText, naming: PolicyNaming) throws(CedarError) -> [Policy] {
    var findings: [CedarDiagnostic] = []
    var parser = PolicyParser(TokenCursor(source, findings: &findings))
    var policies: [Policy] = []
    var count = 0
    while !parser.cursor.isAtEnd, findings.count < TokenCursor.mostFindings {
      do throws(CedarDiagnostic) {
        policies.append(try parser.policy(number: count, naming: naming))
      } catch {
        findings.append(error)
        parser.cursor.skip(past: .semicolon)
        parser = PolicyParser(parser.cursor)
      }
      count += 1
    }
    guard findings.isEmpty else {
      throw CedarError(findings.sorted { $0.place < $1.place })
    }
    return policies
  }

  private mutating func policy(number: Int, naming: PolicyNaming) throws(CedarDiagnostic) -> Policy {
    let start = cursor.offset
    let annotations = try annotations()
    let effectOffset = cursor.offset
    let word = try cursor.expectIdentifier("'permit' or 'forbid'")
    guard let effect = Effect(rawValue: word) else {
      throw cursor.source.diagnostic(effectOffset, "expected 'permit' or 'forbid', found '\(word)'")
    }
    try cursor.expect(.openParenthesis, "after '\(word)'")
    let principalOffset = cursor.offset
    let principal = try entityConstraint(.principal)
    try separator(before: "action")
    let actionOffset = cursor.offset
    let action = try actionConstraint()
    try separator(before: "resource")
    let resourceOffset = cursor.offset
    let resource = try entityConstraint(.resource)
    _ = cursor.take(.comma)
    guard cursor.take(.closeParenthesis) else {
      throw cursor.unexpected("')' after the resource", help: "other conditions belong into 'when { … }'")
    }
    let conditions = try conditions()
    let end = cursor.token.range.upperBound
    guard cursor.take(.semicolon) else { throw cursor.unexpected("'when', 'unless' or ';'") }
    let id: String
    switch naming {
    case .numbered(let prefix): id = prefix + String(number)
    case .annotated(let prefix):
      let own = annotations.first { $0.name == "id" }?.value ?? ""
      id = prefix + (own.isEmpty ? "policy\(number)" : own)
    }
    return Policy(
      id: id, effect: effect, annotations: annotations, link: nil, principal: principal, action: action,
      resource: resource, conditions: conditions, sourceText: cursor.source, range: start..<end,
      places: ScopePlaces(
        effect: effectOffset, principal: principalOffset, action: actionOffset, resource: resourceOffset))
  }

  private mutating func annotations() throws(CedarDiagnostic) -> [Policy.Annotation] {
    var annotations: [Policy.Annotation] = []
    while cursor.isSymbol(.at) {
      let start = cursor.offset
      cursor.advance()
      let name = try cursor.expectIdentifier("the annotation's name after '@'")
      var value = ""
      if cursor.take(.openParenthesis) {
        guard cursor.token.kind == .string else { throw cursor.unexpected("the annotation's value in quotes") }
        value = try cursor.string()
        try cursor.expect(.closeParenthesis, "after the annotation's value")
      }
      guard !annotations.contains(where: { $0.name == name }) else {
        throw cursor.source.diagnostic(start, "the policy already has an annotation '@\(name)'")
      }
      annotations.append(Policy.Annotation(name: name, value: value))
    }
    return annotations
  }

  // MARK: The scope

  private mutating func separator(before next: String) throws(CedarDiagnostic) {
    guard cursor.take(.comma) else {
      throw cursor.unexpected("',' and '\(next)'", help: "the scope is (principal, action, resource)")
    }
  }

  private mutating func variable(_ name: String) throws(CedarDiagnostic) {
    guard cursor.takeWord(name) else {
      throw cursor.unexpected("'\(name)'", help: "the scope is (principal, action, resource)")
    }
    guard !cursor.isSymbol(.colon) else {
      throw cursor.fail("types are not written with a colon", help: "write '\(name) is Type'")
    }
  }

  private mutating func entityConstraint(_ name: Expression.Variable) throws(CedarDiagnostic) -> ScopeConstraint {
    try variable(name.rawValue)
    if cursor.takeWord("is") {
      let type = try expressions.typeName("an entity type after 'is'")
      if cursor.isSymbol(.equal) { throw cursor.fail("'is' and '==' cannot stand together: '==' says the type") }
      guard cursor.takeWord("in") else { return .isType(type) }
      return .isTypeIn(type, try reference(name))
    }
    if cursor.take(.equal) { return .equal(try reference(name)) }
    if cursor.takeWord("in") {
      let reference = try reference(name)
      if cursor.isWord("is") { throw cursor.fail("'is' stands before 'in': \(name.rawValue) is Type in …") }
      return .isIn(reference)
    }
    try refuseOtherOperators("'==', 'in' or 'is'")
    return .any
  }

  private mutating func actionConstraint() throws(CedarDiagnostic) -> ActionConstraint {
    try variable("action")
    if cursor.isWord("is") { throw cursor.fail("actions are compared with '==' or 'in', not with 'is'") }
    let start = cursor.offset
    let constraint: ActionConstraint
    if cursor.take(.equal) {
      constraint = .equal(try entity("an action such as Action::\"read\""))
    } else if cursor.takeWord("in") {
      constraint = .isIn(try actionList())
      if cursor.isWord("is") { throw cursor.fail("actions are compared with '==' or 'in', not with 'is'") }
    } else {
      try refuseOtherOperators("'==' or 'in'")
      return .any
    }
    for uid in constraint.entities where !uid.isAction {
      throw cursor.source.diagnostic(start, "\(uid) is not an action", help: "the type of an action ends in 'Action'")
    }
    return constraint
  }

  /// An action, or a list of them in brackets, possibly within parentheses.
  private mutating func actionList() throws(CedarDiagnostic) -> [EntityUID] {
    var parentheses = 0
    while cursor.take(.openParenthesis) { parentheses += 1 }
    var uids: [EntityUID] = []
    if cursor.take(.openBracket) {
      while !cursor.take(.closeBracket) {
        uids.append(try entity("an action such as Action::\"read\""))
        if cursor.take(.closeBracket) { break }
        try cursor.expect(.comma, "or ']' after an action")
      }
    } else {
      uids.append(try entity("an action, or a list of actions"))
    }
    for _ in 0..<parentheses { try cursor.expect(.closeParenthesis, "to close the parenthesis") }
    return uids
  }

  private func refuseOtherOperators(_ allowed: String) throws(CedarDiagnostic) {
    switch cursor.token.kind {
    case .symbol(.assign): throw cursor.fail("'=' compares nothing", help: "write == to compare")
    case .symbol(.comma), .symbol(.closeParenthesis): return
    default: throw cursor.unexpected("\(allowed), ',' or ')'")
    }
  }

  /// An entity or the variable's own slot, possibly within parentheses.
  private mutating func reference(_ variable: Expression.Variable) throws(CedarDiagnostic) -> EntityReference {
    var parentheses = 0
    while cursor.take(.openParenthesis) { parentheses += 1 }
    let reference: EntityReference
    if cursor.token.kind == .slot {
      guard cursor.text(cursor.token) == "?" + variable.rawValue else {
        throw cursor.unexpected("an entity or ?\(variable.rawValue)")
      }
      cursor.advance()
      reference = .slot
    } else {
      reference = .entity(try entity("an entity such as User::\"alice\", or ?\(variable.rawValue)"))
    }
    for _ in 0..<parentheses { try cursor.expect(.closeParenthesis, "to close the parenthesis") }
    return reference
  }

  private mutating func entity(_ what: String) throws(CedarDiagnostic) -> EntityUID {
    var parentheses = 0
    while cursor.take(.openParenthesis) { parentheses += 1 }
    let start = cursor.offset
    guard cursor.token.kind == .identifier else {
      throw cursor.unexpected(
        what, help: cursor.token.kind == .string ? "an entity is a type and an id: Type::\"id\"" : nil)
    }
    var type = cursor.text(cursor.token)
    cursor.advance()
    while cursor.take(.doubleColon) {
      if cursor.token.kind == .string {
        try expressions.check(name: type, at: start)
        let uid = EntityUID(type: type, id: try cursor.string())
        for _ in 0..<parentheses { try cursor.expect(.closeParenthesis, "to close the parenthesis") }
        return uid
      }
      guard cursor.token.kind == .identifier else { throw cursor.unexpected("an entity's id in quotes") }
      type += "::" + cursor.text(cursor.token)
      cursor.advance()
    }
    throw cursor.source.diagnostic(
      start, "expected \(what), found the name '\(type)'", help: "an entity is a type and an id: \(type)::\"id\"")
  }

  // MARK: Clauses

  private mutating func conditions() throws(CedarDiagnostic) -> [Expression] {
    var conditions: [Expression] = []
    while cursor.token.kind == .identifier {
      let start = cursor.offset
      let word = cursor.text(cursor.token)
      guard word == "when" || word == "unless" else { throw cursor.unexpected("'when', 'unless' or ';'") }
      cursor.advance()
      try cursor.expect(.openBrace, "after '\(word)'")
      guard !cursor.isSymbol(.closeBrace) else {
        throw cursor.fail("the '\(word)' clause is empty", help: "write 'true' or leave the clause out")
      }
      let condition = try expressions.expression()
      guard cursor.take(.closeBrace) else {
        throw cursor.unexpected("an operator, or '}' to end the '\(word)' clause")
      }
      conditions.append(word == "when" ? condition : try expressions.node(.not(condition), at: start))
    }
    return conditions
  }
}
