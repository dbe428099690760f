import Access
import Agent
import Foundation
import TOMLKit

/// What the configuration files say: the organisation's `/etc/codeagent/config.toml`, then the user's
/// `~/.config/codeagent/config.toml` over it. Documented in `docs/configuration.md`.
struct Settings: Sendable {
  /// `provider/name`; nil means the built-in engine.
  var model: String?
  /// `provider/name` of the model that is asked for a second opinion; nil for none.
  var reviewModel: String?
  /// Providers by name.
  var providers: [String: ProviderSettings] = [:]
  /// A command that prepares projects, and one that tests them, when the command line names none.
  var setup: String?
  var test: String?
  /// Budgets.
  var maximumTurns: Int?
  var maximumTokens: Int?
  var maximumMicrodollars: Int?
  var timeout: Double?
  /// Prices by `provider/name`.
  var prices: [String: PriceSettings] = [:]
  /// Policy layers of the organisation and the user.
  var organisation = PolicyLayer()
  var user = PolicyLayer()

  /// One `[providers.NAME]`.
  struct ProviderSettings: Sendable {
    var baseURL: String?
    var keyVariable: String?
    var dialect: String?
    var contextWindow: Int?
    var headers: [String: String] = [:]
  }

  /// Dollars per million tokens.
  struct PriceSettings: Sendable {
    var input: Double
    var cachedInput: Double?
    var output: Double
  }

  /// Reads both files; a missing one is no error, a wrong one is.
  static func load(environment: [String: String]) throws(UsageFailure) -> Settings {
    var settings = Settings()
    try settings.read("/etc/codeagent/config.toml", layer: \.organisation)
    if let directory = Directories.configuration(environment) {
      try settings.read(directory + "/config.toml", layer: \.user)
    }
    return settings
  }

  private mutating func read(_ path: String, layer: WritableKeyPath<Settings, PolicyLayer>) throws(UsageFailure) {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      if FileManager.default.fileExists(atPath: path) {
        throw UsageFailure("\(path) cannot be read as UTF-8 text", advice: "mend or remove it")
      }
      return
    }
    let table: TOMLTable
    do {
      table = try TOMLTable(string: text)
    } catch {
      throw UsageFailure("\(path) is not valid TOML: \(error)", advice: "mend it; docs/configuration.md shows the form")
    }
    try apply(TableReader(table, file: path), layer: layer)
  }

  private mutating func apply(_ table: TableReader, layer: WritableKeyPath<Settings, PolicyLayer>) throws(UsageFailure)
  {
    try table.allow(["model", "review_model", "project", "budget", "providers", "prices", "policy"])
    model = try table.string("model") ?? model
    reviewModel = try table.string("review_model") ?? reviewModel
    if let project = try table.table("project") {
      try project.allow(["setup", "test"])
      setup = try project.string("setup") ?? setup
      test = try project.string("test") ?? test
    }
    if let budget = try table.table("budget") {
      try budget.allow(["max_turns", "max_tokens", "max_cost", "timeout"])
      maximumTurns = try budget.int("max_turns") ?? maximumTurns
      maximumTokens = try budget.int("max_tokens") ?? maximumTokens
      if let dollars = try budget.double("max_cost") { maximumMicrodollars = Int(dollars * 1e6) }
      timeout = try budget.double("timeout") ?? timeout
    }
    for (name, provider) in try table.tables("providers") {
      try provider.allow(["base_url", "api_key_env", "dialect", "context_window", "headers"])
      var entry = ProviderSettings()
      entry.baseURL = try provider.string("base_url")
      entry.keyVariable = try provider.string("api_key_env")
      entry.dialect = try provider.string("dialect")
      entry.contextWindow = try provider.int("context_window")
      entry.headers = try provider.strings("headers")
      providers[name] = entry
    }
    for (name, price) in try table.tables("prices") {
      try price.allow(["input", "cached_input", "output"])
      guard let input = try price.double("input"), let output = try price.double("output") else {
        throw UsageFailure("\(price.place): a price needs `input` and `output`, in dollars per million tokens")
      }
      prices[name] = PriceSettings(input: input, cachedInput: try price.double("cached_input"), output: output)
    }
    if let policy = try table.table("policy") { self[keyPath: layer] = try PolicySettings.layer(policy) }
  }
}

/// The `[policy]` table, the same in every layer.
enum PolicySettings {
  static let restrictions = [
    "deny_read", "deny_write", "approve_delivery", "deny_execute", "deny_hosts", "only_hosts", "deny_models",
    "only_models", "max_cost", "max_tokens",
  ]
  static let grants = ["allow_read", "allow_hosts", "allow_models", "allow_delivery"]

  /// Reads restrictions and grants.
  static func layer(_ table: TableReader) throws(UsageFailure) -> PolicyLayer {
    try table.allow(restrictions + grants)
    var layer = PolicyLayer(restrictions: try read(table))
    layer.grants.allowRead = try table.list("allow_read") ?? []
    layer.grants.allowHosts = try table.list("allow_hosts") ?? []
    layer.grants.allowModels = try table.list("allow_models") ?? []
    layer.grants.allowDelivery = try table.list("allow_delivery") ?? []
    return layer
  }

  /// Reads restrictions alone: all that a repository may bring.
  static func read(_ table: TableReader) throws(UsageFailure) -> Restrictions {
    var rules = Restrictions()
    rules.denyRead = try table.list("deny_read") ?? []
    rules.denyWrite = try table.list("deny_write") ?? []
    rules.approveDelivery = try table.list("approve_delivery") ?? []
    rules.denyExecute = try table.list("deny_execute") ?? []
    rules.denyHosts = try table.list("deny_hosts") ?? []
    rules.onlyHosts = try table.list("only_hosts")
    rules.denyModels = try table.list("deny_models") ?? []
    rules.onlyModels = try table.list("only_models")
    rules.maximumMicrodollars = try table.double("max_cost").map { Int64($0 * 1e6) }
    rules.maximumTokens = try table.int("max_tokens").map(Int64.init)
    return rules
  }

  /// The repository's own `.codeagent/policy.toml`, from its committed base: it can restrict and nothing else.
  static func repository(_ text: String, file: String) throws(UsageFailure) -> Restrictions {
    let table: TOMLTable
    do {
      table = try TOMLTable(string: text)
    } catch {
      throw UsageFailure("\(file) is not valid TOML: \(error)", advice: "a policy that cannot be read stops every run")
    }
    let reader = TableReader(table, file: file)
    try reader.allow(restrictions)
    return try read(reader)
  }
}
