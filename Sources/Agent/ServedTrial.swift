import Glibc
import Paths
import Sandbox
import Synchronization
import TestReports
import Workspace

/// Tries patches in few runs of the tests, each of which forks once for every patch: what most patches need to be found
/// wrong. What passes here still has to pass alone.
struct ServedTrial: Sendable {
  let tests: TestRunner
  /// What the tests say without any of the patches.
  let base: TestReport
  let originals: [RepoPath: [UInt8]]
  let workspace: Workspace
  let patches: [[TrialEdit]]
  /// How many times the usual time a patch gets.
  let patience: Double
  /// When runs are ended; what they have not come to then has no answer.
  var deadline: ContinuousClock.Instant?
  /// Why patches are tried in a slower way than they might be.
  let reasons = TrialReasons()

  /// One patch's answer.
  struct Answer: Sendable {
    var patch: Int
    /// Nil when it could not be applied.
    var report: TestReport?
    var isTimeout: Bool
    /// Whether all tests ran, those that failed having passed.
    var isOfAll = false
    /// False when the compiler refused it.
    var isBuilt = true
  }

  /// How a run serves.
  enum Way: Sendable {
    /// The user's command, in which a patch meets the tests that failed first and then all.
    case whole
    /// The user's command, in which a patch meets all tests in their order: where those that failed do not fail alone.
    case ordered
    /// A command that selects the tests that failed; another run, with all of them, for what passes.
    case selected
    /// Many patches in one build, one of which is chosen when it runs: the programs that fail are started by themselves.
    case direct
    /// The same, with the tool that built them.
    case switched
    /// One patch after another in one copy, from a shell: where nothing can fork.
    case series
  }

  /// More tests take too long to collect for each run.
  private static let mostCollected = 1000
  private static let mostSeconds = 20.0

  /// The ways that may serve, the better ones first.
  var ways: [Way] {
    guard tests.command.mayHaveTrials(patching: originals.keys), base.isNamed else {
      // One batch that cannot be built together says little of the next; three do.
      return base.buildErrors.isEmpty && SchemataTrial(served: self).isPossible
        ? [.direct, .switched, .switched, .switched, .series] : [.series]
    }
    let isSmall =
      base.tests.count <= Self.mostCollected && base.tests.reduce(0) { $0 + ($1.duration ?? 0) } <= Self.mostSeconds
    if tests.command.runsScriptsAgain {
      return !base.failing.isEmpty && base.buildErrors.isEmpty && isSmall ? [.whole, .ordered, .series] : [.series]
    }
    return !base.failing.isEmpty && base.buildErrors.isEmpty && isSmall
      ? [.whole, .ordered, .selected, .series] : [.selected, .series]
  }

  /// Fewer patches are not worth a run of its own for a second core.
  private static let leastForTwo = 32

  /// Whether this process may use more than one core: a second run on the same one only costs its start.
  private static let hasTwoCores: Bool = {
    let descriptor = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return true }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 8192)
    let count = read(descriptor, &bytes, bytes.count)
    let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    // A list such as `0-3,8`.
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed_list:") }) else {
      return true
    }
    return line.contains { $0 == "," || $0 == "-" }
  }()

  /// Whether there are tests beside those that failed: by default, only those are run.
  var hasOthers: Bool { narrow != nil && !base.passing.isEmpty }

  /// The command that selects the tests that failed.
  var narrow: TestCommand? {
    base.isNamed && !base.failing.isEmpty ? tests.command.selecting(base.failing) : nil
  }

  /// Tries some of the patches; nil when the runs cannot serve: the answers for the code as it is are not the base's.
  /// - Returns: an answer for each patch that was tried; at least one, unless the deadline has passed.
  func answers(for indices: [Int], _ way: Way, stopsAtFirst: Bool, ofAllTests: Bool = false) async throws -> [Answer]? {
    let lanes = indices.count < (way == .series ? 4 : Self.leastForTwo) || !Self.hasTwoCores ? 1 : 2
    return try await withThrowingTaskGroup(of: [Answer]?.self) { group in
      for lane in 0..<lanes {
        // Turn by turn, because the likely ones come first.
        let share = stride(from: lane, to: indices.count, by: lanes).map { indices[$0] }
        group.addTask {
          way == .series
            ? try await serveSeries(share, stopsAtFirst: stopsAtFirst)
            : try await serve(share, way, stopsAtFirst: stopsAtFirst, ofAllTests: ofAllTests)
        }
      }
      var all: [Answer] = []
      var isServed = true
      while let answers = try await group.next() {
        if let answers { all += answers } else { isServed = false }
      }
      return isServed && (!all.isEmpty || deadline.secondsLeft <= 0) ? all.sorted { $0.patch < $1.patch } : nil
    }
  }

  private func serve(_ share: [Int], _ way: Way, stopsAtFirst: Bool, ofAllTests: Bool) async throws -> [Answer]? {
    let ofAllTests = ofAllTests || way == .ordered
    let command = ofAllTests || way == .whole ? tests.command : narrow ?? tests.command
    let nonce = Nonce.random()
    guard
      let plan = command.trialsPlan(
        nonce: nonce, root: workspace.location.root, directory: tests.projectRoot(in: workspace),
        patches: share.map { patches[$0] }, names: way == .whole ? base.failing : nil, slow: base.endless,
        usual: usualSeconds,
        seconds: deadline.secondsLeft, patience: patience, stopsAtFirst: stopsAtFirst)
    else { return nil }
    var limits = tests.limits
    // Each patch has bounds of its own; this one is for a run that does not get to the point where it forks.
    limits.wallSeconds = min(max(limits.wallSeconds, 60 + 10 * Double(share.count)), max(0.1, deadline.secondsLeft))
    let run = try await tests.runInCopy(plan, of: workspace, named: "serve-\(nonce)", limits: limits)
    let evidence = RunEvidence(
      output: [], exitStatus: nil, results: run.results, projectRoot: tests.projectRoot(in: workspace), nonce: nonce)
    let wasCutShort = deadline.secondsLeft <= 0
    guard let trials = command.trials(from: evidence), let control = trials.all.first, control.patch == nil else {
      if !wasCutShort {
        reasons.add(
          "No run could try many patches: "
            + (command.trialsRemarks(in: evidence).first
              ?? "it did not come to the file that they change."))
      }
      return wasCutShort ? [] : nil
    }
    for remark in command.trialsRemarks(in: evidence) { reasons.add("Each patch got a process of its own: " + remark) }
    if let difference = difference(of: control, ofAllTests: ofAllTests) {
      if !wasCutShort { reasons.add("Where many patches are tried in one run " + difference) }
      return wasCutShort ? [] : nil
    }
    // What all tests say is believed only where they say of the code as it is what they said alone.
    let isWhole =
      ofAllTests
      || trials.all.contains { $0.patch == nil && $0.isOfAll && difference(of: $0, ofAllTests: true) == nil }
    var answers: [Int: Answer] = [:]
    for trial in trials.all {
      guard let patch = trial.patch, share.indices.contains(patch), !trial.isOfAll || isWhole else { continue }
      answers[patch] = Answer(
        patch: share[patch], report: trial.report, isTimeout: trial.isTimeout, isOfAll: trial.isOfAll || ofAllTests)
    }
    // A run that died half way was ended by the patch that it was trying.
    if !trials.isComplete, !wasCutShort, let died = share.indices.first(where: { answers[$0] == nil }) {
      answers[died] = Answer(patch: share[died], report: nil, isTimeout: true)
    }
    return Array(answers.values)
  }

  private func serveSeries(_ share: [Int], stopsAtFirst: Bool) async throws -> [Answer]? {
    let nonce = Nonce.random()
    guard
      let plan = tests.command.seriesPlan(
        nonce: nonce, root: workspace.location.root, originals: originals, patches: share.map { patches[$0] },
        narrow: narrow, patience: patience, controlSeconds: controlSeconds, seconds: deadline.secondsLeft,
        stopsAtFirst: stopsAtFirst)
    else { return nil }
    var limits = tests.limits
    limits.wallSeconds = min(
      max(limits.wallSeconds, controlSeconds * Double(2 + share.count)), max(0.1, deadline.secondsLeft))
    let run = try await tests.runInCopy(plan, of: workspace, named: "series-\(nonce)", limits: limits)
    let evidence = RunEvidence(
      output: [], exitStatus: nil, results: run.results, projectRoot: tests.projectRoot(in: workspace), nonce: nonce)
    let wasCutShort = deadline.secondsLeft <= 0
    guard let series = tests.command.series(from: evidence, narrow: narrow), let control = series.trials.first,
      [control.narrow, control.whole].allSatisfy({ $0.map(fails) ?? true })
    else { return wasCutShort ? [] : nil }
    var answers = series.trials.dropFirst().compactMap { trial -> Answer? in
      guard let patch = trial.patch, share.indices.contains(patch) else { return nil }
      return Answer(patch: share[patch], report: trial.whole ?? trial.narrow, isTimeout: trial.isTimeout)
    }
    if !series.isComplete, !wasCutShort, answers.count < share.count, !stopsAtFirst {
      let seen = Set(answers.map(\.patch))
      if let died = share.first(where: { !seen.contains($0) }) {
        answers.append(Answer(patch: died, report: nil, isTimeout: true))
      }
    }
    return answers
  }

  /// Seconds that the tests take which end.
  private var usualSeconds: Double {
    let endless = Set(base.endless)
    return base.tests.reduce(0) { $0 + (endless.contains($1.name) ? 0 : $1.duration ?? 0) }
  }

  /// Seconds that all tests may take with the code as it is.
  var controlSeconds: Double { max(20, 20 + 3 * base.tests.reduce(0) { $0 + ($1.duration ?? 0) }) }

  /// Whether a run of the code as it is failed as the base did.
  func fails(_ report: TestReport) -> Bool {
    guard base.isNamed else { return report.exitStatus != 0 }
    let report = report.settingApart(Set(base.unsteady))
    return Set(report.failing) == Set(base.failing) && report.buildErrors.count == base.buildErrors.count
      && report.exitStatus != 0
  }

  /// What the code as it is says otherwise than it did alone; nil when it says the same.
  private func difference(of control: Trial, ofAllTests: Bool) -> String? {
    if control.isTimeout { return ofAllTests ? "the tests take too long as the code is." : nil }
    guard let report = control.report?.settingApart(Set(base.unsteady)) else { return "the tests say nothing." }
    if ofAllTests, let test = Set(base.passing).symmetricDifference(report.passing).min() {
      return "\(test) \(base.passing.contains(test) ? "does not pass" : "passes") as the code is."
    }
    guard !fails(report) else { return nil }
    guard let test = Set(base.failing).symmetricDifference(report.failing).min() else {
      return "the command ends with \(report.exitStatus.map(String.init) ?? "a signal") as the code is."
    }
    return "\(test) \(base.failing.contains(test) ? "does not fail" : "fails") as the code is."
  }
}

/// Sentences that several runs at once may have for the record.
final class TrialReasons: Sendable {
  private let said = Mutex<[String]>([])

  func add(_ sentence: String) { said.withLock { if !$0.contains(sentence) { $0.append(sentence) } } }

  var sentences: [String] { said.withLock { $0 } }
}
