/// A path inside a repository: bytes between slashes, relative, without `.`, `..`, empty or NUL-carrying components.
///
/// Git stores paths as bytes, and a checkout may hold names that are not UTF-8. No room passes a path as `String`;
/// text that people, models and records see is ``quoted``, which is reversible.
public struct RepoPath: Hashable, Sendable, Comparable {
  /// The raw bytes, components joined by `/`; empty for the root itself.
  public let bytes: [UInt8]

  /// The root of the repository.
  public static let root = RepoPath(unchecked: [])

  /// Takes a path as written by git: relative, slash separated.
  ///
  /// Returns nil for an absolute path, for a component that is empty, `.` or `..`, and for a NUL byte: what comes from
  /// a model, a patch or a tree entry can be hostile.
  public init?(_ bytes: [UInt8]) {
    guard bytes.isEmpty || Self.isWellFormed(bytes) else { return nil }
    self.bytes = bytes
  }

  /// Takes the UTF-8 bytes of a text, without unquoting. See ``init(quoted:)`` for git's quoted form.
  public init?(_ text: String) { self.init(Array(text.utf8)) }

  private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

  /// One pass without a copy: trees of many thousands of paths are read through here.
  private static func isWellFormed(_ bytes: [UInt8]) -> Bool {
    var length = 0
    var isDots = true
    for byte in bytes {
      if byte == UInt8(ascii: "/") {
        if length == 0 || isDots && length <= 2 { return false }
        length = 0
        isDots = true
        continue
      }
      if byte == 0 { return false }
      length += 1
      if byte != UInt8(ascii: ".") { isDots = false }
    }
    return length > 0 && !(isDots && length <= 2)
  }

  /// True for the repository's root.
  public var isRoot: Bool { bytes.isEmpty }

  /// The components, from the root down.
  public var components: [[UInt8]] {
    bytes.isEmpty ? [] : bytes.split(separator: UInt8(ascii: "/")).map(Array.init)
  }

  /// The last component; empty for the root.
  public var name: [UInt8] {
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return bytes }
    return Array(bytes[(slash + 1)...])
  }

  /// The directory that holds this path; nil for the root.
  public var parent: RepoPath? {
    guard !bytes.isEmpty else { return nil }
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return .root }
    return RepoPath(unchecked: Array(bytes[..<slash]))
  }

  /// The path one component below; nil when the component is not a plain name.
  public func appending(_ component: [UInt8]) -> RepoPath? {
    guard !component.contains(UInt8(ascii: "/")), !component.isEmpty else { return nil }
    return RepoPath(bytes.isEmpty ? component : bytes + [UInt8(ascii: "/")] + component)
  }

  /// The path of `other` taken as relative to this one.
  public func joining(_ other: RepoPath) -> RepoPath {
    if isRoot { return other }
    if other.isRoot { return self }
    return RepoPath(unchecked: bytes + [UInt8(ascii: "/")] + other.bytes)
  }

  /// This path as seen from `directory`; nil when it does not lie in it.
  public func relative(to directory: RepoPath) -> RepoPath? {
    if directory.isRoot { return self }
    if bytes == directory.bytes { return .root }
    guard bytes.count > directory.bytes.count, bytes.starts(with: directory.bytes),
      bytes[directory.bytes.count] == UInt8(ascii: "/")
    else { return nil }
    return RepoPath(unchecked: Array(bytes[(directory.bytes.count + 1)...]))
  }

  /// True when this path is `directory` or lies below it.
  public func isInside(_ directory: RepoPath) -> Bool { relative(to: directory) != nil }

  /// Byte order, which is git's order of index entries.
  public static func < (left: RepoPath, right: RepoPath) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}

extension RepoPath: CustomStringConvertible {
  /// The quoted form, so that a path in a message can never carry control bytes to a terminal.
  public var description: String { quoted }
}
