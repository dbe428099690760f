import Access
import Paths
import Testing

/// Policies of files, in layers.
@Suite struct CedarPolicyTests {
  let principal: Principal = {
    var principal = Principal(run: "r-1", user: "ana", groups: ["staff", "dba"], start: .ci)
    principal.repository = "shop"
    return principal
  }()

  func decide(
    _ rules: CedarAuthorizer, _ action: Action, _ resource: Resource, labels: Set<String> = [], approvals: Int = 0
  ) -> Decision {
    rules.decide(
      AccessRequest(
        principal: principal, action: action, resource: resource,
        context: AccessContext(approvals: approvals, labels: labels)))
  }

  func file(_ path: String, _ content: String? = "") throws -> Resource {
    .file(
      .init(path: try #require(RepoPath(path)), repository: "shop", content: content.map { Array($0.utf8) }))
  }

  @Test func theSchemaIsReadByTheEngineAndNamesEveryAction() throws {
    let text = PolicySchema(tools: [.init(server: "issues", name: "create \"x\"")]).text
    for action in Action.allCases { #expect(text.contains("action \(action.rawValue)")) }
    let rules = try CedarAuthorizer(
      policies: [(.user, #"permit (principal, action == Action::"callTool/issues/create \"x\"", resource);"#)]
    ) { $0.tools = [.init(server: "issues", name: "create \"x\"")] }
    #expect(decide(rules, .callTool, .tool(.init(server: "issues", name: "create \"x\""))).isPermitted)
    #expect(!decide(rules, .callTool, .tool(.init(server: "issues", name: "delete"))).isPermitted)
  }

  @Test func everyAttributeOfTheSchemaIsThere() throws {
    let all = """
      @id("file") permit (principal is Run, action == Action::"read", resource is File) when {
        resource.path == "src/A.Test.swift" && resource.folded == "src/a.test.swift" && resource.name == "A.Test.swift"
        && resource has extension && resource.extension == "swift" && resource has size && resource.size == 12
        && !resource.isTest && resource.isGenerated && resource.owners.contains("@acme/core")
        && resource.labels.contains("core") && resource in Directory::"src" && resource in Repository::"shop"
        && resource in Directory::"."
        && principal.user == User::"ana" && principal in Group::"dba" && principal.start == Start::"ci"
        && principal.vouchedBy == "system" && !principal.hasTag("sub") && !context.approved && context.approvals == 0
        && context.labels.contains("seen") && context.labels.containsAll(["seen"])
      };
      @id("stop") forbid (principal, action == Action::"read", resource) unless { context.labels.contains("seen") };
      @id("host") permit (principal, action == Action::"connect", resource is Host) when {
        resource.name == "10.1.2.3" && resource.port == 8080 && resource has address
        && resource.address.isInRange(ip("10.0.0.0/8")) && resource.isInternal && resource.labels.isEmpty()
      };
      @id("model") permit (principal, action in Action::"network", resource is Model) when {
        resource.provider == "p" && resource.name == "m" && resource has region && resource.region == "eu"
        && !resource.isLocal && resource.isInternal && !resource.isBuiltIn && !resource.isChosen
      };
      @id("command") forbid (principal, action == Action::"execute", resource) when {
        resource.program == "/usr/bin/git" && resource.name == "git" && resource.arguments.contains("push")
        && resource has line && resource.line like "*push*"
      };
      @id("spend") forbid (principal, action == Action::"spend", resource) when {
        resource.dollars.greaterThan(decimal("1.5")) || resource.tokens > 10 || resource.microdollars > 1500000
      };
      @id("change") forbid (principal, action in Action::"deliver", resource is Change) when {
        resource.files > 1 || resource.paths.contains("x") || resource.labels.contains("core")
      };
      """
    let rules = try CedarAuthorizer(
      policies: [(.organisation, all)], labels: [(.organisation, "owner @Acme/Core core\n")],
      owners: "*.swift @acme/core\n")
    let read = decide(rules, .read, try file("src/A.Test.swift", "DO NOT EDIT."), labels: ["seen"])
    #expect(read.rules.contains(RuleID(rawValue: "organisation/p0/file")), "\(read)")
    #expect(!decide(rules, .read, try file("a")).isPermitted)
    #expect(decide(rules, .connect, .host(.init(name: "10.1.2.3.", port: 8080))).isPermitted)
    #expect(!decide(rules, .connect, .host(.init(name: "10.1.2.3.nip.example", port: 8080))).isPermitted)
    let model = Resource.Model(
      provider: "p", name: "m", endpoint: "http://192.168.0.9:80/v1", isLocal: false, region: "eu")
    #expect(decide(rules, .callModel, .model(model)).isPermitted)
    let push = Resource.command(
      .init(program: Array("/usr/bin/git".utf8), arguments: [[0x67], Array("push".utf8)], line: "git push"))
    #expect(decide(rules, .execute, push).rules == [RuleID(rawValue: "organisation/p0/command")])
    #expect(decide(rules, .execute, .command(program: "/usr/bin/git", arguments: ["git", "push"])).isPermitted)
    #expect(decide(rules, .spend, .spending(.init(microdollars: 1_500_000, tokens: 10))).isPermitted)
    #expect(!decide(rules, .spend, .spending(.init(microdollars: 1_500_001, tokens: 1))).isPermitted)
    #expect(!decide(rules, .spend, .spending(.init(microdollars: nil, tokens: 1))).isPermitted)
    #expect(decide(rules, .deliverPatch, .delivery(paths: [try #require(RepoPath("y"))])).isPermitted)
    #expect(!decide(rules, .deliverPatch, .delivery(paths: [try #require(RepoPath("a.swift"))])).isPermitted)
  }

  struct Mistake: CustomTestStringConvertible, Sendable {
    var name: String
    var text: String
    var line: Int
    var word: String
    var testDescription: String { name }
  }

  static let mistakes = [
    Mistake(name: "syntax", text: "permit (principal, action, resource", line: 1, word: "')'"),
    Mistake(
      name: "action",
      text: "permit (principal, action, resource);\nforbid (principal, action == Action::\"raed\", resource);", line: 2,
      word: "raed"),
    Mistake(
      name: "attribute",
      text: "\n\nforbid (principal, action == Action::\"read\", resource) when { resource.lables.contains(\"x\") };",
      line: 3, word: "lables"),
    Mistake(
      name: "resource", text: "forbid (principal, action, resource) when { resource.path like \"x\" };", line: 1,
      word: "path"),
    Mistake(
      name: "enumeration", text: "forbid (principal, action, resource) when { principal.start == Start::\"tty\" };",
      line: 1, word: "tty"),
    Mistake(name: "slot", text: "forbid (principal == ?principal, action, resource);", line: 1, word: "template"),
    Mistake(
      name: "twice",
      text: "@id(\"a\") forbid (principal, action, resource);\n@id(\"a\") forbid (principal, action, resource);",
      line: 2, word: "taken"),
  ]

  @Test(arguments: mistakes)
  func mistakesNameFileAndLine(mistake: Mistake) {
    let error = #expect(throws: PolicyError.self) { try CedarAuthorizer(policies: [(.organisation, mistake.text)]) }
    #expect(error?.place == "p0.cedar")
    #expect(error?.line == mistake.line)
    #expect(error?.reason.contains(mistake.word) == true, "\(error?.reason ?? "")")
    #expect(error?.layer == .organisation)
  }

  @Test func aRepositoryCannotPermit() throws {
    let permit = #"permit (principal, action == Action::"connect", resource is Host);"#
    #expect(throws: PolicyError.self) { try CedarAuthorizer(policies: [(.repository, permit)]) }
    let host = Resource.host(.init(name: "h.example", port: 443))
    #expect(decide(try CedarAuthorizer(policies: [(.user, permit)]), .connect, host).isPermitted)
    let narrowed = try CedarAuthorizer(
      policies: [
        (.user, permit), (.repository, #"@id("no") forbid (principal, action == Action::"connect", resource);"#),
      ])
    #expect(decide(narrowed, .connect, host).rules == [RuleID(rawValue: "repository/p1/no")])
    // What the organisation forbids stays forbidden, whoever permits it.
    let strict = try CedarAuthorizer(
      policies: [
        (.organisation, #"forbid (principal, action in Action::"network", resource is Host);"#), (.user, permit),
      ])
    #expect(decide(strict, .connect, host).rules == [RuleID(rawValue: "organisation/p0/policy0")])
  }

  @Test func aRepositorysLabelsOnlyRestrict() throws {
    let policies: [(LayerName, String)] = [
      (
        .organisation,
        #"@id("public") permit (principal, action == Action::"connect", resource is Host) when { context.labels.contains("public") };"#
      ),
      (
        .organisation,
        #"@id("edit") forbid (principal, action == Action::"write", resource is File) unless { resource.labels.contains("public") };"#
      ),
      (
        .organisation,
        #"@id("read") forbid (principal, action == Action::"read", resource is File) when { resource.labels.contains("restricted") };"#
      ),
    ]
    let host = Resource.host(.init(name: "h", port: 1))
    for layer in [LayerName.organisation, .user, .repository] {
      let rules = try CedarAuthorizer(
        policies: policies, labels: [(layer, "path docs/** public\npath core/** restricted\n")])
      let labels = rules.fileLabels.labels(of: try #require(RepoPath("docs/a")), content: [])
      #expect(Label.plain(labels) == ["public"])
      let isTrusted = layer != .repository
      #expect(decide(rules, .connect, host, labels: labels).isPermitted == isTrusted)
      #expect(decide(rules, .write, try file("docs/a")).isPermitted == isTrusted)
      #expect(!decide(rules, .read, try file("core/a")).isPermitted)
      #expect(!decide(rules, .write, try file("other")).isPermitted)
    }
  }

  @Test func whatTheUserAllowsLiftsNothingOfTheOrganisation() throws {
    let forbid =
      #"@id("s") forbid (principal, action == Action::"read", resource is File) when { resource.labels.contains("secret") };"#
    func rules(_ policies: [(LayerName, String)]) throws -> CedarAuthorizer {
      try CedarAuthorizer(policies: policies) { $0.user.grants.allowRead = [".env"] }
    }
    #expect(decide(try rules([]), .read, try file(".env")).isPermitted)
    #expect(
      decide(try rules([(.organisation, forbid)]), .read, try file(".env")).rules.map(\.rawValue) == [
        "organisation/p0/s"
      ])
  }

  @Test func aForbidThatErrsDenies() throws {
    let overflow = """
      @id("broken") forbid (principal, action == Action::"spend", resource is Spending)
      when { resource.tokens * 9223372036854775807 > 0 };
      """
    let rules = try CedarAuthorizer(policies: [(.user, overflow)])
    let decision = decide(rules, .spend, .spending(.init(microdollars: 1, tokens: 5)))
    #expect(decision.outcome == .deny)
    #expect(decision.rules == [RuleID(rawValue: "user/p0/broken")])
    #expect(decision.reason.contains("cannot be evaluated"))
    #expect(decide(rules, .spend, .spending(.init(microdollars: 1, tokens: 1))).outcome == .deny)
  }

  @Test func otherSpellingsOfADirectoryAreTheDirectory() throws {
    let forbid = #"@id("w") forbid (principal, action == Action::"write", resource in Directory::".github/Workflows");"#
    let rules = try CedarAuthorizer(policies: [(.organisation, forbid)])
    for path in [
      ".github/Workflows/ci.yml", ".github/workflows/ci.yml", ".GITHUB/WORKFLOWS/ci.yml", ".github/work\u{17f}lows/x",
      ".github./workflows /x", ".git\u{200b}hub/workflows/x",
    ] {
      let hasLongS = path.contains("\u{17f}") || path.contains("\u{200b}")
      #expect(decide(rules, .write, try file(path)).isPermitted == hasLongS, "\(path)")
    }
    #expect(decide(rules, .write, try file(".github/workflow/x")).isPermitted)
    // What is permitted is permitted as written: another spelling is another directory here.
    let permit = #"""
      forbid (principal, action == Action::"write", resource) unless { resource in Directory::"Docs" };
      """#
    let only = try CedarAuthorizer(policies: [(.organisation, permit)])
    #expect(decide(only, .write, try file("Docs/a")).isPermitted)
    #expect(!decide(only, .write, try file("docs/a")).isPermitted)
    let single = try CedarAuthorizer(
      policies: [(.organisation, #"forbid (principal, action == Action::"delete", resource == File::"Makefile");"#)])
    #expect(!decide(single, .delete, try file("makefile")).isPermitted)
    #expect(decide(single, .delete, try file("a/makefile")).isPermitted)
  }

  @Test func idsAreTheQuotedFormOfPaths() throws {
    let odd = try #require(RepoPath([0x61, 0xff, 0x0a, 0x2f, 0x62]))
    #expect(odd.quoted == #""a\377\n/b""#)
    let forbid = #"forbid (principal, action == Action::"write", resource == File::"\"a\\377\\n/b\"");"#
    let rules = try CedarAuthorizer(policies: [(.organisation, forbid)])
    #expect(!decide(rules, .write, .file(odd)).isPermitted)
    let inside = try CedarAuthorizer(
      policies: [
        (.organisation, #"forbid (principal, action == Action::"write", resource in Directory::"\"a\\377\\n\"");"#)
      ])
    #expect(!decide(inside, .write, .file(odd)).isPermitted)
    #expect(decide(inside, .write, try file("a/b")).isPermitted)
    // A name that looks like another's quoted form is not it.
    let forged = try #require(RepoPath(#""a\377\n/b""#))
    #expect(decide(rules, .write, .file(forged)).isPermitted)
  }

  @Test func approvalsAreCounted() throws {
    let two = """
      @id("two") @reason("migrations are approved by two people")
      forbid (principal, action in Action::"deliver", resource in Directory::"db/migrations")
      unless { context.approvals >= 2 };
      """
    let rules = try CedarAuthorizer(policies: [(.organisation, two)])
    let change = Resource.delivery(paths: [
      try #require(RepoPath("src/a")), try #require(RepoPath("db/migrations/1.sql")),
    ])
    let first = decide(rules, .deliverApply, change)
    #expect(first.outcome == .needsApproval)
    #expect(first.approvals == 2)
    #expect(first.paths.map(\.quoted) == ["db/migrations/1.sql"])
    #expect(first.reason.contains("2 people") && first.reason.contains("migrations are approved"))
    #expect(decide(rules, .deliverApply, change, approvals: 1).approvals == 2)
    #expect(decide(rules, .deliverApply, change, approvals: 2).isPermitted)
    #expect(decide(rules, .deliverApply, .delivery(paths: [try #require(RepoPath("src/a"))])).isPermitted)
  }

  @Test func policiesOnTrialAreOnlyRecorded() throws {
    let forbid = #"@id("no-shell") forbid (principal, action == Action::"execute", resource);"#
    let rules = try CedarAuthorizer(policies: [(.user, forbid)]) { $0.loggedLayers = [.user] }
    let decision = decide(rules, .execute, .command(program: "/bin/sh", arguments: ["sh"]))
    #expect(decision.outcome == .deny && !decision.isEnforced && decision.isPermitted)
    #expect(decision.rules == [RuleID(rawValue: "user/p0/no-shell")])
    #expect(!decide(rules, .read, try file(".env")).isPermitted)
    let mixed = try CedarAuthorizer(policies: [(.user, forbid), (.organisation, forbid)]) { $0.loggedLayers = [.user] }
    #expect(!decide(mixed, .execute, .command(program: "/bin/sh", arguments: ["sh"])).isPermitted)
  }

  @Test func whatARunHasReadFlows() throws {
    let rules = try CedarAuthorizer(
      policies: [
        (
          .organisation,
          """
          @id("inside") @reason("restricted code stays inside")
          forbid (principal, action == Action::"callModel", resource is Model)
          when { context.labels.contains("restricted") } unless { resource.isInternal };
          @id("outside") forbid (principal, action == Action::"connect", resource) when { context.labels.contains("outside-text") };
          permit (principal, action == Action::"connect", resource);
          """
        )
      ], labels: [(.organisation, "path core/ restricted\ncontent \"TOP SECRET\" restricted\n")]
    ) { $0.chosenModels = ["openai/m"] }
    let model = Resource.model(.init(provider: "openai", name: "m", endpoint: "api.openai.com", isLocal: false))
    #expect(decide(rules, .callModel, model).isPermitted)
    #expect(!decide(rules, .callModel, model, labels: ["restricted"]).isPermitted)
    #expect(!decide(rules, .connect, .host(.init(name: "h", port: 1)), labels: [Label.outsideText]).isPermitted)
    let own = Resource.Model(provider: "openai", name: "m", endpoint: "api.openai.com", isLocal: false)
    var judge = ViewJudge(rules, principal: principal, context: AccessContext(), model: own)
    func labels(_ path: String, _ content: String?) throws -> Set<String> {
      rules.fileLabels.labels(of: try #require(RepoPath(path)), content: content.map { Array($0.utf8) })
    }
    for (path, content, isHidden) in [
      ("a.c", "x", false), ("core/b.c", "x", true), ("c.c", "this is TOP SECRET", true), ("d.c", nil, true),
      ("CORE/e.c", "x", true),
    ] as [(String, String?, Bool)] {
      let hidden = judge.isHidden(try #require(RepoPath(path)), labels: try labels(path, content))
      #expect(hidden == isHidden, "\(path)")
    }
    #expect(judge.result.labels.isEmpty)
    #expect(judge.result.masked.allSatisfy { $0.rule.rawValue == "organisation/p0/inside" })
    var internalJudge = ViewJudge(
      rules, principal: principal, context: AccessContext(),
      model: Resource.Model(provider: "openai", name: "m", endpoint: "10.0.0.1:80", isLocal: false))
    #expect(!internalJudge.isHidden(try #require(RepoPath("core/b.c")), labels: try labels("core/b.c", "x")))
    #expect(internalJudge.result.labels == ["restricted"])
  }
}
