import AuditTrail
import JSON
import Paths
public import Sandbox
import TestReports
import Workspace

/// Runs a project's test command through the gate and reads what it said.
struct TestRunner: Sendable {
  /// The command, its directory relative to the project.
  var command: TestCommand
  /// The project's directory in the checkout.
  var project: RepoPath
  var limits: SandboxLimits
  let gate: Gate
  let observe: @Sendable (RunNotice) -> Void
  /// Processor seconds after which a test counts as one that never ends.
  var testSeconds = endlessSeconds

  /// One run of tests.
  struct Execution: Sendable {
    var report: TestReport
    var seconds: Double
    var output: CapturedOutput
    var status: CommandResult.Status
    /// What the record keeps of the command.
    var command: JSONObject
    /// What is said of programs that policy kept from starting.
    var denials: String?
  }

  /// Processor seconds after which a test counts as one that never ends, where an adaptor can tell and those before it
  /// are quick. What verifies has more patience, with the change and without it.
  static let endlessSeconds = 5.0
  /// The same where many runs follow, each of which would wait as long.
  static let shortEndlessSeconds = 2.0

  /// Where the command runs, in the checkout.
  var directory: RepoPath { project.joining(command.directory) }

  /// The absolute path of that directory.
  func projectRoot(in workspace: Workspace) -> [UInt8] {
    workspace.location.root + (directory.isRoot ? [] : [UInt8(ascii: "/")] + directory.bytes)
  }

  /// Runs a plan in a copy of a workspace that is then thrown away: for callers that have passed the gate.
  /// - Throws: `CancellationError` when the command was cancelled, `WorkspaceError`.
  func runInCopy(_ plan: RunPlan, of workspace: Workspace, named name: String, limits: SandboxLimits) async throws
    -> CommandRun
  {
    let copy = try await workspace.fork(named: name)
    return try await copy.discarded { try await runHere(plan, in: copy, limits: limits) }
  }

  /// Runs a plan in a workspace of the caller's own, which keeps what the run leaves: for callers that have passed the gate.
  /// - Throws: `CancellationError` when the command was cancelled, `WorkspaceError`.
  func runHere(
    _ plan: RunPlan, in workspace: Workspace, limits: SandboxLimits, onOutput: (@Sendable ([UInt8]) -> Void)? = nil
  ) async throws -> CommandRun {
    let run = try await workspace.run(
      arguments: ["/bin/sh", "-c", plan.shell].map { Array($0.utf8) }, directory: directory,
      environment: plan.environment, limits: limits, adaptors: plan.adaptorFiles, collectResults: true,
      onOutput: onOutput)
    if run.result.status == .cancelled { throw CancellationError() }
    return run
  }

  /// What the tests said in a run of a command's plan.
  /// - Parameter output: what they printed, when the plan kept it elsewhere.
  func report(
    of run: CommandRun, by command: TestCommand, nonce: String, in workspace: Workspace, output: [UInt8]? = nil
  ) async throws -> TestReport {
    let exitStatus: Int32? = if case .exited(let code) = run.result.status { code } else { nil }
    return command.report(
      from: RunEvidence(
        output: output ?? run.result.output.head + run.result.output.tail, exitStatus: exitStatus,
        // Reporters have no directories of their own.
        results: run.results.filter { !$0.key.contains("/") }, projectRoot: projectRoot(in: workspace),
        reportFiles: try await ReportFiles.collect(command.reportFilePatterns, in: workspace, below: directory),
        nonce: nonce))
  }

  /// Runs the tests, all of them or the selected command, in one workspace.
  /// - Parameter testSeconds: when a test counts as one that never ends, where that is not the usual time.
  func run(
    in workspace: Workspace, purpose: Effect.Execution.Purpose, selected: TestCommand? = nil, call: String? = nil,
    testSeconds: Double? = nil
  ) async throws -> Execution {
    let command = selected ?? self.command
    let execution = Effect.Execution(shell: command.shell, directory: directory, purpose: purpose)
    let identifier = CommandCounter.next()
    observe(.commandStarted(id: identifier, shell: command.shell, purpose: purpose))
    let result: Execution = try await gate.perform(.execute(execution), call: call) {
      var limits = limits
      // Names of tests may stand anywhere in what a runner prints.
      limits.outputKeptBytes = max(limits.outputKeptBytes, 1 << 20)
      let testSeconds = testSeconds ?? (purpose == .verification ? 3 : 1) * self.testSeconds
      var run = try await runOnce(command, in: workspace, limits: limits, testSeconds: testSeconds) {
        observe(.commandOutput(id: identifier, bytes: $0))
      }
      if purpose == .baseline || purpose == .tests {
        run.report = run.report.locating(in: CheckoutFiles(root: workspace.location.root), directory: directory)
      }
      return EffectOutcome(
        value: run, fields: run.recordFields, content: ["output": run.output.recorded])
    }
    observe(
      .commandEnded(
        id: identifier, status: result.status.text, succeeded: result.status == .exited(0), seconds: result.seconds))
    observe(.tests(TestSummary(purpose: purpose, report: result.report, seconds: result.seconds)))
    return result
  }

  /// Runs the command without passing the gate: for callers that have passed it with a whole batch.
  func runOnce(
    _ command: TestCommand, in workspace: Workspace, limits: SandboxLimits? = nil,
    testSeconds: Double? = nil, onOutput: (@Sendable ([UInt8]) -> Void)? = nil
  ) async throws -> Execution {
    let nonce = Nonce.random()
    let plan = command.plan(nonce: nonce, testSeconds: testSeconds ?? self.testSeconds)
    let run = try await runHere(plan, in: workspace, limits: limits ?? self.limits, onOutput: onOutput)
    return Execution(
      report: try await report(of: run, by: command, nonce: nonce, in: workspace), seconds: run.result.duration,
      output: run.result.output,
      status: run.result.status, command: CommandRecord.fields(run), denials: run.result.execs?.denials)
  }
}

extension TestRunner.Execution {
  /// What the record keeps of a test run beside its output.
  var recordFields: JSONObject {
    func names(_ names: [String]) -> JSONValue { .array(names.prefix(200).map { .string($0) }) }
    return command.merging([
      "passed": JSONValue(report.passing.count), "failed": JSONValue(report.failing.count),
      "failing": names(report.failing), "incomplete": .bool(report.isIncomplete),
    ])
  }
}

extension CommandResult.Status {
  /// The status in words.
  public var text: String {
    switch self {
    case .exited(let code): "exit \(code)"
    case .signaled(let signal): "signal \(signal)"
    case .overrun(let overrun): "stopped: over the limit on \(overrun.rawValue)"
    case .cancelled: "cancelled"
    }
  }
}
