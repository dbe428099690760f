import Paths
import TestReports
import Testing

/// Commands narrowed to some tests.
@Suite struct SelectingTests {
  static let cases: [(shell: String, framework: Framework, names: [String], selected: String?)] = [
    ("python -m pytest -q tests", .pytest, ["tests/a.py::t"], "python -m pytest -q tests/a.py::t"),
    ("pytest", .pytest, ["a.py::t[x y]", "b.py::C::u"], "pytest 'a.py::t[x y]' b.py::C::u"),
    ("pytest -k 'a b' -p no:x tests/a.py unit", .pytest, ["a.py::t"], "pytest -k 'a b' -p no:x a.py::t"),
    (
      "cd x && PYTHONPATH=src python3 -m pytest .", .pytest, ["a.py::t"],
      "cd x && PYTHONPATH=src python3 -m pytest a.py::t"
    ),
    ("pytest --unknown thing", .pytest, ["a.py::t"], nil), ("pytest $ARGS", .pytest, ["a.py::t"], nil),
    ("pytest tests | tee log", .pytest, ["a.py::t"], nil), ("make test", .pytest, ["a.py::t"], nil),
    ("pytest tests > log", .pytest, ["a.py::t"], nil), ("pytest tests; true", .pytest, ["a.py::t"], nil),
    ("tox", .pytest, ["a.py::t"], nil),
    ("python3 -m unittest discover -s tests", .unittest, ["m.C.t"], "python3 -m unittest discover -s tests -k m.C.t"),
    ("python3 setup.py test", .unittest, ["m.C.t"], nil),
    ("swift test", .swift, ["L.S/a()"], "swift test --filter '^L\\.S/a\\(\\)'"),
    ("swift build && swift test -q", .swift, ["X.testA"], "swift build && swift test -q --filter '[.]X/testA$'"),
    ("swift test --filter X", .swift, ["X.testA"], nil),
    ("go test ./...", .go, ["e.com/m.TestA/sub.1", "e.com/m/x.TestB"], "go test ./... -run '^(TestA|TestB)$'"),
    ("go test -run X ./...", .go, ["m.TestA"], nil),
    ("cargo test --all", .cargo, ["c::m::t"], "cargo test --all -- --exact m::t c::m::t"),
    ("cargo test -- --nocapture", .cargo, ["c::t"], "cargo test -- --nocapture --exact t c::t"),
    ("cargo test name", .cargo, ["c::t"], nil), ("cargo test", .cargo, ["c::src/lib.rs - f"], nil),
    ("node --test", .node, ["test/a.js::x", "test/a.js::y"], "node --test test/a.js"),
    ("node --test --test-reporter tap test/", .node, ["test/a.js::x"], "node --test --test-reporter tap test/a.js"),
    ("npm test", .node, ["test/a.js::x"], nil), ("prove -l t", .tap, ["t/a.t::x"], "prove -l t/a.t"),
    (
      "r=0; for f in test/*.js; do node $f || r=1; done; exit $r", .tap, ["test/a b.js::x#2", "test/c.js"],
      nil
    ),
    (
      "r=0; for f in test/*.js; do node $f || r=1; done; exit $r", .tap, ["test/a.js::x#2", "test/c.js"],
      "r=0; for f in test/a.js test/c.js; do node $f || r=1; done; exit $r"
    ),
    (
      "mvn -o -q test", .junit, ["c.A::m", "c.A::n(int)[1]", "c.B::x"],
      "mvn -o -q test '-Dtest=c.A#m+n,c.B#x' -DfailIfNoTests=false -Dsurefire.failIfNoSpecifiedTests=false"
    ), ("gradle --offline test", .junit, ["c.A::m"], "gradle --offline test --tests c.A.m"),
    ("ctest --test-dir build", .ctest, ["a.b"], "ctest --test-dir build -R '^(a\\.b)$'"),
    ("./run", .exitStatus, ["./run"], nil),
    ("pytest", .pytest, [], nil), ("pytest", .pytest, ["a.py"], nil),
  ]

  @Test(arguments: cases.indices)
  func selection(index: Int) {
    let (shell, framework, names, selected) = Self.cases[index]
    let command = TestCommand(shell: shell, framework: framework, reason: "")
    #expect(command.selecting(names)?.shell == selected)
    #expect(command.selecting(names).map(\.framework) ?? framework == framework)
  }

  @Test func tooMany() {
    let command = TestCommand(shell: "pytest", framework: .pytest, reason: "")
    #expect(command.selecting((0..<10_000).map { "a.py::t\($0)" }) == nil)
    #expect(command.selecting(["a.py::" + String(repeating: "x", count: 100_000)]) == nil)
  }

  @Test func selectedNamesRunAlone() async throws {
    let project = try PythonTests.project(PythonTests.pytestFile)
    let command = project.command("python3 -m pytest -q tests")
    let names = ["tests/test_calc.py::test_add[x/y[1] \\xe9::\\n-b]", "tests/test_calc.py::TestU::test_lists"]
    let report = try await project.report(try #require(command.selecting(names)))
    #expect(report.tests.map(\.name) == names)

    let other = try PythonTests.project(PythonTests.unittestFile)
    let narrowed = try #require(other.command("python3 -m unittest").selecting(["tests.test_calc.TestCalc.test_ok"]))
    #expect(try await other.report(narrowed).tests.map(\.name) == ["tests.test_calc.TestCalc.test_ok"])
  }
}
