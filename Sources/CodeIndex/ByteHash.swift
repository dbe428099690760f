/// FNV-1a of 64 bits (Fowler, Noll and Vo): a number that tells byte strings apart, and is the same tomorrow.
enum ByteHash {
  static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash
  }
}
