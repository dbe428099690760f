import Paths
import TestReports
import Testing

/// Reports compared as sets of names, and which files belong to the tests.
@Suite struct ComparisonTests {
  static func report(_ tests: [String: TestOutcome.Result], errors: [BuildError] = []) -> TestReport {
    TestReport(
      tests: tests.sorted { $0.key < $1.key }.map { TestOutcome(name: $0.key, result: $0.value) }, exitStatus: 0,
      isIncomplete: !errors.isEmpty, buildErrors: errors)
  }

  @Test func sets() {
    let comparison = ReportComparison(
      base: Self.report([
        "a": .passed, "b": .failed, "c": .errored, "d": .passed, "e": .passed, "f": .skipped, "g": .failed,
        "h": .passed,
        "s": .skipped,
      ]),
      after: Self.report([
        "a": .passed, "b": .passed, "c": .failed, "d": .failed, "f": .failed, "g": .skipped, "h": .skipped,
        "n": .passed,
        "s": .passed,
      ]))
    #expect(comparison.newlyPassing == ["b"])
    #expect(comparison.stillFailing == ["c"])
    #expect(comparison.newlyFailing == ["d", "f"])
    #expect(comparison.newlySkipped == ["g", "h"])
    #expect(comparison.missing == ["e"])
    #expect(comparison.added == ["n"])
    #expect(!comparison.keepsAll)
  }

  @Test func buildErrorsHideNames() {
    let path = RepoPath("tests/test_b.py")
    let collection = BuildError(
      message: "tests/test_b.py: ImportError: x", location: path.map { SourceLocation(path: $0, line: 1) })
    let after = Self.report([
      "tests/test_a.py::t": .passed, "tests/test_b.py::t": .passed, "tests/test_c.py::t": .passed,
    ])
    let some = ReportComparison(
      base: Self.report(["tests/test_a.py::t": .passed], errors: [collection]), after: after)
    #expect(some.newlyPassing == ["tests/test_b.py::t"])
    #expect(some.added == ["tests/test_c.py::t"])
    #expect(some.keepsAll)
    let all = ReportComparison(base: Self.report([:], errors: [collection]), after: after)
    #expect(all.newlyPassing.count == 3)
    let setUp = ReportComparison(
      base: Self.report([:].merging(["m.B.t": .passed]) { $1 }, errors: [BuildError(message: "setUpClass (m.A): no")]),
      after: Self.report(["m.A.t": .failed, "m.B.t": .passed, "m.C.t": .passed]))
    #expect(setUp.stillFailing == ["m.A.t"])
    #expect(setUp.added == ["m.C.t"])
    let go = ReportComparison(
      base: Self.report(
        ["e.com/m.TestA": .passed],
        errors: [
          BuildError(message: "undefined", location: RepoPath("x/b.go").map { SourceLocation(path: $0, line: 1) })
        ]),
      after: Self.report(["e.com/m.TestA": .passed, "e.com/m/x.TestB": .passed, "e.com/m/y.TestC": .passed]))
    #expect(go.newlyPassing == ["e.com/m/x.TestB"])
  }

  @Test(arguments: [
    "tests/test_a.py", "a/test_b.py", "b_test.py", "tests.py", "x_test.go", "a.test.ts", "src/a.spec.jsx",
    "__tests__/a.js",
    "test/dash.js", "Tests/LibTests/Helper.swift", "FooTests.swift", "src/test/java/A.java", "LedgerTest.java",
    "TestLedger.java", "tests/it.rs", "spec/a_spec.rb", "t/a.t", "test_x.c", "x_unittest.cc", "pkg/testdata/in.txt",
    "a/__snapshots__/x.snap", "Foo.Tests/A.cs",
  ])
  func testFiles(path: String) throws {
    #expect(TestPaths.isTest(try #require(RepoPath(path))))
  }

  @Test(arguments: [
    "src/calc.py", "testing.py", "contest.py", "latest.go", "attest.js", "src/Testament.java", "lib/fastest.rb",
    "Sources/Lib/Tester.swift", "protest/a.c", "src/main.rs", "greatest_test_of_all/x.go", "testimony.py", "README.md",
  ])
  func sourceFiles(path: String) throws {
    #expect(!TestPaths.isTest(try #require(RepoPath(path))))
  }

  @Test func projectBelowATestDirectory() throws {
    let project = try #require(RepoPath("test/projects/ledger"))
    #expect(!TestPaths.isTest(try #require(RepoPath("test/projects/ledger/src/a.py")), in: project))
    #expect(TestPaths.isTest(try #require(RepoPath("test/projects/ledger/tests/a.py")), in: project))
  }

  @Test func configuration() throws {
    for path in [
      "conftest.py", "a/b/conftest.py", "pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "sitecustomize.py",
      "usercustomize.py", "x.pth", "Makefile", "sub/Makefile", "Makefile.inc", "package.json", "jest.config.ts",
      "vitest.config.mjs", ".mocharc.json", ".cargo/config.toml", "build.gradle.kts", "pom.xml",
      ".github/workflows/ci.yml",
      ".gitlab-ci.yml", "package-lock.json", "Cargo.lock", "go.sum", "Package.resolved", "poetry.lock", "gradlew",
      "node_modules/.bin/jest", ".venv/bin/pytest", ".ci/run",
    ] {
      #expect(TestPaths.isTestConfiguration(try #require(RepoPath(path))), "\(path)")
    }
    for path in ["CMakeLists.txt", "Package.swift", "Cargo.toml", "go.mod", "src/package.py", "setup.py", "config.py"] {
      #expect(!TestPaths.isTestConfiguration(try #require(RepoPath(path))), "\(path)")
    }
  }
}
