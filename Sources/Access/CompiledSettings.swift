import Paths

/// The lists of the configuration files, made into labels and policies: there is one language of decisions.
///
/// A list becomes a label of its own name, such as `user/deny_read`, on everything that it names, and a policy that
/// speaks of the label.
struct CompiledSettings: Sendable {
  /// Labels of files.
  private(set) var files: [(label: String, patterns: GlobSet)] = []
  private(set) var programs: [(label: String, patterns: [ProgramPattern])] = []
  private(set) var hosts: [(label: String, patterns: [HostPattern])] = []
  private(set) var models: [(label: String, patterns: [ModelPattern])] = []
  /// Files that what ships would hide or protect, and need not: these patterns compare case.
  private(set) var grants: [(label: String, patterns: [Glob])] = []
  /// The programs that settings deny, as they are written.
  private(set) var deniedPrograms: [String] = []
  /// The policies of each layer, as text.
  private(set) var policies: [(layer: LayerName, text: String)] = []

  init(
    organisation: PolicyLayer, user: PolicyLayer, repository: Restrictions
  ) throws(PolicyError) {
    try add(.organisation, organisation)
    try add(.user, user)
    try add(.repository, PolicyLayer(restrictions: repository))
  }

  private mutating func add(_ name: LayerName, _ layer: PolicyLayer) throws(PolicyError) {
    var compiler = SettingsCompiler(layer: name)
    let rules = layer.restrictions
    if let set = try compiler.globs(rules.denyRead, "deny_read") {
      files.append(set)
      compiler.forbid("deny_read", #"action == Action::"read", resource is File"#)
    }
    if let set = try compiler.globs(rules.denyWrite, "deny_write") {
      files.append(set)
      compiler.forbid("deny_write", #"action in [Action::"edit", Action::"deliver"], resource is File"#)
    }
    if let set = try compiler.globs(rules.approveDelivery, "approve_delivery") {
      files.append(set)
      compiler.forbid(
        "approve_delivery", #"action in Action::"deliver", resource is File"#, unless: "context.approved")
    }
    if let set = try compiler.each(rules.denyExecute, "deny_execute", ProgramPattern.init) {
      programs.append(set)
      deniedPrograms += rules.denyExecute
      compiler.forbid("deny_execute", #"action == Action::"execute", resource is Command"#)
    }
    let connect = #"action == Action::"connect", resource is Host"#
    if let set = try compiler.each(rules.denyHosts, "deny_hosts", HostPattern.init) {
      hosts.append(set)
      compiler.forbid("deny_hosts", connect)
    }
    if let only = rules.onlyHosts {
      if let set = try compiler.each(only, "only_hosts", HostPattern.init) { hosts.append(set) }
      compiler.forbidOthers("only_hosts", connect)
    }
    let call = #"action == Action::"callModel", resource is Model"#
    if let set = try compiler.each(rules.denyModels, "deny_models", ModelPattern.init) {
      models.append(set)
      compiler.forbid("deny_models", call)
    }
    if let only = rules.onlyModels {
      if let set = try compiler.each(only, "only_models", ModelPattern.init) { models.append(set) }
      // A list of models says where code may be sent; it does not speak of one that sends nothing.
      compiler.forbidOthers("only_models", call, when: "!resource.isBuiltIn")
    }
    try compiler.bound(rules.maximumMicrodollars, "maximum_cost", "microdollars", "the run has cost more than")
    try compiler.bound(rules.maximumTokens, "maximum_tokens", "tokens", "the run has used more than")
    let grants = layer.grants
    for (patterns, setting) in [(grants.allowRead, "allow_read"), (grants.allowDelivery, "allow_delivery")] {
      if let set = try compiler.each(patterns, setting, { pattern throws(GlobError) in try Glob(pattern) }) {
        self.grants.append(set)
      }
    }
    if let set = try compiler.each(grants.allowHosts, "allow_hosts", HostPattern.init) {
      hosts.append(set)
      compiler.permit("allow_hosts", connect)
    }
    if let set = try compiler.each(grants.allowModels, "allow_models", ModelPattern.init) {
      models.append(set)
      compiler.permit("allow_models", call)
    }
    if !compiler.text.isEmpty { policies.append((name, compiler.text)) }
  }

  func labels(of command: Resource.Command) -> [String] {
    programs.filter { $0.patterns.contains { $0.matches(command) } }.map(\.label)
  }

  func labels(of host: Resource.Host) -> [String] {
    hosts.filter { $0.patterns.contains { $0.matches(host) } }.map(\.label)
  }

  func labels(of model: Resource.Model) -> [String] {
    models.filter { $0.patterns.contains { $0.matches(model) } }.map(\.label)
  }
}

/// Compiles one layer's lists, and says where a pattern stood that cannot be.
private struct SettingsCompiler {
  let layer: LayerName
  private(set) var text = ""

  init(layer: LayerName) { self.layer = layer }

  func globs(_ patterns: [String], _ setting: String) throws(PolicyError) -> (label: String, patterns: GlobSet)? {
    if patterns.isEmpty { return nil }
    // One by one first, so that the error names the pattern.
    _ = try each(patterns, setting) { pattern throws(GlobError) in try Glob(pattern, syntax: .pathIgnoringCase) }
    do throws(GlobError) {
      return (label(setting), try GlobSet(patterns))
    } catch {
      throw PolicyError(layer: layer, setting: setting, pattern: error.pattern, reason: error.reason)
    }
  }

  func each<Compiled>(
    _ patterns: [String], _ setting: String, _ compile: (String) throws(GlobError) -> Compiled
  ) throws(PolicyError) -> (label: String, patterns: [Compiled])? {
    if patterns.isEmpty { return nil }
    var result: [Compiled] = []
    for pattern in patterns {
      do throws(GlobError) {
        result.append(try compile(pattern))
      } catch {
        throw PolicyError(layer: layer, setting: setting, pattern: pattern, reason: error.reason)
      }
    }
    return (label(setting), result)
  }

  mutating func forbid(_ setting: String, _ scope: String, unless: String? = nil) {
    add("forbid", setting, scope, reason: "the \(layer.rawValue)'s \(setting) names it")
    text += "when { \(mark(setting)) }" + (unless.map { " unless { \($0) }" } ?? "") + ";\n"
  }

  mutating func forbidOthers(_ setting: String, _ scope: String, when: String? = nil) {
    add("forbid", setting, scope, reason: "the \(layer.rawValue)'s \(setting) leaves it out")
    text += (when.map { "when { \($0) } " } ?? "") + "unless { \(mark(setting)) };\n"
  }

  mutating func permit(_ setting: String, _ scope: String) {
    add("permit", setting, scope, reason: "the \(layer.rawValue)'s \(setting) names it")
    text += "when { \(mark(setting)) };\n"
  }

  mutating func bound(
    _ most: Int64?, _ setting: String, _ attribute: String, _ words: String
  ) throws(PolicyError) {
    guard let most else { return }
    // A bound below nothing is a slip of the pen, not a way to forbid spending.
    guard most >= 0 else {
      throw PolicyError(layer: layer, setting: setting, pattern: String(most), reason: "it is negative")
    }
    add(
      "forbid", setting, #"action == Action::"spend", resource is Spending"#,
      reason: "\(words) the \(layer.rawValue)'s \(setting)")
    text += "when { resource.\(attribute) > \(most) };\n"
  }

  private func label(_ setting: String) -> String { "\(layer.rawValue)/\(setting)" }

  private func mark(_ setting: String) -> String { "resource.labels.contains(\"\(label(setting))\")" }

  private mutating func add(_ effect: String, _ setting: String, _ scope: String, reason: String) {
    text += "@id(\"\(label(setting))\")\n@reason(\"\(reason)\")\n\(effect) (principal, \(scope))\n"
  }
}
