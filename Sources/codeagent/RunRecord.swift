import Agent
import AuditTrail
import JSON
import Paths
import Workspace

/// What the record says of one run, for people and machines.
struct RunRecord {
  let run: RunID
  /// How it stands: `running`, `interrupted`, or its outcome.
  let status: String
  private let started: JSONValue
  private let ended: JSONValue?
  /// The task's text, or nothing.
  let task: String
  /// The final change as a patch.
  let patch: [UInt8]

  /// What a list knows.
  init(_ summary: RunSummary) {
    run = summary.run
    started = summary.firstFields
    ended = summary.lastKind == EventKind.runEnded.rawValue ? summary.lastFields : nil
    status = summary.status == .running ? "running" : ended?["outcome"]?.string ?? "interrupted"
    task = ""
    patch = []
  }

  /// Reads a run's task and change, too.
  init(_ run: RunID, in store: AuditStore) throws {
    self.run = run
    let events = try store.events(of: run)
    let start = events.first { $0.kind == EventKind.runStarted.rawValue }
    let end = events.last { $0.kind == EventKind.runEnded.rawValue || $0.kind == EventKind.runResumed.rawValue }
    started = start?.fields ?? .null
    ended = end?.kind == EventKind.runEnded.rawValue ? end?.fields : nil
    status = try store.isLive(run) ? "running" : ended?["outcome"]?.string ?? "interrupted"
    task = try start.flatMap { try store.content(of: $0, "task") }.map { String(decoding: $0, as: UTF8.self) } ?? ""
    patch = try end.flatMap { try store.content(of: $0, "patch") } ?? []
  }

  /// `provider/name` as it was chosen, or `builtin`.
  var model: String {
    guard let provider = started["provider"]?.string, let name = started["model"]?.string else { return "builtin" }
    return provider == "builtin" ? "builtin" : "\(provider)/\(name)"
  }

  /// The checkout, in its text form.
  var checkout: String { started["checkout"]?.string ?? "" }

  /// The checkout as it is now.
  func location() throws -> CheckoutLocation {
    guard let root = Quoting.unquote(checkout), !root.isEmpty else {
      throw RunFailure(.record, "the record of \(run.text) does not name its checkout")
    }
    return try CheckoutLocation.resolve(root)
  }

  /// For machines.
  func json(withPatch: Bool = false) -> JSONValue {
    var object: JSONObject = [
      "v": 1, "run": .string(run.text), "status": .string(status), "model": .string(model),
      "checkout": .string(checkout), "ended": ended ?? .null,
    ]
    if withPatch {
      object["task"] = .string(task)
      object["patch"] = .string(String(decoding: patch, as: UTF8.self))
    }
    return .object(object)
  }

  /// For people.
  func text(_ style: Style) -> String {
    var text = "\(style.strong(run.text))  \(status)\n"
    func row(_ name: String, _ value: String) {
      if !value.isEmpty { text += "  " + style.faint(name.padding(to: 15)) + Display.safe(value) + "\n" }
    }
    func list(_ name: String) -> [String] { (ended?[name]?.array ?? []).compactMap(\.string) }
    row("checkout", checkout)
    row("model", model)
    row("task", task)
    row("reason", ended?["reason"]?.string ?? "it did not end: codeagent runs resume \(run.text)")
    row("failed before", list("failedBefore").joined(separator: ", "))
    row("passes now", list("passesNow").joined(separator: ", "))
    for sentence in list("proof") { row("proof", sentence) }
    for flag in list("flags") { row("look at", flag) }
    row("delivered", ended?["delivered"]?.string ?? "")
    if !patch.isEmpty { text += "\n" + Display.safe(patch) + "\n" }
    return text
  }
}
