/// Something that answers a conversation: a provider's model over HTTP, or the built-in engine.
public protocol Model: Sendable {
  /// Who answers, and where it runs.
  var identity: ModelIdentity { get }

  /// Answers the conversation once. Throws only after its own retries are used up; a broken stream never yields a
  /// partial response, so a tool is never run twice.
  ///
  /// Cancelling the task ends the request; the call then throws ``ModelError`` with kind ``ModelError/Kind/cancelled``.
  /// - Parameter observe: called, in order, with what a person may want to see meanwhile.
  func respond(
    to request: ModelRequest, observe: @escaping @Sendable (ModelProgress) -> Void
  ) async throws(ModelError) -> ModelResponse
}

/// Names a model for policy, record and people.
public struct ModelIdentity: Sendable, Hashable {
  /// The provider's name in the configuration, such as `openai`; `builtin` for the built-in engine.
  public var provider: String
  /// The model's name at that provider.
  public var name: String
  /// Host and port that requests go to; nil when nothing leaves the process.
  public var endpoint: String?

  /// Names a model.
  public init(provider: String, name: String, endpoint: String?) {
    self.provider = provider
    self.name = name
    self.endpoint = endpoint
  }
}

/// Everything that a model is sent. Within one prefix all fields but `items` stay the same, and `items` only grows.
public struct ModelRequest: Sendable, Hashable {
  /// The system text.
  public var system: String
  /// The tools, in a fixed order.
  public var tools: [ToolDefinition]
  /// The conversation so far.
  public var items: [Item]
  /// The most tokens that the answer may have; nil leaves it to the provider.
  public var maxOutputTokens: Int?
  /// Groups the requests of one run for the provider's prompt cache.
  public var cacheKey: String?

  /// A request.
  public init(
    system: String, tools: [ToolDefinition], items: [Item], maxOutputTokens: Int? = nil, cacheKey: String? = nil
  ) {
    self.system = system
    self.tools = tools
    self.items = items
    self.maxOutputTokens = maxOutputTokens
    self.cacheKey = cacheKey
  }
}

/// A complete answer.
public struct ModelResponse: Sendable, Hashable {
  /// What the model produced, in order: reasoning, text, tool calls.
  public var items: [Item]
  /// Tokens counted by the provider.
  public var usage: Usage
  /// Why the answer ended.
  public var stop: StopReason
  /// The provider's id of the answer, for support requests and the record.
  public var id: String?
  /// The model that the provider says answered.
  public var model: String?

  /// Why an answer ended.
  public enum StopReason: String, Sendable, Hashable {
    /// The model has nothing more to say or do.
    case endOfTurn
    /// The model waits for tool results.
    case toolCalls
    /// The answer's token limit was reached.
    case length
    /// The provider withheld the answer, or the model declined.
    case refusal
  }

  /// An answer.
  public init(items: [Item], usage: Usage, stop: StopReason, id: String? = nil, model: String? = nil) {
    self.items = items
    self.usage = usage
    self.stop = stop
    self.id = id
    self.model = model
  }
}

/// Tokens of one answer or of many.
public struct Usage: Sendable, Hashable {
  /// Tokens read, cached ones included.
  public var input: Int
  /// Of those, tokens that the provider's cache held.
  public var cachedInput: Int
  /// Tokens written, reasoning included.
  public var output: Int
  /// Of those, tokens of reasoning.
  public var reasoning: Int
  /// Of the tokens read, those that were written to the provider's cache, where it counts them apart.
  public var cacheWriteInput: Int
  /// True when the provider counted nothing and the numbers are estimates of ours.
  public var isEstimated: Bool

  /// Counts of tokens.
  public init(
    input: Int = 0, cachedInput: Int = 0, output: Int = 0, reasoning: Int = 0, cacheWriteInput: Int = 0,
    isEstimated: Bool = false
  ) {
    self.input = input
    self.cachedInput = cachedInput
    self.output = output
    self.reasoning = reasoning
    self.cacheWriteInput = cacheWriteInput
    self.isEstimated = isEstimated
  }

  /// Adds the counts of two answers.
  public static func + (left: Usage, right: Usage) -> Usage {
    Usage(
      input: left.input + right.input, cachedInput: left.cachedInput + right.cachedInput,
      output: left.output + right.output, reasoning: left.reasoning + right.reasoning,
      cacheWriteInput: left.cacheWriteInput + right.cacheWriteInput,
      isEstimated: left.isEstimated || right.isEstimated)
  }
}

/// What happens while an answer is made. Nothing here is acted on; it is for people.
public enum ModelProgress: Sendable, Hashable {
  /// More text.
  case text(String)
  /// More of a reasoning summary.
  case reasoning(String)
  /// A tool call has begun.
  case toolCall(name: String)
  /// What a program-like model is doing now, such as the place that the built-in engine looks at.
  case status(String)
  /// The request failed and is sent again after a wait.
  case retrying(reason: String, attempt: Int, seconds: Double)
}

/// Why a model gave no answer, after retries.
public struct ModelError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What a caller does about it.
  public enum Kind: String, Sendable, Hashable {
    /// The key is missing, wrong or not allowed: nothing will help but another key.
    case authentication
    /// The provider does not know the model, or refuses the request's shape.
    case invalidRequest
    /// The conversation is too long for the model: compact and try again.
    case contextTooLong
    /// Rate limit or quota, after all waiting.
    case rateLimited
    /// The provider failed or could not be reached, after all retries.
    case unavailable
    /// An answer that does not follow the protocol.
    case malformedAnswer
    /// The task was cancelled.
    case cancelled
  }

  /// What to do about it.
  public var kind: Kind
  /// What happened, in a sentence, with no key in it.
  public var message: String
  /// The HTTP status, when there was one.
  public var status: Int?
  /// The provider's id of the failed request.
  public var requestID: String?

  /// Describes a failure.
  public init(kind: Kind, message: String, status: Int? = nil, requestID: String? = nil) {
    self.kind = kind
    self.message = message
    self.status = status
    self.requestID = requestID
  }

  /// The message.
  public var description: String { message }
}
