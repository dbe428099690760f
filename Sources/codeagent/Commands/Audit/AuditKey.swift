import ArgumentParser
import AuditTrail
import TransparencyLog

/// `codeagent audit key`: what signs the record.
struct AuditKey: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key", abstract: "Show the key that others verify the record with; replace or make keys.",
    discussion: """
      The key is made at the record's first use. CI and fleets bring their own: CODEAGENT_AUDIT_KEY holds the \
      private text, CODEAGENT_AUDIT_KEY_FILE or `[audit] key_file` names a file with it.

      EXAMPLES
        codeagent audit key > auditor.vkey
        codeagent audit key --rotate
        codeagent audit key --generate ci.example/codeagent > secret.key
      """)

  @Flag(help: "Put a new key in the place of the record's own; the old one signs that.") var rotate = false
  @Option(help: "Write a new private key of this name to standard output; the record is not touched.")
  var generate: String?
  @Flag(help: "With --generate: a key for a witness.") var witness = false

  func run() throws {
    if let generate {
      do throws(NoteKeyError) {
        let key = try NoteSigningKey(generating: generate, type: witness ? .cosignature : .ed25519)
        Output.write(key.privateText + "\n")
        Output.error("verification key: \(key.verificationKey.text)")
      } catch {
        throw UsageFailure(error.description)
      }
      return
    }
    let store = try Assembly().store()
    Output.write((rotate ? try store.rotateKey() : try store.loadKey().verificationKey).text + "\n")
  }
}
