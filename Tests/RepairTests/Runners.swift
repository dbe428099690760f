import Foundation
import Paths
import TestReports
import TestSupport

/// Runs the tests of a program's kind in a directory and reads what they said. Much simpler than the real thing, which
/// lives in other rooms; the engine is to work with whatever names and messages come.
enum Runners {
  static let scripts: TemporaryDirectory? = {
    guard let directory = try? TemporaryDirectory("repair-runners") else { return nil }
    _ = try? directory.write("run_unittest.py", python)
    _ = try? directory.write("reporter.mjs", node)
    return directory
  }()

  static let python = #"""
    import json, os, sys, traceback, unittest
    root = os.getcwd()
    sys.path.insert(0, root)
    start = "tests" if os.path.isdir("tests") and not os.path.exists("tests/__init__.py") else "."
    lines = []
    class Result(unittest.TestResult):
        def note(self, test, result, err=None):
            entry = {"name": test.id(), "result": result}
            if err:
                frames = [(os.path.relpath(f.filename, root), f.lineno) for f in traceback.extract_tb(err[2])
                          if os.path.abspath(f.filename).startswith(root + os.sep)]
                entry["message"] = "".join(traceback.format_exception_only(err[0], err[1])).strip()
                entry["trace"] = [{"path": p, "line": n} for p, n in frames]
                tests = [f for f in frames if os.path.basename(f[0]).startswith("test_")]
                where = tests[-1] if tests else (frames[-1] if frames else None)
                if where: entry["location"] = {"path": where[0], "line": where[1]}
            lines.append(entry)
        def addSuccess(self, test): self.note(test, "passed")
        def addFailure(self, test, err): self.note(test, "failed", err)
        def addError(self, test, err): self.note(test, "errored", err)
        def addSkip(self, test, reason): self.note(test, "skipped")
    def walk(suite):
        for item in suite:
            if isinstance(item, unittest.TestSuite): yield from walk(item)
            else: yield item
    wanted = set(sys.argv[2:])
    suite = unittest.defaultTestLoader.discover(start, top_level_dir=start if start != "." else None)
    chosen = unittest.TestSuite(t for t in walk(suite) if not wanted or t.id() in wanted)
    cover = None
    if os.environ.get("CODEAGENT_COVERAGE_OUT"):
        import codeagent_coverage
    result = Result()
    chosen.run(result)
    with open(sys.argv[1], "w") as out: json.dump({"tests": lines}, out)
    sys.exit(0 if all(l["result"] in ("passed", "skipped") for l in lines) and lines else 1)
    """#

  static let node = #"""
    import path from 'node:path';
    export default async function* reporter(source) {
      for await (const event of source) {
        if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
        const data = event.data;
        const error = data.details?.error;
        const cause = error?.cause ?? error;
        const entry = { name: data.name, result: event.type === 'test:pass' ? 'passed' : 'failed' };
        if (error) {
          entry.message = String(cause?.stack ?? cause?.message ?? cause);
          const trace = [];
          for (const match of entry.message.matchAll(/(?:file:\/\/)?(\/[^\s():]+):(\d+):\d+/g)) {
            const relative = path.relative(process.cwd(), match[1]);
            if (!relative.startsWith('..')) trace.unshift({ path: relative, line: Number(match[2]) });
          }
          entry.trace = trace;
          const test = trace.findLast((frame) => frame.path.includes('test'));
          if (test) entry.location = test;
        }
        yield JSON.stringify(entry) + '\n';
      }
    }
    """#

  /// Runs the tests; only those named where the runner can.
  static func run(
    _ runner: Program.Runner, in directory: String, only names: [String] = [], coverage: String? = nil,
    timeout: Double = 6
  ) throws
    -> (report: TestReport, coverage: String?, timedOut: Bool)
  {
    guard let scripts else { throw POSIXFailure("mkdtemp", "runners") }
    var environment = ProcessInfo.processInfo.environment
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    switch runner {
    case .unittest:
      let output = directory + "/.results.json"
      unlink(output)
      if let coverage {
        environment["PYTHONPATH"] = coverage
        environment["CODEAGENT_COVERAGE_OUT"] = directory + "/.coverage.json"
        environment["CODEAGENT_COVERAGE_ROOT"] = directory
      }
      let result = try runProcess(
        ["python3", scripts.path("run_unittest.py"), output] + names, environment: environment, cwd: directory,
        timeout: timeout)
      let covered =
        coverage == nil ? nil : fileBytes(directory + "/.coverage.json").map { String(decoding: $0, as: UTF8.self) }
      guard let bytes = fileBytes(output),
        let json = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
      else {
        return (
          TestReport(
            exitStatus: result.status, isIncomplete: true,
            buildErrors: [BuildError(message: String(result.err.suffix(500)))]), covered, result.timedOut
        )
      }
      let tests = (json["tests"] as? [[String: Any]] ?? []).compactMap(outcome)
      return (TestReport(tests: tests, exitStatus: result.status), covered, result.timedOut)
    case .node:
      let result = try runProcess(
        ["node", "--test", "--test-reporter=\(scripts.path("reporter.mjs"))"], environment: environment, cwd: directory,
        timeout: timeout)
      let tests = result.out.split(separator: "\n").compactMap { line -> TestOutcome? in
        (try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]).flatMap(outcome)
      }
      return (TestReport(tests: tests, exitStatus: result.status, isIncomplete: tests.isEmpty), nil, result.timedOut)
    case .make:
      unlink(directory + "/tests")
      // A patched program may print for ever.
      let result = try runProcess(
        ["sh", "-c", "ulimit -v 4000000; make -s test 2>&1 | head -c 200000"], environment: environment, cwd: directory,
        timeout: timeout)
      var tests: [TestOutcome] = []
      for line in result.out.split(separator: "\n") {
        if let range = line.firstRange(of: " - "), line.hasPrefix("ok") || line.hasPrefix("not ok") {
          tests.append(
            TestOutcome(name: String(line[range.upperBound...]), result: line.hasPrefix("ok") ? .passed : .failed))
        } else if line.hasPrefix("# "), let last = tests.indices.last, tests[last].result == .failed {
          tests[last].message = String(line.dropFirst(2))
          let parts = line.dropFirst(2).split(separator: ":", maxSplits: 2)
          if parts.count == 3, let number = Int(parts[1]), let path = RepoPath(String(parts[0])) {
            tests[last].location = SourceLocation(path: path, line: number)
          }
        }
      }
      let errors = tests.isEmpty ? [BuildError(message: String(result.out.prefix(500)))] : []
      let finished = result.out.contains("1..")
      if !finished {
        tests.append(TestOutcome(name: "ran to its end", result: .errored, message: String(result.out.suffix(300))))
      } else {
        tests.append(TestOutcome(name: "ran to its end", result: .passed))
      }
      let status: Int32 = tests.contains { $0.result != .passed } ? 1 : 0
      return (
        TestReport(tests: tests, exitStatus: status, isIncomplete: !finished, buildErrors: errors), nil, result.timedOut
      )
    }
  }

  private static func outcome(_ entry: [String: Any]) -> TestOutcome? {
    guard let name = entry["name"] as? String,
      let result = (entry["result"] as? String).flatMap(TestOutcome.Result.init)
    else { return nil }
    func location(_ value: Any?) -> SourceLocation? {
      guard let value = value as? [String: Any], let path = (value["path"] as? String).flatMap({ RepoPath($0) }),
        let line = value["line"] as? Int
      else { return nil }
      return SourceLocation(path: path, line: line)
    }
    return TestOutcome(
      name: name, result: result, message: entry["message"] as? String, location: location(entry["location"]),
      trace: (entry["trace"] as? [Any] ?? []).compactMap(location))
  }
}
