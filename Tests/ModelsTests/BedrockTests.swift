import Conversation
import HTTPTransport
import JSON
import Models
import TestSupport
import Testing

@Suite("Amazon Bedrock", .timeLimit(.minutes(1)))
struct BedrockTests {
  private let client = HTTPClient(configuration: HTTPClient.Configuration(proxy: ""))
  private let keys = [
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret-0123456789", "AWS_REGION": "eu-west-1",
  ]

  private func model(
    _ server: ScriptedModelServer, _ environment: [String: String], _ name: String = "openai.gpt-oss-120b-1:0",
    dialect: Provider.Dialect = .bedrock
  ) throws -> RemoteModel {
    var environment = environment
    environment["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] = server.origin
    let provider = try Provider.amazonBedrock(
      environment: environment, dialect: dialect, model: name, home: nil, transport: client)
    return RemoteModel(provider: provider, model: name, transport: client, retry: quick, userAgent: "codeagent/test")
  }

  @Test func requestsAreExactlyThis() async throws {
    let items: [Item] = [
      .user(text: "Fix \"it\".", structured: nil),
      .reasoning(
        Reasoning(
          dialect: "bedrock-converse", summary: "t",
          payload: ["reasoningContent": ["reasoningText": ["text": "t", "signature": "s"]]])),
      .reasoning(
        Reasoning(
          dialect: "bedrock-converse", summary: "u", payload: ["reasoningContent": ["reasoningText": ["text": "u"]]])),
      .assistant(text: "Looking."),
      .toolCall(ToolCall(id: "c1", name: "shell", arguments: .json("{\"command\": "))),
      .toolCall(ToolCall(id: "c2", name: "apply_patch", arguments: .freeform("a\tb"))),
      .toolResult(ToolResult(callID: "c1", output: " ")),
      .toolResult(ToolResult(callID: "c2", output: "no", isError: true, isFreeform: true)),
      .user(text: "And now?", structured: nil),
    ]
    let tools =
      #""toolConfig":{"tools":[{"toolSpec":{"name":"shell","description":"Runs a command.","inputSchema":{"json":"#
      + #"{"type":"object","properties":{"command":{"type":"string"}},"required":["command"]}}}},"#
      + #"{"toolSpec":{"name":"apply_patch","description":"Edits files.","inputSchema":{"json":{"type":"object","#
      + #""properties":{"patch":{"type":"string"}},"required":["patch"],"additionalProperties":false}}}}]},"#
    func expected(_ point: String, _ status: String) -> String {
      #"{\#(tools)"system":[{"text":"You are careful."}\#(point)],"inferenceConfig":{"maxTokens":4096},"messages":["#
        + #"{"role":"user","content":[{"text":"Fix \"it\"."}\#(point)]},"#
        + #"{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"t","signature":"s"}}},"#
        + #"{"text":"Looking."},{"toolUse":{"toolUseId":"c1","name":"shell","input":"#
        + #"{"invalid_arguments":"{\"command\": "}}},"#
        + #"{"toolUse":{"toolUseId":"c2","name":"apply_patch","input":{"patch":"a\tb"}}}]},"#
        + #"{"role":"user","content":[{"toolResult":{"toolUseId":"c1","content":[{"text":"(nothing)"}]}},"#
        + #"{"toolResult":{"toolUseId":"c2","content":[{"text":"no"}]\#(status)}},{"text":"And now?"}\#(point)]}]}"#
    }
    let server = try ScriptedModelServer([.say("ok")])
    _ = try await model(server, keys).respond(request(items))
    let plain = try #require(server.requests.last).received
    #expect(String(decoding: plain.body, as: UTF8.self) == expected("", ""))
    #expect(plain.target == "/model/openai.gpt-oss-120b-1%3A0/converse-stream")
    #expect(plain.header("accept")?.hasPrefix("application/vnd.amazon.eventstream") == true)
    // Models that are known for it get cache points, and a failed tool's status.
    _ = try await model(server, keys, "eu.anthropic.claude-sonnet-4-5-20250929-v1:0").respond(request(items))
    let cached = try #require(server.requests.last).received
    #expect(
      String(decoding: cached.body, as: UTF8.self)
        == expected(#",{"cachePoint":{"type":"default"}}"#, #","status":"error""#))
  }

  @Test func requestsAreSigned() async throws {
    let server = try ScriptedModelServer([.say("ok")])
    _ = try await model(server, keys).respond(request())
    let received = server.requests[0].received
    let date = try #require(received.header("x-amz-date"))
    let authorization = try #require(received.header("authorization"))
    #expect(
      authorization.hasPrefix(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\(date.prefix(8))/eu-west-1/bedrock/aws4_request, "
          + "SignedHeaders=content-type;host;x-amz-date, Signature="))
    #expect(received.header("x-api-key") == nil)
  }

  @Test func aBearerKeyGoesFirst() async throws {
    let server = try ScriptedModelServer([.say("ok")], requiredKey: "bedrock-api-key-abc")
    var environment = keys
    environment["AWS_BEARER_TOKEN_BEDROCK"] = "bedrock-api-key-abc\n"
    for dialect in everyDialect {
      _ = try await model(server, environment, dialect: dialect).respond(request())
      let received = try #require(server.requests.last).received
      #expect(received.header("authorization") == "Bearer bedrock-api-key-abc")
      #expect(received.header("x-amz-date") == nil)
    }
    #expect(
      server.requests.map { $0.received.target.split(separator: "?")[0] } == [
        "/openai/v1/responses", "/openai/v1/chat/completions", "/anthropic/v1/messages",
        "/model/openai.gpt-oss-120b-1%3A0/converse-stream",
      ])
  }

  @Test func endpointsAreThoseOfTheRegion() throws {
    func endpoint(
      _ dialect: Provider.Dialect, mantle: Bool, _ model: String = "openai.gpt-oss-20b", region: String = "eu-west-1"
    ) throws -> String {
      try Provider.amazonBedrock(
        environment: keys, dialect: dialect, isMantle: mantle, model: model, region: region, home: nil,
        transport: client
      ).baseURL
    }
    #expect(try endpoint(.bedrock, mantle: false) == "https://bedrock-runtime.eu-west-1.amazonaws.com")
    #expect(try endpoint(.openAIChat, mantle: false) == "https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1")
    #expect(try endpoint(.openAIResponses, mantle: true) == "https://bedrock-mantle.eu-west-1.api.aws/v1")
    #expect(
      try endpoint(.openAIResponses, mantle: true, "openai.gpt-5.4")
        == "https://bedrock-mantle.eu-west-1.api.aws/openai/v1")
    #expect(try endpoint(.anthropic, mantle: true) == "https://bedrock-mantle.eu-west-1.api.aws/anthropic/v1")
    #expect(
      try endpoint(.bedrock, mantle: false, region: "cn-north-1")
        == "https://bedrock-runtime.cn-north-1.amazonaws.com.cn")
    #expect(throws: ProviderProblem.self) { try endpoint(.bedrock, mantle: true) }
    #expect(throws: ProviderProblem.self) { try endpoint(.bedrock, mantle: false, region: "evil.example/") }
    #expect(throws: ProviderProblem.self) {
      try Provider.amazonBedrock(environment: [:], home: nil, transport: client)
    }
  }

  @Test func onlyTheRightServersGetASignature() async throws {
    func provider(_ url: String) throws -> Provider {
      try Provider.amazonBedrock(environment: keys, baseURL: url, home: nil, transport: client)
    }
    for url in [
      "http://bedrock-runtime.eu-west-1.amazonaws.com", "http://10.0.0.1", "http://127.0.0.1.evil.example",
      "https://bedrock-runtime.us-east-1.amazonaws.com", "https://bedrock-mantle.us-east-1.api.aws",
    ] {
      #expect(throws: ProviderProblem.self, "\(url)") { try provider(url) }
    }
    for url in ["https://vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com", "https://gateway.example"] {
      _ = try provider(url)
    }
    // A base URL that is changed afterwards is not signed for.
    let server = try ScriptedModelServer([.say("ok")])
    var moved = try provider(server.origin)
    moved.baseURL = "http://127.0.0.1:1"
    let failure = await RemoteModel(
      provider: moved, model: "m", transport: client, retry: .never, userAgent: "u"
    ).failure()
    #expect(failure?.kind == .invalidRequest)
    #expect(server.received.isEmpty)
    // No redirect is followed, signed or not.
    let redirecting = try ScriptedModelServer([
      ScriptedTurn(fault: .status(307, headers: [("location", server.origin + "/elsewhere")]))
    ])
    #expect(try await model(redirecting, keys).failure()?.kind == .invalidRequest)
    #expect(server.received.isEmpty)
  }

  @Test func exceptionsInsideTheStreamAreToldApart() async throws {
    func failure(_ type: String, _ message: String = "m") async throws -> (ModelError?, Int) {
      let server = try ScriptedModelServer([ScriptedTurn(text: "a", ending: .failed(code: type, message: message))])
      return (try await model(server, keys).failure(), server.requests.count)
    }
    #expect(try await failure("throttlingException").0?.kind == .rateLimited)
    #expect(try await failure("throttlingException").1 == RetryPolicy().attempts)
    #expect(try await failure("validationException").0?.kind == .invalidRequest)
    #expect(
      try await failure("validationException", "Input is too long for requested model.").0?.kind == .contextTooLong)
    #expect(try await failure("modelStreamErrorException").1 == RetryPolicy().streamAttempts)
    #expect(try await failure("internalServerException").0?.kind == .unavailable)
    #expect(try await failure("serviceUnavailableException").0?.kind == .unavailable)
    #expect(try await failure("accessDeniedException").1 == 1)
  }

  @Test func statusesAreToldApart() async throws {
    func failure(_ status: Int, _ type: String, _ message: String) async throws -> (ModelError?, Int) {
      let server = try ScriptedModelServer([
        ScriptedTurn(fault: .status(status, code: type, message: message), faultTimes: .max)
      ])
      return (try await model(server, keys).failure(), server.requests.count)
    }
    #expect(try await failure(400, "ServiceQuotaExceededException", "no").0?.kind == .rateLimited)
    #expect(try await failure(400, "ServiceQuotaExceededException", "no").1 == 1)
    #expect(try await failure(424, "ModelErrorException", "no").1 == RetryPolicy().attempts)
    #expect(try await failure(429, "ModelNotReadyException", "no").0?.kind == .rateLimited)
    #expect(try await failure(403, "AccessDeniedException", "no").0?.kind == .authentication)
    #expect(
      try await failure(400, "ValidationException", "input length and `max_tokens` exceed context limit").0?.kind
        == .contextTooLong)
    let (told, _) = try await failure(404, "ResourceNotFoundException", "Could not resolve the foundation model")
    #expect(told?.requestID == "req_scripted")
    #expect(told?.message.contains("foundation model") == true)
  }

  @Test func whatAModelDoesNotTakeIsLeftOut() async throws {
    let server = try ScriptedModelServer { request in
      String(decoding: request.received.body, as: UTF8.self).contains("cachePoint")
        ? (
          0,
          ScriptedTurn(
            fault: .status(
              400, message: "You invoked an unsupported model or your request did not allow prompt caching."),
            faultTimes: .max)
        ) : (1, .say("ok"))
    }
    #expect(try await model(server, keys, "amazon.nova-lite-v1:0").respond(request()).text == "ok")
    #expect(server.requests.count == 2)
  }

  @Test func anAnswerWithoutItsCountsIsWholeAndEstimated() async throws {
    let server = try ScriptedModelServer([
      ScriptedTurn(
        fault: .events([
          #"contentBlockDelta\#t{"contentBlockIndex":0,"delta":{"text":"Hi."}}"#,
          #"messageStop\#t{"stopReason":"end_turn"}"#,
        ]))
    ])
    let response = try await model(server, keys).respond(request())
    #expect(response.text == "Hi.")
    #expect(response.usage.isEstimated)
    #expect(response.usage.input > 10)
    #expect(response.usage.output > 0)
  }
}
