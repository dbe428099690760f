import JSON
import Paths
import Sandbox
import TestReports
import Workspace

/// Validates patches in cheap copies of a workspace: many in one run where the framework permits it, then alone.
struct PatchTrial: Sendable {
  let tests: TestRunner
  /// What the tests say without any of the patches.
  let base: TestReport
  let originals: [RepoPath: [UInt8]]
  let workspace: Workspace
  /// How many times the usual time a patch gets.
  var patience = 1.0
  /// Patches that are not through by then count as not run.
  var deadline: ContinuousClock.Instant?

  /// How one patch fared.
  enum Outcome: String, Sendable, CaseIterable {
    /// All that failed passes, and nothing is lost.
    case passed
    /// Tests fail.
    case failed
    /// It does not build, or the tests cannot run.
    case broken
    /// The tests took too long.
    case timeout
    /// It was not reached.
    case notRun
  }

  /// One patch with its outcome.
  struct Result: Sendable {
    var id: String
    var outcome: Outcome
    var failing = 0
    var fixed = 0
    var lost = 0
    var firstFailure: String?
    /// Names of the tests that failed before and still do.
    var still: [String] = []

    var json: JSONValue {
      [
        "id": .string(id), "outcome": .string(outcome.rawValue), "failing": JSONValue(failing),
        "fixed": JSONValue(fixed), "lost": JSONValue(lost), "firstFailure": JSONValue(firstFailure),
        "still": .array(still.map { .string($0) }),
      ]
    }
  }

  /// Tries all patches; with `stopAtFirst`, those after the first that passes are not run.
  /// - Parameter ways: how one run may try many patches, as the last trial left it; nil for what the framework permits.
  /// - Returns: the results, the ways that can be relied on for the next patches, and why others cannot, a sentence each.
  func run(
    _ patches: [(id: String, edits: EditList)], stopAtFirst: Bool, ways: [ServedTrial.Way]? = nil
  ) async throws -> (results: [Result], ways: [ServedTrial.Way], reasons: [String]) {
    var results: [Int: Result] = [:]
    var ranges: [[TrialEdit]] = []
    for (index, patch) in patches.enumerated() {
      do {
        ranges.append(try patch.edits.ranges(in: originals))
      } catch {
        results[index] = Result(id: patch.id, outcome: .broken, firstFailure: error.description)
        ranges.append([])
      }
    }
    var open = patches.indices.filter { results[$0] == nil }
    let served = ServedTrial(
      tests: tests, base: base, originals: originals, workspace: workspace, patches: ranges, patience: patience,
      deadline: deadline)
    var ways = ways ?? served.ways
    // What is left of them for these patches.
    var left = ways
    func giveUp(_ way: ServedTrial.Way) {
      if let place = ways.firstIndex(of: way) { ways.remove(at: place) }
      left.removeAll { $0 == way }
    }
    while let way = left.first, !open.isEmpty, deadline.secondsLeft > 0 {
      if way == .switched || way == .direct {
        let began = ContinuousClock.now
        guard
          let outcome = try await SchemataTrial(served: served, isDirect: way == .direct)
            .outcome(for: open, stopsAtFirst: stopAtFirst)
        else {
          giveUp(way)
          continue
        }
        let passing = note(outcome.answers, of: patches, in: &results)
        results.merge(try await runAlone(passing, patches, stopAtFirst: stopAtFirst)) { $1 }
        if stopAtFirst, results.contains(where: { $0.value.outcome == .passed }) { break }
        try await tryOthers(
          outcome.others, patches, served, stopAtFirst: stopAtFirst, seconds: (ContinuousClock.now - began).seconds,
          &results)
        break
      }
      guard let answers = try await served.answers(for: open, way, stopsAtFirst: stopAtFirst) else {
        giveUp(way)
        continue
      }
      var passing = note(answers, of: patches, in: &results)
      open.removeAll { results[$0] != nil }
      // One more run finds most of those that only break what passed.
      if way == .selected, passing.count > 1, served.hasOthers,
        let answers = try await served.answers(for: passing, way, stopsAtFirst: stopAtFirst, ofAllTests: true)
      {
        for answer in answers {
          results[answer.patch] = rate(patches[answer.patch].id, answer)
          passing.removeAll { $0 == answer.patch }
        }
      }
      // What passes the tests that failed, and was not tried with the others in such a run, has to pass alone.
      results.merge(try await runAlone(passing, patches, stopAtFirst: stopAtFirst)) { $1 }
      if stopAtFirst, results.contains(where: { $0.value.outcome == .passed }) { open = [] }
      // A run ends with its time; what it left is for the next trial.
      if answers.isEmpty { break }
    }
    if left.isEmpty { results.merge(try await runAlone(open, patches, stopAtFirst: stopAtFirst)) { $1 } }
    return (
      patches.indices.map { results[$0] ?? Result(id: patches[$0].id, outcome: .notRun) }, ways,
      served.reasons.sentences
    )
  }

  /// Keeps answers, and returns the patches that have to pass once more.
  private func note(
    _ answers: [ServedTrial.Answer], of patches: [(id: String, edits: EditList)], in results: inout [Int: Result]
  ) -> [Int] {
    var passing: [Int] = []
    for answer in answers {
      results[answer.patch] = rate(patches[answer.patch].id, answer)
      if results[answer.patch]?.outcome == .passed, !answer.isOfAll { passing.append(answer.patch) }
    }
    return passing
  }

  /// What cannot be switched costs a build each: it gets half as much time as the others took, and the rest of it counts as
  /// not run.
  private func tryOthers(
    _ others: [Int], _ patches: [(id: String, edits: EditList)], _ served: ServedTrial, stopAtFirst: Bool,
    seconds: Double, _ results: inout [Int: Result]
  ) async throws {
    guard !others.isEmpty else { return }
    var series = served
    if let deadline {
      series.deadline = min(deadline, ContinuousClock.now + .seconds(max(Self.leastForOthers, seconds / 2)))
    }
    guard let answers = try await series.answers(for: others, .series, stopsAtFirst: stopAtFirst) else { return }
    let passing = note(answers, of: patches, in: &results)
    results.merge(try await runAlone(passing, patches, stopAtFirst: stopAtFirst)) { $1 }
  }

  private static let leastForOthers = 2.0

  private func rate(_ id: String, _ answer: ServedTrial.Answer) -> Result {
    if answer.isTimeout { return Result(id: id, outcome: .timeout) }
    if !answer.isBuilt { return Result(id: id, outcome: .broken) }
    guard let report = answer.report else {
      return Result(id: id, outcome: .broken, firstFailure: "an edit is out of range or overlaps another")
    }
    return rate(id, report, isOverTime: false, comparingAll: answer.isOfAll)
  }

  /// Tries each patch in a run of its own, as many at a time as there are cores.
  private func runAlone(
    _ indices: [Int], _ patches: [(id: String, edits: EditList)], stopAtFirst: Bool
  ) async throws -> [Int: Result] {
    let width = 2
    var results: [Int: Result] = [:]
    var hasPassed = false
    try await withThrowingTaskGroup(of: (Int, Result).self) { group in
      var next = 0
      func start() {
        guard next < indices.count, !(stopAtFirst && hasPassed), deadline.secondsLeft > 0 else { return }
        let index = indices[next]
        next += 1
        group.addTask { (index, try await attempt(patches[index].id, patches[index].edits)) }
      }
      for _ in 0..<width { start() }
      while let (index, result) = try await group.next() {
        results[index] = result
        if result.outcome == .passed { hasPassed = true }
        start()
      }
    }
    for index in indices where results[index] == nil {
      results[index] = Result(id: patches[index].id, outcome: .notRun)
    }
    return results
  }

  private func attempt(_ id: String, _ edits: EditList) async throws -> Result {
    let contents: [RepoPath: [UInt8]]
    do {
      contents = try edits.applied(to: originals)
    } catch {
      return Result(id: id, outcome: .broken, firstFailure: error.description)
    }
    let copy = try await workspace.fork(named: "try-\(Nonce.random())")
    return try await copy.discarded {
      for (path, content) in contents { try await copy.write(path, content, executable: nil) }
      let result = try await judge(id, in: copy)
      // What was cut short by the end of the whole trial says nothing about the patch.
      return result.outcome == .timeout && deadline.secondsLeft <= 0 ? Result(id: id, outcome: .notRun) : result
    }
  }

  /// The failing tests alone first: most patches end there.
  private func judge(_ id: String, in copy: Workspace) async throws -> Result {
    var limits = tests.limits
    limits.wallSeconds = min(limits.wallSeconds, patience * trialSeconds, max(0.1, deadline.secondsLeft))
    let testSeconds = patience * tests.testSeconds
    if base.isNamed, !base.failing.isEmpty, let narrow = tests.command.selecting(base.failing) {
      let execution = try await tests.runOnce(narrow, in: copy, limits: limits, testSeconds: testSeconds)
      let result = rate(id, execution.report, isOverTime: execution.isOverTime, comparingAll: false)
      if result.outcome != .passed { return result }
      limits.wallSeconds = min(limits.wallSeconds, max(0.1, deadline.secondsLeft))
    }
    let execution = try await tests.runOnce(tests.command, in: copy, limits: limits, testSeconds: testSeconds)
    return rate(id, execution.report, isOverTime: execution.isOverTime, comparingAll: true)
  }

  /// Ten times what the slowest passing test suites of this size take would be waste; a patch that loops is stopped.
  private var trialSeconds: Double {
    max(10, 3 * base.tests.reduce(0) { $0 + ($1.duration ?? 0) } + 20)
  }

  private func rate(_ id: String, _ report: TestReport, isOverTime: Bool, comparingAll: Bool) -> Result {
    if isOverTime { return Result(id: id, outcome: .timeout) }
    guard base.isNamed else {
      return Result(id: id, outcome: report.exitStatus == 0 ? .passed : .failed)
    }
    let report = report.settingApart(Set(base.unsteady))
    let comparison = ReportComparison(base: base, after: report)
    var result = Result(
      id: id, outcome: .failed, failing: report.failing.count, fixed: comparison.newlyPassing.count,
      lost: comparison.newlyFailing.count,
      firstFailure: report.tests.first { $0.result == .failed || $0.result == .errored }?.message
        ?? report.buildErrors.first?.message)
    result.still = comparison.stillFailing
    if comparingAll { result.lost += comparison.missing.count + comparison.newlySkipped.count }
    if report.tests.isEmpty || report.startFailure != nil || !report.buildErrors.isEmpty && base.buildErrors.isEmpty {
      result.outcome = .broken
    } else if report.failing.isEmpty, result.lost == 0, !report.isIncomplete, report.exitStatus == 0 {
      result.outcome = .passed
    }
    return result
  }
}

extension ContinuousClock.Instant? {
  /// Seconds until then; infinity where there is no such moment.
  var secondsLeft: Double { map { (ContinuousClock.now.duration(to: $0)).seconds } ?? .infinity }
}

extension TestRunner.Execution {
  fileprivate var isOverTime: Bool { if case .overrun(.time) = status { true } else { false } }
}

extension Duration {
  /// The duration in seconds.
  var seconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
