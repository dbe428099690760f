import JSON

/// Amazon Bedrock Converse.
extension ScriptedAnswer {
  private var stopReason: JSONValue {
    switch turn.ending {
    case .length: "max_tokens"
    case .contentFilter: "content_filtered"
    case .refusal: "guardrail_intervened"
    case .normal, .failed: turn.calls.isEmpty ? "end_turn" : "tool_use"
    }
  }

  private var bedrockUsage: JSONValue {
    [
      "inputTokens": JSONValue(usage.input - usage.cached), "outputTokens": JSONValue(usage.output),
      "totalTokens": JSONValue(usage.input + usage.output), "cacheReadInputTokens": JSONValue(usage.cached),
      "cacheWriteInputTokens": 0,
    ]
  }

  /// The answer in one piece.
  var bedrockWhole: JSONValue {
    var content: [JSONValue] = []
    if let reasoning = turn.reasoning {
      content.append([
        "reasoningContent": [
          "reasoningText": ["text": .string(reasoning), "signature": .string("signed-\(index)")]
        ]
      ])
    }
    if !turn.text.isEmpty { content.append(["text": .string(turn.text)]) }
    for (place, call) in turn.calls.enumerated() {
      let (name, text, _) = resolved(call)
      content.append([
        "toolUse": [
          "toolUseId": .string(callID(place)), "name": .string(name), "input": (try? JSONValue(parsing: text)) ?? [:],
        ]
      ])
    }
    return [
      "output": ["message": ["role": "assistant", "content": .array(content)]], "stopReason": stopReason,
      "usage": bedrockUsage, "metrics": ["latencyMs": 1],
    ]
  }

  /// The frames in order, as the fault has them. The data of ``ScriptedFault/events(_:)`` is `type`, a tab and the payload.
  func bedrockEvents(fault: ScriptedFault?) -> [[UInt8]] {
    var frames = bedrockEvents.map { EventStreamFrame.event($0.type, $0.payload.serialized) }
    switch fault {
    case .events(let data):
      return data.map { line in
        let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
        return EventStreamFrame.event(String(parts[0]), Array(parts.dropFirst().joined().utf8))
      }
    case .endEarly(let count): return Array(frames.prefix(count))
    case .malformed(let count):
      let place = min(count, frames.count)
      var broken = frames.isEmpty ? [UInt8](repeating: 0, count: 16) : frames[min(place, frames.count - 1)]
      broken[broken.count / 2] ^= 0x40
      frames.insert(broken, at: place)
    case .errorEvent(let count):
      frames = Array(frames.prefix(count))
      frames.append(EventStreamFrame.exception("modelStreamErrorException", "The server had an error."))
    default: break
    }
    if case .failed(let code, let message) = turn.ending {
      frames = Array(frames.dropLast(2)) + [EventStreamFrame.exception(code, message)]
    }
    return frames
  }

  private var bedrockEvents: [(type: String, payload: JSONValue)] {
    var events: [(String, JSONValue)] = [("messageStart", ["role": "assistant", "p": "abcd"])]
    var place = 0
    func delta(_ value: JSONValue) {
      events.append(("contentBlockDelta", ["contentBlockIndex": JSONValue(place), "delta": value, "p": "ab"]))
    }
    func stop() {
      events.append(("contentBlockStop", ["contentBlockIndex": JSONValue(place), "p": "abc"]))
      place += 1
    }
    if let reasoning = turn.reasoning {
      for piece in pieces(reasoning) { delta(["reasoningContent": ["text": .string(piece)]]) }
      delta(["reasoningContent": ["signature": .string("signed-\(index)")]])
      stop()
    }
    if !turn.text.isEmpty {
      // Blocks of text begin without a word.
      for piece in pieces(turn.text) { delta(["text": .string(piece)]) }
      stop()
    }
    for (number, call) in turn.calls.enumerated() {
      let (name, text, _) = resolved(call)
      events.append(
        (
          "contentBlockStart",
          [
            "contentBlockIndex": JSONValue(place),
            "start": ["toolUse": ["toolUseId": .string(callID(number)), "name": .string(name)]],
          ]
        ))
      for piece in pieces(text) { delta(["toolUse": ["input": .string(piece)]]) }
      stop()
    }
    events.append(("messageStop", ["stopReason": stopReason]))
    events.append(("metadata", ["usage": bedrockUsage, "metrics": ["latencyMs": 1]]))
    return events
  }
}

/// Frames of `application/vnd.amazon.eventstream`, made here without any of the parts that are tested by them.
public enum EventStreamFrame {
  /// An event.
  public static func event(_ type: String, _ payload: [UInt8]) -> [UInt8] {
    frame(
      [(":event-type", type), (":content-type", "application/json"), (":message-type", "event")], payload)
  }

  /// An exception.
  public static func exception(_ type: String, _ message: String) -> [UInt8] {
    frame(
      [(":exception-type", type), (":content-type", "application/json"), (":message-type", "exception")],
      JSONValue.object(["message": .string(message)]).serialized)
  }

  /// A frame with headers of text.
  public static func frame(_ headers: [(String, String)], _ payload: [UInt8]) -> [UInt8] {
    var head: [UInt8] = []
    for (name, value) in headers {
      head += [UInt8(name.utf8.count)] + Array(name.utf8) + [7] + big(value.utf8.count, 2) + Array(value.utf8)
    }
    return frame(head, payload)
  }

  /// A frame with headers as they are.
  public static func frame(_ head: [UInt8], _ payload: [UInt8]) -> [UInt8] {
    var bytes = big(16 + head.count + payload.count, 4) + big(head.count, 4)
    bytes += big(Int(crc(bytes)), 4)
    bytes += head + payload
    return bytes + big(Int(crc(bytes)), 4)
  }

  private static func big(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> ((count - 1 - $0) * 8)) }
  }

  /// CRC-32 (IEEE 802.3), a bit at a time.
  private static func crc(_ bytes: [UInt8]) -> UInt32 {
    var crc = ~UInt32(0)
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
    }
    return ~crc
  }
}
