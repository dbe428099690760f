import Conversation
import JSON
import Models
import TestSupport
import Testing

@Suite("Anthropic Messages", .timeLimit(.minutes(1)))
struct AnthropicTests {
  private let items: [Item] = [
    .user(text: "Fix \"it\".\n", structured: ["not": "sent"]),
    .reasoning(
      Reasoning(
        dialect: "anthropic-messages", summary: "t",
        payload: ["type": "thinking", "thinking": "t", "signature": "s"])),
    .reasoning(
      Reasoning(dialect: "anthropic-messages", summary: "", payload: ["type": "redacted_thinking", "data": "d"])),
    .reasoning(Reasoning(dialect: "openai-chat", summary: "t", payload: ["reasoning_content": "t"])),
    .assistant(text: "Looking."), .assistant(text: " \n"),
    .toolCall(ToolCall(id: "c:1", name: "shell", arguments: .json("{\"command\": \"ls\"}"))),
    .toolCall(ToolCall(id: "c2", name: "apply_patch", arguments: .freeform("a\tb"))),
    .toolResult(ToolResult(callID: "c:1", output: "ä", structured: ["not": "sent"])),
    .toolResult(ToolResult(callID: "c2", output: "no", isError: true, isFreeform: true)),
    .user(text: "And now?", structured: nil),
  ]

  @Test func requestsAreExactlyThis() async throws {
    let server = try ScriptedModelServer([.say("ok")])
    _ = try await remote(server, .anthropic).respond(request(items))
    let received = server.requests[0].received
    let mark = #""cache_control":{"type":"ephemeral"}"#
    let expected =
      #"{"model":"scripted-model","max_tokens":4096,"tools":[{"name":"shell","description":"Runs a command.","#
      + #""input_schema":{"type":"object","properties":{"command":{"type":"string"}},"required":["command"]}},"#
      + #"{"name":"apply_patch","description":"Edits files.","input_schema":{"type":"object","properties":"#
      + #"{"patch":{"type":"string"}},"required":["patch"],"additionalProperties":false}}],"#
      + #""tool_choice":{"type":"auto"},"system":[{"type":"text","text":"You are careful.",\#(mark)}],"#
      + #""stream":true,"messages":["#
      + #"{"role":"user","content":[{"type":"text","text":"Fix \"it\".\n",\#(mark)}]},"#
      + #"{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},"#
      + #"{"type":"redacted_thinking","data":"d"},{"type":"text","text":"Looking."},"#
      + #"{"type":"tool_use","id":"c_1","name":"shell","input":{"command": "ls"}},"#
      + #"{"type":"tool_use","id":"c2","name":"apply_patch","input":{"patch":"a\tb"}}]},"#
      + #"{"role":"user","content":[{"type":"tool_result","tool_use_id":"c_1","content":"ä"},"#
      + #"{"type":"tool_result","tool_use_id":"c2","content":"no","is_error":true},"#
      + #"{"type":"text","text":"And now?",\#(mark)}]}]}"#
    #expect(String(decoding: received.body, as: UTF8.self) == expected)
    #expect(received.target == "/v1/messages")
    #expect(received.header("x-api-key") == "sk-test-0123456789")
    #expect(received.header("anthropic-version") == "2023-06-01")
    #expect(received.header("authorization") == nil)
  }

  @Test func marksMoveAndFourAreNeverPassed() async throws {
    let server = try ScriptedModelServer { request in
      request.toolResults.count < 6
        ? (request.toolResults.count, .call("shell", ["command": "a"])) : (100, .say("Done."))
    }
    _ = try await run(remote(server, .anthropic))
    for request in server.requests {
      let body = String(decoding: request.received.body, as: UTF8.self)
      #expect((2...3).contains(body.ranges(of: "cache_control").count))
      // The last message is marked, and so is the one that was last before.
      let messages = request.body["messages"]?.array ?? []
      let marked = messages.indices.filter { messages[$0]["content"]?.array?.last?["cache_control"] != nil }
      #expect(marked == Array(stride(from: 0, to: messages.count, by: 2)).suffix(2))
    }
  }

  @Test func aPausedTurnGoesOnWithinOneAnswer() async throws {
    let search: JSONValue = [
      "type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": ["query": "x"],
    ]
    let paused: JSONValue = [
      "id": "m1", "type": "message", "content": [["type": "text", "text": "Searching."], search],
      "stop_reason": "pause_turn", "usage": ["input_tokens": 10, "output_tokens": 5],
    ]
    let server = try ScriptedModelServer { request in
      request.body["messages"]?.array?.count == 1
        ? (
          0,
          ScriptedTurn(
            fault: .body(200, headers: [("content-type", "application/json")], paused.serialized), faultTimes: .max)
        ) : (1, ScriptedTurn(text: "Found.", usage: ScriptedUsage(input: 20, output: 7)))
    }
    let response = try await remote(server, .anthropic).respond(request())
    #expect(response.text == "Searching.Found.")
    #expect(response.usage == Usage(input: 30, output: 12))
    #expect(response.stop == .endOfTurn)
    #expect(server.requests.count == 2)
    #expect(server.requests[1].body["messages"]?[1]?["content"]?[1] == search)
    // One that pauses for ever is not asked for ever.
    let endless = try ScriptedModelServer([
      ScriptedTurn(
        fault: .body(200, headers: [("content-type", "application/json")], paused.serialized), faultTimes: .max)
    ])
    _ = try await remote(endless, .anthropic).respond(request())
    #expect(endless.requests.count == 17)
  }

  @Test func blocksOfAnyOrderArePutTogether() async throws {
    let events: [String] = [
      #"{"type":"message_start","message":{"id":"m","model":"claude","usage":{"input_tokens":5,"cache_read_input_tokens":7,"cache_creation_input_tokens":11,"output_tokens":1}}}"#,
      #"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"shell","input":{}}}"#,
      #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"A"}}"#,
      #"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}"#,
      #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"B"}}"#,
      #"{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"x":[1]}}}"#,
      #"{"type":"some_new_event","x":{"y":"z"}}"#, #"{"type":"content_block_stop","index":0}"#,
      #"{"type":"content_block_start","index":2,"content_block":{"type":"server_tool_use","id":"s","name":"n","input":{}}}"#,
      #"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"q\":1}"}}"#,
      #"{"type":"content_block_stop","index":1}"#, #"{"type":"ping"}"#,
      #"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":30}}"#,
      #"{"type":"message_stop"}"#,
    ]
    let server = try ScriptedModelServer([ScriptedTurn(fault: .events(events))])
    let response = try await remote(server, .anthropic).respond(request())
    #expect(response.items.first == .assistant(text: "AB"))
    #expect(response.calls.map(\.arguments) == [.json("{}")])
    #expect(response.usage == Usage(input: 23, cachedInput: 7, output: 30, cacheWriteInput: 11))
    guard case .reasoning(let other) = response.items.last else {
      Issue.record("the unknown block is lost")
      return
    }
    #expect(other.payload["input"]?["q"] == 1)
  }

  @Test func aCallCutOffByTheLimitIsDropped() async throws {
    let server = try ScriptedModelServer([
      ScriptedTurn(calls: [.tool("shell", ["command": "a"]), .raw("shell", "{\"comm")], ending: .length)
    ])
    let response = try await remote(server, .anthropic).respond(request())
    #expect(response.stop == .length)
    #expect(response.calls.count == 1)
  }

  @Test func theServersOwnLimitIsLearned() async throws {
    let server = try ScriptedModelServer { request in
      (request.body["max_tokens"]?.int ?? 0) > 8192
        ? (
          0,
          ScriptedTurn(
            fault: .status(
              400,
              message:
                "max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for claude-3-5-haiku"),
            faultTimes: .max)
        ) : (1, .say("ok"))
    }
    var asked = request()
    asked.maxOutputTokens = nil
    #expect(try await remote(server, .anthropic).respond(asked).text == "ok")
    #expect(server.requests.map { $0.body["max_tokens"] } == [32000, 8192])
  }

  @Test func whatServersRefuseIsLeftOut() async throws {
    let server = try ScriptedModelServer { request in
      String(decoding: request.received.body, as: UTF8.self).contains("cache_control")
        ? (
          0,
          ScriptedTurn(
            fault: .status(400, message: "messages.0.content.0.cache_control: Extra inputs are not permitted"),
            faultTimes: .max)
        ) : (1, .say("ok"))
    }
    #expect(try await remote(server, .anthropic).respond(request()).text == "ok")
    #expect(server.requests.count == 2)
    // Thinking that was signed elsewhere is not sent again.
    let signed = try ScriptedModelServer { request in
      String(decoding: request.received.body, as: UTF8.self).contains("signature")
        ? (
          0,
          ScriptedTurn(
            fault: .status(400, message: "messages.1.content.0: Invalid `signature` in `thinking` block"),
            faultTimes: .max)
        ) : (1, .say("ok"))
    }
    #expect(try await remote(signed, .anthropic).respond(request(items)).text == "ok")
    #expect(signed.requests.count == 2)
  }

  @Test func aFullContextIsToldAsSuch() async throws {
    let full = #"{"type":"message_delta","delta":{"stop_reason":"model_context_window_exceeded"}}"#
    let server = try ScriptedModelServer([ScriptedTurn(fault: .events([full, #"{"type":"message_stop"}"#]))])
    #expect(await remote(server, .anthropic).failure()?.kind == .contextTooLong)
    let long = try ScriptedModelServer([
      ScriptedTurn(fault: .status(400, message: "prompt is too long: 208310 tokens > 200000 maximum"))
    ])
    #expect(await remote(long, .anthropic).failure()?.kind == .contextTooLong)
  }

  @Test func theEnvironmentIsReadAsTheirLibraryReadsIt() {
    let standard = Provider.anthropic(environment: ["ANTHROPIC_API_KEY": "sk-ant-1234567\n"])
    #expect(standard.endpoint == "api.anthropic.com")
    #expect(standard.keyHeader == .named("x-api-key"))
    let token = Provider.anthropic(
      environment: ["ANTHROPIC_AUTH_TOKEN": "token-1234567", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"])
    #expect(token.endpoint == "127.0.0.1:9")
    #expect(token.keyHeader == .bearer)
  }
}
