import Conversation
import HTTPTransport
import JSON
import Models
import TestSupport
import Testing

private let dialects = everyDialect

@Suite("Faults", .timeLimit(.minutes(1)))
struct FaultTests {
  private let good = ScriptedTurn(text: "All is well.", calls: [.tool("shell", ["command": "ls"])])

  /// Every fault that another try heals heals, without a trace in the answer.
  @Test(arguments: dialects) func faultsThatPassHeal(dialect: Provider.Dialect) async throws {
    let faults: [ScriptedFault] = [
      .status(500), .status(503), .status(529), .status(408), .status(409), .status(429),
      .status(429, headers: [("retry-after", "0")]), .status(429, headers: [("retry-after-ms", "5")]),
      .status(429, message: "Rate limit reached. Please try again in 20ms."),
      .status(418, headers: [("x-should-retry", "true")]), .close, .reset(afterBytes: 0), .reset(afterBytes: 100),
      .truncate(afterBytes: 0), .truncate(afterBytes: 300), .endEarly(afterEvents: 0), .endEarly(afterEvents: 3),
      .malformed(afterEvents: 0), .malformed(afterEvents: 3), .errorEvent(afterEvents: 2),
      .events(["{\"unheard\":1}"]), .events(["[]"]), .events(["nonsense"]), .events([]),
      .body(200, headers: [("content-type", "application/json")], Array("{\"ok".utf8)),
      .body(200, headers: [("content-type", "application/json")], Array("{}".utf8)),
      .body(502, headers: [("content-type", "text/html")], Array("<html>Bad gateway</html>".utf8)),
    ]
    for fault in faults {
      let server = try ScriptedModelServer([good.failing(fault)])
      let progress = Progress()
      let response = try await remote(server, dialect).respond(to: request()) { progress.add($0) }
      #expect(response.text == "All is well.", "\(fault)")
      #expect(response.calls.count == 1, "\(fault)")
      #expect(server.requests.count == 2, "\(fault)")
      #expect(progress.waits.count == 1, "\(fault)")
      #expect(progress.reasons.allSatisfy { $0.contains("127.0.0.1") }, "\(progress.reasons)")
      // What is sent again is the same.
      #expect(server.requests[0].received.body == server.requests[1].received.body)
    }
  }

  @Test(arguments: dialects) func aStreamCutAtAnyByteIsNeverHalfAnAnswer(dialect: Provider.Dialect) async throws {
    let turn = ScriptedTurn(text: "Hi.", calls: [.tool("shell", ["command": "rm -r build"])])
    let whole = try ScriptedModelServer([turn], deltaCharacters: 6)
    let model = remote(whole, dialect)
    let expected = try await model.respond(request())
    let length = model.work.bytesReceived
    var cuts = Array(stride(from: 0, to: length, by: length / 40))
    cuts += (max(0, length - 40)..<length)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (number, cut) in cuts.enumerated() {
        group.addTask {
          let fault: ScriptedFault = number % 8 == 0 ? .reset(afterBytes: cut) : .truncate(afterBytes: cut)
          let server = try ScriptedModelServer([turn.failing(fault)], deltaCharacters: 6)
          let response = try await remote(server, dialect).respond(request())
          #expect(response.items == expected.items, "cut at \(cut) of \(length)")
          #expect(response.stop == .toolCalls)
          // An answer that was whole before the cut is not asked for again.
          #expect((1...2).contains(server.requests.count))
        }
        if number % 8 == 7 { try await group.waitForAll() }
      }
      try await group.waitForAll()
    }
  }

  @Test(arguments: dialects) func bytesThatDripOneByOneAreUnderstood(dialect: Provider.Dialect) async throws {
    let server = try ScriptedModelServer(
      [ScriptedTurn(text: "Grüße 👋🏽", calls: [.freeform("apply_patch", "ä\n")]).failing(.drip(bytes: 1))],
      quirks: [.carriageReturns])
    let response = try await remote(server, dialect).respond(request())
    #expect(response.text == "Grüße 👋🏽")
    #expect(response.calls.map(\.arguments) == [.freeform("ä\n")])
    #expect(server.requests.count == 1)
  }

  @Test(arguments: dialects) func silenceIsGivenUpAfterItsBound(dialect: Provider.Dialect) async throws {
    for fault in [ScriptedFault.stall(afterBytes: 200, seconds: 30), .silence(seconds: 30)] {
      let server = try ScriptedModelServer([good.failing(fault)])
      let model = remote(server, dialect, timeouts: HTTPTimeouts(idle: .milliseconds(200)))
      #expect(try await model.respond(request()).text == "All is well.")
    }
    // Silence counts against the budget of waiting.
    let server = try ScriptedModelServer([good.failing(.silence(seconds: 30), times: .max)])
    let failure = await remote(
      server, dialect, retry: RetryPolicy(firstWait: 0.01, longestWait: 0.01, budget: 0.5),
      timeouts: HTTPTimeouts(idle: .milliseconds(200))
    ).failure()
    #expect(failure?.kind == .unavailable)
    // Three, or two where one was late to notice.
    #expect((2...3).contains(server.requests.count))
  }

  @Test func aPersonSeesWhatIsWaitedFor() async throws {
    for fault in [ScriptedFault.stall(afterBytes: 10, seconds: 60), .silence(seconds: 60)] {
      let server = try ScriptedModelServer([good.failing(fault)])
      let progress = Progress()
      let model = remote(server, retry: RetryPolicy(silenceNotice: 0.05))
      let task = Task { try? await model.respond(to: request()) { progress.add($0) } }
      func told() -> [String] { progress.all.compactMap { if case .status(let text) = $0 { text } else { nil } } }
      while told().isEmpty { try await Task.sleep(for: .milliseconds(10)) }
      task.cancel()
      _ = await task.value
      #expect(told().allSatisfy { $0.contains("127.0.0.1") && $0.contains("given up after 60 s without a byte") })
      #expect(server.requests.count == 1)
    }
  }

  @Test(
    arguments: [
      (.status(401), .authentication), (.status(403), .authentication), (.status(400), .invalidRequest),
      (.status(404, code: "model_not_found"), .invalidRequest), (.status(422), .invalidRequest),
      (.status(302, headers: [("location", "https://elsewhere.example/")]), .invalidRequest),
      (.status(402), .rateLimited), (.status(429, code: "insufficient_quota"), .rateLimited),
      (.status(429, type: "insufficient_quota"), .rateLimited),
      (.status(429, message: "You exceeded your current quota, please check your plan"), .rateLimited),
      (.status(429, headers: [("retry-after", "3600")]), .rateLimited),
      (.status(429, message: "Please try again in 6m0s."), .rateLimited),
      (.status(500, headers: [("x-should-retry", "false")]), .unavailable),
      (.status(400, code: "context_length_exceeded"), .contextTooLong),
      (.status(400, message: "This model's maximum context length is 8192 tokens."), .contextTooLong),
      (.status(400, type: "exceed_context_size_error"), .contextTooLong), (.status(413), .contextTooLong),
      (.status(429, message: "Request too large for gpt on tokens per min (TPM)"), .contextTooLong),
    ] as [(ScriptedFault, ModelError.Kind)])
  func faultsThatStayAreToldAtOnce(fault: ScriptedFault, kind: ModelError.Kind) async throws {
    for dialect in dialects {
      let server = try ScriptedModelServer([good.failing(fault, times: .max)])
      let failure = await remote(server, dialect).failure()
      #expect(failure?.kind == kind)
      #expect(server.requests.count == 1)
      #expect(failure?.status != nil)
      #expect(failure?.requestID == "req_scripted")
    }
  }

  @Test func errorsInsideTheStreamAreToldApart() async throws {
    func failure(_ code: String, _ message: String, _ dialect: Provider.Dialect) async throws -> (ModelError?, Int) {
      let server = try ScriptedModelServer([ScriptedTurn(ending: .failed(code: code, message: message))])
      return (await remote(server, dialect).failure(), server.requests.count)
    }
    for dialect in dialects {
      #expect(try await failure("context_length_exceeded", "too long", dialect).0?.kind == .contextTooLong)
      #expect(try await failure("invalid_prompt", "no", dialect).0?.kind == .invalidRequest)
      #expect(try await failure("insufficient_quota", "no", dialect).0?.kind == .rateLimited)
      #expect(try await failure("misalignment_policy_violation", "no", dialect).1 == 1)
      let (limited, requests) = try await failure("rate_limit_exceeded", "try again in 1ms.", dialect)
      #expect(limited?.kind == .rateLimited)
      #expect(requests == RetryPolicy().attempts)
      let (broken, tries) = try await failure("server_error", "oops", dialect)
      #expect(broken?.kind == .unavailable)
      #expect(broken?.message.contains("oops") == true)
      #expect(tries == RetryPolicy().streamAttempts)
    }
  }

  @Test func nonsenseIsAskedForOnlyOnceMore() async throws {
    for dialect in dialects {
      for fault in [
        ScriptedFault.malformed(afterEvents: 1),
        .body(200, headers: [("content-type", "text/html")], Array("<html>log in</html>".utf8)),
      ] {
        let server = try ScriptedModelServer([good.failing(fault, times: .max)])
        let failure = await remote(server, dialect).failure()
        #expect(failure?.kind == .malformedAnswer)
        #expect(server.requests.count == 2)
      }
    }
  }

  @Test func wrongTypesEverywhereAreNoCrash() async throws {
    // Events whose members have the wrong types, in every place: an answer, or a typed error.
    let values = [
      "null", "true", "0", "-1", "1e99", "\"x\"", "[]", "[[]]", "{}", "{\"a\":[{}]}", "9223372036854775807",
    ]
    let responses = [
      #"{"type":@}"#, #"{"type":"response.output_text.delta","delta":@}"#,
      #"{"type":"response.output_item.added","item":@}"#, #"{"type":"response.output_item.done","item":@}"#,
      #"{"type":"response.output_item.done","output_index":@,"item":{"type":"message","content":[{"text":"x"}]}}"#,
      #"{"type":"response.output_item.done","item":{"type":@,"call_id":@,"name":@,"arguments":@,"input":@,"content":@,"summary":@,"status":@}}"#,
      #"{"type":"response.output_item.done","item":{"type":"function_call","call_id":@,"name":@,"arguments":@}}"#,
      #"{"type":"response.output_item.done","item":{"type":"custom_tool_call","call_id":@,"name":@,"input":@}}"#,
      #"{"type":"response.completed","response":@}"#, #"{"type":"response.failed","response":@}"#,
      #"{"type":"response.completed","response":{"output":@,"usage":@,"status":@,"id":@,"model":@}}"#,
      #"{"type":"response.incomplete","response":{"incomplete_details":@,"status":"incomplete"}}"#,
      #"{"type":"error","error":@,"code":@,"message":@}"#, #"{"type":"error","error":{"message":@,"code":@}}"#,
    ]
    let anthropic = [
      #"{"type":@}"#, #"{"type":"message_start","message":@}"#,
      #"{"type":"message_start","message":{"id":@,"model":@,"usage":@}}"#,
      #"{"type":"message_start","message":{"usage":{"input_tokens":@}}}"#,
      #"{"type":"content_block_start","index":@,"content_block":{"type":"text"}}"#,
      #"{"type":"content_block_start","index":0,"content_block":@}"#,
      #"{"type":"content_block_start","index":0,"content_block":{"type":@,"text":@,"thinking":@,"signature":@,"id":@}}"#,
      #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":@}}"#,
      #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":@,"signature":@}}"#,
      #"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":@,"name":@,"input":@}}"#,
      #"{"type":"content_block_delta","index":@,"delta":{"type":"text_delta","text":"x"}}"#,
      #"{"type":"content_block_delta","index":0,"delta":@}"#,
      #"{"type":"content_block_delta","index":0,"delta":{"type":@,"text":@,"partial_json":@}}"#,
      #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":@}}"#,
      #"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":@}}"#,
      #"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":@}}"#,
      #"{"type":"content_block_stop","index":@}"#, #"{"type":"message_delta","delta":@,"usage":@}"#,
      #"{"type":"message_delta","delta":{"stop_reason":@},"usage":{"output_tokens":@}}"#,
      #"{"type":"error","error":@}"#, #"{"type":"error","error":{"type":@,"message":@}}"#, #"{"error":@}"#,
    ]
    let bedrock = [
      "messageStart\t@", "unheardOf\t@", "contentBlockStart\t@",
      #"contentBlockStart\#t{"contentBlockIndex":@,"start":@}"#,
      #"contentBlockStart\#t{"contentBlockIndex":0,"start":{"toolUse":@}}"#,
      #"contentBlockStart\#t{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":@,"name":@}}}"#,
      "contentBlockDelta\t@", #"contentBlockDelta\#t{"contentBlockIndex":@,"delta":{"text":"x"}}"#,
      #"contentBlockDelta\#t{"contentBlockIndex":0,"delta":@}"#,
      #"contentBlockDelta\#t{"contentBlockIndex":0,"delta":{"text":@}}"#,
      #"contentBlockDelta\#t{"contentBlockIndex":0,"delta":{"toolUse":@}}"#,
      #"contentBlockDelta\#t{"contentBlockIndex":0,"delta":{"toolUse":{"input":@}}}"#,
      #"contentBlockDelta\#t{"contentBlockIndex":0,"delta":{"reasoningContent":@}}"#,
      #"contentBlockDelta\#t{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":@,"signature":@}}}"#,
      #"contentBlockDelta\#t{"contentBlockIndex":0,"delta":{"reasoningContent":{"redactedContent":@}}}"#,
      "contentBlockStop\t@", #"contentBlockStop\#t{"contentBlockIndex":@}"#, "messageStop\t@",
      #"messageStop\#t{"stopReason":@}"#, "metadata\t@", #"metadata\#t{"usage":@}"#,
      #"metadata\#t{"usage":{"inputTokens":@}}"#,
    ]
    let chat = [
      "@", #"{"choices":@}"#, #"{"choices":[@]}"#, #"{"choices":[{"delta":@,"finish_reason":@,"index":@}]}"#,
      #"{"choices":[{"delta":{"content":@,"refusal":@,"reasoning_content":@,"tool_calls":@},"finish_reason":"stop"}]}"#,
      #"{"choices":[{"delta":{"tool_calls":[@]},"finish_reason":"stop"}]}"#,
      #"{"choices":[{"delta":{"tool_calls":[{"index":@,"id":@,"function":@}]},"finish_reason":"stop"}]}"#,
      #"{"choices":[{"delta":{"tool_calls":[{"function":{"name":@,"arguments":@}}]},"finish_reason":"stop"}]}"#,
      #"{"usage":@,"choices":[],"id":@,"model":@}"#, #"{"usage":{"prompt_tokens":@,"prompt_tokens_details":@}}"#,
      #"{"error":@}"#, #"{"error":{"message":@,"code":@,"type":@,"param":@,"status":@}}"#, #"{"object":@}"#,
    ]
    for (dialect, shapes) in [
      (Provider.Dialect.openAIResponses, responses), (.openAIChat, chat), (.anthropic, anthropic), (.bedrock, bedrock),
    ] {
      let events = shapes.flatMap { shape in values.map { shape.replacing("@", with: $0) } }
      let end =
        switch dialect {
        case .openAIChat: "[DONE]"
        case .anthropic: #"{"type":"message_stop"}"#
        case .bedrock: #"messageStop\#t{"stopReason":"end_turn"}"#
        default: #"{"type":"response.completed","response":{"status":"completed","output":[]}}"#
        }
      let server = try ScriptedModelServer { request in
        let number = Int(request.userTexts.first ?? "") ?? 0
        return (number, ScriptedTurn(fault: .events([events[number], end]), faultTimes: .max))
      }
      let model = remote(server, dialect, retry: .never)
      for number in events.indices {
        do {
          _ = try await model.respond(request([.user(text: String(number), structured: nil)]))
        } catch {
          #expect(error.kind != .cancelled, "\(events[number])")
        }
      }
    }
  }

  @Test(arguments: [Provider.Dialect.openAIResponses, .openAIChat, .anthropic])
  func aLineWithoutEndIsBoundedInMemory(dialect: Provider.Dialect) async throws {
    let megabyte = [UInt8](repeating: 0x61, count: 1 << 20)
    let server = try LoopbackServer { _, connection in
      try connection.sendHead(200, [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")])
      try connection.sendChunk(Array("data: ".utf8))
      for _ in 0..<100 { try connection.sendChunk(megabyte) }
      try connection.endChunks()
    }
    let provider = Provider(name: "test", dialect: dialect, baseURL: server.url)
    let model = RemoteModel(
      provider: provider, model: "m", transport: HTTPClient(configuration: .init(proxy: "")), retry: .never,
      userAgent: "u")
    #expect(await model.failure()?.kind == .malformedAnswer)
  }

  @Test func aServerThatIsNotThereIsToldSoon() async throws {
    let server = try ScriptedModelServer([good])
    let model = remote(server)
    server.stop()
    let failure = await model.failure()
    #expect(failure?.kind == .unavailable)
    #expect(failure?.message.contains("after 5 attempts") == true)
  }

  @Test(arguments: dialects) func cancellingEndsWaitingAndReading(dialect: Provider.Dialect) async throws {
    for fault in [
      ScriptedFault.silence(seconds: 30), .stall(afterBytes: 100, seconds: 30),
      .status(429, headers: [("retry-after", "15")]),
    ] {
      let server = try ScriptedModelServer([good.failing(fault, times: .max)])
      let model = remote(server, dialect)
      let task = Task { await model.failure() }
      while server.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
      try await Task.sleep(for: .milliseconds(20))
      task.cancel()
      #expect(await task.value?.kind == .cancelled)
    }
  }

  @Test func noKeyIsEverInAnError() async throws {
    let key = "sk-proj-abcdef0123456789"
    let server = try ScriptedModelServer([
      good.failing(.status(500, message: "failed for key \(key)")),
      good.failing(.status(401, message: "Incorrect API key provided: \(key).\u{1b}[31m")),
    ])
    for _ in 0..<2 {
      let refused = try ScriptedModelServer([
        good.failing(.status(401, message: "Incorrect API key provided: \(key).\u{1b}[31m"))
      ])
      let failure = await remote(refused, key: key).failure()
      #expect(failure?.kind == .authentication)
      #expect(failure?.message.contains(key) == false)
      #expect(failure?.message.contains("(secret)") == true)
      #expect(failure?.message.contains("\u{1b}") == false)
    }
    let progress = Progress()
    _ = try await remote(server, key: key).respond(to: request()) { progress.add($0) }
    #expect(progress.reasons.count == 1)
    #expect(!"\(progress.reasons)".contains(key))
  }

  @Test func waitsGrowAreCappedAndBudgeted() async throws {
    let server = try ScriptedModelServer([good.failing(.status(503), times: .max)])
    let progress = Progress()
    let policy = RetryPolicy(firstWait: 0.01, longestWait: 0.04, jitter: 0.25, budget: 0.25, attempts: 100)
    let model = remote(server, retry: policy)
    await #expect(throws: ModelError.self) { try await model.respond(to: request()) { progress.add($0) } }
    for (number, wait) in progress.waits.enumerated() {
      let full = min(0.01 * Double(1 << number), 0.04)
      #expect(wait <= full)
      #expect(wait >= full * 0.75)
    }
    #expect(progress.waits.reduce(0, +) <= 0.25)
    #expect(progress.waits.count > 5)
    // The server's own wish goes before.
    let asking = try ScriptedModelServer([good.failing(.status(503, headers: [("retry-after", "0.07")]), times: 2)])
    let asked = Progress()
    _ = try await remote(asking, retry: policy).respond(to: request()) { asked.add($0) }
    #expect(asked.waits == [0.07, 0.07])
  }
}
