public import HTTPTransport
public import JSON

/// A place that answers requests for models, as the user configured it.
public struct Provider: Sendable, CustomStringConvertible {
  /// The name in the configuration and in `--model NAME/MODEL`.
  public var name: String
  /// The wire format that it speaks.
  public var dialect: Dialect
  /// Where its routes begin, such as `https://api.openai.com/v1`. A query, such as Azure's `?api-version=…`, is kept
  /// behind the route; `{model}` in the path, as in Azure's deployments, stands for the model's name.
  public var baseURL: String
  /// The key, when it wants one.
  public var apiKey: Secret?
  /// The header that carries the key.
  public var keyHeader: KeyHeader
  /// How requests are signed where no key is sent; nil for providers that want none.
  public var signing: AWSSigning?
  /// More headers for every request; they may hold secrets and are never printed.
  public var headers: HTTPHeaders
  /// More members for every request body, such as `{"reasoning": {"effort": "high"}}`. They replace members of the same
  /// name; null leaves a member out.
  public var parameters: JSONObject
  /// True when it takes free-form (custom) tools on Responses; otherwise they are offered as functions of one string.
  public var takesFreeformTools: Bool
  /// Where the list of models is, when it is not below the base URL.
  var catalogueURL: String?
  /// True for models that know no tools, on Chat Completions: the tools are described in the system text and called in the
  /// answer's text. A server that says it knows none is believed without this.
  public var describesToolsInText = false
  /// False to ask for answers in one piece, from servers or gateways that do not stream.
  public var streams = true
  /// How long to wait for what. Where answers come in one piece the provider is silent until the whole is made: ten
  /// minutes are the least that is then waited.
  public var timeouts: HTTPTimeouts

  /// The wire formats.
  public enum Dialect: String, Sendable, Hashable, CaseIterable {
    /// OpenAI Responses.
    case openAIResponses = "openai-responses"
    /// OpenAI Chat Completions.
    case openAIChat = "openai-chat"
    /// Responses, or Chat Completions where the server has no such route.
    case openAI = "openai"
    /// Anthropic Messages.
    case anthropic = "anthropic-messages"
    /// Amazon Bedrock Converse.
    case bedrock = "bedrock-converse"
  }

  /// How a key travels.
  public enum KeyHeader: Sendable, Hashable {
    /// `Authorization: Bearer KEY`.
    case bearer
    /// The key alone under this name, such as Azure's `api-key`.
    case named(String)
  }

  /// A provider.
  /// - Parameters:
  ///   - keyHeader: nil means the dialect's own: `x-api-key` for Anthropic, bearer for the others.
  ///   - takesFreeformTools: nil means: yes where OpenAI itself answers, no elsewhere.
  public init(
    name: String, dialect: Dialect, baseURL: String, apiKey: Secret? = nil, keyHeader: KeyHeader? = nil,
    headers: HTTPHeaders = [:], parameters: JSONObject = [:], takesFreeformTools: Bool? = nil,
    timeouts: HTTPTimeouts = HTTPTimeouts()
  ) {
    self.name = name
    self.dialect = dialect
    self.baseURL = baseURL
    self.apiKey = apiKey
    self.keyHeader = keyHeader ?? (dialect == .anthropic ? .named("x-api-key") : .bearer)
    self.headers = headers
    self.parameters = parameters
    self.timeouts = timeouts
    self.takesFreeformTools = false
    self.takesFreeformTools = takesFreeformTools ?? isOpenAIItself
  }

  /// Host and port of the base URL.
  public var endpoint: String {
    let origin = HTTPRequest.origin(of: baseURL)
    guard let slashes = origin.firstRange(of: "://") else { return origin }
    return String(origin[slashes.upperBound...])
  }

  /// Name and endpoint; no key, no header.
  public var description: String { "\(name) at \(endpoint)" }

  /// True when OpenAI's own servers answer, at OpenAI or at Azure.
  var isOpenAIItself: Bool {
    guard baseURL.lowercased().hasPrefix("https://") else { return false }
    let host = endpoint.lowercased().prefix { $0 != ":" }
    return host == "api.openai.com"
      || [".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"].contains { host.hasSuffix($0) }
  }

  /// The URL of a route such as `/responses`, before the base URL's query.
  func url(_ route: String, model: String) -> String {
    let path = baseURL.prefix { $0 != "?" && $0 != "#" }
    let query = baseURL.dropFirst(path.count).prefix { $0 != "#" }
    var base = path
    while base.hasSuffix("/") { base.removeLast() }
    var url = String(base)
    if let place = url.firstRange(of: "{model}") { url.replaceSubrange(place, with: HTTPRequest.percentEncoded(model)) }
    // Anthropic's own base URL has no version in it; other servers' often have.
    if dialect == .anthropic, !url.hasSuffix("/v1") { url += "/v1" }
    return url + route + query
  }

  /// The headers of every request.
  func requestHeaders(userAgent: String, key: Secret?) -> HTTPHeaders {
    var all: HTTPHeaders = [
      "Content-Type": "application/json",
      "Accept": dialect == .bedrock
        ? "application/vnd.amazon.eventstream, application/json" : "text/event-stream, application/json",
      "User-Agent": userAgent,
    ]
    if dialect == .anthropic { all["anthropic-version"] = "2023-06-01" }
    if let key, !key.isEmpty {
      switch keyHeader {
      case .bearer: all["Authorization"] = "Bearer \(key.value)"
      case .named(let name): all[name] = key.value
      }
    }
    for field in headers.fields { all[field.name] = field.value }
    return all
  }

  /// Everything in this configuration that may be secret.
  var redactor: Redactor {
    var secrets = headers.fields.filter { field in
      let name = field.name.lowercased()
      return ["auth", "key", "token", "secret", "cookie", "password"].contains { name.contains($0) }
    }.map(\.value)
    // "Bearer KEY" in a header of the user's own: the key alone is secret, too.
    secrets += secrets.compactMap { value in value.split(separator: " ").last.map(String.init) }
    if let apiKey { secrets.append(apiKey.value) }
    return Redactor(secrets)
  }
}
