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
  /// Recorded answers that are played instead of asking a model.
  let cassette: Cassette?
  let policyMode: PolicyMode

  /// Reads the configuration. `model` is the command line's choice.
  init(
    model: String? = nil, location: CheckoutLocation? = nil, isHeadless: Bool = false, cassette: Cassette? = nil,
    policyMode: PolicyMode = .enforce
  ) throws(UsageFailure) {
    self.cassette = cassette
    environment = Environment.current
    settings = try Settings.load(environment: environment)
    self.location = location
    self.isHeadless = isHeadless
    self.policyMode = policyMode
    let chosen = model ?? settings.model
    modelName = chosen == "builtin" ? nil : chosen
  }

  /// True when no model was chosen: the built-in engine works.
  var isEngine: Bool { modelName == nil && cassette == nil }

  /// The record.
  func store() throws -> AuditStore {
    try AuditStore.open(at: Array(try Directories.state(environment).utf8), options: try auditOptions())
  }

  /// The record for a new run. A damaged one is put away, said so, and replaced.
  func storeForRuns() throws -> AuditStore {
    let (store, quarantine) = try AuditStore.openReplacingDamage(
      at: Array(try Directories.state(environment).utf8), options: try auditOptions())
    if let quarantine {
      Output.error("codeagent: \(Display.safe(quarantine.reason))")
      Output.error(
        "           it was put away in \(quarantine.directory); a new record goes on from its last good checkpoint, of "
          + "\(quarantine.lastGoodSize) events")
    }
    return store
  }

  private func auditOptions() throws -> AuditStore.Options {
    AuditStore.Options(key: try settings.audit.key(environment))
  }

  /// The sandbox: of the strongest level that works here, of those that the configuration admits.
  func sandbox(admitting further: Set<SandboxLevel> = []) async throws -> Sandbox {
    guard let launcher = Sandbox.locateLauncher() else {
      throw SandboxError(
        .launcherMissing, "codeagent-launch is not beside codeagent", hint: "install both in one directory")
    }
    let levels = settings.sandbox.levels.union(further)
    // One that cannot be is found out when the run tries it: nothing has to be run here to choose.
    if levels == [.full] { return try Sandbox(launcher: launcher) }
    return try await Sandbox.strongest(launcher: launcher, admitting: levels)
  }

  /// Everything that a run works with.
  func services() async throws -> RunServices {
    let state = try Directories.state(environment)
    let store = try storeForRuns()
    let model = try model()
    let rules = try authorizer(model.identity)
    // What is played from a cassette costs nothing; everything else costs what is known, or an unknown amount.
    var price = settings.price(of: modelName ?? "")
    if cassette != nil { price = { _ in 0 } }
    let principal = try principal()
    try Directories.make(Array((state + "/runs").utf8))
    var services = RunServices(
      store: store, sandbox: try await sandbox(), model: model, authorizer: rules, principal: principal,
      approver: approver(principal), redactor: Redactor(knownValues: secrets()), view: view(),
      runsDirectory: Array((state + "/runs").utf8),
      indexDirectory: Array((try Directories.cache(environment) + "/index").utf8),
      contextWindow: contextWindow(), price: price, version: Codeagent.version)
    services.account = Identity.account().name
    services.versions = Versions.known(sandbox: services.sandbox)
    services.sandboxTerms = settings.sandbox.terms
    services.limits = settings.sandbox.limits
    // Without a policy that lets commands out, nobody needs their credentials.
    if rules.permitsConnections { services.endpoints = try settings.endpoints.resolved(environment) }
    services.regions = settings.providers.compactMapValues(\.region)
    services.labelCache = Array((try Directories.cache(environment) + "/labels").utf8)
    // With the built-in engine nothing leaves the machine, whatever is configured.
    if !isEngine, cassette == nil {
      if let reviewer = settings.reviewModel {
        services.reviewer = PricedModel(model: try remote(reviewer), price: settings.price(of: reviewer))
      }
      for name in settings.fallbackModels where name != modelName {
        services.fallbacks.append(PricedModel(model: try remote(name), price: settings.price(of: name)))
      }
    }
    return services
  }

  // MARK: The model

  /// The context window as configured, or as the provider told when it was last asked.
  private func contextWindow() -> Int? {
    guard let modelName, cassette == nil else { return nil }
    let parts = modelName.split(separator: "/", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { return nil }
    if let configured = settings.providers[parts[0]]?.contextWindow { return configured }
    return ModelCache(environment).known(parts[0])?.models.first { $0.id == parts[1] }?.contextWindow
  }

  private func model() throws -> any Model {
    if let cassette { return CassetteModel(cassette) }
    guard let modelName else { return RepairEngine() }
    return try remote(modelName)
  }

  private func remote(_ name: String) throws -> any Model {
    let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw UsageFailure(
        "`\(name)` does not name a model", advice: "write PROVIDER/NAME, such as openai/gpt-5.5, or `builtin`")
    }
    if parts[0] == "replay" {
      throw UsageFailure("this run was played from a cassette", advice: "start it again with `fix --replay FILE`")
    }
    let providers = Providers(settings, environment: environment)
    return RemoteModel(
      provider: try providers.provider(parts[0], model: parts[1]), model: parts[1], transport: providers.transport,
      userAgent: Codeagent.userAgent)
  }

  // MARK: Policy

  /// All layers of policy, the repository's read from its committed base.
  func policySources(chosenModels: [String] = []) throws -> PolicySources {
    var sources = PolicySources()
    sources.organisation = settings.organisation
    sources.user = settings.user
    sources.repository = try repositoryRules()
    sources.internalHosts = settings.internalHosts
    // Naming a reviewer or a fallback is choosing it; an organisation's restriction holds all the same.
    sources.chosenModels = chosenModels + (settings.reviewModel.map { [$0] } ?? []) + settings.fallbackModels
    try PolicyFiles.load(environment: environment, location: location, into: &sources)
    if policyMode == .log {
      sources.loggedLayers = [.user, .repository]
      if settings.mayLogOrganisation { sources.loggedLayers.insert(.organisation) }
    }
    return sources
  }

  private func authorizer(_ identity: ModelIdentity) throws -> any Authorizer {
    do {
      return try CedarAuthorizer(try policySources(chosenModels: ["\(identity.provider)/\(identity.name)"]))
    } catch let error as PolicyError {
      throw RunFailure(.policy, error.description, hint: "a policy that cannot be used stops every run")
    }
  }

  /// What policy says to bringing these files from a sandbox into the checkout.
  func decideDelivery(_ paths: [RepoPath], approved: Bool) throws -> Decision {
    try authorizer(ModelIdentity(provider: "builtin", name: "repair", endpoint: nil)).decide(
      AccessRequest(
        principal: principal(), action: .deliverApply, resource: .delivery(paths: paths),
        context: AccessContext(approved: approved)))
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

  /// Whether a CI job runs the program.
  var isCI: Bool { environment["CI"].map { !$0.isEmpty && $0 != "false" } ?? false }

  private func principal() throws -> Principal {
    try Identity.principal(settings, environment: environment, isCI: isCI, isHeadless: isHeadless)
  }

  /// Where people leave approvals for each other.
  var approvalDirectory: ApprovalDirectory? { settings.approvalDirectory.map { ApprovalDirectory(path: $0) } }

  /// Who is asked for approval; nil when nobody can be.
  private func approver(_ principal: Principal) -> Gate.Approver? {
    let terminal = principal.start == .terminal ? TerminalQuestion() : nil
    guard terminal != nil || approvalDirectory != nil else { return nil }
    // At a terminal the account answers, whoever a token names.
    let approver = Approver(directory: approvalDirectory, person: Identity.account().name, terminal: terminal)
    return { await approver.ask($0) }
  }

  // MARK: What commands see

  /// The view of a run; what policy hides is found when the run begins.
  private func view() -> WorkspaceView {
    let home = Array((Directories.home(environment) ?? "/nonexistent").utf8)
    return WorkspaceView(
      environment: HostView.environment(from: environment),
      toolchainRoots: HostView.toolchainRoots(path: environment["PATH"] ?? "/usr/bin:/bin", home: home))
  }

  /// The view of a command outside of a run: what policy hides from a run of the built-in engine is hidden.
  func commandView() throws -> WorkspaceView {
    var view = view()
    guard let location else { return view }
    let rules = try authorizer(ModelIdentity(provider: "builtin", name: "repair", endpoint: nil))
    let mask = CheckoutScan.mask(
      of: location, by: rules, principal: try principal(), context: AccessContext(), model: nil,
      cache: Array((try Directories.cache(environment) + "/labels").utf8))
    view.masked = mask.masked.map(\.path)
    return view
  }

  /// Text without this environment's secrets.
  func redacted(_ bytes: [UInt8]) -> [UInt8] {
    Redactor(knownValues: secrets()).redact(bytes).bytes
  }

  /// Values that are replaced wherever they turn up: of variables that look like secrets or that providers take their keys
  /// from, and of providers' headers that do.
  private func secrets() -> [String: String] {
    let words = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "_PWD", "CREDENTIAL", "COOKIE"]
    func isSecret(_ name: String) -> Bool { words.contains { name.uppercased().contains($0) } }
    let keys = Set(settings.providers.values.compactMap(\.keyVariable))
    var known = environment.filter { name, value in
      keys.contains(name) || (value.utf8.count >= 8 && isSecret(name) && !value.hasPrefix("/"))
    }
    known.merge(settings.endpoints.secrets(environment)) { first, _ in first }
    for (provider, entry) in settings.providers {
      for (header, value) in entry.headers where isSecret(header) || header.lowercased().contains("auth") {
        known["\(provider) \(header)"] = value
      }
    }
    return known
  }
}

/// Whether policies are enforced, or only recorded for a trial.
enum PolicyMode: String, Sendable, CaseIterable {
  case enforce
  case log
}
