/// What a tree entry is. Git knows no other modes than these; the historical `0o100664` is read as ``regular``.
public enum FileMode: UInt32, Sendable, Hashable {
  /// A file.
  case regular = 0o100644
  /// A file with the executable bit.
  case executable = 0o100755
  /// A symbolic link; the blob holds its target.
  case symlink = 0o120000
  /// A directory.
  case tree = 0o040000
  /// A commit of another repository.
  case submodule = 0o160000

  /// Reads a raw mode as git does when it is not one of the five: by its type bits.
  init?(raw: UInt32) {
    if let exact = FileMode(rawValue: raw) {
      self = exact
      return
    }
    switch raw & 0o170000 {
    case 0o100000: self = raw & 0o100 == 0 ? .regular : .executable
    case 0o120000: self = .symlink
    case 0o040000: self = .tree
    case 0o160000: self = .submodule
    default: return nil
    }
  }

  /// True for what a blob holds: files and symbolic links.
  public var isBlob: Bool { self == .regular || self == .executable || self == .symlink }

  /// The six octal digits that patches show; trees in objects are written without the leading zero.
  public var octal: String {
    let digits = String(rawValue, radix: 8)
    return String(repeating: "0", count: 6 - digits.count) + digits
  }
}
