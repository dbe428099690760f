import Conversation
import HTTPTransport
import JSON

/// Amazon Bedrock's Converse API, which puts one shape before the models of many makers.
///
/// Roles must alternate and no text may be blank. Cache points are blocks of their own, at the ends of the same messages
/// where Anthropic's marks would be.
struct BedrockDialect: WireDialect {
  let name = "bedrock-converse"
  let tail = Array("]}".utf8)

  func route(model: String, features: Features) -> String {
    "/model/\(HTTPRequest.percentEncoded(model))/" + (features.streams ? "converse-stream" : "converse")
  }

  func head(_ fixed: FixedPart, provider: Provider, model: String) -> (bytes: [UInt8], endsWithItem: Bool) {
    var body = JSONObject()
    let point: [JSONValue] = fixed.features.cacheMarks ? [["cachePoint": ["type": "default"]]] : []
    if !fixed.tools.isEmpty {
      let tools = fixed.tools.map { tool -> JSONValue in
        [
          "toolSpec": [
            "name": .string(tool.name), "description": .string(tool.description),
            "inputSchema": ["json": tool.objectSchema],
          ]
        ]
      }
      // The system text comes behind the tools in what is cached: its point covers both.
      body["toolConfig"] = ["tools": .array(tools + (fixed.system.isEmpty ? point : []))]
    }
    if !fixed.system.isEmpty { body["system"] = .array([["text": .string(fixed.system)]] + point) }
    if let limit = fixed.maxOutputTokens {
      body["inferenceConfig"] = ["maxTokens": JSONValue(min(limit, fixed.features.outputLimit ?? limit))]
    }
    return (body.opened(at: "messages", provider.parameters, fixed.features), false)
  }

  func joins(_ item: Item, to previous: Item, _ features: Features) -> Bool { item.isFromModel == previous.isFromModel }

  func cacheMark(_ features: Features) -> CacheMark? {
    features.cacheMarks ? CacheMark(bytes: Array(",{\"cachePoint\":{\"type\":\"default\"}}".utf8), closing: 2) : nil
  }

  func encode(_ unit: ArraySlice<Item>, fixed: FixedPart) -> [UInt8] {
    message(of: unit, nothing: "{\"text\":\"(nothing)\"}") { encode($0, fixed, to: &$1) }
  }

  private func encode(_ item: Item, _ fixed: FixedPart, to bytes: inout [UInt8]) {
    switch item {
    case .user(let text, _), .assistant(let text):
      guard !Self.isBlank(text) else { return }
      bytes.append("{\"text\":")
      bytes.appendJSON(text)
      bytes.append("}")
    case .reasoning(let reasoning):
      guard reasoning.dialect == name, fixed.features.replaysReasoning, reasoning.payload.object != nil else { return }
      // Without its signature a text is refused; some models have none, and take none back.
      guard
        reasoning.payload["reasoningContent"]?["reasoningText"]?["signature"]?.string != nil
          || reasoning.payload["reasoningContent"]?["redactedContent"]?.string != nil
      else { return }
      reasoning.payload.write(to: &bytes)
    case .toolCall(let call):
      bytes.append("{\"toolUse\":{\"toolUseId\":")
      bytes.appendJSON(acceptableID(call.id))
      bytes.append(",\"name\":")
      bytes.appendJSON(acceptableName(call.name))
      bytes.append(",\"input\":")
      bytes.append(contentsOf: call.argumentObject(fixed.freeformArguments).utf8)
      bytes.append("}}")
    case .toolResult(let result):
      bytes.append("{\"toolResult\":{\"toolUseId\":")
      bytes.appendJSON(acceptableID(result.callID))
      bytes.append(",\"content\":[{\"text\":")
      bytes.appendJSON(Self.isBlank(result.output) ? "(nothing)" : result.output)
      bytes.append("}]")
      if result.isError, fixed.features.resultStatus { bytes.append(",\"status\":\"error\"") }
      bytes.append("}}")
    case .image(let image):
      guard fixed.features.images else { return encode(.user(text: noImage, structured: nil), fixed, to: &bytes) }
      bytes.append("{\"image\":{\"format\":")
      // "image/png" is "png" here.
      bytes.appendJSON(String(image.mediaType.drop { $0 != "/" }.dropFirst()))
      bytes.append(",\"source\":{\"bytes\":")
      bytes.appendJSON(image.base64)
      bytes.append("}}}")
    }
  }

  private static func isBlank(_ text: String) -> Bool { !text.utf8.contains { $0 > 0x20 } }

  /// True for models that are known to take cache points and the status of a tool's result; others refuse what they do not
  /// know. A refusal is learned from either way.
  static func takesExtras(_ model: String) -> Bool {
    model.contains("anthropic.") || model.contains("amazon.nova")
  }

  func decoder(_ context: AnswerContext) -> any AnswerDecoder { BedrockDecoder(context) }
}
