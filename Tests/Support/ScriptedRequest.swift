import JSON

extension ScriptedRequest {
  /// Reads a request of either dialect.
  init(dialect: ScriptedDialect, received: ReceivedRequest, body: JSONValue) {
    self.dialect = dialect
    self.received = received
    self.body = body
    toolResults = []
    userTexts = []
    system = body["instructions"]?.string ?? Self.text(body["system"])
    toolNames = (body["tools"]?.array ?? body["toolConfig"]?["tools"]?.array ?? []).compactMap { tool in
      (tool["name"] ?? tool["function"]?["name"] ?? tool["custom"]?["name"] ?? tool["toolSpec"]?["name"])?.string
    }
    var afterAssistantText = false
    var answered = 0
    if dialect == .anthropic || dialect == .bedrock {
      for message in body["messages"]?.array ?? [] {
        for block in message["content"]?.array ?? [["type": "text", "text": message["content"] ?? ""]] {
          let text = block["text"]?.string
          let isCall = block["type"] == "tool_use" || block["toolUse"] != nil
          switch (message["role"]?.string, block["tool_use_id"]?.string ?? block["toolResult"]?["toolUseId"]?.string) {
          case ("user", let id?):
            toolResults.append((id, Self.text(block["content"] ?? block["toolResult"]?["content"])))
            afterAssistantText = false
          case ("user", nil):
            guard let text else { continue }
            userTexts.append(text)
            if afterAssistantText { answered += 1 }
            afterAssistantText = false
          default:
            if isCall { afterAssistantText = false } else if text != nil { afterAssistantText = true }
          }
        }
      }
      position = toolResults.count + answered
      return
    }
    let items = (dialect == .responses ? body["input"] : body["messages"])?.array ?? []
    for item in items {
      let type = item["type"]?.string ?? "message"
      switch (type, item["role"]?.string) {
      case ("function_call_output", _), ("custom_tool_call_output", _):
        toolResults.append((item["call_id"]?.string ?? "", Self.text(item["output"])))
        afterAssistantText = false
      case ("message", "tool"):
        toolResults.append((item["tool_call_id"]?.string ?? "", Self.text(item["content"])))
        afterAssistantText = false
      case ("message", "user"):
        userTexts.append(Self.text(item["content"]))
        if afterAssistantText { answered += 1 }
        afterAssistantText = false
      case ("message", "system"), ("message", "developer"):
        system += Self.text(item["content"])
      case ("message", "assistant"):
        afterAssistantText = item["tool_calls"]?.array?.isEmpty ?? true
      default:
        afterAssistantText = false
      }
    }
    position = toolResults.count + answered
  }

  /// The text of a content field, which is a string or parts.
  private static func text(_ content: JSONValue?) -> String {
    content?.string ?? (content?.array ?? []).compactMap { $0["text"]?.string }.joined()
  }

  /// The name of the one string argument of a function that stands for a free-form tool; nil when the request offers
  /// the tool as free-form.
  func argumentName(ofFreeform name: String) -> String? {
    for tool in body["tools"]?.array ?? body["toolConfig"]?["tools"]?.array ?? [] {
      if tool["type"]?.string == "custom" { continue }
      let function = tool["function"] ?? tool["toolSpec"] ?? tool
      if function["name"]?.string == name {
        let schema = function["parameters"] ?? function["input_schema"] ?? function["inputSchema"]?["json"]
        return schema?["properties"]?.object?.members.first?.name ?? "input"
      }
    }
    return nil
  }
}
