import Access
public import AuditTrail
import CodeIndex
import Conversation
import Git
import JSON
import Paths
import Repair
import Sandbox
import TestReports
public import Workspace

/// Starts, resumes, delivers and drops runs.
public struct Runs: Sendable {
  let services: RunServices
  let observe: @Sendable (RunNotice) -> Void

  /// Works with these services, telling `observe` what happens.
  public init(services: RunServices, observe: @escaping @Sendable (RunNotice) -> Void) {
    self.services = services
    self.observe = observe
  }

  /// Runs a new task on a checkout until it ends.
  /// - Throws: ``RunFailure`` when the run cannot begin, `AuditError`, `WorkspaceError`, and `CancellationError` when
  ///   the surrounding task was cancelled, after that is recorded.
  public func start(_ request: RunRequest, at location: CheckoutLocation) async throws -> RunResult {
    let run = RunID.new()
    let log = try services.store.begin(run: run)
    let recorder = Recorder(log: log, redactor: services.redactor)
    let tests = testCommand(request, location)
    try recorder.append(
      .runStarted, startFields(request, location, tests),
      content: request.task.map { ["task": Array($0.utf8)] } ?? [:], durable: true)
    let deadline = Deadline(seconds: request.budget.seconds)
    return try await recordingFailure(run.text, recorder, deadline) {
      try await deadline.limit {
        var state = RunState()
        state.labels = request.labels
        let driver = try await driver(
          run.text, request, location, tests, recorder, state: state, deadline: deadline, resuming: false)
        return try await untilTimeIsOver(driver) { try await begin(driver, tests, location) }
      }
    }
  }

  /// Goes on with a run that was interrupted, as if nothing had happened: answers are not asked for again, finished
  /// effects are not repeated, the workspace is as it was after the last finished effect.
  public func resume(_ run: RunID, delivery: DeliveryRequest, budget: Budget) async throws -> RunResult {
    let store = services.store
    let events = try store.events(of: run)
    var state = try RunState(events: events) { event, name in try store.content(of: event, name) }
    if let ended = state.ended, ended["resumable"]?.bool != true {
      throw RunFailure(
        .usage, "\(run.text) has ended (\(ended["outcome"]?.string ?? "unknown")): there is nothing to go on with",
        hint: "look at it: codeagent runs show \(run.text)")
    }
    let log = try store.resume(run: run)
    let recorder = Recorder(log: log, redactor: services.redactor)
    try recorder.append(.runResumed, ["version": .string(services.version)])
    for intent in state.openIntents {
      try recorder.append(.effectOutcome, ["intent": JSONValue(intent), "outcome": "unknown"])
    }
    try recorder.flush()
    state.ended = nil
    guard let checkout = state.started["checkout"]?.string.flatMap(Quoting.unquote) else {
      throw RunFailure(.record, "the record of \(run.text) does not name its checkout")
    }
    let project = state.started["project"]?.string.flatMap(RepoPath.init(quoted:)) ?? .root
    let location = try CheckoutLocation.resolve(
      checkout + (project.isRoot ? [] : [UInt8(ascii: "/")] + project.bytes))
    var request = RunRequest(task: state.task, budget: budget, delivery: delivery, limits: services.limits)
    request.testCommand = state.started["test"]?.string
    request.setup = state.started["setup"]?.string
    let tests = testCommand(request, location)
    let resumed = state
    let finalRequest = request
    let deadline = Deadline(seconds: budget.seconds.map { $0 - resumed.elapsed })
    return try await recordingFailure(run.text, recorder, deadline) {
      try await deadline.limit {
        let driver = try await driver(
          run.text, finalRequest, location, tests, recorder, state: resumed, deadline: deadline, resuming: true)
        let workspace = driver.session.workspace
        return try await untilTimeIsOver(driver) {
          driver.observe(.started(header(run.text, location, tests, workspace, isResumed: true)))
          if resumed.items.isEmpty { return try await begin(driver, tests, location, isResumed: true) }
          if resumed.baseline == nil, let runner = driver.session.tests {
            driver.baselineTask = baselineBeside(runner, workspace)
          }
          return try await working(driver)
        }
      }
    }
  }

  /// Drops a run's workspace. Its record stays.
  public func discard(_ run: RunID) throws {
    try Workspace.removeStorage(storage(run.text))
  }

  // MARK: Steps

  /// When the time is over, what there is becomes the run's result, whatever the work was stopped in.
  private func untilTimeIsOver(
    _ driver: RunDriver, _ body: () async throws -> RunResult
  ) async throws -> RunResult {
    do {
      return try await body()
    } catch let error as AuditError {
      throw error
    } catch  where driver.deadline.hasPassed {
      return try await driver.endOfTime()
    }
  }

  private func begin(
    _ driver: RunDriver, _ tests: TestCommand?, _ location: CheckoutLocation, isResumed: Bool = false
  ) async throws -> RunResult {
    let workspace = driver.session.workspace
    if !isResumed { driver.observe(.started(header(driver.run, location, tests, workspace, isResumed: false))) }
    if let setup = driver.request.setup, !driver.state.setupIsDone { try await prepare(setup, driver, location) }
    if driver.state.task == nil, tests == nil {
      throw RunFailure(
        .usage, "no test command was recognised in \(Quoting.quote(location.root)), and no task was given",
        hint: "name the check: codeagent fix PATH --test 'make check'")
    }
    let isEngine = services.model.identity.endpoint == nil
    var baselineSeconds = 0.0
    if let known = driver.state.baseline { try driver.requireStart(of: known) }
    if let runner = driver.session.tests, driver.state.baseline == nil {
      if driver.state.task == nil || isEngine {
        observe(.phase(.baseline))
        let execution = try await runner.run(in: workspace, purpose: .baseline)
        baselineSeconds = execution.seconds
        let after = try await driver.session.refreshSnapshot()
        try await driver.take(baseline: BaselineRun(execution, leaving: after), snapshot: after)
      } else {
        driver.baselineTask = baselineBeside(runner, workspace)
      }
    }
    if let baseline = driver.state.baseline, baseline.failing.isEmpty, baseline.buildErrors.isEmpty,
      baseline.exitStatus == 0, !baseline.isIncomplete, driver.state.task == nil || isEngine
    {
      return try await driver.end(
        driver.state.task == nil ? .nothingToFix : .notFixed,
        driver.state.task == nil
          ? "all tests pass: \(ReportText.counts(baseline))"
          : "no test fails, and the built-in engine repairs what tests show; name a model with --model for other tasks")
    }
    let pack = try await ContextFinder.pack(driver.session, task: driver.state.task, baseline: driver.state.baseline)
    let prompt = FirstPrompt(
      location: location, task: driver.state.task, tests: tests, baseline: driver.state.baseline, pack: pack,
      instructions: isEngine ? "" : try await driver.session.instructions(for: location.project, call: nil),
      recorder: driver.recorder)
    // What the search leaves of the time, the judge needs.
    let left = (driver.request.budget.seconds ?? 60) - driver.elapsed
    let item =
      isEngine
      ? prompt.engineItem(
        seconds: max(1, left - min(left / 3, 2 + 4 * baselineSeconds)),
        files: try await EngineFiles.list(driver.session))
      : prompt.item()
    driver.state.items = [item] + driver.request.images.map(Item.image)
    driver.state.baselineWasShown = driver.state.baseline != nil
    try driver.recorder.append(
      .conversation,
      [
        "baseline": .bool(driver.state.baselineWasShown),
        "images": .array(
          driver.request.images.map { ["type": .string($0.mediaType), "bytes": JSONValue($0.byteCount)] }),
      ],
      values: ["items": .array(driver.state.items.map(\.json))])
    return try await working(driver)
  }

  /// Works, and never leaves the baseline running behind.
  private func working(_ driver: RunDriver) async throws -> RunResult {
    do {
      let result = try await driver.work()
      driver.baselineTask?.cancel()
      _ = try? await driver.baselineTask?.value
      return result
    } catch {
      driver.baselineTask?.cancel()
      _ = try? await driver.baselineTask?.value
      throw error
    }
  }

  /// Runs the tests in a sibling of the workspace, beside the first turn.
  private func baselineBeside(_ runner: TestRunner, _ workspace: Workspace) -> Task<BaselineRun, any Error> {
    Task {
      let clean = try await workspace.clean(named: "baseline")
      return try await clean.discarded {
        let execution = try await runner.run(in: clean, purpose: .baseline)
        return BaselineRun(execution, leaving: try await clean.snapshot())
      }
    }
  }

  /// Prepares the project; what that leaves behind is part of the base.
  private func prepare(_ setup: String, _ driver: RunDriver, _ location: CheckoutLocation) async throws {
    observe(.phase(.setup))
    let result = try await driver.session.execute(
      setup, directory: location.project, timeout: nil, purpose: .setup, call: nil)
    guard result.status == .exited(0) else {
      throw RunFailure(
        .project,
        "the set-up command failed [\(result.status.text)]: "
          + OutputText.end(of: OutputText.forModel(result.output), 600),
        hint: "the sandbox has no network unless policy names hosts; prepare the checkout yourself, or fix --setup")
    }
    try await driver.session.freezeBase()
  }

  func open(
    _ location: CheckoutLocation, _ run: String, hiding mask: ViewMask, resuming: Bool
  ) async throws -> Workspace {
    var view = services.view
    let known = Set(view.masked)
    view.masked += mask.masked.map(\.path).filter { !known.contains($0) }
    return try await resuming
      ? Workspace.reopen(location, storage: storage(run), sandbox: services.sandbox, view: view)
      : Workspace.open(location, storage: storage(run), sandbox: services.sandbox, view: view)
  }

  private func storage(_ run: String) -> [UInt8] { services.runsDirectory + [UInt8(ascii: "/")] + Array(run.utf8) }

  // MARK: Policy

  func principal(_ run: String, _ location: CheckoutLocation) -> Principal {
    var principal = services.principal
    principal.run = run
    principal.repository = location.repositoryName
    return principal
  }

  /// The run's own model as policy sees it.
  private var ownModel: Resource.Model {
    let identity = services.model.identity
    return Resource.Model(identity, region: services.regions[identity.provider])
  }

  func gate(_ recorder: Recorder, _ principal: Principal, _ state: RunState) -> Gate {
    Gate(
      authorizer: services.authorizer, principal: principal, recorder: recorder, approver: services.approver,
      model: ownModel, regions: services.regions, labels: state.labels, approvals: state.approvals)
  }

  /// What commands of the run must not see.
  func scan(_ location: CheckoutLocation, _ principal: Principal, _ labels: Set<String>) -> ViewMask {
    CheckoutScan.mask(
      of: location, by: services.authorizer, principal: principal, context: AccessContext(labels: labels),
      model: ownModel, cache: services.labelCache)
  }

  func tracker(
    _ workspace: Workspace, _ principal: Principal, _ labels: Set<String>, _ mask: ViewMask
  ) -> LabelTracker {
    LabelTracker(
      services.authorizer,
      judge: ViewJudge(
        services.authorizer, principal: principal, context: AccessContext(labels: labels.union(mask.labels)),
        repository: principal.repository, model: ownModel),
      workspace: workspace, mask: mask, hidden: services.view.masked)
  }

  /// Records what is hidden and why, and tells the person about what is more than the usual places of secrets.
  private func report(_ mask: ViewMask, _ recorder: Recorder) throws {
    guard !mask.masked.isEmpty || !mask.labels.isEmpty || mask.wouldHideMore else { return }
    try recorder.append(
      .mask,
      [
        "count": JSONValue(mask.masked.count), "labels": .array(mask.labels.sorted().map { .string($0) }),
        "policy": .string(services.authorizer.digest), "wouldHideMore": .bool(mask.wouldHideMore),
        "rules": .array(Set(mask.masked.map(\.rule)).sorted().map { .string("\($0)") }),
        "files": .array(
          mask.masked.prefix(500).map { ["path": .string($0.path.quoted), "rule": .string("\($0.rule)")] }),
      ])
    let rules = Dictionary(grouping: mask.masked) { $0.rule }.sorted { $0.key < $1.key }
    for (rule, files) in rules where !rule.rawValue.hasPrefix("shipped/") {
      let names = files.prefix(3).map(\.path.quoted).joined(separator: ", ")
      let labels = files.reduce(into: Set<String>()) { $0.formUnion($1.labels) }.sorted().joined(separator: ", ")
      observe(
        .notice(
          files.count.of("file") + " hidden from this run by \(rule)"
            + (labels.isEmpty ? "" : " (\(labels))") + ": \(names)" + (files.count > 3 ? ", …" : "")))
    }
  }

  private func driver(
    _ run: String, _ request: RunRequest, _ location: CheckoutLocation, _ tests: TestCommand?,
    _ recorder: Recorder, state: RunState, deadline: Deadline, resuming: Bool
  ) async throws -> RunDriver {
    let principal = principal(run, location)
    let gate = gate(recorder, principal, state)
    let services = services
    let assurance = Task { await services.sandbox.tryPromises(watching: services.sandboxTerms.watchesPrograms) }
    let mask = scan(location, principal, state.labels)
    try report(mask, recorder)
    let workspace = try await open(location, run, hiding: mask, resuming: resuming)
    if resuming, let snapshot = state.snapshot { try await workspace.restore(snapshot) }
    let tracker = tracker(workspace, principal, state.labels, mask)
    gate.use(tracker)
    var snapshot = try await workspace.snapshot()
    // What was made before the run was interrupted.
    if try await !tracker.look(at: snapshot).isEmpty { snapshot = try await workspace.snapshot() }
    gate.waits(
      for: SandboxTrial(assurance) { [weak gate] assurance in
        if let gate { try Self.hold(workspace, by: gate, services, assurance) }
      })
    // There, it is a copy, which only a command finds out.
    if services.sandbox.level == .container {
      try await gate.sandboxHolds()
      try await workspace.prepare()
    }
    try recorder.append(
      .workspaceOpened,
      [
        "mode": .string("\(workspace.mode)"), "reason": JSONValue(workspace.modeReason),
        "snapshot": .string(snapshot.id), "base": JSONValue(workspace.baseCommit?.hex),
      ])
    let isEngine = services.model.identity.endpoint == nil
    let runner = tests.map {
      TestRunner(
        command: $0, project: location.project, limits: request.limits, gate: gate, observe: observe,
        testSeconds: isEngine ? TestRunner.shortEndlessSeconds : TestRunner.endlessSeconds)
    }
    let index =
      isEngine ? nil : await ContextFinder.open(workspace, location, gate, directory: services.indexDirectory)
    let session = Session(
      workspace: workspace, gate: gate, project: location.project, pathBase: isEngine ? .root : location.project,
      index: index, tests: runner, limits: request.limits, files: tracker,
      snapshot: snapshot, answersWithData: isEngine, observe: observe)
    await session.restorePlan(state.plan)
    await session.restore(instructions: state.instructions)
    if let report = state.lastReport { await session.restore(report: report) }
    var toolbox = isEngine ? Toolbox.engine : .standard
    toolbox.network = RunNetwork(services, level: services.sandbox.level)
    var fresh = state
    if fresh.task == nil { fresh.task = request.task }
    return RunDriver(
      run: run, request: request, services: services, session: session, gate: gate,
      toolbox: toolbox, state: fresh, deadline: deadline, observe: observe)
  }

  private func testCommand(_ request: RunRequest, _ location: CheckoutLocation) -> TestCommand? {
    let files = CheckoutFiles(root: location.root)
    if let shell = request.testCommand { return .named(shell, directory: location.project, files: files) }
    return ProjectRecognizer.recognize(files, directory: location.project).first
  }

  /// Records that a run ended early, whatever ended it, and hands the error on.
  private func recordingFailure(
    _ run: String, _ recorder: Recorder, _ deadline: Deadline, _ body: () async throws -> RunResult
  ) async throws -> RunResult {
    do {
      return try await body()
    } catch let error as AuditError {
      throw error
    } catch  where deadline.hasPassed {
      let reason = "the time is over before the change was proven: --timeout"
      try recordEnd(recorder, .budgetSpent, reason, resumable: true)
      var result = RunResult(run: run, outcome: .budgetSpent, reason: reason)
      result.isResumable = true
      return result
    } catch let refusal as Refusal {
      try recordEnd(recorder, .refused, refusal.description, resumable: false)
      return RunResult(run: run, outcome: .refused, reason: refusal.description)
    } catch let error as CancellationError {
      try recordEnd(recorder, .interrupted, "stopped by the user", resumable: true)
      throw error
    } catch let error as RunFailure {
      try recordEnd(recorder, error.kind == .project ? .notFixed : .refused, error.message, resumable: false)
      throw error
    } catch {
      try recordEnd(recorder, .notFixed, "\(error)", resumable: true)
      throw error
    }
  }

  private func recordEnd(
    _ recorder: Recorder, _ outcome: RunOutcome, _ reason: String, resumable: Bool
  ) throws(AuditError) {
    try recorder.append(
      .runEnded,
      [
        "outcome": .string(outcome.rawValue), "exitCode": JSONValue(Int(outcome.exitCode)), "reason": .string(reason),
        "resumable": .bool(resumable),
      ], durable: true)
  }
}
