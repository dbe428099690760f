public import Paths

/// Which labels a file has: by its path, by its owners, by what it holds.
///
/// Paths compare without case and under every spelling that some file system takes for the same. What a file holds may be
/// unknown: then it has every label that its content could give it, so that a file nobody has looked into is not taken for
/// harmless.
public struct FileLabels: Sendable {
  private let shipped: CompiledShippedRules
  private let paths: [(label: String, patterns: GlobSet)]
  private let owned: [String: [String]]
  private let contents: [(test: Int, place: GlobSet?, labels: [String])]
  /// Labels of the settings that lift what ships.
  private let grants: [(label: String, patterns: [Glob])]
  /// Who owns what, from the committed base.
  public let owners: CodeOwners
  /// What is looked for in contents: bit i of a ``Findings`` is the i-th.
  let tests: [ContentTest]

  /// What is known of a file's content: a bit for each test that was made, and one for each that succeeded.
  public struct Findings: Sendable, Hashable {
    /// The tests that were made.
    public var made: UInt64
    /// Those of them that found something.
    public var found: UInt64

    /// What is known.
    public init(made: UInt64, found: UInt64) {
      self.made = made
      self.found = found
    }

    /// Nobody has looked.
    public static let none = Findings(made: 0, found: 0)
  }

  init(
    layers: [(name: LayerName, rules: [LabelRule], file: String)], settings: [(label: String, patterns: GlobSet)],
    grants: [(label: String, patterns: [Glob])], owners: CodeOwners
  ) throws(PolicyError) {
    guard let shipped = CompiledShippedRules.shared else {
      throw PolicyError(layer: nil, file: "shipped rules", reason: "they cannot be compiled")
    }
    self.shipped = shipped
    self.owners = owners
    self.grants = grants
    var patterns: [String: [String]] = [:]
    var owned: [String: [String]] = [:]
    var tests: [ContentTest] = [.privateKey, .credentials]
    var contents: [(test: Int, place: GlobSet?, labels: [String])] = []
    for layer in layers {
      for rule in layer.rules {
        func fail(_ reason: String) -> PolicyError {
          PolicyError(layer: layer.name, file: layer.file, line: rule.line, reason: reason)
        }
        let labels = layer.name == .repository ? rule.labels.map { Label.claimMark + $0 } : rule.labels
        switch rule.condition {
        case .path(let pattern):
          for label in labels { patterns[label, default: []].append(pattern) }
        case .owner(let owner):
          owned[owner.lowercased(), default: []] += labels
        case .content(let test, let place):
          let index = tests.firstIndex(of: test) ?? tests.count
          if index == tests.count { tests.append(test) }
          guard tests.count <= 64 else { throw fail("there are more than 62 different texts to look for") }
          do throws(GlobError) {
            contents.append((index, try place.map { pattern throws(GlobError) in try GlobSet([pattern]) }, labels))
          } catch { throw fail("\(error)") }
        }
      }
    }
    var paths = settings
    for (label, patterns) in patterns.sorted(by: { $0.key < $1.key }) {
      do throws(GlobError) { paths.append((label, try GlobSet(patterns))) } catch {
        throw PolicyError(layer: nil, file: "label \(label)", reason: "\(error)")
      }
    }
    self.paths = paths
    self.owned = owned
    self.tests = tests
    self.contents = contents
  }

  /// True when every file's content may bear on its labels.
  public var looksIntoAllFiles: Bool { contents.contains { $0.place == nil } }

  /// Names what the bits of ``Findings`` mean: findings that were kept count only under the same name.
  public var testsDigest: String {
    PolicyDigest.hex(tests.flatMap { Array("\($0)\n".utf8) } + Array("\(ShippedRules.version)".utf8))
  }

  /// The labels of a file.
  /// - Parameter content: all that it holds; nil when that is unknown.
  public func labels(of path: RepoPath, content: [UInt8]?) -> Set<String> {
    guard let content else { return labels(of: path, findings: .none) }
    let wanted = testsFor(path)
    return labels(of: path, findings: wanted == 0 ? .none : look(into: content, for: wanted))
  }

  /// The labels of a file of whose content this is known.
  public func labels(of path: RepoPath, findings: Findings) -> Set<String> {
    let folded = FoldedPath(path.bytes)
    var labels: Set<String> = []
    func mayHold(_ test: Int) -> Bool { (findings.made & ~findings.found) >> UInt64(test) & 1 == 0 }
    if shipped.isGitInternal(folded) { labels.insert(Label.gitInternal) }
    let secret = shipped.secret(folded)
    if let secret {
      switch secret.kind {
      case .place, .keyStore: labels.insert(Label.secret)
      case .keyFile: if mayHold(Self.privateKeyTest) { labels.insert(Label.secret) }
      case .tokenFile: if mayHold(Self.credentialsTest) { labels.insert(Label.secret) }
      }
    }
    if shipped.protection(of: folded) != nil || secret?.kind == .place { labels.insert(Label.protected) }
    for (label, patterns) in grants where patterns.contains(where: { $0.matches(path.bytes) }) { labels.insert(label) }
    for (label, patterns) in paths where patterns.firstMatch(folded) != nil { labels.insert(label) }
    if !owned.isEmpty {
      for owner in owners.owners(path.bytes, folded) { labels.formUnion(owned[owner] ?? []) }
    }
    for rule in contents where mayHold(rule.test) && (rule.place?.firstMatch(folded) != nil || rule.place == nil) {
      labels.formUnion(rule.labels)
    }
    return labels
  }

  /// Whether a look at its content could take a label off this file.
  public func needsContent(of path: RepoPath) -> Bool { testsFor(path) != 0 }

  /// The tests whose result bears on this file, a bit for each.
  public func testsFor(_ path: RepoPath) -> UInt64 {
    let folded = FoldedPath(path.bytes)
    var wanted: UInt64 = 0
    switch shipped.secret(folded)?.kind {
    case .keyFile: wanted |= 1 << UInt64(Self.privateKeyTest)
    case .tokenFile: wanted |= 1 << UInt64(Self.credentialsTest)
    default: break
    }
    for rule in contents where rule.place?.firstMatch(folded) != nil || rule.place == nil {
      wanted |= 1 << UInt64(rule.test)
    }
    return wanted
  }

  /// Makes the tests of `wanted`.
  public func look(into content: [UInt8], for wanted: UInt64) -> Findings {
    var found: UInt64 = 0
    for (index, test) in tests.enumerated() where wanted >> UInt64(index) & 1 == 1 && test.holds(content) {
      found |= 1 << UInt64(index)
    }
    return Findings(made: wanted, found: found)
  }

  private static let privateKeyTest = 0
  private static let credentialsTest = 1
}
