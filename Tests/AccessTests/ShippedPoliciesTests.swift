import Access
import Paths
import Testing

@Suite struct ShippedPoliciesTests {
  let principal = Principal(run: "r-20260101-abcd1234", user: "someone", groups: ["staff"], start: .terminal)

  func decide(
    _ rules: CedarAuthorizer, _ action: Action, _ resource: Resource, approved: Bool = false
  ) -> Decision {
    rules.decide(
      AccessRequest(
        principal: principal, action: action, resource: resource, context: AccessContext(approved: approved)))
  }

  func file(_ path: String, content: String? = nil) throws -> Resource {
    .file(.init(path: try #require(RepoPath(path)), content: content.map { Array($0.utf8) }))
  }

  @Test(arguments: [
    "src/main.swift", "README.md", ".env.example", "config/.env.sample", "environment.ts", "keys.py", ".gitignore",
    ".github/workflows/ci.yml", "AGENTS.md", ".git/HEAD", "tests/certs/server.pem", "src/__tests__/a.key",
    "testdata/x.p12", "unit-tests/k.pem", "monkey", "id_rsa.pub", "awsome/.awsx",
  ])
  func ordinaryFilesCanBeRead(path: String) throws {
    #expect(decide(try CedarAuthorizer(), .read, try file(path)).isPermitted)
  }

  @Test(arguments: [
    ".env", "a/b/.env", ".env.local", ".ENV", ".Env.Production", "prod.env", ".netrc", ".aws/credentials",
    "x/.ssh/config",
    "id_rsa", "deploy/id_ed25519", "server.pem", "SERVER.PEM", "a/tls.key", "store.jks", ".npmrc", ".git-credentials",
    "terraform.tfstate", ".env.", ".env ", ".e\u{200c}nv", ".\u{17f}sh/x", ".docker/config.json",
    "h/.config/gh/hosts.yml",
    "my-service-account-key.json",
  ])
  func usualPlacesOfSecretsAreHidden(path: String) throws {
    let decision = decide(try CedarAuthorizer(), .read, try file(path))
    #expect(decision.outcome == .deny)
    #expect(decision.rules == [RuleID(rawValue: "shipped/secret-files")])
    // Approval does not open them.
    #expect(decide(try CedarAuthorizer(), .read, try file(path), approved: true).outcome == .deny)
  }

  @Test func contentDecidesWhereNamesDoNot() throws {
    let rules = try CedarAuthorizer()
    let path = try #require(RepoPath("certs/ca.pem"))
    #expect(rules.needsContent(of: path))
    #expect(rules.needsContent(of: try #require(RepoPath(".npmrc"))))
    #expect(!rules.needsContent(of: try #require(RepoPath("a.c"))))
    #expect(!rules.needsContent(of: try #require(RepoPath(".env"))))
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    let key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"
    #expect(decide(rules, .read, try file("certs/ca.pem", content: certificate)).isPermitted)
    #expect(!decide(rules, .read, try file("certs/ca.pem", content: certificate + key)).isPermitted)
    #expect(!decide(rules, .read, try file("certs/store.p12", content: "bytes")).isPermitted)
    #expect(decide(rules, .read, try file(".npmrc", content: "save-exact=true\nalways-auth=true\n")).isPermitted)
    #expect(decide(rules, .read, try file(".npmrc", content: "//r.example/:_authToken=${NPM_TOKEN}\n")).isPermitted)
    #expect(!decide(rules, .read, try file(".npmrc", content: "//r.example/:_authToken=abcdef\n")).isPermitted)
    #expect(
      !decide(rules, .read, try file("pip.conf", content: "index-url = https://u:p@h.example/simple")).isPermitted)
    #expect(decide(rules, .read, try file("pip.conf", content: "index-url = https://h.example/simple")).isPermitted)
    #expect(!decide(rules, .read, try file(".yarnrc.yml", content: "npmAuthToken: \"abc\"\n")).isPermitted)
  }

  @Test(arguments: [
    (".git/config", false), (".GIT/hooks/pre-commit", false), ("sub/.git/HEAD", false), (".git", false),
    ("git~1/config", false), (".git./config", false), (".g\u{200d}it/config", false), (".gitignore", true),
    ("src/a.swift", true), (".github/workflows/ci.yml", true), (".env", true),
  ])
  func gitsOwnFilesAreNotWritten(path: String, expected: Bool) throws {
    let rules = try CedarAuthorizer()
    #expect(decide(rules, .write, try file(path)).isPermitted == expected)
    #expect(decide(rules, .delete, try file(path)).isPermitted == expected)
  }

  @Test(arguments: [
    ".github/workflows/ci.yml", ".GitHub/Workflows/x", "nested/repo/.github/workflows/a.yml", "AGENTS.md",
    "a/agents.MD",
    "CLAUDE.md", ".codeagent/policy.toml", "x/.CodeAgent/y", ".vscode/tasks.json", ".husky/pre-commit",
    ".gitlab-ci.yml",
    "Jenkinsfile", "JENKINSFILE.release", ".pre-commit-config.yaml", "lefthook.yml", ".lefthook-local.toml",
    ".mcp.json", ".gitmodules", ".ci/run", ".env", "CODEOWNERS", "ci/azure-pipelines.yml", ".github/dependabot.yaml",
    ".junie/guidelines.md", ".augment-guidelines", "web/.npmrc", ".yarnrc.yml", ".pnpmfile.cjs", ".pnpmfile.js",
    ".cargo/config", "x/.cargo/config.toml", ".gdbinit", ".bashrc", ".zshrc", ".profile",
  ])
  func protectedNamesNeedApproval(path: String) throws {
    let rules = try CedarAuthorizer()
    let change = Resource.delivery(
      .init(paths: [try #require(RepoPath("src/a.c")), try #require(RepoPath(path))]))
    for action in [Action.deliverApply, .deliverBranch, .deliverPatch] {
      let decision = decide(rules, action, change)
      #expect(decision.outcome == .needsApproval)
      #expect(decision.paths == [try #require(RepoPath(path))])
      #expect(decide(rules, action, change, approved: true).isPermitted)
    }
  }

  @Test func deliveryOfOrdinaryAndForbiddenChanges() throws {
    let rules = try CedarAuthorizer()
    let plain = try #require(RepoPath("src/a.c"))
    #expect(decide(rules, .deliverApply, .delivery(.init(paths: [plain]))).isPermitted)
    #expect(decide(rules, .deliverApply, .delivery(.init(paths: []))).isPermitted)
    let hook = try #require(RepoPath(".git/hooks/post-checkout"))
    let denied = decide(rules, .deliverApply, .delivery(.init(paths: [plain, hook])), approved: true)
    #expect(denied.outcome == .deny)
    #expect(denied.paths == [hook])
  }

  @Test func theNetworkIsOffUnlessNamed() throws {
    let host = Resource.host(.init(name: "Packages.Example.com.", port: 443))
    #expect(decide(try CedarAuthorizer(), .connect, host).outcome == .deny)
    #expect(decide(try CedarAuthorizer(), .connect, host, approved: true).outcome == .deny)
    func granting(_ patterns: [String]) throws -> CedarAuthorizer {
      var layer = PolicyLayer()
      layer.grants.allowHosts = patterns
      return try CedarAuthorizer(user: layer)
    }
    #expect(decide(try granting(["packages.example.com"]), .connect, host).isPermitted)
    #expect(decide(try granting(["*.example.com:443"]), .connect, host).isPermitted)
    #expect(!decide(try granting(["*.example.com:80"]), .connect, host).isPermitted)
    #expect(!decide(try granting(["example.com"]), .connect, host).isPermitted)
    #expect(!decide(try granting(["*.packages.example.com"]), .connect, host).isPermitted)
    #expect(!decide(try granting(["*.ample.com"]), .connect, host).isPermitted)
    #expect(decide(try granting(["*"]), .connect, host).isPermitted)
    let address = Resource.host(.init(name: "2001:DB8::1", port: 8080))
    #expect(decide(try granting(["[2001:db8::1]:8080"]), .connect, address).isPermitted)
    #expect(decide(try granting(["2001:db8::1"]), .connect, address).isPermitted)
    var organisation = PolicyLayer()
    organisation.restrictions.denyHosts = ["*.example.com"]
    var user = PolicyLayer()
    user.grants.allowHosts = ["*"]
    let both = decide(try CedarAuthorizer(organisation: organisation, user: user), .connect, host)
    #expect(both.rules == [RuleID(rawValue: "organisation/deny_hosts")])
  }

  @Test func onlyTheChosenModelIsCalled() throws {
    let rules = try CedarAuthorizer(chosenModel: "openai/some-model")
    func model(_ provider: String, _ name: String, _ endpoint: String? = "https://h.example") -> Resource {
      .model(.init(provider: provider, name: name, endpoint: endpoint, isLocal: endpoint == nil))
    }
    #expect(decide(rules, .callModel, model("openai", "some-model")).isPermitted)
    #expect(decide(rules, .callModel, model("openai", "another")).outcome == .deny)
    #expect(decide(rules, .callModel, model("other", "some-model")).outcome == .deny)
    #expect(decide(rules, .callModel, model("builtin", "repair", nil)).isPermitted)
    #expect(decide(try CedarAuthorizer(), .callModel, model("openai", "some-model")).outcome == .deny)
    var repository = Restrictions()
    repository.onlyModels = ["bedrock", "internal/*"]
    let narrowed = try CedarAuthorizer(repository: repository, chosenModel: "internal/meta/x")
    #expect(
      decide(narrowed, .callModel, model("openai", "some-model")).rules == [RuleID(rawValue: "repository/only_models")])
    #expect(decide(narrowed, .callModel, model("internal", "meta/x")).isPermitted)
    #expect(decide(narrowed, .callModel, model("bedrock", "x")).outcome == .deny)
    #expect(decide(narrowed, .callModel, model("builtin", "repair", nil)).isPermitted)
    #expect(throws: PolicyError.self) { try CedarAuthorizer(chosenModel: "no-provider") }
  }

  @Test func programsAndSpending() throws {
    var user = PolicyLayer()
    user.restrictions.denyExecute = ["curl", "/usr/sbin/*", "python*"]
    user.restrictions.maximumMicrodollars = 2_000_000
    var repository = Restrictions()
    repository.maximumMicrodollars = 1_000_000
    repository.maximumTokens = 100
    let rules = try CedarAuthorizer(user: user, repository: repository)
    func command(_ program: String) -> Resource {
      .command(.init(program: Array(program.utf8), arguments: [Array(program.utf8)]))
    }
    #expect(!decide(rules, .execute, command("/usr/bin/curl")).isPermitted)
    #expect(!decide(rules, .execute, command("curl")).isPermitted)
    #expect(!decide(rules, .execute, command("/usr/sbin/useradd")).isPermitted)
    #expect(!decide(rules, .execute, command("/opt/python3.12")).isPermitted)
    #expect(decide(rules, .execute, command("/usr/bin/curl-config")).isPermitted)
    #expect(decide(rules, .execute, command("/usr/bin/make")).isPermitted)
    #expect(decide(rules, .spend, .spending(.init(microdollars: 1_000_000, tokens: 100))).isPermitted)
    #expect(
      decide(rules, .spend, .spending(.init(microdollars: 1_000_001, tokens: 1))).rules
        == [RuleID(rawValue: "repository/maximum_cost")])
    #expect(
      decide(rules, .spend, .spending(.init(microdollars: 3_000_000, tokens: 101))).rules.map(\.rawValue)
        == ["user/maximum_cost", "repository/maximum_cost", "repository/maximum_tokens"])
  }

  @Test func actionsOnTheWrongKindOfThingAreDenied() throws {
    let rules = try CedarAuthorizer()
    for action in Action.allCases {
      let decision = decide(
        rules, action, action == .connect ? try file("a") : .host(.init(name: "h", port: 1)))
      #expect(decision.outcome == .deny)
      #expect(decision.rules == [RuleID(rawValue: "shipped/deny-by-default")])
    }
  }

  @Test func grantsLiftShippedRulesOnly() throws {
    var user = PolicyLayer()
    user.grants.allowRead = ["/config/dev.pem", ".env.test"]
    user.grants.allowDelivery = [".vscode/settings.json"]
    let rules = try CedarAuthorizer(user: user)
    #expect(decide(rules, .read, try file("config/dev.pem")).isPermitted)
    #expect(!decide(rules, .read, try file("config/DEV.pem")).isPermitted)
    #expect(!decide(rules, .read, try file("config/prod.pem")).isPermitted)
    #expect(decide(rules, .read, try file("a/.env.test")).isPermitted)
    let settings = Resource.delivery(.init(paths: [try #require(RepoPath(".vscode/settings.json"))]))
    #expect(decide(rules, .deliverApply, settings).isPermitted)
    var repository = Restrictions()
    repository.denyRead = ["config/"]
    repository.approveDelivery = ["*.json"]
    let narrowed = try CedarAuthorizer(user: user, repository: repository)
    #expect(decide(narrowed, .read, try file("config/dev.pem")).outcome == .deny)
    #expect(decide(narrowed, .deliverApply, settings).outcome == .needsApproval)
  }

  @Test func masksAreTheDecisionsOnReading() throws {
    var repository = Restrictions()
    repository.denyRead = ["secret/"]
    let rules = try CedarAuthorizer(repository: repository)
    let names = ["a.c", ".env", "secret", "secret/x", "x/.aws", "c/ca.pem", "c/key.pem", "tests/t.pem"]
    let paths = try names.map { try #require(RepoPath($0)) }
    var asked: [String] = []
    var judge = ViewJudge(rules, principal: principal, context: AccessContext(), model: nil)
    for path in paths {
      asked += rules.needsContent(of: path) ? [path.quoted] : []
      let content = Array((path.quoted == "c/key.pem" ? "RSA PRIVATE KEY" : "CERTIFICATE").utf8)
      judge.isHidden(path, labels: rules.fileLabels.labels(of: path, content: content))
    }
    #expect(judge.result.masked.map(\.path.quoted) == [".env", "secret", "secret/x", "x/.aws", "c/key.pem"])
    #expect(asked == ["c/ca.pem", "c/key.pem"])
  }

  @Test func hostileTextIsQuotedInReasons() throws {
    var repository = Restrictions()
    repository.denyRead = ["a\u{1b}\\[31m*"]
    let rules = try CedarAuthorizer(repository: repository)
    let reasons = [
      decide(rules, .read, try file("a\u{1b}[31mb")).reason,
      decide(rules, .connect, .host(.init(name: "h\u{1b}]0;x\u{7}", port: 1))).reason,
      decide(rules, .callModel, .model(.init(provider: "p\n", name: "\u{202e}", endpoint: "", isLocal: false))).reason,
    ]
    for reason in reasons {
      #expect(!reason.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f || $0.value == 0x202e })
    }
  }

  @Test func mistakesAreNamed() throws {
    var user = PolicyLayer()
    user.restrictions.denyRead = ["fine", "[broken"]
    let error = #expect(throws: PolicyError.self) { try CedarAuthorizer(user: user) }
    #expect(error?.layer == .user)
    #expect(error?.place == "deny_read")
    #expect(error?.pattern == "[broken")
    for pattern in ["", "http://h", "h:x", "h:0", "a*b", "*.", "ü.example", "[::1"] {
      var layer = PolicyLayer()
      layer.grants.allowHosts = [pattern]
      #expect(throws: PolicyError.self, "\(pattern)") { try CedarAuthorizer(organisation: layer) }
    }
    var negative = Restrictions()
    negative.maximumTokens = -1
    #expect(throws: PolicyError.self) { try CedarAuthorizer(repository: negative) }
  }

  @Test func digestsTellRulesApart() throws {
    let plain = try CedarAuthorizer()
    #expect(plain.digest.count == 64)
    #expect(plain.digest == (try CedarAuthorizer()).digest)
    var user = PolicyLayer()
    user.restrictions.denyRead = ["x"]
    var repository = Restrictions()
    repository.denyRead = ["x"]
    let digests = [
      plain.digest, try CedarAuthorizer(user: user).digest, try CedarAuthorizer(organisation: user).digest,
      try CedarAuthorizer(repository: repository).digest, try CedarAuthorizer(chosenModel: "a/b").digest,
    ]
    #expect(Set(digests).count == digests.count)
    #expect(decide(plain, .read, try file("a")).policyDigest == plain.digest)
  }
}
