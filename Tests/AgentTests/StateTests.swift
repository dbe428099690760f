import Conversation
import JSON
import Paths
import TestReports
import Testing

@testable import Agent

@Suite struct StateTests {
  private func call(_ id: String, _ name: String = "shell", _ arguments: String = "{}") -> Item {
    .toolCall(ToolCall(id: id, name: name, arguments: .json(arguments)))
  }

  private func result(_ id: String, isError: Bool = false) -> Item {
    .toolResult(ToolResult(callID: id, output: "", isError: isError))
  }

  @Test func callsWithoutResultArePending() {
    var state = RunState()
    state.items = [
      .user(text: "", structured: nil), call("a"), result("a"), .assistant(text: ""), call("a"), call("b"),
    ]
    #expect(state.pendingCalls.map(\.id) == ["a", "b"])
    state.append(result("a"))
    #expect(state.pendingCalls.map(\.id) == ["b"])
    state.append(result("b"))
    #expect(state.pendingCalls.isEmpty)
    // One id for two calls of one answer: both are answered.
    state.items += [call("x"), call("x")]
    state.append(result("x"))
    #expect(state.pendingCalls.count == 1)
    state.append(result("x"))
    #expect(state.pendingCalls.isEmpty)
  }

  @Test func finishIsPartOfTheFold() {
    var state = RunState()
    state.items = [call("f", "finish", #"{"outcome":"cannot_be_done","summary":"why"}"#)]
    state.append(result("f"))
    #expect(state.finish == FinishRequest(outcome: "cannot_be_done", summary: "why"))
    state.judged(.rejected, "s1")
    #expect(state.finish == nil && state.rejected == "s1" && state.rounds == 1)
    state.items.append(call("f", "finish", #"{"outcome":"done"}"#))
    state.append(result("f", isError: true))
    #expect(state.finish == nil)
  }

  @Test func anUnknownPriceNeverCountsAsZero() {
    var spending = Spending()
    spending.add(Usage(input: 1), microdollars: nil)
    #expect(Budget(microdollars: 1000).exhausted(by: spending, elapsed: 0) == .cost)
    #expect(Budget(turns: 1).exhausted(by: spending, elapsed: 0) == .turns)
    #expect(Budget(tokens: 1).exhausted(by: spending, elapsed: 0) == .tokens)
    #expect(Budget(seconds: 5).exhausted(by: spending, elapsed: 5) == .time)
    #expect(Budget().exhausted(by: spending, elapsed: 5) == nil)
  }

  @Test func targetsAreTheTestsThatATaskNames() {
    let command = TestCommand(shell: "python3 -m pytest", framework: .pytest, reason: "")
    func targets(_ task: String?, _ failing: [String], isUsersOwn: Bool = false, errors: Int = 0) -> [String]? {
      TaskTargets.targets(
        task: task, command: command, isUsersOwn: isUsersOwn,
        baseline: TestReport(
          tests: failing.map { TestOutcome(name: $0, result: .failed) }, exitStatus: 1,
          buildErrors: (0..<errors).map { BuildError(message: "\($0)") }))
    }
    let both = ["t.py::test_add", "t.py::test_add_more"]
    #expect(targets(nil, both) == both)
    #expect(targets("test_add_more is wrong", both) == ["t.py::test_add_more"])
    #expect(targets("`t.py::test_add` is wrong", both) == ["t.py::test_add"])
    #expect(targets("the tests fail", both) == both)
    #expect(targets("hash the latest password", both) == nil)
    #expect(targets("hash it", both, isUsersOwn: true) == both)
    #expect(targets("the build is broken", [], errors: 1) == [])
    #expect(targets("add a greeting", [], errors: 1) == nil)
    #expect(targets("add a greeting", []) == nil)
  }

  @Test func whatWouldTakeATestsPlaceIsJudgedAsATest() throws {
    for path in ["unittest.py", "pytest/__init__.py", "test_calc/__init__.py", "src/unittest/case.py", "tests_x/../x"] {
      guard let path = RepoPath(path) else { continue }
      #expect(Shadows.contains(path), "\(path)")
    }
    for path in ["calc.py", "contest/main.py", "src/unit.py", "unittest.md"] {
      #expect(!Shadows.contains(try #require(RepoPath(path))), "\(path)")
    }
  }

  @Test func aCutKeepsTheTaskAndNoHalfOfAPair() {
    let brief = Item.user(text: "task", structured: ["brief": true])
    var items: [Item] = [brief]
    for index in 0..<50 {
      items += [.assistant(text: String(repeating: "x", count: 3000)), call("c\(index)"), result("c\(index)")]
    }
    let cut = Compaction.compact(
      items, plan: [PlanStep(text: "step", status: "pending")], diff: [], report: nil,
      redact: { $0.replacing("step", with: "⟦secret⟧") })
    #expect(cut.first == brief && cut.count == 2)
    guard case .user(let text, let structured) = cut[1] else { return #expect(Bool(false)) }
    #expect(structured == nil && text.contains("⟦secret⟧") && text.utf8.count < 40_000)
    #expect(cut.map(\.json).compactMap(Item.init(json:)) == cut)
  }
}
