/// Names of labels: lower-case letters, digits and `-_.`, at most 64 bytes, beginning with a letter or a digit.
///
/// A label that only the repository's own files give is kept as `repository:NAME`. A repository may make its code more
/// restricted, never less: such a label counts for a decision only where it makes the answer stricter.
public enum Label {
  /// What the shipped rules give to usual places of secrets, and to files that hold one.
  public static let secret = "secret"
  /// What the shipped rules give to what steers agents, editors, hooks and automation.
  public static let protected = "protected"
  /// What the shipped rules give to git's own files.
  public static let gitInternal = "git-internal"
  /// What a run has read whose task came from outside, such as an issue's text.
  public static let outsideText = "outside-text"

  static let claimMark = "repository:"

  /// True for a name that a label may have.
  public static func isWellFormed(_ name: String) -> Bool {
    let bytes = name.utf8
    guard let first = bytes.first, bytes.count <= 64, isWord(first) else { return false }
    return bytes.allSatisfy {
      isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
    }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte)
  }

  /// Whether only the repository says so.
  static func isClaim(_ label: String) -> Bool { label.utf8.starts(with: claimMark.utf8) }

  /// The labels without those that only the repository gives.
  static func vouched(_ labels: Set<String>) -> Set<String> { labels.filter { !isClaim($0) } }

  /// All labels by their plain names, whoever gives them.
  public static func plain(_ labels: Set<String>) -> Set<String> {
    Set(labels.map { isClaim($0) ? String($0.dropFirst(claimMark.count)) : $0 })
  }
}
