import Paths
import TestReports
import TestSupport
import Testing

/// node:test and scripts that print TAP, run for real.
@Suite(.enabled(if: programOnPath("node") != nil)) struct NodeTests {
  static let suite = """
    const test = require('node:test'), assert = require('node:assert');
    const { describe, it } = test;
    test('adds', () => assert.strictEqual(1 + 1, 3));
    test('has # hash and \\\\ slash', () => {});
    test('skipped', { skip: 'why' }, () => {});
    test('todo', { todo: true }, () => { throw new Error('x') });
    test('parent', async (t) => {
      await t.test('child', () => { require('../lib.js').broken() });
      await t.test('child2', () => {});
    });
    describe('suite', () => {
      it('deep', () => assert.deepStrictEqual({ a: [1] }, { a: [2] }));
      it('fine', async () => {});
      it('fine', async () => {});
    });
    """

  static func project(_ more: [String: String] = [:]) throws -> Project {
    try Project(
      [
        "package.json": #"{"name": "x", "scripts": {"test": "node --test", "one": "node test/a.test.js"}}"#,
        "lib.js": "exports.broken = () => {\n  throw new TypeError('bad');\n};\n",
        "test/a.test.js": suite,
      ].merging(more) { $1 })
  }

  @Test(arguments: ["node --test", "npm test", "node test/a.test.js", "NODE_OPTIONS=--no-warnings node --test"])
  func nodeTest(shell: String) async throws {
    let project = try Self.project()
    let report = try await project.report(shell)
    #expect(report.isNamed)
    #expect(!report.isIncomplete, "\(report.incompleteReason ?? "")")
    let file = "test/a.test.js::"
    #expect(report.names(.failed) == ["adds", "parent > child", "parent", "suite > deep"].map { file + $0 })
    #expect(
      report.names(.passed)
        == ["has # hash and \\ slash", "parent > child2", "suite > fine", "suite > fine#2"]
        .map { file + $0 })
    #expect(report.names(.skipped) == ["skipped", "todo"].map { file + $0 })
    let child = try #require(report[file + "parent > child"])
    #expect(child.message == "TypeError: bad")
    #expect(child.trace.map { "\($0.path):\($0.line)" }.suffix(2) == ["test/a.test.js:8", "lib.js:2"])
    #expect(report[file + "adds"]?.message?.contains("2 !== 3") == true)
    #expect(report[file + "adds"]?.location?.line == 3)
  }

  /// Without the adaptor, TAP and the spec reporter are read from the output: the names lack only their file.
  @Test(arguments: ["--test-reporter=tap", "--test-reporter=spec"])
  func fromOutput(reporter: String) async throws {
    let project = try Self.project()
    let command = project.command("node --test \(reporter)")
    var evidence = try await project.evidence(command)
    evidence.results = [:]
    let report = command.report(from: evidence)
    #expect(!report.isIncomplete, "\(report.incompleteReason ?? "")")
    #expect(Set(report.names(.failed)).isSuperset(of: ["adds", "parent > child", "suite > deep"]))
    #expect(Set(report.names(.passed)).isSuperset(of: ["parent > child2", "suite > fine", "suite > fine#2"]))
    #expect(Set(report.names(.skipped)) == ["skipped", "todo"])
    #expect(report["adds"]?.location.map { "\($0.path):\($0.line)" } == "test/a.test.js:3")
    #expect(report["adds"]?.message?.contains("2 !== 3") == true)
    #expect(report["parent > child"]?.trace.last.map { "\($0.path):\($0.line)" } == "lib.js:2")
  }

  @Test func filesThatDoNotLoadOrDoNotFinish() async throws {
    let project = try Self.project([
      "test/b.test.js": "require('./nothere');\n",
      "test/c.test.js":
        "const test = require('node:test');\ntest('exits', () => process.exit(0));\ntest('after', () => {});\n",
      "test/d.test.js": "require('assert').equal(1, 2);\n",
      "test/e.test.js": "const x = ;\n",
    ])
    let report = try await project.report("node --test test")
    #expect(report.isIncomplete)
    #expect(report.startFailure == nil)
    #expect(report.buildErrors.map(\.message).count == 2)
    #expect(report.buildErrors.contains { $0.message.contains("Cannot find module './nothere'") })
    #expect(report.buildErrors.contains { $0.message.contains("SyntaxError") && $0.location?.line == 1 })
    #expect(report.failing.contains("test/c.test.js::exits"))
    #expect(report.failing.contains("test/d.test.js"))
  }

  @Test func missingPackage() async throws {
    let project = try Self.project(["test/a.test.js": "require('left-pad');\n", "package-lock.json": "{}"])
    let report = try await project.report("npm test")
    #expect(report.startFailure?.missing == "left-pad")
    #expect(report.startFailure?.suggestedSetup == "npm ci")
    let tool = try Self.project(["package.json": #"{"scripts": {"test": "jest"}}"#])
    let second = try await tool.report("npm test")
    #expect(second.startFailure?.missing == "jest")
    #expect(second.startFailure?.suggestedSetup == "npm install")
  }

  /// Scripts in a loop: each prints TAP of its own, in the manner of tape, with assertions of equal names.
  @Test func loopOverScripts() async throws {
    let tape = """
      let n = 0, bad = 0;
      exports.check = (ok, name) => {
        console.log((ok ? 'ok ' : 'not ok ') + ++n + ' ' + (name || 'should be deeply equivalent'));
        if (ok) return;
        bad++;
        const at = new Error('x').stack.split('\\n')[2].trim().replace(/^at /, '');
        console.log("  ---\\n    operator: deepEqual\\n    expected: 1\\n    actual: 2\\n    at: " + at + "\\n  ...");
      };
      process.on('exit', () => { console.log('\\n1..' + n); if (bad) process.exit(1); });
      console.log('TAP version 13');
      """
    let project = try Project([
      "tape.js": tape,
      "test/a.js": "const t = require('../tape').check;\nt(true);\nt(false);\nt(true, 'named');\nt(true);\n",
      "test/b.js": "const t = require('../tape').check;\nt(true);\n",
      "test/c.js": "const t = require('../tape').check;\nt(true);\nthrow new Error('midway');\n",
    ])
    let shell = "r=0; for f in test/*.js; do node $f || r=1; done; exit $r"
    let command = project.command(shell)
    #expect(command.framework == .tap)
    let report = try await project.report(command)
    #expect(!report.isIncomplete, "\(report.incompleteReason ?? "")")
    #expect(
      report.failing == ["test/a.js::should be deeply equivalent#2", "test/a.js", "test/c.js"])
    #expect(
      report.passing == [
        "test/a.js::should be deeply equivalent", "test/a.js::named", "test/a.js::should be deeply equivalent#3",
        "test/b.js::should be deeply equivalent", "test/b.js", "test/c.js::should be deeply equivalent",
      ])
    #expect(report["test/a.js::should be deeply equivalent#2"]?.location?.line == 3)
    #expect(report["test/c.js"]?.message == "Error: midway")
    #expect(report["test/c.js"]?.location?.line == 3)
  }

  @Test func programsThatTestsStartAreNotTests() async throws {
    let project = try Self.project([
      "cli.js": "console.log('1..1\\nok 1 inner');\n",
      "test/a.test.js": """
      const test = require('node:test'), { execFileSync } = require('child_process');
      test('runs', () => { execFileSync(process.execPath, ['cli.js']) });
      """,
    ])
    #expect(try await project.report("node --test").tests.map(\.name) == ["test/a.test.js::runs"])
    #expect(try await project.report("node test/a.test.js").tests.map(\.name) == ["test/a.test.js::runs"])
  }

  /// mocha and jest are reached where they report, wherever they are installed: small stand-ins at their paths.
  @Test func mochaAndJest() async throws {
    let mocha = try Project([
      "package.json": #"{"scripts": {"test": "mocha"}}"#,
      "node_modules/mocha/lib/runner.js":
        "class Runner extends require('events') {}\nmodule.exports = Runner;\n",
      "node_modules/.bin/mocha": """
      #!/usr/bin/env node
      const Runner = require('../mocha/lib/runner.js'), path = require('path');
      const runner = new Runner(), file = path.resolve('test/a.js');
      const test = (...titles) => ({ titlePath: () => titles, file, duration: 5 });
      runner.emit('pass', test('outer', 'a'));
      runner.emit('fail', test('outer', 'b'), new RangeError('bad'));
      runner.emit('pending', test('outer', 'c'));
      runner.emit('fail', Object.assign(test('outer', '"before each" hook'), { type: 'hook' }), new Error('hook'));
      runner.emit('end');
      process.exitCode = 2;
      """,
    ])
    try mocha.directory.write(
      "p/node_modules/.bin/mocha", mocha.directory.text("p/node_modules/.bin/mocha") ?? "", mode: 0o755)
    let first = try await mocha.report("npm test")
    #expect(first.passing == ["test/a.js::outer > a"])
    #expect(first.names(.failed) == ["test/a.js::outer > b"])
    #expect(first.names(.errored) == ["test/a.js::outer > \"before each\" hook"])
    #expect(first.names(.skipped) == ["test/a.js::outer > c"])
    #expect(first["test/a.js::outer > b"]?.message == "RangeError: bad")
    #expect(!first.isIncomplete, "\(first.incompleteReason ?? "")")

    let jest = try Project([
      "package.json": #"{"scripts": {"test": "node node_modules/jest/bin/jest.js"}}"#,
      "node_modules/@jest/reporters/build/index.js": """
      class SummaryReporter { onRunComplete() {} }
      exports.SummaryReporter = SummaryReporter;
      """,
      "node_modules/jest/bin/jest.js": """
      const { SummaryReporter } = require('../../@jest/reporters/build/index.js');
      const root = process.cwd();
      new SummaryReporter().onRunComplete(new Set(), { testResults: [
        { testFilePath: root + '/src/sum.test.js', testResults: [
          { ancestorTitles: ['sum'], title: 'adds', status: 'passed', duration: 3, failureMessages: [] },
          { ancestorTitles: ['sum'], title: 'fails', status: 'failed', duration: 4, failureMessages: [
            'Error: \\u001b[31mexpect\\u001b[39m(received)\\n\\nExpected: 3\\nReceived: -1\\n    at Object.<anonymous> (' + root + '/src/sum.test.js:5:9)'] },
          { ancestorTitles: [], title: 'later', status: 'pending', failureMessages: [] } ] },
        { testFilePath: root + '/src/broken.test.js', testResults: [],
          failureMessage: "Test suite failed to run\\nCannot find module './x' from 'src/broken.test.js'" } ] });
      process.exit(1);
      """,
    ])
    let second = try await jest.report("npm test")
    #expect(second.passing == ["src/sum.test.js::sum > adds"])
    #expect(second.failing == ["src/sum.test.js::sum > fails"])
    #expect(second.names(.skipped) == ["src/sum.test.js::later"])
    #expect(second["src/sum.test.js::sum > fails"]?.location?.line == 5)
    #expect(second["src/sum.test.js::sum > fails"]?.message?.contains("Expected: 3") == true)
    #expect(second.buildErrors.count == 1)
    #expect(second.startFailure == nil)
  }
}
