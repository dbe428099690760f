import JSON

/// Reads schemas in the JSON form.
struct SchemaJSONReader {
  private typealias Declarations = SchemaDeclarations
  private let source: SourceText

  static func read(_ json: JSONValue, source: SourceText) throws(CedarError) -> SchemaDeclarations {
    let reader = SchemaJSONReader(source: source)
    do throws(CedarDiagnostic) {
      var declarations = SchemaDeclarations(source: source, namespaces: [])
      for member in try reader.object(json, "").members {
        declarations.namespaces.append(try reader.namespace(member.name, member.value))
      }
      return declarations
    } catch {
      throw CedarError(error)
    }
  }

  private func fail(_ path: String, _ message: String) -> CedarDiagnostic {
    CedarDiagnostic(source: source.name, position: nil, message: path.isEmpty ? message : "\(path): \(message)")
  }

  private func namespace(_ name: String, _ json: JSONValue) throws(CedarDiagnostic) -> SchemaDeclarations.Namespace {
    let path = name.isEmpty ? "the empty namespace" : name
    guard name.isEmpty || Names.isName(name) else { throw fail(name, "not a namespace's name") }
    let object = try object(json, path, knowing: ["entityTypes", "actions", "commonTypes", "annotations"])
    guard let entityTypes = object["entityTypes"], let actions = object["actions"] else {
      throw fail(path, "a namespace has \"entityTypes\" and \"actions\"")
    }
    var namespace = SchemaDeclarations.Namespace(
      name: name.isEmpty ? nil : SchemaDeclarations.Name(text: name, place: .path(path)))
    for member in try self.object(object["commonTypes"] ?? [:], "\(path).commonTypes").members {
      let here = "\(path).commonTypes.\(member.name)"
      guard Names.isName(member.name), !Names.isQualified(member.name),
        !SchemaDeclarations.reservedCommonNames.contains(member.name)
      else { throw fail(here, "not a name that a common type can have") }
      namespace.commons.append(
        SchemaDeclarations.Common(
          name: SchemaDeclarations.Name(text: member.name, place: .path(here)),
          type: try type(member.value, here, alsoKnowing: ["annotations"])))
    }
    for member in try self.object(entityTypes, "\(path).entityTypes").members {
      let here = "\(path).entityTypes.\(member.name)"
      guard Names.isName(member.name), !Names.isQualified(member.name) else {
        throw fail(here, "not an entity type's name")
      }
      namespace.entities.append(
        SchemaDeclarations.Entity(
          name: SchemaDeclarations.Name(text: member.name, place: .path(here)), kind: try entity(member.value, here)))
    }
    for member in try self.object(actions, "\(path).actions").members {
      namespace.actions.append(try action(member.name, member.value, "\(path).actions.\(member.name)"))
    }
    return namespace
  }

  private func entity(_ json: JSONValue, _ path: String) throws(CedarDiagnostic) -> SchemaDeclarations.Entity.Kind {
    let object = try object(json, path, knowing: ["memberOfTypes", "shape", "tags", "enum", "annotations"])
    if let choices = object["enum"] {
      guard object["memberOfTypes"] == nil, object["shape"] == nil, object["tags"] == nil else {
        throw fail(path, "an enumerated entity has no parents, attributes or tags")
      }
      let ids = try strings(choices, "\(path).enum")
      guard !ids.isEmpty else { throw fail("\(path).enum", "at least one id should be here") }
      return .enumerated(ids)
    }
    var tags: SchemaDeclarations.TypeExpression?
    if let json = object["tags"] { tags = try type(json, "\(path).tags") }
    var shape = SchemaDeclarations.TypeExpression.record([])
    if let json = object["shape"] { shape = try type(json, "\(path).shape") }
    return .standard(
      parents: try names(object["memberOfTypes"] ?? [], "\(path).memberOfTypes"), shape: shape, tags: tags)
  }

  private func action(
    _ name: String, _ json: JSONValue, _ path: String
  ) throws(CedarDiagnostic) -> SchemaDeclarations.Action {
    let object = try object(json, path, knowing: ["attributes", "appliesTo", "memberOf", "annotations"])
    if let attributes = object["attributes"], !attributes.isNull { throw fail(path, "actions have no attributes") }
    var parents: [(type: String?, id: String, place: SchemaDeclarations.Place)] = []
    if let groups = object["memberOf"], !groups.isNull {
      for group in try array(groups, "\(path).memberOf") {
        let here = "\(path).memberOf"
        let reference = try self.object(group, here, knowing: ["id", "type"])
        guard let id = reference["id"]?.string else { throw fail(here, "a group has an \"id\"") }
        let type = reference["type"]?.string
        if let type, !Names.isName(type) { throw fail(here, "'\(type)' is not a type's name") }
        parents.append((type, id, .path(here)))
      }
    }
    var principals: [SchemaDeclarations.Name] = []
    var resources: [SchemaDeclarations.Name] = []
    var context = SchemaDeclarations.TypeExpression.record([])
    if let applies = object["appliesTo"], !applies.isNull {
      let here = "\(path).appliesTo"
      let application = try self.object(applies, here, knowing: ["principalTypes", "resourceTypes", "context"])
      guard let principalTypes = application["principalTypes"], let resourceTypes = application["resourceTypes"] else {
        throw fail(here, "\"principalTypes\" and \"resourceTypes\" should be here")
      }
      principals = try names(principalTypes, "\(here).principalTypes")
      resources = try names(resourceTypes, "\(here).resourceTypes")
      if let json = application["context"] { context = try type(json, "\(here).context") }
    }
    return SchemaDeclarations.Action(
      name: SchemaDeclarations.Name(text: name, place: .path(path)), parents: parents, principals: principals,
      resources: resources, context: context)
  }

  // MARK: Types

  private func type(
    _ json: JSONValue, _ path: String, alsoKnowing: [String] = []
  ) throws(CedarDiagnostic) -> SchemaDeclarations.TypeExpression {
    let object = try object(
      json, path, knowing: ["type", "element", "attributes", "additionalAttributes", "name"] + alsoKnowing)
    guard let kind = object["type"]?.string else { throw fail(path, "a type has a \"type\"") }
    let allowed: [String] =
      switch kind {
      case "Set": ["element"]
      case "Record": ["attributes", "additionalAttributes"]
      case "Entity", "EntityOrCommon", "Extension": ["name"]
      default: []
      }
    for member in object.members where !(["type"] + allowed + alsoKnowing).contains(member.name) {
      throw fail(path, "the type \(kind) has no \"\(member.name)\"")
    }
    func name(_ text: String?) throws(CedarDiagnostic) -> SchemaDeclarations.Name {
      guard let text, Names.isName(text, allowingLanguageNamespace: true) else {
        throw fail(path, "\(text.map { "'\($0)'" } ?? "nothing") is not a type's name")
      }
      return SchemaDeclarations.Name(text: text, place: .path(path))
    }
    switch kind {
    case "String": return .string
    case "Long": return .long
    case "Boolean": return .bool
    case "Set":
      guard let element = object["element"] else { throw fail(path, "a set has an \"element\"") }
      return .set(try type(element, "\(path).element"))
    case "Record":
      guard let attributes = object["attributes"] else { throw fail(path, "a record has \"attributes\"") }
      if let open = object["additionalAttributes"], open.bool != false {
        throw fail(path, "records with additional attributes are not supported")
      }
      return .record(try self.attributes(attributes, "\(path).attributes"))
    case "Entity": return .entity(try name(object["name"]?.string))
    case "EntityOrCommon": return .entityOrCommon(try name(object["name"]?.string))
    case "Extension": return .extension(try name(object["name"]?.string))
    default: return .common(try name(kind))
    }
  }

  private func attributes(
    _ json: JSONValue, _ path: String
  ) throws(CedarDiagnostic) -> [SchemaDeclarations.Attribute] {
    var attributes: [SchemaDeclarations.Attribute] = []
    for member in try object(json, path).members {
      let here = "\(path).\(member.name)"
      var isRequired = true
      if let required = member.value["required"] {
        guard let value = required.bool else { throw fail(here, "\"required\" is true or false") }
        isRequired = value
      }
      attributes.append(
        SchemaDeclarations.Attribute(
          name: member.name, type: try type(member.value, here, alsoKnowing: ["required", "annotations"]),
          isRequired: isRequired))
    }
    return attributes
  }

  // MARK: Pieces of JSON

  private func object(
    _ json: JSONValue, _ path: String, knowing known: [String]? = nil
  ) throws(CedarDiagnostic) -> JSONObject {
    guard let object = json.object else { throw fail(path, "an object should be here") }
    if let known {
      for member in object.members where !known.contains(member.name) {
        throw fail(path, "unknown member \"\(member.name)\"; known are \(known.joined(separator: ", "))")
      }
      if known.contains("annotations"), let annotations = object["annotations"] {
        try check(annotations: annotations, "\(path).annotations")
      }
    }
    return object
  }

  /// Annotations mean nothing here, but they must be texts by name.
  private func check(annotations json: JSONValue, _ path: String) throws(CedarDiagnostic) {
    for member in try object(json, path).members {
      guard member.value.string != nil || member.value.isNull else { throw fail(path, "annotations are strings") }
      guard Names.isIdentifier("a" + member.name), !(member.name.utf8.first.map { (0x30...0x39).contains($0) } ?? true)
      else { throw fail(path, "\(Names.quoted(member.name)) is not an annotation's name") }
    }
  }

  private func array(_ json: JSONValue, _ path: String) throws(CedarDiagnostic) -> [JSONValue] {
    guard let array = json.array else { throw fail(path, "an array should be here") }
    return array
  }

  private func strings(_ json: JSONValue, _ path: String) throws(CedarDiagnostic) -> [String] {
    var strings: [String] = []
    for element in try array(json, path) {
      guard let text = element.string else { throw fail(path, "strings should be here") }
      strings.append(text)
    }
    return strings
  }

  private func names(_ json: JSONValue, _ path: String) throws(CedarDiagnostic) -> [SchemaDeclarations.Name] {
    var names: [SchemaDeclarations.Name] = []
    for text in try strings(json, path) {
      guard Names.isName(text) else { throw fail(path, "'\(text)' is not a type's name") }
      names.append(SchemaDeclarations.Name(text: text, place: .path(path)))
    }
    return names
  }
}
