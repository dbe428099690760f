import Paths
import TestReports
import TestSupport
import Testing

/// Many patches in one run of Python's tests: most of them one after another in one process.
@Suite struct PythonTrialsTests {
  /// A patch of the sum, by the text that takes its place, and whether the tests pass with it.
  struct Patch: Sendable {
    var text: String
    var passes = false
    var isTimeout = false
  }

  private static let source = """
    import os
    seen = []
    memo = {}


    class Box:
        count = 0


    def add(left, right, keep=[]):
        return left - right

    """

  private static let patches = [
    Patch(text: "left * right"), Patch(text: "left + right", passes: true), Patch(text: "left + ("),
    Patch(text: "[1 for _ in iter(int, 1)]", isTimeout: true), Patch(text: "left + nothing"),
    Patch(text: "os._exit(1)"), Patch(text: "os.kill(os.getpid(), 9)"), Patch(text: "exit()"),
    // What one leaves behind is not there for the next.
    Patch(text: "seen.append(1) or 0"), Patch(text: "left + right + len(seen)", passes: true),
    Patch(text: "memo.setdefault(left, 99)"), Patch(text: "memo.get(left, left + right)", passes: true),
    Patch(text: "setattr(Box, 'count', 1) or 0"), Patch(text: "left + right + Box.count", passes: true),
    Patch(text: "keep.append(1) or 0"), Patch(text: "left + right + len(keep)", passes: true),
    Patch(text: "globals().update(new=1) or 0"), Patch(text: "left + right + ('new' in globals())", passes: true),
    Patch(text: "os.chdir('/') or 0"), Patch(text: "left + right + (os.getcwd() == '/')", passes: true),
    Patch(text: "right + left", passes: true),
  ]

  private static let tests = [
    "unittest":
      "import unittest\nfrom calc import *\n\n\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(add(1, 2), 3)\n\n    def test_b(self):\n        self.assertEqual(add(4, 5), 9)\n\n    def test_c(self):\n        self.assertEqual(add(1, 0), 1)\n",
    "pytest":
      "import pytest\nfrom calc import *\n\n\n@pytest.mark.parametrize('a, b, c', [(1, 2, 3), (4, 5, 9), (1, 0, 1)])\ndef test_a(a, b, c):\n    assert add(a, b) == c\n",
  ]

  /// Tries patches of `left - right`.
  private func trials(
    _ project: Project, _ style: String, _ texts: [String], _ failing: [String]
  ) async throws -> (trials: Trials, remarks: [String]) {
    let (trials, remarks) = try await project.trials(
      "python3 -m \(style)", of: texts, inPlaceOf: "left - right", in: "calc.py", names: failing)
    return (try #require(trials), remarks)
  }

  @Test(arguments: ["unittest", "pytest"]) func oneAfterAnother(_ style: String) async throws {
    let project = try Project(["calc.py": Self.source, "test_calc.py": Self.tests[style] ?? ""])
    let base = try await project.report("python3 -m \(style)")
    #expect(base.failing.count == 2 && base.passing.count == 1)
    let (trials, remarks) = try await trials(project, style, Self.patches.map(\.text), base.failing)
    #expect(trials.isComplete && remarks == [])
    for (index, patch) in Self.patches.enumerated() {
      let last = try #require(trials.all.last { $0.patch == index }, "\(patch.text)")
      #expect(last.isTimeout == patch.isTimeout, "\(patch.text)")
      #expect((last.report?.exitStatus == 0) == patch.passes, "\(patch.text)")
      #expect(last.isOfAll == patch.passes, "\(patch.text)")
      if patch.passes { #expect(last.report?.passing.count == 3, "\(patch.text)") }
    }
  }

  /// State that cannot be put back: each patch gets a process of its own, and why is said.
  @Test func whatCannotBePutBack() async throws {
    let source = Self.source.replacing("memo = {}", with: "numbers = iter(range(9))")
    let project = try Project(["calc.py": source, "test_calc.py": Self.tests["unittest"] ?? ""])
    let base = try await project.report("python3 -m unittest")
    let (trials, remarks) = try await trials(
      project, "unittest", ["next(numbers)", "left + right + next(numbers)", "left * right"], base.failing)
    #expect(remarks.count == 1 && remarks[0].contains("range_iterator"))
    #expect(trials.isComplete && trials.all.allSatisfy { $0.report?.exitStatus == 1 })
  }
}
