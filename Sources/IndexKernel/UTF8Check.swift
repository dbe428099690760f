/// Whether bytes are UTF-8.
public enum UTF8Check {
  /// Most texts are ASCII, or nearly so: these bytes are passed over 32 at a time, or eight.
  public static func isValid(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    let raw = UnsafeRawBufferPointer(text)
    let count = raw.count
    var place = 0
    while place < count {
      while place + 32 <= count {
        var all: UInt64 = 0
        for part in 0..<4 { all |= raw.loadUnaligned(fromByteOffset: place + part * 8, as: UInt64.self) }
        guard all & 0x8080_8080_8080_8080 == 0 else { break }
        place += 32
      }
      while place + 8 <= count,
        raw.loadUnaligned(fromByteOffset: place, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
      {
        place += 8
      }
      guard place < count else { return true }
      let lead = raw[place]
      if lead < 0x80 {
        place += 1
        continue
      }
      let length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
      guard length > 0, place + length <= count else { return false }
      for tail in place + 1..<place + length where raw[tail] & 0xc0 != 0x80 { return false }
      let second = raw[place + 1]
      switch lead {
      case 0xe0 where second < 0xa0, 0xed where second > 0x9f, 0xf0 where second < 0x90, 0xf4 where second > 0x8f:
        return false
      default: place += length
      }
    }
    return true
  }
}
