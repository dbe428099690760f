/// Turns written types into types, following common types.
struct TypeResolver {
  /// The types that need no declaration, as they can be written without `__cedar::`.
  static let builtin: [String: CedarType] = [
    "Bool": .bool(.any), "Long": .long, "String": .string, "ipaddr": .extension(.ipaddr),
    "decimal": .extension(.decimal), "datetime": .extension(.datetime), "duration": .extension(.duration),
  ]

  /// How deeply a type may be nested, and how many parts it may have, with common types written out.
  static let mostDepth = 150
  static let mostParts = 100_000

  private struct Resolved {
    let type: CedarType
    let parts: Int
    let depth: Int
  }

  private let declarations: SchemaDeclarations
  private let entityNames: Set<String>
  private let commons: [String: (declaration: SchemaDeclarations.Common, namespace: String?)]
  private var known: [String: Resolved] = [:]
  private var open: Set<String> = []
  private var level = 0

  init(
    declarations: SchemaDeclarations, entityNames: Set<String>,
    commons: [String: (declaration: SchemaDeclarations.Common, namespace: String?)]
  ) {
    self.declarations = declarations
    self.entityNames = entityNames
    self.commons = commons
  }

  /// What a name can stand for, in the order in which that is tried.
  static func candidates(_ name: String, _ namespace: String?) -> [String] {
    guard let namespace, !Names.isQualified(name) else { return [name] }
    return ["\(namespace)::\(name)", name]
  }

  /// The type; throws for names that stand for nothing, cycles, and types too large.
  mutating func resolve(
    _ expression: SchemaDeclarations.TypeExpression, _ namespace: String?
  ) throws(CedarDiagnostic) -> CedarType {
    level = 0
    return try resolved(expression, namespace).type
  }

  private mutating func resolved(
    _ expression: SchemaDeclarations.TypeExpression, _ namespace: String?
  ) throws(CedarDiagnostic) -> Resolved {
    level += 1
    defer { level -= 1 }
    switch expression {
    case .bool: return Resolved(type: .bool(.any), parts: 1, depth: 1)
    case .long: return Resolved(type: .long, parts: 1, depth: 1)
    case .string: return Resolved(type: .string, parts: 1, depth: 1)
    case .set(let element):
      let inner = try resolved(element, namespace)
      return Resolved(type: .set(inner.type), parts: inner.parts + 1, depth: inner.depth + 1)
    case .record(let attributes):
      var parts = 1
      var depth = 0
      var types: [RecordType.Attribute] = []
      for attribute in attributes {
        let inner = try resolved(attribute.type, namespace)
        parts += inner.parts
        depth = max(depth, inner.depth)
        types.append(
          RecordType.Attribute(name: ExactText(attribute.name), type: inner.type, isRequired: attribute.isRequired))
      }
      return Resolved(type: .record(RecordType(types)), parts: parts, depth: depth + 1)
    case .extension(let name):
      guard let type = CedarType.Extension(rawValue: name.text) else {
        throw declarations.diagnostic(name.place, "there is no extension type '\(name.text)'")
      }
      return Resolved(type: .extension(type), parts: 1, depth: 1)
    case .entity(let name):
      return try find(name, namespace, commonsToo: false, entitiesToo: true, "an entity type")
    case .common(let name): return try find(name, namespace, commonsToo: true, entitiesToo: false, "a common type")
    case .entityOrCommon(let name): return try find(name, namespace, commonsToo: true, entitiesToo: true, "a type")
    }
  }

  private mutating func find(
    _ name: SchemaDeclarations.Name, _ namespace: String?, commonsToo: Bool, entitiesToo: Bool, _ what: String
  ) throws(CedarDiagnostic) -> Resolved {
    for candidate in Self.candidates(name.text, namespace) {
      if commonsToo {
        if commons[candidate] != nil { return try common(candidate, name.place) }
        if let builtin = builtin(candidate) { return Resolved(type: builtin, parts: 1, depth: 1) }
      }
      if entitiesToo, entityNames.contains(candidate) {
        return Resolved(type: .entity(candidate), parts: 1, depth: 1)
      }
    }
    throw declarations.diagnostic(name.place, "'\(name.text)' is not declared as \(what)")
  }

  private func builtin(_ name: String) -> CedarType? {
    let prefix = Names.languageNamespace + "::"
    if name.hasPrefix(prefix) { return Self.builtin[String(name.dropFirst(prefix.count))] }
    return entityNames.contains(name) ? nil : Self.builtin[name]
  }

  private mutating func common(
    _ name: String, _ place: SchemaDeclarations.Place
  ) throws(CedarDiagnostic) -> Resolved {
    if let resolved = known[name] { return resolved }
    guard let (declaration, namespace) = commons[name] else {
      throw declarations.diagnostic(place, "'\(name)' is not declared as a common type")
    }
    guard open.insert(name).inserted else {
      throw declarations.diagnostic(declaration.name.place, "the type '\(name)' is part of itself")
    }
    defer { open.remove(name) }
    guard level <= Self.mostDepth else { throw tooLarge(declaration) }
    let resolved = try resolved(declaration.type, namespace)
    guard resolved.depth <= Self.mostDepth, resolved.parts <= Self.mostParts else { throw tooLarge(declaration) }
    known[name] = resolved
    return resolved
  }

  private func tooLarge(_ declaration: SchemaDeclarations.Common) -> CedarDiagnostic {
    declarations.diagnostic(
      declaration.name.place,
      "the type '\(declaration.name.text)' is too large: types may be nested \(Self.mostDepth) deep and have "
        + "\(Self.mostParts) parts")
  }
}
