public import JSON

/// The form in which the record keeps items, so that a resumed run continues with the very same conversation.
extension Item {
  /// This item as JSON.
  public var json: JSONValue {
    switch self {
    case .user(let text, let structured):
      return ["type": "user", "text": .string(text), "structured": structured ?? .null]
    case .assistant(let text):
      return ["type": "assistant", "text": .string(text)]
    case .reasoning(let reasoning):
      return [
        "type": "reasoning", "dialect": .string(reasoning.dialect), "summary": .string(reasoning.summary),
        "payload": reasoning.payload,
      ]
    case .toolCall(let call):
      let (form, text) =
        switch call.arguments {
        case .json(let text): ("json", text)
        case .freeform(let text): ("freeform", text)
        }
      return [
        "type": "toolCall", "id": .string(call.id), "name": .string(call.name), "form": .string(form),
        "arguments": .string(text),
      ]
    case .toolResult(let result):
      return [
        "type": "toolResult", "callID": .string(result.callID), "output": .string(result.output),
        "isError": .bool(result.isError), "isFreeform": .bool(result.isFreeform),
        "structured": result.structured ?? .null,
      ]
    case .image(let image):
      return ["type": "image", "mediaType": .string(image.mediaType), "base64": .string(image.base64)]
    }
  }

  /// Reads an item back; nil when the JSON is not of that form.
  public init?(json: JSONValue) {
    // Written out: in `isNull ? nil : value` the nil would be a JSON null.
    func structured() -> JSONValue? {
      if let value = json["structured"], !value.isNull { return value }
      return nil
    }
    switch json["type"]?.string {
    case "user":
      guard let text = json["text"]?.string else { return nil }
      self = .user(text: text, structured: structured())
    case "assistant":
      guard let text = json["text"]?.string else { return nil }
      self = .assistant(text: text)
    case "reasoning":
      guard let dialect = json["dialect"]?.string, let payload = json["payload"] else { return nil }
      self = .reasoning(Reasoning(dialect: dialect, summary: json["summary"]?.string ?? "", payload: payload))
    case "toolCall":
      guard let id = json["id"]?.string, let name = json["name"]?.string, let text = json["arguments"]?.string
      else { return nil }
      self = .toolCall(
        ToolCall(id: id, name: name, arguments: json["form"]?.string == "freeform" ? .freeform(text) : .json(text)))
    case "toolResult":
      guard let callID = json["callID"]?.string, let output = json["output"]?.string else { return nil }
      self = .toolResult(
        ToolResult(
          callID: callID, output: output, isError: json["isError"]?.bool ?? false, structured: structured(),
          isFreeform: json["isFreeform"]?.bool ?? false))
    case "image":
      guard let type = json["mediaType"]?.string, let data = json["base64"]?.string else { return nil }
      self = .image(ImageContent(mediaType: type, base64: data))
    default:
      return nil
    }
  }
}

extension Usage {
  /// The counts as JSON; what few providers tell is there only when it says something.
  public var json: JSONValue {
    var counts: JSONObject = [
      "input": JSONValue(input), "cachedInput": JSONValue(cachedInput), "output": JSONValue(output),
      "reasoning": JSONValue(reasoning),
    ]
    if cacheWriteInput > 0 { counts["cacheWriteInput"] = JSONValue(cacheWriteInput) }
    if isEstimated { counts["estimated"] = true }
    return .object(counts)
  }

  /// Reads counts back; what is missing counts as zero.
  public init(json: JSONValue) {
    self.init(
      input: json["input"]?.int ?? 0, cachedInput: json["cachedInput"]?.int ?? 0, output: json["output"]?.int ?? 0,
      reasoning: json["reasoning"]?.int ?? 0, cacheWriteInput: json["cacheWriteInput"]?.int ?? 0,
      isEstimated: json["estimated"]?.bool ?? false)
  }
}

extension ModelResponse {
  /// The answer as JSON.
  public var json: JSONValue {
    [
      "items": .array(items.map(\.json)), "usage": usage.json, "stop": .string(stop.rawValue), "id": JSONValue(id),
      "model": JSONValue(model),
    ]
  }

  /// Reads an answer back; nil when the JSON is not of that form.
  public init?(json: JSONValue) {
    guard let encoded = json["items"]?.array, let stop = json["stop"]?.string.flatMap(StopReason.init) else {
      return nil
    }
    var items: [Item] = []
    for value in encoded {
      guard let item = Item(json: value) else { return nil }
      items.append(item)
    }
    self.init(
      items: items, usage: Usage(json: json["usage"] ?? .null), stop: stop, id: json["id"]?.string,
      model: json["model"]?.string)
  }
}
