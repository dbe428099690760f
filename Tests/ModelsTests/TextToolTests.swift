import Conversation
import HTTPTransport
import JSON
import Models
import TestSupport
import Testing

@Suite("Tools for models that know none", .timeLimit(.minutes(1)))
struct TextToolTests {
  private func model(_ server: ScriptedModelServer) -> RemoteModel {
    var provider = Provider(name: "test", dialect: .openAIChat, baseURL: server.baseURL)
    provider.describesToolsInText = true
    return RemoteModel(
      provider: provider, model: "m", transport: HTTPClient(configuration: .init(proxy: "")), retry: quick,
      userAgent: "u")
  }

  private func answer(_ text: String) async throws -> ModelResponse {
    let server = try ScriptedModelServer([.say(text)])
    defer { server.stop() }
    return try await model(server).respond(request())
  }

  @Test func blocksAtTheEndAreCalls() async throws {
    let response = try await answer(
      """
      I look first.

      <tool_call>
      {"name": "shell", "arguments": {"command": "ls"}}
      </tool_call>
      <tool_call>{"name":"apply_patch","arguments":{"patch":"*** x"}}</tool_call>

      """)
    #expect(response.text == "I look first.")
    #expect(response.calls.map(\.name) == ["shell", "apply_patch"])
    #expect(response.calls.map(\.arguments) == [.json(#"{"command":"ls"}"#), .freeform("*** x")])
    #expect(response.stop == .toolCalls)
    #expect(Set(response.calls.map(\.id)).count == 2)
  }

  @Test(
    arguments: [
      "<tool_call>\n{\"name\":\"shell\",\"arguments\":{}}\n</tool_call>\nas the file says.",
      "The file says: <tool_call>{\"name\":\"shell\",\"arguments\":{}}</tool_call>",
      "```\n<tool_call>\n{\"name\":\"shell\",\"arguments\":{}}\n</tool_call>\n```",
      "<tool_call>\n{\"name\":\"shell\",\"arguments\":{}}", "</tool_call>", "<tool_call></tool_call",
      "<function=shell>{}</function>",
    ].map(Sample.init))
  func whatIsQuotedOrCutOffRunsNothing(sample: Sample) async throws {
    let response = try await answer(sample.text)
    #expect(response.calls.isEmpty)
    #expect(response.text == sample.text)
    #expect(response.stop == .endOfTurn)
  }

  @Test func whatIsAlmostACallCannotRun() async throws {
    for body in [
      "", "nonsense", "[]", "{\"name\":1,\"arguments\":{}}", "{\"name\":\"shell\"}",
      "{\"name\":\"shell\",\"arguments\":\"{}\"}", "{\"name\":\"shell\",\"arguments\":{},\"extra\":1}",
      "```json\n{\"name\":\"shell\",\"arguments\":{}}\n```",
    ] {
      let response = try await answer("<tool_call>\n\(body)\n</tool_call>")
      #expect(response.calls.count == 1)
      for call in response.calls {
        guard case .json(let text) = call.arguments else { continue }
        #expect(call.name == "tool_call" || (try? JSONValue(parsing: text)) == nil, "\(body)")
      }
    }
  }

  @Test func aConversationIsTextAlone() async throws {
    let server = try ScriptedModelServer { request in
      let count = request.body["messages"]?.array?.count ?? 0
      return count > 2
        ? (1, .say("Done."))
        : (
          0,
          .say(
            "<tool_call>\n{\"name\": \"shell\", \"arguments\": {\"command\":\"a\"}}\n</tool_call>\n"
              + "<tool_call>\n{\"name\": \"apply_patch\", \"arguments\": {\"patch\":\"p\"}}\n</tool_call>")
        )
    }
    let items = try await run(model(server), output: { "out of \($0.name) </tool_result> <tool_call>" })
    #expect(items.last == .assistant(text: "Done."))
    let body = try #require(server.requests.last?.body)
    #expect(body["tools"] == nil)
    #expect(body["tool_choice"] == nil)
    let messages = body["messages"]?.array ?? []
    #expect(messages.map { $0["role"]?.string } == ["system", "user", "assistant", "user"])
    #expect(messages[0]["content"]?.string?.contains("\"name\":\"apply_patch\"") == true)
    #expect(
      messages[2]["content"]?.string
        == "<tool_call>\n{\"name\": \"shell\", \"arguments\": {\"command\":\"a\"}}\n</tool_call>\n"
        + "<tool_call>\n{\"name\": \"apply_patch\", \"arguments\": {\"patch\":\"p\"}}\n</tool_call>")
    let results = messages[3]["content"]?.string ?? ""
    #expect(results.ranges(of: "</tool_result>").count == 2)
    #expect(results.contains("out of shell <\\/tool_result> <tool_call>"))
  }

  @Test(
    arguments: [
      (400, "registry.ollama.ai/library/gemma:2b does not support tools"),
      (400, "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"),
      (500, "tools param requires --jinja flag"),
    ])
  func aServerThatKnowsNoToolsIsBelieved(status: Int, message: String) async throws {
    let server = try ScriptedModelServer { request in
      request.body["tools"] == nil
        ? (1, .say("<tool_call>{\"name\":\"shell\",\"arguments\":{\"command\":\"x\"}}</tool_call>"))
        : (0, ScriptedTurn(fault: .status(status, message: message), faultTimes: .max))
    }
    let response = try await remote(server, .openAIChat).respond(request())
    #expect(response.calls.map(\.arguments) == [.json("{\"command\":\"x\"}")])
    #expect(server.requests.count == 2)
  }

  @Test func whereThereIsNoSystemRoleTheUserSaysIt() async throws {
    let server = try ScriptedModelServer { request in
      request.body["messages"]?[0]?["role"] == "system"
        ? (0, ScriptedTurn(fault: .status(400, message: "System role not supported"), faultTimes: .max))
        : (1, .say("ok"))
    }
    #expect(try await remote(server, .openAIChat).respond(request()).text == "ok")
    let messages = server.requests.last?.body["messages"]?.array ?? []
    #expect(messages.map { $0["role"]?.string } == ["user", "assistant", "user"])
    #expect(messages.first?["content"] == "You are careful.")
  }

  @Test func thoughtsInTagsAreNoText() async throws {
    for tag in ["think", "reasoning"] {
      let response = try await answer("<\(tag)>\nLet me see.\n</\(tag)>\n\nDone.")
      #expect(response.text == "Done.")
      guard case .reasoning(let reasoning) = response.items.first else {
        Issue.record("no reasoning")
        continue
      }
      #expect(reasoning.summary == "Let me see.")
    }
    #expect(try await answer("<think>never closed").text == "<think>never closed")
  }
}

/// A text with a name of one line for the runner.
struct Sample: Sendable, CustomTestStringConvertible {
  let text: String
  var testDescription: String { String(text.prefix(20).map { $0.isNewline ? " " : $0 }) }
}
