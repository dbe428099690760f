import Foundation
import Paths
import Synchronization
import TestReports
import TestSupport

/// Runs the tests of a program's kind in a directory and reads what they said. Much simpler than the real thing, which
/// lives in other rooms; the engine is to work with whatever names and messages come.
enum Runners {
  static let scripts: TemporaryDirectory? = {
    guard let directory = try? TemporaryDirectory("repair-runners") else { return nil }
    _ = try? directory.write("server.py", PythonServer.source)
    _ = try? directory.write("reporter.mjs", node)
    return directory
  }()

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

  private static let servers = Mutex<[String: PythonServer]>([:])

  private static func server(for directory: String) throws -> PythonServer {
    guard let scripts else { throw POSIXFailure("mkdtemp", "runners") }
    return try servers.withLock { servers in
      if let known = servers[directory] { return known }
      let server = try PythonServer(script: scripts.path("server.py"))
      servers[directory] = server
      return server
    }
  }

  /// Ends what was started for a directory.
  static func forget(_ directory: String) { _ = servers.withLock { $0.removeValue(forKey: directory) } }

  /// Runs the tests; only those named where the runner can.
  static func run(
    _ runner: Program.Runner, in directory: String, only names: [String] = [], coverage: Bool = false,
    timeout: Double = 2.5
  ) throws
    -> (report: TestReport, coverage: String?, timedOut: Bool)
  {
    guard let scripts else { throw POSIXFailure("mkdtemp", "runners") }
    var environment = ProcessInfo.processInfo.environment
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    switch runner {
    case .unittest, .pytest:
      var pytest = ""
      if case .pytest(let arguments) = runner { pytest = arguments.isEmpty ? "." : arguments }
      let output = directory + "/.results.json"
      unlink(output)
      let result = try server(for: directory).run(
        directory, results: output, names: names, timeout: timeout, coverage: coverage, pytest: pytest)
      guard let bytes = fileBytes(output),
        let json = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
      else {
        return (
          TestReport(
            exitStatus: result.status, isIncomplete: true, buildErrors: [BuildError(message: "no results")]), nil,
          result.timedOut
        )
      }
      let covered = (json["coverage"] as? [String: Any]).flatMap { try? JSONSerialization.data(withJSONObject: $0) }
      let tests = (json["tests"] as? [[String: Any]] ?? []).compactMap(outcome)
      return (
        TestReport(tests: tests, exitStatus: result.status), covered.map { String(decoding: $0, as: UTF8.self) },
        result.timedOut
      )
    case .node:
      let result = try runProcess(
        ["node", "--test", "--test-reporter=\(scripts.path("reporter.mjs"))"], environment: environment, cwd: directory,
        timeout: timeout)
      let tests = result.out.split(separator: "\n").compactMap { line -> TestOutcome? in
        (try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]).flatMap(outcome)
      }
      return (TestReport(tests: tests, exitStatus: result.status, isIncomplete: tests.isEmpty), nil, result.timedOut)
    case .tap:
      let script = "r=0; for f in test/*.js; do echo \"#file $f\"; node $f || r=1; done; exit $r"
      let result = try runProcess(["sh", "-c", script], environment: environment, cwd: directory, timeout: 120)
      var tests: [TestOutcome] = []
      var file = ""
      var seen: [String: Int] = [:]
      for line in result.out.split(separator: "\n") {
        if line.hasPrefix("#file ") { file = String(line.dropFirst(6)) }
        guard line.hasPrefix("ok ") || line.hasPrefix("not ok ") else {
          if line.contains("at:"), let last = tests.indices.last, tests[last].result == .failed,
            let match = line.firstMatch(of: /\(?\/?([^ (]*):(\d+):\d+\)?/), let number = Int(match.2)
          {
            let name = match.1.split(separator: "/").suffix(2).joined(separator: "/")
            if let path = RepoPath(name) { tests[last].location = SourceLocation(path: path, line: number) }
          }
          continue
        }
        var name =
          file + "::" + line.drop { $0 != " " }.dropFirst().drop { $0 == "o" || $0 == "k" || $0 == " " || $0.isNumber }
        seen[name, default: 0] += 1
        if let count = seen[name], count > 1 { name += "#\(count)" }
        tests.append(TestOutcome(name: name, result: line.hasPrefix("ok") ? .passed : .failed))
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
