public import JSON
import Synchronization

/// The wire dialects that the scripted server speaks.
public enum ScriptedDialect: Sendable, Hashable {
  /// `POST /v1/responses`.
  case responses
  /// `POST /v1/chat/completions`.
  case chat
  /// `POST /v1/messages`.
  case anthropic
  /// `POST /model/{id}/converse` and `/converse-stream`.
  case bedrock
}

/// One request for an answer, read enough for assertions.
public struct ScriptedRequest: Sendable {
  /// How it was asked.
  public var dialect: ScriptedDialect
  /// Headers and raw body.
  public var received: ReceivedRequest
  /// The body.
  public var body: JSONValue
  /// The outputs of tools in it, in order.
  public var toolResults: [(callID: String, output: String)]
  /// The names of the tools it offers.
  public var toolNames: [String]
  /// The texts that came from the user's side, in order.
  public var userTexts: [String]
  /// The system text.
  public var system: String
  /// Which turn it asks for; see ``ScriptedModelServer``.
  public var position: Int
}

/// A model server on loopback that plays scripted turns over the real wire formats.
///
/// Which turn it answers depends only on the request: the turns are laid end to end, one place for each tool call and
/// one for a turn without calls; a request's position is the number of tool results in it plus the number of assistant
/// texts that a user's text follows. So retries and resumed runs get the same answer. Past the end, the last turn is
/// repeated. Faults alone count requests.
///
/// ```swift
/// let server = try ScriptedModelServer([
///   .call("shell", ["command": "make test"]),
///   .freeform("apply_patch", "*** Begin Patch…"),
///   .say("Done."),
/// ])
/// // OPENAI_BASE_URL=server.baseURL OPENAI_API_KEY=any
/// ```
public final class ScriptedModelServer: Sendable {
  private let server: LoopbackServer
  private let script: Script

  /// What `OPENAI_BASE_URL` should be, such as `http://127.0.0.1:40001/v1`.
  public var baseURL: String { server.url + "/v1" }
  /// The address without any path, as Anthropic's and Bedrock's base URLs are.
  public var origin: String { server.url }
  /// The port.
  public var port: Int { server.port }
  /// Every request that asked for an answer, in order of arrival, refused ones included.
  public var requests: [ScriptedRequest] { script.requests.withLock { $0 } }
  /// Every request of any kind, in order of arrival.
  public var received: [ReceivedRequest] { server.requests }
  /// How many connections were accepted so far.
  public var connectionCount: Int { server.connectionCount }
  /// How many connections are open now.
  public var openConnectionCount: Int { server.openConnectionCount }

  /// Starts a server that plays these turns.
  /// - Parameters:
  ///   - dialects: the routes that exist; others answer 404.
  ///   - quirks: what it does differently from OpenAI.
  ///   - requiredKey: the bearer key without which it answers 401; nil lets everyone in.
  ///   - deltaCharacters: the length of each streamed piece.
  public convenience init(
    _ turns: [ScriptedTurn], dialects: Set<ScriptedDialect> = [.responses, .chat, .anthropic, .bedrock],
    quirks: Set<ScriptedQuirk> = [],
    requiredKey: String? = nil, deltaCharacters: Int = 24
  ) throws {
    let places = turns.indices.flatMap { Array(repeating: $0, count: max(1, turns[$0].calls.count)) }
    try self.init(
      dialects: dialects, quirks: quirks, requiredKey: requiredKey, deltaCharacters: deltaCharacters
    ) { request in
      guard let last = places.last else { return (0, .say("")) }
      let index = request.position < places.count ? places[request.position] : last
      return (index, turns[index])
    }
  }

  /// Starts a server whose turns are computed from the request. The number returned with a turn names it: faults and
  /// call ids are counted by it.
  public init(
    dialects: Set<ScriptedDialect> = [.responses, .chat, .anthropic, .bedrock],
    quirks: Set<ScriptedQuirk> = [], requiredKey: String? = nil,
    deltaCharacters: Int = 24, choose: @escaping @Sendable (ScriptedRequest) -> (Int, ScriptedTurn)
  ) throws {
    let script = Script(
      dialects: dialects, quirks: quirks, requiredKey: requiredKey, deltaCharacters: deltaCharacters, choose: choose)
    self.script = script
    server = try LoopbackServer { request, connection in try script.answer(request, on: connection) }
  }

  /// Closes the port and every connection; happens by itself when the server is released.
  public func stop() { server.stop() }
}

/// What a scripted server knows, shared by its connections' threads.
private final class Script: Sendable {
  let dialects: Set<ScriptedDialect>
  let quirks: Set<ScriptedQuirk>
  let requiredKey: String?
  let deltaCharacters: Int
  let choose: @Sendable (ScriptedRequest) -> (Int, ScriptedTurn)
  let requests = Mutex<[ScriptedRequest]>([])
  /// How often each turn was asked for.
  let servings = Mutex<[Int: Int]>([:])

  init(
    dialects: Set<ScriptedDialect>, quirks: Set<ScriptedQuirk>, requiredKey: String?, deltaCharacters: Int,
    choose: @escaping @Sendable (ScriptedRequest) -> (Int, ScriptedTurn)
  ) {
    self.dialects = dialects
    self.quirks = quirks
    self.requiredKey = requiredKey
    self.deltaCharacters = deltaCharacters
    self.choose = choose
  }

  func answer(_ received: ReceivedRequest, on connection: LoopbackConnection) throws {
    let path = received.target.split(separator: "?").first.map(String.init) ?? ""
    let routes: [(String, ScriptedDialect)] = [
      ("/responses", .responses), ("/chat/completions", .chat), ("/messages", .anthropic), ("/converse", .bedrock),
      ("/converse-stream", .bedrock),
    ]
    let dialect = routes.first { path.hasSuffix($0.0) }?.1
    if received.method == "GET", path.hasSuffix("/models") {
      let list: JSONValue = ["object": "list", "data": [["id": "scripted-model", "object": "model"]]]
      return try connection.reply(200, [("content-type", "application/json")], body: list.serialized)
    }
    guard let dialect, dialects.contains(dialect) else {
      return try refuse(404, code: nil, type: "invalid_request_error", "no such route: \(path)", on: connection)
    }
    guard received.method == "POST" else {
      return try refuse(405, code: nil, type: "invalid_request_error", "POST only", on: connection)
    }
    guard let body = received.json else {
      return try refuse(400, code: nil, type: "invalid_request_error", "the body is not JSON", on: connection)
    }
    let request = ScriptedRequest(dialect: dialect, received: received, body: body)
    requests.withLock { $0.append(request) }
    let key = received.header("x-api-key") ?? received.header("authorization").map { String($0.dropFirst(7)) }
    if let requiredKey, key != requiredKey {
      return try refuse(
        401, code: "invalid_api_key", type: dialect == .anthropic ? "authentication_error" : "invalid_request_error",
        "Incorrect API key provided.", dialect, on: connection)
    }
    let (index, turn) = choose(request)
    let serving = servings.withLock { servings in
      servings[index, default: 0] += 1
      return servings[index, default: 1]
    }
    let fault = serving <= turn.faultTimes ? turn.fault : nil
    let answer = ScriptedAnswer(
      turn: turn, index: index, request: request, quirks: quirks, deltaCharacters: deltaCharacters)
    try send(answer, fault: fault, on: connection)
  }

  private func refuse(
    _ status: Int, headers: [(String, String)] = [], code: String?, type: String, _ message: String,
    _ dialect: ScriptedDialect = .responses, on connection: LoopbackConnection
  ) throws {
    var headers = [("content-type", "application/json")] + headers
    let body: JSONValue
    switch dialect {
    case .responses, .chat:
      body = ["error": ["message": .string(message), "type": .string(type), "param": nil, "code": JSONValue(code)]]
      headers.append(("x-request-id", "req_scripted"))
    case .anthropic:
      body = [
        "type": "error", "error": ["type": .string(code ?? type), "message": .string(message)],
        "request_id": "req_scripted",
      ]
    case .bedrock:
      body = ["message": .string(message)]
      headers += [("x-amzn-errortype", code ?? Self.exception(status)), ("x-amzn-requestid", "req_scripted")]
    }
    try connection.reply(status, headers, body: body.serialized)
  }

  private static func exception(_ status: Int) -> String {
    switch status {
    case 400, 422: "ValidationException"
    case 401, 403: "AccessDeniedException"
    case 404: "ResourceNotFoundException"
    case 408: "ModelTimeoutException"
    case 429: "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/"
    case 503: "ServiceUnavailableException"
    default: "InternalServerException"
    }
  }

  private func send(_ answer: ScriptedAnswer, fault: ScriptedFault?, on connection: LoopbackConnection) throws {
    switch fault {
    case .status(let status, let headers, let code, let type, let message):
      let kind = type ?? (status == 429 ? "requests" : status >= 500 ? "server_error" : "invalid_request_error")
      return try refuse(
        status, headers: headers, code: answer.request.dialect == .bedrock ? code ?? type : code, type: kind, message,
        answer.request.dialect, on: connection)
    case .body(let status, let headers, let body):
      return try connection.reply(status, headers, body: body)
    case .close:
      return connection.close()
    case .silence(let seconds):
      try connection.stall(seconds: seconds)
    default:
      break
    }
    let isBedrock = answer.request.dialect == .bedrock
    let streams =
      isBedrock
      ? answer.request.received.target.hasSuffix("-stream") : answer.request.body["stream"]?.bool ?? false
    guard streams else {
      return try connection.reply(
        200, [("content-type", "application/json"), ("x-request-id", "req_scripted")], body: answer.whole.serialized)
    }
    try connection.sendHead(
      200,
      [
        ("content-type", isBedrock ? "application/vnd.amazon.eventstream" : "text/event-stream; charset=utf-8"),
        ("transfer-encoding", "chunked"),
        ("x-request-id", "req_scripted"),
      ])
    try stream(answer.events(fault: fault), fault: fault, on: connection)
  }

  private func stream(_ events: [[UInt8]], fault: ScriptedFault?, on connection: LoopbackConnection) throws {
    let all = Array(events.joined())
    switch fault {
    case .reset(let count):
      if count > 0 { try connection.sendChunk(all.prefix(count)) }
      // What was sent must have been read before the reset drops it.
      try connection.stall(seconds: 0.05)
      connection.reset()
    case .truncate(let count):
      try connection.send("ffffff\r\n")
      try connection.send(all.prefix(count))
      connection.close()
    case .stall(let count, let seconds):
      if count > 0 { try connection.sendChunk(all.prefix(count)) }
      try connection.stall(seconds: seconds)
      if count < all.count { try connection.sendChunk(all.dropFirst(count)) }
      try connection.endChunks()
    case .drip(let size, let pause):
      var rest = all[...]
      while !rest.isEmpty {
        try connection.sendChunk(rest.prefix(size))
        rest = rest.dropFirst(size)
        if pause > 0 { try connection.stall(seconds: Double(pause) / 1e6) }
      }
      try connection.endChunks()
    default:
      var out: [UInt8] = []
      out.reserveCapacity(all.count + events.count * 8)
      for event in events {
        out += Array("\(String(event.count, radix: 16))\r\n".utf8)
        out += event
        out += [0x0d, 0x0a]
      }
      try connection.send(out + Array("0\r\n\r\n".utf8))
    }
  }
}
