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
