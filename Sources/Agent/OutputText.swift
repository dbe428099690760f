import Sandbox

/// Turns bytes of commands and files into text for a model: valid UTF-8, bounded, without terminal control sequences.
enum OutputText {
  /// Characters of one command's output that a model gets: half from the start, half from the end.
  static let modelLimit = 24_000

  /// A command's output, its middle left out when it is long.
  static func forModel(_ output: CapturedOutput) -> String {
    if output.tail.isEmpty { return bounded(clean(output.head)) }
    let head = clean(output.head)
    let tail = clean(output.tail)
    return String(head.prefix(modelLimit / 2)) + "\n[… \(output.totalBytes) bytes in all; the middle is left out …]\n"
      + String(tail.suffix(modelLimit / 2))
  }

  /// A text cut in the middle to `limit` characters.
  static func bounded(_ text: String, limit: Int = modelLimit) -> String {
    guard text.utf8.count > limit, text.count > limit else { return text }
    let left = text.count - limit
    return text.prefix(limit / 2) + "\n[… \(left) characters left out …]\n" + text.suffix(limit / 2)
  }

  /// Valid UTF-8 without escape sequences and control characters other than tab and newline.
  static func clean(_ bytes: [UInt8]) -> String {
    if !bytes.contains(where: { $0 < 0x20 && $0 != 0x0a && $0 != 0x09 || $0 == 0x7f }) {
      return String(decoding: bytes, as: UTF8.self)
    }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte == 0x1b {
        index = endOfEscape(bytes, index)
        continue
      }
      if byte == 0x0d {
        // A lone carriage return redraws a line: progress bars become lines of their own.
        if index + 1 < bytes.count, bytes[index + 1] != 0x0a { result.append(0x0a) }
      } else if byte >= 0x20 && byte != 0x7f || byte == 0x0a || byte == 0x09 {
        result.append(byte)
      }
      index += 1
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The index after an escape sequence (ECMA-48: CSI and OSC; two bytes otherwise).
  private static func endOfEscape(_ bytes: [UInt8], _ start: Int) -> Int {
    guard start + 1 < bytes.count else { return bytes.count }
    var index = start + 2
    switch bytes[start + 1] {
    case UInt8(ascii: "["):
      while index < bytes.count, !(0x40...0x7e).contains(bytes[index]) { index += 1 }
      return min(index + 1, bytes.count)
    case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"):
      let limit = min(bytes.count, start + 4096)
      while index < limit {
        if bytes[index] == 0x07 { return index + 1 }
        if bytes[index] == 0x1b { return min(index + 2, bytes.count) }
        index += 1
      }
      return index
    default:
      return index
    }
  }
}
