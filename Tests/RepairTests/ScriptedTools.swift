import Conversation
import JSON
import Paths
import Repair
import TestReports

/// Plays the tools in memory: a patch passes when a rule says so about the patched text. Fast, and the same every time.
struct ScriptedTools {
  var files: [String: String]
  /// Judges patched files: the number of failing tests of those that failed, and what the first of them says.
  var judge: @Sendable ([String: String]) -> (failing: Int, failure: String?)
  var secondsPerPatch = 0.05
  private(set) var ending: (outcome: String, summary: String)?
  private(set) var adopted: [JSONValue] = []
  private(set) var tried = 0

  init(files: [String: String], judge: @escaping @Sendable ([String: String]) -> (failing: Int, failure: String?)) {
    self.files = files
    self.judge = judge
  }

  /// A brief whose failing tests carry these messages.
  func brief(failing: [TestOutcome], passing: [String] = [], budget: Double = 60) -> RepairBrief {
    RepairBrief(
      command: "test", framework: .unittest,
      report: TestReport(tests: failing + passing.map { TestOutcome(name: $0, result: .passed) }, exitStatus: 1),
      files: files.keys.sorted().compactMap { path in
        RepoPath(path).map { RepairBrief.File(path: $0, size: files[path]?.utf8.count ?? 0) }
      }, budgetSeconds: budget)
  }

  mutating func answer(_ call: ToolCall) -> ToolResult {
    guard case .json(let text) = call.arguments, let arguments = try? JSONValue(parsing: text) else {
      return ToolResult(callID: call.id, output: "not JSON", isError: true)
    }
    func result(_ json: JSONValue) -> ToolResult { ToolResult(callID: call.id, output: "", structured: json) }
    switch call.name {
    case "read_file":
      let path = arguments["path"]?.string ?? ""
      guard let text = files[path] else { return ToolResult(callID: call.id, output: "none", isError: true) }
      return result([
        "path": .string(path), "text": .string(text), "size": JSONValue(text.utf8.count), "truncated": false,
      ])
    case "try_patches":
      let failing = judge(files).failing
      let results = (arguments["patches"]?.array ?? []).map { patch -> JSONValue in
        let (left, failure) = judge(Player.applied(patch["edits"]?.array ?? [], to: files))
        return [
          "id": patch["id"] ?? .null, "outcome": left == 0 ? "passed" : "failed", "failing": JSONValue(left),
          "fixed": JSONValue(max(0, failing - left)), "lost": 0, "firstFailure": JSONValue(failure),
        ]
      }
      tried += results.count
      return result(["results": .array(results), "seconds": .double(Double(results.count) * secondsPerPatch)])
    case "adopt_patch":
      adopted.append(arguments)
      files = Player.applied(arguments["edits"]?.array ?? [], to: files)
      return result(["applied": true])
    case "finish":
      ending = (arguments["outcome"]?.string ?? "", arguments["summary"]?.string ?? "")
      return result(["accepted": true])
    default: return ToolResult(callID: call.id, output: "no such tool", isError: true)
    }
  }

  mutating func reopen() { ending = nil }

  /// Drives an engine to its end, and returns the whole conversation.
  mutating func play(_ engine: RepairEngine, from items: [Item], maximumTurns: Int = 300) async throws(ModelError)
    -> [Item]
  {
    var items = items
    for _ in 0..<maximumTurns {
      let response = try await engine.respond(to: ModelRequest(system: "", tools: [], items: items)) { _ in }
      items += response.items
      let calls = response.items.compactMap { item in if case .toolCall(let call) = item { call } else { nil } }
      if calls.isEmpty { return items }
      for call in calls { items.append(.toolResult(answer(call))) }
      if ending != nil { return items }
    }
    return items
  }
}
