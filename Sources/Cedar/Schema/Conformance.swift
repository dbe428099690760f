extension Schema {
  /// Checks that a request is one that the schema allows: known types, an action that applies to them, a context of
  /// the action's type.
  public func check(_ request: Request) throws(CedarError) {
    for (role, uid) in [("principal", request.principal), ("resource", request.resource)] {
      guard entityTypes[uid.type] != nil else {
        throw CedarError(source: "", "the schema has no entity type \(uid.type), which the \(role) is of")
      }
      try check(uid)
    }
    guard let action = actions[request.action] else {
      throw CedarError(source: "", "the schema has no action \(request.action)")
    }
    guard action.principals.contains(request.principal.type) else {
      throw CedarError(
        source: "", "\(request.action) does not apply to principals of type \(request.principal.type)",
        help: "it applies to \(action.principals.joined(separator: ", "))")
    }
    guard action.resources.contains(request.resource.type) else {
      throw CedarError(
        source: "", "\(request.action) does not apply to resources of type \(request.resource.type)",
        help: "it applies to \(action.resources.joined(separator: ", "))")
    }
    try check(.record(request.context), .record(action.context)) { "context" }
  }

  /// Checks that an entity is of a declared type, with its attributes, tags and parents.
  public func check(_ entity: Entity) throws(CedarError) { try check(entity, source: "") }

  func check(_ entity: Entity, source: String) throws(CedarError) {
    guard let type = entityTypes[entity.uid.type] else {
      throw CedarError(source: source, "the schema has no entity type \(entity.uid.type)")
    }
    try check(entity.uid)
    try check(.record(entity.attributes), .record(type.attributes)) { entity.uid.description }
    for parent in entity.parents {
      try check(parent)
      guard type.ancestors.contains(parent.type) else {
        throw CedarError(source: source, "\(entity.uid) cannot be in \(parent)")
      }
    }
    for tag in entity.tags.fields {
      guard let tags = type.tags else { throw CedarError(source: source, "\(entity.uid) cannot have tags") }
      try check(tag.value, tags) { "\(entity.uid) tag \(Names.quoted(tag.name))" }
    }
  }

  /// Enumerated types have only their ids, and actions must be declared.
  func check(_ uid: EntityUID) throws(CedarError) {
    if let type = entityTypes[uid.type], !type.allows(id: uid.id) {
      throw CedarError(source: "", "\(uid) is none of the entities that \(uid.type) enumerates")
    }
    if uid.isAction, actions[uid] == nil { throw CedarError(source: "", "the schema has no action \(uid)") }
  }

  /// The path is made only for messages: requests may be checked before every decision.
  private func check(_ value: Value, _ type: CedarType, _ path: () -> String) throws(CedarError) {
    switch (type, value) {
    case (.bool, .bool), (.long, .long), (.string, .string), (.extension(.ipaddr), .ip),
      (.extension(.decimal), .decimal), (.extension(.datetime), .datetime), (.extension(.duration), .duration):
      return
    case (.entity(let name), .entity(let uid)) where uid.type == name: try check(uid)
    case (.set(let element), .set(let set)):
      for value in set.elements { try check(value, element, path) }
    case (.record(let expected), .record(let record)):
      for field in record.fields {
        guard let attribute = expected[field.name] else {
          throw CedarError(source: "", "\(path()): the schema knows no attribute \(Names.quoted(field.name))")
        }
        try check(field.value, attribute.type) { "\(path()).\(field.name)" }
      }
      for attribute in expected.attributes where attribute.isRequired && record[attribute.name.text] == nil {
        throw CedarError(
          source: "", "\(path()): the required attribute \(Names.quoted(attribute.name.text)) is missing")
      }
    default: throw CedarError(source: "", "\(path()): expected \(type), found \(value.typeName)")
    }
  }
}
