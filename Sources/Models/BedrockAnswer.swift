import Conversation
import HTTPTransport
import JSON

/// Reads an answer of Amazon Bedrock's ConverseStream, or of Converse. Blocks of text and reasoning may grow without having
/// begun; the counts come after the stop.
struct BedrockDecoder: AnswerDecoder {
  private let context: AnswerContext
  private var parser = EventStreamParser()
  private var answer: BlockAnswer
  private var stopReason: String?
  private var hasMetadata = false
  private var counts: JSONValue?
  private var parsed = 0
  /// The last event that held nothing but a piece, and its block.
  private var shape = EventShape()
  private var shapePlace: (index: Int, expecting: BlockAnswer.Expected?) = (0, nil)
  private(set) var eventCount = 0
  var work: Int { parsed + answer.kept }

  init(_ context: AnswerContext) {
    self.context = context
    answer = BlockAnswer(context)
  }

  var isComplete: Bool { stopReason != nil && hasMetadata }

  mutating func feed(_ bytes: [UInt8]) throws(AttemptFailure) {
    parsed += bytes.count
    defer { answer.tell() }
    try AttemptFailure.reading(context.endpoint) {
      var parser = self.parser
      self.parser = EventStreamParser()
      try parser.feed(bytes) { kind, type, payload in
        eventCount += 1
        if !isComplete {
          try type.withUnsafeBufferPointer { type in
            try payload.withUnsafeBufferPointer { try handle(kind, type, $0) }
          }
        }
      }
      self.parser = parser
    }
  }

  mutating func feedWhole(_ whole: JSONValue) throws(AttemptFailure) {
    defer { answer.tell() }
    guard let content = whole["output"]?["message"]?["content"]?.array else {
      throw malformed("an answer without content")
    }
    for (index, block) in content.enumerated() {
      if let text = block["text"]?.string {
        try answer.start(index, .text, text: text)
      } else if let call = block["toolUse"] {
        try answer.start(index, .call(id: call["toolUseId"]?.string ?? "", name: call["name"]?.string ?? ""))
        try answer.grow(index, call["input"]?.string ?? call["input"]?.text ?? "")
      } else if let text = block["reasoningContent"]?["reasoningText"] {
        try answer.start(index, .reasoning, text: text["text"]?.string ?? "")
        if let signature = text["signature"]?.string { try answer.sign(index, signature) }
      } else {
        try answer.start(index, .other(block))
      }
      try answer.end(index)
    }
    counts = whole["usage"]
    stopReason = whole["stopReason"]?.string ?? "end_turn"
    hasMetadata = true
  }

  mutating func finish() throws(AttemptFailure) -> ModelResponse {
    // An answer that has said why it ended is whole, though its counts be missing.
    guard let stopReason else { throw .brokenOff(context.endpoint) }
    return try response(stopReason)
  }

  // MARK: Events

  private mutating func handle(
    _ kind: EventStreamMessage.Kind, _ type: UnsafeBufferPointer<UInt8>, _ payload: UnsafeBufferPointer<UInt8>
  ) throws(AttemptFailure) {
    guard kind == .event else {
      var error = ProviderError(json: kind == .exception ? JSONCursor(payload).value : nil, raw: Array(payload))
      error.type = String(decoding: type, as: UTF8.self)
      throw AttemptFailure(inStream: error, endpoint: context.endpoint)
    }
    parsed += payload.count
    if type.equals("contentBlockDelta") { return try grow(payload) }
    guard
      type.equals("contentBlockStart") || type.equals("contentBlockStop") || type.equals("messageStop")
        || type.equals("metadata")
    else { return }
    guard let event = JSONCursor(payload).value, event.object != nil else {
      throw malformed("an event that is not JSON")
    }
    if type.equals("contentBlockStart") {
      guard let index = event["contentBlockIndex"]?.int else { throw malformed("a content block without its place") }
      if let call = event["start"]?["toolUse"] {
        try answer.start(index, .call(id: call["toolUseId"]?.string ?? "", name: call["name"]?.string ?? ""))
      } else if let start = event["start"], start.object?.members.isEmpty == false {
        try answer.start(index, .other(start))
      }
    } else if type.equals("contentBlockStop") {
      if let index = event["contentBlockIndex"]?.int { try answer.end(index) }
    } else if type.equals("messageStop") {
      stopReason = event["stopReason"]?.string ?? "end_turn"
    } else {
      counts = event["usage"]
      hasMetadata = true
    }
  }

  private mutating func grow(_ payload: UnsafeBufferPointer<UInt8>) throws(AttemptFailure) {
    if let (quoted, isEscaped) = shape.text(of: payload) {
      let piece = JSONCursor(quoted)
      if !isEscaped { return try answer.grow(shapePlace.index, piece.contents, expecting: shapePlace.expecting) }
      guard let text = piece.string else { throw malformed("an event that is not JSON") }
      return try answer.grow(shapePlace.index, text, expecting: shapePlace.expecting)
    }
    shape.forget()
    var place: JSONCursor?
    var padding: JSONCursor?
    var delta: JSONCursor?
    var isWellFormed = JSONCursor(payload).forEachMember { name, value in
      if name.equals("contentBlockIndex") { place = value }
      if name.equals("delta") { delta = value }
      if name.equals("p") { padding = value }
    }
    guard isWellFormed, let delta, let index = place?.int else { throw malformed("a delta without its block") }
    var text: JSONCursor?
    var call: JSONCursor?
    var reasoning: JSONCursor?
    isWellFormed = delta.forEachMember { name, value in
      if name.equals("text") { text = value }
      if name.equals("toolUse") { call = value }
      if name.equals("reasoningContent") { reasoning = value }
    }
    guard isWellFormed else { throw malformed("a delta that is no object") }
    if let text {
      guard let piece = text.string else { throw malformed("a delta that is no text") }
      try answer.grow(index, piece, expecting: .text)
      shapePlace = (index, .text)
      shape.learn(payload, [(text, .text), (padding, .ignored)])
    } else if let call {
      var input: JSONCursor?
      isWellFormed = call.forEachMember { name, value in if name.equals("input") { input = value } }
      guard isWellFormed, let piece = input?.string else { throw malformed("a delta that is no text") }
      try answer.grow(index, piece)
      shapePlace = (index, nil)
      shape.learn(payload, [(input, .text), (padding, .ignored)])
    } else if let value = reasoning?.value {
      if let piece = value["text"]?.string { try answer.grow(index, piece, expecting: .reasoning) }
      if let signature = value["signature"]?.string { try answer.sign(index, signature) }
      if value["redactedContent"] != nil { try answer.start(index, .other(["reasoningContent": value])) }
    }
  }

  private func malformed(_ what: String) -> AttemptFailure { .malformed(context.endpoint, what) }

  // MARK: The answer

  private func response(_ stopReason: String) throws(AttemptFailure) -> ModelResponse {
    let isCut = stopReason == "max_tokens" || stopReason == "malformed_tool_use"
    let items = answer.items(dialect: "bedrock-converse", isCut: isCut) { text, signature in
      var inner: JSONObject = ["text": .string(text)]
      if !signature.isEmpty { inner["signature"] = .string(signature) }
      return ["reasoningContent": ["reasoningText": .object(inner)]]
    }
    let stop: ModelResponse.StopReason
    switch stopReason {
    case "max_tokens": stop = .length
    case "content_filtered", "guardrail_intervened": stop = .refusal
    case "model_context_window_exceeded":
      throw AttemptFailure(.contextTooLong, "\(context.endpoint): the conversation fills the model's context", .none)
    case "malformed_model_output", "malformed_tool_use":
      throw malformed("the model wrote what its provider could not read (\(stopReason))")
    default: stop = items.contains(where: \.isToolCall) ? .toolCalls : .endOfTurn
    }
    func number(_ name: String) -> Int { max(0, counts?[name]?.int ?? 0) }
    let cached = number("cacheReadInputTokens")
    let written = number("cacheWriteInputTokens")
    return ModelResponse(
      items: items,
      usage: Usage(
        input: number("inputTokens") + cached + written, cachedInput: cached, output: number("outputTokens"),
        cacheWriteInput: written), stop: stop)
  }
}
