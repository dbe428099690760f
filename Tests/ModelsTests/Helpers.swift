import Conversation
import HTTPTransport
import JSON
import Models
import Synchronization
import TestSupport

/// Waits short enough for tests.
let quick = RetryPolicy(firstWait: 0.01, longestWait: 0.02, budget: 20)

/// Every wire format that a provider can be configured with.
let everyDialect: [Provider.Dialect] = [.openAIResponses, .openAIChat, .anthropic, .bedrock]

/// The tools that tests offer: one of each kind.
let tools = [
  ToolDefinition(
    name: "shell", description: "Runs a command.",
    input: .schema([
      "type": "object", "properties": ["command": ["type": "string"]], "required": ["command"],
    ])),
  ToolDefinition(name: "apply_patch", description: "Edits files.", input: .freeform(argumentName: "patch")),
]

/// A model at a scripted server.
func remote(
  _ server: ScriptedModelServer, _ dialect: Provider.Dialect = .openAIResponses, retry: RetryPolicy = quick,
  freeform: Bool? = nil, parameters: JSONObject = [:], key: String? = "sk-test-0123456789",
  timeouts: HTTPTimeouts = HTTPTimeouts(idle: .seconds(60)), streams: Bool = true
) -> RemoteModel {
  var provider = Provider(
    name: "test", dialect: dialect, baseURL: dialect.isOpenAI ? server.baseURL : server.origin,
    apiKey: key.map { Secret($0) }, parameters: parameters,
    takesFreeformTools: freeform ?? (dialect != .openAIChat), timeouts: timeouts)
  provider.streams = streams
  return RemoteModel(
    provider: provider, model: "scripted-model",
    transport: HTTPClient(configuration: HTTPClient.Configuration(proxy: "")), retry: retry,
    userAgent: "codeagent/test")
}

extension Provider.Dialect {
  /// True for OpenAI's own formats.
  var isOpenAI: Bool { [.openAI, .openAIChat, .openAIResponses].contains(self) }
}

/// A request of one user text and what follows.
func request(_ items: [Item] = [.user(text: "Fix it.", structured: nil)]) -> ModelRequest {
  ModelRequest(system: "You are careful.", tools: tools, items: items, maxOutputTokens: 4096, cacheKey: "run-1")
}

/// Collects what a model reports.
final class Progress: Sendable {
  private let seen = Mutex<[ModelProgress]>([])
  var all: [ModelProgress] { seen.withLock { $0 } }
  var text: String { all.map { if case .text(let text) = $0 { text } else { "" } }.joined() }
  var reasoning: String { all.map { if case .reasoning(let text) = $0 { text } else { "" } }.joined() }
  var calls: [String] { all.compactMap { if case .toolCall(let name) = $0 { name } else { nil } } }
  var waits: [Double] { all.compactMap { if case .retrying(_, _, let seconds) = $0 { seconds } else { nil } } }
  var reasons: [String] { all.compactMap { if case .retrying(let reason, _, _) = $0 { reason } else { nil } } }
  func add(_ progress: ModelProgress) { seen.withLock { $0.append(progress) } }
}

extension RemoteModel {
  /// Answers without anyone watching.
  func respond(_ request: ModelRequest) async throws(ModelError) -> ModelResponse {
    try await respond(to: request) { _ in }
  }

  /// Why there is no answer.
  func failure(_ asked: ModelRequest = request()) async -> ModelError? {
    do {
      _ = try await respond(asked)
      return nil
    } catch {
      return error
    }
  }
}

extension ModelResponse {
  var calls: [ToolCall] { items.compactMap { if case .toolCall(let call) = $0 { call } else { nil } } }
  var text: String { items.map { if case .assistant(let text) = $0 { text } else { "" } }.joined() }
}

/// Carries a conversation on: each call is answered with a text that names it.
func run(_ model: RemoteModel, turns: Int = 1000, output: (ToolCall) -> String = { "ran \($0.name)" }) async throws
  -> [Item]
{
  var items: [Item] = [.user(text: "Fix it.", structured: nil)]
  for _ in 0..<turns {
    let response = try await model.respond(request(items))
    items += response.items
    if response.calls.isEmpty { break }
    for call in response.calls {
      var isFreeform = false
      if case .freeform = call.arguments { isFreeform = true }
      items.append(.toolResult(ToolResult(callID: call.id, output: output(call), isFreeform: isFreeform)))
    }
  }
  return items
}
