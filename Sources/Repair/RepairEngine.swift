public import Conversation
import JSON

/// The built-in engine: repairs a project by search instead of by language. It needs no key and no network.
///
/// It reads the first user item's `structured` part as a ``RepairBrief`` and acts by tool calls alone. An answer is a
/// function of the conversation: whoever replays the items gets the same next call, so a run can be resumed anywhere.
///
/// Tools that it calls, all with JSON arguments and answers in ``ToolResult/structured``:
/// - `read_file {"path"}` → `{"path", "text" or "base64", "size", "truncated"}`;
/// - `coverage {}` → `{"tests": [{"name", "files": {path: [[first, last], …]}}]}`, optional: an error is taken as "none";
/// - `try_patches {"patches": [{"id", "edits": [{"path", "start", "end", "text"}]}], "stop_at_first"}` →
///   `{"results": [{"id", "outcome", "failing", "fixed", "lost", "firstFailure"?, "still"?}], "seconds"}`. Offsets count
///   bytes of the file as it is in the workspace. A patch without edits asks what the tests say without any change;
/// - `adopt_patch {"edits", "label"}` → `{"applied": true}`;
/// - `finish {"outcome": "fixed" | "unconfirmed" | "not_fixed", "summary"}`.
///
/// A user item after `finish` means that the final check did not agree: the patch is taken back and the search goes on.
public actor RepairEngine: Model {
  /// `builtin/repair`, which runs in this process.
  public nonisolated let identity = ModelIdentity(provider: "builtin", name: "repair", endpoint: nil)

  /// The last conversation and what was worked out from it, so that the next request need not start over.
  private var cache: (items: [Item], session: RepairSession)?

  /// An engine for any number of runs, one after another.
  public init() {}

  /// Says what to do next.
  public func respond(
    to request: ModelRequest, observe: @escaping @Sendable (ModelProgress) -> Void
  ) async throws(ModelError) -> ModelResponse {
    if Task.isCancelled { throw ModelError(kind: .cancelled, message: "The search was cancelled.") }
    var replay = try Replay(items: request.items)
    if let cache, cache.items.count <= request.items.count, request.items.starts(with: cache.items) {
      replay.continueFrom(cache.session)
    }
    let calls = replay.run()
    cache = (request.items, replay.session)
    observe(.status(replay.session.status))
    guard !calls.isEmpty else {
      let text = replay.session.summary.isEmpty ? "Done." : replay.session.summary
      return ModelResponse(items: [.assistant(text: text)], usage: Usage(), stop: .endOfTurn, model: "repair")
    }
    let items = calls.map { call in
      Item.toolCall(ToolCall(id: call.id, name: call.name, arguments: .json(call.arguments.text)))
    }
    return ModelResponse(items: items, usage: Usage(), stop: .toolCalls, model: "repair")
  }
}

/// Brings a session up to where a conversation stands.
struct Replay {
  private(set) var session: RepairSession
  private let brief: RepairBrief
  private var results: [String: ToolResult] = [:]
  private var recorded: [String: String] = [:]
  /// For each `finish` call whether the harness spoke after it.
  private var contradicted: Set<String> = []

  init(items: [Item]) throws(ModelError) {
    var brief: RepairBrief?
    var finishes: [String] = []
    for item in items {
      switch item {
      case .user(_, let structured):
        if brief == nil, let structured { brief = RepairBrief(json: structured) }
        contradicted.formUnion(finishes)
      case .toolCall(let call):
        if case .json(let text) = call.arguments { recorded[call.id] = text }
        if call.name == "finish" { finishes.append(call.id) }
      case .toolResult(let result):
        results[result.callID] = result
        if result.isError, finishes.contains(result.callID) { contradicted.insert(result.callID) }
      default: break
      }
    }
    guard let brief else {
      throw ModelError(
        kind: .invalidRequest,
        message: "The built-in engine was not told what fails: the conversation has no brief for it.")
    }
    self.brief = brief
    session = RepairSession(brief: brief)
  }

  mutating func continueFrom(_ earlier: RepairSession) { session = earlier }

  /// Goes through all that was answered, and returns the calls that were not.
  mutating func run() -> [PlannedCall] {
    while true {
      if session.phase == .start { session.advance(with: [:]) }
      let pending = session.pending
      if pending.isEmpty { return [] }
      // Calls of another version of the engine are no answers to this one's.
      if pending.contains(where: { call in recorded[call.id].map { $0 != call.arguments.text } ?? false }) {
        session = RepairSession(brief: brief, generation: session.generation + 1)
        continue
      }
      let open = pending.filter { results[$0.id] == nil }
      guard open.isEmpty else { return open }
      if session.phase == .finishing, let call = pending.first, contradicted.contains(call.id), session.adopted != nil {
        session.refuse()
        continue
      }
      session.advance(with: results)
    }
  }
}
