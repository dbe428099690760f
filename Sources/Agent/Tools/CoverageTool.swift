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
    input: .schema(
      Schema.object(
        [
          (
            "files",
            Schema.array(
              Schema.string("A path."), "Sources, tests included, that may be rewritten in the copy to note what runs.")
          )
        ], required: [])))

  /// Ranges of lines in an answer.
  private static let mostRanges = 60_000
  /// Seconds of tests, as they last without coverage, that are run with it.
  private static let cheapSeconds = 12.0
  private static let wallSeconds = 90.0
  private static let mostSamples = 200
  /// Seconds of tests that are run a second time only to see whether they say the same.
  private static let mostRepeated = 60.0

  private let files: [String]

  init(_ arguments: ToolArguments) throws(ToolFailure) {
    files = try arguments.array("files").compactMap(\.string)
  }

  func run(in session: Session, call: String) async throws -> ToolOutput {
    guard let tests = session.tests else { throw ToolFailure("no test command is known for this project") }
    guard let base = await session.lastReport else { throw ToolFailure("the tests have not been run yet") }
    if let output = try await notedCoverage(tests, base, in: session, call: call) { return output }
    guard tests.command.mayHaveCoverage else { return try await repeatTests(tests, base, in: session, call: call) }
    let sample = Self.sample(of: base).flatMap(tests.command.selecting)
    var limits = tests.limits
    limits.wallSeconds = min(limits.wallSeconds, Self.wallSeconds)
    let clock = ContinuousClock.now
    let (coverage, report) = try await tests.coverage(
      of: sample ?? tests.command, in: session.workspace, limits: limits, call: call)
    let seconds = (ContinuousClock.now - clock).seconds
    await session.setEngineClock()
    // The same tests in the same order: the run is the baseline's repetition as well.
    let unsteady = try await session.setApart(sample == nil ? base.unsteady(comparedWith: report) : [])
    if !unsteady.isEmpty, coverage == nil { return Self.output(unsteady, seconds) }
    guard let coverage else { throw ToolFailure("no coverage for this framework: its tests noted no lines") }
    return Self.output(coverage, base, unsteady, seconds)
  }

  /// Where the sources can note by themselves what runs: compiled languages.
  private func notedCoverage(
    _ tests: TestRunner, _ base: TestReport, in session: Session, call: String
  ) async throws -> ToolOutput? {
    guard !files.isEmpty, base.buildErrors.isEmpty else { return nil }
    let clock = ContinuousClock.now
    let paths = try files.map { path throws(ToolFailure) in try session.resolve(path) }
    let directory = tests.directory
    guard
      let (coverage, report) = try await NotedCoverage(tests: tests, base: base, workspace: session.workspace)
        .run(paths, isTest: { TestPaths.isTest($0, in: directory) || TestPaths.isTestConfiguration($0) }, call: call)
    else { return nil }
    let seconds = (ContinuousClock.now - clock).seconds
    await session.setEngineClock()
    let unsteady = try await session.setApart(base.isNamed ? base.unsteady(comparedWith: report) : [])
    return Self.output(coverage, base, unsteady, seconds)
  }

  private static func output(
    _ coverage: TestCoverage, _ base: TestReport, _ unsteady: [String], _ seconds: Double
  ) -> ToolOutput {
    let failing = Set(base.failing).subtracting(unsteady)
    let reduced = coverage.reduced(to: failing, limit: Self.mostRanges)
    let files = Set(reduced.tests.flatMap(\.lines.keys)).count
    return ToolOutput(
      "\(reduced.tests.count) tests run lines of \(files) files that failing tests run as well.",
      structured: [
        "tests": .array(reduced.tests.map(json)), "seconds": rounded(seconds),
        "unsteady": .array(unsteady.map { .string($0) }),
      ])
  }

  /// Where there is no coverage, the tests run a second time as they are.
  private func repeatTests(
    _ tests: TestRunner, _ base: TestReport, in session: Session, call: String
  ) async throws -> ToolOutput {
    guard base.isNamed, base.tests.reduce(0, { $0 + ($1.duration ?? 0) }) <= Self.mostRepeated else {
      throw ToolFailure("no coverage for this framework")
    }
    let clock = ContinuousClock.now
    let copy = try await session.workspace.fork(named: "again-\(Nonce.random())")
    let again = try await copy.discarded { try await tests.run(in: copy, purpose: .tests, call: call).report }
    await session.setEngineClock()
    let unsteady = try await session.setApart(base.unsteady(comparedWith: again))
    return Self.output(unsteady, (ContinuousClock.now - clock).seconds)
  }

  private static func output(_ unsteady: [String], _ seconds: Double) -> ToolOutput {
    ToolOutput(
      unsteady.isEmpty
        ? "No coverage for this framework. A second run of the tests said what the first did."
        : "No coverage. \(unsteady.count) tests pass and fail without any change and are set apart.",
      structured: ["tests": [], "seconds": rounded(seconds), "unsteady": .array(unsteady.map { .string($0) })])
  }

  private static func rounded(_ seconds: Double) -> JSONValue { .double((seconds * 1000).rounded() / 1000) }

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
  /// Runs the command in a copy of the workspace and reads which lines each test ran, nil when nothing was noted, and what
  /// the tests said. The lines' paths are relative to the checkout.
  fileprivate func coverage(
    of command: TestCommand, in workspace: Workspace, limits: SandboxLimits, call: String
  ) async throws -> (TestCoverage?, TestReport) {
    let nonce = Nonce.random()
    guard let plan = command.coveragePlan(nonce: nonce, root: workspace.location.root) else {
      throw ToolFailure("no coverage for this framework")
    }
    let effect = Effect.execute(.init(shell: command.shell, directory: directory, purpose: .tests))
    return try await gate.perform(effect, call: call) {
      let run = try await runInCopy(plan, of: workspace, named: "cover-\(nonce)", limits: limits)
      let evidence = RunEvidence(
        output: [], exitStatus: nil, results: run.results, projectRoot: workspace.location.root, nonce: nonce)
      let coverage = command.coverage(from: evidence, directory: directory)
      let exitStatus: Int32? = if case .exited(let code) = run.result.status { code } else { nil }
      let report = command.report(
        from: RunEvidence(
          output: run.result.output.head + run.result.output.tail, exitStatus: exitStatus,
          results: run.results.filter { !$0.key.hasPrefix("coverage-") }, projectRoot: projectRoot(in: workspace),
          nonce: nonce))
      return EffectOutcome(
        value: (coverage, report),
        fields: CommandRecord.fields(run).merging(["coveredTests": JSONValue(coverage?.tests.count ?? 0)]),
        content: ["output": run.result.output.recorded])
    }
  }
}
