/// What a log asks of a witness (C2SP `tlog-witness`, `add-checkpoint`): a new checkpoint, and the proof that it goes on
/// from what the witness has seen.
public struct WitnessRequest: Hashable, Sendable {
  /// The size that the log believes the witness has seen last; 0 for none.
  public let oldSize: Int
  /// The consistency proof from there.
  public let proof: [MerkleHash]
  /// The new checkpoint.
  public let checkpoint: SignedNote

  /// A request.
  public init(oldSize: Int, proof: [MerkleHash], checkpoint: SignedNote) {
    self.oldSize = oldSize
    self.proof = proof
    self.checkpoint = checkpoint
  }

  /// The body of the request.
  public var bytes: [UInt8] {
    let head = (["old \(oldSize)"] + proof.map { Base64.encode($0.bytes) }).joined(separator: "\n")
    return Array((head + "\n\n").utf8) + checkpoint.bytes
  }

  /// Reads a body; nil when it is malformed.
  public init?(parsing bytes: [UInt8]) {
    guard bytes.count <= 1 << 20,
      let blank = bytes.indices.first(where: { bytes[$0] == 0x0a && bytes[($0 + 1)...].first == 0x0a }),
      let checkpoint = SignedNote(parsing: Array(bytes[(blank + 2)...])),
      let head = String(validating: bytes[..<blank], as: UTF8.self)
    else { return nil }
    var lines = head.split(separator: "\n", omittingEmptySubsequences: false)[...]
    guard let first = lines.popFirst(), first.hasPrefix("old "), let size = Int(first.dropFirst(4)), size >= 0,
      "\(size)" == first.dropFirst(4), lines.count <= 63
    else { return nil }
    var proof: [MerkleHash] = []
    for line in lines {
      guard let hash = Base64.decode(String(line)).flatMap({ MerkleHash($0) }) else { return nil }
      proof.append(hash)
    }
    self.init(oldSize: size, proof: proof, checkpoint: checkpoint)
  }
}

/// What a witness answers, with the HTTP status that says so.
public enum WitnessAnswer: Hashable, Sendable {
  /// It signed: the line to add to the note, and what it now remembers.
  case cosigned(SignedNote.Signature)
  /// The request is malformed.
  case malformed
  /// The log is not among those that are witnessed.
  case unknownLog
  /// No key that is known for the log has signed.
  case unknownKey
  /// The witness has seen another size than the log believes: this one.
  case conflict(size: Int)
  /// The same size with another root, or a proof that does not hold: the log has two histories.
  case inconsistent

  /// The status of HTTP.
  public var status: Int {
    switch self {
    case .cosigned: 200
    case .malformed: 400
    case .unknownLog: 404
    case .unknownKey: 403
    case .conflict: 409
    case .inconsistent: 422
    }
  }
}

/// Somebody else who remembers how far a log has come, and signs only what goes on from there.
public struct Witness: Sendable {
  /// What signs.
  public let key: NoteSigningKey
  /// The keys of the logs that are witnessed. Empty: whoever comes first with a name is remembered by its key.
  public let logs: [NoteVerificationKey]

  /// What is remembered of a log.
  public struct Memory: Hashable, Sendable {
    /// The last checkpoint that was cosigned.
    public var checkpoint: Checkpoint
    /// The keys that the log signed it with.
    public var keys: [NoteVerificationKey]

    /// Something remembered.
    public init(checkpoint: Checkpoint, keys: [NoteVerificationKey]) {
      self.checkpoint = checkpoint
      self.keys = keys
    }
  }

  /// A witness.
  public init(key: NoteSigningKey, logs: [NoteVerificationKey]) {
    self.key = key
    self.logs = logs
  }

  /// Decides on a request.
  /// - Parameters:
  ///   - memory: what is remembered of the log; nil when it is new. Moved on when the answer is `cosigned`: it must be
  ///     durable before the answer is given.
  ///   - time: seconds since 1970.
  public func answer(_ request: WitnessRequest, memory: inout Memory?, time: UInt64) throws(NoteKeyError)
    -> WitnessAnswer
  {
    guard let new = Checkpoint(parsing: request.checkpoint.text), request.oldSize <= new.size else { return .malformed }
    let known = logs.isEmpty ? memory?.keys ?? [] : logs
    guard !known.isEmpty else { return .unknownLog }
    guard let signers = request.checkpoint.verify(with: known) else { return .unknownKey }
    if let seen = memory?.checkpoint {
      guard seen.origin == new.origin else { return .unknownLog }
      guard request.oldSize == seen.size else { return .conflict(size: seen.size) }
      guard
        MerkleProofs.verifyConsistency(
          from: seen.size, oldRoot: seen.root, to: new.size, newRoot: new.root, proof: request.proof)
      else { return .inconsistent }
    } else if request.oldSize != 0 {
      return .conflict(size: 0)
    }
    var note = request.checkpoint
    try note.sign(with: key, time: time)
    guard let line = note.signatures.last else { return .malformed }
    memory = Memory(checkpoint: new, keys: signers)
    return .cosigned(line)
  }
}
