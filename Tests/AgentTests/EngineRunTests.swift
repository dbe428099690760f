import AuditTrail
import JSON
import Paths
import Repair
import TestSupport
import Testing
import Workspace

@testable import Agent

/// The built-in engine on whole projects, of which some tests do not say the same twice.
@Suite struct EngineRunTests {
  private static func tests(_ more: String) -> String {
    """
    import os
    import random
    import unittest

    from calc import add


    class CalcTest(unittest.TestCase):
        def test_add(self):
            self.assertEqual(add(2, 3), 5)

        def test_more(self):
            self.assertEqual(add(40, 2), 42)

        def test_zero(self):
            self.assertEqual(add(4, 0), 4)

    \(more)
    """
  }

  private func run(_ files: [String: String], seconds: Double = 150) async throws -> (
    result: RunResult, notes: [String]
  ) {
    let rig = try Rig(files)
    var budget = Budget()
    budget.seconds = seconds
    let result = try await rig.run(RepairEngine(), budget: budget)
    let notes = try rig.events().events.flatMap { $0.fields["unsteady"]?.array ?? [] }.compactMap(\.string)
    return (result, notes)
  }

  @Test func aSteadyFailureBesideOnesThatComeAndGoIsRepaired() async throws {
    // Of two runs the first says otherwise than the second.
    let flaky = """
          def test_comes(self):
              self.assertIn("CODEAGENT_COVERAGE", os.environ)

          def test_goes(self):
              self.assertNotIn("CODEAGENT_COVERAGE", os.environ)
      """
    let (result, notes) = try await run([
      "calc.py": "def add(left, right):\n    return left - right\n", "test_calc.py": Self.tests(flaky),
    ])
    #expect(notes.contains { $0.hasSuffix("test_comes") } && notes.contains { $0.hasSuffix("test_goes") }, "\(notes)")
    #expect([.fixed, .unconfirmed].contains(result.outcome), "\(result.reason) \(result.summary)")
    #expect(result.diff.contains { $0.path.quoted == "calc.py" })
  }

  @Test func whatOnlyComesAndGoesIsNotSearchedFor() async throws {
    let flaky = """
          def test_comes(self):
              self.assertIn("CODEAGENT_COVERAGE", os.environ)
      """
    let (result, _) = try await run([
      "calc.py": "def add(left, right):\n    return left + right\n", "test_calc.py": Self.tests(flaky),
    ])
    #expect(result.outcome == .notFixed)
    #expect(result.reason.contains("flaky"), "\(result.reason)")
  }

  @Test func testsAreReadAndWhatCannotBeSearchedIsNamed() async throws {
    let rig = try Rig([
      "calc.py": "def add(left, right):\n    return left - right\n", "test_calc.py": Self.tests(""),
      "table.py": "TABLE = [" + String(repeating: "1234567, ", count: 120_000) + "]\n",
    ])
    try rig.directory.write(
      "project/old.py", bytes: Array("# -*- coding: latin-1 -*-\nNAME = '".utf8) + [0xe9] + Array("'\n".utf8))
    var budget = Budget()
    budget.seconds = 40
    let result = try await rig.run(RepairEngine(), budget: budget)
    #expect([.fixed, .unconfirmed].contains(result.outcome), "\(result.reason) \(result.summary)")
    let read = try rig.events().events.filter { $0.fields["effect"]?.string == "read" }.compactMap {
      $0.fields["path"]?.string
    }
    #expect(read.contains("test_calc.py") && !read.contains("table.py"), "\(read)")
  }

  @Test func sourcesThatCannotBeReadAreNamedWithTheReason() async throws {
    let rig = try Rig(["test_calc.py": Self.tests("")])
    try rig.directory.write(
      "project/calc.py",
      bytes: Array("# -*- coding: latin-1 -*-\nNAME = '".utf8) + [0xe9]
        + Array("'\ndef add(left, right):\n    return left - right\n".utf8))
    let result = try await rig.run(RepairEngine())
    #expect(result.outcome == .notFixed)
    #expect(result.summary.contains("calc.py: it is not UTF-8 text"), "\(result.summary)")
  }
}
