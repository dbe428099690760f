import Cedar

/// What the sandbox has to know of the rules before it can ask about single programs and connections.
extension LoadedPolicies {
  /// The names of programs that rules beyond what ships may speak of; nil when no such rule is about programs.
  func programNames(denied: [String]) -> [String]? {
    let rules = policies.filter { $0.layer != .shipped && $0.policy.mayBeAbout(.execute) }.map(\.policy)
    if rules.isEmpty { return nil }
    let texts = rules.reduce(into: Set(denied)) { $0.formUnion($1.texts) }
    // Whatever could be a program's name or path: a name that no program has costs a look.
    return texts.filter { text in
      !text.isEmpty && text.utf8.count <= 255 && !text.utf8.contains { $0 <= 0x20 || $0 == UInt8(ascii: "*") }
    }.sorted()
  }

  /// Whether a policy beyond what ships permits connections.
  var permitsConnections: Bool { !connectPermits.isEmpty }

  /// What the policies that permit connections compare with, by their rules.
  var textsOfConnectPermits: [RuleID: Set<String>] {
    Dictionary(connectPermits.map { (RuleID(rawValue: $0.id), $0.texts) }) { $0.union($1) }
  }

  private var connectPermits: [Policy] {
    policies.filter { $0.layer != .shipped && $0.policy.effect == .permit && $0.policy.mayBeAbout(.connect) }.map(
      \.policy)
  }
}

extension Policy {
  /// Whether the scope holds for an action.
  fileprivate func mayBeAbout(_ action: Action) -> Bool {
    let named = actionsNamed
    if named.isEmpty { return true }
    return ([action.rawValue] + action.groups).contains { named.contains(EntityUID(type: "Action", id: $0)) }
  }
}

/// Which hosts are named one by one, so that they may be reached where they are private, too.
struct NamedHosts: Sendable {
  private let granted: [HostPattern]
  private let inside: [HostPattern]
  private let texts: [RuleID: Set<String>]

  init(granted: [String], inside: [HostPattern], texts: [RuleID: Set<String>]) {
    // A name stands for whatever it resolves to, which is in others' hands; an address stands for itself.
    self.granted = granted.compactMap { try? HostPattern($0) }.filter { !$0.isGeneral }
    self.inside = inside
    self.texts = texts
  }

  func names(_ host: Resource.Host, in rules: [RuleID]) -> Bool {
    if inside.contains(where: { $0.matches(host) }) { return true }
    let name = PathTexts.hostName(host.name)
    guard name == "localhost" || IPAddress(name) != nil else { return false }
    return granted.contains { $0.matches(host) } || rules.contains { texts[$0]?.contains(name) ?? false }
  }
}
