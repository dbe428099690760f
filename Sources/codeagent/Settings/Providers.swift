import HTTPTransport
import JSON
import Models

/// Makes providers of what the configuration and the environment say.
struct Providers: Sendable {
  let settings: [String: Settings.ProviderSettings]
  let environment: [String: String]
  let transport: HTTPClient

  init(_ settings: Settings, environment: [String: String]) {
    self.settings = settings.providers
    self.environment = environment
    transport = HTTPClient(configuration: HTTPClient.Configuration(environment: environment))
  }

  /// The names of the providers that are configured, and of those that the environment holds keys for.
  var names: [String] {
    func isSet(_ variables: String...) -> Bool { variables.contains { !(environment[$0] ?? "").isEmpty } }
    var names = Set(settings.keys)
    if isSet("OPENAI_API_KEY", "OPENAI_BASE_URL") { names.insert("openai") }
    if isSet("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL") { names.insert("anthropic") }
    if isSet("AZURE_OPENAI_ENDPOINT") { names.insert("azure") }
    if isSet("AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE", "AWS_ACCESS_KEY_ID") { names.insert("bedrock") }
    return names.sorted()
  }

  /// The provider of a name.
  /// - Parameter model: the model that it is to be asked for; some have another address for each.
  func provider(_ name: String, model: String = "") throws(UsageFailure) -> Provider {
    let entry = settings[name] ?? Settings.ProviderSettings()
    let service = entry.service ?? (settings[name]?.baseURL == nil ? name : nil)
    var provider: Provider
    switch service {
    case "bedrock", "bedrock-mantle": provider = try bedrock(entry, model, isMantle: service == "bedrock-mantle")
    case "azure":
      guard let azure = Provider.azure(environment: environment, endpoint: entry.baseURL, version: entry.apiVersion)
      else { throw UsageFailure("AZURE_OPENAI_ENDPOINT is not set", advice: "set it, or base_url of `\(name)`") }
      provider = azure
    case "anthropic": provider = Provider.anthropic(environment: environment)
    case "openai": provider = Provider.openAI(environment: environment)
    default:
      guard let base = entry.baseURL else {
        throw settings[name] == nil
          ? UsageFailure(
            "there is no provider `\(name)`",
            advice: "describe it in ~/.config/codeagent/config.toml: [providers.\(name)] base_url = \"http://…/v1\"")
          : UsageFailure("the provider `\(name)` has no base_url in the configuration")
      }
      provider = Provider(name: name, dialect: dialect(entry) ?? .openAIChat, baseURL: base)
    }
    provider.name = name
    if let base = entry.baseURL, service == "openai" || service == "anthropic" { provider.baseURL = base }
    if service != "bedrock", service != "bedrock-mantle", let dialect = dialect(entry) {
      provider.dialect = dialect
    }
    if let variable = entry.keyVariable {
      guard let key = environment[variable], !key.isEmpty else {
        throw UsageFailure("\(variable) is not set: the provider `\(name)` takes its key from it")
      }
      provider.apiKey = Secret(key)
      provider.signing = nil
    }
    try requireKey(provider, service)
    for (header, value) in entry.headers { provider.headers[header] = value }
    if let header = entry.keyHeader { provider.keyHeader = header == "bearer" ? .bearer : .named(header) }
    provider.parameters = entry.parameters
    provider.streams = entry.streams ?? true
    provider.describesToolsInText = entry.tools == "text"
    if let seconds = entry.idleTimeout {
      provider.timeouts.idle = .seconds(seconds)
      provider.timeouts.trickle = max(provider.timeouts.trickle, .seconds(seconds))
    }
    return provider
  }

  /// The providers' own servers are not asked without a key: the answer is known.
  private func requireKey(_ provider: Provider, _ service: String?) throws(UsageFailure) {
    guard provider.apiKey == nil, provider.signing == nil else { return }
    let variable: String
    switch (service, provider.endpoint) {
    case ("openai", "api.openai.com"): variable = "OPENAI_API_KEY"
    case ("anthropic", "api.anthropic.com"): variable = "ANTHROPIC_API_KEY"
    case ("azure", _): variable = "AZURE_OPENAI_API_KEY"
    default: return
    }
    throw UsageFailure(
      "\(variable) is not set", advice: "set it, or leave out --model to use the built-in engine")
  }

  private func bedrock(
    _ entry: Settings.ProviderSettings, _ model: String, isMantle: Bool
  ) throws(UsageFailure) -> Provider {
    do throws(ProviderProblem) {
      return try Provider.amazonBedrock(
        environment: environment, dialect: self.dialect(entry) ?? (isMantle ? .openAIResponses : .bedrock),
        isMantle: isMantle, model: model, region: entry.region, profile: entry.profile, baseURL: entry.baseURL,
        home: Directories.home(environment), transport: transport)
    } catch {
      throw UsageFailure(error.description)
    }
  }

  /// The configured dialect; that the name is known was checked when the file was read.
  private func dialect(_ entry: Settings.ProviderSettings) -> Provider.Dialect? {
    entry.dialect.flatMap { Self.dialects[$0] }
  }

  /// The names of the configuration.
  static let dialects: [String: Provider.Dialect] = [
    "responses": .openAIResponses, "chat": .openAIChat, "openai": .openAI, "anthropic": .anthropic,
    "bedrock": .bedrock,
  ]
}
