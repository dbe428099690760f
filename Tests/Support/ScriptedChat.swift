import JSON

/// OpenAI Chat Completions.
extension ScriptedAnswer {
  private var finishReason: JSONValue {
    switch turn.ending {
    case .length: "length"
    case .contentFilter: "content_filter"
    case .normal, .refusal, .failed: turn.calls.isEmpty || quirks.contains(.finishStop) ? "stop" : "tool_calls"
    }
  }

  private var chatUsage: JSONValue {
    let usage = self.usage
    return [
      "prompt_tokens": JSONValue(usage.input), "completion_tokens": JSONValue(usage.output),
      "total_tokens": JSONValue(usage.input + usage.output),
      "prompt_tokens_details": ["cached_tokens": JSONValue(usage.cached)],
      "completion_tokens_details": ["reasoning_tokens": JSONValue(usage.reasoning)],
    ]
  }

  private func arguments(_ text: String) -> JSONValue {
    guard quirks.contains(.objectArguments), let object = try? JSONValue(parsing: text) else { return .string(text) }
    return object
  }

  /// The answer in one piece.
  var chatWhole: JSONValue {
    var message: JSONObject = ["role": "assistant"]
    if case .refusal = turn.ending {
      message["content"] = .null
      message["refusal"] = .string(turn.text)
    } else {
      message["content"] = turn.text.isEmpty ? .null : .string(turn.text)
    }
    if let reasoning = turn.reasoning { message["reasoning_content"] = .string(reasoning) }
    if !turn.calls.isEmpty {
      message["tool_calls"] = .array(
        turn.calls.enumerated().map { place, call in
          let (name, text, _) = resolved(call)
          var object: JSONObject = [
            "type": "function", "function": ["name": .string(name), "arguments": arguments(text)],
          ]
          if !quirks.contains(.noCallIDs) { object["id"] = .string(callID(place)) }
          return .object(object)
        })
    }
    var whole: JSONObject = [
      "id": .string("chatcmpl-\(index)"), "object": "chat.completion", "created": 1_700_000_000,
      "model": request.body["model"] ?? "scripted-model",
      "choices": [["index": 0, "message": .object(message), "finish_reason": finishReason]],
    ]
    if !quirks.contains(.noUsage) { whole["usage"] = chatUsage }
    return .object(whole)
  }

  /// The data of each event in order.
  var chatEvents: [String] {
    var events: [String] = []
    func send(_ choices: JSONValue, usage: JSONValue? = nil) {
      var object: JSONObject = [
        "id": .string("chatcmpl-\(index)"), "object": "chat.completion.chunk", "created": 1_700_000_000,
        "model": request.body["model"] ?? "scripted-model", "choices": choices,
      ]
      object["usage"] = usage
      events.append(JSONValue.object(object).text)
    }
    func chunk(_ delta: JSONValue, finish: JSONValue = .null) {
      send([["index": 0, "delta": delta, "finish_reason": finish]])
    }
    chunk(["role": "assistant", "content": ""])
    for piece in pieces(turn.reasoning ?? "") { chunk(["reasoning_content": .string(piece)]) }
    var field = "content"
    if case .refusal = turn.ending { field = "refusal" }
    for piece in pieces(turn.text) { chunk([field: .string(piece)]) }
    if case .failed(let code, let message) = turn.ending {
      let error: JSONValue = [
        "error": ["message": .string(message), "type": "server_error", "code": .string(code), "param": nil]
      ]
      return events + [error.text]
    }
    for (place, call) in turn.calls.enumerated() {
      let (name, text, _) = resolved(call)
      func callChunk(_ members: JSONObject) {
        var object = JSONObject()
        if !quirks.contains(.noIndex) { object["index"] = JSONValue(place) }
        for member in members.members { object[member.name] = member.value }
        chunk(["tool_calls": [.object(object)]])
      }
      var first: JSONObject = [:]
      if !quirks.contains(.noCallIDs) { first["id"] = .string(callID(place)) }
      first["type"] = "function"
      if quirks.contains(.objectArguments) {
        first["function"] = ["name": .string(name), "arguments": arguments(text)]
        callChunk(first)
        continue
      }
      first["function"] = ["name": .string(name), "arguments": ""]
      callChunk(first)
      for piece in pieces(text) { callChunk(["function": ["arguments": .string(piece)]]) }
    }
    chunk([:], finish: finishReason)
    if !quirks.contains(.noUsage), request.body["stream_options"]?["include_usage"]?.bool ?? false {
      send([], usage: chatUsage)
    }
    if !quirks.contains(.noDone) { events.append("[DONE]") }
    return events
  }
}
