/// The place of a node that will never change again: the root of a perfect subtree over the leaves
/// `index << level ..< (index + 1) << level`. Leaves have level 0.
public struct NodePosition: Hashable, Sendable {
  /// The height of the subtree.
  public let level: Int
  /// The number of equal subtrees to its left.
  public let index: Int

  /// A place in the tree.
  public init(level: Int, index: Int) {
    self.level = level
    self.index = index
  }

  /// The leaves below this node.
  public var leaves: Range<Int> { index << level..<(index + 1) << level }
}

/// A node's place and hash.
public struct TreeNode: Hashable, Sendable {
  /// Where the node stands.
  public let position: NodePosition
  /// Its hash.
  public let hash: MerkleHash

  /// A node.
  public init(position: NodePosition, hash: MerkleHash) {
    self.position = position
    self.hash = hash
  }
}

/// The right edge of a growing tree: the roots of the perfect subtrees that its leaves fall into, largest first.
///
/// That is all an append needs to know: O(log n) hashes held, one hash computed per append in the mean.
public struct CompactRange: Hashable, Sendable {
  /// The number of leaves.
  public private(set) var size: Int
  /// The roots of the perfect subtrees, from left to right.
  public private(set) var peaks: [MerkleHash]

  /// An empty tree.
  public init() {
    size = 0
    peaks = []
  }

  /// A tree of `size` leaves by its perfect subtrees, in the order of ``peakPositions(ofSize:)``; nil when their number
  /// is not the one that the size demands.
  public init?(size: Int, peaks: [MerkleHash]) {
    guard size >= 0, size.nonzeroBitCount == peaks.count else { return nil }
    self.size = size
    self.peaks = peaks
  }

  /// The perfect subtrees that `size` leaves fall into, from left to right, largest first.
  public static func peakPositions(ofSize size: Int) -> [NodePosition] {
    var positions: [NodePosition] = []
    var left = 0
    var rest = size
    while rest > 0 {
      let level = Int.bitWidth - 1 - rest.leadingZeroBitCount
      positions.append(NodePosition(level: level, index: left >> level))
      left += 1 << level
      rest -= 1 << level
    }
    return positions
  }

  /// Adds a leaf.
  /// - Returns: the inner nodes that became complete by it, lowest first: what a store keeps for later proofs.
  @discardableResult
  public mutating func append(_ leaf: MerkleHash) -> [TreeNode] {
    var completed: [TreeNode] = []
    var hash = leaf
    var level = 0
    while size >> level & 1 == 1, let left = peaks.popLast() {
      hash = MerkleHash.node(left, hash)
      level += 1
      completed.append(TreeNode(position: NodePosition(level: level, index: size >> level), hash: hash))
    }
    peaks.append(hash)
    size += 1
    return completed
  }

  /// The tree's root (RFC 6962, section 2.1).
  public var root: MerkleHash { MerkleProofs.fold(peaks) }
}
