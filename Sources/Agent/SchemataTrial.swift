import Paths
import Repair
import Sandbox
import TestReports
import Workspace

/// Tries patches of compiled programs: many in one build, of which a variable chooses one at run time. What passes here
/// still has to pass alone.
struct SchemataTrial: Sendable {
  let served: ServedTrial
  /// Whether the programs that fail are started by themselves for each patch, rather than by the tool that builds them.
  var isDirect = false

  /// Runs of the build before a batch is given up: compilers find some errors only when others are gone.
  private static let mostBuilds = 16
  private static let mostOutput = 8 << 20

  /// What came of it.
  struct Outcome: Sendable {
    var answers: [ServedTrial.Answer] = []
    /// Patches that cannot be tried in this way.
    var others: [Int] = []
  }

  /// Whether any of the patches may be tried so.
  var isPossible: Bool { served.originals.keys.contains(where: MutantSchemata.permits) }

  /// Tries some of the patches; nil when the build with none of them chosen does not say what the base says.
  func outcome(for indices: [Int], stopsAtFirst: Bool) async throws -> Outcome? {
    let copy = try await served.workspace.fork(named: "switched-\(Nonce.random())")
    return try await copy.discarded { try await outcome(for: indices, stopsAtFirst: stopsAtFirst, in: copy) }
  }

  private func outcome(for indices: [Int], stopsAtFirst: Bool, in copy: Workspace) async throws -> Outcome? {
    var outcome = Outcome()
    var rest = indices
    while !rest.isEmpty, served.deadline.secondsLeft > 0 {
      var schemata = MutantSchemata(originals: served.originals, patches: served.patches, wanted: rest)
      let build = try await build(&schemata, in: copy)
      rest = schemata.later
      outcome.others += schemata.unplaced
      for patch in schemata.broken {
        outcome.answers.append(.init(patch: patch, report: nil, isTimeout: false, isBuilt: false))
      }
      guard let build else {
        if served.deadline.secondsLeft <= 0 { break }
        return nil
      }
      guard !schemata.placed.isEmpty else { continue }
      guard let answers = try await run(schemata, build, in: copy, stopsAtFirst: stopsAtFirst) else {
        if served.deadline.secondsLeft <= 0 { break }
        return nil
      }
      outcome.answers += answers
      if stopsAtFirst, answers.contains(where: { $0.report?.exitStatus == 0 }) { break }
    }
    return outcome
  }

  /// Builds until what does not compile is out.
  /// - Returns: how the runs that follow are to go; nil when the build does not come to an end, or every run builds anew.
  private func build(_ schemata: inout MutantSchemata, in copy: Workspace) async throws -> Build? {
    for _ in 0..<Self.mostBuilds {
      if schemata.placed.isEmpty { return Build() }
      for (path, content) in schemata.contents { try await copy.write(path, content, executable: nil) }
      guard served.deadline.secondsLeft > 0 else { return nil }
      let first = try await runOnce(in: copy)
      if first.fails {
        if isDirect { return Build(programs: first.programs, seconds: first.seconds) }
        let quick = try await runOnce(in: copy, skipsCompilers: true)
        if quick.fails { return Build(skipsCompilers: true) }
        // What had to be built a second time is built each time.
        let second = try await runOnce(in: copy)
        return second.fails && second.seconds < Self.mostOfBuild * first.seconds ? Build() : nil
      }
      guard schemata.dropWhatFailed(in: first.output) else { return nil }
    }
    return nil
  }

  private struct Build {
    var skipsCompilers = false
    /// Programs that the command started.
    var programs: StartedPrograms?
    /// What the command took at most.
    var seconds: Double?
  }

  /// A run that takes more than this share of the one that built has built, too.
  private static let mostOfBuild = 0.7

  /// One run of the tests with no patch chosen: whether it fails as the base does, and what it said.
  private func runOnce(in copy: Workspace, skipsCompilers: Bool = false) async throws -> (
    fails: Bool, output: [UInt8], seconds: Double, programs: StartedPrograms
  ) {
    let nonce = Nonce.random()
    let command = served.narrow ?? served.tests.command
    var limits = served.tests.limits
    limits.outputKeptBytes = max(limits.outputKeptBytes, Self.mostOutput)
    limits.wallSeconds = min(limits.wallSeconds, max(0.1, served.deadline.secondsLeft))
    let run = try await served.tests.runHere(
      command.switchedBuildPlan(
        nonce: nonce, skipsCompilers: skipsCompilers, note: isDirect ? MutantSchemata.programs : nil), in: copy,
      limits: limits)
    let report = try await served.tests.report(of: run, by: command, nonce: nonce, in: copy)
    let programs = StartedPrograms(
      note: MutantSchemata.programs, limit: MutantSchemata.limit, results: run.results)
    return (served.fails(report), run.result.output.head + run.result.output.tail, run.result.duration, programs)
  }

  private func run(
    _ schemata: MutantSchemata, _ build: Build, in copy: Workspace, stopsAtFirst: Bool
  ) async throws -> [ServedTrial.Answer]? {
    let nonce = Nonce.random()
    let numbers = schemata.placed.map { (patch: $0, number: schemata.number(of: $0)) }
    guard
      let plan = served.tests.command.switchedPlan(
        nonce: nonce, variable: MutantSchemata.variable, numbers: numbers, narrow: served.narrow,
        programs: build.programs, skipsCompilers: build.skipsCompilers, patience: served.patience,
        controlSeconds: build.seconds.map { 2 + 4 * $0 * served.patience } ?? served.controlSeconds,
        seconds: served.deadline.secondsLeft,
        stopsAtFirst: stopsAtFirst)
    else { return nil }
    var limits = served.tests.limits
    limits.wallSeconds = min(
      max(limits.wallSeconds, served.controlSeconds * Double(2 + numbers.count)),
      max(0.1, served.deadline.secondsLeft))
    let run = try await served.tests.runHere(plan, in: copy, limits: limits)
    let evidence = RunEvidence(
      output: [], exitStatus: nil, results: run.results, projectRoot: served.tests.projectRoot(in: served.workspace),
      nonce: nonce)
    let command = served.tests.command
    guard let series = command.series(from: evidence, narrow: isDirect ? command : served.narrow),
      let control = series.trials.first, control.whole.map(served.fails) ?? true
    else { return nil }
    var saysOnlyWhether = false
    if let narrow = control.narrow, !served.fails(narrow) {
      guard isDirect, saysNames, narrow.exitStatus != 0 else { return nil }
      saysOnlyWhether = true
    }
    if isDirect, control.narrow == nil { return nil }
    let placed = Set(schemata.placed)
    return series.trials.dropFirst().compactMap { trial in
      guard let patch = trial.patch, placed.contains(patch) else { return nil }
      let report = saysOnlyWhether ? trial.narrow.map(failed) : trial.narrow
      return .init(patch: patch, report: trial.whole ?? report, isTimeout: trial.isTimeout)
    }
  }

  /// Whether it is the tool that names the tests, and not the programs that it starts.
  private var saysNames: Bool { [.ctest, .junit].contains(served.tests.command.framework) }

  /// What is known of a failure whose tests are not named: as much as of the base.
  private func failed(_ report: TestReport) -> TestReport {
    var failed = served.base
    failed.exitStatus = report.exitStatus
    return failed
  }
}
