import ArgumentParser
import AuditTrail
import JSON

/// `codeagent audit export`: the record in other tools' formats.
struct AuditExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write runs in the formats of other tools, without their content.",
    discussion: """
      jsonl       every event as it was hashed (scripts/verify-record checks it)
      ocsf        every event, in the Open Cybersecurity Schema Framework
      otlp        every run, as OpenTelemetry traces (GenAI conventions)
      in-toto     every run that has a patch, its signed receipt (DSSE)
      cloudtrail  every run, in the form of AWS CloudTrail records
      """)

  @Argument(help: "The run's id, the beginning of one, or `last`; all runs when not given.") var name: String?
  @Option(help: "jsonl, ocsf, otlp, in-toto or cloudtrail.") var format = "jsonl"
  @Option(help: "Only runs that began at or after this time: 2026-11-23, or how long ago: 7d.") var since: String?
  @Option(help: "Only runs that began before this time.") var until: String?

  func run() throws {
    guard let format = ExportFormat(rawValue: format) else {
      throw UsageFailure(
        "`\(format)` is no format of exports",
        advice: "known: \(ExportFormat.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let store = try Assembly().store()
    let export = RecordExport(store, version: Codeagent.version)
    let now = UTCTime.now()
    let first = try since.map { try AuditInput.time($0, now: now) }
    let last = try until.map { try AuditInput.time($0, now: now) }
    if let name {
      try export.write(try store.run(matching: name), as: format) { Output.write($0.canonical + [0x0a]) }
      return
    }
    for summary in try store.runs(limit: .max).reversed() {
      if let first, summary.started < first { continue }
      if let last, summary.started >= last { continue }
      do {
        try export.write(summary.run, as: format) { Output.write($0.canonical + [0x0a]) }
      } catch let error as AuditError where format == .inToto && error.kind == .unknown {
        continue
      }
    }
  }
}
