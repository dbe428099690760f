public import JSON

/// What entities, actions and contexts there are: the schema that policies are validated against.
public struct Schema: Sendable {
  /// One entity type.
  struct EntityType: Sendable {
    let name: String
    /// The only ids that there are, of an enumerated type.
    let choices: [String]?
    let attributes: RecordType
    let tags: CedarType?
    var ancestors: Set<String> = []
    var descendants: Set<String> = []

    func allows(id: String) -> Bool { choices?.contains { $0.isExactly(id) } ?? true }
  }

  /// One action.
  struct Action: Sendable {
    let uid: EntityUID
    let principals: [String]
    let resources: [String]
    let context: RecordType
    let parents: [EntityUID]
    var ancestors: Set<EntityUID> = []
    var descendants: Set<EntityUID> = []
  }

  /// By name.
  let entityTypes: [String: EntityType]
  /// By name.
  let actions: [EntityUID: Action]
  /// In the order of their names, for answers that do not depend on hashes.
  let sortedTypes: [String]
  let sortedActions: [EntityUID]

  /// Names that shadow another name: legal, and easily misread.
  public let warnings: [CedarDiagnostic]

  /// Reads a schema in Cedar's own syntax.
  /// - Throws: what is wrong with it.
  public init(parsing text: [UInt8], source: String = "") throws(CedarError) {
    self = try SchemaResolver.resolve(try SchemaParser.parse(try SourceText(utf8: text, name: source)))
  }

  /// Reads a schema in Cedar's own syntax.
  public init(parsing text: String, source: String = "") throws(CedarError) {
    try self.init(parsing: Array(text.utf8), source: source)
  }

  /// Reads a schema in the JSON form.
  public init(json: JSONValue, source: String = "") throws(CedarError) {
    self = try SchemaResolver.resolve(
      try SchemaJSONReader.read(json, source: SourceText(name: source, bytes: [])))
  }

  /// Reads a schema in the JSON form.
  public init(parsingJSON text: [UInt8], source: String = "") throws(CedarError) {
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONValue(parsing: text)
    } catch {
      throw CedarError(source: source, error.description)
    }
    try self.init(json: json, source: source)
  }

  init(entityTypes: [EntityType], actions: [Action], warnings: [CedarDiagnostic]) {
    self.entityTypes = Dictionary(entityTypes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    self.actions = Dictionary(actions.map { ($0.uid, $0) }, uniquingKeysWith: { first, _ in first })
    sortedTypes = self.entityTypes.keys.sorted()
    sortedActions = self.actions.keys.sorted { $0.description.precedesExactly($1.description) }
    self.warnings = warnings
  }

  /// The entity types, sorted; types of actions are not among them.
  public var entityTypeNames: [String] { sortedTypes }

  /// The actions, sorted.
  public var actionNames: [EntityUID] { sortedActions }

  /// The principals' and resources' types that an action applies to; nil for an unknown action.
  public func applies(_ action: EntityUID) -> (principals: [String], resources: [String])? {
    actions[action].map { ($0.principals, $0.resources) }
  }

  /// The actions as entities, each in its groups.
  public var actionEntities: [Entity] {
    sortedActions.compactMap { actions[$0] }.map { Entity(uid: $0.uid, parents: $0.parents) }
  }
}
