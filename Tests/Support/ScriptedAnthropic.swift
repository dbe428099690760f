import JSON

/// Anthropic Messages.
extension ScriptedAnswer {
  private var stopReason: JSONValue {
    switch turn.ending {
    case .length: "max_tokens"
    case .contentFilter, .refusal: "refusal"
    case .normal, .failed: turn.calls.isEmpty ? "end_turn" : "tool_use"
    }
  }

  /// Input that came from the cache is counted apart.
  private func anthropicUsage(output: Int) -> JSONValue {
    [
      "input_tokens": JSONValue(usage.input - usage.cached), "cache_creation_input_tokens": 0,
      "cache_read_input_tokens": JSONValue(usage.cached), "output_tokens": JSONValue(output),
    ]
  }

  /// The finished blocks, calls with their arguments as text beside them.
  private var blocks: [(block: JSONObject, text: String)] {
    var blocks: [(JSONObject, String)] = []
    if let reasoning = turn.reasoning {
      blocks.append((["type": "thinking", "thinking": .string(reasoning), "signature": "signed-\(index)"], reasoning))
    }
    if !turn.text.isEmpty { blocks.append((["type": "text", "text": .string(turn.text)], turn.text)) }
    for (place, call) in turn.calls.enumerated() {
      let (name, text, _) = resolved(call)
      var block: JSONObject = ["type": "tool_use", "id": .string(callID(place)), "name": .string(name)]
      block["input"] = (try? JSONValue(parsing: text)) ?? [:]
      blocks.append((block, text))
    }
    return blocks
  }

  private func message(_ content: [JSONValue], stop: JSONValue, output: Int) -> JSONValue {
    [
      "id": .string("msg_\(index)"), "type": "message", "role": "assistant",
      "model": request.body["model"] ?? "scripted-model", "content": .array(content), "stop_reason": stop,
      "stop_sequence": nil, "usage": anthropicUsage(output: output),
    ]
  }

  /// The answer in one piece.
  var anthropicWhole: JSONValue {
    message(blocks.map { .object($0.block) }, stop: stopReason, output: usage.output)
  }

  /// The events in order.
  var anthropicEvents: [JSONValue] {
    var events: [JSONValue] = [["type": "message_start", "message": message([], stop: nil, output: 1)]]
    events.append(["type": "ping"])
    for (place, (block, text)) in blocks.enumerated() {
      let at = JSONValue(place)
      var begun = block
      let (kind, field, member): (JSONValue, String, String) =
        switch block["type"]?.string {
        case "thinking": ("thinking_delta", "thinking", "thinking")
        case "tool_use": ("input_json_delta", "partial_json", "input")
        default: ("text_delta", "text", "text")
        }
      begun[member] = member == "input" ? [:] : ""
      if block["signature"] != nil { begun["signature"] = "" }
      events.append(["type": "content_block_start", "index": at, "content_block": .object(begun)])
      for piece in pieces(text) {
        events.append(["type": "content_block_delta", "index": at, "delta": ["type": kind, field: .string(piece)]])
      }
      if let signature = block["signature"] {
        events.append([
          "type": "content_block_delta", "index": at, "delta": ["type": "signature_delta", "signature": signature],
        ])
      }
      if case .failed(let code, let message) = turn.ending {
        return events + [["type": "error", "error": ["type": .string(code), "message": .string(message)]]]
      }
      events.append(["type": "content_block_stop", "index": at])
    }
    if case .failed(let code, let message) = turn.ending {
      return events + [["type": "error", "error": ["type": .string(code), "message": .string(message)]]]
    }
    events.append([
      "type": "message_delta", "delta": ["stop_reason": stopReason, "stop_sequence": nil],
      "usage": ["output_tokens": JSONValue(usage.output)],
    ])
    events.append(["type": "message_stop"])
    return events
  }
}
