import Agent
import Conversation
import Foundation
import JSON
import Paths
import Synchronization
import TestReports
import Workspace

/// `--json`: one JSON object a line on standard output, version 1 of the schema in `docs/json.md`, each with a sequence
/// number and a timestamp; always ended by one `run.ended`.
final class JSONStream: Sendable {
  private let state = Mutex(State())

  private struct State {
    var sequence: Int64 = 0
    var hasEnded = false
  }

  /// Writes one event.
  func emit(_ type: String, _ fields: JSONObject = JSONObject()) {
    state.withLock { state in
      guard !state.hasEnded else { return }
      state.sequence += 1
      if type == "run.ended" { state.hasEnded = true }
      var event: JSONObject = [
        "v": 1, "seq": .int(state.sequence), "time": .string(Self.timestamp()), "type": .string(type),
      ]
      for member in fields.members { event[member.name] = member.value }
      Output.write(JSONValue.object(event).serialized + [0x0a])
    }
  }

  /// Writes a notice.
  func show(_ notice: RunNotice) {
    switch notice {
    case .started(let header):
      emit(
        header.isResumed ? "run.resumed" : "run.started",
        [
          "run": .string(header.run), "checkout": .string(Quoting.quote(header.root)),
          "project": .string(header.project.quoted), "provider": .string(header.model.provider),
          "model": .string(header.model.name), "check": JSONValue(header.testCommand?.shell),
          "workspace": .string(header.workspaceMode),
        ])
    case .phase(let phase): emit("phase", ["name": .string(phase.rawValue)])
    case .tests(let summary): tests(summary)
    case .commandStarted(let id, let shell, let purpose):
      emit(
        "command.started",
        ["command": JSONValue(id), "shell": .string(shell), "purpose": .string(purpose.rawValue)])
    case .commandOutput(let id, let bytes):
      emit("command.output", ["command": JSONValue(id), "text": .string(String(decoding: bytes, as: UTF8.self))])
    case .commandEnded(let id, let status, _, let seconds):
      emit(
        "command.ended",
        ["command": JSONValue(id), "status": .string(status), "milliseconds": JSONValue(Int(seconds * 1000))])
    case .tool(let name, let detail): emit("tool", ["name": .string(name), "detail": .string(detail)])
    case .toolFailed(let name, let reason):
      emit("tool.failed", ["name": .string(name), "reason": .string(reason)])
    case .changed(let files): emit("changed", ["files": .array(files.map { Self.file($0, withPatch: true) })])
    case .plan(let steps):
      emit("plan", ["steps": .array(steps.map { ["text": .string($0.text), "status": .string($0.status)] })])
    case .model(let progress): model(progress)
    case .answered(let spending): emit("answered", Self.spending(spending))
    case .judged(let accepted, let findings):
      emit("judged", ["accepted": .bool(accepted), "findings": .string(findings)])
    case .notice(let text): emit("notice", ["text": .string(text)])
    case .ended(let result): ended(result)
    }
  }

  /// Ends the stream when no result could be reached.
  func fail(_ failure: any ReportableFailure) {
    emit(
      "run.ended",
      [
        "outcome": "error", "exit_code": JSONValue(Int(failure.code)), "reason": .string(failure.sentence),
        "advice": JSONValue(failure.advice),
      ])
  }

  private func tests(_ summary: TestSummary) {
    func names(_ names: [String]) -> JSONValue { .array(names.prefix(500).map { .string($0) }) }
    emit(
      "tests",
      [
        "purpose": .string(summary.purpose.rawValue), "passed": JSONValue(summary.report.passing.count),
        "failed": JSONValue(summary.report.failing.count), "failing": names(summary.report.failing),
        "named": .bool(summary.report.isNamed), "incomplete": .bool(summary.report.isIncomplete),
        "milliseconds": JSONValue(Int(summary.seconds * 1000)),
      ])
  }

  private func model(_ progress: ModelProgress) {
    switch progress {
    case .text(let text): emit("model.text", ["text": .string(text)])
    case .reasoning(let text): emit("model.reasoning", ["text": .string(text)])
    case .toolCall(let name): emit("model.call", ["name": .string(name)])
    case .status(let text): emit("status", ["text": .string(text)])
    case .retrying(let reason, let attempt, let seconds):
      emit(
        "model.retrying",
        ["reason": .string(reason), "attempt": JSONValue(attempt), "milliseconds": JSONValue(Int(seconds * 1000))])
    }
  }

  private func ended(_ result: RunResult) {
    func texts(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
    var fields: JSONObject = [
      "run": .string(result.run), "outcome": .string(result.outcome.rawValue),
      "exit_code": JSONValue(Int(result.outcome.exitCode)), "reason": .string(result.reason),
      "failed_before": texts(result.failedBefore), "passes_now": texts(result.passesNow),
      "proof": texts(result.proof), "flags": texts(result.flags), "summary": .string(result.summary),
      "files": .array(result.diff.map { Self.file($0, withPatch: false) }),
      "patch": .string(String(decoding: result.diff.flatMap(\.patch), as: UTF8.self)),
      "delivered": JSONValue(result.delivered), "resumable": .bool(result.isResumable),
      "milliseconds": JSONValue(Int(result.seconds * 1000)),
    ]
    for member in Self.spending(result.spending).members { fields[member.name] = member.value }
    emit("run.ended", fields)
  }

  private static func spending(_ spending: Spending) -> JSONObject {
    [
      "turns": JSONValue(spending.turns), "input_tokens": JSONValue(spending.usage.input),
      "cached_tokens": JSONValue(spending.usage.cachedInput), "output_tokens": JSONValue(spending.usage.output),
      "cost_microdollars": spending.microdollars.map { JSONValue($0) } ?? .null,
    ]
  }

  private static func file(_ file: FileDiff, withPatch: Bool) -> JSONValue {
    var object: JSONObject = [
      "path": .string(file.path.quoted), "kind": .string("\(file.kind)"), "added": JSONValue(file.added),
      "removed": JSONValue(file.removed), "binary": .bool(file.isBinary),
    ]
    if withPatch { object["patch"] = .string(String(decoding: file.patch, as: UTF8.self)) }
    return .object(object)
  }

  /// RFC 3339 in UTC with milliseconds.
  private static func timestamp() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    func pad(_ number: Int, _ width: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    return "\(Int(parts.tm_year) + 1900)-\(pad(Int(parts.tm_mon) + 1, 2))-\(pad(Int(parts.tm_mday), 2))T"
      + "\(pad(Int(parts.tm_hour), 2)):\(pad(Int(parts.tm_min), 2)):\(pad(Int(parts.tm_sec), 2))."
      + "\(pad(now.tv_nsec / 1_000_000, 3))Z"
  }
}
