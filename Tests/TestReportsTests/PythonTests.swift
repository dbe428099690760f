import Paths
import TestReports
import TestSupport
import Testing

/// pytest and unittest, run for real with their adaptors.
@Suite struct PythonTests {
  static let sources = [
    "calc.py": """
    def div(a, b):
        return a // b


    def add(a, b):
        return a - b

    """,
    "tests/__init__.py": "",
  ]

  static func project(_ tests: String, _ name: String = "tests/test_calc.py", more: [String: String] = [:]) throws
    -> Project
  {
    var files = sources.merging(more) { $1 }
    files[name] = tests
    return try Project(files)
  }

  static let pytestFile = """
    import unittest
    import pytest
    from calc import add, div

    @pytest.mark.parametrize("a,b", [(1, 2), ("x/y[1] é::\\n", "b")])
    def test_add(a, b):
        assert add(a, b) == 3

    def test_div():
        assert div(1, 0)

    @pytest.fixture
    def bad():
        raise RuntimeError("no")

    def test_setup(bad):
        pass

    @pytest.fixture
    def late():
        yield
        raise RuntimeError("late")

    def test_teardown(late):
        pass

    @pytest.mark.xfail
    def test_xfail():
        assert 0

    @pytest.mark.xfail(strict=True)
    def test_strict():
        pass

    @pytest.mark.xfail(reason="z")
    def test_xpass():
        pass

    @pytest.mark.skip(reason="why")
    def test_skip():
        pass

    class TestU(unittest.TestCase):
        def test_sub(self):
            for i in range(3):
                with self.subTest(i=i):
                    self.assertEqual(i, 1)

        def test_lists(self):
            self.assertEqual([1, 2, 3], [1, 2, 4])

    """

  @Test(arguments: ["python3 -m pytest -q tests", "pytest", "python3 -m pytest -qq --tb=no -p no:cacheprovider"])
  func pytest(shell: String) async throws {
    let project = try Self.project(Self.pytestFile)
    let command = project.command(shell)
    #expect(command.framework == .pytest)
    let report = try await project.report(command)
    #expect(report.isNamed)
    #expect(!report.isIncomplete, "\(report.incompleteReason ?? "")")
    let file = "tests/test_calc.py::"
    #expect(
      report.names(.failed)
        == [
          "test_add[1-2]", "test_add[x/y[1] \\xe9::\\n-b]", "test_div", "test_strict",
          "TestU::test_lists", "TestU::test_sub",
        ].map { file + $0 })
    #expect(report.names(.errored) == ["test_setup", "test_teardown"].map { file + $0 })
    #expect(report.names(.passed) == ["test_xpass"].map { file + $0 })
    #expect(report.names(.skipped) == ["test_xfail", "test_skip"].map { file + $0 })
    #expect(report.exitStatus == 1)
    let div = try #require(report[file + "test_div"])
    #expect(div.message?.contains("ZeroDivisionError") == true)
    #expect(div.location == SourceLocation(path: try #require(RepoPath("calc.py")), line: 2))
    #expect(div.trace.map { "\($0.path):\($0.line)" } == ["tests/test_calc.py:10", "calc.py:2"])
    let add = try #require(report[file + "test_add[1-2]"])
    #expect(add.message?.contains("where -1 = add(1, 2)") == true)
    #expect(try #require(add.duration) >= 0)
    // pytest knows subtests since 9; before it, the first that fails is the test's own failure.
    let sub = try #require(report[file + "TestU::test_sub"]?.message)
    #expect(sub.contains("i=0") || sub.contains("0 != 1"), "\(sub)")
  }

  static let unittestFile = """
    import sys
    import unittest
    import calc


    class TestCalc(unittest.TestCase):
        def test_sub(self):
            for i in range(3):
                with self.subTest(i=i):
                    self.assertEqual(i, 1)

        def test_lists(self):
            self.assertEqual([1, 2, 3], [1, 2, 4])

        def test_error(self):
            calc.div(1, 0)

        def test_exit(self):
            sys.exit(0)

        def test_ok(self):
            pass

        @unittest.skip("why")
        def test_skip(self):
            pass

        @unittest.expectedFailure
        def test_expected(self):
            self.fail()

        @unittest.expectedFailure
        def test_unexpected(self):
            pass

        def test_inner_runner(self):
            class Inner(unittest.TestCase):
                def test_inner(self):
                    self.fail()
            unittest.TextTestRunner(stream=open("/dev/null", "w")).run(Inner("test_inner"))

    """

  @Test(arguments: [
    "python3 -m unittest", "python3 -m unittest discover -s tests -t .", "python3 -m unittest tests.test_calc -v",
    "make test", "./run.sh",
  ])
  func unittest(shell: String) async throws {
    let project = try Self.project(
      Self.unittestFile,
      more: ["Makefile": "PYTHON ?= python3\ntest: all\n\t@$(PYTHON) -m unittest -q\nall:\n\t@true\n"])
    try project.directory.write("p/run.sh", "#!/bin/sh\nexec python3 -m unittest -q\n", mode: 0o755)
    let command = project.command(shell)
    #expect(command.framework == .unittest)
    let report = try await project.report(command)
    let prefix = "tests.test_calc.TestCalc."
    #expect(report.isNamed)
    #expect(!report.isIncomplete, "\(report.incompleteReason ?? "")")
    #expect(report.names(.failed) == ["test_lists", "test_sub", "test_unexpected"].map { prefix + $0 })
    #expect(report.names(.errored) == ["test_error", "test_exit"].map { prefix + $0 })
    #expect(report.names(.passed) == ["test_inner_runner", "test_ok"].map { prefix + $0 })
    #expect(report.names(.skipped) == ["test_expected", "test_skip"].map { prefix + $0 })
    let error = try #require(report[prefix + "test_error"])
    #expect(error.message == "ZeroDivisionError: integer division or modulo by zero")
    #expect(error.trace.map { "\($0.path):\($0.line)" } == ["tests/test_calc.py:16", "calc.py:2"])
    #expect(report[prefix + "test_sub"]?.message?.hasPrefix("(i=0) AssertionError: 0 != 1") == true)
    #expect(report[prefix + "test_lists"]?.message?.contains("First differing element 2") == true)
  }

  @Test func classAndModuleSetUp() async throws {
    let project = try Self.project(
      """
      import unittest
      class TestA(unittest.TestCase):
          @classmethod
          def setUpClass(cls):
              raise RuntimeError("boo")
          def test_hidden(self):
              pass
      class TestB(unittest.TestCase):
          def test_seen(self):
              pass
      """)
    let report = try await project.report("python3 -m unittest")
    #expect(report.names(.passed) == ["tests.test_calc.TestB.test_seen"])
    #expect(report.isIncomplete)
    #expect(report.startFailure == nil)
    #expect(report.buildErrors.count == 1)
    #expect(report.buildErrors.first?.message == "setUpClass (tests.test_calc.TestA): RuntimeError: boo")
    #expect(report.buildErrors.first?.location.map { "\($0.path):\($0.line)" } == "tests/test_calc.py:5")
  }

  @Test(arguments: ["python3 -m pytest -q", "python3 -m unittest"])
  func ownImportError(shell: String) async throws {
    let project = try Self.project(
      "import unittest\nfrom calc import missing_name\n",
      more: ["tests/test_other.py": "import unittest\nimport calc.sub\n"])
    let report = try await project.report(shell)
    #expect(report.startFailure == nil)
    #expect(report.isIncomplete)
    #expect(report.buildErrors.count == 2)
    #expect(report.buildErrors.contains { $0.message.contains("cannot import name 'missing_name'") })
    #expect(report.buildErrors.allSatisfy { $0.location?.line == 2 })
    #expect(
      Set(report.buildErrors.compactMap { $0.location?.path.quoted }) == ["tests/test_calc.py", "tests/test_other.py"])
  }

  @Test(arguments: ["python3 -m pytest -q", "python3 -m unittest"])
  func missingThirdParty(shell: String) async throws {
    let project = try Self.project(
      "import unittest\nimport nowhere_to_be_found.sub\n", more: ["requirements.txt": "nowhere-to-be-found\n"])
    let report = try await project.report(shell)
    let failure = try #require(report.startFailure)
    #expect(failure.missing == "nowhere_to_be_found")
    #expect(failure.suggestedSetup == "python3 -m pip install -r requirements.txt")
    #expect(report.isIncomplete)
    #expect(report.tests.isEmpty)
  }

  @Test func missingInConftest() async throws {
    let project = try Self.project(
      "def test_a():\n    pass\n", more: ["tests/conftest.py": "import nowhere_to_be_found\n"])
    let report = try await project.report("python3 -m pytest tests")
    #expect(report.startFailure?.missing == "nowhere_to_be_found")
    #expect(report.startFailure?.suggestedSetup == "python3 -m pip install nowhere_to_be_found")
  }

  @Test func brokenConftestOfTheProject() async throws {
    let project = try Self.project(
      "def test_a():\n    pass\n", more: ["tests/conftest.py": "import calc\nfrom calc import nope\n"])
    let report = try await project.report("python3 -m pytest tests")
    #expect(report.startFailure == nil)
    #expect(report.buildErrors.first?.location.map { "\($0.path):\($0.line)" } == "tests/conftest.py:2")
  }

  @Test(arguments: ["python3 -m pytest -q", "python3 -m unittest"])
  func diesInTheMiddle(shell: String) async throws {
    let project = try Self.project(
      """
      import os
      import unittest
      class TestA(unittest.TestCase):
          def test_a(self):
              pass
          def test_b(self):
              os._exit(0)
          def test_c(self):
              pass
      """)
    let report = try await project.report(shell)
    #expect(report.isIncomplete)
    #expect(report.exitStatus == 0)
    #expect(report.passing.count == 1)
    #expect(report.failing.count == 1)
    #expect(report.failing.first?.hasSuffix("test_b") == true)
  }

  @Test(arguments: ["python3 -m pytest -q", "python3 -m unittest tests.test_calc"])
  func exitWhileLoading(shell: String) async throws {
    let project = try Self.project("import sys\nsys.exit(0)\n")
    let report = try await project.report(shell)
    #expect(report.isIncomplete)
    #expect(report.tests.isEmpty)
    #expect(report.startFailure == nil)
  }

  @Test func toolsOwnErrors() async throws {
    let project = try Self.project("def test_a():\n    pass\n", more: ["Cargo.toml": "[package\n"])
    let usage = try await project.report("python3 -m pytest --no-such-option")
    #expect(usage.isIncomplete && usage.tests.isEmpty && usage.startFailure == nil)
    #expect(usage.buildErrors.first?.message.contains("unrecognized arguments: --no-such-option") == true)
    let none = try await project.report("python3 -m unittest discover -s tests -p 'nothing*.py'")
    #expect(none.isIncomplete && none.tests.isEmpty && none.startFailure == nil)
  }

  @Test func crashOfTheInterpreter() async throws {
    let project = try Self.project(
      "import ctypes\ndef test_a():\n    pass\ndef test_b():\n    ctypes.string_at(0)\n")
    let report = try await project.report("python3 -m pytest -q")
    #expect(report.isIncomplete)
    #expect(report.passing == ["tests/test_calc.py::test_a"])
    #expect(report.failing == ["tests/test_calc.py::test_b"])
  }

  @Test func exitStatusMustAgree() async throws {
    let project = try Self.project("def test_a():\n    assert 0\n")
    #expect(try await project.report("python3 -m pytest -q || true").isIncomplete)
    let hook = try Self.project(
      "def test_a():\n    pass\n",
      more: ["conftest.py": "def pytest_sessionfinish(session):\n    session.exitstatus = 7\n"])
    let report = try await hook.report("python3 -m pytest -q")
    #expect(report.isIncomplete)
    #expect(report.incompleteReason == "the command exited with 7 although no test failed")
  }

  @Test func stoppingEarlyIsIncomplete() async throws {
    let project = try Self.project("def test_a():\n    assert 0\ndef test_b():\n    pass\n")
    let report = try await project.report("python3 -m pytest -x -q")
    #expect(report.isIncomplete)
    #expect(report.incompleteReason == "1 of 2 collected tests ran")
    let none = try await project.report("python3 -m pytest -q -k nothing_of_this_name")
    #expect(none.isIncomplete)
    #expect(none.tests.isEmpty)
    #expect(none.startFailure == nil)
  }

  @Test func forgedResultsAreNotBelieved() async throws {
    let project = try Self.project(
      """
      import os, json
      def test_a():
          with open(os.environ["CODEAGENT_RESULTS"] + "/pytest-1-1.jsonl", "w") as f:
              f.write(json.dumps({"event": "start", "nonce": "guess", "framework": "pytest"}) + "\\n")
              f.write(json.dumps({"event": "test", "name": "forged", "result": "passed"}) + "\\n")
          assert 0
      """)
    let report = try await project.report("python3 -m pytest -q")
    #expect(report["forged"] == nil)
    #expect(report.failing == ["tests/test_calc.py::test_a"])
    #expect(report.isIncomplete)
  }

  @Test func commandThatReplacesThePath() async throws {
    let project = try Project([
      "src/pkg/__init__.py": "def f():\n    return 1\n",
      "tests/test_f.py": "from pkg import f\ndef test_f():\n    assert f() == 2\n",
    ])
    let recognized = ProjectRecognizer.recognize(project.files, directory: .root)
    #expect(recognized.map(\.shell) == ["PYTHONPATH=src python3 -m pytest"])
    let report = try await project.report(try #require(recognized.first))
    #expect(report.failing == ["tests/test_f.py::test_f"])
    #expect(!report.isIncomplete)
  }

  @Test func anotherSitecustomizeStillRuns() async throws {
    let project = try Project([
      "lib/sitecustomize.py": "import os\nos.environ['OTHER_SITE'] = __file__\n",
      "test_a.py":
        "import os, sys\ndef test_a():\n    assert os.environ['OTHER_SITE'].endswith('lib/sitecustomize.py')\n"
        + "    assert sys.modules['sitecustomize'].__file__ == os.environ['OTHER_SITE']\n",
    ])
    let report = try await project.report("PYTHONPATH=lib python3 -m pytest -q")
    #expect(report.passing == ["test_a.py::test_a"], "\(report)")
  }

  @Test func testsThatStartPythonAndFakeTheWorld() async throws {
    let project = try Self.project(
      """
      import builtins, os, subprocess, sys, time, unittest.mock
      def test_child():
          code = "import unittest\\nclass T(unittest.TestCase):\\n  def test_x(self): self.fail()\\nunittest.main()"
          assert subprocess.run([sys.executable, "-c", code]).returncode == 1
      def test_pytest_child(tmp_path):
          (tmp_path / "test_inner.py").write_text("def test_inner(): assert 0")
          assert subprocess.run([sys.executable, "-m", "pytest", str(tmp_path)], cwd=str(tmp_path)).returncode == 1
          env = dict(os.environ, PYTHONPATH="/nowhere")
          assert subprocess.run([sys.executable, "-m", "pytest", str(tmp_path)], cwd=str(tmp_path), env=env).returncode == 1
      def test_mocks(monkeypatch):
          monkeypatch.setattr(os, "open", None)
          monkeypatch.setattr(os, "getpid", lambda: 1)
          monkeypatch.setattr(builtins, "open", None)
          monkeypatch.setattr(time, "perf_counter", None)
          os.environ.clear()
      def test_fork():
          if os.fork() == 0:
              os._exit(0)
      """)
    let report = try await project.report("python3 -m pytest -q")
    #expect(report.passing.count == 4)
    #expect(report.tests.count == 4)
    #expect(!report.isIncomplete, "\(report.incompleteReason ?? "")")
  }

  @Test func severalRunsOfOneCommand() async throws {
    let project = try Self.project(
      "def test_a():\n    pass\n", more: ["unit/test_b.py": "def test_b():\n    assert 0\n"])
    let report = try await project.report("python3 -m pytest -q tests && python3 -m pytest -q unit")
    #expect(report.passing == ["tests/test_calc.py::test_a"])
    #expect(report.failing == ["unit/test_b.py::test_b"])
    #expect(!report.isIncomplete)
  }

  @Test func missingPytest() async throws {
    let project = try Self.project("def test_a():\n    pass\n")
    let command = project.command("pytest -q")
    for (output, status, missing) in [
      ("sh: 1: pytest: not found\n", Int32(127), "pytest"),
      ("/usr/bin/python3: No module named pytest\n", 1, "pytest"),
      ("/bin/sh: line 1: pytest: command not found\n", 127, "pytest"),
      ("make: pytest: No such file or directory\nmake: *** [Makefile:2: test] Error 127\n", 2, "pytest"),
      (
        "ERROR: usage: pytest [options]\npytest: error: unrecognized arguments: --cov=x\n  inifile: /p/pytest.ini\n", 4,
        "pytest-cov"
      ),
      ("ERROR: Missing required plugins: pytest-asyncio\n", 4, "pytest-asyncio"),
    ] {
      let report = command.report(
        from: RunEvidence(output: Array(output.utf8), exitStatus: status, projectRoot: Array("/p".utf8)))
      #expect(report.startFailure?.missing == missing, "\(output)")
      #expect(report.startFailure?.suggestedSetup?.contains("pip install") == true)
      #expect(report.isIncomplete)
    }
  }
}
