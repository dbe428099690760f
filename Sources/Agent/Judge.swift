import Git
import JSON
import Paths
import Sandbox
import TestReports
import Workspace

/// Decides whether a change is a repair: in a clean workspace, with the base's tests, by named outcomes.
///
/// The model is not asked. The change is taken without its edits to tests and test configuration; the target checks
/// must fail on the base and pass with the change, no test that passed may fail or disappear. Tests that the run added
/// are judged in a second pass.
struct Judge: Sendable {
  let workspace: Workspace
  let tests: TestRunner
  /// What the tests said before any change.
  let baseline: TestReport
  /// What running the tests leaves behind by itself.
  let leftovers: [RepoPath: String]
  /// Names of the checks that decide; nil when the task names none, so that a test of the run's own has to.
  let targets: [String]?

  /// What the judge found.
  struct Verdict: Sendable {
    enum Ruling: String, Sendable {
      /// The target checks failed before and pass now, and nothing is lost.
      case proven
      /// Nothing is lost, but no check shows that the change does what was asked.
      case unconfirmed
      /// A target still fails, or something is lost.
      case rejected
    }

    var ruling: Ruling
    /// What the model is told when the change is not accepted.
    var findings: [String] = []
    /// How the change was proven.
    var proof: [String] = []
    /// Targets that pass now.
    var passesNow: [String] = []
    /// What is delivered: the change less what is withheld.
    var deliverable: Snapshot
    /// What a person should know: withheld edits, flaky tests.
    var notes: [String] = []
  }

  /// Judges the workspace's state.
  func judge(_ snapshot: Snapshot, round: Int) async throws -> Verdict {
    let parts = try await ChangeParts(snapshot, leftovers: leftovers, in: workspace)
    let clean = try await workspace.clean(named: "judge-\(round)")
    return try await clean.discarded { try await judge(parts, in: clean, round: round) }
  }

  private func judge(_ parts: ChangeParts, in clean: Workspace, round: Int) async throws -> Verdict {
    try await clean.apply(parts.code)
    var verdict = Verdict(ruling: .rejected, deliverable: try await clean.snapshot())
    if !parts.byproducts.isEmpty {
      verdict.notes.append(
        "left out as by-products of builds and tests: " + parts.byproducts.map(\.path.quoted).joined(separator: ", "))
    }
    if !baseline.unsteady.isEmpty {
      verdict.notes.append("set apart, because they pass and fail without any change: " + list(baseline.unsteady))
    }
    let first = try await verify(in: clean)
    let comparison = ReportComparison(base: baseline, after: first.report)
    var losses = Losses(comparison)
    if !losses.isEmpty, baseline.isNamed {
      // Once more, to tell a loss from a flaky test.
      let again = Losses(
        ReportComparison(base: baseline, after: try await verify(in: clean).report))
      let flaky = Set(losses.failing).subtracting(again.failing).sorted()
      if !flaky.isEmpty { verdict.notes.append("flaky, failed once and passed once: " + list(flaky)) }
      losses = losses.common(with: again)
    }
    verdict.findings = describe(losses, first)
    if let targets {
      try await ruleOnTargets(targets, first, comparison, &verdict)
    } else if verdict.findings.isEmpty {
      verdict.ruling = .unconfirmed
    }
    if !parts.tests.isEmpty, verdict.findings.isEmpty {
      try await secondPass(parts, in: clean, first.report, &verdict)
    }
    if verdict.ruling == .unconfirmed, targets == nil {
      verdict.notes.append("no check failed before that passes now: nothing proves that the change does what was asked")
    }
    return verdict
  }

  /// Runs the tests, or those selected. What is set apart at the base counts for nothing.
  private func verify(
    in workspace: Workspace, selected: TestCommand? = nil, testSeconds: Double? = nil
  ) async throws -> TestRunner.Execution {
    var run = try await tests.run(
      in: workspace, purpose: .verification, selected: selected, testSeconds: testSeconds)
    run.report = run.report.settingApart(Set(baseline.unsteady))
    return run
  }

  /// True when everything that failed at the base has to pass.
  private var wantsAll: Bool { targets.map { Set($0).isSuperset(of: baseline.failing) } ?? false }

  /// Names that the base could not show, because it did not build or did not run to its end.
  private func hidden(_ report: TestReport) -> [TestOutcome] {
    guard wantsAll, !baseline.buildErrors.isEmpty || baseline.isIncomplete else { return [] }
    let known = Set(baseline.tests.map(\.name))
    return report.tests.filter { !known.contains($0.name) }
  }

  /// What was lost, in words for the model.
  private func describe(_ losses: Losses, _ run: TestRunner.Execution) -> [String] {
    let report = run.report
    guard baseline.isNamed else {
      guard baseline.exitStatus == 0, run.status != .exited(0) else { return [] }
      return ["the check succeeded before and fails now [\(run.status.text)]:\n" + OutputText.forModel(run.output)]
    }
    var findings: [String] = []
    for name in losses.failing.prefix(20) {
      let message = report.tests.first { $0.name == name }?.message ?? ""
      findings.append("passed before and fails now: \(name)\n\(OutputText.bounded(message, limit: 1500))")
    }
    if !losses.missing.isEmpty { findings.append("ran before and did not appear now: " + list(losses.missing)) }
    if !losses.skipped.isEmpty { findings.append("passed before and is skipped now: " + list(losses.skipped)) }
    // A run that was whole at the base has to be; so has one whose failures are all to be repaired.
    if report.isIncomplete, !baseline.isIncomplete || wantsAll {
      findings.append("the test run did not finish as it should: \(ReportText.describe(report))")
    }
    return findings
  }

  private func ruleOnTargets(
    _ targets: [String], _ run: TestRunner.Execution, _ comparison: ReportComparison, _ verdict: inout Verdict
  ) async throws {
    guard baseline.isNamed else {
      guard run.status == .exited(0) else {
        verdict.findings.append(
          "the check still fails [\(run.status.text)]:\n" + OutputText.forModel(run.output))
        return
      }
      if try await redAgain(nil, after: run).status == .exited(0) {
        verdict.ruling = .unconfirmed
        verdict.notes.append("the check failed once without the change, and passed when tried again: it is flaky")
      } else {
        verdict.ruling = .proven
        verdict.passesNow = targets
        verdict.proof.append(
          "the check `\(tests.command.shell)` failed without the change, twice, and succeeds with it, by its exit status "
            + "alone")
      }
      return
    }
    let passing = Set(run.report.passing)
    let open = targets.filter { !passing.contains($0) && !comparison.newlyPassing.contains($0) }
    for name in open.prefix(20) {
      let outcome = run.report.tests.first { $0.name == name }
      verdict.findings.append(
        "still \(outcome == nil ? "missing" : "failing"): \(name)\n"
          + OutputText.bounded(outcome?.message ?? "", limit: 1500))
    }
    let hidden = hidden(run.report)
    for test in hidden.filter({ $0.result == .failed || $0.result == .errored }).prefix(20) {
      verdict.findings.append(
        "could not run before and fails now: \(test.name)\n\(OutputText.bounded(test.message ?? "", limit: 1500))")
    }
    if !run.report.buildErrors.isEmpty, wantsAll || baseline.buildErrors.isEmpty {
      verdict.findings.append(ReportText.describe(run.report))
    }
    guard verdict.findings.isEmpty else { return }
    let candidates = targets + hidden.filter { $0.result == .passed }.map(\.name)
    // Red again: what passes on the untouched base by itself proves nothing, and what does not even appear there, though
    // nothing hides it, is no target.
    let isNarrow = !targets.isEmpty && candidates.count == targets.count
    var again = try await redAgain(isNarrow ? targets : nil, after: run).report
    if isNarrow, !shows(targets, again) { again = try await redAgain(nil, after: run).report }
    let hides = !again.buildErrors.isEmpty || again.isIncomplete
    let outcomes = Dictionary(again.tests.map { ($0.name, $0.result) }, uniquingKeysWith: { first, _ in first })
    let flaky = candidates.filter { outcomes[$0] == .passed }
    let solid = candidates.filter { name in
      switch outcomes[name] {
      case .failed, .errored: true
      case .passed, .skipped: false
      case nil: hides
      }
    }
    if !flaky.isEmpty {
      verdict.notes.append("passes now and then without any change, so it proves nothing: " + list(flaky.sorted()))
    }
    verdict.passesNow = solid
    guard !solid.isEmpty else {
      verdict.ruling = .unconfirmed
      verdict.notes.append("no check failed before that passes now: nothing proves that the change does what was asked")
      return
    }
    verdict.ruling = .proven
    verdict.proof.append(
      solid.count.of("check") + " failed on the untouched base, twice, and "
        + (solid.count == 1 ? "passes" : "pass") + " with the change in a clean workspace")
    verdict.proof.append(
      "all \(baseline.passing.count) tests that passed before still pass; no test disappeared")
  }

  /// True when a report names each target: a narrowed run that does not says nothing of it.
  private func shows(_ targets: [String], _ report: TestReport) -> Bool {
    Set(report.tests.map(\.name)).isSuperset(of: targets)
  }

  /// Runs the targets, or everything, on the base without any change.
  /// - Parameter run: what ran with the change. A test counts as one that never ends when it takes many times what the
  ///   slowest took there.
  private func redAgain(_ names: [String]?, after run: TestRunner.Execution) async throws -> TestRunner.Execution {
    let base = try await workspace.clean(named: "red-\(Nonce.random())")
    let selected = names.flatMap { tests.command.selecting($0) }
    let slowest = run.report.tests.compactMap(\.duration).max() ?? 0
    return try await base.discarded {
      try await verify(in: base, selected: selected, testSeconds: max(tests.testSeconds, 20 * slowest))
    }
  }

  /// Runs the tests that the run wrote. They may prove what no test of the base decides, and they are delivered only
  /// when they hold and weaken nothing.
  private func secondPass(
    _ parts: ChangeParts, in clean: Workspace, _ first: TestReport, _ verdict: inout Verdict
  ) async throws {
    let fresh = try await workspace.clean(named: "second-\(Nonce.random())")
    try await fresh.discarded {
      try await fresh.apply(parts.code + parts.tests)
      let whole = try await fresh.snapshot()
      let run = try await verify(in: fresh)
      let comparison = ReportComparison(base: first, after: run.report)
      // That a test file was edited is no sign by itself: its tests still hold, or they would be missing.
      let flags = try await Review.flags(parts.tests, in: workspace).filter { $0.kind != .testEdited }
      let broken = comparison.newlyFailing + comparison.missing + comparison.newlySkipped
      if run.report.isNamed, broken.isEmpty, flags.isEmpty, !run.report.isIncomplete {
        verdict.deliverable = whole
        let added = Set(run.report.passing).subtracting(first.tests.map(\.name)).sorted()
        if verdict.ruling == .unconfirmed, targets == nil, !added.isEmpty {
          try await proveByAdded(added, parts, &verdict)
        } else if !added.isEmpty {
          verdict.proof.append(added.count.of("test") + " added by the run \(added.count == 1 ? "passes" : "pass")")
        }
      } else {
        verdict.notes.append(
          "edits to tests are withheld ("
            + (flags.first?.sentence
              ?? (broken.isEmpty ? "the tests cannot be told apart" : "they break " + list(broken)))
            + "): " + parts.tests.map(\.path.quoted).joined(separator: ", "))
      }
    }
  }

  /// A test that the run added proves the change when it fails on the base and passes after.
  private func proveByAdded(_ added: [String], _ parts: ChangeParts, _ verdict: inout Verdict) async throws {
    let base = try await workspace.clean(named: "added-\(Nonce.random())")
    try await base.discarded {
      try await base.apply(parts.tests)
      let report = try await verify(in: base).report
      let passing = Set(report.passing)
      let decisive = added.filter { !passing.contains($0) }
      if decisive.isEmpty {
        verdict.notes.append("the tests that the run added pass without the change, too")
      } else {
        verdict.ruling = .proven
        verdict.passesNow = decisive
        verdict.proof.append(
          decisive.count.of("test") + " added by the run: failing without the change, passing with it: "
            + list(decisive))
        verdict.proof.append("all \(baseline.passing.count) tests that passed before still pass")
      }
    }
  }

  private func list(_ names: [String]) -> String {
    names.prefix(10).joined(separator: ", ") + (names.count > 10 ? " and \(names.count - 10) more" : "")
  }
}

/// What a change took away: tests that passed before and do not now.
private struct Losses {
  var failing: [String]
  var missing: [String]
  var skipped: [String]

  init(_ comparison: ReportComparison) {
    failing = comparison.newlyFailing
    missing = comparison.missing
    skipped = comparison.newlySkipped
  }

  var isEmpty: Bool { failing.isEmpty && missing.isEmpty && skipped.isEmpty }

  /// What both runs lost.
  func common(with other: Losses) -> Losses {
    var result = self
    result.failing = failing.filter(Set(other.failing).contains)
    result.missing = missing.filter(Set(other.missing).contains)
    result.skipped = skipped.filter(Set(other.skipped).contains)
    return result
  }
}
