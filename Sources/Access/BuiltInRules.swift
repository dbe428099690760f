public import Paths

/// The rules that ship with the product, and three layers of configuration on top of them.
///
/// Deny by default. A run may read, write and delete in its workspace, start programs in its sandbox, deliver its
/// change and call the model that was chosen for it; it may not read the usual places of secrets, touch git's internals, or
/// open connections; and what steers agents, editors, hooks and automation needs an approval to be delivered.
///
/// Each layer's ``Restrictions`` add denials. ``Grants`` lift shipped rules, never a restriction, and only the organisation
/// and the user have them: a repository is given no means to permit anything.
public struct BuiltInRules: Authorizer {
  /// The digest of the shipped rules, the three layers and the chosen model.
  public let digest: String

  private let shipped: CompiledShippedRules
  private let layers: [CompiledLayer]
  private let grants: [CompiledGrants]
  private let chosenModel: String?

  /// Puts rules in force.
  /// - Parameters:
  ///   - organisation: what holds for everybody on this machine.
  ///   - user: the user's own configuration.
  ///   - repository: from the committed base of the repository; it can only take away.
  ///   - chosenModel: the model that the user or the configuration chose for this run, as `provider/name`; nil for none.
  public init(
    organisation: PolicyLayer = PolicyLayer(), user: PolicyLayer = PolicyLayer(),
    repository: Restrictions = Restrictions(), chosenModel: String? = nil
  ) throws(PolicyError) {
    guard let shipped = CompiledShippedRules.shared else {
      throw PolicyError(layer: nil, member: "shipped rules", pattern: "", reason: "they cannot be compiled")
    }
    if let chosenModel, !chosenModel.contains("/") {
      throw PolicyError(layer: nil, member: "model", pattern: chosenModel, reason: "it is not written as provider/name")
    }
    self.shipped = shipped
    layers = [
      try CompiledLayer(.organisation, organisation.restrictions), try CompiledLayer(.user, user.restrictions),
      try CompiledLayer(.repository, repository),
    ]
    grants = [
      try CompiledGrants(.organisation, organisation.grants), try CompiledGrants(.user, user.grants),
    ]
    self.chosenModel = chosenModel
    digest = PolicyDigest.hex(
      organisation: organisation, user: user, repository: repository, chosenModel: chosenModel)
  }

  /// Answers one question.
  public func decide(_ request: AccessRequest) -> Decision {
    switch (request.action, request.resource) {
    case (.read, .file(let file)): decideRead(file)
    case (.write, .file(let file)), (.delete, .file(let file)): decideWrite(file, request.action)
    case (.execute, .command(let command)): decideExecute(command)
    case (.connect, .host(let host)): decideConnect(host)
    case (.callModel, .model(let model)): decideModel(model)
    case (.deliverApply, .delivery(let change)), (.deliverBranch, .delivery(let change)),
      (.deliverPatch, .delivery(let change)):
      decideDelivery(change, isApproved: request.context.approved)
    case (.spend, .spending(let amount)): decideSpending(amount)
    default: deny([.nothingPermits], "no rule speaks of the action \(request.action.rawValue) on such a thing")
    }
  }

  /// Always true: the shipped rules hide secrets.
  public var deniesSomeReads: Bool { true }

  /// Whether the file's name is one of those whose content decides.
  public func needsContent(of path: RepoPath) -> Bool {
    switch shipped.secret(FoldedPath(path.bytes))?.kind {
    case .keyFile, .tokenFile: true
    default: false
    }
  }

  /// Which of these files must be hidden.
  public func readMask(
    of candidates: [RepoPath], repository: String, principal: Principal, context: AccessContext,
    content: (RepoPath) -> [UInt8]?
  ) -> [MaskedFile] {
    var masked: [MaskedFile] = []
    for path in candidates {
      let folded = FoldedPath(path.bytes)
      if let denial = layerDenial(folded, "deny_read", of: { $0.denyRead }) {
        masked.append(MaskedFile(path: path, rule: denial.rules[0]))
      } else if let secret = shippedSecret(path, folded, content: { content(path) }) {
        masked.append(MaskedFile(path: path, rule: secret.rule))
      }
    }
    return masked
  }
}

extension BuiltInRules: CustomStringConvertible {
  /// The digest: the compiled rules would fill pages.
  public var description: String { "BuiltInRules(\(digest))" }
}

// MARK: - Files

extension BuiltInRules {
  private func decideRead(_ file: Resource.File) -> Decision {
    let folded = FoldedPath(file.path.bytes)
    if let denial = layerDenial(folded, "deny_read", of: { $0.denyRead }) {
      return deny(denial.rules, "\(file.path) cannot be read: \(denial.reason)", paths: [file.path])
    }
    if let secret = shippedSecret(file.path, folded, content: { file.content }) {
      return deny([secret.rule], "\(file.path) cannot be read: \(secret.reason)", paths: [file.path])
    }
    return permit(.workspaceFiles, "files of the workspace can be read")
  }

  private func decideWrite(_ file: Resource.File, _ action: Action) -> Decision {
    let folded = FoldedPath(file.path.bytes)
    if let denial = layerDenial(folded, "deny_write", of: { $0.denyWrite }) {
      return deny(denial.rules, "\(file.path) cannot be changed: \(denial.reason)", paths: [file.path])
    }
    if shipped.isGitInternal(folded) {
      return deny([.gitInternals], "\(file.path) cannot be changed: it belongs to git itself", paths: [file.path])
    }
    return permit(.workspaceFiles, "files of the workspace can be changed")
  }

  private func decideDelivery(_ change: Resource.Delivery, isApproved: Bool) -> Decision {
    var denied: [(path: RepoPath, rules: [RuleID], reason: String)] = []
    var waiting: [(path: RepoPath, rules: [RuleID], reason: String)] = []
    for path in change.paths {
      let folded = FoldedPath(path.bytes)
      if let denial = layerDenial(folded, "deny_write", of: { $0.denyWrite }) {
        denied.append((path, denial.rules, denial.reason))
      } else if shipped.isGitInternal(folded) {
        denied.append((path, [.gitInternals], "it belongs to git itself"))
      } else if let wait = layerDenial(folded, "approve_delivery", of: { $0.approveDelivery }) {
        waiting.append((path, wait.rules, wait.reason))
      } else if let protection = shippedProtection(path, folded) {
        waiting.append((path, [protection.rule], protection.reason))
      }
    }
    if let first = denied.first {
      return deny(
        unique(denied.flatMap(\.rules)), "the change cannot be delivered: \(list(denied.map(\.path))): \(first.reason)",
        paths: denied.map(\.path))
    }
    guard let first = waiting.first else { return permit(.delivery, "nothing in the change is protected") }
    let rules = unique(waiting.flatMap(\.rules))
    let paths = waiting.map(\.path)
    if isApproved {
      return Decision(
        outcome: .permit, rules: rules, reason: "a person has approved the change of \(list(paths))", paths: paths,
        policyDigest: digest)
    }
    return Decision(
      outcome: .needsApproval, rules: rules,
      reason: "the change of \(list(paths)) needs a person's approval: \(first.reason)", paths: paths,
      policyDigest: digest)
  }

  private func shippedSecret(
    _ path: RepoPath, _ folded: FoldedPath, content: () -> [UInt8]?
  ) -> (rule: RuleID, reason: String)? {
    guard let secret = shipped.secret(folded), !isGranted(path, by: { $0.allowRead }) else { return nil }
    switch secret.kind {
    case .place:
      return (.secretFiles, "\(secret.pattern) is a usual place of secrets")
    case .keyStore:
      return (.secretFiles, "\(secret.pattern) is a usual name of key stores")
    case .keyFile:
      guard let content = content() else { return (.secretFiles, "\(secret.pattern) may hold a private key") }
      return ShippedRules.holdsPrivateKey(content) ? (.secretFiles, "it holds a private key") : nil
    case .tokenFile:
      guard let content = content() else { return (.secretFiles, "\(secret.pattern) may hold a token") }
      return ShippedRules.holdsToken(content) ? (.secretFiles, "it holds a token or a password") : nil
    }
  }

  private func shippedProtection(_ path: RepoPath, _ folded: FoldedPath) -> (rule: RuleID, reason: String)? {
    if isGranted(path, by: { $0.allowDelivery }) { return nil }
    if let pattern = shipped.protection(of: folded) {
      return (.protectedNames, "\(pattern) steers agents, editors, hooks or automation")
    }
    if let secret = shipped.secret(folded), secret.kind == .place {
      return (.secretFiles, "\(secret.pattern) is a usual place of secrets")
    }
    return nil
  }

  private func isGranted(_ path: RepoPath, by patterns: (CompiledGrants) -> [Glob]) -> Bool {
    grants.contains { patterns($0).contains { $0.matches(path.bytes) } }
  }

  /// All layers whose patterns meet a path.
  private func layerDenial(
    _ path: FoldedPath, _ member: String, of patterns: (CompiledLayer) -> GlobSet
  ) -> (rules: [RuleID], reason: String)? {
    var rules: [RuleID] = []
    var reason = ""
    for layer in layers {
      let patterns = patterns(layer)
      guard !patterns.isEmpty, let index = patterns.firstMatch(path) else { continue }
      if rules.isEmpty { reason = "\(layer.possessive) \(member) names \(quote(patterns.patterns[index]))" }
      rules.append(layer.rule(member))
    }
    return rules.isEmpty ? nil : (rules, reason)
  }
}

// MARK: - Commands, connections, models, spending

extension BuiltInRules {
  private func decideExecute(_ command: Resource.Command) -> Decision {
    let denying = layers.filter { $0.denyExecute.contains { $0.matches(command) } }
    guard let first = denying.first else { return permit(.sandboxedCommands, "programs can be started in the sandbox") }
    return deny(
      denying.map { $0.rule("deny_execute") },
      "\(Quoting.quote(command.program)) cannot be started: \(first.possessive) deny_execute names it")
  }

  private func decideConnect(_ host: Resource.Host) -> Decision {
    let name = "\(quote(host.name)), port \(host.port),"
    var rules: [RuleID] = []
    var reason = ""
    for layer in layers {
      let isDenied = layer.denyHosts.contains { $0.matches(host) }
      let isLeftOut = layer.onlyHosts.map { !$0.contains { $0.matches(host) } } ?? false
      guard isDenied || isLeftOut else { continue }
      let member = isDenied ? "deny_hosts" : "only_hosts"
      if rules.isEmpty {
        reason = "\(name) cannot be connected to: \(layer.possessive) \(member) \(isDenied ? "names" : "leaves out") it"
      }
      rules.append(layer.rule(member))
    }
    if !rules.isEmpty { return deny(rules, reason) }
    for layer in grants where layer.allowHosts.contains(where: { $0.matches(host) }) {
      return permit(layer.rule("allow_hosts"), "the configuration names this host")
    }
    return deny([.networkOff], "\(name) cannot be connected to: the network is off, and allow_hosts does not name it")
  }

  private func decideModel(_ model: Resource.Model) -> Decision {
    let name = quote("\(model.provider)/\(model.name)")
    let staysInside = model.isLocal && model.endpoint == nil
    var rules: [RuleID] = []
    var reason = ""
    for layer in layers {
      let isDenied = layer.denyModels.contains { $0.matches(model) }
      // A list of models says where code may be sent; it does not speak of one that sends nothing.
      let isLeftOut = !staysInside && layer.onlyModels.map { !$0.contains { $0.matches(model) } } ?? false
      guard isDenied || isLeftOut else { continue }
      let member = isDenied ? "deny_models" : "only_models"
      if rules.isEmpty {
        reason = "\(name) cannot be called: \(layer.possessive) \(member) \(isDenied ? "names" : "leaves out") it"
      }
      rules.append(layer.rule(member))
    }
    if !rules.isEmpty { return deny(rules, reason) }
    if staysInside { return permit(.builtInModel, "nothing leaves this process") }
    if chosenModel == "\(model.provider)/\(model.name)" {
      return permit(.chosenModel, "this model was chosen for the run")
    }
    for layer in grants where layer.allowModels.contains(where: { $0.matches(model) }) {
      return permit(layer.rule("allow_models"), "the configuration names this model")
    }
    return deny([.nothingPermits], "\(name) cannot be called: nobody chose it for this run")
  }

  private func decideSpending(_ amount: Resource.Spending) -> Decision {
    var rules: [RuleID] = []
    var reason = ""
    for layer in layers {
      if let most = layer.restrictions.maximumMicrodollars, amount.microdollars > most {
        if rules.isEmpty { reason = "the run would cost more than \(layer.possessive) maximum_cost" }
        rules.append(layer.rule("maximum_cost"))
      }
      if let most = layer.restrictions.maximumTokens, amount.tokens > most {
        if rules.isEmpty { reason = "the run would use more than \(layer.possessive) maximum_tokens" }
        rules.append(layer.rule("maximum_tokens"))
      }
    }
    return rules.isEmpty ? permit(.spending, "it stays within every bound") : deny(rules, reason)
  }
}

// MARK: - Answers

extension BuiltInRules {
  private func permit(_ rule: RuleID, _ reason: String) -> Decision {
    Decision(outcome: .permit, rules: [rule], reason: reason, policyDigest: digest)
  }

  private func deny(_ rules: [RuleID], _ reason: String, paths: [RepoPath] = []) -> Decision {
    Decision(outcome: .deny, rules: rules, reason: reason, paths: paths, policyDigest: digest)
  }

  /// Text from patterns and requests can be hostile: it reaches terminals only in quoted form.
  private func quote(_ text: String) -> String { Quoting.quote(Array(text.utf8)) }

  private func list(_ paths: [RepoPath]) -> String {
    let shown = paths.prefix(3).map(\.quoted).joined(separator: ", ")
    return paths.count > 3 ? "\(shown) and \(paths.count - 3) more" : shown
  }

  private func unique(_ rules: [RuleID]) -> [RuleID] {
    var seen: Set<RuleID> = []
    return rules.filter { seen.insert($0).inserted }
  }
}

extension CompiledLayer {
  var possessive: String { "the \(name.rawValue)'s" }
}

/// The shipped rules by name.
extension RuleID {
  static let nothingPermits = RuleID(rawValue: "shipped/deny-by-default")
  static let workspaceFiles = RuleID(rawValue: "shipped/workspace-files")
  static let secretFiles = RuleID(rawValue: "shipped/secret-files")
  static let gitInternals = RuleID(rawValue: "shipped/git-internals")
  static let protectedNames = RuleID(rawValue: "shipped/protected-names")
  static let delivery = RuleID(rawValue: "shipped/delivery")
  static let sandboxedCommands = RuleID(rawValue: "shipped/sandboxed-commands")
  static let networkOff = RuleID(rawValue: "shipped/network-off")
  static let builtInModel = RuleID(rawValue: "shipped/built-in-model")
  static let chosenModel = RuleID(rawValue: "shipped/chosen-model")
  static let spending = RuleID(rawValue: "shipped/spending")
}
