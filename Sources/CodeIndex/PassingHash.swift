import Git

/// What a content outside git is known by, at a seventh of the cost of a blob id: 128 bits of a keyed hash, and the length.
/// The key is this process' own, so that nobody can make two contents that are taken for one; in another process the same
/// content has another id. Files outside git are known by size, times and inode from one process to the next, so that only
/// what was touched without a change is analysed once more.
enum PassingHash {
  static func id(of content: [UInt8]) -> ObjectID {
    var (first, second) = key
    content.withUnsafeBytes { bytes in
      var place = 0
      while place + 8 <= bytes.count {
        let part = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
        first = mix(first ^ part, 0xa076_1d64_78bd_642f ^ key.1)
        second = mix(second ^ part, 0xe703_7ed1_a0b4_28db ^ key.0)
        place += 8
      }
      var rest: UInt64 = 0
      while place < bytes.count {
        rest = rest << 8 | UInt64(bytes[place])
        place += 1
      }
      first = mix(first ^ rest, 0xa076_1d64_78bd_642f ^ key.1)
      second = mix(second ^ rest, 0xe703_7ed1_a0b4_28db ^ key.0)
    }
    var id: [UInt8] = []
    id.reserveCapacity(20)
    for number in [first, second] { withUnsafeBytes(of: number) { id += $0 } }
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: content.count)) { id += $0 }
    return ObjectID(bytes: id) ?? .emptyTree
  }

  private static let key: (UInt64, UInt64) = {
    var generator = SystemRandomNumberGenerator()
    return (generator.next(), generator.next())
  }()

  @inline(__always)
  private static func mix(_ value: UInt64, _ by: UInt64) -> UInt64 {
    let (high, low) = (value | 1 &<< 63).multipliedFullWidth(by: by | 1)
    return high ^ low ^ value
  }
}
