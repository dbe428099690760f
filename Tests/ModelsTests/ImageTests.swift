import Conversation
import JSON
import Models
import TestSupport
import Testing

@Suite("Pictures", .timeLimit(.minutes(1)))
struct ImageTests {
  private let items: [Item] = [
    .user(text: "Look.", structured: nil), .image(ImageContent(mediaType: "image/png", base64: "iVBORw0=")),
  ]

  @Test(arguments: everyDialect) func areSentAsEachDialectHasThem(dialect: Provider.Dialect) async throws {
    let server = try ScriptedModelServer([.say("A cat.")])
    _ = try await remote(server, dialect).respond(request(items))
    let body = try #require(server.requests.last?.body)
    switch dialect {
    case .openAIResponses, .openAI:
      #expect(
        body["input"]?[1]?["content"]?[0]
          == ["type": "input_image", "image_url": "data:image/png;base64,iVBORw0="])
    case .openAIChat:
      #expect(
        body["messages"]?[2]?["content"]?[0]
          == ["type": "image_url", "image_url": ["url": "data:image/png;base64,iVBORw0="]])
    case .anthropic:
      let block = body["messages"]?[0]?["content"]?[1]
      #expect(block?["source"] == ["type": "base64", "media_type": "image/png", "data": "iVBORw0="])
      #expect(block?["cache_control"]?["type"] == "ephemeral")
    case .bedrock:
      #expect(
        body["messages"]?[0]?["content"]?[1] == ["image": ["format": "png", "source": ["bytes": "iVBORw0="]]])
    }
  }

  @Test(arguments: everyDialect) func areToldOfWhereTheyAreRefused(dialect: Provider.Dialect) async throws {
    let server = try ScriptedModelServer { request in
      String(decoding: request.received.body, as: UTF8.self).contains("iVBORw0=")
        ? (
          0,
          ScriptedTurn(
            fault: .status(400, message: "Invalid content type. image_url is only supported by certain models."),
            faultTimes: .max)
        ) : (1, .say("ok"))
    }
    #expect(try await remote(server, dialect).respond(request(items)).text == "ok")
    #expect(server.requests.count == 2)
    #expect(String(decoding: server.requests[1].received.body, as: UTF8.self).contains("cannot be shown"))
  }
}
