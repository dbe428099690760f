import Conversation
import JSON
import Models
import TestSupport
import Testing

@Suite("The cost of streams", .timeLimit(.minutes(1)))
struct StreamCostTests {
  /// Work is counted in bytes looked at or moved, so that the test says the same on every machine.
  @Test(arguments: everyDialect)
  func isThatOfTheirBytes(dialect: Provider.Dialect) async throws {
    func steps(_ chunks: Int) async throws -> Double {
      let server = try ScriptedModelServer(
        [
          ScriptedTurn(
            text: String(repeating: "word ", count: chunks / 2),
            calls: [.tool("shell", ["command": .string(String(repeating: "arg ", count: chunks / 2))])])
        ], deltaCharacters: 4)
      let model = remote(server, dialect)
      let response = try await model.respond(request())
      #expect(response.calls.count == 1)
      return Double(model.work.answerSteps) / Double(model.work.bytesReceived)
    }
    let few = try await steps(100)
    let many = try await steps(10000)
    #expect(few < 5)
    #expect(many < 5)
    #expect(many < few * 1.2)
  }
}
