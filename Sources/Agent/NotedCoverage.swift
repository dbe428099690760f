import JSON
import Paths
import Repair
import Sandbox
import TestReports
import Workspace

/// Line coverage of compiled programs: their sources are rewritten in a copy so that they note which lines run, and the tests
/// run there once.
struct NotedCoverage: Sendable {
  let tests: TestRunner
  /// What the tests say of the sources as they are.
  let base: TestReport
  let workspace: Workspace

  /// Builds before the sources are left as they are.
  private static let mostBuilds = 4
  private static let wallSeconds = 90.0
  private static let mostOutput = 4 << 20
  private static let mostBytes = 4 << 20

  /// Runs the tests.
  /// - Returns: nil when the files have no such notes, do not build with them, or the tests then say something else.
  func run(
    _ paths: [RepoPath], isTest: (RepoPath) -> Bool, call: String
  ) async throws -> (TestCoverage, TestReport)? {
    var contents: [(path: RepoPath, bytes: [UInt8])] = []
    for path in paths {
      guard MutantSchemata.permits(path) || !isTest(path), let file = try? await workspace.read(path)
      else { continue }
      contents.append((path, file.bytes))
    }
    guard contents.reduce(0, { $0 + $1.bytes.count }) <= Self.mostBytes,
      let notes = LineNotes(files: contents, isTest: isTest)
    else { return nil }
    let effect = Effect.execute(.init(shell: tests.command.shell, directory: tests.directory, purpose: .tests))
    return try await tests.gate.perform(effect, call: call) {
      let copy = try await workspace.fork(named: "notes-\(Nonce.random())")
      let outcome = try await copy.discarded { try await run(notes, in: copy) }
      return EffectOutcome(
        value: outcome.found,
        fields: CommandRecord.fields(outcome.run).merging([
          "coveredTests": JSONValue(outcome.found?.0.tests.count ?? 0)
        ]),
        content: ["output": outcome.run.result.output.recorded])
    }
  }

  private func run(
    _ notes: LineNotes, in copy: Workspace
  ) async throws -> (found: (TestCoverage, TestReport)?, run: CommandRun) {
    var notes = notes
    var limits = tests.limits
    limits.wallSeconds = min(limits.wallSeconds, Self.wallSeconds)
    limits.outputKeptBytes = max(limits.outputKeptBytes, Self.mostOutput)
    var builds = 0
    while true {
      for (path, bytes) in notes.contents { try await copy.write(path, bytes, executable: nil) }
      let nonce = Nonce.random()
      let plan = tests.command.notedPlan(nonce: nonce, events: LineNotes.events, output: LineNotes.output)
      let run = try await tests.runHere(plan, in: copy, limits: limits)
      builds += 1
      let noted = TestCommand.noted(in: run.results)
      let report = try await tests.report(
        of: run, by: tests.command, nonce: nonce, in: copy, output: noted.output)
      if Set(report.failing) == Set(base.failing), report.buildErrors.isEmpty, report.exitStatus != 0 {
        let coverage = notes.coverage(
          events: noted.events, output: noted.output, framework: tests.command.framework, report: report)
        return (coverage.map { ($0, report) }, run)
      }
      guard builds < Self.mostBuilds, notes.dropWhatFailed(in: noted.output) else { return (nil, run) }
    }
  }
}
