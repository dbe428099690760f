import Conversation
import HTTPTransport
import JSON
import Models
import TestSupport
import Testing

@Suite("What providers offer", .timeLimit(.minutes(1)))
struct CatalogueTests {
  private let client = HTTPClient(configuration: HTTPClient.Configuration(proxy: ""))

  private func server(_ answers: [String: JSONValue]) throws -> LoopbackServer {
    try LoopbackServer { request, connection in
      if let answer = answers[request.target] {
        try connection.reply(200, [("content-type", "application/json")], body: answer.serialized)
      } else {
        try connection.reply(404, [], body: #"{"error":{"message":"no such route"}}"#.utf8)
      }
    }
  }

  private func list(_ provider: Provider) async throws -> [ModelListing] {
    try await ModelCatalogue(provider: provider, transport: client, userAgent: "u").list()
  }

  @Test func listsOfManyServersAreRead() async throws {
    let server = try server([
      "/v1/models": [
        "object": "list",
        "data": [
          ["id": "vllm", "object": "model", "max_model_len": 32768],
          ["id": "llama.cpp", "meta": ["n_ctx_train": 8192, "n_ctx": 4096]],
          [
            "id": "router", "context_length": 200_000, "supported_parameters": ["tools"],
            "architecture": ["input_modalities": ["text", "image"]], "top_provider": ["max_completion_tokens": 8000],
          ],
          ["id": "plain", "object": "model", "owned_by": "x"], ["no": "id"], 7, ["id": "plain"],
          ["id": "odd", "max_model_len": -1, "context_length": "x"],
        ],
      ]
    ])
    let models = try await list(Provider(name: "p", dialect: .openAIChat, baseURL: server.url + "/v1/"))
    #expect(
      models == [
        ModelListing(id: "llama.cpp", contextWindow: 4096), ModelListing(id: "odd"), ModelListing(id: "plain"),
        ModelListing(
          id: "router", contextWindow: 200_000, maximumOutput: 8000, takesTools: true, takesImages: true),
        ModelListing(id: "vllm", contextWindow: 32768),
      ])
    for model in models { #expect(ModelListing(json: model.json) == model) }
  }

  @Test func pagesAreFollowed() async throws {
    let server = try server([
      "/v1/models?limit=1000": [
        "data": [["id": "claude-b", "type": "model", "max_input_tokens": 200_000, "max_tokens": 64000]],
        "has_more": true, "last_id": "claude-b",
      ],
      "/v1/models?limit=1000&after_id=claude-b": ["data": [["id": "claude-a"]], "has_more": false],
    ])
    let models = try await list(
      Provider(name: "p", dialect: .anthropic, baseURL: server.url, apiKey: Secret("sk-ant-0123456")))
    #expect(models.map(\.id) == ["claude-a", "claude-b"])
    #expect(models[1].contextWindow == 200_000)
    #expect(models[1].maximumOutput == 64000)
    #expect(server.requests.allSatisfy { $0.header("x-api-key") == "sk-ant-0123456" })
  }

  @Test func bedrocksListIsSignedForItsOwnServer() async throws {
    let server = try server([
      "/foundation-models": [
        "modelSummaries": [["modelId": "openai.gpt-oss-20b-1:0", "inputModalities": ["TEXT"]]]
      ],
      "/inference-profiles?maxResults=1000": [
        "inferenceProfileSummaries": [["inferenceProfileId": "eu.anthropic.claude", "inferenceProfileName": "x"]]
      ],
    ])
    let provider = try Provider.amazonBedrock(
      environment: [
        "AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_BEDROCK": server.url,
      ], home: nil, transport: client)
    let models = try await list(provider)
    #expect(models.map(\.id) == ["eu.anthropic.claude", "openai.gpt-oss-20b-1:0"])
    #expect(server.requests.allSatisfy { $0.header("authorization")?.contains("/eu-west-1/bedrock/") == true })
  }

  @Test func failuresAreTypedAndHoldNoKey() async throws {
    let server = try LoopbackServer { _, connection in
      try connection.reply(401, [], body: #"{"error":{"message":"bad key sk-abcdefgh"}}"#.utf8)
    }
    let provider = Provider(name: "p", dialect: .openAI, baseURL: server.url, apiKey: Secret("sk-abcdefgh"))
    await #expect(throws: ModelError.self) { try await list(provider) }
    do {
      _ = try await list(provider)
    } catch let error as ModelError {
      #expect(error.kind == .authentication)
      #expect(!error.message.contains("sk-abcdefgh"))
    }
    let strange = try self.server(["/models": ["x": 1]])
    await #expect(throws: ModelError.self) {
      try await list(Provider(name: "p", dialect: .openAI, baseURL: strange.url))
    }
  }

  @Test(arguments: everyDialect) func aTrialShowsWhatAModelDoes(dialect: Provider.Dialect) async throws {
    let server = try ScriptedModelServer([
      ScriptedTurn(
        calls: [.tool("look_up", ["key": "alpha"]), .tool("look_up", ["key": "beta"])], reasoning: "Two.",
        usage: ScriptedUsage(input: 100, output: 20))
    ])
    var provider = Provider(
      name: "p", dialect: dialect, baseURL: dialect.isOpenAI ? server.baseURL : server.origin)
    let probe = try await ModelCatalogue(provider: provider, transport: client, userAgent: "u").probe("scripted-model")
    #expect(probe.tools == .native)
    #expect(probe.callsInParallel && probe.streams && probe.reasons && probe.countsTokens)
    #expect(probe.dialect == dialect.rawValue)
    #expect(probe.input == 100)
    provider.streams = false
    let whole = try await ModelCatalogue(provider: provider, transport: client, userAgent: "u").probe("scripted-model")
    #expect(!whole.streams)
  }

  @Test func aModelWithoutToolsIsTriedInText() async throws {
    let server = try ScriptedModelServer(quirks: [.noUsage]) { request in
      request.body["tools"] == nil
        ? (1, .say("<tool_call>{\"name\":\"look_up\",\"arguments\":{\"key\":\"alpha\"}}</tool_call>"))
        : (0, ScriptedTurn(fault: .status(400, message: "m does not support tools"), faultTimes: .max))
    }
    let provider = Provider(name: "p", dialect: .openAIChat, baseURL: server.baseURL)
    let probe = try await ModelCatalogue(provider: provider, transport: client, userAgent: "u").probe("m")
    #expect(probe.tools == .text)
    #expect(!probe.callsInParallel)
    #expect(!probe.countsTokens)
    let silent = try ScriptedModelServer([.say("I will not.")])
    let other = Provider(name: "p", dialect: .openAIChat, baseURL: silent.baseURL)
    #expect(try await ModelCatalogue(provider: other, transport: client, userAgent: "u").probe("m").tools == .none)
  }
}
