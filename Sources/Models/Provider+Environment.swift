import HTTPTransport

/// Providers as their own libraries find them in the environment.
extension Provider {
  /// OpenAI, or whatever `OPENAI_BASE_URL` names, with `OPENAI_API_KEY`, `OPENAI_ORGANIZATION` and `OPENAI_PROJECT` as
  /// OpenAI's own libraries read them. Elsewhere than at OpenAI the dialect is found out.
  public static func openAI(environment: [String: String]) -> Provider {
    func value(_ name: String) -> String? { Self.value(name, environment) }
    var headers = HTTPHeaders()
    headers["OpenAI-Organization"] = value("OPENAI_ORGANIZATION") ?? value("OPENAI_ORG_ID")
    headers["OpenAI-Project"] = value("OPENAI_PROJECT")
    var provider = Provider(
      name: "openai", dialect: .openAI, baseURL: value("OPENAI_BASE_URL") ?? "https://api.openai.com/v1",
      apiKey: value("OPENAI_API_KEY").map(Secret.init), headers: headers)
    if provider.isOpenAIItself { provider.dialect = .openAIResponses }
    return provider
  }

  /// Anthropic, or whatever `ANTHROPIC_BASE_URL` names, with `ANTHROPIC_API_KEY`, or `ANTHROPIC_AUTH_TOKEN` as a bearer
  /// token.
  public static func anthropic(environment: [String: String]) -> Provider {
    let token = value("ANTHROPIC_AUTH_TOKEN", environment)
    let key = value("ANTHROPIC_API_KEY", environment)
    return Provider(
      name: "anthropic", dialect: .anthropic,
      baseURL: value("ANTHROPIC_BASE_URL", environment) ?? "https://api.anthropic.com",
      apiKey: (key ?? token).map(Secret.init), keyHeader: key == nil && token != nil ? .bearer : nil)
  }

  /// OpenAI's models at Azure, with `AZURE_OPENAI_ENDPOINT` (or `endpoint`) and `AZURE_OPENAI_API_KEY`, or
  /// `AZURE_OPENAI_AD_TOKEN` as a bearer token. Models are named by their deployments.
  ///
  /// With `OPENAI_API_VERSION` set (or `version` given), and not `v1`, the older routes are used, which have the deployment
  /// in their path and speak Chat Completions; else Azure's `/openai/v1`, which speaks Responses.
  /// - Returns: nil without an endpoint.
  public static func azure(
    environment: [String: String], endpoint: String? = nil, version: String? = nil
  ) -> Provider? {
    guard var base = endpoint ?? value("AZURE_OPENAI_ENDPOINT", environment) else { return nil }
    while base.hasSuffix("/") { base.removeLast() }
    if base.hasSuffix("/openai/v1") { base.removeLast(10) }
    let key = value("AZURE_OPENAI_API_KEY", environment)
    let token = value("AZURE_OPENAI_AD_TOKEN", environment)
    let version = version ?? value("OPENAI_API_VERSION", environment) ?? "v1"
    let isNew = version == "v1" || version == "preview"
    return Provider(
      name: "azure", dialect: isNew ? .openAIResponses : .openAIChat,
      baseURL: isNew
        ? "\(base)/openai/v1" + (version == "preview" ? "?api-version=preview" : "")
        : "\(base)/openai/deployments/{model}?api-version=\(HTTPRequest.percentEncoded(version))",
      apiKey: (key ?? token).map(Secret.init), keyHeader: key == nil ? .bearer : .named("api-key"))
  }

  /// A variable's value without the white space around it; nil when there is none.
  static func value(_ name: String, _ environment: [String: String]) -> String? {
    let text = Secret(environment[name] ?? "").value
    return text.isEmpty ? nil : text
  }
}
