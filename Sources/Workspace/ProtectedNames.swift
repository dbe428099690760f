import Paths

/// Names that a change from a workspace never touches: git would trust what lies under them.
enum ProtectedNames {
  /// True when some component of the path is `.git` to git on any of the filesystems it knows.
  static func contains(_ path: RepoPath) -> Bool { path.components.contains(where: isGit) }

  /// True when a filesystem that folds case, drops trailing dots and spaces (NTFS) or ignores invisible characters (HFS+)
  /// could take this name for `.git`. The rules are those of git's `is_ntfs_dotgit` and `is_hfs_dotgit`.
  static func isGit(_ name: [UInt8]) -> Bool {
    // The whole of most names is decided by the first byte.
    guard let first = name.first, first == 0x2e || first == 0x67 || first == 0x47 || first >= 0x80 else { return false }
    var folded: [UInt8] = []
    var index = 0
    while index < name.count {
      if let length = invisible(name[index...]) {
        index += length
        continue
      }
      let byte = name[index]
      // An alternate data stream of NTFS names the file itself.
      if byte == UInt8(ascii: ":") { break }
      folded.append((0x41...0x5a).contains(byte) ? byte + 0x20 : byte)
      index += 1
    }
    while let last = folded.last, last == 0x20 || last == 0x2e, folded.count > 1 { folded.removeLast() }
    return folded == Array(".git".utf8) || folded == Array("git~1".utf8)
  }

  /// The length of a code point that HFS+ ignores in names: U+200C–F, U+202A–E, U+206A–F, U+FEFF.
  private static func invisible(_ bytes: ArraySlice<UInt8>) -> Int? {
    guard bytes.count >= 3, let first = bytes.first else { return nil }
    let second = bytes[bytes.startIndex + 1]
    let third = bytes[bytes.startIndex + 2]
    switch (first, second) {
    case (0xe2, 0x80): return (0x8c...0x8f).contains(third) || (0xaa...0xae).contains(third) ? 3 : nil
    case (0xe2, 0x81): return (0xaa...0xaf).contains(third) ? 3 : nil
    case (0xef, 0xbb): return third == 0xbf ? 3 : nil
    default: return nil
    }
  }
}
