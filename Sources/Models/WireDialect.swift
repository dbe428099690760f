import Conversation
import JSON

/// What every request of one prefix shares, beside its items.
struct FixedPart: Sendable, Hashable {
  var system: String
  var tools: [ToolDefinition]
  var maxOutputTokens: Int?
  var cacheKey: String?
  var features: Features

  init(_ request: ModelRequest, features: Features) {
    system = request.system
    tools = request.tools
    maxOutputTokens = request.maxOutputTokens
    cacheKey = request.cacheKey
    self.features = features
  }

  /// The argument name of each free-form tool.
  var freeformArguments: [String: String] {
    var names: [String: String] = [:]
    for tool in tools { if case .freeform(let argument) = tool.input { names[tool.name] = argument } }
    return names
  }
}

/// What a server turned out not to take.
struct Features: Sendable, Hashable {
  /// Members of the request body that are left out.
  var dropped: Set<String> = []
  /// Free-form tools are offered as such.
  var freeformTools = true
  /// Reasoning of earlier turns is sent back.
  var replaysReasoning = true
  /// Chat: tools are described in the system text and called in the answer's text, for models that know no tools.
  var textTools = false
  /// Chat: the system text is a message of the role `system`; where there is no such role, the user says it.
  var systemRole = true
  /// Chat: a message of calls alone has the content null; where that is refused, an empty text.
  var nullContent = true
  /// Chat: the name of the output limit.
  var limitName = "max_tokens"
  /// The most output tokens that the server said it takes; nil while it did not.
  var outputLimit: Int?
  /// Cache marks are set, where the dialect has them.
  var cacheMarks = true
  /// Bedrock: a tool's failure is told in a member of its own.
  var resultStatus = true
  /// Pictures are sent; else the model is told that there is one.
  var images = true
  /// Answers come as a stream of events.
  var streams = true
}

/// One provider's way to write requests and answers. A request is `head`, then the units of its items, then `tail`; the
/// same fixed part and items always give the same bytes.
protocol WireDialect: Sendable {
  /// The name under which reasoning is kept.
  var name: String { get }
  /// The path behind the base URL.
  func route(model: String, features: Features) -> String
  /// Everything before the items, and whether an item stands at its end already.
  func head(_ fixed: FixedPart, provider: Provider, model: String) -> (bytes: [UInt8], endsWithItem: Bool)
  /// Everything after the items.
  var tail: [UInt8] { get }
  /// True when an item is written together with the one before it, as one unit.
  func joins(_ item: Item, to previous: Item, _ features: Features) -> Bool
  /// One unit: items that are written together. Empty when nothing of it is sent.
  func encode(_ unit: ArraySlice<Item>, fixed: FixedPart) -> [UInt8]
  /// What asks the provider to cache everything up to the end of a unit; nil where it caches by itself.
  func cacheMark(_ features: Features) -> CacheMark?
  /// Reads one streamed answer.
  func decoder(_ context: AnswerContext) -> any AnswerDecoder
}

extension WireDialect {
  /// Most dialects write all that the model produced in one go as one message, and everything else by itself.
  func joins(_ item: Item, to previous: Item, _ features: Features) -> Bool { item.isFromModel && previous.isFromModel }
  func cacheMark(_ features: Features) -> CacheMark? { nil }
}

extension WireDialect {
  /// A message of content blocks, one for each item that is sent. A message without any is refused, and without it two
  /// messages of one side would follow one another: it gets `nothing`.
  func message(
    of unit: ArraySlice<Item>, nothing: StaticString, _ write: (_ item: Item, _ bytes: inout [UInt8]) -> Void
  ) -> [UInt8] {
    guard let first = unit.first else { return [] }
    var bytes: [UInt8] = []
    bytes.append(first.isFromModel ? "{\"role\":\"assistant\",\"content\":[" : "{\"role\":\"user\",\"content\":[")
    let start = bytes.count
    for item in unit {
      let before = bytes.count
      if before > start { bytes.append(",") }
      let written = bytes.count
      write(item, &bytes)
      if bytes.count == written { bytes.removeLast(written - before) }
    }
    if bytes.count == start { bytes.append(nothing) }
    bytes.append("]}")
    return bytes
  }
}

/// Asks for caching at the end of a unit. It stands before the unit's last bytes, so that the unit without it stays as it
/// was when the mark moves on.
struct CacheMark: Sendable {
  var bytes: [UInt8]
  /// How many bytes of the unit come behind the mark.
  var closing: Int
}

/// What reading an answer needs to know.
struct AnswerContext: Sendable {
  /// Who answers, for messages.
  var endpoint: String
  /// The argument name of each free-form tool that was offered.
  var freeformArguments: [String: String]
  /// True when calls of tools stand in the answer's text.
  var hasTextTools = false
  /// Takes what a person may want to see.
  var observe: @Sendable (ModelProgress) -> Void
}

/// Reads one answer as it arrives. Memory is bounded by the parser's and the answer's bounds.
protocol AnswerDecoder {
  /// True when the answer has said that it is whole; what may follow is of no use.
  var isComplete: Bool { get }
  /// True when the provider paused a long turn: what came is to be sent back as it is, for the rest.
  var isPaused: Bool { get }
  /// Bytes looked at and bytes put together so far: the work done, to be compared with the bytes received.
  var work: Int { get }
  /// Events so far: a stream that only shows that it is still there has none.
  var eventCount: Int { get }
  /// Takes the next bytes of a stream.
  mutating func feed(_ bytes: [UInt8]) throws(AttemptFailure)
  /// Takes an answer that came as one JSON document.
  mutating func feedWhole(_ answer: JSONValue) throws(AttemptFailure)
  /// The answer, once the stream has ended.
  mutating func finish() throws(AttemptFailure) -> ModelResponse
}

extension AnswerDecoder {
  var isPaused: Bool { false }
}

/// The most bytes of text or arguments that an answer may have.
let maximumAnswerBytes = 32 << 20

extension AttemptFailure {
  /// The stream ended before its terminal event.
  static func brokenOff(_ endpoint: String) -> AttemptFailure {
    AttemptFailure(.unavailable, "the answer of \(endpoint) broke off before its end", .resend)
  }

  /// Runs what reads a stream: what a parser finds wrong is an answer that does not follow the protocol.
  static func reading(_ endpoint: String, _ body: () throws -> Void) throws(AttemptFailure) {
    do {
      try body()
    } catch let failure as AttemptFailure {
      throw failure
    } catch {
      throw malformed(endpoint, "\(error)")
    }
  }

  /// An answer that does not follow the protocol.
  static func malformed(_ endpoint: String, _ what: String) -> AttemptFailure {
    AttemptFailure(.malformedAnswer, "\(endpoint) answered something that is not its protocol: \(what)", .repeatOnce)
  }
}

/// Appending JSON piece by piece.
extension [UInt8] {
  mutating func append(_ text: StaticString) {
    text.withUTF8Buffer { append(contentsOf: $0) }
  }

  /// Appends a text as a JSON string. Swift's texts are valid UTF-8 always; the one character that servers choke on, NUL,
  /// is shown as a replacement character.
  mutating func appendJSON(_ text: String) {
    if text.utf8.contains(0) {
      JSONValue.write(
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value == 0 ? "\u{FFFD}" : $0 })), to: &self)
    } else {
      JSONValue.write(text, to: &self)
    }
  }
}

/// What a model that takes no pictures is told instead.
let noImage = "(a picture, which this model cannot be shown)"

/// A tool's name as providers accept it in history: the model may have written anything.
func acceptableName(_ name: String) -> String {
  let isFine =
    !name.isEmpty && name.utf8.count <= 64
    && name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
  if isFine { return name }
  let characters = name.unicodeScalars.prefix(64).map { scalar -> Character in
    let character = Character(scalar)
    return scalar.isASCII && (character.isLetter || character.isNumber || character == "_" || character == "-")
      ? character : "_"
  }
  return characters.isEmpty ? "unknown" : String(characters)
}

/// A call's id as providers accept it in history: another provider, or the model, may have made it.
func acceptableID(_ id: String) -> String {
  let isFine = { (byte: UInt8) in
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
  if !id.isEmpty, id.utf8.count <= 64, id.utf8.allSatisfy(isFine) { return id }
  // Long ids differ at their ends more often than at their beginnings.
  let bytes = id.utf8.suffix(64).map { isFine($0) ? $0 : UInt8(ascii: "_") }
  return bytes.isEmpty ? "call" : String(decoding: bytes, as: UTF8.self)
}

extension Item {
  /// True for what the model produced.
  var isFromModel: Bool {
    switch self {
    case .assistant, .reasoning, .toolCall: true
    case .user, .toolResult, .image: false
    }
  }

  /// True for a call of a tool.
  var isToolCall: Bool { if case .toolCall = self { true } else { false } }
}

extension ToolDefinition {
  /// The JSON Schema of the input, where it has to be an object.
  var objectSchema: JSONValue {
    switch input {
    case .schema(let schema): return schema
    case .freeform(let argument):
      var properties = JSONObject()
      properties[argument] = ["type": "string"]
      return [
        "type": "object", "properties": .object(properties), "required": [.string(argument)],
        "additionalProperties": false,
      ]
    }
  }
}

extension ToolCall {
  /// The arguments as one JSON text, for dialects or servers that have functions only.
  func argumentText(_ freeformArguments: [String: String]) -> String {
    switch arguments {
    case .json(let text): return text
    case .freeform(let text):
      var object = JSONObject()
      object[freeformArguments[name] ?? "input"] = .string(text)
      return JSONValue.object(object).text
    }
  }

  /// The arguments as a JSON object, for dialects or servers that take nothing else: a text that is none is wrapped in
  /// one.
  func argumentObject(_ freeformArguments: [String: String]) -> String {
    let text = argumentText(freeformArguments)
    if let value = try? JSONValue(parsing: text), value.object != nil { return text }
    return JSONValue.object(["invalid_arguments": .string(text)]).text
  }

  /// The arguments of a function call as a call of its tool: a free-form tool that was offered as a function gets its
  /// text back.
  static func arguments(_ text: String, of name: String, _ freeformArguments: [String: String]) -> Arguments {
    let text = text.isEmpty ? "{}" : text
    guard let argument = freeformArguments[name] else { return .json(text) }
    guard let value = try? JSONValue(parsing: text) else {
      // The model wrote the text itself where its JSON wrapping should be.
      return .freeform(text)
    }
    if let input = value[argument]?.string { return .freeform(input) }
    if let input = value.string { return .freeform(input) }
    if let members = value.object?.members, members.count == 1, let input = members[0].value.string {
      return .freeform(input)
    }
    return .json(text)
  }
}
