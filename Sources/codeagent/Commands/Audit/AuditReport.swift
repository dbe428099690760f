import ArgumentParser
import AuditTrail

/// `codeagent audit report`: a run as one page for people.
struct AuditReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Write a run as one self-contained HTML page: outcome, proof, diffs, timeline.",
    discussion: """
      The page asks for nothing over the network and works without scripts. It holds the run's content: prompts, \
      output, diffs, with secrets replaced as in the record.

      EXAMPLES
        codeagent audit report last --html run.html
        codeagent audit report r-2026 --html - | gzip > run.html.gz
      """)

  @Argument(help: "The run's id, the beginning of one, or `last`.") var name = "last"
  @Option(help: "The file to write; - for standard output.") var html: String

  func run() throws {
    let store = try Assembly().store()
    let report = try RunReport(try store.run(matching: name), in: store, version: Codeagent.version)
    try PatchFile.write(try report.page(), to: html)
  }
}
