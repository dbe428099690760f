import FoundationEssentials
import JSON
import TestSupport
import Testing
import TransparencyLog

@testable import AuditTrail

/// `scripts/verify-record`, which shares no line with this program, comes to the same conclusions.
@Suite(.enabled(if: IndependentVerifier.isPresent, "needs python3 and openssl")) struct IndependentVerifierTests {
  private func verify(_ arguments: String...) throws -> ProcessResult {
    try runProcess(
      [IndependentVerifier.script] + arguments, environment: ["PATH": "/usr/bin:/bin:/usr/local/bin"], timeout: 60)
  }

  private struct Parts {
    let scratch: Scratch
    let store: AuditStore
    let run: RunID
    let directory: TemporaryDirectory
    let key: String
  }

  private func parts() throws -> Parts {
    let scratch = try Scratch()
    let store = try scratch.open()
    _ = try ExportTests.run(store)
    let run = try ExportTests.run(store)
    return Parts(
      scratch: scratch, store: store, run: run, directory: try TemporaryDirectory("verify"),
      key: try store.loadKey().verificationKey.text)
  }

  @Test func receipts() throws {
    let parts = try parts()
    let receipt = try parts.store.receipt(of: parts.run, version: "1")
    let file = try parts.directory.write("r.json", bytes: receipt.json.serialized)
    let patch = try parts.directory.write("p", bytes: ExportTests.patch)
    let good = try verify("receipt", file, "--patch", patch, "--key", parts.key)
    #expect(good.status == 0, "\(good.out)\(good.err)")
    #expect(good.out.contains("the patch is the one that the log committed to"))
    let other = try parts.directory.write("q", bytes: ExportTests.patch + [0x0a])
    #expect(try verify("receipt", file, "--patch", other, "--key", parts.key).status == 1)
    let stranger = try NoteSigningKey(generating: "x").verificationKey.text
    #expect(try verify("receipt", file, "--key", stranger).status == 1)
    var forged = Envelope(
      Array(String(decoding: receipt.payload, as: UTF8.self).replacing("\"events\":11", with: "\"events\":10").utf8))
    try forged.sign(with: try parts.store.loadKey())
    let bad = try parts.directory.write("f.json", bytes: forged.json.serialized)
    #expect(try verify("receipt", bad, "--key", parts.key).status == 1)
  }

  @Test func proofsAndCheckpoints() throws {
    let parts = try parts()
    let checkpoint = try #require(try parts.store.newestCheckpoint())
    let event = try parts.store.events(of: parts.run)[4]
    let path = try #require(try parts.store.inclusionProof(of: event, size: checkpoint.size))
    let proof = LogProof(index: event.position, path: path, checkpoint: checkpoint.note, extra: [1])
    let file = try parts.directory.write("proof", proof.text)
    let leaf = try parts.directory.write("leaf", bytes: event.document.canonical)
    let good = try verify("proof", file, "--leaf", leaf, "--key", parts.key)
    #expect(good.status == 0, "\(good.out)\(good.err)")
    let wrong = try parts.directory.write("wrong", bytes: event.document.canonical + [0x20])
    #expect(try verify("proof", file, "--leaf", wrong, "--key", parts.key).status == 1)
    // A checkpoint with a witness's signature, and as a line of a log.
    let witness = try NoteSigningKey(generating: "w", type: .cosignature)
    var note = checkpoint.note
    try note.sign(with: witness, time: 1_700_000_000)
    let signed = try parts.directory.write("note", bytes: note.bytes)
    let both = try verify("checkpoint", signed, "--key", parts.key, "--key", witness.verificationKey.text)
    #expect(both.status == 0 && both.out.contains(", w"), "\(both.out)\(both.err)")
    let line = try parts.directory.write("log", "12:00 \(NoteCollection.line(note))\n")
    #expect(try verify("checkpoint", line, "--key", parts.key).status == 0)
    let altered = try parts.directory.write(
      "altered", String(decoding: note.bytes, as: UTF8.self).replacing("\n22\n", with: "\n23\n"))
    #expect(try verify("checkpoint", altered, "--key", parts.key).status == 1)
  }

  @Test func exports() throws {
    let parts = try parts()
    // Names and texts that canonical JSON sorts and escapes in its own way.
    let log = try parts.store.begin(run: .new())
    try log.append(
      "odd", ["\u{1F600}": "\u{e9}\u{7f}\u{1}\"\\/", "\u{ffff}": [nil, true, -5, 9_007_199_254_740_991], "": [:]],
      durable: true)
    try log.append("run.ended", [:], durable: true)
    var lines: [String] = []
    for summary in try parts.store.runs(limit: 9).reversed() {
      try RecordExport(parts.store, version: "1").write(summary.run, as: .jsonl) {
        lines.append(String(decoding: $0.canonical, as: UTF8.self))
      }
    }
    let note = try #require(try parts.store.newestCheckpoint()).note
    let anchor = try parts.directory.write("note", bytes: note.bytes)
    let file = try parts.directory.write("all", lines.joined(separator: "\n"))
    let good = try verify("export", file, "--checkpoint", anchor, "--key", parts.key)
    #expect(good.status == 0, "\(good.out)\(good.err)")
    #expect(good.out.contains("the first 24 are those that were signed"))
    for (old, new) in [
      ("\"done\"", "\"fail\""), ("\"seq\":3,", "\"seq\":4,"), ("\"user\":\"someone\"", "\"user\":\"nobody1\""),
    ] {
      let changed = try parts.directory.write(
        "changed", lines.joined(separator: "\n").replacing(old, with: new, maxReplacements: 1))
      #expect(try verify("export", changed, "--checkpoint", anchor, "--key", parts.key).status == 1)
    }
    let short = try parts.directory.write("short", lines.dropLast().joined(separator: "\n"))
    #expect(try verify("export", short, "--checkpoint", anchor, "--key", parts.key).status == 1)
  }
}

/// Where the script and what it needs are.
enum IndependentVerifier {
  static let script =
    "/" + "\(#filePath)".split(separator: "/").dropLast(3).joined(separator: "/") + "/scripts/verify-record"
  static let isPresent =
    ["python3", "openssl"].allSatisfy { name in
      ["/usr/bin/", "/usr/local/bin/", "/bin/"].contains { FileManager.default.isExecutableFile(atPath: $0 + name) }
    } && FileManager.default.isExecutableFile(atPath: script)
}
