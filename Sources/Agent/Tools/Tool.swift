import Conversation
import JSON

/// A tool of the model. One file a tool: how the model is told of it, how its arguments are read, what it does.
protocol Tool: Sendable {
  /// How the model is told of it.
  static var definition: ToolDefinition { get }
  /// True when it may change the workspace: such calls run one after another.
  static var mayWrite: Bool { get }

  /// Reads the arguments.
  init(_ arguments: ToolArguments) throws(ToolFailure)

  /// Does it.
  func run(in session: Session, call: String) async throws -> ToolOutput
}

/// What a tool answers.
struct ToolOutput: Sendable {
  /// What the model reads.
  var text: String
  /// The same facts as data.
  var structured: JSONValue?

  init(_ text: String, structured: JSONValue? = nil) {
    self.text = text
    self.structured = structured
  }
}

/// A tool could not do what was asked. The model reads why and goes on; the run does not end.
struct ToolFailure: Error, Sendable, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// A call's arguments, read strictly: a wrong type is said to the model, not guessed at.
struct ToolArguments: Sendable {
  private let object: JSONObject
  /// The whole input of a free-form call.
  let freeform: String?

  init(_ arguments: ToolCall.Arguments) throws(ToolFailure) {
    switch arguments {
    case .freeform(let text):
      freeform = text
      object = JSONObject()
    case .json(let text):
      freeform = nil
      if text.allSatisfy(\.isWhitespace) {
        object = JSONObject()
        return
      }
      let value: JSONValue
      do {
        value = try JSONValue(parsing: text)
      } catch {
        throw ToolFailure("the arguments are \(error)")
      }
      guard let members = value.object else { throw ToolFailure("the arguments must be a JSON object") }
      object = members
    }
  }

  func string(_ name: String) throws(ToolFailure) -> String {
    guard let value = try optionalString(name) else { throw ToolFailure("the argument `\(name)` is missing") }
    return value
  }

  func optionalString(_ name: String) throws(ToolFailure) -> String? {
    guard let value = object[name], !value.isNull else { return nil }
    guard let text = value.string else { throw ToolFailure("the argument `\(name)` must be a string") }
    return text
  }

  func optionalInt(_ name: String) throws(ToolFailure) -> Int? {
    guard let value = object[name], !value.isNull else { return nil }
    guard let number = value.int else { throw ToolFailure("the argument `\(name)` must be a whole number") }
    return number
  }

  func optionalBool(_ name: String) throws(ToolFailure) -> Bool? {
    guard let value = object[name], !value.isNull else { return nil }
    guard let flag = value.bool else { throw ToolFailure("the argument `\(name)` must be true or false") }
    return flag
  }

  func array(_ name: String) throws(ToolFailure) -> [JSONValue] {
    guard let value = object[name], !value.isNull else { return [] }
    guard let elements = value.array else { throw ToolFailure("the argument `\(name)` must be an array") }
    return elements
  }
}

/// Helpers for schemas, so that a definition reads like its documentation.
enum Schema {
  static func object(_ properties: [(String, JSONValue)], required: [String]) -> JSONValue {
    var members = JSONObject()
    for (name, value) in properties { members[name] = value }
    return [
      "type": "object", "properties": .object(members), "required": .array(required.map { .string($0) }),
      "additionalProperties": false,
    ]
  }

  static func string(_ description: String) -> JSONValue {
    ["type": "string", "description": .string(description)]
  }

  static func integer(_ description: String) -> JSONValue {
    ["type": "integer", "description": .string(description)]
  }

  static func boolean(_ description: String) -> JSONValue {
    ["type": "boolean", "description": .string(description)]
  }

  static func oneOf(_ values: [String], _ description: String) -> JSONValue {
    ["type": "string", "enum": .array(values.map { .string($0) }), "description": .string(description)]
  }

  static func array(_ items: JSONValue, _ description: String) -> JSONValue {
    ["type": "array", "items": items, "description": .string(description)]
  }
}
