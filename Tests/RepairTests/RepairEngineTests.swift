import Conversation
import JSON
import Paths
import Repair
import TestReports
import TestSupport
import Testing

@Suite struct RepairEngineTests {
  static let source = """
    def area(width, height):
        return width + height


    def clamp(value, low, high):
        if value < low:
            return low
        if value > low:
            return high
        return value


    def total(values):
        result = 0
        for value in values:
            result += value
        return result
    """
  static let test = """
    import shapes

    def test_clamp():
        assert shapes.clamp(5, 1, 9) == 5

    def test_area():
        assert shapes.area(2, 3) == 6
    """

  private func failing(_ name: String, line: Int? = nil, message: String? = nil) -> TestOutcome {
    TestOutcome(
      name: name, result: .failed, message: message,
      location: line.flatMap { line in RepoPath("test_shapes.py").map { SourceLocation(path: $0, line: line) } })
  }

  /// Tools for which `area` is wrong until it multiplies.
  private func areaTools() -> ScriptedTools {
    let source = Self.source.replacing("value > low:", with: "value > high:")
    return ScriptedTools(files: ["shapes.py": source, "test_shapes.py": Self.test]) { files in
      let isRight =
        files["shapes.py"]?.contains("return width * height") == true
        && files["shapes.py"]?.contains("value > high:") == true
      return (isRight ? 0 : 1, isRight ? nil : "AssertionError: 5 != 6")
    }
  }

  private func start(_ tools: ScriptedTools, _ tests: [TestOutcome], budget: Double = 60) -> [Item] {
    [.user(text: "Repair.", structured: tools.brief(failing: tests, passing: ["test_clamp"], budget: budget).json)]
  }

  @Test func `Finds a wrong operator and says that nothing rivals it`() async throws {
    var tools = areaTools()
    _ = try await tools.play(RepairEngine(), from: start(tools, [failing("test_area", line: 7)]))
    #expect(tools.ending?.outcome == "fixed")
    #expect(tools.files["shapes.py"]?.contains("return width * height") == true)
    #expect(tools.adopted.count == 1)
    #expect(tools.adopted.first?["label"]?.string == "verified")
    #expect(tools.ending?.summary.contains("No other patch passes") == true)
    // The change itself is shown with every result, once.
    #expect(tools.ending?.summary.contains("return width") == false)
    // At least as many again were tried after the first that passed.
    #expect(tools.tried > 48)
  }

  @Test func `Identity names no endpoint`() {
    #expect(RepairEngine().identity == ModelIdentity(provider: "builtin", name: "repair", endpoint: nil))
  }

  @Test(.timeLimit(.minutes(2))) func `Rivals are told apart by an input that no test has`() async throws {
    let test = """
      import unittest
      import sums

      class Tests(unittest.TestCase):
          def test_add(self):
              self.assertEqual(sums.add(2, 2), 4)
      """
    let player = try Player(
      files: ["sums.py": "def add(a, b):\n    return a - b\n", "test_sums.py": test], runner: .unittest)
    let ending = try await player.play(RepairEngine())
    #expect(ending.outcome == "unconfirmed")
    #expect(ending.summary.contains(/add\(.*\) tells them apart: .* with this one, .* with rival/))
    #expect(player.files["sums.py"]?.contains("probe") == false)
  }

  @Test func `Rivals make it unconfirmed`() async throws {
    var tools = areaTools()
    tools.judge = { files in
      let text = files["shapes.py"] ?? ""
      let isRight = text.contains("return width * height\n") || text.contains("return width - height\n")
      return (isRight ? 0 : 1, nil)
    }
    _ = try await tools.play(RepairEngine(), from: start(tools, [failing("test_area", line: 7)]))
    #expect(tools.ending?.outcome == "unconfirmed")
    #expect(tools.adopted.first?["label"]?.string == "unconfirmed")
    #expect(tools.ending?.summary.contains("Rival 1 of 1") == true)
  }

  @Test func `Two bugs are repaired one after the other`() async throws {
    var tools = areaTools()
    tools.files["shapes.py"] = Self.source
    tools.judge = { files in
      let text = files["shapes.py"] ?? ""
      var left: [String] = []
      if !text.contains("if value > high:\n        return high") { left.append("clamp: 9 != 5") }
      if !text.contains("return width * height") { left.append("area: 5 != 6") }
      return (left.count, left.first)
    }
    let tests = [failing("test_clamp", line: 4), failing("test_area", line: 7)]
    _ = try await tools.play(RepairEngine(), from: start(tools, tests))
    #expect(tools.ending?.outcome == "fixed")
    #expect(tools.adopted.first?["edits"]?.array?.count == 2)
    #expect(tools.files["shapes.py"]?.contains("value > high") == true)
  }

  @Test func `Says honestly that it found nothing, and how far it looked`() async throws {
    var tools = areaTools()
    tools.judge = { _ in (1, "always") }
    _ = try await tools.play(RepairEngine(), from: start(tools, [failing("test_area", line: 7)], budget: 20))
    #expect(tools.ending?.outcome == "not_fixed")
    #expect(tools.adopted.isEmpty)
    let summary = try #require(tools.ending?.summary)
    #expect(summary.contains("candidates at") && summary.contains("The best guess of the place is shapes.py:"))
    // The budget is the tools' own time.
    #expect(tools.tried >= 400 && tools.tried < 700)
  }

  @Test func `A failure that goes away by itself is called flaky`() async throws {
    var tools = areaTools()
    tools.judge = { _ in (0, nil) }
    _ = try await tools.play(RepairEngine(), from: start(tools, [failing("test_area")]))
    #expect(tools.ending?.outcome == "not_fixed")
    #expect(tools.ending?.summary.contains("flaky") == true)
    #expect(tools.adopted.isEmpty)
  }

  @Test func `A patch that the final check refuses is taken back, and the search goes on`() async throws {
    var tools = areaTools()
    let original = try #require(tools.files["shapes.py"])
    tools.judge = { files in
      let text = files["shapes.py"] ?? ""
      return (text.contains("return width * height") || text.contains("return width - height") ? 0 : 1, nil)
    }
    let engine = RepairEngine()
    var items = try await tools.play(engine, from: start(tools, [failing("test_area", line: 7)]))
    let first = try #require(tools.files["shapes.py"])
    #expect(first != original)
    tools.reopen()
    items.append(.user(text: "The check in a clean workspace failed.", structured: nil))
    items = try await tools.play(engine, from: items)
    let second = try #require(tools.files["shapes.py"])
    #expect(second != original && second != first)
    tools.judge = { _ in (1, nil) }
    // Whatever else had passed is offered, each once, until nothing is left.
    for _ in 0..<30 where tools.ending?.outcome != "not_fixed" {
      tools.reopen()
      items.append(.user(text: "That failed, too.", structured: nil))
      items = try await tools.play(engine, from: items)
    }
    #expect(tools.ending?.outcome == "not_fixed")
    #expect(tools.files["shapes.py"] == original)
    #expect(tools.ending?.summary.contains("did not hold") == true)
  }

  @Test func `Every prefix of a conversation leads to the call that followed it`() async throws {
    var tools = areaTools()
    let items = try await tools.play(RepairEngine(), from: start(tools, [failing("test_area", line: 7)]))
    var checked = 0
    for index in items.indices.dropFirst() {
      guard case .toolCall(let call) = items[index] else { continue }
      // Only where a turn begins.
      if case .toolCall = items[index - 1] { continue }
      let response = try await RepairEngine().respond(
        to: ModelRequest(system: "", tools: [], items: Array(items[..<index]))
      ) { _ in }
      guard case .toolCall(let replayed) = response.items[0] else {
        Issue.record("no call after \(index) items")
        return
      }
      #expect(replayed == call)
      checked += 1
    }
    #expect(checked >= 4)
  }

  @Test func `A resumed run survives the store's form of items`() async throws {
    var tools = areaTools()
    let items = try await tools.play(RepairEngine(), from: start(tools, [failing("test_area", line: 7)]))
    let restored = try items.map { item in try #require(Item(json: JSONValue(parsing: item.json.serialized))) }
    let half =
      restored.firstIndex { item in
        if case .toolResult(let result) = item { result.structured?["results"] != nil } else { false }
      } ?? 0
    let a = try await RepairEngine().respond(to: ModelRequest(system: "", tools: [], items: Array(restored[...half]))) {
      _ in
    }
    let b = try await RepairEngine().respond(to: ModelRequest(system: "", tools: [], items: Array(items[...half]))) {
      _ in
    }
    #expect(a == b)
  }

  @Test func `Calls of another version are not taken for this one's`() async throws {
    var tools = areaTools()
    var items = try await tools.play(RepairEngine(), from: start(tools, [failing("test_area", line: 7)]))
    for index in items.indices {
      if case .toolCall(var call) = items[index], call.name == "try_patches", case .json(let text) = call.arguments {
        call.arguments = .json(text + " ")
        items[index] = .toolCall(call)
      }
    }
    tools = areaTools()
    let end =
      items.lastIndex { item in
        if case .toolResult(let result) = item { result.structured?["results"] != nil } else { false }
      } ?? 0
    _ = try await tools.play(RepairEngine(), from: Array(items[...end]))
    #expect(tools.ending?.outcome == "fixed")
  }

  @Test func `Without a brief it asks for one`() async {
    await #expect(throws: ModelError.self) {
      try await RepairEngine().respond(
        to: ModelRequest(system: "", tools: [], items: [.user(text: "hello", structured: nil)])
      ) { _ in }
    }
  }

  @Test func `Nothing to repair, nothing that starts, nothing to read`() async throws {
    var tools = areaTools()
    var brief = tools.brief(failing: [], passing: ["a"])
    brief.report.exitStatus = 0
    _ = try await tools.play(RepairEngine(), from: [.user(text: "", structured: brief.json)])
    #expect(tools.ending?.outcome == "not_fixed")
    tools.reopen()
    brief.report.exitStatus = 1
    brief.report.startFailure = StartFailure(missing: "pytest", message: "pytest is not installed.")
    _ = try await tools.play(RepairEngine(), from: [.user(text: "", structured: brief.json)])
    #expect(tools.ending?.summary.contains("pytest is not installed") == true)
    tools.reopen()
    brief.report.startFailure = nil
    brief.report.tests = []
    brief.framework = .pytest
    brief.report.exitStatus = 5
    _ = try await tools.play(RepairEngine(), from: [.user(text: "", structured: brief.json)])
    #expect(tools.ending?.summary.contains("ran no tests") == true)
    tools.reopen()
    brief.report.exitStatus = 1
    brief.files = []
    _ = try await tools.play(RepairEngine(), from: [.user(text: "", structured: brief.json)])
    #expect(tools.ending?.outcome == "not_fixed")
    #expect(tools.tried == 0)
  }

  @Test func `Answers of any shape end in some end`() async throws {
    var random = Seeded(11)
    let junk: [JSONValue] = [
      .null, [], [:], "x", 3, ["results": 1], ["results": [["id": "p1"]]],
      ["results": [["id": "p1", "outcome": "passed"]], "seconds": -5],
      ["results": [["id": "p1", "outcome": "failed", "failing": -3, "fixed": 9_000_000]], "seconds": 1],
      ["results": [["id": "unchanged", "outcome": "broken"]], "seconds": .double(.infinity)],
      ["text": "def f(:\n  x ="], ["text": .null], ["text": 7],
      ["tests": [["name": "a", "files": ["shapes.py": [[1, 2], [9, 3], "x", 5, [0, 1]]]]]], ["applied": false],
    ]
    for _ in 0..<25 {
      var items = start(areaTools(), [failing("test_area", line: 7)])
      var tools = areaTools()
      let engine = RepairEngine()
      for _ in 0..<40 {
        let response = try await engine.respond(to: ModelRequest(system: "", tools: [], items: items)) { _ in }
        items += response.items
        let calls = response.items.compactMap { item in if case .toolCall(let call) = item { call } else { nil } }
        if calls.isEmpty || calls.contains(where: { $0.name == "finish" }) { break }
        for call in calls {
          if Int.random(in: 0..<3, using: &random) == 0 {
            let isError = Bool.random(using: &random)
            items.append(
              .toolResult(
                ToolResult(
                  callID: call.id, output: "junk", isError: isError, structured: junk.randomElement(using: &random))))
          } else {
            items.append(.toolResult(tools.answer(call)))
          }
        }
      }
    }
  }

  @Test func `A brief survives its own form`() throws {
    let tools = areaTools()
    var brief = tools.brief(failing: [failing("a::b[1]", line: 3, message: "x != \u{1b}[1m y")], passing: ["c"])
    brief.task = "fix it"
    brief.hints = ["shapes.py:3"]
    brief.report.buildErrors = [BuildError(message: "no ;", location: SourceLocation(path: .root, line: 3))]
    brief.files.append(RepairBrief.File(path: try #require(RepoPath([0x61, 0xff, 0x22])), size: 7))
    #expect(RepairBrief(json: try JSONValue(parsing: brief.json.serialized)) == brief)
    #expect(RepairBrief(json: ["report": 3]) == nil)
  }
}
