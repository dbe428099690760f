/// Proofs over a stored tree and their verification, as RFC 6962 (sections 2.1.1 and 2.1.2) defines them and RFC 9162
/// (sections 2.1.3 and 2.1.4) verifies them.
///
/// The maker needs nothing but the complete nodes, so that a proof for any old size costs O(log² n) look-ups and
/// nothing has to be kept per size.
public enum MerkleProofs {
  /// Joins the perfect subtrees of one range, from left to right, into its root.
  static func fold(_ peaks: [MerkleHash]) -> MerkleHash {
    guard var root = peaks.last else { return .emptyRoot }
    for peak in peaks.dropLast().reversed() { root = MerkleHash.node(peak, root) }
    return root
  }

  /// The root of the first `size` leaves.
  /// - Parameter node: gives the hash of a complete node.
  public static func root<Failure: Error>(
    ofSize size: Int, node: (NodePosition) throws(Failure) -> MerkleHash
  ) throws(Failure) -> MerkleHash {
    try hash(of: 0..<size, node: node)
  }

  /// The audit path of leaf `index` in the tree of the first `size` leaves, leaf side first.
  /// - Returns: nil when there is no such leaf.
  public static func inclusion<Failure: Error>(
    index: Int, size: Int, node: (NodePosition) throws(Failure) -> MerkleHash
  ) throws(Failure) -> [MerkleHash]? {
    guard let siblings = siblings(index: index, size: size) else { return nil }
    return try hashes(of: siblings, node: node)
  }

  /// The leaves below each hash of an audit path, leaf side first. With the leaf itself they are all leaves of the tree.
  /// - Returns: nil when there is no such leaf.
  public static func siblings(index: Int, size: Int) -> [Range<Int>]? {
    guard index >= 0, index < size else { return nil }
    var siblings: [Range<Int>] = []
    var range = 0..<size
    while range.count > 1 {
      let middle = split(range)
      if index < middle {
        siblings.append(middle..<range.upperBound)
        range = range.lowerBound..<middle
      } else {
        siblings.append(range.lowerBound..<middle)
        range = middle..<range.upperBound
      }
    }
    return siblings.reversed()
  }

  /// The proof that the tree of `oldSize` leaves is a prefix of the one of `newSize` leaves.
  /// - Returns: nil when `oldSize` is larger; empty for equal sizes and for an empty old tree.
  public static func consistency<Failure: Error>(
    from oldSize: Int, to newSize: Int, node: (NodePosition) throws(Failure) -> MerkleHash
  ) throws(Failure) -> [MerkleHash]? {
    guard oldSize >= 0, oldSize <= newSize else { return nil }
    guard oldSize > 0, oldSize < newSize else { return [] }
    // SUBPROOF of section 2.1.2: walk down to the old tree's right edge, and give what stands beside the way.
    var parts: [Range<Int>] = []
    var range = 0..<newSize
    while oldSize != range.upperBound {
      let middle = split(range)
      if oldSize <= middle {
        parts.append(middle..<range.upperBound)
        range = range.lowerBound..<middle
      } else {
        parts.append(range.lowerBound..<middle)
        range = middle..<range.upperBound
      }
    }
    // The whole old tree is known to the verifier; a part of it has to be given.
    if range.lowerBound > 0 { parts.append(range) }
    return try hashes(of: parts.reversed(), node: node)
  }

  /// Whether `proof` shows that `leaf` is leaf `index` of the tree of `size` leaves with this root.
  public static func verifyInclusion(
    of leaf: MerkleHash, index: Int, size: Int, proof: [MerkleHash], root: MerkleHash
  ) -> Bool {
    guard index >= 0, index < size else { return false }
    var position = index
    var last = size - 1
    var hash = leaf
    for sibling in proof {
      if last == 0 { return false }
      if position & 1 == 1 || position == last {
        hash = MerkleHash.node(sibling, hash)
        while position & 1 == 0, position != 0 {
          position >>= 1
          last >>= 1
        }
      } else {
        hash = MerkleHash.node(hash, sibling)
      }
      position >>= 1
      last >>= 1
    }
    return last == 0 && hash == root
  }

  /// Whether `proof` shows that the tree of `oldSize` leaves is a prefix of the one of `newSize` leaves.
  public static func verifyConsistency(
    from oldSize: Int, oldRoot: MerkleHash, to newSize: Int, newRoot: MerkleHash, proof: [MerkleHash]
  ) -> Bool {
    guard oldSize >= 0, oldSize <= newSize else { return false }
    if oldSize == newSize { return proof.isEmpty && oldRoot == newRoot }
    if oldSize == 0 { return proof.isEmpty && oldRoot == .emptyRoot }
    var rest = proof[...]
    // A complete old tree is itself the first node of the way up, and the proof leaves it out.
    let start = oldSize.nonzeroBitCount == 1 ? oldRoot : rest.popFirst()
    guard let start else { return false }
    var position = oldSize - 1
    var last = newSize - 1
    while position & 1 == 1 {
      position >>= 1
      last >>= 1
    }
    var old = start
    var new = start
    for sibling in rest {
      if last == 0 { return false }
      if position & 1 == 1 || position == last {
        old = MerkleHash.node(sibling, old)
        new = MerkleHash.node(sibling, new)
        while position & 1 == 0, position != 0 {
          position >>= 1
          last >>= 1
        }
      } else {
        new = MerkleHash.node(new, sibling)
      }
      position >>= 1
      last >>= 1
    }
    return last == 0 && old == oldRoot && new == newRoot
  }

  /// Where RFC 6962 divides a range: at the largest power of two smaller than its length.
  private static func split(_ range: Range<Int>) -> Int {
    range.lowerBound + 1 << (Int.bitWidth - 1 - (range.count - 1).leadingZeroBitCount)
  }

  /// The root of a range that begins where a perfect subtree of its length could: all that splitting ever gives.
  public static func hash<Failure: Error>(
    of range: Range<Int>, node: (NodePosition) throws(Failure) -> MerkleHash
  ) throws(Failure) -> MerkleHash {
    var peaks: [MerkleHash] = []
    for peak in CompactRange.peakPositions(ofSize: range.count) {
      let index = peak.index + range.lowerBound >> peak.level
      peaks.append(try node(NodePosition(level: peak.level, index: index)))
    }
    return fold(peaks)
  }

  private static func hashes<Failure: Error>(
    of ranges: [Range<Int>], node: (NodePosition) throws(Failure) -> MerkleHash
  ) throws(Failure) -> [MerkleHash] {
    var result: [MerkleHash] = []
    for range in ranges { result.append(try hash(of: range, node: node)) }
    return result
  }
}
