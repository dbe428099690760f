/// A tree whose nodes are all in memory: for small logs, and for verifying one from its leaves.
public struct MemoryTree: Sendable {
  /// All complete nodes, by level.
  private var levels: [[MerkleHash]] = [[]]
  private var edge = CompactRange()

  /// An empty tree.
  public init() {}

  /// The number of leaves.
  public var size: Int { edge.size }

  /// The root of all leaves.
  public var root: MerkleHash { edge.root }

  /// Adds a leaf by its hash.
  public mutating func append(_ leaf: MerkleHash) {
    levels[0].append(leaf)
    for node in edge.append(leaf) {
      if node.position.level == levels.count { levels.append([]) }
      levels[node.position.level].append(node.hash)
    }
  }

  /// The root of the first `size` leaves; nil when there are fewer.
  public func root(ofSize size: Int) -> MerkleHash? {
    guard size >= 0, size <= self.size else { return nil }
    return MerkleProofs.root(ofSize: size, node: node)
  }

  /// The audit path of a leaf in the tree of the first `size` leaves; nil when there is no such leaf.
  public func inclusionProof(index: Int, size: Int) -> [MerkleHash]? {
    guard size <= self.size else { return nil }
    return MerkleProofs.inclusion(index: index, size: size, node: node)
  }

  /// The proof that the first `oldSize` leaves are a prefix of the first `newSize`; nil when sizes are out of range.
  public func consistencyProof(from oldSize: Int, to newSize: Int) -> [MerkleHash]? {
    guard newSize <= size else { return nil }
    return MerkleProofs.consistency(from: oldSize, to: newSize, node: node)
  }

  private func node(_ position: NodePosition) -> MerkleHash { levels[position.level][position.index] }
}
