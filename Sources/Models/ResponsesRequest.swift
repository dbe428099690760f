import Conversation
import JSON

/// OpenAI's Responses API, stateless: nothing is stored there, reasoning comes back encrypted and is sent again.
struct ResponsesDialect: WireDialect {
  let name = "openai-responses"
  let tail = Array("]}".utf8)

  func route(model: String, features: Features) -> String { "/responses" }

  func head(_ fixed: FixedPart, provider: Provider, model: String) -> (bytes: [UInt8], endsWithItem: Bool) {
    var body: JSONObject = ["model": .string(model)]
    if !fixed.system.isEmpty { body["instructions"] = .string(fixed.system) }
    if !fixed.tools.isEmpty {
      body["tools"] = .array(fixed.tools.map { tool($0, freeform: fixed.features.freeformTools) })
      body["tool_choice"] = "auto"
      body["parallel_tool_calls"] = true
    }
    body["max_output_tokens"] = fixed.maxOutputTokens.map { JSONValue($0) }
    body["store"] = false
    body["stream"] = .bool(fixed.features.streams)
    body["include"] = ["reasoning.encrypted_content"]
    body["prompt_cache_key"] = fixed.cacheKey.map(JSONValue.string)
    return (body.opened(at: "input", provider.parameters, fixed.features), false)
  }

  private func tool(_ tool: ToolDefinition, freeform: Bool) -> JSONValue {
    if case .freeform = tool.input, freeform {
      return [
        "type": "custom", "name": .string(tool.name), "description": .string(tool.description),
        "format": ["type": "text"],
      ]
    }
    // Without "strict" the API would rewrite the schema's optional members as required.
    return [
      "type": "function", "name": .string(tool.name), "description": .string(tool.description),
      "parameters": tool.objectSchema, "strict": false,
    ]
  }

  func encode(_ unit: ArraySlice<Item>, fixed: FixedPart) -> [UInt8] {
    var bytes: [UInt8] = []
    for index in unit.indices {
      let start = bytes.count
      if start > 0 { bytes.append(",") }
      switch unit[index] {
      case .user(let text, _):
        bytes.append("{\"type\":\"message\",\"role\":\"user\",\"content\":")
        bytes.appendJSON(text)
        bytes.append("}")
      case .assistant(let text) where !text.isEmpty:
        bytes.append("{\"type\":\"message\",\"role\":\"assistant\",\"content\":")
        bytes.appendJSON(text)
        bytes.append("}")
      case .reasoning(let reasoning) where isReplayed(reasoning, unit[(index + 1)...], fixed.features):
        replayed(reasoning.payload).write(to: &bytes)
      case .toolCall(let call):
        encode(call, fixed, to: &bytes)
      case .toolResult(let result):
        let isCustom = result.isFreeform && fixed.features.freeformTools
        bytes.append(isCustom ? "{\"type\":\"custom_tool_call_output\"" : "{\"type\":\"function_call_output\"")
        bytes.append(",\"call_id\":")
        bytes.appendJSON(result.callID)
        bytes.append(",\"output\":")
        bytes.appendJSON(result.output)
        bytes.append("}")
      case .image(let image):
        bytes.append("{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_")
        if fixed.features.images {
          bytes.append("image\",\"image_url\":")
          bytes.appendJSON("data:\(image.mediaType);base64,\(image.base64)")
        } else {
          bytes.append("text\",\"text\":")
          bytes.appendJSON(noImage)
        }
        bytes.append("}]}")
      case .assistant, .reasoning:
        bytes.removeLast(bytes.count - start)
      }
    }
    return bytes
  }

  private func encode(_ call: ToolCall, _ fixed: FixedPart, to bytes: inout [UInt8]) {
    if case .freeform(let input) = call.arguments, fixed.features.freeformTools {
      bytes.append("{\"type\":\"custom_tool_call\",\"call_id\":")
      bytes.appendJSON(call.id)
      bytes.append(",\"name\":")
      bytes.appendJSON(acceptableName(call.name))
      bytes.append(",\"input\":")
      bytes.appendJSON(input)
    } else {
      bytes.append("{\"type\":\"function_call\",\"call_id\":")
      bytes.appendJSON(call.id)
      bytes.append(",\"name\":")
      bytes.appendJSON(acceptableName(call.name))
      bytes.append(",\"arguments\":")
      bytes.appendJSON(call.argumentText(fixed.freeformArguments))
    }
    bytes.append("}")
  }

  /// Reasoning is sent back only where it can be understood (it is this dialect's, and holds its content), and only
  /// before what it led to: alone, the API refuses it.
  private func isReplayed(_ reasoning: Reasoning, _ following: ArraySlice<Item>, _ features: Features) -> Bool {
    guard features.replaysReasoning, reasoning.dialect == name else { return false }
    guard reasoning.payload["encrypted_content"]?.string != nil || reasoning.payload["content"]?.array?.isEmpty == false
    else { return false }
    return following.contains { item in
      switch item {
      case .assistant(let text): !text.isEmpty
      case .toolCall: true
      default: false
      }
    }
  }

  /// The provider's item without the members that only answers have.
  private func replayed(_ payload: JSONValue) -> JSONValue {
    guard var object = payload.object else { return payload }
    for member in object.members where member.value.isNull || member.name == "status" { object[member.name] = nil }
    return .object(object)
  }

  func decoder(_ context: AnswerContext) -> any AnswerDecoder { ResponsesDecoder(context) }
}

extension JSONObject {
  /// This body with the user's own parameters, serialised up to and into the array of items, which comes last.
  func opened(at items: String, _ parameters: JSONObject, _ features: Features) -> [UInt8] {
    var body = self
    for member in parameters.members where !["model", "stream", items].contains(member.name) {
      body[member.name] = member.value.isNull ? JSONValue?.none : member.value
    }
    for name in features.dropped { body[name] = nil }
    var bytes = JSONValue.object(body).serialized
    bytes.removeLast()
    bytes.append(UInt8(ascii: ","))
    JSONValue.write(items, to: &bytes)
    bytes.append(":[")
    return bytes
  }
}
