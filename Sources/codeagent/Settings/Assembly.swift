import Access
import Agent
import AuditTrail
import Conversation
import Git
import Glibc
import HTTPTransport
import Models
import Paths
import Repair
import Sandbox
import Workspace

/// Puts together what a command works with, from the environment, the configuration files and the command line.
struct Assembly: Sendable {
  let settings: Settings
  let environment: [String: String]
  let location: CheckoutLocation?
  /// `provider/name` as chosen; nil for the built-in engine.
  let modelName: String?
  let isHeadless: Bool

  /// Reads the configuration. `model` is the command line's choice.
  init(model: String? = nil, location: CheckoutLocation? = nil, isHeadless: Bool = false) throws(UsageFailure) {
    environment = Environment.current
    settings = try Settings.load(environment: environment)
    self.location = location
    self.isHeadless = isHeadless
    let chosen = model ?? settings.model
    modelName = chosen == "builtin" ? nil : chosen
  }

  /// True when no model was chosen: the built-in engine works.
  var isEngine: Bool { modelName == nil }

  /// The record.
  func store() throws -> AuditStore {
    try AuditStore.open(at: Array(try Directories.state(environment).utf8))
  }

  /// The sandbox.
  func sandbox() throws -> Sandbox {
    guard let launcher = Sandbox.locateLauncher() else {
      throw SandboxError(
        .launcherMissing, "codeagent-launch is not beside codeagent", hint: "install both in one directory")
    }
    return try Sandbox(launcher: launcher)
  }

  /// Everything that a run works with.
  func services() throws -> RunServices {
    let state = try Directories.state(environment)
    let store = try store()
    let model = try model()
    let rules = try authorizer(model.identity)
    try Directories.make(Array((state + "/runs").utf8))
    var services = RunServices(
      store: store, sandbox: try sandbox(), model: model, authorizer: rules, principal: principal(),
      approver: nil, redactor: Redactor(knownValues: secrets()), view: view(rules),
      runsDirectory: Array((state + "/runs").utf8),
      indexDirectory: Array((try Directories.cache(environment) + "/index").utf8),
      contextWindow: provider.flatMap { settings.providers[$0]?.contextWindow }, price: price(),
      version: Codeagent.version)
    // With the built-in engine nothing leaves the machine, whatever is configured.
    if let reviewer = settings.reviewModel, !isEngine { services.reviewer = try remote(reviewer) }
    return services
  }

  // MARK: The model

  private var provider: String? { modelName?.split(separator: "/", maxSplits: 1).first.map(String.init) }

  private func model() throws -> any Model {
    guard let modelName else { return RepairEngine() }
    return try remote(modelName)
  }

  private func remote(_ name: String) throws -> any Model {
    let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw UsageFailure(
        "`\(name)` does not name a model", advice: "write PROVIDER/NAME, such as openai/gpt-5.5, or `builtin`")
    }
    return RemoteModel(
      provider: try provider(parts[0]), model: parts[1], transport: HTTPClient(),
      userAgent: "codeagent/\(Codeagent.version)")
  }

  private func provider(_ name: String) throws -> Provider {
    let entry = settings.providers[name]
    if name == "openai", entry == nil {
      let provider = Provider.openAI(environment: environment)
      if provider.apiKey == nil, provider.endpoint == "api.openai.com" {
        throw UsageFailure(
          "OPENAI_API_KEY is not set", advice: "set it, or leave out --model to use the built-in engine")
      }
      return provider
    }
    let isOpenAI = name == "openai"
    guard entry != nil || isOpenAI else {
      throw UsageFailure(
        "there is no provider `\(name)`",
        advice: "describe it in ~/.config/codeagent/config.toml: [providers.\(name)] base_url = \"http://…/v1\"")
    }
    let base = entry?.baseURL ?? (isOpenAI ? environment["OPENAI_BASE_URL"] ?? "https://api.openai.com/v1" : nil)
    guard let base else { throw UsageFailure("the provider `\(name)` has no base_url in the configuration") }
    let variable = entry?.keyVariable ?? (isOpenAI ? "OPENAI_API_KEY" : nil)
    let key = variable.flatMap { environment[$0] }
    if let variable, entry?.keyVariable != nil, key == nil {
      throw UsageFailure("\(variable) is not set: the provider `\(name)` takes its key from it")
    }
    let dialect: Provider.Dialect
    switch entry?.dialect {
    case nil: dialect = isOpenAI ? .openAI : .openAIChat
    case "responses": dialect = .openAIResponses
    case "chat": dialect = .openAIChat
    case let other?:
      throw UsageFailure("the provider `\(name)`: `\(other)` is no dialect", advice: "known: responses, chat")
    }
    var headers = HTTPHeaders()
    for (name, value) in entry?.headers ?? [:] { headers[name] = value }
    return Provider(
      name: name, dialect: dialect, baseURL: base, apiKey: key.map(Secret.init), headers: headers)
  }

  private func price() -> @Sendable (Usage) -> Int? {
    guard let modelName, let price = settings.prices[modelName] else { return { _ in nil } }
    return { usage in
      let fresh = Double(usage.input - usage.cachedInput) * price.input
      let cached = Double(usage.cachedInput) * (price.cachedInput ?? price.input)
      return Int((fresh + cached + Double(usage.output) * price.output).rounded(.up))
    }
  }

  // MARK: Policy

  /// The layers of policy, the repository's read from its committed base.
  private func authorizer(_ identity: ModelIdentity) throws -> any Authorizer {
    do {
      // Naming a reviewer is choosing it; an organisation's restriction holds all the same.
      var user = settings.user
      if let reviewer = settings.reviewModel { user.grants.allowModels.append(reviewer) }
      return try BuiltInRules(
        organisation: settings.organisation, user: user, repository: try repositoryRules(),
        chosenModel: "\(identity.provider)/\(identity.name)")
    } catch let error as PolicyError {
      throw RunFailure(.policy, error.description, hint: "a policy that cannot be used stops every run")
    }
  }

  private func repositoryRules() throws -> Restrictions {
    guard let location, let place = location.repository, let path = RepoPath(".codeagent/policy.toml") else {
      return Restrictions()
    }
    let repository = try Repository.open(place)
    guard let commit = try repository.head.commit, let entry = try repository.entry(repository.tree(of: commit), path)
    else { return Restrictions() }
    let bytes = try repository.readBlob(entry.id)
    return try PolicySettings.repository(
      String(decoding: bytes, as: UTF8.self), file: ".codeagent/policy.toml of the committed base")
  }

  private func principal() -> Principal {
    let account = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "uid-\(getuid())"
    let isCI = environment["CI"].map { !$0.isEmpty && $0 != "false" } ?? false
    return Principal(run: "", user: account, start: isCI ? .ci : (isatty(1) == 1 && !isHeadless ? .terminal : .batch))
  }

  // MARK: What commands see

  func view() throws -> WorkspaceView {
    view(try authorizer(ModelIdentity(provider: "builtin", name: "repair", endpoint: nil)))
  }

  private func view(_ rules: any Authorizer) -> WorkspaceView {
    let home = Array((Directories.home(environment) ?? "/nonexistent").utf8)
    return WorkspaceView(
      environment: HostView.environment(from: environment),
      toolchainRoots: HostView.toolchainRoots(path: environment["PATH"] ?? "/usr/bin:/bin", home: home),
      masked: location.map { SecretFiles.find(in: $0, rules) } ?? [])
  }

  /// Values of variables that look like secrets: replaced wherever they turn up.
  private func secrets() -> [String: String] {
    let words = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL"]
    return environment.filter { name, value in
      value.utf8.count >= 8 && words.contains { name.uppercased().contains($0) } && !value.hasPrefix("/")
    }
  }
}
