import Agent
import ArgumentParser
import AuditTrail
import TransparencyLog

/// `codeagent audit`: reading and checking the record. Each subcommand has a file of its own in `Audit/`.
struct AuditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "Read the record of runs, prove that nobody changed it, and hand it on.",
    discussion: """
      Everything that runs do is recorded: what was refused, too. The record is a transparency log: it signs itself, \
      and what somebody else holds of it (an anchor) cannot be taken back. docs/audit.md says how, and what it does \
      not promise.

      EXAMPLES
        codeagent audit log last                     what the last run did, in order
        codeagent audit report last --html run.html  the same as a page for others
        codeagent audit verify                       whether the record is whole
        codeagent audit blame src/app.py:12          which run wrote it, and why
      """,
    subcommands: [
      AuditLog.self, AuditReport.self, AuditVerify.self, AuditProve.self, AuditExport.self, AuditStats.self,
      AuditBlame.self, AuditAnchor.self, AuditWitness.self, AuditKey.self, AuditErase.self, AuditHold.self,
    ])
}

/// What several commands of `audit` read from their arguments.
enum AuditInput {
  /// A verification key, from its text or from a file that holds it.
  static func key(_ text: String) throws -> NoteVerificationKey {
    if let key = NoteVerificationKey(text) { return key }
    if let file = try? TextInput.read(text),
      let key = NoteVerificationKey(file.trimmingWhitespace)
    {
      return key
    }
    throw UsageFailure(
      "`\(text)` is no verification key", advice: "it looks like NAME+12345678+BASE64; `codeagent audit key` shows one")
  }

  /// A date, or a time: `2026-11-23`, `2026-11-23T10:00:00Z`, or how long ago: `7d`, `12h`. In nanoseconds since 1970.
  static func time(_ text: String, now: Int64) throws -> Int64 {
    if let unit = text.last, let seconds = ["d": 86_400, "h": 3600, "m": 60][unit], let count = Int(text.dropLast()),
      count >= 0, count < 100_000
    {
      return now - Int64(count * seconds) * 1_000_000_000
    }
    if let time = UTCTime.parse(text) { return time }
    throw UsageFailure(
      "`\(text)` is no time", advice: "write 2026-11-23, 2026-11-23T10:00:00Z, or how long ago: 7d, 12h")
  }

  /// The account that asks.
  static func user() -> String { Account.name() }
}

extension String {
  /// Without white space at either end.
  var trimmingWhitespace: String {
    var rest = self[...]
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }
}
