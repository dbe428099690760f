/// What a log claims about itself at one size: the body of a C2SP `tlog-checkpoint`, signed as a ``SignedNote``.
public struct Checkpoint: Hashable, Sendable {
  /// The log's unique name: no scheme, no spaces.
  public let origin: String
  /// The number of leaves.
  public let size: Int
  /// The root of all leaves.
  public let root: MerkleHash

  /// A claim about a log.
  public init(origin: String, size: Int, root: MerkleHash) {
    self.origin = origin
    self.size = size
    self.root = root
  }

  /// The signed text: origin, size and root, each on a line of its own.
  public var text: String { "\(origin)\n\(size)\n\(Base64.encode(root.bytes))\n" }

  /// Reads a note's text; nil when it is malformed. Extension lines are read past.
  public init?(parsing text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count >= 4, lines.last?.isEmpty == true, !lines[0].isEmpty, !lines.dropLast().contains(""),
      let size = Int(lines[1]), size >= 0, String(size) == lines[1],
      let bytes = Base64.decode(String(lines[2])), let root = MerkleHash(bytes)
    else { return nil }
    self.init(origin: String(lines[0]), size: size, root: root)
  }
}
