import Conversation
import HTTPTransport
import JSON

/// Reads an answer of the Responses API. Finished items are taken whole from their own events; deltas are for people
/// alone, so that nothing is put together here.
struct ResponsesDecoder: AnswerDecoder {
  private let context: AnswerContext
  private var parser = ServerSentEventParser()
  /// Finished items under their place in the output.
  private var done: [(place: Int, item: JSONValue)] = []
  private var doneBytes = 0
  private var id: String?
  private var model: String?
  /// The response object of the terminal event.
  private var terminal: JSONValue?
  private(set) var work = 0
  /// The last event that held nothing but a piece, and what that was; nil for one that nobody is told of.
  private var shape = EventShape()
  private var shapeKind: ShownText.Kind?
  private var shown = ShownText()

  init(_ context: AnswerContext) { self.context = context }

  var isComplete: Bool { terminal != nil }
  var eventCount: Int { parser.eventCount }

  mutating func feed(_ bytes: [UInt8]) throws(AttemptFailure) {
    work += bytes.count
    defer { shown.tell(context) }
    try AttemptFailure.reading(context.endpoint) {
      var parser = self.parser
      self.parser = ServerSentEventParser()
      try parser.feed(bytes) { type, data in
        if terminal == nil {
          try type.withUnsafeBufferPointer { type in
            try data.withUnsafeBufferPointer { try handle(type, $0) }
          }
        }
      }
      self.parser = parser
    }
  }

  mutating func feedWhole(_ answer: JSONValue) throws(AttemptFailure) {
    if let error = answer["error"], !error.isNull, answer["status"] == nil {
      throw AttemptFailure(inStream: ProviderError(json: answer), endpoint: context.endpoint)
    }
    guard answer["output"]?.array != nil else { throw .malformed(context.endpoint, "a response without output") }
    try end(answer)
  }

  mutating func finish() throws(AttemptFailure) -> ModelResponse {
    if terminal == nil, let last = parser.finish() {
      // A server that forgot the last empty line; anything cut off counts as such below.
      try? last.data.withUnsafeBufferPointer { data in
        try Array(last.type.utf8).withUnsafeBufferPointer { try handle($0, data) }
      }
      shown.tell(context)
    }
    guard let terminal else { throw .brokenOff(context.endpoint) }
    return response(terminal)
  }

  // MARK: Events

  private mutating func handle(
    _ eventType: UnsafeBufferPointer<UInt8>, _ data: UnsafeBufferPointer<UInt8>
  ) throws(AttemptFailure) {
    if let (quoted, isEscaped) = shape.text(of: data) {
      work += data.count
      let piece = JSONCursor(quoted)
      if !isEscaped { return take(piece.contents) }
      guard let text = piece.string else { throw malformed("an event that is not JSON") }
      return Array(text.utf8).withUnsafeBufferPointer { take($0) }
    }
    if data.equals("[DONE]") { return }
    var typeField: JSONCursor?
    var delta: JSONCursor?
    var item: JSONCursor?
    var place: JSONCursor?
    var response: JSONCursor?
    var number: JSONCursor?
    var padding: JSONCursor?
    work += data.count
    let isWellFormed = JSONCursor(data).forEachMember { name, value in
      if name.equals("type") { typeField = value }
      if name.equals("delta") { delta = value }
      if name.equals("item") { item = value }
      if name.equals("output_index") { place = value }
      if name.equals("response") { response = value }
      if name.equals("sequence_number") { number = value }
      if name.equals("obfuscation") { padding = value }
    }
    guard isWellFormed else { throw malformed("an event that is not JSON") }
    // Some servers leave out the one name, some the other.
    let type = typeField?.string ?? String(decoding: eventType, as: UTF8.self)
    switch type {
    case "response.output_text.delta", "response.refusal.delta", "response.reasoning_summary_text.delta",
      "response.reasoning_text.delta", "response.function_call_arguments.delta",
      "response.custom_tool_call_input.delta":
      // Calls come whole with their end.
      shapeKind =
        type.contains("reasoning") ? .reasoning : type.contains("call") ? nil : .text
      shape.forget()
      guard let text = delta?.string else {
        if shapeKind == .text { throw malformed("a text delta without text") }
        return
      }
      Array(text.utf8).withUnsafeBufferPointer { take($0) }
      if typeField?.isString ?? false {
        shape.learn(data, [(delta, .text), (number, .ignored), (padding, .ignored)])
      }
    case "response.output_item.added":
      var kind: String?
      var name: String?
      _ = item?.forEachMember { member, value in
        if member.equals("type") { kind = value.string }
        if member.equals("name") { name = value.string }
      }
      if let kind, kind.hasSuffix("_call") {
        shown.tell(context)
        context.observe(.toolCall(name: name ?? kind))
      }
    case "response.output_item.done":
      guard let value = item?.value, value.object != nil else { throw malformed("a finished item that is none") }
      work += data.count
      doneBytes += data.count
      guard doneBytes <= maximumAnswerBytes else { throw malformed("more than \(maximumAnswerBytes) bytes") }
      done.append((place?.int ?? done.count, value))
    case "response.created":
      _ = response?.forEachMember { member, value in
        if member.equals("id") { id = value.string }
        if member.equals("model") { model = value.string }
      }
    case "response.completed", "response.incomplete", "response.failed", "response.cancelled":
      guard let value = response?.value, value.object != nil else { throw malformed("an end without its response") }
      work += data.count
      try end(value, event: type)
    case "error":
      guard let value = JSONCursor(data).value else { throw malformed("an error that is not JSON") }
      throw AttemptFailure(inStream: ProviderError(json: value), endpoint: context.endpoint)
    case "":
      // Gateways put their own errors into the stream.
      if let value = JSONCursor(data).value, let error = value["error"], !error.isNull {
        throw AttemptFailure(inStream: ProviderError(json: value), endpoint: context.endpoint)
      }
    default:
      break
    }
  }

  private mutating func take(_ piece: UnsafeBufferPointer<UInt8>) {
    guard let shapeKind else { return }
    work += piece.count
    shown.add(piece, shapeKind, context)
  }

  private mutating func end(_ response: JSONValue, event: String = "") throws(AttemptFailure) {
    let status = response["status"]?.string ?? ""
    if event == "response.failed" || event == "response.cancelled" || status == "failed" || status == "cancelled" {
      var failure = AttemptFailure(inStream: ProviderError(json: response["error"]), endpoint: context.endpoint)
      failure.requestID = response["id"]?.string ?? id
      throw failure
    }
    terminal = response
  }

  private func malformed(_ what: String) -> AttemptFailure { .malformed(context.endpoint, what) }

  // MARK: The answer

  private func response(_ terminal: JSONValue) -> ModelResponse {
    var output = done.sorted { $0.place < $1.place }.map(\.item)
    if output.isEmpty { output = terminal["output"]?.array ?? [] }
    var items: [Item] = []
    var isRefusal = false
    for item in output { append(item, to: &items, &isRefusal) }
    var stop: ModelResponse.StopReason = .endOfTurn
    if terminal["status"]?.string == "incomplete" {
      stop = terminal["incomplete_details"]?["reason"]?.string == "content_filter" ? .refusal : .length
    } else if items.contains(where: \.isToolCall) {
      stop = .toolCalls
    } else if isRefusal {
      stop = .refusal
    }
    let counts = terminal["usage"]
    let usage = Usage(
      input: counts?["input_tokens"]?.int ?? 0,
      cachedInput: counts?["input_tokens_details"]?["cached_tokens"]?.int ?? 0,
      output: counts?["output_tokens"]?.int ?? 0,
      reasoning: counts?["output_tokens_details"]?["reasoning_tokens"]?.int ?? 0)
    return ModelResponse(
      items: items, usage: usage, stop: stop, id: terminal["id"]?.string ?? id,
      model: terminal["model"]?.string ?? model)
  }

  private func append(_ item: JSONValue, to items: inout [Item], _ isRefusal: inout Bool) {
    let isWhole = item["status"]?.string != "incomplete"
    switch item["type"]?.string {
    case "message":
      var text = ""
      for part in item["content"]?.array ?? [] {
        if let refusal = part["refusal"]?.string {
          text += refusal
          isRefusal = true
        } else {
          text += part["text"]?.string ?? ""
        }
      }
      if !text.isEmpty { items.append(.assistant(text: text)) }
    case "reasoning":
      let summary = (item["summary"]?.array ?? []).compactMap { $0["text"]?.string }.joined(separator: "\n\n")
      items.append(.reasoning(Reasoning(dialect: "openai-responses", summary: summary, payload: item)))
    // A call that was cut off by the token limit must never run.
    case "function_call" where isWhole:
      let name = item["name"]?.string ?? ""
      let text = item["arguments"]?.string ?? item["arguments"]?.text ?? ""
      items.append(
        .toolCall(
          ToolCall(
            id: item["call_id"]?.string ?? item["id"]?.string ?? "", name: name,
            arguments: ToolCall.arguments(text, of: name, context.freeformArguments))))
    case "custom_tool_call" where isWhole:
      items.append(
        .toolCall(
          ToolCall(
            id: item["call_id"]?.string ?? item["id"]?.string ?? "", name: item["name"]?.string ?? "",
            arguments: .freeform(item["input"]?.string ?? ""))))
    default: break
    }
  }
}
