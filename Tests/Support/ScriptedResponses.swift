import JSON

/// OpenAI Responses.
extension ScriptedAnswer {
  /// The finished output items.
  var items: [JSONValue] {
    var items: [JSONValue] = []
    if let reasoning = turn.reasoning {
      items.append([
        "id": .string("rs_\(index)"), "type": "reasoning",
        "summary": [["type": "summary_text", "text": .string(reasoning)]],
        "encrypted_content": .string("sealed-\(index)"),
      ])
    }
    var isRefusal = false
    if case .refusal = turn.ending { isRefusal = true }
    if !turn.text.isEmpty || turn.calls.isEmpty {
      let part: JSONValue =
        isRefusal
        ? ["type": "refusal", "refusal": .string(turn.text)]
        : ["type": "output_text", "annotations": [], "logprobs": [], "text": .string(turn.text)]
      items.append([
        "id": .string("msg_\(index)"), "type": "message", "status": "completed", "role": "assistant",
        "content": [part],
      ])
    }
    for (place, call) in turn.calls.enumerated() {
      let (name, arguments, freeform) = resolved(call)
      items.append([
        "id": .string("\(freeform ? "ctc" : "fc")_\(index)_\(place)"),
        "type": freeform ? "custom_tool_call" : "function_call", "status": "completed",
        "call_id": .string(callID(place)), "name": .string(name),
        freeform ? "input" : "arguments": .string(arguments),
      ])
    }
    return items
  }

  /// The response object that lifecycle events carry.
  func responsesObject(_ status: String, items: [JSONValue]) -> JSONValue {
    var details: JSONValue = .null
    var error: JSONValue = .null
    if status == "incomplete" {
      if case .contentFilter = turn.ending {
        details = ["reason": "content_filter"]
      } else {
        details = ["reason": "max_output_tokens"]
      }
    }
    if case .failed(let code, let message) = turn.ending, status == "failed" {
      error = ["code": .string(code), "message": .string(message)]
    }
    let usage = self.usage
    let counts: JSONValue =
      status == "in_progress"
      ? .null
      : [
        "input_tokens": JSONValue(usage.input),
        "input_tokens_details": ["cached_tokens": JSONValue(usage.cached)], "output_tokens": JSONValue(usage.output),
        "output_tokens_details": ["reasoning_tokens": JSONValue(usage.reasoning)],
        "total_tokens": JSONValue(usage.input + usage.output),
      ]
    return [
      "id": .string("resp_\(index)"), "object": "response", "created_at": 1_700_000_000, "status": .string(status),
      "error": error, "incomplete_details": details, "model": request.body["model"] ?? "scripted-model",
      "output": .array(items), "parallel_tool_calls": true, "usage": counts,
    ]
  }

  /// The events in order, without sequence of their own making: each has its number.
  var responsesEvents: [JSONValue] {
    var events: [JSONValue] = []
    func event(_ type: String, _ members: JSONObject) {
      var object: JSONObject = ["type": .string(type), "sequence_number": JSONValue(events.count)]
      for member in members.members { object[member.name] = member.value }
      events.append(.object(object))
    }
    event("response.created", ["response": responsesObject("in_progress", items: [])])
    event("response.in_progress", ["response": responsesObject("in_progress", items: [])])
    for (place, item) in items.enumerated() {
      let at = JSONValue(place)
      let id = item["id"] ?? .null
      var begun = item.object ?? [:]
      begun["status"] = "in_progress"
      func added(_ name: String, _ empty: JSONValue) {
        begun[name] = empty
        event("response.output_item.added", ["output_index": at, "item": .object(begun)])
      }
      switch item["type"]?.string {
      case "message":
        added("content", [])
        let part = item["content"]?[0] ?? .null
        let field = part["type"]?.string == "refusal" ? "refusal" : "text"
        let name = field == "refusal" ? "refusal" : "output_text"
        event(
          "response.content_part.added", ["item_id": id, "output_index": at, "content_index": 0, "part": part])
        for piece in pieces(turn.text) {
          event(
            "response.\(name).delta",
            ["item_id": id, "output_index": at, "content_index": 0, "delta": .string(piece), "logprobs": []])
        }
        event(
          "response.\(name).done",
          ["item_id": id, "output_index": at, "content_index": 0, field: .string(turn.text)])
        event("response.content_part.done", ["item_id": id, "output_index": at, "content_index": 0, "part": part])
      case "reasoning":
        added("summary", [])
        let text = turn.reasoning ?? ""
        for piece in pieces(text) {
          event(
            "response.reasoning_summary_text.delta",
            ["item_id": id, "output_index": at, "summary_index": 0, "delta": .string(piece)])
        }
        event(
          "response.reasoning_summary_text.done",
          ["item_id": id, "output_index": at, "summary_index": 0, "text": .string(text)])
      case let type:
        let isCustom = type == "custom_tool_call"
        let field = isCustom ? "input" : "arguments"
        let name = isCustom ? "custom_tool_call_input" : "function_call_arguments"
        added(field, "")
        let text = item[field]?.string ?? ""
        for piece in pieces(text) {
          event("response.\(name).delta", ["item_id": id, "output_index": at, "delta": .string(piece)])
        }
        event("response.\(name).done", ["item_id": id, "output_index": at, field: .string(text)])
      }
      event("response.output_item.done", ["output_index": at, "item": item])
    }
    let status =
      switch turn.ending {
      case .normal, .refusal: "completed"
      case .length, .contentFilter: "incomplete"
      case .failed: "failed"
      }
    event("response.\(status)", ["response": responsesObject(status, items: items)])
    return events
  }
}
