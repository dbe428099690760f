import Paths
import TestReports
import TestSupport
import Testing

/// TAP from any program, read from what it prints.
@Suite struct TAPTests {
  static func report(_ output: String, status: Int32? = 0) -> TestReport {
    TestCommand(shell: "make test", framework: .tap, reason: "").report(
      from: RunEvidence(output: Array(output.utf8), exitStatus: status, projectRoot: Array("/p".utf8)))
  }

  @Test func pointsPlansAndDirectives() {
    let report = Self.report(
      """
      cc -o t t.c
      1..7
      ok 1 - adds
      not ok 2 - subtracts
      #   Failed test 'subtracts'
      #   at t/basic.t line 12.
      #          got: '1'
      #     expected: '2'
      ok 3 # skip no network
      not ok 4 - later # TODO not done
      ok 5
      ok 6 - has \\# and \\\\
      ok 7 - timed # time=25.5ms
      """, status: 1)
    #expect(!report.isIncomplete)
    #expect(report.names(.passed) == ["adds", "test 5", "has # and \\", "timed"])
    #expect(report.names(.failed) == ["subtracts"])
    #expect(report.names(.skipped) == ["test 3", "later"])
    #expect(report["subtracts"]?.location.map { "\($0.path):\($0.line)" } == "t/basic.t:12")
    #expect(report["subtracts"]?.message?.contains("expected: '2'") == true)
    #expect(report["timed"]?.duration == 0.0255)
  }

  @Test func subtests() {
    let report = Self.report(
      """
      TAP version 14
      # Subtest: outer
          # Subtest: inner
              ok 1 - deepest
              1..1
          ok 1 - inner
          not ok 2 - second
            ---
            at: /p/lib/x.js:4:2
            ...
          1..2
      not ok 1 - outer
      1..1
      """, status: 1)
    #expect(report.tests.map(\.name) == ["outer > inner > deepest", "outer > inner", "outer > second", "outer"])
    #expect(report.failing == ["outer > second", "outer"])
    #expect(report["outer > second"]?.location.map { "\($0.path):\($0.line)" } == "lib/x.js:4")
  }

  @Test func placesAsCompilersPutThem() {
    let report = Self.report(
      """
      1..2
      not ok 1 - pops
      # tests/list.c:12: got 3, expected 4
      not ok 2 - says when
      # got 12:30, expected a.b:c
      """, status: 1)
    #expect(report["pops"]?.location.map { "\($0.path):\($0.line)" } == "tests/list.c:12")
    #expect(report["pops"]?.message?.contains("got 3, expected 4") == true)
    #expect(report["says when"]?.location == nil)
  }

  @Test func incomplete() {
    #expect(Self.report("1..3\nok 1\nok 2\n").incompleteReason == "2 of 3 planned tests reported")
    #expect(Self.report("1..2\nok 1 a\nBail out! no database\n", status: 255).isIncomplete)
    #expect(Self.report("1..1\nok 1 a\n", status: 1).isIncomplete)
    #expect(Self.report("1..1\nnot ok 1 a\n", status: 0).isIncomplete)
    #expect(Self.report("1..1\nok 1 a\n", status: nil).isIncomplete)
    #expect(!Self.report("ok 1 a\nok 2 b\n").isIncomplete)
  }

  @Test func severalDocuments() {
    let report = Self.report("1..1\nok 1 - a\n1..2\nok 1 - a\nnot ok 2 - b\nTAP version 13\nok 1 c\n1..1\n", status: 1)
    #expect(report.tests.map(\.name) == ["a", "a#2", "b", "c"])
    #expect(!report.isIncomplete)
  }

  @Test func otherTextIsNotTAP() {
    let report = Self.report(
      "ok so far\nok  \texample.com/pkg\t0.3s\nmake: *** [Makefile:3: test] Error 1\n", status: 2)
    #expect(!report.isNamed)
    #expect(report.failing == ["make test"])
  }

  @Test(.enabled(if: programOnPath("prove") != nil))
  func prove() async throws {
    let project = try Project([
      "t/a.t": "use Test::More tests => 2;\nok(1, 'first');\nis(1, 2, 'second');\n",
      "t/b.t": "use Test::More;\nsubtest sub => sub { ok(1, 'inner'); };\nok(1, 'first');\ndone_testing;\n",
    ])
    let recognized = try #require(ProjectRecognizer.recognize(project.files, directory: .root).first)
    #expect(recognized.shell == "prove -lr t")
    let report = try await project.report(recognized)
    #expect(report.passing == ["t/a.t::first", "t/b.t::sub > inner", "t/b.t::sub", "t/b.t::first"])
    #expect(report.failing == ["t/a.t::second"])
    #expect(report["t/a.t::second"]?.location?.line == 3)
    #expect(!report.isIncomplete, "\(report.incompleteReason ?? "")")
  }

  @Test(.enabled(if: programOnPath("make") != nil && programOnPath("cc") != nil))
  func makeWithC() async throws {
    let project = try Project([
      "Makefile": "test: t\n\t./t\nt: t.c\n\t$(CC) -o t t.c\n",
      "t.c": """
      #include <stdio.h>
      int main(void) {
        printf("1..2\\nok 1 - one\\nnot ok 2 - two\\n# at t.c:4\\n");
        return 1;
      }
      """,
    ])
    let recognized = try #require(ProjectRecognizer.recognize(project.files, directory: .root).first)
    #expect(recognized.shell == "make test")
    #expect(recognized.framework == .tap)
    let report = try await project.report(recognized)
    #expect(report.passing == ["one"])
    #expect(report.failing == ["two"])
    #expect(report["two"]?.location.map { "\($0.path):\($0.line)" } == "t.c:4")
    #expect(!report.isIncomplete)
  }
}
