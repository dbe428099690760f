import Conversation
import HTTPTransport
import JSON
import Models
import TestSupport
import Testing

/// An event that is nearly the one before it is not read as JSON again: what differs must be seen all the same.
@Suite("Events that resemble one another", .timeLimit(.minutes(1)))
struct SimilarEventTests {
  private func answer(_ dialect: Provider.Dialect, _ events: [String]) async throws -> (ModelResponse, Progress) {
    let server = try ScriptedModelServer([ScriptedTurn(fault: .events(events), faultTimes: .max)])
    let progress = Progress()
    return (try await remote(server, dialect, retry: .never).respond(to: request()) { progress.add($0) }, progress)
  }

  private func chat(_ text: String, _ more: String = "", finish: String = "null", padding: String = "xyz") -> String {
    #"{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":@\#(more)},"finish_reason":#}],"obfuscation":"%"}"#
      .replacing("@", with: text).replacing("#", with: finish).replacing("%", with: padding)
  }

  @Test func chatTakesWhatDiffers() async throws {
    let (response, progress) = try await answer(
      .openAIChat,
      [
        chat("\"a\""), chat("\"b\"", padding: "12345"), chat("\"\\u00fc\\n\\\"\""), chat("\"\""),
        chat("\"ä\u{1F44B}\""),
        // Another choice, another member, null, a list of parts, and an end in the same event.
        #"{"id":"c","model":"m","choices":[{"index":1,"delta":{"content":"other"},"finish_reason":null}]}"#,
        chat("null"),
        chat("\"c\"", #","tool_calls":[{"index":0,"id":"x","function":{"name":"shell","arguments":"{}"}}]"#),
        chat("[{\"type\":\"text\",\"text\":\"d\"}]"), chat("\"e\""), chat("\"f\"", finish: "\"stop\""), "[DONE]",
      ])
    #expect(response.text == "abü\n\"ä\u{1F44B}cdef")
    #expect(progress.text == response.text)
    #expect(response.calls.map(\.name) == ["shell"])
  }

  @Test func chatSeesThoughtsAmongText() async throws {
    func thought(_ text: String) -> String {
      #"{"id":"c","choices":[{"index":0,"delta":{"reasoning_content":"@"},"finish_reason":null}]}"#
        .replacing("@", with: text)
    }
    let (response, progress) = try await answer(
      .openAIChat, [thought("1"), thought("2"), chat("\"a\""), chat("\"b\""), thought("3"), chat("\"c\""), "[DONE]"])
    #expect(response.text == "abc")
    #expect(progress.reasoning == "123")
    // Told in the order in which they came.
    let order = progress.all.compactMap { item -> String? in
      switch item {
      case .text(let text): text
      case .reasoning(let text): text
      default: nil
      }
    }
    #expect(order.joined() == "12ab3c")
  }

  @Test func chatPutsArgumentsTogetherCallByCall() async throws {
    func piece(_ index: Int, _ text: String, _ more: String = "", other: String = "") -> String {
      #"{"id":"c","choices":[{"index":0,"delta":{\#(other)"tool_calls":[{"index":\#(index)\#(more),"#
        + #""function":{"arguments":"\#(text)"}}]},"finish_reason":null}]}"#
    }
    func start(_ index: Int, _ id: String) -> String {
      #"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":\#(index),"id":"\#(id)","type":"function","#
        + #""function":{"name":"shell","arguments":""}}]},"finish_reason":null}]}"#
    }
    let (response, progress) = try await answer(
      .openAIChat,
      [
        start(0, "x"), piece(0, "{\\\"a\\\":"), piece(0, "\\\"ü"), piece(0, "\\\\n"), piece(0, "\\\""), piece(0, "}"),
        start(1, "y"), piece(1, "{\\\"b"), piece(1, "\\\":"), piece(0, ""), piece(1, "1"),
        // A server that repeats the id, and one that says something in the same event.
        piece(1, ",\\\"c\\\":2", #","id":"y""#), piece(1, "", other: #""content":"said","#),
        piece(1, "}", other: #""content":"said","#),
        // The same place with another id is another call.
        piece(1, "{}", #","id":"z""#), "[DONE]",
      ])
    #expect(
      response.calls.map(\.arguments) == [.json(#"{"a":"ü\n"}"#), .json(#"{"b":1,"c":2}"#), .json("{}")])
    #expect(response.calls.map(\.id) == ["x", "y", "z"])
    #expect(progress.text == "saidsaid")
  }

  @Test(arguments: [
    "\"cut", "\"a\"\"", "\"\u{1}\"", "\"\\x\"", "\"a\\", "12", "{}", "\"a\"}", "",
  ])
  func whatIsNoJSONIsRefusedThen(text: String) async throws {
    for first in [[], [chat("\"a\""), chat("\"b\"")]] {
      let server = try ScriptedModelServer([
        ScriptedTurn(fault: .events(first + [chat(text), "[DONE]"]), faultTimes: .max)
      ])
      #expect(await remote(server, .openAIChat, retry: .never).failure()?.kind == .malformedAnswer)
    }
  }

  @Test func responsesTakeWhatDiffers() async throws {
    func delta(_ type: String, _ text: String, _ number: Int, _ more: String = "") -> String {
      #"{"type":"@","sequence_number":#,"item_id":"i","output_index":0,"delta":%\#(more)}"#
        .replacing("@", with: type).replacing("#", with: "\(number)").replacing("%", with: text)
    }
    let text = "response.output_text.delta"
    let item = #"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"abc"}]}"#
    let call = #"{"type":"function_call","call_id":"k","name":"shell","arguments":"{}"}"#
    let (response, progress) = try await answer(
      .openAIResponses,
      [
        delta(text, "\"a\"", 8), delta(text, "\"b\"", 9), delta(text, "\"\\u0063\"", 10),
        delta("response.reasoning_text.delta", "\"r\"", 11), delta("response.reasoning_text.delta", "\"s\"", 12),
        delta("response.function_call_arguments.delta", "\"{\"", 13),
        delta("response.function_call_arguments.delta", "\"}\"", 14), delta(text, "\"d\"", 15),
        #"{"type":"response.output_item.done","output_index":0,"item":\#(item)}"#,
        #"{"type":"response.output_item.done","output_index":1,"item":\#(call)}"#,
        #"{"type":"response.completed","response":{"status":"completed","output":[]}}"#,
      ])
    #expect(progress.text == "abcd")
    #expect(progress.reasoning == "rs")
    #expect(response.text == "abc")
    #expect(response.calls.count == 1)
  }

  @Test func messagesTakeWhatDiffers() async throws {
    func delta(_ index: Int, _ type: String, _ member: String, _ text: String) -> String {
      #"{"type":"content_block_delta","index":\#(index),"delta":{"type":"\#(type)","\#(member)":"\#(text)"}}"#
    }
    let (response, progress) = try await answer(
      .anthropic,
      [
        #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
        delta(0, "thinking_delta", "thinking", "h"), delta(0, "thinking_delta", "thinking", "m"),
        delta(0, "signature_delta", "signature", "s"), delta(0, "signature_delta", "signature", "t"),
        #"{"type":"content_block_stop","index":0}"#,
        #"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
        delta(1, "text_delta", "text", "a"), delta(1, "text_delta", "text", "\\u00e4"),
        #"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"k","name":"shell"}}"#,
        delta(1, "text_delta", "text", "b"), delta(2, "input_json_delta", "partial_json", "{\\\"command\\\":"),
        delta(2, "input_json_delta", "partial_json", "\\\"x\\\""), delta(2, "input_json_delta", "partial_json", "}"),
        delta(1, "text_delta", "text", "c"), #"{"type":"content_block_stop","index":1}"#,
        #"{"type":"content_block_stop","index":2}"#,
        #"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#, #"{"type":"message_stop"}"#,
      ])
    #expect(response.text == "aäbc")
    #expect(progress.text == "aäbc")
    #expect(progress.reasoning == "hm")
    #expect(response.calls.map(\.arguments) == [.json(#"{"command":"x"}"#)])
    guard case .reasoning(let thought) = response.items.first else { return #expect(Bool(false)) }
    #expect(thought.payload["signature"] == "st")
  }

  /// A word that never fits and one that always does are put together alike.
  @Test(arguments: everyDialect) func anyTextComesThroughWhole(dialect: Provider.Dialect) async throws {
    var random = Seeded(29)
    let alphabet = ["a", "word ", "\n", "\"", "\\", "ü", "世", "👋🏽", "\t", "{", "}", "\u{1}", "0", "data: "]
    for _ in 0..<12 {
      let text = (0..<Int.random(in: 1...200, using: &random)).map { _ in
        alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
      }.joined()
      let server = try ScriptedModelServer(
        [ScriptedTurn(text: text, calls: [.tool("shell", ["command": .string(text)])], reasoning: text)],
        deltaCharacters: Int.random(in: 1...7, using: &random))
      let progress = Progress()
      let response = try await remote(server, dialect).respond(to: request()) { progress.add($0) }
      #expect(response.text == text)
      #expect(progress.text == text)
      #expect(response.calls.first?.arguments == .json(JSONValue.object(["command": .string(text)]).text))
    }
  }
}
