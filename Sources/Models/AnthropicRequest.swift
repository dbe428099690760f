import Conversation
import JSON

/// Anthropic's Messages API.
///
/// What comes from outside the model and follows one another is one user message, results first, as the API wants it. Two
/// things may be cached: everything before the conversation, and the conversation up to the last and the last but one
/// user message.
struct AnthropicDialect: WireDialect {
  let name = "anthropic-messages"
  let tail = Array("]}".utf8)

  /// The output limit where neither the user nor the server named one; the API requires some.
  private static let usualLimit = 32_000

  func route(model: String, features: Features) -> String { "/messages" }

  func head(_ fixed: FixedPart, provider: Provider, model: String) -> (bytes: [UInt8], endsWithItem: Bool) {
    let limit = fixed.maxOutputTokens ?? Self.usualLimit
    var body: JSONObject = [
      "model": .string(model), "max_tokens": JSONValue(min(limit, fixed.features.outputLimit ?? limit)),
    ]
    let mark: JSONValue? = fixed.features.cacheMarks ? ["type": "ephemeral"] : nil
    if !fixed.tools.isEmpty {
      var tools = fixed.tools.map { tool -> JSONObject in
        [
          "name": .string(tool.name), "description": .string(tool.description), "input_schema": tool.objectSchema,
        ]
      }
      // The system text comes behind the tools in what is cached: its mark covers both.
      if fixed.system.isEmpty { tools[tools.count - 1]["cache_control"] = mark }
      body["tools"] = .array(tools.map(JSONValue.object))
      body["tool_choice"] = ["type": "auto"]
    }
    if !fixed.system.isEmpty {
      var text: JSONObject = ["type": "text", "text": .string(fixed.system)]
      text["cache_control"] = mark
      body["system"] = [.object(text)]
    }
    body["stream"] = .bool(fixed.features.streams)
    return (body.opened(at: "messages", provider.parameters, fixed.features), false)
  }

  func joins(_ item: Item, to previous: Item, _ features: Features) -> Bool { item.isFromModel == previous.isFromModel }

  func cacheMark(_ features: Features) -> CacheMark? {
    features.cacheMarks ? CacheMark(bytes: Array(",\"cache_control\":{\"type\":\"ephemeral\"}".utf8), closing: 3) : nil
  }

  func encode(_ unit: ArraySlice<Item>, fixed: FixedPart) -> [UInt8] {
    message(of: unit, nothing: "{\"type\":\"text\",\"text\":\"(nothing)\"}") { encode($0, fixed, to: &$1) }
  }

  private func encode(_ item: Item, _ fixed: FixedPart, to bytes: inout [UInt8]) {
    switch item {
    case .user(let text, _), .assistant(let text):
      // Texts of white space alone are refused.
      guard text.utf8.contains(where: { $0 > 0x20 }) else { return }
      bytes.append("{\"type\":\"text\",\"text\":")
      bytes.appendJSON(text)
      bytes.append("}")
    case .reasoning(let reasoning):
      guard reasoning.dialect == name, isReplayed(reasoning.payload, fixed.features) else { return }
      reasoning.payload.write(to: &bytes)
    case .toolCall(let call):
      bytes.append("{\"type\":\"tool_use\",\"id\":")
      bytes.appendJSON(acceptableID(call.id))
      bytes.append(",\"name\":")
      bytes.appendJSON(acceptableName(call.name))
      bytes.append(",\"input\":")
      bytes.append(contentsOf: call.argumentObject(fixed.freeformArguments).utf8)
      bytes.append("}")
    case .toolResult(let result):
      bytes.append("{\"type\":\"tool_result\",\"tool_use_id\":")
      bytes.appendJSON(acceptableID(result.callID))
      bytes.append(",\"content\":")
      bytes.appendJSON(result.output)
      if result.isError { bytes.append(",\"is_error\":true") }
      bytes.append("}")
    case .image(let image):
      guard fixed.features.images else { return encode(.user(text: noImage, structured: nil), fixed, to: &bytes) }
      bytes.append("{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":")
      bytes.appendJSON(image.mediaType)
      bytes.append(",\"data\":")
      bytes.appendJSON(image.base64)
      bytes.append("}}")
    }
  }

  /// Thinking goes back with its signature or not at all; blocks of the provider's own tools go back as they came.
  private func isReplayed(_ block: JSONValue, _ features: Features) -> Bool {
    switch block["type"]?.string {
    case "thinking": features.replaysReasoning && !(block["signature"]?.string ?? "").isEmpty
    case "redacted_thinking": features.replaysReasoning && block["data"]?.string != nil
    default: block.object != nil
    }
  }

  func decoder(_ context: AnswerContext) -> any AnswerDecoder { AnthropicDecoder(context) }
}
