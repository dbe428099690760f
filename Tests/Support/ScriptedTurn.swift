public import JSON

/// One answer of a ``ScriptedModelServer``.
public struct ScriptedTurn: Sendable {
  /// Reasoning that comes before the rest; nil for none.
  public var reasoning: String?
  /// What the model says.
  public var text: String
  /// The tools that it asks for, all in this one answer.
  public var calls: [ScriptedCall]
  /// The tokens it claims; nil makes them up from the sizes.
  public var usage: ScriptedUsage?
  /// How the answer ends.
  public var ending: ScriptedEnding
  /// What goes wrong while it is sent.
  public var fault: ScriptedFault?
  /// How many requests for this turn meet the fault; later ones get the answer.
  public var faultTimes: Int

  /// An answer.
  public init(
    text: String = "", calls: [ScriptedCall] = [], reasoning: String? = nil, usage: ScriptedUsage? = nil,
    ending: ScriptedEnding = .normal, fault: ScriptedFault? = nil, faultTimes: Int = 1
  ) {
    self.text = text
    self.calls = calls
    self.reasoning = reasoning
    self.usage = usage
    self.ending = ending
    self.fault = fault
    self.faultTimes = faultTimes
  }

  /// An answer of text alone.
  public static func say(_ text: String) -> ScriptedTurn { ScriptedTurn(text: text) }

  /// An answer that calls one tool with JSON arguments.
  public static func call(_ name: String, _ arguments: JSONValue) -> ScriptedTurn {
    ScriptedTurn(calls: [.tool(name, arguments)])
  }

  /// An answer that calls one free-form tool.
  public static func freeform(_ name: String, _ input: String) -> ScriptedTurn {
    ScriptedTurn(calls: [.freeform(name, input)])
  }

  /// This answer, with something going wrong the first `times` times it is asked for.
  public func failing(_ fault: ScriptedFault, times: Int = 1) -> ScriptedTurn {
    var turn = self
    turn.fault = fault
    turn.faultTimes = times
    return turn
  }
}

/// One tool call of an answer.
public enum ScriptedCall: Sendable {
  /// A function call with arguments.
  case tool(String, JSONValue)
  /// A function call whose arguments are this text, JSON or not.
  case raw(String, String)
  /// A free-form call; where the request offers the tool as a function (Chat), the text becomes its one string argument.
  case freeform(String, String)
}

/// The tokens that an answer claims.
public struct ScriptedUsage: Sendable {
  /// Tokens read.
  public var input: Int
  /// Of those, from the cache.
  public var cached: Int
  /// Tokens written.
  public var output: Int
  /// Of those, reasoning.
  public var reasoning: Int

  /// Counts.
  public init(input: Int, cached: Int = 0, output: Int, reasoning: Int = 0) {
    self.input = input
    self.cached = cached
    self.output = output
    self.reasoning = reasoning
  }
}

/// How an answer ends.
public enum ScriptedEnding: Sendable {
  /// As it should.
  case normal
  /// At the token limit.
  case length
  /// Withheld by the provider's filter.
  case contentFilter
  /// The text is a refusal.
  case refusal
  /// The provider says, inside the stream, that it failed.
  case failed(code: String, message: String)
}

/// What goes wrong. Byte and event counts are of the streamed body, headers not counted.
public enum ScriptedFault: Sendable {
  /// Another status instead of an answer, with an error body as OpenAI sends it.
  case status(
    Int, headers: [(String, String)] = [], code: String? = nil, type: String? = nil, message: String = "scripted")
  /// Any status, headers and body.
  case body(Int, headers: [(String, String)], [UInt8])
  /// The connection is closed without a word.
  case close
  /// TCP reset after so many bytes of the body.
  case reset(afterBytes: Int)
  /// Orderly close after so many bytes, in the middle of the chunked body.
  case truncate(afterBytes: Int)
  /// The body ends in order after so many events: no terminal event.
  case endEarly(afterEvents: Int)
  /// Nothing more for so long after so many bytes; then the rest.
  case stall(afterBytes: Int, seconds: Double)
  /// Nothing at all for so long, not even headers; then the answer.
  case silence(seconds: Double)
  /// An event that is not JSON, after so many events; then the rest.
  case malformed(afterEvents: Int)
  /// The provider's error inside the stream after so many events.
  case errorEvent(afterEvents: Int)
  /// Bytes come in pieces of this size, with a pause after each.
  case drip(bytes: Int, microseconds: Int = 0)
  /// These events' data instead of the answer's.
  case events([String])
}

/// Ways in which servers that call themselves compatible differ.
public enum ScriptedQuirk: Sendable, Hashable {
  /// Chat: tool calls come without ids.
  case noCallIDs
  /// Chat: no usage.
  case noUsage
  /// Chat: no `[DONE]` at the end.
  case noDone
  /// Chat: arguments are an object instead of a text, in one piece.
  case objectArguments
  /// Chat: `finish_reason` is `stop` even after tool calls.
  case finishStop
  /// Chat: every tool call of an answer has the same id.
  case duplicateIDs
  /// Chat: tool-call deltas carry no index.
  case noIndex
  /// Lines end with CR LF, with comments between the events.
  case carriageReturns
}
