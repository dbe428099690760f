import Crypto
import FoundationEssentials
import GRDB
import JSON
public import TransparencyLog

extension AuditStore {
  /// A run's receipt: an in-toto statement about its patch, and its commit where there is one, with SLSA provenance, the event
  /// that ended the run and the proof that this event is in the log; signed with the record's key.
  /// - Throws: ``AuditError`` of kind `unknown` when the run has not ended or has no patch.
  public func receipt(of run: RunID, version: String) throws(AuditError) -> Envelope {
    let recorded = try RecordedRun(run, in: self)
    guard let end = recorded.end, let first = recorded.events.first,
      let index = end.content.firstIndex(where: { $0.name == "patch" })
    else {
      throw AuditError(.unknown, "\(run) has not ended with a result: there is nothing to give a receipt for")
    }
    let id = ContentRow.id(position: end.position, index: index)
    let stored = try read { db in
      try Row.fetchOne(db, sql: "SELECT key, bytes FROM content WHERE id = ?", arguments: [id]).map {
        (key: [UInt8](try $0.at(0) as Data), bytes: [UInt8](try $0.at(1) as Data))
      }
    }
    guard let stored else { throw AuditError(.unknown, "the patch of \(run) was erased") }
    let key = try loadKey()
    var checkpoint = try self.checkpoint(covering: end)
    if checkpoint == nil { checkpoint = try signCheckpoint() }
    guard let checkpoint, let path = try inclusionProof(of: end, size: checkpoint.size) else {
      throw AuditError(.damaged, "the end of \(run) is under no checkpoint")
    }
    let proof = LogProof(index: end.position, path: path, checkpoint: checkpoint.note)
    let sha256 = Hash.hex(SHA256.hash(data: stored.bytes))
    var subject: [JSONValue] = [["name": .string("\(run.text).patch"), "digest": ["sha256": .string(sha256)]]]
    if let commit = recorded.commit { subject.append(["name": "commit", "digest": ["gitCommit": .string(commit)]]) }
    let start = recorded.started
    let base = recorded.events.first { $0.kind == "workspace.opened" }?.fields["base"]?.string
    // How the run's commands were held; a run that went on may have been held otherwise at last.
    let sandbox: [JSONValue] = recorded.events.filter { $0.kind == "sandbox.tried" }.map { event in
      let fields = event.fields
      return [
        "level": fields["level"] ?? .null, "holds": fields["holds"] ?? .null, "watch": fields["watch"] ?? .null,
        "network": fields["network"] ?? .null,
      ]
    }
    let statement: JSONValue = [
      "_type": "https://in-toto.io/Statement/v1", "subject": .array(subject),
      "predicateType": "https://slsa.dev/provenance/v1",
      "predicate": [
        "buildDefinition": [
          "buildType": "urn:codeagent:run:v1",
          "externalParameters": [
            "checkout": start["checkout"] ?? .null, "project": start["project"] ?? .null,
            "test": start["testCommand"] ?? .null,
            "setup": start["setup"] ?? .null, "model": .string(recorded.model), "user": start["user"] ?? .null,
          ],
          "internalParameters": [
            "policy": start["policy"] ?? .null, "budget": start["budget"] ?? .null, "sandbox": .array(sandbox),
            "versions": start["versions"] ?? .null,
          ],
          "resolvedDependencies": base.map {
            [["uri": "git+file:", "digest": ["gitCommit": .string($0)]]]
          } ?? [],
        ],
        "runDetails": [
          "builder": ["id": "urn:codeagent", "version": ["codeagent": .string(version)]],
          "metadata": [
            "invocationId": .string(run.text), "startedOn": .string(Timestamp.text(first.wallTime)),
            "finishedOn": .string(Timestamp.text(end.wallTime)),
          ],
        ],
        "codeagent_record": [
          "origin": .string(origin), "events": JSONValue(end.sequence), "outcome": .string(recorded.outcome),
          "proof": end.fields["proof"] ?? [], "event": .string(Base64.encode(end.document.canonical)),
          "patchKey": .string(Base64.encode(stored.key)), "logProof": .string(proof.text),
        ],
      ],
    ]
    return try AuditError.signing { () throws(NoteKeyError) in
      var envelope = Envelope(statement.canonical)
      try envelope.sign(with: key)
      return envelope
    }
  }
}

/// What a receipt says, once everything in it holds.
public struct CheckedReceipt: Sendable, Hashable {
  /// The run.
  public let run: String
  /// How it ended.
  public let outcome: String
  /// SHA-256 of the patch, in hexadecimal.
  public let patchDigest: String
  /// The commit that holds the change; nil for none.
  public let commit: String?
  /// The log's claim that the run's end leads to.
  public let checkpoint: Checkpoint
  /// The key that signed.
  public let key: NoteVerificationKey
  /// Whether the key is one that the reader named, not only the one that the receipt names.
  public let isKeyTrusted: Bool
}

/// Why a receipt does not hold.
public struct ReceiptError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One sentence.
  public let description: String

  init(_ description: String) { self.description = description }
}

/// Checks receipts, without the record.
public enum ReceiptVerifier {
  /// Checks the signature, the statement, that the event is in the log, and that event and patch are of one another.
  /// - Parameters:
  ///   - bytes: the envelope.
  ///   - patch: the patch that the receipt is said to be of; nil when it is not at hand.
  ///   - keys: the keys that are believed; with none, the key that the receipt names is tried, and is no proof of who made it.
  public static func check(
    _ bytes: [UInt8], patch: [UInt8]?, keys: [NoteVerificationKey]
  ) throws(ReceiptError) -> CheckedReceipt {
    guard let json = try? JSONValue(parsing: bytes), let envelope = Envelope(json),
      envelope.payloadType == Envelope.statementType
    else { throw ReceiptError("it is no signed in-toto statement") }
    let named = envelope.signatures.compactMap { NoteVerificationKey($0.keyID) }
    guard let key = envelope.signers(among: keys.isEmpty ? named : keys).first else {
      throw ReceiptError(keys.isEmpty ? "its signature does not hold" : "none of the given keys has signed it")
    }
    guard let statement = try? JSONValue(parsing: envelope.payload),
      statement["_type"]?.string == "https://in-toto.io/Statement/v1", let subjects = statement["subject"]?.array,
      let digest = subjects.lazy.compactMap({ $0["digest"]?["sha256"]?.string }).first,
      let record = statement["predicate"]?["codeagent_record"], let run = record["events"]?.int
    else { throw ReceiptError("its statement is not one of a run") }
    guard let event = record["event"]?.string.flatMap(Base64.decode), let origin = record["origin"]?.string,
      let proof = record["logProof"]?.string.flatMap({ LogProof(parsing: Array($0.utf8)) })
    else { throw ReceiptError("the event or its proof is missing") }
    guard let claim = proof.verify(.leaf(event), keys: [key]), claim.origin == origin else {
      throw ReceiptError("the run's end is not in the log that the checkpoint signs")
    }
    guard let ended = event.withUnsafeBytes({ EventRecord(parsing: $0) }), ended.kind == "run.ended",
      ended.sequence == run, ended.fields["outcome"] == record["outcome"],
      statement["predicate"]?["runDetails"]?["metadata"]?["invocationId"]?.string == ended.run.text,
      let commitment = ended.content.first(where: { $0.name == "patch" })
    else { throw ReceiptError("the statement is not what the event in the log says") }
    if let patch {
      guard Hash.hex(SHA256.hash(data: patch)) == digest else {
        throw ReceiptError("the patch is another one: its SHA-256 is not the one in the receipt")
      }
      guard let secret = record["patchKey"]?.string.flatMap(Base64.decode),
        Commitment.of(patch, key: SymmetricKey(data: secret)) == commitment.commitment
      else { throw ReceiptError("the event in the log committed to another patch") }
    }
    return CheckedReceipt(
      run: ended.run.text, outcome: ended.fields["outcome"]?.string ?? "", patchDigest: digest,
      commit: subjects.lazy.compactMap { $0["digest"]?["gitCommit"]?.string }.first, checkpoint: claim, key: key,
      isKeyTrusted: !keys.isEmpty)
  }
}

enum Hash {
  static func hex(_ digest: SHA256Digest) -> String {
    digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
