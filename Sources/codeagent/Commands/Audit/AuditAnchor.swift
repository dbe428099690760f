import ArgumentParser
import AuditTrail
import TransparencyLog

/// `codeagent audit anchor`: a checkpoint for others to keep.
struct AuditAnchor: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "anchor", abstract: "Sign the record as it is, and hand the checkpoint to others to keep.",
    discussion: """
      Without options it goes to the configured places (`[audit] anchor_file`, `[audit] witnesses`) and is written \
      to standard output, so that it can be sent or stored anywhere. What somebody else holds, nobody here can take \
      back.

      EXAMPLES
        codeagent audit anchor | mail -s "record of $(hostname)" auditor@example.com
        codeagent audit anchor --line               one line, for a job's log
        codeagent audit anchor --file /mnt/worm/codeagent.anchors
      """)

  @Option(help: "Append it to this file.") var file: String?
  @Flag(help: "Write it as one line.") var line = false

  mutating func run() async throws {
    let assembly = try Assembly()
    let store = try assembly.store()
    let checkpoint = try store.signCheckpoint()
    guard checkpoint.size > 0 else { throw UsageFailure("the record is empty") }
    if let file { try store.appendAnchor(checkpoint.note, to: file) }
    let (done, failed) = await AnchorPlaces(assembly, store).publish(checkpoint)
    if line {
      Output.write(NoteCollection.line(checkpoint.note) + "\n")
    } else if file == nil {
      Output.write(checkpoint.note.bytes)
    }
    for sentence in done { Output.error("codeagent: \(Display.safe(sentence))") }
    for sentence in failed { Output.error("codeagent: \(Display.safe(sentence))") }
    if !failed.isEmpty { throw ExitStatus(code: 8) }
  }
}
