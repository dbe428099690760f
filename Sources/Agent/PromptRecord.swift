import AuditTrail
import Conversation
import JSON
import Prompts

/// What the record says of the texts that a model is given. The items of a conversation are events of their own; what is the
/// same for all runs of a version is named by its digest.
enum PromptRecord {
  /// SHA-256 of every prompt that ships, by name.
  static let digests: JSONValue = .object(
    Prompt.allCases.reduce(into: JSONObject()) { digests, prompt in
      digests[prompt.rawValue] = .string(ContentDigest.sha256(Array(prompt.template.utf8)))
    })

  /// SHA-256 of the tools' description as JSON.
  static func digest(of tools: [ToolDefinition]) -> String {
    let descriptions = tools.map { tool -> JSONValue in
      let input: JSONValue =
        switch tool.input {
        case .schema(let schema): ["schema": schema]
        case .freeform(let name): ["freeform": .string(name)]
        }
      return ["name": .string(tool.name), "description": .string(tool.description), "input": input]
    }
    return ContentDigest.sha256(JSONValue.array(descriptions).serialized)
  }

  /// What the intent of a request says of it.
  static func fields(of request: ModelRequest, toolsDigest: String?) -> JSONObject {
    var fields: JSONObject = [
      "systemDigest": .string(ContentDigest.sha256(Array(request.system.utf8))),
      "items": JSONValue(request.items.count),
    ]
    if let toolsDigest { fields["toolsDigest"] = .string(toolsDigest) }
    return fields
  }
}
