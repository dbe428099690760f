public import JSON

/// One entry of a conversation, in no provider's dialect. Adapters turn items into requests as a pure function.
public enum Item: Sendable, Hashable {
  /// Text from the harness or the person. `structured` carries the same facts as data, for models that are programs
  /// (the built-in engine); no provider is sent it.
  case user(text: String, structured: JSONValue?)
  /// Text that the model said.
  case assistant(text: String)
  /// Reasoning that the provider wants back unchanged (encrypted or signed), opaque to everyone else.
  case reasoning(Reasoning)
  /// A tool that the model asked for.
  case toolCall(ToolCall)
  /// What the tool answered.
  case toolResult(ToolResult)
  /// A picture for the model to look at; one that takes none is told of it instead.
  case image(ImageContent)
}

/// A piece of reasoning in its provider's own shape.
public struct Reasoning: Sendable, Hashable {
  /// The dialect that produced it and alone can replay it, such as `openai-responses`.
  public var dialect: String
  /// A summary for people, when the provider gave one.
  public var summary: String
  /// The provider's item, unchanged.
  public var payload: JSONValue

  /// Keeps a provider's reasoning item.
  public init(dialect: String, summary: String, payload: JSONValue) {
    self.dialect = dialect
    self.summary = summary
    self.payload = payload
  }
}

/// A request of the model to run one tool.
public struct ToolCall: Sendable, Hashable {
  /// The provider's id of this call; the result is sent back under it.
  public var id: String
  /// The tool's name, exactly as the model wrote it: it may name no tool that exists.
  public var name: String
  /// The arguments.
  public var arguments: Arguments

  /// How the model passed the arguments.
  public enum Arguments: Sendable, Hashable {
    /// A text that should be a JSON object and may be anything.
    case json(String)
    /// The whole input of a free-form tool.
    case freeform(String)
  }

  /// Describes one call.
  public init(id: String, name: String, arguments: Arguments) {
    self.id = id
    self.name = name
    self.arguments = arguments
  }
}

/// The answer to one ``ToolCall``.
public struct ToolResult: Sendable, Hashable {
  /// The id of the call that this answers.
  public var callID: String
  /// What the model reads.
  public var output: String
  /// True when the tool could not do what was asked.
  public var isError: Bool
  /// The same facts as data, for models that are programs; no provider is sent it.
  public var structured: JSONValue?
  /// True when the call was free-form: some dialects answer those in another shape.
  public var isFreeform: Bool

  /// Answers one call.
  public init(
    callID: String, output: String, isError: Bool = false, structured: JSONValue? = nil, isFreeform: Bool = false
  ) {
    self.callID = callID
    self.output = output
    self.isError = isError
    self.structured = structured
    self.isFreeform = isFreeform
  }
}

/// A tool as a model is told of it.
public struct ToolDefinition: Sendable, Hashable {
  /// The name that calls use: `[a-zA-Z0-9_-]`, at most 64 characters.
  public var name: String
  /// What it does and when to use it.
  public var description: String
  /// How its input is shaped.
  public var input: Input

  /// The shape of a tool's input.
  public enum Input: Sendable, Hashable {
    /// A JSON object of this JSON Schema.
    case schema(JSONValue)
    /// One free text. Dialects without free-form tools offer an object with this one string member instead.
    case freeform(argumentName: String)
  }

  /// Describes one tool.
  public init(name: String, description: String, input: Input) {
    self.name = name
    self.description = description
    self.input = input
  }
}
