import ArgumentParser
import AuditTrail
import JSON
import TransparencyLog

/// `codeagent audit prove`: that one event is in the log, for somebody who has neither the record nor this program.
struct AuditProve: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prove", abstract: "Write a proof that an event is in the log (C2SP tlog-proof).",
    discussion: """
      The proof leads from the event's bytes to a signed checkpoint. --event writes those bytes; \
      scripts/verify-record checks both with Python and OpenSSL alone.

      EXAMPLES
        codeagent audit prove last/12 > 12.proof
        codeagent audit prove last/12 --event > 12.event
        scripts/verify-record proof 12.proof --leaf 12.event --key auditor.vkey
      """)

  @Argument(help: "RUN/NUMBER: the event's number in its run; only RUN means its last event.") var event: String
  @Flag(name: .customLong("event"), help: "Write the event's canonical bytes, the leaf, instead of the proof.")
  var leaf = false

  func run() throws {
    let store = try Assembly().store()
    let parts = event.split(separator: "/", maxSplits: 1).map(String.init)
    guard let name = parts.first else { throw UsageFailure("name an event: RUN/NUMBER") }
    let run: RunID
    do { run = try store.run(matching: name) } catch {
      guard error.kind == .unknown, parts.count == 1, Int(name) != nil else { throw error }
      throw UsageFailure("name the run, too: `codeagent audit prove last/\(name)` for the newest")
    }
    let events = try store.events(of: run)
    let number = parts.count > 1 ? Int(parts[1]) : events.count
    guard let number, let found = events.first(where: { $0.sequence == number }) else {
      throw UsageFailure("there is no event `\(parts.last ?? "")` in \(name): it has \(events.count)")
    }
    if leaf {
      Output.write(found.document.canonical)
      return
    }
    let covering = try store.checkpoint(covering: found)
    let checkpoint = try covering ?? store.signCheckpoint()
    guard let path = try store.inclusionProof(of: found, size: checkpoint.size) else {
      throw AuditError(.damaged, "the event is under no checkpoint", hint: "look at it with `codeagent audit verify`")
    }
    let proof = LogProof(
      index: found.position, path: path, checkpoint: checkpoint.note,
      extra: HeldProof.extra(of: found))
    Output.write(proof.text)
  }
}
