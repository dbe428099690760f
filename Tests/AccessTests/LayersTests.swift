import Access
import Paths
import TestSupport
import Testing

/// Whatever a repository's layer says, no answer becomes more generous by it.
@Suite struct LayersTests {
  private static let patterns = [
    "*", "**", "a", "*.env", ".env", "src/**", "!a", "tests/", "{a,b}", "[a-z]*", ".github/", "b/**/c", "?", ".*",
  ]
  private static let hosts = ["*", "h.example", "*.example", "h.example:443", "other"]
  private static let models = ["*", "openai", "openai/*", "openai/m", "*/m", "builtin"]
  private static let programs = ["*", "make", "/usr/bin/*", "c*"]

  private static func some(_ from: [String], _ random: inout Seeded) -> [String] {
    (0..<Int.random(in: 0...3, using: &random)).map { _ in from.randomElement(using: &random) ?? "a" }
  }

  private static func restrictions(_ random: inout Seeded) -> Restrictions {
    var rules = Restrictions()
    rules.denyRead = some(patterns, &random)
    rules.denyWrite = some(patterns, &random)
    rules.approveDelivery = some(patterns, &random)
    rules.denyExecute = some(programs, &random)
    rules.denyHosts = some(hosts, &random)
    if Bool.random(using: &random) { rules.onlyHosts = some(hosts, &random) }
    rules.denyModels = some(models, &random)
    if Bool.random(using: &random) { rules.onlyModels = some(models, &random) }
    if Bool.random(using: &random) { rules.maximumMicrodollars = Int64.random(in: 0...10, using: &random) }
    if Bool.random(using: &random) { rules.maximumTokens = Int64.random(in: 0...10, using: &random) }
    return rules
  }

  private static func layer(_ random: inout Seeded) -> PolicyLayer {
    var layer = PolicyLayer()
    if Bool.random(using: &random) { layer.restrictions = restrictions(&random) }
    layer.grants.allowRead = some(patterns, &random)
    layer.grants.allowDelivery = some(patterns, &random)
    layer.grants.allowHosts = some(hosts, &random)
    layer.grants.allowModels = some(models, &random)
    return layer
  }

  private static func request(_ random: inout Seeded) -> AccessRequest {
    let names = [
      "a", "b/x/c", ".env", "src/x.pem", ".github/workflows/w.yml", "tests/k.key", ".git/config", "z", ".npmrc",
    ]
    func path() -> RepoPath { RepoPath(names.randomElement(using: &random) ?? "a") ?? .root }
    let action = Action.allCases.randomElement(using: &random) ?? .read
    let resource: Resource =
      switch action {
      case .read, .write, .delete: .file(.init(path: path(), content: Bool.random(using: &random) ? [1, 2] : nil))
      case .execute: .command(.init(program: Array("/usr/bin/make".utf8), arguments: []))
      case .connect: .host(.init(name: "h.example", port: Bool.random(using: &random) ? 443 : 80))
      case .callModel:
        .model(
          .init(
            provider: Bool.random(using: &random) ? "openai" : "builtin", name: "m",
            endpoint: Bool.random(using: &random) ? nil : "https://x", isLocal: Bool.random(using: &random)))
      case .deliverApply, .deliverBranch, .deliverPatch: .delivery(.init(paths: [path(), path()]))
      case .spend:
        .spending(
          .init(
            microdollars: Int64.random(in: 0...10, using: &random), tokens: Int64.random(in: 0...10, using: &random)))
      case .callTool: .tool(.init(server: "s", name: "t"))
      }
    return AccessRequest(
      principal: Principal(run: "r", user: "u", start: .ci), action: action, resource: resource,
      context: AccessContext(approved: Bool.random(using: &random)))
  }

  private static func generosity(_ decision: Decision) -> Int {
    switch decision.outcome {
    case .deny: 0
    case .needsApproval: 1
    case .permit: 2
    }
  }

  @Test func aRepositoryOnlyRestricts() throws {
    var random = Seeded(42)
    var narrowed = 0
    for _ in 0..<400 {
      let organisation = Self.layer(&random)
      let user = Self.layer(&random)
      let chosen = Bool.random(using: &random) ? "openai/m" : nil
      let without = try CedarAuthorizer(organisation: organisation, user: user, chosenModel: chosen)
      let with = try CedarAuthorizer(
        organisation: organisation, user: user, repository: Self.restrictions(&random), chosenModel: chosen)
      for _ in 0..<10 {
        let request = Self.request(&random)
        let before = Self.generosity(without.decide(request))
        let after = Self.generosity(with.decide(request))
        #expect(after <= before, "\(request)")
        if after < before { narrowed += 1 }
      }
    }
    #expect(narrowed > 300)
  }

  @Test func nothingLiftsARestrictionOfTheOrganisation() throws {
    var random = Seeded(43)
    for _ in 0..<250 {
      var organisation = PolicyLayer()
      organisation.restrictions = Self.restrictions(&random)
      let alone = try CedarAuthorizer(organisation: organisation, chosenModel: "openai/m")
      let more = try CedarAuthorizer(
        organisation: organisation, user: Self.layer(&random), chosenModel: "openai/m")
      for _ in 0..<10 {
        let request = Self.request(&random)
        let decision = alone.decide(request)
        guard decision.outcome == .deny, decision.rules.contains(where: { $0.rawValue.hasPrefix("organisation/") })
        else { continue }
        #expect(more.decide(request).outcome == .deny, "\(request)")
      }
    }
  }
}
