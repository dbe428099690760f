import Access
import AuditTrail
import Conversation
import Glibc
import JSON
import Paths
import Sandbox
import Synchronization
import TestSupport
import Workspace

@testable import Agent

/// A project, and everything real that a run works with; only the model is played.
final class Rig: Sendable {
  let directory: TemporaryDirectory

  init(_ files: [String: String], git: Bool = true) throws {
    directory = try TemporaryDirectory("agent-test")
    for name in ["project", "home", "index"] { try directory.makeDirectory(name) }
    for (name, text) in files { try directory.write("project/\(name)", text) }
    guard git else { return }
    for arguments in [["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "first"]] {
      let result = try runProcess(
        ["git"] + arguments,
        environment: [
          "PATH": "/usr/bin:/bin", "HOME": directory.path("home"), "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a",
          "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
        ], cwd: directory.path("project"))
      guard result.status == 0 else { throw Failure(text: result.err) }
    }
  }

  struct Failure: Error { var text: String }

  func location() throws -> CheckoutLocation { try .resolve(Array(directory.path("project").utf8)) }

  func store(_ name: String = "state") throws -> AuditStore { try .open(at: Array(directory.path(name).utf8)) }

  func services(
    _ model: any Model, state: String = "state", secrets: [String: String] = [:], window: Int? = nil
  ) throws -> RunServices {
    try directory.makeDirectory("\(state)/runs")
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    let home = getenv("HOME").map { String(cString: $0) } ?? "/nonexistent"
    return RunServices(
      store: try store(state), sandbox: try Sandbox(launcher: Array(builtProduct("codeagent-launch").utf8)),
      model: model,
      authorizer: try CedarAuthorizer(sources(model)),
      principal: Principal(run: "", user: "tester", start: .batch), approver: nil,
      redactor: Redactor(knownValues: secrets),
      view: WorkspaceView(
        environment: HostView.environment(from: ["PATH": path, "LANG": "C.UTF-8"]),
        toolchainRoots: HostView.toolchainRoots(path: path, home: Array(home.utf8))),
      runsDirectory: Array(directory.path("\(state)/runs").utf8), indexDirectory: Array(directory.path("index").utf8),
      contextWindow: window, price: { _ in 0 }, version: "0")
  }

  /// What ships, for this model.
  func sources(_ model: any Model) -> PolicySources {
    var sources = PolicySources()
    sources.chosenModels = ["\(model.identity.provider)/\(model.identity.name)"]
    return sources
  }

  /// Runs to the end.
  func run(
    _ model: any Model, task: String? = nil, budget: Budget = Budget(), secrets: [String: String] = [:],
    window: Int? = nil, notices: (@Sendable (RunNotice) -> Void)? = nil, delivery: DeliveryRequest = DeliveryRequest(),
    change: (@Sendable (inout RunServices) throws -> Void)? = nil
  ) async throws -> RunResult {
    await Turns.shared.take()
    let outcome = await result {
      var services = try self.services(model, secrets: secrets, window: window)
      try change?(&services)
      return try await Runs(services: services, observe: notices ?? { _ in })
        .start(RunRequest(task: task, budget: budget, delivery: delivery), at: self.location())
    }
    await Turns.shared.give()
    return try outcome.get()
  }

  private func result(_ body: () async throws -> RunResult) async -> Result<RunResult, any Error> {
    do { return .success(try await body()) } catch { return .failure(error) }
  }

  /// Seconds between the first and the last event of the one run.
  func seconds() throws -> Double {
    let events = try events().events
    guard let first = events.first, let last = events.last else { return 0 }
    return Double(last.monotonic - first.monotonic) / 1e9
  }

  /// The events of the one run in a store, with a reader of their content.
  func events(_ state: String = "state") throws -> (events: [Event], content: (Event, String) throws -> [UInt8]?) {
    let store = try store(state)
    guard let run = try store.runs(limit: 1).first?.run else { throw Failure(text: "no run") }
    return (try store.events(of: run), { try store.content(of: $0, $1) })
  }
}

/// Lets a few runs work at a time: some tests measure time.
actor Turns {
  static let shared = Turns()
  private var free = 4
  private var waiting: [CheckedContinuation<Void, Never>] = []

  func take() async {
    if free > 0 { free -= 1 } else { await withCheckedContinuation { waiting.append($0) } }
  }

  func give() {
    if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
  }
}

/// A model that plays answers. Which one follows from the conversation alone, so that a resumed run gets the same.
final class Script: Model {
  let identity = ModelIdentity(provider: "test", name: "script", endpoint: "127.0.0.1:9")
  private let seen = Mutex<[ModelRequest]>([])
  private let answer: @Sendable (ModelRequest, Int) async throws(ModelError) -> ModelResponse

  /// The requests so far.
  var requests: [ModelRequest] { seen.withLock { $0 } }

  init(_ answer: @escaping @Sendable (ModelRequest, Int) async throws(ModelError) -> ModelResponse) {
    self.answer = answer
  }

  /// One answer after another; the last is repeated.
  convenience init(_ answers: [ModelResponse]) {
    self.init { _, index in answers[min(index, answers.count - 1)] }
  }

  func respond(
    to request: ModelRequest, observe: @escaping @Sendable (ModelProgress) -> Void
  ) async throws(ModelError) -> ModelResponse {
    seen.withLock { $0.append(request) }
    let said = request.items.count { if case .assistant = $0 { true } else { false } }
    return try await answer(request, said)
  }

  static func say(_ text: String) -> ModelResponse { turn(text, []) }

  static func call(_ name: String, _ arguments: JSONValue) -> ModelResponse { turn("…", [(name, arguments)]) }

  static func turn(_ text: String, _ calls: [(name: String, arguments: JSONValue)]) -> ModelResponse {
    raw(text, calls.map { ($0.name, String(decoding: $0.arguments.serialized, as: UTF8.self)) })
  }

  /// Calls with arguments that may be anything. Ids repeat from turn to turn, as some servers' do.
  static func raw(_ text: String, _ calls: [(name: String, arguments: String)]) -> ModelResponse {
    ModelResponse(
      items: [.assistant(text: text)]
        + calls.enumerated().map { .toolCall(.init(id: "call_\($0)", name: $1.name, arguments: .json($1.arguments))) },
      usage: Usage(input: 100, output: 10), stop: calls.isEmpty ? .endOfTurn : .toolCalls)
  }

  static func shell(_ command: String) -> ModelResponse { call("shell", ["command": .string(command)]) }
}

extension ModelRequest {
  /// True when every result answers a call before it, and every call has its result.
  var isWellPaired: Bool {
    var open: [String: Int] = [:]
    for item in items {
      switch item {
      case .toolCall(let call): open[call.id, default: 0] += 1
      case .toolResult(let result):
        guard let count = open[result.callID], count > 0 else { return false }
        open[result.callID] = count - 1
      default: continue
      }
    }
    return open.values.allSatisfy { $0 == 0 }
  }

  var results: [ToolResult] { items.compactMap { if case .toolResult(let result) = $0 { result } else { nil } } }
}

/// A small project with one bug: `add` subtracts.
enum Calculator {
  static let files: [String: String] = [
    "calc.py": "def add(left, right):\n    return left - right\n",
    "test_calc.py": """
    import unittest

    from calc import add


    class CalcTest(unittest.TestCase):
        def test_add(self):
            self.assertEqual(add(2, 3), 5)

        def test_zero(self):
            self.assertEqual(add(4, 0), 4)

    """,
    ".gitignore": "__pycache__/\n",
  ]

  static let fix = Script.shell("sed -i 's/left - right/left + right/' calc.py")
}
