import JSON

/// Reads values from JSON: plain ones, the escapes `__entity` and `__extn`, and, where a type is expected, the short
/// forms that it allows.
struct ValueReader {
  /// Something wrong, with the path to it.
  struct Fault: Error {
    let path: String
    let message: String
  }

  /// How deeply values may be nested.
  static let mostNesting = 100

  /// A value.
  /// - Parameters:
  ///   - type: what the schema expects here; nil without one.
  static func value(
    _ json: JSONValue, as type: CedarType?, at path: String, nesting: Int = 0
  ) throws(Fault) -> Value {
    guard nesting <= mostNesting else { throw Fault(path: path, message: "values may be nested \(mostNesting) deep") }
    switch type {
    case .entity: return .entity(try uid(json, at: path))
    case .extension(let name): return try extensionValue(json, name, at: path, nesting: nesting)
    case .set(let element):
      guard let elements = json.array else { throw Fault(path: path, message: "expected a set, found \(kind(json))") }
      var values: [Value] = []
      for (number, element_) in elements.enumerated() {
        values.append(try value(element_, as: element, at: "\(path)[\(number)]", nesting: nesting + 1))
      }
      return .set(ValueSet(values))
    case .record(let record): return .record(try self.record(json, record, at: path, nesting: nesting))
    case .bool, .long, .string, nil: return try plain(json, at: path, nesting: nesting)
    }
  }

  /// A record whose attributes the schema knows.
  static func record(
    _ json: JSONValue, _ type: RecordType, at path: String, nesting: Int = 0
  ) throws(Fault) -> Record {
    guard let object = json.object else { throw Fault(path: path, message: "expected a record, found \(kind(json))") }
    var fields: [Record.Field] = []
    for member in object.members {
      guard let attribute = type[member.name] else {
        throw Fault(path: path, message: "the schema knows no attribute \(Names.quoted(member.name)) here")
      }
      fields.append(
        Record.Field(
          name: member.name,
          value: try value(member.value, as: attribute.type, at: "\(path).\(member.name)", nesting: nesting + 1)))
    }
    for attribute in type.attributes where attribute.isRequired && object[attribute.name.text] == nil {
      throw Fault(path: path, message: "the required attribute \(Names.quoted(attribute.name.text)) is missing")
    }
    return Record(fields)
  }

  /// A value without a schema.
  private static func plain(_ json: JSONValue, at path: String, nesting: Int) throws(Fault) -> Value {
    guard nesting <= mostNesting else { throw Fault(path: path, message: "values may be nested \(mostNesting) deep") }
    switch json {
    case .null: throw Fault(path: path, message: "null is no value")
    case .bool(let value): return .bool(value)
    case .int(let value): return .long(value)
    case .double: throw Fault(path: path, message: "numbers are whole and fit 64 bits")
    case .string(let value): return .string(value)
    case .array(let elements):
      var values: [Value] = []
      for (number, element) in elements.enumerated() {
        values.append(try plain(element, at: "\(path)[\(number)]", nesting: nesting + 1))
      }
      return .set(ValueSet(values))
    case .object(let object):
      if let escaped = try escape(object, at: path, nesting: nesting) { return escaped }
      var fields: [Record.Field] = []
      for member in object.members {
        fields.append(
          Record.Field(
            name: member.name,
            value: try plain(member.value, at: "\(path).\(member.name)", nesting: nesting + 1)))
      }
      return .record(Record(fields))
    }
  }

  /// The value of an object that is an escape and nothing else; nil for any other object.
  private static func escape(_ object: JSONObject, at path: String, nesting: Int) throws(Fault) -> Value? {
    guard object.members.count == 1, let member = object.members.first else { return nil }
    switch member.name {
    case "__entity":
      guard member.value["type"]?.string != nil, member.value["id"]?.string != nil else { return nil }
      return .entity(try uid(member.value, at: path))
    case "__extn":
      guard member.value["fn"]?.string != nil else { return nil }
      return try call(member.value, at: path, nesting: nesting)
    case "__expr":
      guard member.value.string != nil else { return nil }
      throw Fault(path: path, message: "the escape __expr is not supported")
    default: return nil
    }
  }

  /// `{"fn": "ip", "arg": "…"}`, or with several `args`; nil when there are neither.
  private static func call(_ json: JSONValue, at path: String, nesting: Int) throws(Fault) -> Value? {
    guard let name = json["fn"]?.string else { return nil }
    let operands: [JSONValue]
    if let operand = json["arg"] {
      operands = [operand]
    } else if let several = json["args"]?.array {
      operands = several
    } else {
      return nil
    }
    guard let function = ExtensionFunction(rawValue: name) else {
      throw Fault(path: path, message: "there is no function '\(name)'")
    }
    let types = function.signature.arguments
    var arguments: [Value] = []
    for (number, operand) in operands.enumerated() {
      let type = number < types.count ? types[number] : nil
      arguments.append(try value(operand, as: type, at: "\(path).args[\(number)]", nesting: nesting + 1))
    }
    do throws(EvaluationError.Reason) {
      return try function.call(arguments)
    } catch {
      let error = EvaluationError(reason: error, source: nil, offset: 0)
      throw Fault(path: path, message: error.message)
    }
  }

  private static func extensionValue(
    _ json: JSONValue, _ type: CedarType.Extension, at path: String, nesting: Int
  ) throws(Fault) -> Value {
    if let text = json.string {
      let function: ExtensionFunction =
        switch type {
        case .ipaddr: .ip
        case .decimal: .decimal
        case .datetime: .datetime
        case .duration: .duration
        }
      guard let value = function.construct(text) else {
        throw Fault(
          path: path, message: "\(Names.quoted(text)) is no \(type.rawValue): expected \(function.expectedText)")
      }
      return value
    }
    if let inner = json["__extn"], let value = try call(inner, at: path, nesting: nesting) { return value }
    if let value = try call(json, at: path, nesting: nesting) { return value }
    throw Fault(path: path, message: "expected a \(type.rawValue), found \(kind(json))")
  }

  /// An entity's name: `{"type": …, "id": …}`, as it is or within `__entity`.
  static func uid(_ json: JSONValue, at path: String) throws(Fault) -> EntityUID {
    let inner = json["__entity"] ?? json
    guard let type = inner["type"]?.string, let id = inner["id"]?.string else {
      throw Fault(path: path, message: "expected an entity with \"type\" and \"id\", found \(kind(json))")
    }
    guard Names.isName(type) else { throw Fault(path: path, message: "\(Names.quoted(type)) is not an entity type") }
    return EntityUID(type: type, id: id)
  }

  private static func kind(_ json: JSONValue) -> String {
    switch json {
    case .null: "null"
    case .bool: "a bool"
    case .int, .double: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}
