import AuditTrail
import JSON
import Paths
import Repair
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

  private func run(_ files: [String: String], seconds: Double = 40) async throws -> (result: RunResult, notes: [String])
  {
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
}
