import Paths
import TestReports
import TestSupport
import Testing

/// Lines by test, from real pytest and unittest.
@Suite struct CoverageTests {
  static let files = [
    "calc.py": """
    def div(a, b):
        if b == 0:
            return None
        return a // b


    def spin(n):
        while n:
            n -= 1


    def worker(out):
        out.append(1)

    """,
    "tool.py": """
    import calc
    print(calc.div(1, 0))

    """,
    "venv/lib/site-packages/other.py": "def other():\n    return 1\n",
    "tests/__init__.py": "",
    "tests/test_calc.py": """
    import subprocess, sys, threading, unittest
    import calc

    sys.path.append("venv/lib/site-packages")
    import other


    class Test(unittest.TestCase):
        def test_div(self):
            other.other()
            self.assertEqual(calc.div(4, 2), 3)

        def test_zero(self):
            exec(compile("x = 1", "<nothing>", "exec"))
            self.assertIsNone(calc.div(1, 0))

        def test_tool(self):
            subprocess.check_call([sys.executable, "tool.py"])

        def test_thread(self):
            thread = threading.Thread(target=calc.worker, args=([],))
            thread.start()
            thread.join()

        def test_spin(self):
            calc.spin(10)

    """,
  ]

  /// Runs a command by its plan for coverage; nil where there is none.
  static func coverage(_ shell: String, _ files: [String: String] = files, nonce: String? = nil) async throws
    -> TestCoverage?
  {
    let project = try Project(files)
    let command = project.command(shell)
    let plan = try #require(command.coveragePlan(nonce: "n0nce", root: Array(project.root.utf8)))
    var evidence = try await project.evidence(command, plan: plan)
    if let nonce { evidence.nonce = nonce }
    return command.coverage(from: evidence)
  }

  static func lines(_ coverage: TestCoverage, _ test: String, _ file: String) throws -> [ClosedRange<Int>]? {
    let found = try #require(coverage.tests.first { $0.name == test }, "\(coverage.tests.map(\.name))")
    return found.lines[try #require(RepoPath(file))]
  }

  @Test(arguments: [
    ("python3 -m pytest -q -p no:cacheprovider", "tests/test_calc.py::Test::"),
    ("python3 -m unittest", "tests.test_calc.Test."),
    ("set -e; python3 -m unittest -v tests.test_calc", "tests.test_calc.Test."),
  ])
  func linesOfTests(shell: String, prefix: String) async throws {
    let coverage = try #require(try await Self.coverage(shell))
    #expect(coverage.tests.count == 5)
    #expect(try Self.lines(coverage, prefix + "test_div", "calc.py") == [2...2, 4...4])
    #expect(try Self.lines(coverage, prefix + "test_zero", "calc.py") == [2...3])
    #expect(try Self.lines(coverage, prefix + "test_spin", "calc.py") == [8...9])
    #expect(try Self.lines(coverage, prefix + "test_thread", "calc.py") == [13...13])
    // A program that the test started.
    #expect(try Self.lines(coverage, prefix + "test_tool", "tool.py") == [1...2])
    #expect(try Self.lines(coverage, prefix + "test_tool", "calc.py")?.first == 1...3)
    let paths = Set(coverage.tests.flatMap { $0.lines.keys.map(\.quoted) })
    #expect(paths == ["calc.py", "tool.py", "tests/test_calc.py"])
  }

  @Test func namesAreThoseOfTheReport() async throws {
    let project = try Project(Self.files)
    let command = project.command("python3 -m pytest -q -p no:cacheprovider")
    let plan = try #require(command.coveragePlan(nonce: "n0nce", root: Array(project.root.utf8)))
    let evidence = try await project.evidence(command, plan: plan)
    let report = command.report(from: evidence)
    #expect(report.failing == ["tests/test_calc.py::Test::test_div"])
    #expect(!report.isIncomplete, "\(report.incompleteReason ?? "")")
    #expect(command.coverage(from: evidence)?.tests.map(\.name) == report.tests.map(\.name))
  }

  @Test func aTestThatDoesNotEndIsNoted() async throws {
    var files = Self.files
    files["tests/test_calc.py"] = """
      import os
      import calc

      def test_ends():
          assert calc.div(4, 2) == 2

      def test_hangs():
          calc.spin(1100000)
          os._exit(1)

      """
    let coverage = try #require(try await Self.coverage("python3 -m pytest -q -p no:cacheprovider", files))
    #expect(coverage.tests.count == 2)
    #expect(try Self.lines(coverage, "tests/test_calc.py::test_hangs", "calc.py") == [8...9])
  }

  @Test func nothingIsBelievedWithoutTheNonce() async throws {
    #expect(try await Self.coverage("python3 -m unittest", nonce: "other") == nil)
    #expect(try await Self.coverage("true") == nil)
  }

  @Test func toolsWithoutAdaptorHaveNoPlan() throws {
    let project = try Project(["go.mod": "module x\n"])
    #expect(project.command("go test ./...").coveragePlan(nonce: "n", root: [0x2f]) == nil)
  }

  @Test func hostileNotes() throws {
    let command = try Project(Self.files).command("python3 -m unittest")
    let text = """
      {"event":"start","nonce":"n","framework":"coverage","time":1}
      {"event":"lines","name":"t","files":{"/etc/passwd":[[1,2]],"../up.py":[[1,1]],"a.py":[[3,4],[1,3],[0,9],[9,1],[7],"x"]}}
      {"event":"lines","name":"t","files":{"a.py":[[5,9223372036854775807],[5,6]]}}
      {"event":"lines","name":7,"files":[]}
      {"event":"lines"
      """
    let evidence = RunEvidence(
      output: [], exitStatus: nil, results: ["coverage-1.jsonl": Array(text.utf8)], projectRoot: Array("/p".utf8),
      nonce: "n")
    let path = try #require(RepoPath("a.py"))
    #expect(command.coverage(from: evidence) == TestCoverage(tests: [.init(name: "t", lines: [path: [1...6]])]))
  }

  @Test func onlyWhatFailingTestsRunIsKept() throws {
    let (a, b) = (try #require(RepoPath("a.py")), try #require(RepoPath("b.py")))
    let coverage = TestCoverage(tests: [
      .init(name: "p", lines: [a: [1...4, 8...9], b: [1...2]]), .init(name: "f", lines: [a: [3...8]]),
      .init(name: "q", lines: [b: [1...1]]),
    ])
    let reduced = coverage.reduced(to: ["f"], limit: 10)
    #expect(
      reduced.tests == [.init(name: "f", lines: [a: [3...8]]), .init(name: "p", lines: [a: [3...4, 8...8]])])
    #expect(coverage.reduced(to: ["f"], limit: 2).tests.map(\.name) == ["f"])
  }
}
