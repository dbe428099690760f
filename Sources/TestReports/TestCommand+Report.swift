internal import Paths

extension TestCommand {
  /// Reads what a run left behind into named outcomes.
  ///
  /// Results of adaptors are preferred to printed text, and are believed only with the run's nonce. A report that does
  /// not agree with the exit status is marked incomplete: neither alone proves anything.
  public func report(from evidence: RunEvidence) -> TestReport {
    let root = ProjectRoot(evidence.projectRoot)
    let lines = OutputLines(evidence.output).lines
    var builder = ReportBuilder()
    var adaptors = AdaptorResults(evidence.results, nonce: evidence.nonce)
    if adaptors.strangers > 0 { builder.incomplete("a result file does not carry the run's nonce") }

    let reading = Reading(
      lines: lines, root: root, reportFiles: adaptors.written(evidence.reportFiles),
      exitStatus: evidence.exitStatus)
    let isNamed = reading.read(framework, adaptors: &adaptors, into: &builder)

    var report = TestReport(tests: builder.tests, exitStatus: evidence.exitStatus, isNamed: isNamed)
    report.buildErrors = builder.buildErrors
    if builder.tests.allSatisfy({ $0.result != .passed }), evidence.exitStatus != 0 {
      report.startFailure = StartFailures(
        lines: lines, framework: framework, exitStatus: evidence.exitStatus, setup: setup,
        outcomes: builder.tests, missingModules: builder.buildErrors.isEmpty ? nil : adaptors.missingModules
      ).find()
    }
    if report.startFailure != nil { builder.incomplete("the tests could not start") }
    if report.startFailure != nil {
      // What failed for want of a tool or dependency says nothing about the code.
      report.tests = []
    } else if !isNamed, builder.tests.isEmpty,
      builder.buildErrors.isEmpty || framework == .exitStatus || framework == .tap
    {
      report.tests = [wholeCommand(evidence, lines, root)]
    } else if isNamed, builder.isEmpty, let error = unexplained(evidence, lines) {
      report.buildErrors = [error]
      builder.incomplete("the tool failed before any test")
    }
    agree(&builder, evidence.exitStatus, report)
    report.incompleteReason = builder.incompleteReason
    report.isIncomplete = builder.incompleteReason != nil
    return report
  }

  /// The command itself as the only test, judged by its exit status.
  private func wholeCommand(_ evidence: RunEvidence, _ lines: [Bytes], _ root: ProjectRoot) -> TestOutcome {
    var outcome = TestOutcome(name: shell, result: evidence.exitStatus == 0 ? .passed : .failed)
    guard evidence.exitStatus != 0 else { return outcome }
    let tail = lines.suffix(40).map(\.text).joined(separator: "\n")
    outcome.message = ReportBuilder.cut(tail, to: ReportBuilder.maximumMessage)
    outcome.trace = lines.suffix(400).compactMap { TraceLines.location($0, root: root) }.suffix(
      ReportBuilder.maximumFrames)
    outcome.location = outcome.trace.last
    return outcome
  }

  /// What the tool said last when it failed before any test: a broken manifest, a wrong option.
  private func unexplained(_ evidence: RunEvidence, _ lines: [Bytes]) -> BuildError? {
    // 5 says of pytest and unittest that there was no test.
    guard let status = evidence.exitStatus, status != 0, status != 5 else { return nil }
    let said = lines.suffix(1000).filter { !$0.trimmed.isEmpty }
    let line = said.first { $0.prefix(60).text.lowercased().contains("error") && !$0.contains("usage:") } ?? said.last
    return line.map { BuildError(message: ReportBuilder.cut($0.trimmed.text, to: 600)) }
  }

  private func agree(_ builder: inout ReportBuilder, _ exitStatus: Int32?, _ report: TestReport) {
    guard let exitStatus else { return builder.incomplete("a signal or a limit ended the command") }
    guard report.isNamed else { return }
    let hasFailures = !report.failing.isEmpty || !report.buildErrors.isEmpty
    if report.tests.isEmpty, report.buildErrors.isEmpty {
      builder.incomplete("no test was reported")
    } else if exitStatus == 0, hasFailures {
      builder.incomplete("the command exited with 0 although tests failed")
    } else if exitStatus != 0, !hasFailures {
      builder.incomplete("the command exited with \(exitStatus) although no test failed")
    }
  }
}

/// One reading of one run's evidence.
struct Reading {
  let lines: [Bytes]
  let root: ProjectRoot
  /// Report files that the run wrote.
  let reportFiles: [RepoPath: [UInt8]]
  let exitStatus: Int32?

  /// Fills the builder; true when outcomes come from named tests.
  func read(
    _ framework: Framework, adaptors: inout AdaptorResults, into builder: inout ReportBuilder
  ) -> Bool {
    if !adaptors.files.isEmpty {
      adaptors.readPython(into: &builder, root: root)
      let hasNode = adaptors.readNode(into: &builder, root: root)
      if !builder.isEmpty {
        // Programs beside the ones with adaptors: a makefile that runs both.
        if framework == .tap, !hasNode { readTAP(into: &builder) }
        return true
      }
    }
    switch framework {
    case .pytest: return PytestOutput.read(lines, into: &builder, root: root)
    case .unittest: return UnittestOutput.read(lines, into: &builder, root: root)
    case .node:
      return readTAP(into: &builder) || NodeSpecOutput.read(lines, into: &builder, root: root)
        || JUnitXML.read(reportFiles, into: &builder, root: root)
    case .swift:
      return SwiftTestOutput.read(lines, events: adaptors.swiftEvents, into: &builder, root: root)
    case .go: return GoTestOutput.read(lines, modules: adaptors.goModules, into: &builder, root: root)
    case .cargo: return CargoTestOutput.read(lines, into: &builder, root: root)
    case .ctest: return CTestOutput.read(lines, into: &builder, root: root)
    case .junit, .tap, .exitStatus: return readUnknown(framework, into: &builder)
    }
  }

  /// A wrapper, or a program that is not known: whatever it printed or wrote is recognised by its own marks.
  private func readUnknown(_ framework: Framework, into builder: inout ReportBuilder) -> Bool {
    if JUnitXML.read(reportFiles, into: &builder, root: root) { return true }
    if readTAP(into: &builder) { return true }
    for reader in [readSwift, readCargo, readGo, readCTest, readGoogleTest, readPytest, readUnittest, readSpec] {
      var attempt = builder
      if reader(&attempt), !attempt.tests.isEmpty {
        builder = attempt
        return true
      }
    }
    let errors = CompilerErrors(lines, root: root).errors
    if exitStatus != 0 {
      for error in errors { builder.add(error) }
      if !errors.isEmpty { builder.incomplete("the project does not build") }
    }
    return framework == .junit && !errors.isEmpty
  }

  private func has(_ mark: String) -> Bool { lines.contains { $0.starts(mark) } }

  private func readSwift(_ builder: inout ReportBuilder) -> Bool {
    guard has("◇ Test run started") || has("Test Suite 'All tests' started") else { return false }
    return SwiftTestOutput.read(lines, events: nil, into: &builder, root: root)
  }

  private func readCargo(_ builder: inout ReportBuilder) -> Bool {
    has("test result: ") && CargoTestOutput.read(lines, into: &builder, root: root)
  }

  private func readGo(_ builder: inout ReportBuilder) -> Bool {
    guard has("=== RUN   ") || has("{\"Time\":") else { return false }
    return GoTestOutput.read(lines, modules: nil, into: &builder, root: root)
  }

  private func readCTest(_ builder: inout ReportBuilder) -> Bool {
    has("Test project ") && CTestOutput.read(lines, into: &builder, root: root)
  }

  private func readGoogleTest(_ builder: inout ReportBuilder) -> Bool {
    has("[ RUN      ] ") && GoogleTestOutput.read(lines, into: &builder, root: root)
  }

  private func readPytest(_ builder: inout ReportBuilder) -> Bool {
    lines.contains { $0.starts("=====") && $0.contains("test session starts") }
      && PytestOutput.read(lines, into: &builder, root: root)
  }

  private func readUnittest(_ builder: inout ReportBuilder) -> Bool {
    has("Ran ") && has("-----") && UnittestOutput.read(lines, into: &builder, root: root)
  }

  private func readSpec(_ builder: inout ReportBuilder) -> Bool {
    has("ℹ tests ") && NodeSpecOutput.read(lines, into: &builder, root: root)
  }

  @discardableResult
  private func readTAP(into builder: inout ReportBuilder) -> Bool {
    let tap = TAPOutput(lines)
    guard tap.isTAP, !tap.points.isEmpty else { return false }
    tap.add(to: &builder, root: root)
    return true
  }
}

/// Places that programs print when something breaks.
enum TraceLines {
  /// Reads a frame of Python, or `path:line` anywhere near the start of a line.
  static func location(_ line: Bytes, root: ProjectRoot) -> SourceLocation? {
    if let frame = PythonTrace.frame(line, root: root) { return frame }
    for word in line.prefix(400).words.prefix(12) {
      var word = word
      while let first = word.first, "([\"'`".utf8.contains(first) { word = word.dropFirst() }
      guard word.contains(UInt8(ascii: ".")), word.contains(UInt8(ascii: ":")) else { continue }
      if let location = root.location(prefix: word) { return location }
    }
    return nil
  }
}
