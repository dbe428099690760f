/// Resolves the names of a schema, checks it, and computes its hierarchies.
struct SchemaResolver {
  private let declarations: SchemaDeclarations
  private var findings: [CedarDiagnostic] = []
  private var warnings: [CedarDiagnostic] = []
  private var entityNames: Set<String> = []
  private var actionTypes: Set<String> = []
  private var actions: Set<EntityUID> = []
  private var commons: [String: (declaration: SchemaDeclarations.Common, namespace: String?)] = [:]
  private var types: TypeResolver

  static func resolve(_ declarations: SchemaDeclarations) throws(CedarError) -> Schema {
    var resolver = SchemaResolver(declarations)
    resolver.collect()
    try resolver.stopOnFindings()
    resolver.checkShadowing()
    try resolver.stopOnFindings()
    resolver.types = TypeResolver(
      declarations: declarations, entityNames: resolver.entityNames.union(resolver.actionTypes),
      commons: resolver.commons)
    resolver.checkCommons()
    let entities = resolver.resolveEntities()
    let actions = resolver.resolveActions()
    try resolver.stopOnFindings()
    return Schema(
      entityTypes: resolver.close(entities), actions: try resolver.close(actions), warnings: resolver.warnings)
  }

  private init(_ declarations: SchemaDeclarations) {
    self.declarations = declarations
    types = TypeResolver(declarations: declarations, entityNames: [], commons: [:])
  }

  private func stopOnFindings() throws(CedarError) {
    if !findings.isEmpty { throw CedarError(findings) }
  }

  private mutating func find(_ place: SchemaDeclarations.Place, _ message: String, help: String? = nil) {
    if hasRoom { findings.append(declarations.diagnostic(place, message, help: help)) }
  }

  /// More findings than these help nobody.
  private var hasRoom: Bool { findings.count < TokenCursor.mostFindings }

  static func qualified(_ name: String, _ namespace: String?) -> String { namespace.map { "\($0)::\(name)" } ?? name }

  // MARK: Declared names

  private mutating func collect() {
    for namespace in declarations.namespaces {
      let name = namespace.name?.text
      for entity in namespace.entities {
        if entity.name.text == "Action" {
          find(entity.name.place, "'Action' is the type of actions and cannot be declared")
        }
        if !entityNames.insert(Self.qualified(entity.name.text, name)).inserted {
          find(entity.name.place, "the entity type '\(entity.name.text)' is declared twice")
        }
        warnIfBuiltin(entity.name)
      }
      for common in namespace.commons {
        let full = Self.qualified(common.name.text, name)
        if commons.updateValue((common, name), forKey: full) != nil {
          find(common.name.place, "the type '\(common.name.text)' is declared twice")
        }
        if entityNames.contains(full) {
          warnings.append(
            declarations.diagnostic(common.name.place, "the type '\(full)' hides the entity type of that name"))
        }
        warnIfBuiltin(common.name)
      }
      if !namespace.actions.isEmpty { actionTypes.insert(Self.qualified("Action", name)) }
      for action in namespace.actions {
        if !actions.insert(EntityUID(type: Self.qualified("Action", name), id: action.name.text)).inserted {
          find(action.name.place, "the action \(Names.quoted(action.name.text)) is declared twice")
        }
      }
    }
  }

  private mutating func warnIfBuiltin(_ name: SchemaDeclarations.Name) {
    guard TypeResolver.builtin[name.text] != nil else { return }
    warnings.append(
      declarations.diagnostic(
        name.place, "'\(name.text)' hides the type of that name",
        help: "write \(Names.languageNamespace)::\(name.text) for the hidden one"))
  }

  /// A name outside any namespace may not be declared again in one: whoever reads it there could not tell which is
  /// meant.
  private mutating func checkShadowing() {
    var unqualified: Set<String> = []
    var unqualifiedActions: Set<ExactText> = []
    for namespace in declarations.namespaces where namespace.name == nil {
      unqualified.formUnion(namespace.entities.map(\.name.text) + namespace.commons.map(\.name.text))
      unqualifiedActions.formUnion(namespace.actions.map { ExactText($0.name.text) })
    }
    for namespace in declarations.namespaces where namespace.name != nil {
      for name in namespace.entities.map(\.name) + namespace.commons.map(\.name)
      where unqualified.contains(name.text) {
        find(name.place, "'\(name.text)' is declared outside the namespace, too, which would be hidden")
      }
      for action in namespace.actions where unqualifiedActions.contains(ExactText(action.name.text)) {
        find(
          action.name.place,
          "the action \(Names.quoted(action.name.text)) is declared outside the namespace, too, which would be hidden")
      }
    }
  }

  // MARK: Types

  private mutating func resolve(
    _ type: SchemaDeclarations.TypeExpression, _ namespace: String?
  ) -> CedarType? {
    guard hasRoom else { return nil }
    do throws(CedarDiagnostic) {
      return try types.resolve(type, namespace)
    } catch {
      findings.append(error)
      return nil
    }
  }

  private mutating func checkCommons() {
    for namespace in declarations.namespaces {
      for common in namespace.commons { _ = resolve(.common(common.name), namespace.name?.text) }
    }
  }

  private mutating func record(
    _ type: SchemaDeclarations.TypeExpression, _ namespace: String?, _ place: SchemaDeclarations.Place, _ what: String
  ) -> RecordType {
    guard let resolved = resolve(type, namespace) else { return .empty }
    guard case .record(let record) = resolved else {
      find(place, "\(what) is not a record")
      return .empty
    }
    return record
  }

  private mutating func entityName(
    _ name: SchemaDeclarations.Name, _ namespace: String?, declared: Set<String>
  ) -> String? {
    for candidate in TypeResolver.candidates(name.text, namespace) where declared.contains(candidate) {
      return candidate
    }
    find(name.place, "there is no entity type '\(name.text)'")
    return nil
  }

  // MARK: Entities

  private mutating func resolveEntities() -> [(type: Schema.EntityType, parents: [String])] {
    var result: [(type: Schema.EntityType, parents: [String])] = []
    for namespace in declarations.namespaces {
      let name = namespace.name?.text
      for entity in namespace.entities {
        let full = Self.qualified(entity.name.text, name)
        switch entity.kind {
        case .enumerated(let ids):
          result.append((Schema.EntityType(name: full, choices: ids, attributes: .empty, tags: nil), []))
        case .standard(let parents, let shape, let tags):
          let attributes = record(shape, name, entity.name.place, "the shape of '\(full)'")
          var tagType: CedarType?
          if let tags { tagType = resolve(tags, name) }
          var parentNames: [String] = []
          for parent in parents {
            if let found = entityName(parent, name, declared: entityNames) { parentNames.append(found) }
          }
          result.append(
            (Schema.EntityType(name: full, choices: nil, attributes: attributes, tags: tagType), parentNames))
        }
      }
    }
    return result
  }

  /// Fills in ancestors and descendants. Types may be in themselves, through others or at once.
  private func close(_ entities: [(type: Schema.EntityType, parents: [String])]) -> [Schema.EntityType] {
    let parents = Dictionary(entities.map { ($0.type.name, $0.parents) }, uniquingKeysWith: { first, _ in first })
    let ancestors = parents.mapValues { Self.reachable(from: $0, parents) }
    var descendants: [String: Set<String>] = [:]
    for (name, above) in ancestors { for ancestor in above { descendants[ancestor, default: []].insert(name) } }
    return entities.map { entity in
      var type = entity.type
      type.ancestors = ancestors[type.name] ?? []
      type.descendants = descendants[type.name] ?? []
      return type
    }
  }

  private static func reachable<Node: Hashable>(from start: [Node], _ edges: [Node: [Node]]) -> Set<Node> {
    var seen: Set<Node> = []
    var queue = start
    while let node = queue.popLast() {
      if seen.insert(node).inserted { queue.append(contentsOf: edges[node] ?? []) }
    }
    return seen
  }

  // MARK: Actions

  private mutating func resolveActions() -> [(action: Schema.Action, place: SchemaDeclarations.Place)] {
    var result: [(action: Schema.Action, place: SchemaDeclarations.Place)] = []
    for namespace in declarations.namespaces {
      let name = namespace.name?.text
      for action in namespace.actions {
        let uid = EntityUID(type: Self.qualified("Action", name), id: action.name.text)
        var parents: [EntityUID] = []
        for parent in action.parents {
          let found = TypeResolver.candidates(parent.type ?? "Action", name)
            .map { EntityUID(type: $0, id: parent.id) }.first { actions.contains($0) }
          if let found {
            parents.append(found)
          } else {
            find(parent.place, "there is no action \(Names.quoted(parent.id)) to be a group")
          }
        }
        let context = record(action.context, name, action.name.place, "the context of \(uid)")
        var applied: [[String]] = []
        for names in [action.principals, action.resources] {
          var found: Set<String> = []
          for type in names { if let type = entityName(type, name, declared: entityNames) { found.insert(type) } }
          applied.append(found.sorted())
        }
        result.append(
          (
            Schema.Action(
              uid: uid, principals: applied[0], resources: applied[1], context: context, parents: parents),
            action.name.place
          ))
      }
    }
    return result
  }

  private func close(
    _ actions: [(action: Schema.Action, place: SchemaDeclarations.Place)]
  ) throws(CedarError) -> [Schema.Action] {
    let parents = Dictionary(
      actions.map { ($0.action.uid, $0.action.parents) }, uniquingKeysWith: { first, _ in first })
    let ancestors = parents.mapValues { Self.reachable(from: $0, parents) }
    var descendants: [EntityUID: Set<EntityUID>] = [:]
    for (uid, above) in ancestors { for ancestor in above { descendants[ancestor, default: []].insert(uid) } }
    for (action, place) in actions where ancestors[action.uid]?.contains(action.uid) == true {
      throw CedarError(declarations.diagnostic(place, "the action \(action.uid) is in itself"))
    }
    return actions.map { entry in
      var action = entry.action
      action.ancestors = ancestors[action.uid] ?? []
      action.descendants = descendants[action.uid] ?? []
      return action
    }
  }
}
