import Access
import Agent
import Conversation
import Foundation
import JSON
import TOMLKit

/// What the configuration files say: the organisation's `/etc/codeagent/config.toml`, then the user's
/// `~/.config/codeagent/config.toml` over it. Documented in `docs/configuration.md`.
struct Settings: Sendable {
  /// `provider/name`; nil means the built-in engine.
  var model: String?
  /// `provider/name` of the model that is asked for a second opinion; nil for none.
  var reviewModel: String?
  /// `provider/name` of those that are asked when the model's provider cannot answer.
  var fallbackModels: [String] = []
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
  /// The record: what signs it, where else it is kept, and how long.
  var audit = AuditSettings()
  /// How commands are held.
  var sandbox = SandboxSettings()
  /// Servers that commands reach with credentials that they never see.
  var endpoints = EndpointSettings()
  /// Policy layers of the organisation and the user.
  var organisation = PolicyLayer()
  var user = PolicyLayer()
  /// What only the organisation's file says: groups by name with their users, who vouches for identities, where people
  /// leave approvals, which hosts are its own, and whether its policies may be put on trial.
  var groups: [String: [String]] = [:]
  var identity: IdentitySettings?
  var approvalDirectory: String?
  var internalHosts: [String] = []
  var mayLogOrganisation = false

  /// One `[providers.NAME]`.
  struct ProviderSettings: Sendable {
    var baseURL: String?
    var keyVariable: String?
    var dialect: String?
    var contextWindow: Int?
    var headers: [String: String] = [:]
    /// `openai`, `azure`, `anthropic`, `bedrock` or `bedrock-mantle`, when the name is another.
    var service: String?
    var region: String?
    var profile: String?
    var apiVersion: String?
    /// `bearer`, or the name of the header that carries the key.
    var keyHeader: String?
    var streams: Bool?
    /// `native` or `text`.
    var tools: String?
    var idleTimeout: Int?
    var parameters = JSONObject()
  }

  /// Dollars per million tokens.
  struct PriceSettings: Sendable {
    var input: Double
    var cachedInput: Double?
    var cacheWrite: Double?
    var output: Double
  }

  /// Reads the files; a missing one is no error, a wrong one is.
  static func load(environment: [String: String]) throws(UsageFailure) -> Settings {
    var settings = Settings()
    try settings.read("/etc/codeagent", layer: \.organisation)
    if let directory = Directories.configuration(environment) { try settings.read(directory, layer: \.user) }
    return settings
  }

  /// Reads a directory's `prices.toml`, which may be replaced as it is, and its `config.toml`, which goes before it.
  private mutating func read(_ directory: String, layer: WritableKeyPath<Settings, PolicyLayer>) throws(UsageFailure) {
    if let prices = try Self.table(directory + "/prices.toml") { try apply(prices: prices.tables()) }
    if let table = try Self.table(directory + "/config.toml") { try apply(table, layer: layer) }
  }

  private static func table(_ path: String) throws(UsageFailure) -> TableReader? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      if FileManager.default.fileExists(atPath: path) {
        throw UsageFailure("\(path) cannot be read as UTF-8 text", advice: "mend or remove it")
      }
      return nil
    }
    let table: TOMLTable
    do {
      table = try TOMLTable(string: text)
    } catch {
      throw UsageFailure("\(path) is not valid TOML: \(error)", advice: "mend it; docs/configuration.md shows the form")
    }
    return TableReader(table, file: path)
  }

  private mutating func apply(_ table: TableReader, layer: WritableKeyPath<Settings, PolicyLayer>) throws(UsageFailure)
  {
    let isOrganisation = layer == \Settings.organisation
    try table.allow(
      [
        "model", "review_model", "fallback_models", "project", "budget", "providers", "prices", "audit", "policy",
        "sandbox", "endpoints",
      ]
        + (isOrganisation ? ["groups", "identity", "approvals", "network"] : []))
    if isOrganisation { try applyOrganisation(table) }
    model = try table.string("model") ?? model
    reviewModel = try table.string("review_model") ?? reviewModel
    fallbackModels = try table.list("fallback_models") ?? fallbackModels
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
    for (name, provider) in try table.tables("providers") { providers[name] = try Self.provider(provider) }
    try apply(prices: table.tables("prices"))
    if let record = try table.table("audit") { try audit.read(record) }
    if let table = try table.table("sandbox") { try sandbox.read(table, isOrganisation: isOrganisation) }
    try endpoints.read(table.tables("endpoints"), isOrganisation: isOrganisation)
    if let policy = try table.table("policy") {
      self[keyPath: layer] = try PolicySettings.layer(policy, others: isOrganisation ? ["allow_log_mode"] : [])
      if isOrganisation { mayLogOrganisation = try policy.bool("allow_log_mode") ?? false }
    }
  }

  private static func provider(_ table: TableReader) throws(UsageFailure) -> ProviderSettings {
    try table.allow([
      "base_url", "api_key_env", "api_key_header", "dialect", "context_window", "headers", "service", "region",
      "profile", "api_version", "stream", "tools", "idle_timeout", "parameters",
    ])
    var entry = ProviderSettings()
    entry.baseURL = try table.string("base_url")
    entry.keyVariable = try table.string("api_key_env")
    entry.keyHeader = try table.string("api_key_header")
    entry.dialect = try table.string("dialect", among: Providers.dialects.keys.sorted())
    entry.contextWindow = try table.int("context_window")
    entry.headers = try table.strings("headers")
    entry.service = try table.string(
      "service", among: ["openai", "azure", "anthropic", "bedrock", "bedrock-mantle"])
    entry.region = try table.string("region")
    entry.profile = try table.string("profile")
    entry.apiVersion = try table.string("api_version")
    entry.streams = try table.bool("stream")
    entry.tools = try table.string("tools", among: ["native", "text"])
    entry.idleTimeout = try table.int("idle_timeout")
    entry.parameters = try table.json("parameters")
    return entry
  }

  private mutating func apply(prices tables: [(String, TableReader)]) throws(UsageFailure) {
    for (name, price) in tables {
      try price.allow(["input", "cached_input", "cache_write", "output"])
      guard let input = try price.double("input"), let output = try price.double("output") else {
        throw UsageFailure("\(price.place): a price needs `input` and `output`, in dollars per million tokens")
      }
      prices[name] = PriceSettings(
        input: input, cachedInput: try price.double("cached_input"), cacheWrite: try price.double("cache_write"),
        output: output)
    }
  }

  /// The price of an answer in millionths of a dollar; nil when the model's price is not known.
  func price(of model: String) -> @Sendable (Usage) -> Int? {
    guard let price = prices[model] else { return { _ in nil } }
    return { usage in
      let fresh = Double(usage.input - usage.cachedInput - usage.cacheWriteInput) * price.input
      let cached = Double(usage.cachedInput) * (price.cachedInput ?? price.input)
      let written = Double(usage.cacheWriteInput) * (price.cacheWrite ?? price.input)
      return Int((fresh + cached + written + Double(usage.output) * price.output).rounded(.up))
    }
  }

  private mutating func applyOrganisation(_ table: TableReader) throws(UsageFailure) {
    groups = try table.table("groups").map { groups throws(UsageFailure) in try groups.lists() } ?? [:]
    if let identity = try table.table("identity") {
      try identity.allow(["issuer", "audience", "keys", "user_claim", "groups_claim", "required"])
      guard let issuer = try identity.string("issuer"), let audience = try identity.string("audience"),
        let keys = try identity.string("keys")
      else { throw UsageFailure("\(identity.place): `issuer`, `audience` and `keys` are needed") }
      self.identity = IdentitySettings(
        issuer: issuer, audience: audience, keys: keys, userClaim: try identity.string("user_claim"),
        groupsClaim: try identity.string("groups_claim"), isRequired: try identity.bool("required") ?? false)
    }
    if let approvals = try table.table("approvals") {
      try approvals.allow(["directory"])
      approvalDirectory = try approvals.string("directory")
    }
    if let network = try table.table("network") {
      try network.allow(["internal"])
      internalHosts = try network.list("internal") ?? []
    }
  }

  /// The organisation's groups that a user is in.
  func groups(of user: String) -> [String] { groups.filter { $0.value.contains(user) }.map(\.key) }
}

/// The `[policy]` table, the same in every layer.
enum PolicySettings {
  static let restrictions = [
    "deny_read", "deny_write", "approve_delivery", "deny_execute", "deny_hosts", "only_hosts", "deny_models",
    "only_models", "max_cost", "max_tokens",
  ]
  static let grants = ["allow_read", "allow_hosts", "allow_models", "allow_delivery"]

  /// Reads restrictions and grants.
  static func layer(_ table: TableReader, others: [String] = []) throws(UsageFailure) -> PolicyLayer {
    try table.allow(restrictions + grants + others)
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
