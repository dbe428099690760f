import Conversation
import HTTPTransport
import JSON

/// What a model did so far, in counts that do not depend on the machine.
public struct ModelWork: Sendable, Hashable {
  /// Requests sent, repetitions included.
  public var requests = 0
  /// Items that had to be serialised.
  public var itemsEncoded = 0
  /// Bytes that had to be serialised, the fixed part aside.
  public var bytesEncoded = 0
  /// Bytes of all request bodies.
  public var bytesSent = 0
  /// Bytes of all answers' bodies.
  public var bytesReceived = 0
  /// Bytes that reading the answers looked at or put together.
  public var answerSteps = 0
}

/// One request, ready to be sent.
struct RequestPlan: Sendable {
  let dialect: any WireDialect
  let route: Provider.Dialect
  let url: String
  let body: [[UInt8]]
  let features: Features
  let freeformArguments: [String: String]
  let hasImages: Bool
  private let knownIDs: Set<String>

  init(
    dialect: any WireDialect, route: Provider.Dialect, url: String, body: [[UInt8]],
    conversation: EncodedConversation
  ) {
    self.dialect = dialect
    self.route = route
    self.url = url
    self.body = body
    features = conversation.fixed.features
    freeformArguments = conversation.fixed.freeformArguments
    knownIDs = conversation.callIDs
    hasImages = conversation.hasImages
  }

  /// Gives every call an id of its own: some servers leave ids out, repeat them, or begin anew with each answer.
  func makeIDsUnique(_ response: inout ModelResponse, itemCount: Int) {
    var seen: Set<String> = []
    for index in response.items.indices {
      guard case .toolCall(var call) = response.items[index] else { continue }
      let wanted = call.id.isEmpty ? "call_\(itemCount)_\(index)" : call.id
      var id = wanted
      var number = 2
      while knownIDs.contains(id) || seen.contains(id) {
        id = "\(wanted)-\(number)"
        number += 1
      }
      seen.insert(id)
      guard id != call.id else { continue }
      call.id = id
      response.items[index] = .toolCall(call)
    }
  }
}

/// What a model learned about its server, and the conversations that it has serialised.
struct Session: Sendable {
  private let provider: Provider
  private let model: String
  private var route: Provider.Dialect
  /// False while it is not known whether the server has the route.
  private var isRouteCertain: Bool
  private(set) var features = Features()
  var dialectName: String { wire(route).name }
  private var hasChangedLimitName = false
  private var conversations: [EncodedConversation] = []
  var work = ModelWork()

  /// A run has its own conversation; a second look or a compaction has another. More are not kept.
  private static let keptConversations = 3

  init(provider: Provider, model: String) {
    self.provider = provider
    self.model = model
    route = provider.dialect == .openAI ? .openAIResponses : provider.dialect
    isRouteCertain = provider.dialect != .openAI
    features.freeformTools = provider.takesFreeformTools
    features.streams = provider.streams
    features.textTools = provider.describesToolsInText
    if provider.dialect == .bedrock {
      features.cacheMarks = BedrockDialect.takesExtras(model)
      features.resultStatus = features.cacheMarks
    }
    features.limitName = provider.isOpenAIItself ? "max_completion_tokens" : "max_tokens"
  }

  private func wire(_ route: Provider.Dialect) -> any WireDialect {
    switch route {
    case .openAIChat: ChatDialect()
    case .openAIResponses, .openAI: ResponsesDialect()
    case .anthropic: AnthropicDialect()
    case .bedrock: BedrockDialect()
    }
  }

  /// Serialises what is new in a request.
  mutating func plan(for request: ModelRequest) -> RequestPlan {
    let dialect = wire(route)
    let fixed = FixedPart(request, features: features)
    var best: (index: Int, shared: Int)?
    for index in conversations.indices where conversations[index].fixed == fixed {
      let shared = conversations[index].sharedCount(with: request.items)
      if shared > best?.shared ?? 0 { best = (index, shared) }
    }
    work.requests += 1
    var conversation: EncodedConversation
    if let best {
      conversation = conversations.remove(at: best.index)
    } else {
      conversation = EncodedConversation(fixed: fixed, dialect: dialect, provider: provider, model: model)
    }
    let new = conversation.update(to: request.items, shared: best?.shared ?? 0, dialect: dialect)
    work.itemsEncoded += new.items
    work.bytesEncoded += new.bytes
    let body = conversation.body(tail: dialect.tail, mark: dialect.cacheMark(features))
    work.bytesSent += body.reduce(0) { $0 + $1.count }
    conversations.append(conversation)
    if conversations.count > Self.keptConversations { conversations.removeFirst() }
    return RequestPlan(
      dialect: dialect, route: route, url: provider.url(dialect.route(model: model, features: features), model: model),
      body: body, conversation: conversation)
  }

  /// The server answered: its route exists.
  mutating func succeeded(_ plan: RequestPlan) { if plan.route == route { isRouteCertain = true } }

  /// Asks for answers in one piece from now on. False when that is done already.
  mutating func stopStreaming(_ plan: RequestPlan) -> Bool {
    guard plan.features.streams, plan.route == route else { return false }
    features.streams = false
    return true
  }

  /// Learns from a refusal. True when the request, written another way, is worth sending at once.
  mutating func adapt(_ plan: RequestPlan, to failure: AttemptFailure) -> Bool {
    guard let status = failure.status else { return false }
    if !isRouteCertain, plan.route == route, [404, 405, 501].contains(status) {
      if route == .openAIResponses {
        route = .openAIChat
        conversations = []
        return true
      }
      // Neither route: something else is wrong, such as the base URL or the model's name.
      route = .openAIResponses
      conversations = []
      return false
    }
    // Some servers call what they cannot do an error of their own.
    let isRefusal =
      (status == 400 || status == 422) && failure.kind == .invalidRequest
      || status == 500 && Self.knowsNoTools(failure.message.lowercased()) && !features.textTools
      || status == 500 && Self.refusesNull(failure.message.lowercased()) && features.nullContent
    guard isRefusal else { return false }
    // Another request may have learned it meanwhile.
    guard plan.features == features else { return true }
    let before = features
    learn(from: failure, plansImages: plan.hasImages)
    return features != before
  }

  /// A server that does not know an optional member says so by its name; the member is then left out.
  private mutating func learn(from failure: AttemptFailure, plansImages: Bool) {
    let message = failure.message.lowercased()
    if failure.code == "invalid_encrypted_content" || message.contains("encrypted content could not be") {
      features.replaysReasoning = false
      return
    }
    if message.contains("signature"), message.contains("thinking") {
      features.replaysReasoning = false
      return
    }
    // "max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for …"
    if message.contains("max_tokens"), message.contains("maximum allowed"), let limit = Self.limit(in: message) {
      features.outputLimit = limit
      return
    }
    if message.contains("encrypted content is not supported") {
      features.dropped.insert("include")
      return
    }
    if route == .openAIChat, !features.textTools, Self.knowsNoTools(message) {
      features.textTools = true
      return
    }
    if route == .openAIChat, features.nullContent, Self.refusesNull(message) {
      features.nullContent = false
      return
    }
    if route == .openAIChat, features.systemRole, message.contains("system role not supported") {
      features.systemRole = false
      return
    }
    let complains = [
      "doesn't support", "does not support", "unsupported", "not supported", "unknown", "unrecognized", "unexpected",
      "not permitted", "extra", "invalid content type", "only supported by",
    ]
    guard
      complains.contains(where: message.contains) || failure.code == "unsupported_parameter"
        || failure.code == "unsupported_value"
    else { return }
    func names(_ member: String) -> Bool {
      failure.parameter.map { $0 == member || $0.hasPrefix(member + ".") || $0.hasPrefix(member + "[") }
        ?? message.contains(member)
    }
    if features.freeformTools, names("tools"), message.contains("custom") {
      features.freeformTools = false
      return
    }
    // "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead." The parameter's own name
    // decides where it is given; once is enough.
    if !hasChangedLimitName, names(features.limitName) {
      features.limitName = features.limitName == "max_tokens" ? "max_completion_tokens" : "max_tokens"
      hasChangedLimitName = true
      return
    }
    if features.images, plansImages, message.contains("image") {
      features.images = false
      return
    }
    if features.cacheMarks,
      message.contains("cache_control") || message.contains("cachepoint")
        || message.contains("prompt caching")
    {
      features.cacheMarks = false
      return
    }
    if features.resultStatus, message.contains("toolresult"), message.contains("status") {
      features.resultStatus = false
      return
    }
    if features.streams, names("stream"), !message.contains("stream_options") {
      features.streams = false
      return
    }
    for member in ["parallel_tool_calls", "prompt_cache_key", "stream_options", "include", "store", "tool_choice"]
    where names(member) && !features.dropped.contains(member) {
      features.dropped.insert(member)
      return
    }
  }

  /// How Ollama, vLLM and llama.cpp say that a model, or the server as it was started, knows no tools.
  private static func knowsNoTools(_ message: String) -> Bool {
    ["does not support tools", "--enable-auto-tool-choice", "tools param requires --jinja"].contains {
      message.contains($0)
    }
  }

  /// How servers in Python say that a message's content has to be a text.
  private static func refusesNull(_ message: String) -> Bool {
    message.contains("content")
      && ["should be a valid string", "must be a string", "none is not an allowed value"].contains {
        message.contains($0)
      }
  }

  /// The number behind the `>` of a refusal.
  private static func limit(in message: String) -> Int? {
    guard let sign = message.firstIndex(of: ">") else { return nil }
    let digits = message[message.index(after: sign)...].drop { $0 == " " }.prefix { $0.isASCII && $0.isNumber }
    return Int(digits).flatMap { $0 > 0 ? $0 : nil }
  }
}
