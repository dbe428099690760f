extension TestReport {
  /// Names of the tests that passed in one of two runs of the same code and failed in the other.
  ///
  /// A test that a limit ended is none of them: runs are not equally slow.
  public func unsteady(comparedWith again: TestReport) -> [String] {
    guard isNamed, again.isNamed, again.startFailure == nil else { return [] }
    let stopped = Set(endless).union(again.endless)
    let results = Dictionary(again.tests.map { ($0.name, $0.result) }, uniquingKeysWith: { first, _ in first })
    return tests.filter { test in
      guard let other = results[test.name], !stopped.contains(test.name) else { return false }
      return test.result == .passed && other.isFailure || test.result.isFailure && other == .passed
    }.map(\.name)
  }

  /// The report as if there were no such tests: neither that they pass nor that they fail says anything.
  ///
  /// An exit status of failure that only they gave is then one of success.
  public func settingApart(_ names: Set<String>) -> TestReport {
    guard !names.isEmpty else { return self }
    var report = self
    report.tests.removeAll { names.contains($0.name) }
    report.unsteady = Set(unsteady).union(names).sorted()
    let hadFailures = tests.contains { names.contains($0.name) && $0.result.isFailure }
    if hadFailures, report.failing.isEmpty, buildErrors.isEmpty, startFailure == nil, !isIncomplete, exitStatus != nil {
      report.exitStatus = 0
    }
    return report
  }
}

extension TestOutcome.Result {
  /// Whether the test did not do what it should.
  var isFailure: Bool { self == .failed || self == .errored }
}
