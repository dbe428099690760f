/// Reads schemas in Cedar's own syntax.
struct SchemaParser {
  private typealias Declarations = SchemaDeclarations
  private var cursor: TokenCursor
  private var nesting = 0

  /// How deeply types may be nested.
  static let mostNesting = 100

  private init(_ cursor: TokenCursor) { self.cursor = cursor }

  static func parse(_ source: SourceText) throws(CedarError) -> SchemaDeclarations {
    var findings: [CedarDiagnostic] = []
    var parser = SchemaParser(TokenCursor(source, findings: &findings))
    guard findings.isEmpty else { throw CedarError(findings) }
    do throws(CedarDiagnostic) {
      return SchemaDeclarations(source: source, namespaces: try parser.namespaces())
    } catch {
      throw CedarError(error)
    }
  }

  private mutating func namespaces() throws(CedarDiagnostic) -> [SchemaDeclarations.Namespace] {
    var named: [SchemaDeclarations.Namespace] = []
    var unnamed = SchemaDeclarations.Namespace(name: nil)
    while !cursor.isAtEnd {
      try annotations()
      if cursor.isWord("namespace") {
        cursor.advance()
        let start = cursor.offset
        let name = try path("the namespace's name")
        for part in Names.components(name.text) where part == Names.languageNamespace {
          throw cursor.source.diagnostic(start, "the namespace \(Names.languageNamespace) is reserved")
        }
        var namespace = SchemaDeclarations.Namespace(name: name)
        try cursor.expect(.openBrace, "after the namespace's name")
        while !cursor.take(.closeBrace) {
          try annotations()
          try declaration(&namespace)
        }
        guard !named.contains(where: { $0.name?.text == name.text }) else {
          throw cursor.source.diagnostic(start, "the namespace \(name.text) is declared twice")
        }
        named.append(namespace)
      } else {
        try declaration(&unnamed)
      }
    }
    return named + [unnamed]
  }

  private mutating func annotations() throws(CedarDiagnostic) {
    var names: Set<String> = []
    while cursor.isSymbol(.at) {
      let start = cursor.offset
      cursor.advance()
      let name = try cursor.expectIdentifier("the annotation's name after '@'")
      if cursor.take(.openParenthesis) {
        guard cursor.token.kind == .string else { throw cursor.unexpected("the annotation's value in quotes") }
        _ = try cursor.string()
        try cursor.expect(.closeParenthesis, "after the annotation's value")
      }
      guard names.insert(name).inserted else {
        throw cursor.source.diagnostic(start, "there already is an annotation '@\(name)' here")
      }
    }
  }

  private mutating func declaration(_ namespace: inout SchemaDeclarations.Namespace) throws(CedarDiagnostic) {
    if cursor.takeWord("entity") {
      namespace.entities += try entity()
    } else if cursor.takeWord("action") {
      namespace.actions += try action()
    } else if cursor.takeWord("type") {
      namespace.commons.append(try common())
    } else {
      throw cursor.unexpected("'entity', 'action', 'type' or 'namespace'")
    }
    guard cursor.take(.semicolon) else { throw cursor.unexpected("';' after the declaration") }
  }

  // MARK: Declarations

  private mutating func entity() throws(CedarDiagnostic) -> [SchemaDeclarations.Entity] {
    var names = [try declaredName("the entity type's name")]
    while cursor.take(.comma) { names.append(try declaredName("an entity type's name")) }
    let kind: SchemaDeclarations.Entity.Kind
    if cursor.takeWord("enum") {
      try cursor.expect(.openBracket, "before the ids")
      var ids: [String] = []
      repeat {
        guard cursor.token.kind == .string else { throw cursor.unexpected("an id in quotes") }
        ids.append(try cursor.string())
      } while cursor.take(.comma)
      try cursor.expect(.closeBracket, "after the ids")
      kind = .enumerated(ids)
    } else {
      let parents = cursor.takeWord("in") ? try entityTypes() : []
      var attributes: [SchemaDeclarations.Attribute] = []
      if cursor.take(.assign) {
        guard cursor.isSymbol(.openBrace) else { throw cursor.unexpected("'{' and the entity's attributes") }
      }
      if cursor.take(.openBrace) { attributes = try self.attributes() }
      let tags = cursor.takeWord("tags") ? try type() : nil
      kind = .standard(parents: parents, shape: .record(attributes), tags: tags)
    }
    return names.map { SchemaDeclarations.Entity(name: $0, kind: kind) }
  }

  private mutating func action() throws(CedarDiagnostic) -> [SchemaDeclarations.Action] {
    var names = [try actionName()]
    while cursor.take(.comma) { names.append(try actionName()) }
    var parents: [(type: String?, id: String, place: SchemaDeclarations.Place)] = []
    if cursor.takeWord("in") {
      if cursor.take(.openBracket) {
        repeat { parents.append(try actionReference()) } while cursor.take(.comma)
        try cursor.expect(.closeBracket, "after the groups")
      } else {
        parents.append(try actionReference())
      }
    }
    var principals: [SchemaDeclarations.Name] = []
    var resources: [SchemaDeclarations.Name] = []
    var context = SchemaDeclarations.TypeExpression.record([])
    if cursor.takeWord("appliesTo") { (principals, resources, context) = try application() }
    if cursor.takeWord("attributes") {
      try cursor.expect(.openBrace, "after 'attributes'")
      guard cursor.take(.closeBrace) else { throw cursor.fail("actions have no attributes") }
    }
    return names.map {
      SchemaDeclarations.Action(
        name: $0, parents: parents, principals: principals, resources: resources, context: context)
    }
  }

  private typealias Application = (
    principals: [SchemaDeclarations.Name], resources: [SchemaDeclarations.Name],
    context: SchemaDeclarations.TypeExpression
  )

  private mutating func application() throws(CedarDiagnostic) -> Application {
    let start = cursor.offset
    try cursor.expect(.openBrace, "after 'appliesTo'")
    var principals: [SchemaDeclarations.Name]?
    var resources: [SchemaDeclarations.Name]?
    var context: SchemaDeclarations.TypeExpression?
    while !cursor.take(.closeBrace) {
      let keyOffset = cursor.offset
      let key = try cursor.expectIdentifier("'principal', 'resource' or 'context'")
      try cursor.expect(.colon, "after '\(key)'")
      let isRepeated: Bool
      switch key {
      case "principal":
        isRepeated = principals != nil
        principals = try appliedTypes(key)
      case "resource":
        isRepeated = resources != nil
        resources = try appliedTypes(key)
      case "context":
        isRepeated = context != nil
        if cursor.take(.openBrace) {
          context = .record(try attributes())
        } else {
          context = .common(try path("a record of attributes, or the name of a common type"))
        }
      default:
        throw cursor.source.diagnostic(keyOffset, "expected 'principal', 'resource' or 'context', found '\(key)'")
      }
      if isRepeated { throw cursor.source.diagnostic(keyOffset, "'\(key)' is given twice") }
      if cursor.take(.closeBrace) { break }
      try cursor.expect(.comma, "or '}' after '\(key)'")
    }
    guard let principals, let resources else {
      throw cursor.source.diagnostic(
        start, "'appliesTo' names no \(principals == nil ? "principal" : "resource")",
        help: "an action that applies to nothing has no 'appliesTo'")
    }
    return (principals, resources, context ?? .record([]))
  }

  private mutating func appliedTypes(_ key: String) throws(CedarDiagnostic) -> [SchemaDeclarations.Name] {
    let start = cursor.offset
    let types = try entityTypes()
    guard !types.isEmpty else {
      throw cursor.source.diagnostic(
        start, "the list of types for '\(key)' is empty", help: "an action that applies to nothing has no 'appliesTo'")
    }
    return types
  }

  private mutating func common() throws(CedarDiagnostic) -> SchemaDeclarations.Common {
    let start = cursor.offset
    let name = try declaredName("the type's name")
    guard !SchemaDeclarations.reservedCommonNames.contains(name.text) else {
      throw cursor.source.diagnostic(start, "'\(name.text)' is reserved and cannot be declared as a type")
    }
    try cursor.expect(.assign, "after the type's name")
    return SchemaDeclarations.Common(name: name, type: try type())
  }

  // MARK: Types

  private mutating func type() throws(CedarDiagnostic) -> SchemaDeclarations.TypeExpression {
    nesting += 1
    defer { nesting -= 1 }
    guard nesting <= Self.mostNesting else { throw cursor.fail("types may be nested \(Self.mostNesting) deep") }
    if cursor.take(.openBrace) { return .record(try attributes()) }
    if cursor.isWord("Set"), cursor.ahead().kind == .symbol(.less) {
      cursor.advance()
      cursor.advance()
      let element = try type()
      try cursor.expect(.greater, "after the type of the elements")
      return .set(element)
    }
    return .entityOrCommon(try path("a type"))
  }

  /// Attributes up to and including the closing brace; of a repeated name the last one holds.
  private mutating func attributes() throws(CedarDiagnostic) -> [SchemaDeclarations.Attribute] {
    var attributes: [SchemaDeclarations.Attribute] = []
    var numbers: [ExactText: Int] = [:]
    while !cursor.take(.closeBrace) {
      try annotations()
      let name = try attributeName()
      let isOptional = cursor.take(.question)
      try cursor.expect(.colon, "after the attribute's name")
      let attribute = SchemaDeclarations.Attribute(name: name, type: try type(), isRequired: !isOptional)
      if let number = numbers[ExactText(name)] {
        attributes[number] = attribute
      } else {
        numbers[ExactText(name)] = attributes.count
        attributes.append(attribute)
      }
      if cursor.take(.closeBrace) { break }
      try cursor.expect(.comma, "or '}' after an attribute")
    }
    return attributes
  }

  // MARK: Names

  private mutating func attributeName() throws(CedarDiagnostic) -> String {
    if cursor.token.kind == .string { return try cursor.string() }
    return try identifier("an attribute's name")
  }

  private mutating func identifier(_ what: String) throws(CedarDiagnostic) -> String {
    guard cursor.token.kind == .identifier else { throw cursor.unexpected(what) }
    let text = cursor.text(cursor.token)
    guard Names.isIdentifier(text) else {
      throw cursor.fail("'\(text)' is a reserved word", help: "attributes and actions can be written in quotes")
    }
    cursor.advance()
    return text
  }

  private mutating func declaredName(_ what: String) throws(CedarDiagnostic) -> SchemaDeclarations.Name {
    let start = cursor.offset
    let text = try identifier(what)
    guard text != Names.languageNamespace else {
      throw cursor.source.diagnostic(start, "'\(Names.languageNamespace)' is reserved")
    }
    return SchemaDeclarations.Name(text: text, place: .offset(start))
  }

  private mutating func path(_ what: String) throws(CedarDiagnostic) -> SchemaDeclarations.Name {
    let start = cursor.offset
    var text = try identifier(what)
    while cursor.isSymbol(.doubleColon), cursor.ahead().kind == .identifier {
      cursor.advance()
      text += "::" + (try identifier("a name after '::'"))
    }
    return SchemaDeclarations.Name(text: text, place: .offset(start))
  }

  private mutating func entityTypes() throws(CedarDiagnostic) -> [SchemaDeclarations.Name] {
    guard cursor.take(.openBracket) else { return [try path("an entity type, or a list of them in brackets")] }
    if cursor.take(.closeBracket) { return [] }
    var types: [SchemaDeclarations.Name] = []
    repeat { types.append(try path("an entity type")) } while cursor.take(.comma)
    try cursor.expect(.closeBracket, "after the entity types")
    return types
  }

  private mutating func actionName() throws(CedarDiagnostic) -> SchemaDeclarations.Name {
    let start = cursor.offset
    return SchemaDeclarations.Name(text: try attributeName(), place: .offset(start))
  }

  /// `read`, `"read"`, or with its type: `Shop::Action::"read"`.
  private mutating func actionReference() throws(CedarDiagnostic) -> (String?, String, SchemaDeclarations.Place) {
    let start = cursor.offset
    guard cursor.token.kind == .identifier else { return (nil, try attributeName(), .offset(start)) }
    let name = try path("an action")
    guard cursor.take(.doubleColon) else {
      guard !Names.isQualified(name.text) else {
        throw cursor.unexpected("'::' and the action's id in quotes")
      }
      return (nil, name.text, .offset(start))
    }
    guard cursor.token.kind == .string else { throw cursor.unexpected("the action's id in quotes") }
    return (name.text, try cursor.string(), .offset(start))
  }
}
