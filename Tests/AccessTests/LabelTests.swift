import Access
import Paths
import TestSupport
import Testing

@Suite struct LabelTests {
  func labels(
    _ text: String, _ path: String, _ content: String? = "", owners: String = ""
  ) throws -> Set<String> {
    let rules = try CedarAuthorizer(policies: [], labels: [(.organisation, text)], owners: owners)
    return rules.fileLabels.labels(of: try #require(RepoPath(path)), content: content.map { Array($0.utf8) })
  }

  @Test func filesOfRulesAreRead() throws {
    let text = """
      # a comment
      path  customers/**   restricted personal # another
      path  "with blank/*" blank\r
      owner @acme/security restricted
      content private-key key
      content "SAY \\"NO\\" \\\\" quoted
      content credentials in *.ini secret-settings

      """
    #expect(try labels(text, "customers/a/b") == ["restricted", "personal"])
    #expect(try labels(text, "Customers/A") == ["restricted", "personal"])
    #expect(try labels(text, "with blank/x") == ["blank"])
    #expect(try labels(text, "a", "-----BEGIN PRIVATE KEY-----") == ["key"])
    #expect(try labels(text, "a", "we SAY \"NO\" \\") == ["quoted"])
    #expect(try labels(text, "a.ini", "password = hunter2") == ["secret-settings"])
    #expect(try labels(text, "a.txt", "password = hunter2").isEmpty)
    #expect(try labels(text, "sec/x", owners: "sec/ @Acme/Security\n") == ["restricted"])
    // Nobody has looked: everything that a look could give.
    #expect(try labels(text, "a.txt", nil) == ["key", "quoted"])
    #expect(try labels(text, "a.ini", nil) == ["key", "quoted", "secret-settings"])
    #expect(try labels("content private-key in *.txt key", "a.c", nil).isEmpty)
  }

  @Test(arguments: [
    "path", "path x", "pth x y", "content nonsense x", "content \"ab\" x", "content \"abc", "content \"a\\n\" x",
    "path [x y", "path x Upper", "path x a/b", "path x repository:y", "path x ü", "content private-key in",
    "content private-key in [ x",
  ])
  func mistakesNameTheirLine(text: String) {
    let error = #expect(throws: PolicyError.self) {
      try CedarAuthorizer(policies: [], labels: [(.user, "# first\n\(text)")])
    }
    #expect(error?.line == 2)
    #expect(error?.place == "l0.labels")
  }

  @Test func anyBytesAreReadOrRefused() {
    var random = Seeded(7)
    let pieces = ["path", "content", "owner", " ", "\t", "\"", "\\", "\n", "#", "in", "*", "[", "é", "a", "{", "\u{0}"]
    for _ in 0..<2000 {
      let text = (0..<Int.random(in: 0...14, using: &random)).map { _ in
        pieces.randomElement(using: &random) ?? ""
      }.joined()
      _ = try? CedarAuthorizer(policies: [], labels: [(.user, text)])
    }
  }

  @Test func ownersAreThoseOfTheLastMatch() throws {
    let owners = CodeOwners(
      """
      # comment
      *            @all
      *.js         @js  # not these @words
      /docs/*      docs@example.com
      apps/        @apps @Apps2
      /build/logs/ @logs
      apps/none
      [Section][2] @x
      broken[ @y
      """)
    func of(_ path: String) throws -> [String] { owners.owners(of: try #require(RepoPath(path))) }
    #expect(try of("README") == ["@all"])
    #expect(try of("a/b.js") == ["@js"])
    #expect(try of("docs/a.js") == ["docs@example.com"])
    #expect(try of("docs/deep/a.md") == ["@all"])
    #expect(try of("x/apps/y/z.js") == ["@apps", "@apps2"])
    #expect(try of("build/logs/1") == ["@logs"])
    #expect(try of("x/build/logs/1") == ["@all"])
    #expect(try of("apps/none") == [])
    // Another spelling keeps its owners and adds those of the place that it may be.
    #expect(try of("Build/Logs/1") == ["@all", "@logs"])
    #expect(CodeOwners("").isEmpty)
  }

  @Test func severalLabelsTogetherMayBeTooMuch() throws {
    let rules = try CedarAuthorizer(
      policies: [
        (
          .organisation,
          """
          forbid (principal, action == Action::"callModel", resource)
          when { context.labels.contains("names") && context.labels.contains("salaries") };
          """
        )
      ], labels: [(.organisation, "path a names\npath b salaries\n")]
    ) { $0.chosenModels = ["p/m"] }
    var judge = ViewJudge(
      rules, principal: Principal(run: "r", user: "u", start: .ci), context: AccessContext(),
      model: Resource.Model(provider: "p", name: "m", endpoint: "h.example", isLocal: false))
    func hidden(_ path: String) throws -> Bool {
      let path = try #require(RepoPath(path))
      return judge.isHidden(path, labels: rules.fileLabels.labels(of: path, content: []))
    }
    #expect(try !hidden("a"))
    #expect(try hidden("b"))
    #expect(judge.result.labels == ["names"])
  }
}
