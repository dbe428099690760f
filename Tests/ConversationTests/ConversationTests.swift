import Conversation
import JSON
import Testing

@Suite("The recorded form of a conversation")
struct ConversationTests {
  private let items: [Item] = [
    .user(text: "Fix it. ä\u{0}\n", structured: nil),
    .user(text: "", structured: ["failures": ["a::b"]]),
    .assistant(text: "Looking."),
    .reasoning(Reasoning(dialect: "openai-responses", summary: "s", payload: ["encrypted_content": "e", "n": nil])),
    .toolCall(ToolCall(id: "c1", name: "shell", arguments: .json("{\"command\":"))),
    .toolCall(ToolCall(id: "", name: "no such tool", arguments: .freeform("*** Begin Patch\n"))),
    .toolResult(ToolResult(callID: "c1", output: "out")),
    .toolResult(ToolResult(callID: "c2", output: "", isError: true, structured: [1, .double(2.5)], isFreeform: true)),
    .image(ImageContent(mediaType: "image/png", base64: "iVBORw0=")),
  ]

  @Test func everyItemComesBackAsItWas() throws {
    for item in items {
      let text = item.json.text
      #expect(try Item(json: JSONValue(parsing: text)) == item)
      // A hash is taken of the canonical form, which has the same content.
      #expect(try Item(json: JSONValue(parsing: item.json.canonical)) == item)
    }
  }

  @Test func picturesAreKnownByTheirBytes() throws {
    let png: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
    let kinds: [(String, [UInt8])] = [
      ("image/png", png), ("image/jpeg", [0xff, 0xd8, 0xff, 0xe0]), ("image/gif", Array("GIF89a".utf8)),
      ("image/gif", Array("GIF87a!".utf8)), ("image/webp", Array("RIFF\u{0}\u{0}\u{0}\u{0}WEBPVP8 ".utf8)),
    ]
    for (type, bytes) in kinds {
      let image = try #require(ImageContent(bytes: bytes))
      #expect(image.mediaType == type)
      #expect(image.byteCount == bytes.count)
    }
    #expect(ImageContent(bytes: png)?.base64 == "iVBORw0KGgo=")
    #expect(ImageContent(bytes: png + [0])?.base64 == "iVBORw0KGgoA")
    #expect(ImageContent(bytes: png + [0xff, 0xfe])?.base64 == "iVBORw0KGgr//g==")
    for bytes in [
      [], Array("<svg/>".utf8), Array(png.dropLast()), Array("RIFF....WAVE".utf8), [0x7f, 0x45, 0x4c, 0x46],
    ] {
      #expect(ImageContent(bytes: bytes) == nil)
    }
  }

  @Test func everyResponseComesBackAsItWas() throws {
    for stop in [ModelResponse.StopReason.endOfTurn, .toolCalls, .length, .refusal] {
      let response = ModelResponse(
        items: items, usage: Usage(input: 1, cachedInput: 2, output: 3, reasoning: 4), stop: stop, id: "r", model: nil)
      #expect(try ModelResponse(json: JSONValue(parsing: response.json.text)) == response)
    }
  }

  @Test func whatIsNotOfThatFormIsRefused() {
    let wrong: [JSONValue] = [
      nil, [], "user", [:], ["type": "user"], ["type": "user", "text": 1], ["type": "other", "text": "x"],
      ["type": "toolCall", "id": "a", "name": "b"], ["type": "toolResult", "output": "x"], ["type": "reasoning"],
    ]
    for json in wrong {
      #expect(Item(json: json) == nil)
      #expect(ModelResponse(json: ["items": [json], "stop": "endOfTurn"]) == nil)
    }
    #expect(ModelResponse(json: ["items": [], "stop": "because"]) == nil)
    #expect(ModelResponse(json: ["items": []]) == nil)
    #expect(ModelResponse(json: ["items": [], "stop": "length"])?.usage == Usage())
  }

  @Test func anyMemberOfAnyTypeIsNoCrash() throws {
    let values: [JSONValue] = [nil, true, 0, -1, .double(1e300), "x", [], [:], [[:]], ["a": ["b": nil]]]
    let members = ["text", "structured", "dialect", "payload", "id", "name", "arguments", "form", "callID", "output"]
    for type in ["user", "assistant", "reasoning", "toolCall", "toolResult"] {
      for member in members {
        for value in values {
          var object: JSONObject = ["type": .string(type)]
          for other in members { object[other] = "x" }
          object[member] = value
          if let item = Item(json: .object(object)) { #expect(Item(json: item.json) == item) }
        }
      }
    }
  }

  @Test func countsAreAdded() {
    let sum =
      Usage(input: 1, cachedInput: 2, output: 3, reasoning: 4) + Usage(input: 10, cachedInput: 20, output: 30)
    #expect(sum == Usage(input: 11, cachedInput: 22, output: 33, reasoning: 4))
    #expect(Usage(json: ["input": "many", "output": -1]) == Usage(output: -1))
  }

  @Test func errorsDescribeThemselves() {
    let error = ModelError(kind: .rateLimited, message: "wait", status: 429, requestID: "r")
    #expect("\(error)" == "wait")
  }
}
