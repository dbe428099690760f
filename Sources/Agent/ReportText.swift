import Paths
import TestReports

/// Test reports in words, for models and people.
enum ReportText {
  private static let mostFailures = 20
  private static let messageLimit = 1500

  /// Counts, then each failure with its message and the frames of its trace.
  static func describe(_ report: TestReport, seconds: Double? = nil) -> String {
    var lines = [counts(report) + (seconds.map { " in \(duration($0))" } ?? "")]
    if let start = report.startFailure { lines.append(start.message) }
    for error in report.buildErrors.prefix(mostFailures) {
      lines.append("error" + (error.location.map { " at \($0.path):\($0.line)" } ?? "") + ": \(error.message)")
    }
    let failures = report.tests.filter { $0.result == .failed || $0.result == .errored }
    for failure in failures.prefix(mostFailures) {
      var text = "\(failure.result == .failed ? "FAILED" : "ERROR") \(failure.name)"
      if let location = failure.location { text += " (\(location.path):\(location.line))" }
      if let message = failure.message, !message.isEmpty {
        text += "\n" + indent(OutputText.bounded(OutputText.clean(Array(message.utf8)), limit: messageLimit))
      }
      if failure.trace.count > 1 {
        text += "\n    trace: " + failure.trace.suffix(8).map { "\($0.path):\($0.line)" }.joined(separator: " → ")
      }
      lines.append(text)
    }
    if failures.count > mostFailures { lines.append("… and \(failures.count - mostFailures) more failures") }
    return lines.joined(separator: "\n")
  }

  /// `3 failed, 14 passed`, or what else there is to say in one line.
  static func counts(_ report: TestReport) -> String {
    if !report.isNamed {
      return report.exitStatus == 0 ? "the command succeeded" : "the command failed (its tests have no names)"
    }
    var parts: [String] = []
    for (result, word) in [
      (TestOutcome.Result.failed, "failed"), (.errored, "errors"), (.passed, "passed"), (.skipped, "skipped"),
    ] {
      let count = report.tests.count { $0.result == result }
      if count > 0 { parts.append("\(count) \(word)") }
    }
    if parts.isEmpty { parts.append(report.buildErrors.isEmpty ? "no tests ran" : "the build failed") }
    if report.isIncomplete { parts.append("the run did not finish cleanly") }
    return parts.joined(separator: ", ")
  }

  /// Seconds as people read them.
  static func duration(_ seconds: Double) -> String {
    if seconds < 1 { return "\(Int(seconds * 1000)) ms" }
    if seconds < 60 { return "\(Int(seconds * 10) / 10).\(Int(seconds * 10) % 10) s" }
    return "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
  }

  private static func indent(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }.joined(separator: "\n")
  }
}
