import Paths
import TestReports
import TestSupport
import Testing

/// Many patches in one start of a command that runs Node, and the lines of each test, for real.
@Suite(.enabled(if: programOnPath("node") != nil)) struct NodeTrialsTests {
  /// A patch of the sum, by the text that takes its place.
  struct Patch: Sendable {
    var name: String
    var text: String
    /// Which tests fail with it; nil where nothing is said of any.
    var failing: [String]?
    var isTimeout = false
  }

  static let failing = ["test/sum.test.js::adds", "test/sum.test.js::group > adds more"]
  static let patches = [
    Patch(name: "wrong", text: "a * b", failing: failing),
    Patch(name: "right", text: "a + b", failing: []),
    Patch(name: "no syntax", text: "a + (", failing: nil),
    Patch(name: "loops", text: "(() => { for (;;) ; })()", failing: nil, isTimeout: true),
    Patch(name: "raises", text: "a.b.c", failing: failing + ["test/sum.test.js::group > adds nothing"]),
    Patch(name: "exits", text: "process.exit(0)", failing: nil),
    Patch(name: "ends all it can reach", text: "process.kill(process.pid, 'SIGKILL')", failing: nil),
    Patch(name: "stays", text: "(globalThis.seen = 1, a - b)", failing: failing),
    Patch(name: "looks", text: "globalThis.seen ? a - b : a + b", failing: nil),
    Patch(name: "right again", text: "b + a", failing: []),
  ]

  private static let body = """
    test('adds', () => assert.strictEqual(sum(1, 2), 3));
    describe('group', () => {
      it('adds more', () => assert.strictEqual(sum(2, 3), 5));
      it('adds nothing', async () => { await null; assert.strictEqual(sum(0, 0), 0); });
    });

    """

  static func project(isModule: Bool = false) throws -> Project {
    try Project([
      "package.json": #"{"name": "x", "type": "\#(isModule ? "module" : "commonjs")"}"#,
      "lib/sum.js": "function sum(a, b) {\n  return a - b;\n}\n\(isModule ? "export { sum }" : "exports.sum = sum");\n",
      "test/sum.test.js":
        (isModule
        ? "import test, { describe, it } from 'node:test';\nimport assert from 'node:assert';\nimport { sum } from '../lib/sum.js';\n"
        : "const test = require('node:test'), { describe, it } = test, assert = require('assert');\nconst { sum } = require('../lib/sum.js');\n\n")
        + body,
      "test/other.test.js":
        (isModule
        ? "import test from 'node:test';\n" : "const test = require('node:test');\n") + "test('fine', () => {});\n",
    ])
  }

  /// Tries patches of `a - b` in a file.
  private static func trials(
    _ project: Project, _ shell: String, file: String = "lib/sum.js", texts: [String], names: [String]?
  ) async throws -> Trials? {
    try await project.trials(shell, of: texts, inPlaceOf: "a - b", in: file, names: names).trials
  }

  @Test(arguments: [false, true]) func nodeTest(isModule: Bool) async throws {
    let trials = try #require(
      try await Self.trials(
        try Self.project(isModule: isModule), "node --test", texts: Self.patches.map(\.text), names: Self.failing))
    #expect(trials.isComplete)
    let control = try #require(trials.all.first)
    #expect(control.patch == nil && control.report.map { Set($0.failing) } == Set(Self.failing))
    #expect(control.report?.exitStatus == 1)
    let whole = try #require(trials.all.first { $0.patch == nil && $0.isOfAll }?.report)
    #expect(Set(whole.passing) == ["test/other.test.js::fine", "test/sum.test.js::group > adds nothing"])
    for (index, patch) in Self.patches.enumerated() {
      let own = trials.all.filter { $0.patch == index }
      let last = try #require(own.last, "\(patch.name)")
      #expect(last.isTimeout == patch.isTimeout, "\(patch.name)")
      guard let failing = patch.failing else {
        #expect(patch.name == "looks" || last.report?.passing.contains(Self.failing[0]) != true, "\(patch.name)")
        continue
      }
      let report = try #require(last.report, "\(patch.name)")
      #expect(Set(report.failing) == Set(failing), "\(patch.name)")
      #expect((report.exitStatus == 0) == failing.isEmpty && report.buildErrors.isEmpty, "\(patch.name)")
      #expect(last.isOfAll == failing.isEmpty, "\(patch.name)")
      if failing.isEmpty { #expect(report.passing.count == 4 && !report.isIncomplete, "\(patch.name)") }
    }
  }

  /// Scripts one after another, some of which say TAP; what prepares them runs with every patch.
  @Test func scriptsOfALoop() async throws {
    let project = try Project([
      "sum.js": "exports.sum = (a, b) => a - b;\n",
      "build.js":
        "require('fs').writeFileSync('built.js', require('fs').readFileSync('sum.js', 'utf8') + 'exports.built = 1;');",
      "test/plain.js":
        "const assert = require('assert');\nassert.strictEqual(require('../built.js').sum(1, 2), 3);\n",
      "test/tap.js":
        "const { sum } = require('../sum.js');\nlet n = 0;\nconst say = (good, name) => { console.log((good ? 'ok ' : 'not ok ') + ++n + ' ' + name); if (!good) process.exitCode = 1; };\nconsole.log('TAP version 13');\nsay(sum(1, 1) === 2, 'sums');\nsay(true, 'is fine');\nsetTimeout(() => { say(sum(0, 0) === 0, 'later'); console.log('1..3'); }, 1);\n",
      "test/good.js": "process.on('exit', () => { process.exit(0); });\n",
    ])
    let shell = "node build.js; r=0; for f in test/*.js; do node $f || r=1; done; exit $r"
    let base = try await project.report(shell)
    #expect(base.failing == ["test/plain.js", "test/tap.js::sums", "test/tap.js"])
    let trials = try #require(
      try await Self.trials(project, shell, file: "sum.js", texts: ["a * b", "a + b"], names: base.failing))
    #expect(trials.isComplete)
    let control = try #require(trials.all.first { $0.isOfAll }?.report)
    #expect(Set(control.failing) == Set(base.failing) && Set(control.passing) == Set(base.passing))
    #expect(Set(trials.all.last { $0.patch == 0 }?.report?.failing ?? []) == Set(base.failing))
    let last = try #require(trials.all.last)
    #expect(last.patch == 1 && last.isOfAll && last.report?.exitStatus == 0)
    #expect(last.report?.failing == [] && last.report?.passing.count == base.tests.count)
  }

  @Test func aCommandWithoutNodeIsNotServed() async throws {
    let project = try Self.project()
    #expect(try await Self.trials(project, "exit 1", texts: ["a + b"], names: nil) == nil)
    #expect(!project.command("exit 1").mayHaveTrials(patching: [try #require(RepoPath("sum.c"))]))
    #expect(!project.command("exit 1").mayHaveTrials(patching: []))
  }

  @Test func linesOfEachTest() async throws {
    let project = try Self.project()
    let coverage = try await Self.coverage(project, "node --test")
    #expect(coverage["test/sum.test.js::adds"]?["lib/sum.js"] == [1...2])
    #expect(coverage["test/sum.test.js::group > adds nothing"]?["test/sum.test.js"] == [7...7])
    #expect(coverage["test/other.test.js::fine"]?["lib/sum.js"] == nil)
  }

  @Test func linesOfEachPoint() async throws {
    let project = try Project([
      "lib.js": "exports.one = (a) => {\n  if (a) {\n    return 1;\n  }\n  return 2;\n};\n",
      "t.js":
        "const { one } = require('./lib.js');\nconsole.log('TAP version 13');\nfor (const a of [true, false]) {\n  console.log((one(a) === 1 ? 'ok ' : 'not ok ') + (a ? 1 : 2) + ' same');\n}\nconsole.log('1..2');\n",
    ])
    let coverage = try await Self.coverage(project, "node t.js")
    #expect(coverage["t.js::same"]?["lib.js"] == [1...3])
    #expect(coverage["t.js::same#2"]?["lib.js"] == [1...2, 5...5])
    #expect(coverage["t.js"]?["lib.js"] == [1...3, 5...5])
  }

  private static func coverage(_ project: Project, _ shell: String) async throws -> [String: [String:
    [ClosedRange<Int>]]]
  {
    let command = project.command(shell)
    let plan = try #require(command.coveragePlan(nonce: "n0nce", root: Array(project.root.utf8)))
    let coverage = try #require(command.coverage(from: try await project.evidence(command, plan: plan)))
    var found: [String: [String: [ClosedRange<Int>]]] = [:]
    for test in coverage.tests {
      found[test.name] = Dictionary(uniqueKeysWithValues: test.lines.map { ($0.key.quoted, $0.value) })
    }
    return found
  }
}
