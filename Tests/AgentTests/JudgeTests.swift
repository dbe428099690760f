import AuditTrail
import JSON
import Paths
import TestSupport
import Testing
import Workspace

@testable import Agent

/// What proves a change, and what does not.
@Suite struct JudgeTests {
  private static var project: [String: String] {
    var files = Calculator.files
    files["tests/__init__.py"] = ""
    files["tests/helpers.py"] = "def same(left, right):\n    assert left == right, (left, right)\n"
    files["tests/test_more.py"] = """
      import unittest

      from calc import add
      from tests.helpers import same


      class MoreTest(unittest.TestCase):
          def test_more(self):
              same(add(1, 1), 2)

      """
    return files
  }

  @Test(arguments: [
    // Tests and what they are made of.
    "rm -r test_calc.py tests",
    "sed -i 's/def test_/def no_/' test_calc.py tests/test_more.py",
    "printf 'def same(left, right):\\n    pass\\n' > tests/helpers.py; printf 'import unittest\\n' > test_calc.py",
    "sed -i 's/^class/@unittest.skip(\"\")\\nclass/' test_calc.py tests/test_more.py",
    // What would be loaded in their place.
    "mkdir test_calc; printf 'import unittest\\nclass CalcTest(unittest.TestCase):\\n  def test_add(self): pass\\n  def test_zero(self): pass\\n' > test_calc/__init__.py",
    "printf 'import sys\\nsys.exit(0)\\n' > unittest.py",
    "mkdir unittest; printf 'import sys\\nsys.exit(0)\\n' > unittest/__init__.py; cp unittest/__init__.py unittest/__main__.py",
    // How they run.
    "printf 'import os\\nos._exit(0)\\n' > sitecustomize.py",
    "printf '[pytest]\\naddopts = --collect-only\\n' > pytest.ini; printf 'collect_ignore_glob=[\"*\"]\\n' > conftest.py",
    "printf 'import os\\nos._exit(0)\\n' > calc.py",
    "printf 'raise SystemExit(0)\\n' > calc.py",
    "printf 'import unittest\\nraise unittest.SkipTest(\"\")\\n' > calc.py",
  ])
  func cheatsProveNothing(command: String) async throws {
    let rig = try Rig(Self.project)
    let result = try await rig.run(Script([Script.shell(command), Script.say("Fixed.")]))
    #expect(result.outcome == .notFixed, "\(result)")
    let end = try #require(try rig.events().events.last)
    #expect(end.fields["deliverable"]?.string == nil)
  }

  @Test func whatIsDeliveredIsWhatWasJudged() async throws {
    let rig = try Rig(Self.project)
    let command =
      "sed -i 's/left - right/left + right/' calc.py; printf 'def same(a, b):\\n    pass\\n' > tests/helpers.py; printf 'import os\\nos._exit(0)\\n' > sitecustomize.py"
    let result = try await rig.run(Script([Script.shell(command), Script.say("Fixed.")]))
    #expect(result.outcome == .fixed, "\(result.reason)")
    #expect(result.diff.map { "\($0.path)" } == ["calc.py"])
    #expect(result.proof.contains { $0.contains("withheld") }, "\(result.proof)")
  }

  @Test func aBuildErrorIsRepairedByTheNamesThatItHid() async throws {
    var files = Calculator.files
    files["calc.py"] = "def add(left, right)\n    return left + right\n"
    let rig = try Rig(files)
    let result = try await rig.run(
      Script([Script.shell("sed -i 's/right)$/right):/' calc.py"), Script.say("Fixed.")]))
    #expect(result.outcome == .fixed, "\(result.reason) \(result.proof)")
    #expect(!result.passesNow.isEmpty)
  }

  @Test func aBuildErrorThatHidesFailuresIsNotEnough() async throws {
    var files = Calculator.files
    files["calc.py"] = "def add(left, right)\n    return left - right\n"
    let rig = try Rig(files)
    let result = try await rig.run(
      Script([Script.shell("sed -i 's/right)$/right):/' calc.py"), Script.say("Fixed.")]))
    #expect(result.outcome == .notFixed, "\(result.reason)")
  }

  @Test func aTestThatFailsNowAndThenProvesNothing() async throws {
    var files = Calculator.files
    files["calc.py"] = "def add(left, right):\n    return left + right\n"
    // Fails once: the first run leaves a mark outside of what a clean workspace resets? There is no such place, so it
    // fails by the clock: in its first seconds.
    files["test_calc.py"]? += """

      class Flaky(unittest.TestCase):
          def test_clock(self):
              import os, time
              started = os.stat("calc.py").st_mtime
              self.assertGreater(time.time() - started, WAIT)

      """
    files["test_calc.py"] = files["test_calc.py"]?.replacing("WAIT", with: "6")
    let rig = try Rig(files)
    let result = try await rig.run(
      Script([
        Script.shell("sleep 6; echo '# changed' >> calc.py; touch -d '1 hour ago' calc.py"), Script.say("Fixed."),
      ]))
    #expect(result.outcome != .fixed, "\(result.proof)")
  }

  @Test func aCheckWithoutNamesCountsByItsExitStatus() async throws {
    let rig = try Rig(["check.sh": "grep -q good state.txt\n", "state.txt": "bad\n"])
    let services = try rig.services(Script([Script.shell("echo good > state.txt"), Script.say("Done.")]))
    let result = try await Runs(services: services, observe: { _ in })
      .start(RunRequest(testCommand: "sh check.sh"), at: rig.location())
    #expect(result.outcome == .fixed, "\(result.reason)")
    #expect(result.proof.contains { $0.contains("exit status alone") })
  }

  @Test func aCheckWithoutNamesThatSucceededMayNotFail() async throws {
    let rig = try Rig(["check.sh": "grep -q good state.txt\n", "state.txt": "good\n"])
    let services = try rig.services(Script([Script.shell("echo bad > state.txt"), Script.say("Done.")]))
    let result = try await Runs(services: services, observe: { _ in })
      .start(RunRequest(task: "change the state", testCommand: "sh check.sh"), at: rig.location())
    #expect(result.outcome == .notFixed, "\(result.reason)")
  }

  @Test func whatTestsLeaveBehindIsNoChange() async throws {
    var files = Calculator.files
    files["test_calc.py"]? += """

      class Writes(unittest.TestCase):
          def test_write(self):
              import time
              with open("report.txt", "w") as file:
                  file.write(str(time.time()))
              with open("log.txt", "a") as file:
                  file.write("x")

      """
    files["log.txt"] = ""
    let rig = try Rig(files)
    let result = try await rig.run(Script([Script.call("run_tests", [:]), Calculator.fix, Script.say("Done.")]))
    #expect(result.outcome == .fixed, "\(result.reason)")
    #expect(!result.diff.contains { "\($0.path)" == "report.txt" })
  }
}
