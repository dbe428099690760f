import Conversation
import JSON

/// OpenAI's Chat Completions API, as the many servers that offer it understand it.
struct ChatDialect: WireDialect {
  let name = "openai-chat"
  let tail = Array("]}".utf8)

  func route(model: String, features: Features) -> String { "/chat/completions" }

  func head(_ fixed: FixedPart, provider: Provider, model: String) -> (bytes: [UInt8], endsWithItem: Bool) {
    var body: JSONObject = ["model": .string(model)]
    let hasTextTools = fixed.features.textTools && !fixed.tools.isEmpty
    if !fixed.tools.isEmpty, !hasTextTools {
      body["tools"] = .array(
        fixed.tools.map { tool in
          [
            "type": "function",
            "function": [
              "name": .string(tool.name), "description": .string(tool.description), "parameters": tool.objectSchema,
            ],
          ]
        })
      body["tool_choice"] = "auto"
    }
    if let limit = fixed.maxOutputTokens { body[fixed.features.limitName] = JSONValue(limit) }
    body["stream"] = .bool(fixed.features.streams)
    if fixed.features.streams { body["stream_options"] = ["include_usage": true] }
    // Only OpenAI knows this one; other servers may refuse what they do not know.
    if provider.isOpenAIItself { body["prompt_cache_key"] = fixed.cacheKey.map(JSONValue.string) }
    var bytes = body.opened(at: "messages", provider.parameters, fixed.features)
    let system = fixed.system + (hasTextTools ? "\n\n" + TextTools.instructions(fixed.tools) : "")
    guard !system.isEmpty else { return (bytes, false) }
    bytes.append(fixed.features.systemRole ? "{\"role\":\"system\",\"content\":" : "{\"role\":\"user\",\"content\":")
    bytes.appendJSON(system)
    bytes.append("}")
    // Roles have to alternate where there are but two.
    if !fixed.features.systemRole { bytes.append(",{\"role\":\"assistant\",\"content\":\"Understood.\"}") }
    return (bytes, true)
  }

  /// Models without tools are often strict about alternating roles, too.
  func joins(_ item: Item, to previous: Item, _ features: Features) -> Bool {
    item.isFromModel == previous.isFromModel && (item.isFromModel || features.textTools)
  }

  func encode(_ unit: ArraySlice<Item>, fixed: FixedPart) -> [UInt8] {
    var bytes: [UInt8] = []
    switch unit.first {
    case .user, .toolResult, .image:
      if fixed.features.textTools {
        let texts = unit.map { item -> String in
          switch item {
          case .toolResult(let result): TextTools.result(result)
          case .user(let text, _): text
          case .image: noImage
          default: ""
          }
        }
        bytes.append("{\"role\":\"user\",\"content\":")
        bytes.appendJSON(texts.joined(separator: "\n\n"))
        bytes.append("}")
        return bytes
      }
      for item in unit {
        switch item {
        case .user(let text, _):
          bytes.append("{\"role\":\"user\",\"content\":")
          bytes.appendJSON(text)
        case .toolResult(let result):
          bytes.append("{\"role\":\"tool\",\"tool_call_id\":")
          bytes.appendJSON(result.callID)
          bytes.append(",\"content\":")
          bytes.appendJSON(result.output)
        case .image(let image):
          bytes.append("{\"role\":\"user\",\"content\":")
          if fixed.features.images {
            bytes.append("[{\"type\":\"image_url\",\"image_url\":{\"url\":")
            bytes.appendJSON("data:\(image.mediaType);base64,\(image.base64)")
            bytes.append("}}]")
          } else {
            bytes.appendJSON(noImage)
          }
        default: continue
        }
        bytes.append("}")
      }
    default:
      encodeAnswer(unit, fixed, to: &bytes)
    }
    return bytes
  }

  private func encodeAnswer(_ unit: ArraySlice<Item>, _ fixed: FixedPart, to bytes: inout [UInt8]) {
    var texts: [String] = []
    var calls: [ToolCall] = []
    var reasoning = JSONObject()
    for item in unit {
      switch item {
      case .assistant(let text) where !text.isEmpty: texts.append(text)
      case .toolCall(let call): calls.append(call)
      case .reasoning(let piece) where piece.dialect == name && fixed.features.replaysReasoning:
        for member in piece.payload.object?.members ?? [] {
          reasoning[member.name] = .string((reasoning[member.name]?.string ?? "") + (member.value.string ?? ""))
        }
      default: break
      }
    }
    if fixed.features.textTools {
      texts += calls.map { TextTools.call($0.name, $0.argumentObject(fixed.freeformArguments)) }
      calls = []
    }
    guard !texts.isEmpty || !calls.isEmpty else { return }
    bytes.append("{\"role\":\"assistant\",\"content\":")
    if texts.isEmpty, fixed.features.nullContent {
      bytes.append("null")
    } else {
      bytes.appendJSON(texts.joined(separator: "\n"))
    }
    guard !calls.isEmpty else {
      bytes.append("}")
      return
    }
    // Models that think between tool calls want their thoughts back; after a final answer some refuse them.
    for member in reasoning.members {
      bytes.append(",")
      JSONValue.write(member.name, to: &bytes)
      bytes.append(":")
      bytes.appendJSON(member.value.string ?? "")
    }
    bytes.append(",\"tool_calls\":[")
    let freeform = fixed.freeformArguments
    for (index, call) in calls.enumerated() {
      if index > 0 { bytes.append(",") }
      bytes.append("{\"id\":")
      bytes.appendJSON(call.id)
      bytes.append(",\"type\":\"function\",\"function\":{\"name\":")
      bytes.appendJSON(acceptableName(call.name))
      bytes.append(",\"arguments\":")
      bytes.appendJSON(call.argumentObject(freeform))
      bytes.append("}}")
    }
    bytes.append("]}")
  }

  func decoder(_ context: AnswerContext) -> any AnswerDecoder { ChatDecoder(context) }
}
