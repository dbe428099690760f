/// A proof that a leaf is in a log, with the checkpoint that it leads to: C2SP `tlog-proof` as text.
public struct LogProof: Hashable, Sendable {
  /// Bytes that help to find the leaf's own content; they are not proven. Empty when there are none.
  public var extra: [UInt8]
  /// The leaf's place.
  public let index: Int
  /// The audit path, leaf side first.
  public let path: [MerkleHash]
  /// The signed checkpoint.
  public let checkpoint: SignedNote

  /// A proof.
  public init(index: Int, path: [MerkleHash], checkpoint: SignedNote, extra: [UInt8] = []) {
    self.extra = extra
    self.index = index
    self.path = path
    self.checkpoint = checkpoint
  }

  private static let header = "c2sp.org/tlog-proof@v1"

  /// The text form.
  public var text: String {
    var text = LogProof.header + "\n"
    if !extra.isEmpty { text += "extra \(Base64.encode(extra))\n" }
    text += "index \(index)\n"
    for hash in path { text += Base64.encode(hash.bytes) + "\n" }
    return text + "\n" + String(decoding: checkpoint.bytes, as: UTF8.self)
  }

  /// Reads the text form; nil when it is malformed. Nothing is verified here.
  public init?(parsing bytes: [UInt8]) {
    guard bytes.count <= 1 << 20,
      let blank = bytes.indices.first(where: { bytes[$0] == 0x0a && bytes[($0 + 1)...].first == 0x0a }),
      let checkpoint = SignedNote(parsing: Array(bytes[(blank + 2)...])),
      let head = String(validating: bytes[..<blank], as: UTF8.self)
    else { return nil }
    var lines = head.split(separator: "\n", omittingEmptySubsequences: false)[...]
    guard lines.popFirst().map(String.init) == LogProof.header, var line = lines.popFirst() else { return nil }
    var extra: [UInt8] = []
    if line.hasPrefix("extra ") {
      guard let decoded = Base64.decode(String(line.dropFirst(6))), let next = lines.popFirst() else { return nil }
      extra = decoded
      line = next
    }
    guard line.hasPrefix("index "), let index = Int(line.dropFirst(6)), index >= 0, "\(index)" == line.dropFirst(6),
      lines.count <= 63
    else { return nil }
    var path: [MerkleHash] = []
    for line in lines {
      guard let hash = Base64.decode(String(line)).flatMap({ MerkleHash($0) }) else { return nil }
      path.append(hash)
    }
    self.init(index: index, path: path, checkpoint: checkpoint, extra: extra)
  }

  /// Whether a leaf is in the log that one of the keys signed for.
  /// - Returns: the checkpoint; nil when the proof does not hold.
  public func verify(_ leaf: MerkleHash, keys: [NoteVerificationKey]) -> Checkpoint? {
    guard checkpoint.verify(with: keys) != nil, let claim = Checkpoint(parsing: checkpoint.text),
      MerkleProofs.verifyInclusion(of: leaf, index: index, size: claim.size, proof: path, root: claim.root)
    else { return nil }
    return claim
  }
}
