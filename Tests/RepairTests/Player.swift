import Conversation
import Foundation
import JSON
import Paths
import Repair
import TestReports
import TestSupport

/// Plays the tools of the agent on a real directory: the engine's other half, for tests.
final class Player {
  struct Ending {
    var outcome: String
    var summary: String
    var tried = 0
    var seconds = 0.0
    var turns = 0
  }

  let runner: Program.Runner
  var files: [String: String]
  let original: [String: String]
  private let workers: [TemporaryDirectory]
  private(set) var baseline: TestReport
  var items: [Item] = []
  private var ending: Ending?
  private var tried = 0
  private var trying = 0.0
  /// Whether the `coverage` tool answers.
  var hasCoverage = false
  private var lastContents: [[String: String]]
  var log: @Sendable (String) -> Void = { _ in }

  init(files: [String: String], runner: Program.Runner, budget: Double = 120) throws {
    self.files = files
    self.runner = runner
    original = files
    workers = try (0..<2).map { _ in try TemporaryDirectory("repair-player") }
    lastContents = [files, files]
    for worker in workers { for (path, text) in files { try worker.write(path, text) } }
    baseline = try Runners.run(runner, in: workers[0].path, timeout: 300).report
    let brief = RepairBrief(
      command: "test", framework: .exitStatus, report: baseline,
      files: files.keys.sorted().compactMap { path in
        RepoPath(path).map { RepairBrief.File(path: $0, size: files[path]?.utf8.count ?? 0) }
      },
      budgetSeconds: budget)
    items = [.user(text: "Repair the project.", structured: brief.json)]
  }

  deinit { for worker in workers { Runners.forget(worker.path) } }

  /// Drives the engine until it calls `finish`.
  func play(_ engine: RepairEngine, maximumTurns: Int = 400) async throws -> Ending {
    var turns = 0
    while ending == nil, turns < maximumTurns {
      turns += 1
      let request = ModelRequest(system: "", tools: [], items: items)
      let response = try await engine.respond(to: request) { [log] progress in
        if case .status(let text) = progress { log(text) }
      }
      items += response.items
      let calls = response.items.compactMap { item in if case .toolCall(let call) = item { call } else { nil } }
      if calls.isEmpty { break }
      for call in calls { items.append(.toolResult(try await answer(call))) }
    }
    var result = ending ?? Ending(outcome: "none", summary: "")
    result.tried = tried
    result.seconds = trying
    result.turns = turns
    return result
  }

  private func answer(_ call: ToolCall) async throws -> ToolResult {
    guard case .json(let text) = call.arguments else {
      return ToolResult(callID: call.id, output: "not JSON", isError: true)
    }
    let arguments = try JSONValue(parsing: text)
    switch call.name {
    case "read_file":
      guard let path = arguments["path"]?.string, let text = files[path] else {
        return ToolResult(callID: call.id, output: "no such file", isError: true)
      }
      return ToolResult(
        callID: call.id, output: text,
        structured: [
          "path": .string(path), "text": .string(text), "size": JSONValue(text.utf8.count), "truncated": false,
        ])
    case "coverage":
      guard hasCoverage, runner != .make, runner != .node, runner != .tap else {
        return ToolResult(callID: call.id, output: "no coverage for this framework", isError: true)
      }
      let run = try Runners.run(runner, in: workers[0].path, coverage: true, timeout: 120)
      guard let text = run.coverage, let json = try? JSONValue(parsing: text) else {
        return ToolResult(callID: call.id, output: "coverage failed", isError: true)
      }
      return ToolResult(callID: call.id, output: "", structured: json)
    case "try_patches":
      return try await tryPatches(call.id, arguments)
    case "adopt_patch":
      files = Self.applied(arguments["edits"]?.array ?? [], to: files)
      return ToolResult(callID: call.id, output: "", structured: ["applied": true])
    case "finish":
      ending = Ending(outcome: arguments["outcome"]?.string ?? "", summary: arguments["summary"]?.string ?? "")
      return ToolResult(callID: call.id, output: "", structured: ["accepted": true])
    default:
      return ToolResult(callID: call.id, output: "unknown tool", isError: true)
    }
  }

  /// Lets the conversation go on after `finish`, as the agent does when its own check disagrees.
  func contradict() {
    ending = nil
    items.append(.user(text: "The final check failed.", structured: nil))
  }

  private func tryPatches(_ id: String, _ arguments: JSONValue) async throws -> ToolResult {
    let start = Date()
    let patches = arguments["patches"]?.array ?? []
    let failing = baseline.failing
    let passing = Set(baseline.passing)
    let files = self.files
    let runner = self.runner
    let paths = workers.map(\.path)
    var results = [JSONValue](repeating: .null, count: patches.count)
    for base in stride(from: 0, to: patches.count, by: paths.count) {
      let slice = (base..<min(base + paths.count, patches.count))
      let before = lastContents
      try await withThrowingTaskGroup(of: (Int, JSONValue, [String: String]).self) { group in
        for index in slice {
          let patch = patches[index]
          let worker = index - base
          let directory = paths[worker]
          let previous = before[worker]
          group.addTask {
            let patched = Self.applied(patch["edits"]?.array ?? [], to: files)
            let judged = try await onOwnThread {
              for (path, text) in patched where previous[path] != text {
                try text.write(toFile: directory + "/" + path, atomically: false, encoding: .utf8)
              }
              return try Self.judge(patch["id"]?.string ?? "", runner, directory, failing: failing, passing: passing)
            }
            return (index, judged, patched)
          }
        }
        for try await (index, result, patched) in group {
          results[index] = result
          lastContents[index - base] = patched
        }
      }
    }
    tried += patches.count
    let seconds = Date().timeIntervalSince(start)
    trying += seconds
    // What a quiet machine would take, so that the outcome does not depend on how busy this one is.
    let timeouts = results.count { $0["outcome"]?.string == "timeout" }
    let nominal = runner == .make ? 0.15 : runner == .node || runner == .tap ? 0.08 : 0.03
    let reported = Double(results.count) * nominal + Double(timeouts) * 0.5
    return ToolResult(callID: id, output: "", structured: ["results": .array(results), "seconds": .double(reported)])
  }

  private static func judge(
    _ id: String, _ runner: Program.Runner, _ directory: String, failing: [String], passing: Set<String>
  ) throws -> JSONValue {
    func result(_ outcome: String, failing: Int, fixed: Int, lost: Int, _ failure: String?, still: [String])
      -> JSONValue
    {
      [
        "id": .string(id), "outcome": .string(outcome), "failing": JSONValue(failing), "fixed": JSONValue(fixed),
        "lost": JSONValue(lost), "firstFailure": JSONValue(failure), "still": .array(still.map(JSONValue.string)),
      ]
    }
    let first = try Runners.run(runner, in: directory, only: failing)
    if first.timedOut { return result("timeout", failing: failing.count, fixed: 0, lost: 0, nil, still: failing) }
    let ended = Dictionary(first.report.tests.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    let still = failing.filter { ended[$0]?.result != .passed }
    let failure = first.report.tests.first { $0.result == .failed || $0.result == .errored }.flatMap(\.message)
    let isBroken = first.report.tests.isEmpty
    if isBroken { return result("broken", failing: failing.count, fixed: 0, lost: 0, failure, still: failing) }
    guard still.isEmpty else {
      return result("failed", failing: still.count, fixed: failing.count - still.count, lost: 0, failure, still: still)
    }
    let all =
      runner == .make || runner == .node || runner == .tap
      ? first : try Runners.run(runner, in: directory, timeout: 300)
    if all.timedOut { return result("timeout", failing: 0, fixed: failing.count, lost: 0, nil, still: []) }
    let lost = passing.subtracting(all.report.passing).count
    let isClean = lost == 0 && all.report.failing.isEmpty && all.report.exitStatus == 0
    return result(
      isClean ? "passed" : "failed", failing: 0, fixed: failing.count, lost: lost,
      all.report.tests.first { $0.result == .failed || $0.result == .errored }.flatMap(\.message), still: [])
  }

  static func applied(_ edits: [JSONValue], to files: [String: String]) -> [String: String] {
    var result = files
    let byPath = Dictionary(grouping: edits) { $0["path"]?.string ?? "" }
    for (path, edits) in byPath {
      guard let text = files[path] else { continue }
      var bytes = Array(text.utf8)
      for edit in edits.sorted(by: { ($0["start"]?.int ?? 0) > ($1["start"]?.int ?? 0) }) {
        guard let start = edit["start"]?.int, let end = edit["end"]?.int, let text = edit["text"]?.string, start >= 0,
          start <= end, end <= bytes.count
        else { continue }
        bytes.replaceSubrange(start..<end, with: Array(text.utf8))
      }
      result[path] = String(decoding: bytes, as: UTF8.self)
    }
    return result
  }
}
