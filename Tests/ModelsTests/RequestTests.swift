import Conversation
import HTTPTransport
import JSON
import Models
import TestSupport
import Testing

@Suite("Requests", .timeLimit(.minutes(1)))
struct RequestTests {
  /// One of each item.
  private let items: [Item] = [
    .user(text: "Fix \"it\".\n", structured: ["not": "sent"]),
    .reasoning(
      Reasoning(
        dialect: "openai-responses", summary: "s",
        payload: ["id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "e", "status": nil])),
    .reasoning(Reasoning(dialect: "openai-chat", summary: "t", payload: ["reasoning_content": "t"])),
    .assistant(text: "Looking."),
    .toolCall(ToolCall(id: "c1", name: "shell", arguments: .json("{\"command\": \"ls\"}"))),
    .toolCall(ToolCall(id: "c2", name: "apply_patch", arguments: .freeform("a\tb"))),
    .toolResult(ToolResult(callID: "c1", output: "ä\u{0}\u{1b}", structured: ["not": "sent"])),
    .toolResult(ToolResult(callID: "c2", output: "no", isError: true, isFreeform: true)),
  ]

  private func sent(_ model: (ScriptedModelServer) -> RemoteModel, _ items: [Item]) async throws -> String {
    let server = try ScriptedModelServer([.say("ok")])
    _ = try await model(server).respond(request(items))
    return String(decoding: server.requests[0].received.body, as: UTF8.self)
  }

  @Test func responsesRequestsAreExactlyThis() async throws {
    let body = try await sent({ remote($0) }, items)
    #expect(
      body
        == #"{"model":"scripted-model","instructions":"You are careful.","tools":[{"type":"function","name":"shell","#
        + #""description":"Runs a command.","parameters":{"type":"object","properties":{"command":{"type":"string"}},"#
        + #""required":["command"]},"strict":false},{"type":"custom","name":"apply_patch","description":"Edits files.","#
        + #""format":{"type":"text"}}],"tool_choice":"auto","parallel_tool_calls":true,"max_output_tokens":4096,"#
        + #""store":false,"stream":true,"include":["reasoning.encrypted_content"],"prompt_cache_key":"run-1","input":["#
        + #"{"type":"message","role":"user","content":"Fix \"it\".\n"},"#
        + #"{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"e"},"#
        + #"{"type":"message","role":"assistant","content":"Looking."},"#
        + #"{"type":"function_call","call_id":"c1","name":"shell","arguments":"{\"command\": \"ls\"}"},"#
        + #"{"type":"custom_tool_call","call_id":"c2","name":"apply_patch","input":"a\tb"},"#
        + #"{"type":"function_call_output","call_id":"c1","output":"ä\#u{FFFD}\u001b"},"#
        + #"{"type":"custom_tool_call_output","call_id":"c2","output":"no"}]}"#)
  }

  @Test func chatRequestsAreExactlyThis() async throws {
    let body = try await sent({ remote($0, .openAIChat) }, items)
    #expect(
      body
        == #"{"model":"scripted-model","tools":[{"type":"function","function":{"name":"shell","description":"Runs a "#
        + #"command.","parameters":{"type":"object","properties":{"command":{"type":"string"}},"required":["command"]}}},"#
        + #"{"type":"function","function":{"name":"apply_patch","description":"Edits files.","parameters":{"type":"object","#
        + #""properties":{"patch":{"type":"string"}},"required":["patch"],"additionalProperties":false}}}],"#
        + #""tool_choice":"auto","max_tokens":4096,"stream":true,"stream_options":{"include_usage":true},"messages":["#
        + #"{"role":"system","content":"You are careful."},{"role":"user","content":"Fix \"it\".\n"},"#
        + #"{"role":"assistant","content":"Looking.","reasoning_content":"t","tool_calls":["#
        + #"{"id":"c1","type":"function","function":{"name":"shell","arguments":"{\"command\": \"ls\"}"}},"#
        + #"{"id":"c2","type":"function","function":{"name":"apply_patch","arguments":"{\"patch\":\"a\\tb\"}"}}]},"#
        + #"{"role":"tool","tool_call_id":"c1","content":"ä\#u{FFFD}\u001b"},"#
        + #"{"role":"tool","tool_call_id":"c2","content":"no"}]}"#)
  }

  @Test func headersAreAsProvidersWantThem() async throws {
    let server = try ScriptedModelServer([.say("ok")], requiredKey: "sk-test-0123456789")
    _ = try await remote(server).respond(request())
    let received = server.requests[0].received
    #expect(received.header("authorization") == "Bearer sk-test-0123456789")
    #expect(received.header("user-agent") == "codeagent/test")
    #expect(received.header("content-type") == "application/json")
    #expect(received.header("accept")?.contains("text/event-stream") == true)
    #expect(received.target == "/v1/responses")

    let azure = Provider(
      name: "azure", dialect: .openAIChat, baseURL: "\(server.baseURL)/openai/?api-version=2025-01-01",
      apiKey: Secret(" key-0123456789\n"), keyHeader: .named("api-key"), headers: ["X-Team": "a"])
    let model = RemoteModel(
      provider: azure, model: "m", transport: HTTPClient(configuration: .init(proxy: "")), retry: .never,
      userAgent: "u")
    _ = try? await model.respond(request())
    let other = try #require(server.received.last)
    #expect(other.target == "/v1/openai/chat/completions?api-version=2025-01-01")
    #expect(other.header("api-key") == "key-0123456789")
    #expect(other.header("authorization") == nil)
    #expect(other.header("x-team") == "a")
  }

  @Test func parametersOfTheUserReplaceOurs() async throws {
    let server = try ScriptedModelServer([.say("ok")])
    let parameters: JSONObject = [
      "reasoning": ["effort": "high"], "parallel_tool_calls": false, "include": nil, "model": "other", "input": "no",
    ]
    _ = try await remote(server, parameters: parameters).respond(request())
    let body = server.requests[0].body
    #expect(body["reasoning"]?["effort"] == "high")
    #expect(body["parallel_tool_calls"] == false)
    #expect(body["include"] == nil)
    #expect(body["model"] == "scripted-model")
    #expect(body["input"]?.array?.count == 1)
    #expect(body.object?.members.last?.name == "input")
  }

  @Test func whatTheModelWroteWronglyIsSentBackInAFormThatServersTake() async throws {
    let strange: [Item] = [
      .user(text: "go", structured: nil),
      .toolCall(ToolCall(id: "c1", name: "functions.shell tool\u{0}é", arguments: .json("{\"a\": "))),
      .toolCall(ToolCall(id: "c2", name: "", arguments: .json("[1]"))),
      .toolResult(ToolResult(callID: "c1", output: "?")), .toolResult(ToolResult(callID: "c2", output: "?")),
    ]
    let chat = try JSONValue(parsing: await sent({ remote($0, .openAIChat) }, strange))
    let calls = chat["messages"]?[2]?["tool_calls"]
    #expect(calls?[0]?["function"]?["name"] == "functions_shell_tool__")
    #expect(calls?[0]?["function"]?["arguments"] == #"{"invalid_arguments":"{\"a\": "}"#)
    #expect(calls?[1]?["function"]?["name"] == "unknown")
    let responses = try JSONValue(parsing: await sent({ remote($0) }, strange))
    #expect(responses["input"]?[1]?["arguments"] == "{\"a\": ")
    #expect(responses["input"]?[1]?["name"] == "functions_shell_tool__")
  }

  @Test(arguments: everyDialect)
  func requestsAreAppendOnly(dialect: Provider.Dialect) async throws {
    var random = Seeded(11)
    let server = try ScriptedModelServer { request in
      var random = Seeded(UInt64(request.received.body.count))
      if request.toolResults.count > 60 { return (1, .say("Done.")) }
      let calls = (0..<Int.random(in: 0...3, using: &random)).map { index -> ScriptedCall in
        index == 1 ? .freeform("apply_patch", "p\n") : .tool("shell", ["command": "ls"])
      }
      return (
        request.toolResults.count,
        ScriptedTurn(
          text: calls.isEmpty || Bool.random(using: &random) ? "Some text." : "", calls: calls,
          reasoning: Bool.random(using: &random) ? "hm" : nil)
      )
    }
    let model = remote(server, dialect)
    var items: [Item] = [.user(text: "go", structured: nil)]
    for _ in 0..<60 {
      let response = try await model.respond(request(items))
      items += response.items
      for call in response.calls {
        var isFreeform = false
        if case .freeform = call.arguments { isFreeform = true }
        items.append(
          .toolResult(
            ToolResult(
              callID: call.id, output: String(repeating: "ü\n", count: Int.random(in: 0...50, using: &random)),
              isFreeform: isFreeform)))
      }
      if response.calls.isEmpty { items.append(.user(text: "and now?", structured: nil)) }
    }
    let bodies = server.requests.map(\.received.body)
    for (before, after) in zip(bodies, bodies.dropFirst()) {
      // Without its cache marks and closing brackets, each request is the beginning of the next.
      #expect(after.unmarked.starts(with: before.unmarked.reversed().drop { "]}".utf8.contains($0) }.reversed()))
      #expect(after.count > before.count)
    }
    // Every item was serialised once, the request's own runs of the model aside.
    #expect(model.work.itemsEncoded <= items.count)
    #expect(model.work.requests == 60)

    // A model that has never seen the conversation sends the very same bytes.
    let fresh = remote(server, dialect)
    _ = try await fresh.respond(request(items))
    _ = try await model.respond(request(items))
    let last = server.requests.suffix(2).map(\.received.body)
    #expect(last.first == last.last)
  }

  @Test(arguments: everyDialect) func aTurnCostsWhatIsNewInIt(dialect: Provider.Dialect) async throws {
    let server = try ScriptedModelServer { request in
      request.toolResults.count < 200
        ? (request.toolResults.count, .call("shell", ["command": "true"])) : (1000, .say("Done."))
    }
    let model = remote(server, dialect)
    var items: [Item] = [.user(text: String(repeating: "context ", count: 10000), structured: nil)]
    var encoded: [Int] = []
    for _ in 0..<200 {
      let before = model.work.bytesEncoded
      let response = try await model.respond(request(items))
      encoded.append(model.work.bytesEncoded - before)
      items += response.items
      for call in response.calls { items.append(.toolResult(ToolResult(callID: call.id, output: "ok"))) }
    }
    #expect(encoded[0] > 80000)
    #expect(encoded[1...].max() ?? 0 < 300)
    #expect(server.connectionCount == 1)
  }

  @Test(arguments: everyDialect)
  func otherConversationsAndShorterOnesAreRight(dialect: Provider.Dialect) async throws {
    // Two conversations in turn, and one that is cut back: each request is what a fresh model would send.
    let server = try ScriptedModelServer([.say("ok")])
    let model = remote(server, dialect)
    func conversation(_ name: String, _ count: Int) -> [Item] {
      (0..<count).flatMap { index -> [Item] in
        [
          .user(text: "\(name) \(index)", structured: nil), .assistant(text: "yes"),
          .toolCall(ToolCall(id: "\(name)\(index)", name: "shell", arguments: .json("{}"))),
          .toolResult(ToolResult(callID: "\(name)\(index)", output: "ok")),
        ]
      }
    }
    var random = Seeded(3)
    for _ in 0..<40 {
      var items = conversation(
        ["a", "b", "c", "d"].randomElement(using: &random) ?? "a", Int.random(in: 1...6, using: &random))
      items.removeLast(Int.random(in: 0...3, using: &random))
      _ = try await model.respond(request(items))
      _ = try await remote(server, dialect).respond(request(items))
      let bodies = server.requests.suffix(2).map(\.received.body)
      #expect(bodies.first == bodies.last)
    }
  }

  @Test func theServerOfTheEnvironmentIsFoundOut() async throws {
    let environment = ["OPENAI_BASE_URL": "http://127.0.0.1:1/v1/", "OPENAI_API_KEY": "sk-environment\n"]
    let provider = Provider.openAI(environment: environment)
    #expect(provider.dialect == .openAI)
    #expect(provider.endpoint == "127.0.0.1:1")
    #expect(!provider.takesFreeformTools)
    let standard = Provider.openAI(environment: ["OPENAI_PROJECT": "p", "OPENAI_BASE_URL": " "])
    #expect(standard.baseURL == "https://api.openai.com/v1")
    #expect(standard.dialect == .openAIResponses)
    #expect(standard.takesFreeformTools)
    #expect(standard.apiKey == nil)
    #expect(standard.headers["OpenAI-Project"] == "p")
    for text in ["\(provider)", "\(provider.apiKey as Any)", String(reflecting: provider.apiKey)] {
      #expect(!text.contains("sk-environment"))
    }
    var dumped = ""
    dump(provider, to: &dumped)
    #expect(!dumped.contains("sk-environment"))
  }

  @Test func whereThereIsNoResponsesRouteChatIsSpoken() async throws {
    let server = try ScriptedModelServer([.call("shell", ["command": "a"]), .say("Done.")], dialects: [.chat])
    let items = try await run(remote(server, .openAI))
    #expect(items.last == .assistant(text: "Done."))
    // The missing route is asked for once.
    #expect(server.received.map(\.target) == ["/v1/responses", "/v1/chat/completions", "/v1/chat/completions"])

    let both = try ScriptedModelServer([.say("Done.")])
    _ = try await remote(both, .openAI).respond(request())
    #expect(both.requests.map(\.dialect) == [.responses])

    let neither = try ScriptedModelServer([.say("Done.")], dialects: [])
    let failure = await remote(neither, .openAI).failure()
    #expect(failure?.kind == .invalidRequest)
    #expect(failure?.status == 404)
  }

  @Test(
    arguments: [
      ("include", "Encrypted content is not supported with this model.", Provider.Dialect.openAIResponses),
      ("prompt_cache_key", "Unknown parameter: 'prompt_cache_key'.", .openAIResponses),
      ("stream_options", "extra fields not permitted: stream_options", .openAIChat),
      ("max_tokens", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", .openAIChat),
    ])
  func membersThatAServerDoesNotKnowAreLeftOut(
    member: String, message: String, dialect: Provider.Dialect
  ) async throws {
    let server = try ScriptedModelServer { request in
      request.body[member] == nil
        ? (1, .say("ok"))
        : (0, ScriptedTurn(fault: .status(400, message: message), faultTimes: .max))
    }
    let model = remote(server, dialect)
    let progress = Progress()
    #expect(try await model.respond(to: request()) { progress.add($0) }.text == "ok")
    #expect(progress.waits.isEmpty)
    #expect(server.requests.count == 2)
    _ = try await model.respond(request())
    #expect(server.requests.count == 3)
  }

  /// As llama-cpp-python says it.
  @Test func contentIsAnEmptyTextWhereNullIsRefused() async throws {
    let message =
      "7 validation errors: {'type': 'string_type', 'loc': ('body', 'messages', 2, "
      + "'ChatCompletionRequestAssistantMessage', 'content'), 'msg': 'Input should be a valid string', 'input': None}"
    let server = try ScriptedModelServer { request in
      let hasNull = (request.body["messages"]?.array ?? []).contains { $0["content"]?.isNull ?? false }
      let turn = ScriptedTurn(fault: .status(500, message: message), faultTimes: .max)
      if hasNull { return (0, turn) }
      return request.toolResults.isEmpty ? (1, .call("shell", ["command": "a"])) : (2, .say("Done."))
    }
    let model = remote(server, .openAIChat)
    #expect(try await run(model).last == .assistant(text: "Done."))
    #expect(server.requests.count == 3)
    #expect(server.requests.last?.body["messages"]?[2]?["content"] == "")
  }

  @Test func freeformToolsBecomeFunctionsWhereTheyAreRefused() async throws {
    let server = try ScriptedModelServer { request in
      request.argumentless.contains("apply_patch")
        ? (
          0,
          ScriptedTurn(
            fault: .status(400, message: "Unsupported value: tools[1].type 'custom' is not supported"), faultTimes: .max
          )
        )
        : (1, .freeform("apply_patch", "p"))
    }
    let response = try await remote(server).respond(request())
    #expect(response.calls.first?.arguments == .freeform("p"))
    #expect(server.requests.count == 2)
  }
}

extension [UInt8] {
  /// A request's body without its cache marks.
  fileprivate var unmarked: [UInt8] {
    let text = String(decoding: self, as: UTF8.self)
    return Array(
      text.replacing(#","cache_control":{"type":"ephemeral"}"#, with: "")
        .replacing(#",{"cachePoint":{"type":"default"}}"#, with: "").utf8)
  }
}

extension ScriptedRequest {
  /// The names of tools that are offered as free-form.
  fileprivate var argumentless: [String] {
    (body["tools"]?.array ?? []).filter { $0["type"] == "custom" }.compactMap { $0["name"]?.string }
  }
}
