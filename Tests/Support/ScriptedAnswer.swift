import JSON

/// One turn, rendered in the dialect of the request that asked for it.
struct ScriptedAnswer {
  let turn: ScriptedTurn
  let index: Int
  let request: ScriptedRequest
  let quirks: Set<ScriptedQuirk>
  let deltaCharacters: Int

  /// The streamed events, each with its framing, as the fault has them.
  func events(fault: ScriptedFault?) -> [[UInt8]] {
    if request.dialect == .bedrock { return bedrockEvents(fault: fault) }
    var events =
      switch request.dialect {
      case .responses: responsesEvents.map { frame($0["type"]?.string, $0.text) }
      case .anthropic: anthropicEvents.map { frame($0["type"]?.string, $0.text) }
      case .chat, .bedrock: chatEvents.map { frame(nil, $0) }
      }
    switch fault {
    case .events(let data): return data.map { frame(nil, $0) }
    case .endEarly(let count): return Array(events.prefix(count))
    case .malformed(let count): events.insert(frame(nil, "{not json at all"), at: min(count, events.count))
    case .errorEvent(let count):
      events = Array(events.prefix(count))
      let message: JSONValue = "The server had an error."
      switch request.dialect {
      case .chat, .bedrock:
        let error: JSONValue = ["message": message, "type": "server_error", "code": "server_error"]
        events.append(frame(nil, JSONValue.object(["error": error]).text))
      case .responses:
        let data: JSONValue = [
          "type": "error", "code": "server_error", "message": message, "param": nil, "sequence_number": 99,
        ]
        events.append(frame("error", data.text))
      case .anthropic:
        let data: JSONValue = ["type": "error", "error": ["type": "overloaded_error", "message": message]]
        events.append(frame("error", data.text))
      }
    default: break
    }
    return events
  }

  /// The answer in one piece.
  var whole: JSONValue {
    switch request.dialect {
    case .responses: responsesObject("completed", items: items)
    case .chat: chatWhole
    case .anthropic: anthropicWhole
    case .bedrock: bedrockWhole
    }
  }

  private func frame(_ event: String?, _ data: String) -> [UInt8] {
    let end = quirks.contains(.carriageReturns) ? "\r\n" : "\n"
    var text = quirks.contains(.carriageReturns) ? ": keep-alive\(end)" : ""
    if let event { text += "event: \(event)\(end)" }
    return Array((text + "data: \(data)\(end)\(end)").utf8)
  }

  /// A text in pieces of `deltaCharacters`.
  func pieces(_ text: String) -> [String] {
    var pieces: [String] = []
    var rest = text[...]
    while !rest.isEmpty {
      pieces.append(String(rest.prefix(deltaCharacters)))
      rest = rest.dropFirst(deltaCharacters)
    }
    return pieces
  }

  /// A call's name and argument text, and whether it goes out free-form.
  func resolved(_ call: ScriptedCall) -> (name: String, arguments: String, freeform: Bool) {
    switch call {
    case .tool(let name, let arguments): return (name, arguments.text, false)
    case .raw(let name, let arguments): return (name, arguments, false)
    case .freeform(let name, let input):
      if let argument = request.argumentName(ofFreeform: name) {
        var object = JSONObject()
        object[argument] = .string(input)
        return (name, JSONValue.object(object).text, false)
      }
      return (name, input, true)
    }
  }

  func callID(_ place: Int) -> String { "call_\(index)_\(quirks.contains(.duplicateIDs) ? 0 : place)" }

  var usage: ScriptedUsage {
    turn.usage
      ?? ScriptedUsage(
        input: request.received.body.count / 4,
        output: (turn.text.utf8.count + turn.calls.reduce(0) { $0 + resolved($1).arguments.utf8.count }) / 4 + 1)
  }
}
