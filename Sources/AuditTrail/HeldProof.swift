import JSON
public import TransparencyLog

/// A proof about one event of this record that somebody else holds: a `tlog-proof`, or the one in a receipt.
///
/// It holds more than its checkpoint does: the hashes beside the way from the event to the root are those of whole ranges of
/// events. Where a record was rewritten so that all fits again, they tell where.
public struct HeldProof: Sendable, Hashable {
  /// The proof.
  public let proof: LogProof
  /// The event's leaf; nil when whoever keeps the proof did not keep it.
  public let leaf: MerkleHash?
  /// Where it is kept, for people.
  public let place: String

  /// A proof from elsewhere.
  public init(_ proof: LogProof, leaf: MerkleHash?, from place: String) {
    self.proof = proof
    self.leaf = leaf
    self.place = place
  }

  /// Reads a `tlog-proof`, a receipt, or a text that holds receipts on lines of their own, as notes of commits do. Nothing is
  /// verified here.
  public static func read(_ bytes: [UInt8], from place: String) -> [HeldProof] {
    if let proof = LogProof(parsing: bytes) { return [HeldProof(proof, leaf: leaf(proof.extra), from: place)] }
    let candidates = [bytes[...]] + bytes.split(separator: 0x0a).filter { $0.first == UInt8(ascii: "{") }
    return candidates.lazy.compactMap { receipt(Array($0), place) }.prefix(1000).reduce(into: []) { found, proof in
      if !found.contains(proof) { found.append(proof) }
    }
  }

  /// The checkpoint that the proof leads to, as an anchor.
  public var anchor: Anchor { Anchor(proof.checkpoint, from: place) }

  /// What our proofs say of their event beside the proof: its name and its leaf.
  public static func extra(of event: Event) -> [UInt8] {
    Array("\(event.run.text)/\(event.sequence) \(event.hash.hex)".utf8)
  }

  private static func leaf(_ extra: [UInt8]) -> MerkleHash? {
    extra.split(separator: 0x20).last.flatMap { MerkleHash(hex: String(decoding: $0, as: UTF8.self)) }
  }

  private static func receipt(_ bytes: [UInt8], _ place: String) -> HeldProof? {
    guard let json = try? JSONValue(parsing: bytes), let envelope = Envelope(json),
      let record = (try? JSONValue(parsing: envelope.payload))?["predicate"]?["codeagent_record"],
      let event = record["event"]?.string.flatMap(Base64.decode),
      let proof = record["logProof"]?.string.flatMap({ LogProof(parsing: Array($0.utf8)) })
    else { return nil }
    return HeldProof(proof, leaf: .leaf(event), from: place)
  }
}
