import Conversation
import JSON
import Models
import TestSupport
import Testing

private let dialects = everyDialect

@Suite("Answers", .timeLimit(.minutes(1)))
struct AnswerTests {
  @Test(arguments: dialects) func textIsStreamedAndReturned(dialect: Provider.Dialect) async throws {
    let text = String(repeating: "Grüße, 世界 👩‍👩‍👧! \"quoted\" \\ \n", count: 20)
    let server = try ScriptedModelServer([
      ScriptedTurn(text: text, usage: ScriptedUsage(input: 100, cached: 60, output: 20, reasoning: 7))
    ])
    let progress = Progress()
    let response = try await remote(server, dialect).respond(to: request()) { progress.add($0) }
    #expect(response.items == [.assistant(text: text)])
    #expect(progress.text == text)
    // Only OpenAI counts reasoning apart.
    #expect(
      response.usage == Usage(input: 100, cachedInput: 60, output: 20, reasoning: dialect.isOpenAI ? 7 : 0))
    #expect(response.stop == .endOfTurn)
    // Converse does not say which model answered.
    #expect(response.model == (dialect == .bedrock ? nil : "scripted-model"))
    #expect(response.id != nil)
  }

  @Test(arguments: dialects) func callsOfEveryKindComeBack(dialect: Provider.Dialect) async throws {
    let patch = "*** Begin Patch\n*** Update File: ä.txt\n-\"a\"\n+b\n*** End Patch\n"
    let server = try ScriptedModelServer([
      ScriptedTurn(
        text: "Looking.",
        calls: [
          .tool("shell", ["command": "ls -la"]), .freeform("apply_patch", patch), .raw("shell", "{\"command\": "),
          .tool("no_such_tool", [:]), .raw("shell", ""),
        ])
    ])
    let progress = Progress()
    let response = try await remote(server, dialect).respond(to: request()) { progress.add($0) }
    #expect(response.stop == .toolCalls)
    #expect(response.items.first == .assistant(text: "Looking."))
    #expect(
      response.calls.map(\.arguments) == [
        .json("{\"command\":\"ls -la\"}"), .freeform(patch), .json("{\"command\": "), .json("{}"), .json("{}"),
      ])
    #expect(response.calls.map(\.name) == ["shell", "apply_patch", "shell", "no_such_tool", "shell"])
    #expect(Set(response.calls.map(\.id)).count == 5)
    #expect(progress.calls == response.calls.map(\.name))
  }

  @Test func aFreeformToolOfferedAsAFunctionGetsItsTextInAnyWrapping() async throws {
    for text in [
      "{\"patch\":\"the text\"}", "{\"input\":\"the text\"}", "\"the text\"", "the text",
    ] {
      let server = try ScriptedModelServer([ScriptedTurn(calls: [.raw("apply_patch", text)])])
      let response = try await remote(server, .openAIChat).respond(request())
      #expect(response.calls.first?.arguments == .freeform("the text"))
    }
    let server = try ScriptedModelServer([ScriptedTurn(calls: [.raw("apply_patch", "{\"a\":1,\"b\":2}")])])
    let response = try await remote(server, .openAIChat).respond(request())
    #expect(response.calls.first?.arguments == .json("{\"a\":1,\"b\":2}"))
  }

  @Test(arguments: dialects) func aWholeConversationRuns(dialect: Provider.Dialect) async throws {
    let server = try ScriptedModelServer([
      ScriptedTurn(
        calls: [.tool("shell", ["command": "a"]), .freeform("apply_patch", "p")], reasoning: "Thinking hard."),
      .call("shell", ["command": "b"]),
      .say("Done."),
    ])
    let items = try await run(remote(server, dialect))
    #expect(items.last == .assistant(text: "Done."))
    #expect(server.requests.map(\.toolResults.count) == [0, 2, 3])
    #expect(server.requests.last?.toolResults.map(\.output) == ["ran shell", "ran apply_patch", "ran shell"])
    // One connection carried all of it.
    #expect(server.connectionCount == 1)
    let ids = items.compactMap { if case .toolCall(let call) = $0 { call.id } else { nil } }
    #expect(server.requests.last?.toolResults.map(\.callID) == ids)
  }

  @Test(arguments: dialects) func reasoningIsShownKeptAndSentBack(dialect: Provider.Dialect) async throws {
    let thought = "First I look, then I leap. Over and over again."
    let server = try ScriptedModelServer([
      ScriptedTurn(calls: [.tool("shell", ["command": "a"])], reasoning: thought), .say("Done."),
    ])
    let model = remote(server, dialect)
    let progress = Progress()
    let first = try await model.respond(to: request()) { progress.add($0) }
    #expect(progress.reasoning == thought)
    guard case .reasoning(let reasoning) = first.items.first else {
      Issue.record("no reasoning")
      return
    }
    #expect(reasoning.summary == thought)
    #expect(reasoning.dialect == dialect.rawValue)
    // It survives the record.
    let kept = try #require(ModelResponse(json: JSONValue(parsing: first.json.text)))
    #expect(kept == first)
    let items =
      request().items + kept.items + [.toolResult(ToolResult(callID: kept.calls[0].id, output: "ok"))]
    _ = try await model.respond(request(items))
    let body = try #require(server.requests.last?.body)
    switch dialect {
    case .openAIResponses:
      #expect(body["input"]?[1]?["type"] == "reasoning")
      #expect(body["input"]?[1]?["encrypted_content"] == "sealed-0")
    case .anthropic:
      let block = body["messages"]?[1]?["content"]?[0]
      #expect(block == ["type": "thinking", "thinking": .string(thought), "signature": "signed-0"])
    case .bedrock:
      let text = body["messages"]?[1]?["content"]?[0]?["reasoningContent"]?["reasoningText"]
      #expect(text == ["text": .string(thought), "signature": "signed-0"])
    default: #expect(body["messages"]?[2]?["reasoning_content"] == .string(thought))
    }
  }

  @Test func reasoningOfAnotherDialectOrWithoutItsConsequenceIsNotSent() async throws {
    let server = try ScriptedModelServer([.say("ok")])
    let foreign = Item.reasoning(Reasoning(dialect: "other", summary: "s", payload: ["x": 1]))
    let sealed = Item.reasoning(
      Reasoning(dialect: "openai-responses", summary: "", payload: ["type": "reasoning", "encrypted_content": "e"]))
    let open = Item.reasoning(
      Reasoning(dialect: "openai-responses", summary: "", payload: ["type": "reasoning", "id": "rs_1"]))
    let user = Item.user(text: "go", structured: nil)
    _ = try await remote(server).respond(
      request([user, foreign, .assistant(text: "a"), user, sealed, user, open, .assistant(text: "b"), user]))
    let types = server.requests.last?.body["input"]?.array?.map { $0["type"]?.string ?? "" }
    #expect(types == ["message", "message", "message", "message", "message", "message"])
  }

  @Test(arguments: dialects) func everyEndIsTold(dialect: Provider.Dialect) async throws {
    func stop(_ ending: ScriptedEnding, _ calls: [ScriptedCall] = []) async throws -> ModelResponse {
      let server = try ScriptedModelServer([ScriptedTurn(text: "I", calls: calls, ending: ending)])
      return try await remote(server, dialect).respond(request())
    }
    #expect(try await stop(.normal).stop == .endOfTurn)
    #expect(try await stop(.length).stop == .length)
    #expect(try await stop(.contentFilter).stop == .refusal)
    let refusal = try await stop(.refusal)
    #expect(refusal.stop == .refusal)
    #expect(refusal.text == "I")
  }

  @Test func aCallCutOffByTheLimitIsDropped() async throws {
    let server = try ScriptedModelServer([
      ScriptedTurn(calls: [.tool("shell", ["command": "a"]), .raw("shell", "{\"comm")], ending: .length)
    ])
    let response = try await remote(server, .openAIChat).respond(request())
    #expect(response.stop == .length)
    #expect(response.calls.count == 1)
    let item = #"""
      {"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","status":"incomplete","call_id":"c","name":"shell","arguments":"{\"a\":1}"}}
      """#
    let end = #"""
      {"type":"response.incomplete","response":{"id":"r","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[]}}
      """#
    let other = try ScriptedModelServer([ScriptedTurn(fault: .events([item, end]))])
    let cut = try await remote(other).respond(request())
    #expect(cut.stop == .length)
    #expect(cut.items.isEmpty)
  }

  @Test func anEmptyAnswerIsAnAnswer() async throws {
    for dialect in dialects {
      let server = try ScriptedModelServer([.say("")])
      let response = try await remote(server, dialect).respond(request())
      #expect(response.items.isEmpty)
      #expect(response.stop == .endOfTurn)
    }
  }

  @Test(
    arguments: [
      [.noCallIDs], [.noUsage], [.noDone], [.objectArguments], [.finishStop], [.duplicateIDs], [.noIndex],
      [.noIndex, .noCallIDs], [.carriageReturns], [.noCallIDs, .noUsage, .noDone, .objectArguments, .finishStop],
    ] as [Set<ScriptedQuirk>])
  func chatServersThatDifferAreUnderstood(quirks: Set<ScriptedQuirk>) async throws {
    let server = try ScriptedModelServer(
      [
        ScriptedTurn(
          text: "Two.",
          calls: [.tool("shell", ["command": "a"]), .tool("shell", ["command": "b"]), .freeform("apply_patch", "p")]),
        .call("shell", ["command": "c"]),
        .say("Done."),
      ], quirks: quirks)
    let items = try await run(remote(server, .openAIChat))
    let calls = items.compactMap { if case .toolCall(let call) = $0 { call } else { nil } }
    #expect(
      calls.map(\.arguments) == [
        .json("{\"command\":\"a\"}"), .json("{\"command\":\"b\"}"), .freeform("p"), .json("{\"command\":\"c\"}"),
      ])
    #expect(Set(calls.map(\.id)).count == 4)
    #expect(!calls.contains { $0.id.isEmpty })
    #expect(server.requests.last?.toolResults.map(\.callID) == calls.map(\.id))
    #expect(items.last == .assistant(text: "Done."))
  }

  @Test func answersInOnePieceAreRead() async throws {
    // A server that does not stream, whatever it is asked.
    let responses: JSONValue = [
      "id": "resp_1", "object": "response", "status": "completed", "model": "m", "error": nil,
      "output": [
        ["type": "message", "role": "assistant", "content": [["type": "output_text", "text": "hi"]]],
        ["type": "function_call", "call_id": "c1", "name": "shell", "arguments": "{}"],
      ], "usage": ["input_tokens": 3, "output_tokens": 4],
    ]
    let chat: JSONValue = [
      "id": "x", "model": "m",
      "choices": [
        [
          "index": 0, "finish_reason": "tool_calls",
          "message": [
            "role": "assistant", "content": "hi",
            "tool_calls": [["id": "c1", "type": "function", "function": ["name": "shell", "arguments": [:]]]],
          ],
        ]
      ], "usage": ["prompt_tokens": 3, "completion_tokens": 4],
    ]
    let anthropic: JSONValue = [
      "id": "x", "type": "message", "model": "m", "stop_reason": "tool_use",
      "content": [
        ["type": "text", "text": "hi"], ["type": "tool_use", "id": "c1", "name": "shell", "input": [:]],
      ], "usage": ["input_tokens": 3, "output_tokens": 4],
    ]
    let bedrock: JSONValue = [
      "stopReason": "tool_use",
      "output": [
        "message": [
          "role": "assistant",
          "content": [["text": "hi"], ["toolUse": ["toolUseId": "c1", "name": "shell", "input": [:]]]],
        ]
      ], "usage": ["inputTokens": 3, "outputTokens": 4, "totalTokens": 7],
    ]
    for (dialect, body) in [
      (Provider.Dialect.openAIResponses, responses), (.openAIChat, chat), (.anthropic, anthropic), (.bedrock, bedrock),
    ] {
      let server = try ScriptedModelServer([
        ScriptedTurn(fault: .body(200, headers: [("content-type", "application/json")], body.serialized))
      ])
      let response = try await remote(server, dialect).respond(request())
      #expect(response.text == "hi")
      #expect(response.calls.map(\.id) == ["c1"])
      #expect(response.calls.map(\.arguments) == [.json("{}")])
      #expect(response.usage == Usage(input: 3, output: 4))
      #expect(response.stop == .toolCalls)
    }
  }

  @Test func idsThatBeginAnewWithEachAnswerAreToldApart() async throws {
    let server = try ScriptedModelServer(dialects: [.chat]) { request in
      request.toolResults.count < 3 ? (0, .call("shell", ["command": "a"])) : (1, .say("Done."))
    }
    let items = try await run(remote(server, .openAIChat))
    let ids = items.compactMap { if case .toolCall(let call) = $0 { call.id } else { nil } }
    #expect(ids.count == 3)
    #expect(Set(ids).count == 3)
    #expect(server.requests.last?.toolResults.map(\.callID) == ids)
  }

  @Test(arguments: dialects) func answersInOnePieceCarryTheSame(dialect: Provider.Dialect) async throws {
    let turns = [
      ScriptedTurn(
        text: "Looking.", calls: [.tool("shell", ["command": "a"]), .freeform("apply_patch", "p")], reasoning: "Hm.",
        usage: ScriptedUsage(input: 50, cached: 20, output: 9)), .say("Done."),
    ]
    let server = try ScriptedModelServer(turns)
    let whole = try await run(remote(server, dialect, streams: false))
    let asked = server.requests[0]
    #expect(dialect == .bedrock || asked.body["stream"] == false)
    #expect(dialect != .bedrock || asked.received.target.hasSuffix("/converse"))
    #expect(asked.body["stream_options"] == nil)
    let streaming = try ScriptedModelServer(turns)
    let streamed = try await run(remote(streaming, dialect))
    #expect(streaming.requests.count == 2)
    #expect(whole == streamed)
  }

  /// llama-cpp-python answers a stream with tools by nothing at all.
  @Test(arguments: dialects) func aServerThatCannotStreamWithToolsIsAskedForOnePiece(
    dialect: Provider.Dialect
  ) async throws {
    let server = try ScriptedModelServer { request in
      let turn = ScriptedTurn.call("shell", ["command": "ls"])
      let streams = request.body["stream"]?.bool ?? request.received.target.hasSuffix("converse-stream")
      return streams ? (0, turn.failing(.endEarly(afterEvents: 0), times: .max)) : (1, turn)
    }
    let model = remote(server, dialect)
    #expect(try await model.respond(request()).calls.count == 1)
    #expect(server.requests.count == 3)
    #expect(try await model.respond(request()).calls.count == 1)
    #expect(server.requests.count == 4, "it is remembered")
  }

  @Test(arguments: dialects) func aServerThatDoesNotStreamIsBelieved(dialect: Provider.Dialect) async throws {
    guard dialect != .bedrock else { return }
    let server = try ScriptedModelServer { request in
      request.body["stream"] == true
        ? (
          0,
          ScriptedTurn(fault: .status(400, message: "Unsupported value: 'stream' is not supported"), faultTimes: .max)
        )
        : (1, .say("ok"))
    }
    #expect(try await remote(server, dialect).respond(request()).text == "ok")
  }
}
