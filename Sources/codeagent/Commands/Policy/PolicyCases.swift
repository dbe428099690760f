import Access
import Paths
import TOMLKit

/// Cases of a file: requests, and the decisions that they must get. The form is described in docs/policies.md.
struct PolicyCases {
  /// One request with its decision.
  struct Case {
    var name: String
    var request: AccessRequest
    var expected: Decision.Outcome
    /// Rules that must be among those that decided.
    var rules: [String]
  }

  private(set) var sources = PolicySources()
  private(set) var cases: [Case] = []

  /// Reads a file; policies that it names lie beside it.
  init(file: String) throws {
    let text = try PolicyFiles.text(of: file)
    let parsed: TOMLTable
    do {
      parsed = try TOMLTable(string: text)
    } catch {
      throw UsageFailure("\(file) is not valid TOML: \(error)", advice: "docs/policies.md shows the form")
    }
    let table = TableReader(parsed, file: file)
    try table.allow(["organisation", "user", "repository", "model", "codeowners", "internal", "case"])
    let directory = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
    for (name, layer) in [
      ("organisation", LayerName.organisation), ("user", .user), ("repository", .repository),
    ] {
      for path in try table.list(name) ?? [] { try PolicyPaths.add(directory + path, layer, to: &sources) }
    }
    sources.chosenModels = try table.string("model").map { [$0] } ?? []
    sources.owners = CodeOwners(try table.string("codeowners") ?? "")
    sources.internalHosts = try table.list("internal") ?? []
    for entry in try table.tableArray("case") { cases.append(try Self.read(entry)) }
    guard !cases.isEmpty else { throw UsageFailure("\(file) holds no [[case]]") }
  }

  private static func read(_ table: TableReader) throws(UsageFailure) -> Case {
    try table.allow([
      "name", "expect", "by", "action", "user", "groups", "start", "vouched_by", "claims", "repository", "labels",
      "approvals", "path", "content", "paths", "program", "arguments", "line", "host", "port", "model", "endpoint",
      "region", "dollars", "tokens", "server", "tool",
    ])
    guard let word = try table.string("expect"), let expected = outcomes[word] else {
      throw UsageFailure("\(table.place): `expect` is permit, deny or ask")
    }
    guard let name = try table.string("action"), let action = Action(rawValue: name) else {
      throw UsageFailure(
        "\(table.place): `action` is one of \(Action.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let start = try table.string("start") ?? "terminal"
    guard let start = Principal.Start(rawValue: start) else {
      throw UsageFailure("\(table.place): `start` is terminal, ci or batch")
    }
    var principal = Principal(
      run: "r-test", user: try table.string("user") ?? "someone", groups: try table.list("groups") ?? [], start: start,
      vouchedBy: try table.string("vouched_by") ?? "system", claims: try table.strings("claims"))
    principal.repository = try table.string("repository") ?? "project"
    let context = AccessContext(
      approvals: try table.int("approvals") ?? 0, labels: Set(try table.list("labels") ?? []))
    let request = AccessRequest(
      principal: principal, action: action, resource: try resource(action, principal.repository, table),
      context: context)
    return Case(
      name: try table.string("name") ?? "\(word) \(name)", request: request, expected: expected,
      rules: try table.list("by") ?? [])
  }

  private static let outcomes: [String: Decision.Outcome] = [
    "permit": .permit, "deny": .deny, "ask": .needsApproval,
  ]

  private static func resource(
    _ action: Action, _ repository: String, _ table: TableReader
  ) throws(UsageFailure) -> Resource {
    func need(_ name: String) throws(UsageFailure) -> String {
      guard let text = try table.string(name) else {
        throw UsageFailure("\(table.place): a case of \(action.rawValue) needs `\(name)`")
      }
      return text
    }
    func path(_ text: String) throws(UsageFailure) -> RepoPath {
      guard let path = RepoPath(quoted: text) else {
        throw UsageFailure("\(table.place): `\(text)` is not a path in a repository")
      }
      return path
    }
    // Without content a file is taken for an empty one: cases about content give it.
    let content = Array((try table.string("content") ?? "").utf8)
    switch action {
    case .read, .write, .delete:
      return .file(.init(path: try path(try need("path")), repository: repository, content: content))
    case .deliverApply, .deliverBranch, .deliverPatch:
      var files: [Resource.File] = []
      var texts = try table.list("paths") ?? []
      if texts.isEmpty { texts = [try need("path")] }
      for text in texts {
        files.append(.init(path: try path(text), repository: repository, content: content))
      }
      return .delivery(.init(files: files, repository: repository))
    case .execute:
      let program = Array(try need("program").utf8)
      return .command(
        .init(
          program: program, arguments: [program] + (try table.list("arguments") ?? []).map { Array($0.utf8) },
          line: try table.string("line")))
    case .connect:
      return .host(.init(name: try need("host"), port: try table.int("port") ?? 443))
    case .callModel:
      let parts = try need("model").split(separator: "/", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { throw UsageFailure("\(table.place): `model` is written as PROVIDER/NAME") }
      let endpoint = try table.string("endpoint")
      return .model(
        .init(
          provider: parts[0], name: parts[1], endpoint: endpoint, isLocal: endpoint == nil,
          region: try table.string("region")))
    case .spend:
      return .spending(
        .init(
          microdollars: try table.double("dollars").map { Int64($0 * 1e6) }, tokens: Int64(try table.int("tokens") ?? 0)
        ))
    case .callTool:
      return .tool(.init(server: try need("server"), name: try need("tool")))
    }
  }
}
