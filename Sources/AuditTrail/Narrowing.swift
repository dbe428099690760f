import GRDB
import TransparencyLog

/// Finds where a record that fits together differs from what others hold of it.
///
/// A checkpoint commits to all of its events by one hash: that it does not fit says that something up to it was changed, not
/// what. Checkpoints that fit, and the hashes of proofs, bound the first changed event from both sides; each of these bounds is
/// as certain as the signature it hangs on.
struct Narrowing {
  /// The first changed event is one of these.
  private(set) var range: Range<Int>
  /// Who told the upper bound last.
  private(set) var place: String?
  private let db: Database
  private let size: Int

  /// - Parameters:
  ///   - good: up to here somebody else's checkpoint fits.
  ///   - bad: the size of one that does not.
  init(_ db: Database, good: Int, bad: Int) {
    self.db = db
    size = bad
    range = good..<max(good + 1, bad)
  }

  /// Takes a proof into account whose checkpoint somebody trusted has signed. One that does not prove anything says nothing.
  mutating func take(_ held: HeldProof, claim: Checkpoint) throws {
    let index = held.proof.index
    guard claim.size <= size, let siblings = MerkleProofs.siblings(index: index, size: claim.size),
      siblings.count == held.proof.path.count, let own = try TreeRows.node(NodePosition(level: 0, index: index), db)
    else { return }
    // Without the leaf, the record's own may still be the one that was proven.
    let leaf = held.leaf ?? own
    guard
      MerkleProofs.verifyInclusion(
        of: leaf, index: index, size: claim.size, proof: held.proof.path, root: claim.root)
    else { return }
    var parts = zip(siblings, held.proof.path).map { ($0, $1) }
    parts.append((index..<index + 1, leaf))
    for (part, hash) in parts.sorted(by: { $0.0.lowerBound < $1.0.lowerBound }) {
      if try ownHash(of: part) == hash { continue }
      // All to the left fit, and something in here does not.
      let lower = max(range.lowerBound, part.lowerBound)
      guard lower < min(range.upperBound, part.upperBound) else { return }
      if part.upperBound < range.upperBound { place = held.place }
      range = lower..<min(range.upperBound, part.upperBound)
      return
    }
    if claim.size < range.upperBound { range = max(range.lowerBound, claim.size)..<range.upperBound }
  }

  private func ownHash(of part: Range<Int>) throws -> MerkleHash? {
    struct Missing: Error {}
    do {
      return try MerkleProofs.hash(of: part) { position in
        guard let hash = try TreeRows.node(position, db) else { throw Missing() }
        return hash
      }
    } catch is Missing {
      return nil
    }
  }
}
