public import JSON

extension Entities {
  /// Reads the JSON form: an array of objects with `uid`, `attrs`, `parents` and, optionally, `tags`.
  ///
  /// With a schema, values may use the short forms that their types allow, every entity must conform, and the
  /// schema's actions are added.
  /// - Throws: what is wrong, with the path to it.
  public init(json: JSONValue, schema: Schema? = nil, source: String = "") throws(CedarError) {
    let entities: [Entity]
    do throws(ValueReader.Fault) {
      entities = try Self.entities(json, schema)
    } catch {
      throw CedarError(source: source, error.path.isEmpty ? error.message : "\(error.path): \(error.message)")
    }
    guard let schema else {
      try self.init(entities)
      return
    }
    // The schema's actions are there whether the text names them or not; a copy must say the same.
    var actions = Dictionary(schema.actionEntities.map { ($0.uid, $0) }, uniquingKeysWith: { first, _ in first })
    var others: [Entity] = []
    for entity in entities {
      if entity.uid.isAction {
        actions[entity.uid] = entity
      } else {
        try schema.check(entity, source: source)
        others.append(entity)
      }
    }
    try self.init(others + actions.values)
    for entity in actions.values {
      guard let declared = schema.actions[entity.uid] else {
        throw CedarError(source: source, "the schema has no action \(entity.uid)")
      }
      guard entity.attributes.fields.isEmpty, entity.tags.fields.isEmpty,
        ancestors(of: entity.uid) == declared.ancestors
      else { throw CedarError(source: source, "\(entity.uid) is not as the schema declares it") }
    }
  }

  /// Reads the JSON form from UTF-8.
  public init(parsing text: [UInt8], schema: Schema? = nil, source: String = "") throws(CedarError) {
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONValue(parsing: text)
    } catch {
      throw CedarError(source: source, error.description)
    }
    try self.init(json: json, schema: schema, source: source)
  }

  private static func entities(_ json: JSONValue, _ schema: Schema?) throws(ValueReader.Fault) -> [Entity] {
    guard let array = json.array else {
      throw ValueReader.Fault(path: "", message: "entities are an array of objects")
    }
    var entities: [Entity] = []
    for (number, json) in array.enumerated() { entities.append(try entity(json, schema, at: "[\(number)]")) }
    return entities
  }

  private static func entity(
    _ json: JSONValue, _ schema: Schema?, at path: String
  ) throws(ValueReader.Fault) -> Entity {
    guard let object = json.object else { throw ValueReader.Fault(path: path, message: "an object should be here") }
    guard let uidJSON = object["uid"], let attributesJSON = object["attrs"], let parentsJSON = object["parents"] else {
      throw ValueReader.Fault(path: path, message: "an entity has \"uid\", \"attrs\" and \"parents\"")
    }
    let uid = try ValueReader.uid(uidJSON, at: "\(path).uid")
    guard let parentsArray = parentsJSON.array else {
      throw ValueReader.Fault(path: "\(path).parents", message: "an array should be here")
    }
    var parents: [EntityUID] = []
    for json in parentsArray {
      let parent = try ValueReader.uid(json, at: "\(path).parents")
      guard !uid.isAction || parent.isAction else {
        throw ValueReader.Fault(path: "\(path).parents", message: "an action is only in actions, not in \(parent)")
      }
      parents.append(parent)
    }
    let here = "\(uid)"
    guard let schema, !uid.isAction else {
      return Entity(
        uid: uid, parents: parents, attributes: try fields(attributesJSON, at: here, "attribute") { _ in .some(nil) },
        tags: try fields(object["tags"] ?? [:], at: here, "tag") { _ in .some(nil) })
    }
    guard let type = schema.entityTypes[uid.type] else {
      throw ValueReader.Fault(path: path, message: "the schema has no entity type \(uid.type)")
    }
    return Entity(
      uid: uid, parents: parents,
      attributes: try fields(attributesJSON, at: here, "attribute") { name in
        type.attributes[name].map { .some($0.type) }
      },
      tags: try fields(object["tags"] ?? [:], at: here, "tag") { _ in type.tags.map { .some($0) } })
  }

  /// The members of an object as fields. `type` answers nil for a name that may not be here.
  private static func fields(
    _ json: JSONValue, at path: String, _ what: String, type: (String) -> CedarType??
  ) throws(ValueReader.Fault) -> Record {
    guard let object = json.object else { throw ValueReader.Fault(path: path, message: "the \(what)s are an object") }
    var fields: [Record.Field] = []
    for member in object.members {
      guard let expected = type(member.name) else {
        throw ValueReader.Fault(path: path, message: "the schema knows no \(what) \(Names.quoted(member.name))")
      }
      let value = try ValueReader.value(member.value, as: expected, at: "\(path).\(member.name)")
      fields.append(Record.Field(name: member.name, value: value))
    }
    return Record(fields)
  }
}

extension Record {
  /// Reads a context from JSON.
  /// - Parameters:
  ///   - schema: gives the context's type for the action, so that values may use its short forms.
  /// - Throws: what is wrong, with the path to it; an action that the schema does not have.
  public init(
    context json: JSONValue, schema: Schema? = nil, action: EntityUID? = nil, source: String = ""
  ) throws(CedarError) {
    do throws(ValueReader.Fault) {
      if let schema, let action {
        guard let declared = schema.actions[action] else {
          throw ValueReader.Fault(path: "", message: "the schema has no action \(action)")
        }
        self = try ValueReader.record(json, declared.context, at: "context")
      } else {
        guard case .record(let record) = try ValueReader.value(json, as: nil, at: "context") else {
          throw ValueReader.Fault(path: "", message: "a context is an object")
        }
        self = record
      }
    } catch {
      throw CedarError(source: source, error.path.isEmpty ? error.message : "\(error.path): \(error.message)")
    }
  }
}
