import Conversation
import HTTPTransport
import JSON
import Models
import Synchronization
import TestSupport
import Testing

/// A connection that breaks after any byte of an answer.
@Suite("Streams that break anywhere", .timeLimit(.minutes(2)))
struct CutStreamTests {
  @Test(arguments: everyDialect) func atEveryByte(dialect: Provider.Dialect) async throws {
    let turn = ScriptedTurn(text: "Hi.", calls: [.tool("shell", ["command": "rm x"])])
    let scripted = try ScriptedModelServer([turn])
    let expected = try await remote(scripted, dialect).respond(request())
    let asked = try #require(scripted.received.last)
    let client = HTTPClient(configuration: HTTPClient.Configuration(proxy: ""))
    let response = try await client.send(
      HTTPRequest(
        method: "POST", url: scripted.origin + asked.target, headers: ["Content-Type": "application/json"],
        body: [asked.body]))
    let type = response.headers["content-type"] ?? ""
    let whole = try await response.body.collect(upTo: 1 << 20)

    // Each connection says after how many bytes it is to break, the first time.
    let broken = Mutex<Set<String>>([])
    let server = try LoopbackServer { request, connection in
      try connection.sendHead(200, [("content-type", type), ("transfer-encoding", "chunked")])
      let cut = request.header("x-cut") ?? ""
      let isFirst = broken.withLock { $0.insert(cut).inserted }
      guard isFirst, let count = Int(cut) else {
        try connection.sendChunk(whole)
        return try connection.endChunks()
      }
      if count > 0 { try connection.sendChunk(whole.prefix(count)) }
      if count % 2 == 0 { connection.reset() } else { connection.close() }
    }
    let (url, count) = (server.url, whole.count)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<8 {
        group.addTask {
          for cut in stride(from: worker, to: count, by: 8) {
            let provider = Provider(
              name: "test", dialect: dialect, baseURL: dialect.isOpenAI ? url + "/v1" : url,
              headers: ["x-cut": "\(cut)"], takesFreeformTools: dialect != .openAIChat)
            let model = RemoteModel(
              provider: provider, model: "m", transport: client,
              retry: RetryPolicy(firstWait: 0.001, longestWait: 0.001), userAgent: "u")
            let answer = try await model.respond(request())
            #expect(answer.items == expected.items, "cut at \(cut) of \(count)")
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(server.requests.count >= count)
  }

  /// A byte now and then is no idle stream, and is given up all the same.
  @Test func aTrickleIsGivenUp() async throws {
    let good = ScriptedTurn(text: "All is well.")
    let server = try ScriptedModelServer([good.failing(.drip(bytes: 1, microseconds: 30_000), times: 1)])
    let progress = Progress()
    let model = remote(
      server, timeouts: HTTPTimeouts(idle: .seconds(60), trickle: .milliseconds(400)))
    #expect(try await model.respond(to: request()) { progress.add($0) }.text == "All is well.")
    #expect(progress.reasons.count == 1)
    #expect(progress.reasons.first?.contains("next to nothing") == true)
    // It counts against the budget of waiting like silence.
    let stubborn = try ScriptedModelServer([good.failing(.drip(bytes: 1, microseconds: 30_000), times: .max)])
    let failure = await remote(
      stubborn, retry: RetryPolicy(firstWait: 0.01, longestWait: 0.01, budget: 0.5),
      timeouts: HTTPTimeouts(idle: .seconds(60), trickle: .milliseconds(300))
    ).failure()
    #expect(failure?.kind == .unavailable)
    #expect((1...2).contains(stubborn.requests.count))
  }
}
