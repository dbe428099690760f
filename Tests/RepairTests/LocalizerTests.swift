import JSON
import Paths
import TestReports
import Testing

@testable import Repair

@Suite struct LocalizerTests {
  /// Line 1 is a constant that every import runs; 3 is run by all tests, 5 by a third of them and the failing one.
  private static let source = """
    LIMIT = 10
    def f(a):
      a = a + 1
      if a > 3:
        a = a * 2
      return a
    def g(a):
      return a
    """

  private func lines(passing: Int) throws -> [Int] {
    let path = try #require(RepoPath("x.py"))
    let file = SourceFile(path: path, bytes: Array(Self.source.utf8), language: .python)
    var tests = [TestOutcome(name: "test_0", result: .failed)]
    var covered: [JSONValue] = [["name": "test_0", "files": ["x.py": [[2, 6]]]]]
    for number in 0..<passing {
      tests.append(TestOutcome(name: "test_\(number + 1)", result: .passed))
      covered.append([
        "name": .string("test_\(number + 1)"),
        "files": ["x.py": number.isMultiple(of: 3) ? [[2, 6]] : [[2, 4], [6, 6]]],
      ])
    }
    let brief = RepairBrief(
      command: "", framework: .pytest, report: TestReport(tests: tests, exitStatus: 1), files: [])
    let coverage = Coverage(json: ["tests": .array(covered)])
    let places = Localizer(project: Project(files: [file], tests: []), brief: brief, coverage: coverage).places()
    return places.map { file.lines[file.statements[$0.statement].first] }
  }

  /// However many tests pass, what the failing one ran comes before what no test is known to run.
  @Test(arguments: [3, 30, 300, 2000]) func `Lines that the failing test ran come first`(passing: Int) throws {
    let lines = try lines(passing: passing)
    #expect(lines.first == 5)
    let position = try #require(lines.firstIndex(of: 3))
    #expect(position < (try #require(lines.firstIndex(of: 8))))
    if passing > 20 { #expect(position < (try #require(lines.firstIndex(of: 1)))) }
  }
}
