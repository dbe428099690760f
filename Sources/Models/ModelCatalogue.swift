public import Conversation
public import HTTPTransport
import JSON
import Synchronization

/// Finds out what a provider offers, and what its models can do. Nothing here is known beforehand: it is asked, or tried.
public struct ModelCatalogue: Sendable {
  private let provider: Provider
  private let transport: HTTPClient
  private let userAgent: String
  private static let timeouts = HTTPTimeouts(connect: .seconds(10), idle: .seconds(30), total: .seconds(60))
  private static let mostBytes = 32 << 20
  private static let mostPages = 50

  /// A provider's catalogue.
  public init(provider: Provider, transport: HTTPClient, userAgent: String) {
    self.provider = provider
    self.transport = transport
    self.userAgent = userAgent
  }

  /// The models that the provider lists, sorted by name.
  /// - Throws: ``ModelError``.
  public func list() async throws(ModelError) -> [ModelListing] {
    var found: [String: ModelListing] = [:]
    for entry in try await entries() {
      guard var model = ModelListing(entry: entry) else { continue }
      if let before = found[model.id] { model.complete(from: before) }
      found[model.id] = model
    }
    return found.values.sorted { $0.id < $1.id }
  }

  private func entries() async throws(ModelError) -> [JSONValue] {
    if let base = provider.catalogueURL {
      // Bedrock: the models of the region, and the profiles through which some of them are reached.
      let models = try await get(base + "/foundation-models")
      let profiles = try? await get(base + "/inference-profiles?maxResults=1000")
      return (models["modelSummaries"]?.array ?? []) + (profiles?["inferenceProfileSummaries"]?.array ?? [])
    }
    var base = provider
    // Azure's older routes have a deployment in them, its list has not.
    base.baseURL = base.baseURL.replacing("/deployments/{model}", with: "")
    let url = base.url("/models", model: "")
    guard provider.dialect == .anthropic else {
      let answer = try await get(url)
      guard let list = answer["data"]?.array ?? answer["models"]?.array ?? answer.array else {
        throw ModelError(kind: .malformedAnswer, message: "\(provider.endpoint) answered no list of models")
      }
      return list
    }
    var all: [JSONValue] = []
    var after = ""
    for _ in 0..<Self.mostPages {
      let page = try await get(url + (url.contains("?") ? "&" : "?") + "limit=1000" + after)
      guard let data = page["data"]?.array else {
        throw ModelError(kind: .malformedAnswer, message: "\(provider.endpoint) answered no list of models")
      }
      all += data
      guard page["has_more"]?.bool == true, let last = page["last_id"]?.string else { break }
      after = "&after_id=" + HTTPRequest.percentEncoded(last)
    }
    return all
  }

  /// Tries a model: one short request that asks for two calls of a tool. Costs what that costs.
  /// - Throws: ``ModelError``.
  public func probe(
    _ name: String, observe: @escaping @Sendable (ModelProgress) -> Void = { _ in }
  ) async throws(ModelError) -> ModelProbe {
    let remote = RemoteModel(provider: provider, model: name, transport: transport, userAgent: userAgent)
    let pieces = Mutex(0)
    let tool = ToolDefinition(
      name: "look_up", description: "Looks up the value of a key.",
      input: .schema([
        "type": "object", "properties": ["key": ["type": "string"]], "required": ["key"],
        "additionalProperties": false,
      ]))
    let request = ModelRequest(
      system: "You answer by calling tools.", tools: [tool],
      items: [
        .user(
          text: "Call look_up twice in one answer: once with the key \"alpha\", once with the key \"beta\".",
          structured: nil)
      ], maxOutputTokens: 2048)
    let answer = try await remote.respond(to: request) { progress in
      switch progress {
      case .text, .reasoning, .toolCall: pieces.withLock { $0 += 1 }
      default: break
      }
      observe(progress)
    }
    let features = remote.features
    let calls = answer.items.filter(\.isToolCall).count
    var listing = ModelListing(id: name)
    if let known = try? await list().first(where: { $0.id == name }) { listing.complete(from: known) }
    if listing.contextWindow == nil, let told = await details(of: name) { listing.complete(from: told) }
    return ModelProbe(
      listing: listing, tools: calls == 0 ? .none : features.textTools ? .text : .native, callsInParallel: calls > 1,
      streams: features.streams && pieces.withLock { $0 } > 0,
      reasons: answer.items.contains { if case .reasoning = $0 { true } else { false } },
      countsTokens: !answer.usage.isEstimated, dialect: remote.dialectName, input: answer.usage.input,
      output: answer.usage.output)
  }

  /// What servers tell of a model in places of their own: Ollama, llama.cpp, LM Studio, LiteLLM. They are asked only where
  /// the list says nothing; other servers answer 404.
  private func details(of name: String) async -> ModelListing? {
    guard provider.dialect == .openAI || provider.dialect == .openAIChat, provider.signing == nil else { return nil }
    let origin = HTTPRequest.origin(of: provider.baseURL)
    let body = JSONValue.object(["model": .string(name)]).serialized
    if let shown = try? await get(origin + "/api/show", post: body), let info = shown["model_info"]?.object {
      var model = ModelListing(id: name)
      model.contextWindow = info.members.first { $0.name.hasSuffix(".context_length") }?.value.int
      if let abilities = shown["capabilities"]?.array?.compactMap(\.string) {
        model.takesTools = abilities.contains("tools")
        model.takesImages = abilities.contains("vision")
      }
      return model
    }
    if let properties = try? await get(origin + "/props"),
      let window = properties["default_generation_settings"]?["n_ctx"]?.int
    {
      return ModelListing(id: name, contextWindow: window)
    }
    for path in ["/api/v0/models", "/model/info"] {
      let entries = try? await get(origin + path)["data"]?.array
      if let model = entries?.lazy.compactMap(ModelListing.init(entry:)).first(where: { $0.id == name }) {
        return model
      }
    }
    return nil
  }

  private func get(_ url: String, post body: [UInt8]? = nil) async throws(ModelError) -> JSONValue {
    var redactor = provider.redactor
    do throws(AttemptFailure) {
      var headers = provider.requestHeaders(userAgent: userAgent, key: provider.apiKey)
      headers["Accept"] = "application/json"
      var request = HTTPRequest(
        method: body == nil ? "GET" : "POST", url: url, headers: headers, body: body.map { [$0] } ?? [],
        timeouts: Self.timeouts)
      if let signing = provider.signing {
        let signing = provider.catalogueURL == nil ? signing : try signing.moved(to: url)
        redactor.add(try await signing.sign(&request).secrets)
      }
      return try await read(request)
    } catch {
      throw ModelError(
        kind: error.kind, message: redactor.redact(error.message), status: error.status, requestID: error.requestID)
    }
  }

  private func read(_ request: HTTPRequest) async throws(AttemptFailure) -> JSONValue {
    let status: Int
    let headers: HTTPHeaders
    let bytes: [UInt8]
    do throws(HTTPError) {
      let response = try await transport.send(request)
      (status, headers) = (response.status, response.headers)
      bytes = try await response.body.collect(upTo: Self.mostBytes)
    } catch {
      throw AttemptFailure(error, timeouts: Self.timeouts)
    }
    guard (200..<300).contains(status) else {
      throw AttemptFailure(status: status, headers: headers, body: bytes, endpoint: provider.endpoint)
    }
    guard let json = try? JSONValue(parsing: bytes) else {
      throw .malformed(provider.endpoint, "a list that is not JSON")
    }
    return json
  }
}
