import Conversation
import HTTPTransport
import JSON

/// Reads an answer of the Chat Completions API, as its many servers give it. Text and arguments are put together from
/// their deltas, each byte once.
struct ChatDecoder: AnswerDecoder {
  /// A call that is being put together.
  private struct Call {
    var index: Int?
    var id = ""
    var name = ""
    var arguments: [UInt8] = []
    var isCustom = false
  }

  private let context: AnswerContext
  private var parser = ServerSentEventParser()
  private var text: [UInt8] = []
  private var refusal: [UInt8] = []
  private var reasoning: [UInt8] = []
  /// The member that reasoning came in: it goes back in the same.
  private var reasoningMember = "reasoning_content"
  private var calls: [Call] = []
  private var finishReason: String?
  private var isDone = false
  private var usage: Usage?
  private var id: String?
  private var model: String?
  private var kept = 0
  private(set) var work = 0
  /// The last event that held nothing but a piece, and where that went: to a call's arguments, or to what is told.
  private var shape = EventShape()
  private var shapeCall: Int?
  private var shapeKind = ShownText.Kind.text
  private var shown = ShownText()

  init(_ context: AnswerContext) { self.context = context }

  var isComplete: Bool { isDone }
  var eventCount: Int { parser.eventCount }

  mutating func feed(_ bytes: [UInt8]) throws(AttemptFailure) {
    work += bytes.count
    defer { shown.tell(context) }
    try AttemptFailure.reading(context.endpoint) {
      var parser = self.parser
      self.parser = ServerSentEventParser()
      try parser.feed(bytes) { _, data in
        if !isDone { try data.withUnsafeBufferPointer { try handle($0) } }
      }
      self.parser = parser
    }
  }

  mutating func feedWhole(_ answer: JSONValue) throws(AttemptFailure) {
    defer { shown.tell(context) }
    try checkError(answer)
    guard let choice = answer["choices"]?[0], let message = choice["message"], message.object != nil else {
      throw malformed("an answer without a message")
    }
    id = answer["id"]?.string
    model = answer["model"]?.string
    if let counts = answer["usage"], counts.object != nil { usage = Self.usage(counts) }
    try take(message)
    finishReason = choice["finish_reason"]?.string ?? "stop"
    isDone = true
  }

  mutating func finish() throws(AttemptFailure) -> ModelResponse {
    if !isDone, let last = parser.finish() {
      // A server that forgot the last empty line; anything cut off counts as such below.
      try? last.data.withUnsafeBufferPointer { try handle($0) }
      shown.tell(context)
    }
    guard isDone || finishReason != nil else { throw .brokenOff(context.endpoint) }
    return try response()
  }

  // MARK: Events

  private mutating func handle(_ data: UnsafeBufferPointer<UInt8>) throws(AttemptFailure) {
    if let (quoted, isEscaped) = shape.text(of: data) {
      work += data.count
      let piece = JSONCursor(quoted)
      if !isEscaped { return try takeAgain(piece.contents) }
      guard let text = piece.string else { throw malformed("an event that is not JSON") }
      return try Self.withBytes(of: text) { bytes throws(AttemptFailure) in try takeAgain(bytes) }
    }
    if data.equals("[DONE]") {
      isDone = true
      return
    }
    var choices: JSONCursor?
    var counts: JSONCursor?
    var answerID: JSONCursor?
    var answerModel: JSONCursor?
    var isError = false
    var padding: JSONCursor?
    work += data.count
    let isWellFormed = JSONCursor(data).forEachMember { name, value in
      if name.equals("choices") { choices = value }
      if name.equals("usage"), value.isObject { counts = value }
      if name.equals("id") { answerID = value }
      if name.equals("model") { answerModel = value }
      if name.equals("obfuscation") { padding = value }
      if name.equals("error"), !value.isNull { isError = true }
      if name.equals("object"), value.string == "error" { isError = true }
    }
    guard isWellFormed else { throw malformed("an event that is not JSON") }
    if isError {
      guard let value = JSONCursor(data).value else { throw malformed("an error that is not JSON") }
      throw AttemptFailure(inStream: ProviderError(json: value), endpoint: context.endpoint)
    }
    if id == nil { id = answerID?.string }
    if model == nil { model = answerModel?.string }
    if let counts {
      guard let value = counts.value else { throw malformed("usage that is not JSON") }
      usage = Self.usage(value)
    }
    guard let choices, let choice = choices.firstElement else { return }
    shape.forget()
    if let piece = try handle(choice: choice), counts == nil {
      shape.learn(data, [(piece, .text), (padding, .ignored)])
    }
  }

  /// Returns the piece of text or reasoning, when there is nothing else in the choice.
  private mutating func handle(choice: JSONCursor) throws(AttemptFailure) -> JSONCursor? {
    var delta: JSONCursor?
    var finish: JSONCursor?
    var index: JSONCursor?
    let isWellFormed = choice.forEachMember { name, value in
      if name.equals("delta") || name.equals("message"), value.isObject { delta = value }
      if name.equals("finish_reason") { finish = value }
      if name.equals("index") { index = value }
    }
    guard isWellFormed else { throw malformed("a choice that is no object") }
    guard index?.int ?? 0 == 0 else { return nil }
    let piece = try delta.map { delta throws(AttemptFailure) in try handle(delta: delta) }
    guard let reason = finish?.string, !reason.isEmpty else { return piece ?? nil }
    finishReason = reason
    return nil
  }

  private mutating func handle(delta: JSONCursor) throws(AttemptFailure) -> JSONCursor? {
    // The common delta holds one short text: it is taken without reading the rest.
    var content: JSONCursor?
    var thought: JSONCursor?
    var needsAll = false
    let isWellFormed = delta.forEachMember { name, value in
      if name.equals("role") || value.isNull { return }
      if name.equals("content") {
        content = value
      } else if name.equals("reasoning_content"), thought == nil {
        thought = value
      } else {
        needsAll = true
      }
    }
    guard isWellFormed else { throw malformed("a delta that is no object") }
    if needsAll || content?.isArray ?? false || thought != nil && (content != nil || thought?.isString == false) {
      guard let value = delta.value else { throw malformed("a delta that is not JSON") }
      try take(value)
      return argumentPiece(of: delta)
    }
    guard let piece = content ?? thought else { return nil }
    if thought != nil { reasoningMember = "reasoning_content" }
    guard let text = piece.string else { throw malformed("a text delta that is no text") }
    (shapeCall, shapeKind) = (nil, thought == nil ? .text : .reasoning)
    try take(text, shapeKind)
    return piece
  }

  /// Takes a delta or a whole message.
  private mutating func take(_ delta: JSONValue) throws(AttemptFailure) {
    for name in ["reasoning_content", "reasoning", "reasoning_text"] {
      guard let piece = delta[name]?.string, !piece.isEmpty else { continue }
      reasoningMember = name
      try take(piece, .reasoning)
      break
    }
    if let piece = delta["content"]?.string { try take(piece, .text) }
    for part in delta["content"]?.array ?? [] {
      if part["type"]?.string ?? "text" == "text", let piece = part["text"]?.string { try take(piece, .text) }
    }
    if let piece = delta["refusal"]?.string, !piece.isEmpty {
      try keep(piece.utf8.count)
      refusal.append(contentsOf: piece.utf8)
      shown.tell(context)
      context.observe(.text(piece))
    }
    for call in delta["tool_calls"]?.array ?? [] { try take(call: call) }
  }

  /// The piece of arguments of a delta that goes on with one call and holds nothing else.
  private mutating func argumentPiece(of delta: JSONCursor) -> JSONCursor? {
    var list: JSONCursor?
    var isPlain = true
    _ = delta.forEachMember { name, value in
      if name.equals("tool_calls") {
        list = value
      } else if !name.equals("role"), !value.isNull {
        isPlain = false
      }
    }
    guard isPlain, let call = list?.onlyElement else { return nil }
    var place: JSONCursor?
    var function: JSONCursor?
    _ = call.forEachMember { name, value in
      if name.equals("index") { place = value }
      if name.equals("function") { function = value }
      // An id may begin another call.
      if name.equals("id"), !value.isNull, value.string != "" { isPlain = false }
    }
    var piece: JSONCursor?
    _ = function?.forEachMember { name, value in
      if name.equals("arguments") { piece = value }
      if name.equals("name"), !value.isNull, value.string != "" { isPlain = false }
    }
    guard isPlain, let index = place?.int, piece?.isString ?? false,
      let position = calls.lastIndex(where: { $0.index == index })
    else { return nil }
    shapeCall = position
    return piece
  }

  /// Takes a piece that goes where the last one went.
  private mutating func takeAgain(_ piece: UnsafeBufferPointer<UInt8>) throws(AttemptFailure) {
    guard let shapeCall else { return try take(piece, shapeKind) }
    try keep(piece.count)
    calls[shapeCall].arguments.append(contentsOf: piece)
  }

  private static func withBytes(
    of text: String, _ body: (UnsafeBufferPointer<UInt8>) throws(AttemptFailure) -> Void
  ) throws(AttemptFailure) {
    try Array(text.utf8).withUnsafeBufferPointer(body)
  }

  private mutating func take(_ piece: String, _ kind: ShownText.Kind) throws(AttemptFailure) {
    try Self.withBytes(of: piece) { bytes throws(AttemptFailure) in try take(bytes, kind) }
  }

  private mutating func take(
    _ piece: UnsafeBufferPointer<UInt8>, _ kind: ShownText.Kind
  ) throws(AttemptFailure) {
    if piece.isEmpty { return }
    try keep(piece.count)
    if kind == .text { text.append(contentsOf: piece) } else { reasoning.append(contentsOf: piece) }
    shown.add(piece, kind, context)
  }

  private mutating func take(call delta: JSONValue) throws(AttemptFailure) {
    guard delta.object != nil else { throw malformed("a tool call that is no object") }
    let function = delta["function"] ?? delta["custom"]
    let id = delta["id"]?.string ?? ""
    let name = function?["name"]?.string ?? ""
    let position: Int
    if let known = begun(index: delta["index"]?.int, id: id, name: name) {
      position = known
    } else {
      guard calls.count < 1000 else { throw malformed("more than 1000 tool calls in one answer") }
      calls.append(Call(index: delta["index"]?.int, id: id))
      position = calls.count - 1
    }
    if calls[position].id.isEmpty { calls[position].id = id }
    // A name comes once, or again and again, or in pieces before the arguments: all three are seen.
    if calls[position].name.isEmpty, !name.isEmpty {
      try keep(name.utf8.count)
      calls[position].name = name
      shown.tell(context)
      context.observe(.toolCall(name: name))
    } else if !name.isEmpty, calls[position].name != name, calls[position].arguments.isEmpty {
      try keep(name.utf8.count)
      calls[position].name += name
    }
    if delta["custom"]?.object != nil { calls[position].isCustom = true }
    switch function?["arguments"] ?? function?["input"] {
    case .string(let piece):
      try keep(piece.utf8.count)
      calls[position].arguments.append(contentsOf: piece.utf8)
    case .object(let object):
      // Some servers give the arguments as what they are, in one piece.
      let whole = JSONValue.object(object).text
      try keep(whole.utf8.count)
      calls[position].arguments = Array(whole.utf8)
    default: break
    }
  }

  /// Which of the calls so far a delta goes on with; nil when it begins another. The index decides; servers without
  /// one, or with the same one for all, show another call by another id or, without ids, by a name.
  private func begun(index: Int?, id: String, name: String) -> Int? {
    if let index {
      return calls.lastIndex { call in
        call.index == index && (id.isEmpty || call.id.isEmpty || call.id == id)
      }
    }
    if !id.isEmpty { return calls.lastIndex { $0.id == id || $0.id.isEmpty } }
    return name.isEmpty && !calls.isEmpty ? calls.count - 1 : nil
  }

  private mutating func keep(_ count: Int) throws(AttemptFailure) {
    kept += count
    work += count
    guard kept <= maximumAnswerBytes else { throw malformed("more than \(maximumAnswerBytes) bytes") }
  }

  private func checkError(_ answer: JSONValue) throws(AttemptFailure) {
    if let error = answer["error"], !error.isNull {
      throw AttemptFailure(inStream: ProviderError(json: answer), endpoint: context.endpoint)
    }
  }

  private func malformed(_ what: String) -> AttemptFailure { .malformed(context.endpoint, what) }

  // MARK: The answer

  private static func usage(_ counts: JSONValue) -> Usage {
    Usage(
      input: counts["prompt_tokens"]?.int ?? 0,
      cachedInput: counts["prompt_tokens_details"]?["cached_tokens"]?.int
        ?? counts["prompt_cache_hit_tokens"]?.int ?? 0,
      output: counts["completion_tokens"]?.int ?? 0,
      reasoning: counts["completion_tokens_details"]?["reasoning_tokens"]?.int ?? 0)
  }

  /// The thought that some models write at the beginning of their text, and the text behind it.
  private static func taggedThought(_ said: String) -> (thought: String, rest: String)? {
    let text = said.drop(while: \.isWhitespace)
    for tag in ["think", "reasoning"] where text.hasPrefix("<\(tag)>") {
      guard let end = text.firstRange(of: "</\(tag)>") else { return nil }
      let thought = text[..<end.lowerBound].dropFirst(tag.count + 2)
      return (Secret(String(thought)).value, String(text[end.upperBound...].drop(while: \.isWhitespace)))
    }
    return nil
  }

  private func response() throws(AttemptFailure) -> ModelResponse {
    var items: [Item] = []
    if !reasoning.isEmpty {
      let thought = String(decoding: reasoning, as: UTF8.self)
      var payload = JSONObject()
      payload[reasoningMember] = .string(thought)
      items.append(.reasoning(Reasoning(dialect: "openai-chat", summary: thought, payload: .object(payload))))
    }
    var said = String(decoding: text + refusal, as: UTF8.self)
    if reasoning.isEmpty, let (thought, rest) = Self.taggedThought(said) {
      // It came as text, and is not wanted back.
      items.append(.reasoning(Reasoning(dialect: "openai-chat", summary: thought, payload: [:])))
      said = rest
    }
    var written: [(name: String, arguments: String)] = []
    if context.hasTextTools { (said, written) = TextTools.read(said) }
    if !said.isEmpty { items.append(.assistant(text: said)) }
    for (name, arguments) in written {
      items.append(
        .toolCall(
          ToolCall(
            id: "", name: name, arguments: ToolCall.arguments(arguments, of: name, context.freeformArguments))))
    }
    for (position, call) in calls.enumerated() {
      let arguments = String(decoding: call.arguments, as: UTF8.self)
      // A call that was cut off by the token limit must never run.
      let mayBeCut = finishReason == "length" && position == calls.count - 1
      if mayBeCut, call.isCustom || (try? JSONValue(parsing: arguments)) == nil { continue }
      items.append(
        .toolCall(
          ToolCall(
            id: call.id, name: call.name,
            arguments: call.isCustom
              ? .freeform(arguments) : ToolCall.arguments(arguments, of: call.name, context.freeformArguments))))
    }
    let stop: ModelResponse.StopReason
    switch finishReason {
    case "length", "max_tokens": stop = .length
    case "content_filter": stop = .refusal
    case "error", "insufficient_system_resource":
      throw AttemptFailure(.unavailable, "\(context.endpoint) gave up on its answer", .resend)
    default:
      if items.contains(where: \.isToolCall) {
        stop = .toolCalls
      } else {
        stop = refusal.isEmpty ? .endOfTurn : .refusal
      }
    }
    return ModelResponse(items: items, usage: usage ?? Usage(), stop: stop, id: id, model: model)
  }
}
