import Cedar
import Paths

/// Decides by Cedar policies: those that ship, and those of three layers on top of them.
///
/// Deny by default, and any satisfied `forbid` denies. On top of Cedar's own semantics nothing is skipped: a `forbid` that
/// errs while it is evaluated denies, and policies that do not validate against ``PolicySchema`` are never put in force.
/// A request that is denied, but would be permitted with `context.approved`, needs approval.
public struct CedarAuthorizer: Authorizer {
  /// The digest of all policies, labels, settings and the chosen models.
  public let digest: String
  /// Which labels files have.
  public let fileLabels: FileLabels
  /// True when no policy of a file is in force: those that ship and those of settings look at labels alone.
  public let readsFollowFromLabels: Bool
  /// The texts of rules about programs, and the patterns of settings.
  public let programNames: [String]?
  /// Whether a policy of a file or a setting permits connections.
  public let permitsConnections: Bool

  private let engine: PolicyEngine
  /// The policies without those that are only recorded; nil when all are enforced.
  private let enforced: PolicyEngine?
  private let world: RequestWorld
  private let hosts: NamedHosts

  /// Puts policies in force.
  public init(_ sources: PolicySources = PolicySources()) throws(PolicyError) {
    let settings = try CompiledSettings(
      organisation: sources.organisation, user: sources.user, repository: sources.repository)
    let loaded = try LoadedPolicies(sources, settings: settings)
    var rules: [(name: LayerName, rules: [LabelRule], file: String)] = []
    for file in sources.labels {
      rules.append((file.layer, try LabelFile.parse(file.text, file: file.name, layer: file.layer), file.name))
    }
    fileLabels = try FileLabels(
      layers: rules, settings: settings.files, grants: settings.grants, owners: sources.owners)
    engine = loaded.engine()
    enforced = sources.loggedLayers.isEmpty ? nil : loaded.engine(without: sources.loggedLayers)
    readsFollowFromLabels = loaded.readsFollowFromLabels
    for model in sources.chosenModels where !model.contains("/") {
      throw PolicyError(layer: nil, setting: "model", pattern: model, reason: "it is not written as provider/name")
    }
    var inside: [HostPattern] = []
    for pattern in sources.internalHosts {
      do throws(GlobError) { inside.append(try HostPattern(pattern)) } catch {
        throw PolicyError(layer: .organisation, setting: "internal_hosts", pattern: pattern, reason: error.reason)
      }
    }
    programNames = loaded.programNames(denied: settings.deniedPrograms)
    permitsConnections = loaded.permitsConnections
    hosts = NamedHosts(
      granted: sources.organisation.grants.allowHosts + sources.user.grants.allowHosts, inside: inside,
      texts: loaded.textsOfConnectPermits)
    world = RequestWorld(
      settings: settings, labels: fileLabels, places: NetworkPlaces(inside: inside),
      chosenModels: Set(sources.chosenModels), named: loaded.paths)
    digest = PolicyDigest.hex(sources, schema: loaded.schemaText)
  }

  /// Answers one question.
  public func decide(_ request: AccessRequest) -> Decision {
    let decision = decide(request, by: engine)
    guard let enforced, decision.outcome != .permit else { return decision }
    let binding = decide(request, by: enforced)
    return binding.outcome == .permit ? decision.unenforced() : binding
  }

  /// A policy in force; nil for a rule that is none, such as the denial of what nothing permits.
  public func policy(_ rule: RuleID) -> PolicyDescription? {
    engine.policies[rule].map {
      PolicyDescription(
        rule: $0.rule, layer: $0.layer, isForbid: $0.effect == .forbid, file: $0.file, line: $0.line,
        reason: $0.reason, text: $0.text)
    }
  }

  /// Whether the rules that permitted a connection name its far end.
  public func names(_ host: Resource.Host, in rules: [RuleID]) -> Bool { hosts.names(host, in: rules) }

  private func decide(_ request: AccessRequest, by engine: PolicyEngine) -> Decision {
    guard request.action.applies(to: request.resource) else {
      return deny(
        [.nothingPermits], "no rule speaks of the action \(request.action.rawValue) on such a thing")
    }
    guard case .delivery(let change) = request.resource else { return decideOne(request, by: engine) }
    return decideDelivery(request, change, by: engine)
  }

  /// A change may go when each of its files may, and the whole of it.
  private func decideDelivery(
    _ request: AccessRequest, _ change: Resource.Delivery, by engine: PolicyEngine
  ) -> Decision {
    var all = change
    for index in all.files.indices where all.files[index].labels == nil {
      all.files[index].labels = fileLabels.labels(of: all.files[index].path, content: all.files[index].content)
    }
    var whole = request
    whole.resource = .delivery(all)
    var decisions = [(path: RepoPath?.none, decision: decideOne(whole, by: engine))]
    for file in all.files {
      var single = request
      single.resource = .file(file)
      decisions.append((file.path, decideOne(single, by: engine)))
    }
    let rank = decisions.map { $0.decision.outcome.strictness }.max() ?? 0
    let deciding = decisions.filter { $0.decision.outcome.strictness == rank }
    let rules = unique(deciding.flatMap(\.decision.rules))
    let paths = deciding.compactMap(\.path)
    guard let first = deciding.first(where: { $0.path != nil }) ?? deciding.first else {
      return deny([.nothingPermits], "nothing was asked for")
    }
    let cause = engine.reason(of: first.decision.rules)
    switch first.decision.outcome {
    case .permit:
      return Decision(outcome: .permit, rules: rules, reason: first.decision.reason, policyDigest: digest)
    case .needsApproval:
      let needed = deciding.map(\.decision.approvals).max() ?? 1
      return Decision(
        outcome: .needsApproval, rules: rules,
        reason: needsApproval(request, paths: paths, needed: needed, cause: cause), paths: paths,
        approvals: needed, policyDigest: digest)
    case .deny:
      let reason =
        first.path == nil || cause == nil
        ? first.decision.reason : "\(RequestText.refusal(request, paths: paths)): \(cause ?? "")"
      return deny(rules, reason, paths: paths)
    }
  }

  private func decideOne(_ request: AccessRequest, by engine: PolicyEngine) -> Decision {
    let request = world.resolved(request)
    var strictest: Decision?
    for reading in world.readings(of: request) {
      let decision = decide(request, reading, by: engine)
      guard let known = strictest else {
        strictest = decision
        continue
      }
      if decision.outcome.strictness > known.outcome.strictness || decision.approvals > known.approvals {
        strictest = decision
      } else if decision.outcome == known.outcome, decision.outcome != .permit {
        strictest = known.joined(by: decision.rules)
      }
    }
    return strictest ?? deny([.nothingPermits], "nothing was asked for")
  }

  /// The most people whose approval is looked for.
  private static let mostApprovals = 4

  private func decide(_ request: AccessRequest, _ reading: Reading, by engine: PolicyEngine) -> Decision {
    let entities = world.entities(of: request, reading)
    let verdict = engine.evaluate(entities, world.context(of: request, reading))
    if let error = verdict.erredForbids.first {
      return deny(
        verdict.erredForbids.map(\.rule),
        "\(RequestText.refusal(request)): \(error.rule) cannot be evaluated: \(error.reason)")
    }
    if verdict.isAllowed {
      let reason = engine.reason(of: verdict.rules) ?? "the policies permit it"
      return Decision(outcome: .permit, rules: verdict.rules, reason: reason, policyDigest: digest)
    }
    if engine.asksForApproval {
      var approved = request
      for number in (request.context.approvals + 1)..<max(request.context.approvals + 2, Self.mostApprovals + 1) {
        approved.context.approvals = number
        let hypothesis = engine.evaluate(entities, world.context(of: approved, reading))
        guard hypothesis.isAllowed, hypothesis.erredForbids.isEmpty else { continue }
        let rules = verdict.rules.isEmpty ? hypothesis.rules : verdict.rules
        return Decision(
          outcome: .needsApproval, rules: rules,
          reason: needsApproval(
            request, paths: [], needed: number, cause: engine.reason(of: rules)),
          approvals: number, policyDigest: digest)
      }
    }
    let refusal = RequestText.refusal(request)
    if verdict.rules.isEmpty {
      return deny([.nothingPermits], "\(refusal): \(Self.nothingPermits(request))", paths: request.paths)
    }
    return deny(
      verdict.rules, "\(refusal): \(engine.reason(of: verdict.rules) ?? "\(verdict.rules[0]) forbids it")",
      paths: request.paths)
  }

  private func needsApproval(_ request: AccessRequest, paths: [RepoPath], needed: Int, cause: String?) -> String {
    "\(RequestText.subject(request, paths: paths)) needs "
      + (needed == 1 ? "a person's approval" : "the approval of \(needed) people") + (cause.map { ": \($0)" } ?? "")
  }

  private static func nothingPermits(_ request: AccessRequest) -> String {
    switch request.action {
    case .connect: "the network is off, and no policy permits this host"
    case .callModel: "nobody chose it for this run"
    default: "no policy permits it"
    }
  }

  private func deny(_ rules: [RuleID], _ reason: String, paths: [RepoPath] = []) -> Decision {
    Decision(outcome: .deny, rules: rules, reason: reason, paths: paths, policyDigest: digest)
  }

  private func unique(_ rules: [RuleID]) -> [RuleID] {
    var seen: Set<RuleID> = []
    return rules.filter { seen.insert($0).inserted }
  }
}

extension CedarAuthorizer: CustomStringConvertible {
  /// The digest: the policies would fill pages.
  public var description: String { "CedarAuthorizer(\(digest))" }
}

extension Decision.Outcome {
  var strictness: Int {
    switch self {
    case .permit: 0
    case .needsApproval: 1
    case .deny: 2
    }
  }
}

extension AccessRequest {
  fileprivate var paths: [RepoPath] {
    if case .file(let file) = resource { [file.path] } else { [] }
  }
}

extension Action {
  /// Whether the schema lets this action act upon such a thing.
  func applies(to resource: Resource) -> Bool {
    switch (self, resource) {
    case (.read, .file), (.write, .file), (.delete, .file), (.execute, .command), (.connect, .host),
      (.callModel, .model), (.deliverApply, .delivery), (.deliverBranch, .delivery), (.deliverPatch, .delivery),
      (.spend, .spending), (.callTool, .tool):
      true
    default: false
    }
  }
}

extension RuleID {
  /// What decides when no policy does.
  static let nothingPermits = RuleID(rawValue: "shipped/deny-by-default")
}
