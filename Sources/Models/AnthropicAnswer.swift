import Conversation
import HTTPTransport
import JSON

/// Reads an answer of Anthropic's Messages API: content blocks that begin, grow by deltas and end. A call's arguments come
/// as pieces of a JSON text and are looked at only when the answer is whole.
struct AnthropicDecoder: AnswerDecoder {
  private let context: AnswerContext
  private var parser = ServerSentEventParser()
  private var answer: BlockAnswer
  private var stopReason: String?
  private var isDone = false
  /// The counts so far: each event's replace those of the same name.
  private var counts = JSONObject()
  private var id: String?
  private var model: String?
  private var parsed = 0
  /// The last event that held nothing but a piece, and where that went.
  private var shape = EventShape()
  private var shapePlace: (index: Int, expecting: BlockAnswer.Expected?) = (0, nil)
  var work: Int { parsed + answer.kept }

  init(_ context: AnswerContext) {
    self.context = context
    answer = BlockAnswer(context)
  }

  var isComplete: Bool { isDone }
  var eventCount: Int { parser.eventCount }
  var isPaused: Bool { stopReason == "pause_turn" }

  mutating func feed(_ bytes: [UInt8]) throws(AttemptFailure) {
    parsed += bytes.count
    defer { answer.tell() }
    try AttemptFailure.reading(context.endpoint) {
      var parser = self.parser
      self.parser = ServerSentEventParser()
      try parser.feed(bytes) { type, data in
        if !isDone {
          try type.withUnsafeBufferPointer { type in
            try data.withUnsafeBufferPointer { try handle(type, $0) }
          }
        }
      }
      self.parser = parser
    }
  }

  mutating func feedWhole(_ whole: JSONValue) throws(AttemptFailure) {
    defer { answer.tell() }
    try checkError(whole)
    guard let content = whole["content"]?.array else { throw malformed("an answer without content") }
    begin(whole)
    for (index, block) in content.enumerated() {
      try start(index, block)
      try answer.end(index)
    }
    stopReason = whole["stop_reason"]?.string ?? "end_turn"
    isDone = true
  }

  mutating func finish() throws(AttemptFailure) -> ModelResponse {
    if !isDone, let last = parser.finish() {
      // A server that forgot the last empty line; anything cut off counts as such below.
      try? last.data.withUnsafeBufferPointer { data in
        try Array(last.type.utf8).withUnsafeBufferPointer { try handle($0, data) }
      }
      answer.tell()
    }
    guard isDone || stopReason != nil else { throw .brokenOff(context.endpoint) }
    return try response()
  }

  // MARK: Events

  private mutating func handle(
    _ eventType: UnsafeBufferPointer<UInt8>, _ data: UnsafeBufferPointer<UInt8>
  ) throws(AttemptFailure) {
    parsed += data.count
    if let (quoted, isEscaped) = shape.text(of: data) {
      let piece = JSONCursor(quoted)
      if !isEscaped { return try answer.grow(shapePlace.index, piece.contents, expecting: shapePlace.expecting) }
      guard let text = piece.string else { throw malformed("an event that is not JSON") }
      return try answer.grow(shapePlace.index, text, expecting: shapePlace.expecting)
    }
    var typeField: JSONCursor?
    var index: JSONCursor?
    var delta: JSONCursor?
    let isWellFormed = JSONCursor(data).forEachMember { name, value in
      if name.equals("type") { typeField = value }
      if name.equals("index") { index = value }
      if name.equals("delta") { delta = value }
    }
    guard isWellFormed else { throw malformed("an event that is not JSON") }
    let type = typeField?.string ?? String(decoding: eventType, as: UTF8.self)
    if type == "content_block_delta" {
      guard let delta, let index = index?.int else { throw malformed("a delta without its block") }
      shape.forget()
      if let piece = try grow(index, delta), typeField?.isString ?? false { shape.learn(data, [(piece, .text)]) }
      return
    }
    if type == "ping" { return }
    guard let event = JSONCursor(data).value else { throw malformed("an event that is not JSON") }
    switch type {
    case "message_start": begin(event["message"] ?? .null)
    case "content_block_start":
      guard let index = event["index"]?.int, let block = event["content_block"], block.object != nil else {
        throw malformed("a content block that is none")
      }
      try start(index, block)
    case "content_block_stop": if let index = event["index"]?.int { try answer.end(index) }
    case "message_delta":
      if let reason = event["delta"]?["stop_reason"]?.string { stopReason = reason }
      count(event["usage"])
    case "message_stop":
      stopReason = stopReason ?? "end_turn"
      isDone = true
    default: try checkError(event, isError: type == "error")
    }
  }

  private mutating func begin(_ message: JSONValue) {
    id = message["id"]?.string ?? id
    model = message["model"]?.string ?? model
    count(message["usage"])
  }

  private mutating func count(_ usage: JSONValue?) {
    for member in usage?.object?.members ?? [] where member.value.int != nil { counts[member.name] = member.value }
  }

  private mutating func start(_ index: Int, _ block: JSONValue) throws(AttemptFailure) {
    switch block["type"]?.string {
    case "text": try answer.start(index, .text, text: block["text"]?.string ?? "")
    case "tool_use":
      try answer.start(index, .call(id: block["id"]?.string ?? "", name: block["name"]?.string ?? ""))
      if let input = block["input"], let members = input.object?.members, !members.isEmpty {
        try answer.grow(index, input.text)
      } else if let input = block["input"]?.string {
        try answer.grow(index, input)
      }
    case "thinking":
      try answer.start(index, .reasoning, text: block["thinking"]?.string ?? "")
      if let signature = block["signature"]?.string { try answer.sign(index, signature) }
    default: try answer.start(index, .other(block))
    }
  }

  /// Returns the piece that a block grew by, except a signature's.
  private mutating func grow(_ index: Int, _ delta: JSONCursor) throws(AttemptFailure) -> JSONCursor? {
    var type: JSONCursor?
    var text: JSONCursor?
    var json: JSONCursor?
    var thinking: JSONCursor?
    var signature: JSONCursor?
    let isWellFormed = delta.forEachMember { name, value in
      if name.equals("type") { type = value }
      if name.equals("text") { text = value }
      if name.equals("partial_json") { json = value }
      if name.equals("thinking") { thinking = value }
      if name.equals("signature") { signature = value }
    }
    guard isWellFormed else { throw malformed("a delta that is no object") }
    func add(
      _ cursor: JSONCursor?, expecting: BlockAnswer.Expected?
    ) throws(AttemptFailure) -> JSONCursor? {
      guard let text = cursor?.string else { throw malformed("a delta that is no text") }
      try answer.grow(index, text, expecting: expecting)
      shapePlace = (index, expecting)
      return cursor
    }
    switch type?.string {
    case "text_delta": return try add(text, expecting: .text)
    case "input_json_delta": return try add(json, expecting: nil)
    case "thinking_delta": return try add(thinking, expecting: .reasoning)
    case "signature_delta":
      guard let piece = signature?.string else { throw malformed("a delta that is no text") }
      try answer.sign(index, piece)
    default: break  // Citations, and what is yet to come.
    }
    return nil
  }

  private func checkError(_ event: JSONValue, isError: Bool = false) throws(AttemptFailure) {
    guard isError || event["type"]?.string == "error" || event["type"] == nil && event["error"]?.isNull == false else {
      return
    }
    var failure = AttemptFailure(inStream: ProviderError(json: event), endpoint: context.endpoint)
    failure.requestID = event["request_id"]?.string
    throw failure
  }

  private func malformed(_ what: String) -> AttemptFailure { .malformed(context.endpoint, what) }

  // MARK: The answer

  private func response() throws(AttemptFailure) -> ModelResponse {
    func number(_ name: String) -> Int { max(0, counts[name]?.int ?? 0) }
    let isCut = stopReason == "max_tokens" || stopReason == "model_context_window_exceeded"
    let items = answer.items(dialect: "anthropic-messages", isCut: isCut) { text, signature in
      ["type": "thinking", "thinking": .string(text), "signature": .string(signature)]
    }
    let stop: ModelResponse.StopReason
    switch stopReason {
    case "max_tokens": stop = .length
    case "refusal": stop = .refusal
    case "model_context_window_exceeded":
      throw AttemptFailure(.contextTooLong, "\(context.endpoint): the conversation fills the model's context", .none)
    default: stop = items.contains(where: \.isToolCall) ? .toolCalls : .endOfTurn
    }
    let cached = number("cache_read_input_tokens")
    let written = number("cache_creation_input_tokens")
    let usage = Usage(
      input: number("input_tokens") + cached + written, cachedInput: cached, output: number("output_tokens"),
      cacheWriteInput: written)
    return ModelResponse(items: items, usage: usage, stop: stop, id: id, model: model)
  }
}
