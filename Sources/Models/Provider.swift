public import HTTPTransport
public import JSON

/// A place that answers requests for models, as the user configured it.
public struct Provider: Sendable, CustomStringConvertible {
  /// The name in the configuration and in `--model NAME/MODEL`.
  public var name: String
  /// The wire format that it speaks.
  public var dialect: Dialect
  /// Where its routes begin, such as `https://api.openai.com/v1`. A query, such as Azure's `?api-version=…`, is kept
  /// behind the route.
  public var baseURL: String
  /// The key, when it wants one.
  public var apiKey: Secret?
  /// The header that carries the key.
  public var keyHeader: KeyHeader
  /// More headers for every request; they may hold secrets and are never printed.
  public var headers: HTTPHeaders
  /// More members for every request body, such as `{"reasoning": {"effort": "high"}}`. They replace members of the same
  /// name; null leaves a member out.
  public var parameters: JSONObject
  /// True when it takes free-form (custom) tools on Responses; otherwise they are offered as functions of one string.
  public var takesFreeformTools: Bool
  /// How long to wait for what.
  public var timeouts: HTTPTimeouts

  /// The wire formats.
  public enum Dialect: String, Sendable, Hashable, CaseIterable {
    /// OpenAI Responses.
    case openAIResponses = "openai-responses"
    /// OpenAI Chat Completions.
    case openAIChat = "openai-chat"
    /// Responses, or Chat Completions where the server has no such route.
    case openAI = "openai"
  }

  /// How a key travels.
  public enum KeyHeader: Sendable, Hashable {
    /// `Authorization: Bearer KEY`.
    case bearer
    /// The key alone under this name, such as Azure's `api-key`.
    case named(String)
  }

  /// A provider.
  /// - Parameter takesFreeformTools: nil means: yes where OpenAI itself answers, no elsewhere.
  public init(
    name: String, dialect: Dialect, baseURL: String, apiKey: Secret? = nil, keyHeader: KeyHeader = .bearer,
    headers: HTTPHeaders = [:], parameters: JSONObject = [:], takesFreeformTools: Bool? = nil,
    timeouts: HTTPTimeouts = HTTPTimeouts()
  ) {
    self.name = name
    self.dialect = dialect
    self.baseURL = baseURL
    self.apiKey = apiKey
    self.keyHeader = keyHeader
    self.headers = headers
    self.parameters = parameters
    self.timeouts = timeouts
    self.takesFreeformTools = false
    self.takesFreeformTools = takesFreeformTools ?? isOpenAIItself
  }

  /// OpenAI, or whatever `OPENAI_BASE_URL` names, with `OPENAI_API_KEY`, `OPENAI_ORGANIZATION` and `OPENAI_PROJECT` as
  /// OpenAI's own libraries read them. Elsewhere than at OpenAI the dialect is found out.
  public static func openAI(environment: [String: String]) -> Provider {
    func value(_ name: String) -> String? {
      let text = Secret(environment[name] ?? "").value
      return text.isEmpty ? nil : text
    }
    var headers = HTTPHeaders()
    headers["OpenAI-Organization"] = value("OPENAI_ORGANIZATION") ?? value("OPENAI_ORG_ID")
    headers["OpenAI-Project"] = value("OPENAI_PROJECT")
    var provider = Provider(
      name: "openai", dialect: .openAI, baseURL: value("OPENAI_BASE_URL") ?? "https://api.openai.com/v1",
      apiKey: value("OPENAI_API_KEY").map(Secret.init), headers: headers)
    if provider.isOpenAIItself { provider.dialect = .openAIResponses }
    return provider
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
    return host == "api.openai.com" || host.hasSuffix(".openai.azure.com")
  }

  /// The URL of a route such as `/responses`, before the base URL's query.
  func url(_ route: String) -> String {
    let path = baseURL.prefix { $0 != "?" && $0 != "#" }
    let query = baseURL.dropFirst(path.count).prefix { $0 != "#" }
    var base = path
    while base.hasSuffix("/") { base.removeLast() }
    return base + route + query
  }

  /// The headers of every request.
  func requestHeaders(userAgent: String, key: Secret?) -> HTTPHeaders {
    var all: HTTPHeaders = [
      "Content-Type": "application/json", "Accept": "text/event-stream, application/json", "User-Agent": userAgent,
    ]
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
