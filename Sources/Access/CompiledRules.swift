import Paths

/// A layer's restrictions, ready to be asked.
struct CompiledLayer: Sendable {
  let name: LayerName
  let restrictions: Restrictions
  let denyRead: GlobSet
  let denyWrite: GlobSet
  let approveDelivery: GlobSet
  let denyExecute: [ProgramPattern]
  let denyHosts: [HostPattern]
  let onlyHosts: [HostPattern]?
  let denyModels: [ModelPattern]
  let onlyModels: [ModelPattern]?

  init(_ name: LayerName, _ restrictions: Restrictions) throws(PolicyError) {
    let compiler = PatternCompiler(layer: name)
    self.name = name
    self.restrictions = restrictions
    denyRead = try compiler.globs(restrictions.denyRead, "deny_read")
    denyWrite = try compiler.globs(restrictions.denyWrite, "deny_write")
    approveDelivery = try compiler.globs(restrictions.approveDelivery, "approve_delivery")
    denyExecute = try compiler.each(restrictions.denyExecute, "deny_execute") { pattern throws(GlobError) in
      try ProgramPattern(pattern)
    }
    denyHosts = try compiler.hosts(restrictions.denyHosts, "deny_hosts")
    onlyHosts =
      if let hosts = restrictions.onlyHosts { try compiler.hosts(hosts, "only_hosts") } else { nil }
    denyModels = try compiler.models(restrictions.denyModels, "deny_models")
    onlyModels =
      if let models = restrictions.onlyModels { try compiler.models(models, "only_models") } else { nil }
    // A bound below nothing is a slip of the pen, not a way to forbid spending.
    for (member, value) in [
      ("maximum_cost", restrictions.maximumMicrodollars), ("maximum_tokens", restrictions.maximumTokens),
    ] {
      if let value, value < 0 {
        throw PolicyError(layer: name, member: member, pattern: String(value), reason: "it is negative")
      }
    }
  }

  func rule(_ member: String) -> RuleID { RuleID(rawValue: "\(name.rawValue)/\(member)") }
}

/// The grants of a layer, ready to be asked.
struct CompiledGrants: Sendable {
  let name: LayerName
  let allowRead: [Glob]
  let allowDelivery: [Glob]
  let allowHosts: [HostPattern]
  let allowModels: [ModelPattern]

  init(_ name: LayerName, _ grants: Grants) throws(PolicyError) {
    let compiler = PatternCompiler(layer: name)
    self.name = name
    allowRead = try compiler.each(grants.allowRead, "allow_read") { pattern throws(GlobError) in try Glob(pattern) }
    allowDelivery = try compiler.each(grants.allowDelivery, "allow_delivery") { pattern throws(GlobError) in
      try Glob(pattern)
    }
    allowHosts = try compiler.hosts(grants.allowHosts, "allow_hosts")
    allowModels = try compiler.models(grants.allowModels, "allow_models")
  }

  func rule(_ member: String) -> RuleID { RuleID(rawValue: "\(name.rawValue)/\(member)") }
}

/// Compiles patterns, and says where one stood that cannot be.
private struct PatternCompiler {
  let layer: LayerName

  func globs(_ patterns: [String], _ member: String) throws(PolicyError) -> GlobSet {
    // One by one first, so that the error names the pattern.
    _ = try each(patterns, member) { pattern throws(GlobError) in try Glob(pattern, syntax: .pathIgnoringCase) }
    do throws(GlobError) {
      return try GlobSet(patterns)
    } catch {
      throw PolicyError(layer: layer, member: member, pattern: error.pattern, reason: error.reason)
    }
  }

  func hosts(_ patterns: [String], _ member: String) throws(PolicyError) -> [HostPattern] {
    try each(patterns, member) { pattern throws(GlobError) in try HostPattern(pattern) }
  }

  func models(_ patterns: [String], _ member: String) throws(PolicyError) -> [ModelPattern] {
    try each(patterns, member) { pattern throws(GlobError) in try ModelPattern(pattern) }
  }

  func each<Compiled>(
    _ patterns: [String], _ member: String, _ compile: (String) throws(GlobError) -> Compiled
  ) throws(PolicyError) -> [Compiled] {
    var result: [Compiled] = []
    for pattern in patterns {
      do throws(GlobError) {
        result.append(try compile(pattern))
      } catch {
        throw PolicyError(layer: layer, member: member, pattern: pattern, reason: error.reason)
      }
    }
    return result
  }
}

/// The shipped path rules, ready to be asked.
struct CompiledShippedRules: Sendable {
  /// What a hidden file's rule says about it.
  enum Secret {
    case place
    case keyStore
    case keyFile
    case tokenFile
  }

  private let secrets: GlobSet
  private let examples: GlobSet
  private let tests: GlobSet
  private let protected: GlobSet
  private let internals: GlobSet

  static let shared: CompiledShippedRules? = try? CompiledShippedRules()

  init() throws(GlobError) {
    secrets = try GlobSet(
      ShippedRules.secretFiles + ShippedRules.keyStores + ShippedRules.keyFiles + ShippedRules.tokenFiles)
    examples = try GlobSet(ShippedRules.secretFileExamples)
    tests = try GlobSet(ShippedRules.testDirectories)
    protected = try GlobSet(ShippedRules.protectedNames)
    internals = try GlobSet(ShippedRules.gitInternals)
  }

  func isGitInternal(_ path: FoldedPath) -> Bool { internals.firstMatch(path) != nil }

  /// The pattern that protects a path.
  func protection(of path: FoldedPath) -> String? { protected.firstMatch(path).map { protected.patterns[$0] } }

  /// The pattern that makes a path secret by its name, and what kind of secret that is.
  func secret(_ path: FoldedPath) -> (kind: Secret, pattern: String)? {
    guard let index = secrets.firstMatch(path) else { return nil }
    let pattern = secrets.patterns[index]
    let stores = ShippedRules.secretFiles.count
    let keys = stores + ShippedRules.keyStores.count
    let tokens = keys + ShippedRules.keyFiles.count
    if index < stores { return examples.firstMatch(path) == nil ? (.place, pattern) : nil }
    if index >= tokens { return (.tokenFile, pattern) }
    if tests.firstMatch(path) != nil { return nil }
    return (index < keys ? .keyStore : .keyFile, pattern)
  }
}
