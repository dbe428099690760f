import ArgumentParser
import AuditTrail
import JSON

/// `codeagent audit erase`: content goes, events and proofs stay.
struct AuditErase: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "erase", abstract: "Erase recorded content: prompts, answers, output, diffs. Events and proofs stay.",
    discussion: """
      What is given must all hold. Content younger than the time of retention (183 days; `[audit] retention_days`) \
      is kept unless --despite-retention says why not. Runs on hold are never erased. That something was erased is \
      recorded.

      EXAMPLES
        codeagent audit erase --run r-2026
        codeagent audit erase --path customers.csv --despite-retention "request 47"
        codeagent audit erase --older-than 400d
      """)

  @Option(name: .customLong("run"), help: "Only of this run.") var name: String?
  @Option(help: "Only what mentions this path.") var path: String?
  @Option(help: "Only what is older: 400d, or a date.") var olderThan: String?
  @Option(help: "Erase what is younger than the time of retention, too, for this reason.") var despiteRetention: String?
  @OptionGroup var output: OutputOptions

  mutating func validate() throws {
    if name == nil, path == nil, olderThan == nil {
      throw ValidationError("say what to erase: --run, --path or --older-than")
    }
  }

  func run() throws {
    let assembly = try Assembly()
    let store = try assembly.store()
    let now = UTCTime.now()
    let request = ErasureRequest(
      run: try name.map { try store.run(matching: $0) }, path: path,
      before: try olderThan.map { try AuditInput.time($0, now: now) }, overrideReason: despiteRetention)
    let result = try store.erase(
      request, by: AuditInput.user(), retention: Int64(assembly.settings.audit.retentionDays) * 86_400_000_000_000)
    if output.json {
      Output.write(
        JSONValue.object([
          "v": 1, "erased": JSONValue(result.erased), "bytes": JSONValue(result.bytes),
          "events": JSONValue(result.events), "retained": JSONValue(result.retained), "held": JSONValue(result.held),
          "runs": .array(result.runs.map { .string($0.text) }),
        ]).serialized + [0x0a])
      return
    }
    Output.write(
      "erased \(Display.count(result.erased, "content")) (\(Display.bytes(result.bytes))) of \(Display.count(result.events, "event")) in "
        + "\(Display.count(result.runs.count, "run"))\n"
    )
    if result.retained > 0 {
      Output.write(
        "kept \(result.retained): younger than \(assembly.settings.audit.retentionDays) days (--despite-retention REASON)\n"
      )
    }
    if result.held > 0 { Output.write("kept \(result.held): on hold, or being written\n") }
  }
}
