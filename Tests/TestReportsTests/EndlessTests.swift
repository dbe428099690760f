import TestReports
import Testing

/// Tests that never end are ended, and the others are told of.
@Suite struct EndlessTests {
  private func project() throws -> Project {
    try PythonTests.project(
      """
      import unittest

      def loop():
          number = 0
          while True:
              number += 1

      class Tests(unittest.TestCase):
          def test_before(self):
              pass

          def test_endless(self):
              loop()

          def test_endless_that_catches(self):
              while True:
                  try:
                      loop()
                  except Exception:
                      pass

          def test_of_a_failure(self):
              self.assertEqual(1, 2)

      """, more: ["tests/__init__.py": ""])
  }

  @Test(arguments: ["python3 -m pytest -q", "python3 -m unittest tests.test_calc"])
  func eachTestIsToldOf(shell: String) async throws {
    let project = try project()
    let command = project.command(shell)
    let evidence = try await project.evidence(command, plan: command.plan(nonce: "n0nce", testSeconds: 0.3))
    let report = command.report(from: evidence)
    #expect(!report.isIncomplete && report.tests.count == 4)
    #expect(report.passing.count == 1 && report.failing.count == 3)
    let endless = report.tests.filter { $0.message?.hasPrefix("TestStopped: it did not end within") == true }
    #expect(endless.count == 2)
    // Where it was is where it loops.
    #expect(endless.allSatisfy { (4...6).contains($0.trace.last?.line ?? 0) })
  }

  @Test(arguments: ["python3 -m pytest -q", "python3 -m unittest tests.test_calc"])
  func withoutABoundNothingIsWatched(shell: String) async throws {
    let project = try PythonTests.project(
      """
      import signal
      import unittest

      class Tests(unittest.TestCase):
          def test_timer(self):
              self.assertEqual(signal.getsignal(signal.SIGPROF), signal.SIG_DFL)
              self.assertEqual(signal.getitimer(signal.ITIMER_PROF), (0.0, 0.0))

      """)
    let report = try await project.report(shell)
    #expect(report.failing.isEmpty && report.passing.count == 1)
  }
}
