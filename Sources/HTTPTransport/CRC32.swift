/// CRC-32 as in IEEE 802.3 (reflected, polynomial 0x04C11DB7), eight bytes at a time with eight tables ("slicing by 8",
/// Kounavis and Berry 2005).
enum CRC32 {
  /// The check value of some bytes, going on from that of the bytes before them.
  static func of(_ bytes: UnsafeBufferPointer<UInt8>, after previous: UInt32 = 0) -> UInt32 {
    var crc = ~previous
    tables.withUnsafeBufferPointer { table in
      var index = 0
      while index + 8 <= bytes.count {
        let low = crc ^ load(bytes, index)
        let high = load(bytes, index + 4)
        crc =
          table[7 * 256 + Int(low & 0xff)] ^ table[6 * 256 + Int(low >> 8 & 0xff)]
          ^ table[5 * 256 + Int(low >> 16 & 0xff)] ^ table[4 * 256 + Int(low >> 24)]
          ^ table[3 * 256 + Int(high & 0xff)] ^ table[2 * 256 + Int(high >> 8 & 0xff)]
          ^ table[256 + Int(high >> 16 & 0xff)] ^ table[Int(high >> 24)]
        index += 8
      }
      while index < bytes.count {
        crc = crc >> 8 ^ table[Int((crc ^ UInt32(bytes[index])) & 0xff)]
        index += 1
      }
    }
    return ~crc
  }

  private static func load(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> UInt32 {
    UInt32(littleEndian: UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: index, as: UInt32.self))
  }

  /// Table 0 is that of one byte; table n that of a byte with n zero bytes behind it.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var crc = UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
      tables[byte] = crc
    }
    for index in 256..<8 * 256 {
      let before = tables[index - 256]
      tables[index] = before >> 8 ^ tables[Int(before & 0xff)]
    }
    return tables
  }()
}
