import HTTPTransport
import Synchronization
import TestSupport
import Testing

@Suite("HTTP client", .timeLimit(.minutes(1)))
struct HTTPClientTests {
  private let direct = HTTPClient.Configuration(proxy: "")

  private func failure(_ work: () async throws(HTTPError) -> Void) async -> HTTPError.Kind? {
    do {
      try await work()
      return nil
    } catch {
      return error.kind
    }
  }

  @Test func sendsARequestAsItIsAndReadsTheAnswer() async throws {
    let server = try LoopbackServer { request, connection in
      try connection.reply(
        418, [("X-Name", " tea  "), ("x-name", "second")], body: request.body.reversed())
    }
    let client = HTTPClient(configuration: direct)
    let response = try await client.send(
      HTTPRequest(
        method: "POST", url: "\(server.url)/a%3Ab?q=1", headers: ["Content-Type": "x/y", "Empty": "", "N": "1"],
        body: [Array("abc".utf8), [], Array("def".utf8)]))
    #expect(response.status == 418)
    #expect(response.headers["x-NAME"] == "tea")
    #expect(response.headers.fields.filter { $0.name.lowercased() == "x-name" }.count == 2)
    #expect(try await response.body.collect(upTo: 100) == Array("fedcba".utf8))
    let request = try #require(server.requests.first)
    #expect(request.method == "POST")
    #expect(request.target == "/a%3Ab?q=1")
    #expect(request.header("content-type") == "x/y")
    #expect(request.header("empty") == "")
    #expect(request.header("n") == "1")
    #expect(request.header("expect") == nil)
    #expect(request.header("content-length") == "6")
  }

  @Test(arguments: ["GET", "HEAD", "DELETE", "PUT", "POST"]) func methodsWithoutABody(method: String) async throws {
    let server = try LoopbackServer { _, connection in
      try connection.sendHead(204, [])
    }
    let response = try await HTTPClient(configuration: direct).send(HTTPRequest(method: method, url: server.url))
    #expect(response.status == 204)
    #expect(try await response.body.collect(upTo: 0).isEmpty)
    #expect(server.requests.first?.method == method)
    #expect(server.requests.first?.header("content-type") == nil)
  }

  @Test func oneConnectionIsKept() async throws {
    let server = try LoopbackServer { _, connection in
      try connection.sendHead(200, [("transfer-encoding", "chunked")])
      try connection.sendChunk(Array("part".utf8))
      try connection.endChunks()
    }
    let client = HTTPClient(configuration: direct)
    for _ in 0..<20 {
      let response = try await client.send(HTTPRequest(method: "POST", url: server.url, body: [[1]]))
      _ = try await response.body.collect(upTo: 100)
    }
    #expect(server.connectionCount == 1)
  }

  @Test func aKeptConnectionThatTheServerClosedIsReplaced() async throws {
    let server = try LoopbackServer { request, connection in
      try connection.reply(200, body: request.body)
      connection.close()
    }
    let client = HTTPClient(configuration: direct)
    let body = [[UInt8](repeating: 1, count: 100_000), [UInt8](repeating: 2, count: 100_000)]
    for _ in 0..<5 {
      let response = try await client.send(HTTPRequest(method: "POST", url: server.url, body: body))
      #expect(try await response.body.collect(upTo: 1 << 20) == Array(body.joined()))
    }
    #expect(server.connectionCount == 5)
  }

  @Test func bytesArriveWhileTheServerStillWorks() async throws {
    let server = try LoopbackServer { _, connection in
      try connection.sendHead(200, [("transfer-encoding", "chunked")])
      try connection.sendChunk(Array("first".utf8))
      try connection.stall(seconds: 20)
    }
    let client = HTTPClient(configuration: direct)
    let response = try await client.send(HTTPRequest(url: server.url))
    for try await bytes in response.body {
      #expect(bytes == Array("first".utf8))
      break
    }
  }

  @Test func aSlowReaderSlowsTheServerDown() async throws {
    let total = 8 << 20
    let sent = Mutex(0)
    let server = try LoopbackServer { _, connection in
      try connection.sendHead(200, [("content-length", String(total))])
      for index in 0..<(total / 4096) {
        try connection.send([UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 4096))
        sent.withLock { $0 += 4096 }
      }
    }
    let client = HTTPClient(configuration: direct)
    // Waiting for the reader does not count as idle.
    let response = try await client.send(
      HTTPRequest(url: server.url, timeouts: HTTPTimeouts(idle: .seconds(2))))
    try await Task.sleep(for: .seconds(3))
    // Socket buffers take some megabytes; the rest must wait.
    #expect(sent.withLock { $0 } < total)
    var received = 0
    for try await bytes in response.body {
      for (offset, byte) in bytes.enumerated() where (received + offset) % 4096 == 0 {
        #expect(byte == UInt8(truncatingIfNeeded: (received + offset) / 4096))
      }
      received += bytes.count
    }
    #expect(received == total)
  }

  @Test func cancellingEndsAtOnce() async throws {
    let server = try LoopbackServer { request, connection in
      if request.target == "/body" {
        try connection.sendHead(200, [("content-length", "10")])
      }
      try connection.stall(seconds: 30)
    }
    let client = HTTPClient(configuration: direct)
    for path in ["/head", "/body"] {
      let task = Task { () async -> HTTPError.Kind? in
        await failure { () async throws(HTTPError) in
          let response = try await client.send(HTTPRequest(url: server.url + path))
          _ = try await response.body.collect(upTo: 100)
        }
      }
      try await waitUntil { server.requests.last?.target == path }
      try await Task.sleep(for: .milliseconds(20))
      task.cancel()
      #expect(await task.value == .cancelled)
    }
    try await waitUntil { server.openConnectionCount == 0 }
    // A task that is cancelled before it begins sends nothing that lasts.
    let task = Task { () async -> HTTPError.Kind? in
      while !Task.isCancelled { await Task.yield() }
      return await failure { () async throws(HTTPError) in _ = try await client.send(HTTPRequest(url: server.url)) }
    }
    task.cancel()
    #expect(await task.value == .cancelled)
  }

  @Test func lettingGoOfABodyEndsTheTransfer() async throws {
    let server = try LoopbackServer { _, connection in
      try connection.sendHead(200, [("transfer-encoding", "chunked")])
      while true {
        try connection.sendChunk([UInt8](repeating: 0, count: 1000))
        try connection.stall(seconds: 0.01)
      }
    }
    let client = HTTPClient(configuration: direct)
    do {
      let response = try await client.send(HTTPRequest(url: server.url))
      for try await _ in response.body { break }
    }
    try await waitUntil { server.openConnectionCount == 0 }
  }

  @Test func timesAreBounded() async throws {
    let server = try LoopbackServer { request, connection in
      if request.target == "/drip" {
        try connection.sendHead(200, [("transfer-encoding", "chunked")])
        for _ in 0..<1000 {
          try connection.sendChunk([0])
          try connection.stall(seconds: 0.02)
        }
      }
      if request.target == "/headed" { try connection.sendHead(200, [("content-length", "10")]) }
      try connection.stall(seconds: 30)
    }
    let client = HTTPClient(configuration: direct)
    func kind(_ path: String, _ timeouts: HTTPTimeouts) async -> HTTPError.Kind? {
      await failure { () async throws(HTTPError) in
        let response = try await client.send(HTTPRequest(url: server.url + path, timeouts: timeouts))
        _ = try await response.body.collect(upTo: 10000)
      }
    }
    let start = ContinuousClock.now
    #expect(await kind("/silent", HTTPTimeouts(idle: .milliseconds(150))) == .timeout(.idle))
    #expect(await kind("/headed", HTTPTimeouts(idle: .milliseconds(150))) == .timeout(.idle))
    #expect(
      await kind("/drip", HTTPTimeouts(idle: .seconds(10), total: .milliseconds(400))) == .timeout(.total))
    let taken = ContinuousClock.now - start
    #expect(taken > .milliseconds(700))
  }

  @Test func theEndOfAnAnswerIsWaitedForOnlySoLong() async throws {
    let server = try LoopbackServer { _, connection in
      try connection.sendHead(200, [("transfer-encoding", "chunked")])
      try connection.sendChunk([1])
      try connection.stall(seconds: 30)
    }
    let client = HTTPClient(configuration: direct)
    let response = try await client.send(HTTPRequest(url: server.url))
    await response.body.finish(within: .milliseconds(100))
    try await waitUntil { server.openConnectionCount == 0 }
  }

  @Test func brokenAnswersAreErrors() async throws {
    let server = try LoopbackServer { request, connection in
      switch request.target {
      case "/reset":
        try connection.sendHead(200, [("content-length", "10")])
        try connection.send("abc")
        try connection.stall(seconds: 0.05)
        connection.reset()
      case "/short":
        try connection.sendHead(200, [("content-length", "10")])
        try connection.send("abc")
        connection.close()
      case "/chunk":
        try connection.sendHead(200, [("transfer-encoding", "chunked")])
        try connection.send("5\r\nab")
        connection.close()
      case "/nothing":
        connection.close()
      case "/strange":
        try connection.send("220 mail.example ESMTP\r\n\r\n")
        connection.close()
      case "/headers":
        try connection.send("HTTP/1.1 200 OK\r\n")
        for index in 0..<10000 { try connection.send("x-\(index): \(String(repeating: "a", count: 200))\r\n") }
      default:
        try connection.reply(200, body: [UInt8](repeating: 0, count: 2000))
      }
    }
    let client = HTTPClient(configuration: direct)
    func kind(_ path: String) async -> HTTPError.Kind? {
      await failure { () async throws(HTTPError) in
        let response = try await client.send(HTTPRequest(url: server.url + path, maximumResponseBytes: 1000))
        _ = try await response.body.collect(upTo: 10000)
      }
    }
    #expect(await kind("/reset") == .reset)
    #expect(await kind("/short") == .reset)
    #expect(await kind("/chunk") == .reset)
    #expect(await kind("/nothing") == .reset)
    #expect(await [.malformed, .invalidRequest].contains(kind("/strange")))
    #expect(await kind("/headers") == .tooLarge)
    #expect(await kind("/large") == .tooLarge)
  }

  @Test func bytesBeforeABreakAreDelivered() async throws {
    let server = try LoopbackServer { _, connection in
      try connection.sendHead(200, [("content-length", "10")])
      try connection.send("abc")
      connection.close()
    }
    let client = HTTPClient(configuration: direct)
    let response = try await client.send(HTTPRequest(url: server.url))
    var received: [UInt8] = []
    await #expect(throws: HTTPError.self) {
      for try await bytes in response.body { received += bytes }
    }
    #expect(received == Array("abc".utf8))
  }

  @Test func redirectsAreNotFollowedAndInterimAnswersSkipped() async throws {
    let server = try LoopbackServer { _, connection in
      try connection.send("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n")
      try connection.reply(307, [("location", "http://127.0.0.1:1/elsewhere")], body: [])
    }
    let response = try await HTTPClient(configuration: direct).send(HTTPRequest(method: "POST", url: server.url))
    #expect(response.status == 307)
    #expect(response.headers["link"] == nil)
    #expect(response.headers["location"] != nil)
    #expect(server.requests.count == 1)
  }

  @Test func whatCannotBeSentIsRefused() async throws {
    let client = HTTPClient(configuration: direct)
    func kind(_ url: String, _ headers: HTTPHeaders = [:]) async -> HTTPError.Kind? {
      await failure { () async throws(HTTPError) in _ = try await client.send(HTTPRequest(url: url, headers: headers)) }
    }
    #expect(await kind("http://127.0.0.1:1/", ["A": "b\r\nC: d"]) == .invalidRequest)
    #expect(await kind("http://127.0.0.1:1/", ["A b": "c"]) == .invalidRequest)
    #expect(await kind("file:///etc/passwd") == .invalidRequest)
    #expect(await kind("http://127.0.0.1:99999999/") == .invalidRequest)
    #expect(await kind("http://127.0.0.1/a b") == .invalidRequest)
    #expect(await kind("") == .invalidRequest)
    #expect(await kind("http://127.0.0.1:1/") == .connect)
    #expect(await kind("http://does-not-exist.invalid/") == .resolve)
  }

  @Test func errorsTellNoSecrets() async throws {
    do {
      _ = try await HTTPClient(configuration: direct).send(
        HTTPRequest(
          url: "http://user:s3cret@127.0.0.1:1/p4th?key=s3cret", headers: ["Authorization": "Bearer s3cret"]))
      Issue.record("connected to a closed port")
    } catch {
      #expect(!"\(error)".contains("s3cret"))
      #expect(!"\(error)".contains("p4th"))
      #expect("\(error)".contains("http://127.0.0.1:1"))
    }
    #expect(HTTPRequest.origin(of: "https://a:b@h.example:1/x@y") == "https://h.example:1")
    #expect(HTTPRequest.origin(of: "https://[::1]:8080?x") == "https://[::1]:8080")
    #expect(HTTPRequest.origin(of: "nonsense") == "(no URL)")
  }

  @Test func manyTransfersRunAtOnce() async throws {
    let server = try LoopbackServer { request, connection in
      try connection.sendHead(200, [("transfer-encoding", "chunked")])
      for _ in 0..<20 {
        try connection.sendChunk(request.body)
        try connection.stall(seconds: 0.002)
      }
      try connection.endChunks()
    }
    let client = HTTPClient(configuration: direct)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<64 {
        group.addTask {
          let body = Array("<\(index)>".utf8)
          let response = try await client.send(HTTPRequest(method: "POST", url: server.url, body: [body]))
          let answer = try await response.body.collect(upTo: 10000)
          #expect(answer == Array(repeating: body, count: 20).flatMap { $0 })
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func theLibraryTellsItsVersion() throws {
    #expect(try HTTPClient.libraryVersion().hasPrefix("libcurl/"))
  }

  @Test func aBodyOutlivesItsClient() async throws {
    let server = try LoopbackServer { _, connection in
      try connection.sendHead(200, [("content-length", "4")])
      try connection.stall(seconds: 0.1)
      try connection.send("late")
    }
    let response = try await HTTPClient(configuration: direct).send(HTTPRequest(url: server.url))
    #expect(try await response.body.collect(upTo: 10) == Array("late".utf8))
  }

  @Test func proxiesAreAskedInsteadOfTheServer() async throws {
    let proxy = try LoopbackServer { request, connection in
      if request.method == "CONNECT" { return try connection.reply(403, body: []) }
      try connection.reply(200, body: Array(request.target.utf8))
    }
    let client = HTTPClient(configuration: HTTPClient.Configuration(proxy: proxy.url))
    let response = try await client.send(HTTPRequest(url: "http://model.invalid/v1"))
    #expect(try await response.body.collect(upTo: 100) == Array("http://model.invalid/v1".utf8))
    let kind = await failure { () async throws(HTTPError) in
      _ = try await client.send(HTTPRequest(url: "https://model.invalid/v1"))
    }
    #expect(kind == .connect)
  }
}

/// Waits until something holds; gives up after some time.
func waitUntil(_ condition: () -> Bool) async throws {
  for _ in 0..<2500 {
    if condition() { return }
    try await Task.sleep(for: .milliseconds(10))
  }
  Issue.record("waited in vain")
}
