import Conversation
import JSON
import Paths
import Sandbox
import TestReports
import Workspace

/// `coverage`: which lines of the project each test runs, for models that look for the place of an error by that.
///
/// The tests run in a copy of the workspace, which is then thrown away. All of them run when that is cheap, because lines
/// that only failing tests run say most; else the failing ones and a sample of the others.
struct CoverageTool: Tool {
  static let mayWrite = true
  static let definition = ToolDefinition(
    name: "coverage",
    description: "Run the tests and get the lines of the project that each of them runs, for tools that permit it.",
    input: .schema(Schema.object([], required: [])))

  /// Ranges of lines in an answer.
  private static let mostRanges = 60_000
  /// Seconds of tests, as they last without coverage, that are run with it.
  private static let cheapSeconds = 12.0
  private static let wallSeconds = 90.0
  private static let mostSamples = 200

  init(_ arguments: ToolArguments) throws(ToolFailure) {}

  func run(in session: Session, call: String) async throws -> ToolOutput {
    guard let tests = session.tests else { throw ToolFailure("no test command is known for this project") }
    guard tests.command.mayHaveCoverage else { throw ToolFailure("no coverage for this framework") }
    guard let base = await session.lastReport else { throw ToolFailure("the tests have not been run yet") }
    let command = Self.sample(of: base).flatMap(tests.command.selecting) ?? tests.command
    var limits = tests.limits
    limits.wallSeconds = min(limits.wallSeconds, Self.wallSeconds)
    let clock = ContinuousClock.now
    let coverage = try await tests.coverage(of: command, in: session.workspace, limits: limits, call: call)
    let seconds = (ContinuousClock.now - clock).seconds
    guard let coverage else { throw ToolFailure("no coverage for this framework: its tests noted no lines") }
    let reduced = coverage.reduced(to: Set(base.failing), limit: Self.mostRanges)
    let files = Set(reduced.tests.flatMap(\.lines.keys)).count
    return ToolOutput(
      "\(reduced.tests.count) tests run lines of \(files) files that failing tests run as well.",
      structured: [
        "tests": .array(reduced.tests.map(Self.json)), "seconds": .double((seconds * 1000).rounded() / 1000),
      ])
  }

  /// The tests to run when all would take too long: the failing ones, then the quickest of the others; nil for all.
  private static func sample(of base: TestReport) -> [String]? {
    let failing = Set(base.failing)
    guard base.isNamed, !failing.isEmpty else { return nil }
    func seconds(_ test: TestOutcome) -> Double { test.duration ?? 0 }
    guard base.tests.reduce(0, { $0 + seconds($1) }) > cheapSeconds else { return nil }
    var left = cheapSeconds
    var names = base.failing
    for test in base.tests.sorted(by: { seconds($0) < seconds($1) }) where test.result == .passed {
      left -= seconds(test)
      if left < 0 || names.count >= failing.count + mostSamples { break }
      names.append(test.name)
    }
    return names
  }

  private static func json(_ test: TestCoverage.Test) -> JSONValue {
    var files = JSONObject()
    for (path, ranges) in test.lines.sorted(by: { $0.key < $1.key }) {
      files[path.quoted] = .array(ranges.map { [JSONValue($0.lowerBound), JSONValue($0.upperBound)] })
    }
    return ["name": .string(test.name), "files": .object(files)]
  }
}

extension TestRunner {
  /// Runs the command in a copy of the workspace and reads which lines each test ran; nil when nothing was noted. Paths
  /// are relative to the checkout.
  fileprivate func coverage(
    of command: TestCommand, in workspace: Workspace, limits: SandboxLimits, call: String
  ) async throws -> TestCoverage? {
    let nonce = Nonce.random()
    guard let plan = command.coveragePlan(nonce: nonce, root: workspace.location.root) else { return nil }
    let effect = Effect.execute(.init(shell: command.shell, directory: directory, purpose: .tests))
    return try await gate.perform(effect, call: call) {
      let run = try await runInCopy(plan, of: workspace, named: "cover-\(nonce)", limits: limits)
      let evidence = RunEvidence(
        output: [], exitStatus: nil, results: run.results, projectRoot: workspace.location.root, nonce: nonce)
      let coverage = command.coverage(from: evidence)
      return EffectOutcome(
        value: coverage,
        fields: CommandRecord.fields(run).merging(["coveredTests": JSONValue(coverage?.tests.count ?? 0)]),
        content: ["output": run.result.output.recorded])
    }
  }
}
