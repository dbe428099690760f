import Conversation
import JSON
import Models
import TestSupport
import Testing

@Suite("Cassettes")
struct CassetteTests {
  private let cassette = Cassette(
    provider: "openai", model: "gpt-5.5",
    entries: [
      .answer(
        ModelResponse(
          items: [
            .reasoning(Reasoning(dialect: "openai-chat", summary: "Hm.\n", payload: ["reasoning": "Hm.\n"])),
            .toolCall(ToolCall(id: "c", name: "shell", arguments: .json("{}"))),
          ], usage: Usage(input: 5, cachedInput: 2, output: 3, cacheWriteInput: 1), stop: .toolCalls, id: "r")),
      .failure(ModelError(kind: .rateLimited, message: "slow down")),
      .answer(ModelResponse(items: [.assistant(text: "Done.")], usage: Usage(), stop: .endOfTurn)),
    ])

  @Test func aFileComesBackAsItWas() throws {
    #expect(try Cassette(parsing: cassette.serialized) == cassette)
    #expect(cassette.serialized.count { $0 == 0x0a } == 4)
  }

  @Test func whatIsNoCassetteIsRefusedByLine() {
    for (text, words) in [
      ("", "empty"), ("x", "line 1"), ("{}", "first line"), ("{\"cassette\":2}", "first line"),
      ("{\"cassette\":1}\n{}", "line 2"), ("{\"cassette\":1}\n{\"answer\":{}}", "line 2"),
      ("{\"cassette\":1}\n{\"error\":{\"kind\":\"none\"}}", "line 2"),
    ] {
      do {
        _ = try Cassette(parsing: Array(text.utf8))
        Issue.record("\(words): accepted")
      } catch {
        #expect(error.description.contains(words))
      }
    }
  }

  @Test func answersArePlayedInOrder() async throws {
    let model = CassetteModel(cassette)
    #expect(model.identity == ModelIdentity(provider: "replay", name: "openai/gpt-5.5", endpoint: "cassette"))
    let progress = Progress()
    let first = try await model.respond(to: request()) { progress.add($0) }
    #expect(progress.calls == ["shell"])
    #expect(progress.reasoning == "Hm.\n")
    let items = request().items + first.items + [.toolResult(ToolResult(callID: "c", output: "ok"))]
    await #expect(throws: ModelError(kind: .rateLimited, message: "slow down")) {
      try await model.respond(to: request(items)) { _ in }
    }
    #expect(try await model.respond(to: request(items)) { _ in }.text == "Done.")
    await #expect(throws: ModelError.self) { try await model.respond(to: request(items)) { _ in } }
    // A resumed run goes on where it was.
    let resumed = CassetteModel(cassette)
    await #expect(throws: ModelError.self) { try await resumed.respond(to: request(items)) { _ in } }
  }
}
