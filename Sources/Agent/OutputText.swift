import Sandbox

/// Turns bytes of commands and files into text for a model: valid UTF-8, bounded, without terminal control sequences.
///
/// Bounds are bytes of UTF-8: one character can be a megabyte of combining marks.
enum OutputText {
  /// Bytes of one command's output that a model gets: half from the start, half from the end.
  static let modelLimit = 24_000

  /// A command's output, its middle left out when it is long.
  static func forModel(_ output: CapturedOutput) -> String {
    if output.tail.isEmpty { return bounded(clean(output.head)) }
    let half = modelLimit / 2
    let kept = output.wholeLines
    // What is cleaned away is not counted, so some more is looked at: in whole lines, here as everywhere.
    var first = kept.head.prefix(8 * half)
    if first.count < kept.head.count { first = first[..<((first.lastIndex(of: 0x0a) ?? first.endIndex - 1) + 1)] }
    var last = kept.tail.suffix(8 * half)
    if last.count < kept.tail.count { last = last[(last.firstIndex(of: 0x0a) ?? last.startIndex)...] }
    let head = clean(Array(first))
    let tail = clean(Array(last))
    return start(of: head, half) + "\n[… \(output.totalBytes) bytes in all; the middle is left out …]\n"
      + end(of: tail, half)
  }

  /// A text cut in the middle to about `limit` bytes.
  static func bounded(_ text: String, limit: Int = modelLimit) -> String {
    let count = text.utf8.count
    guard count > limit else { return text }
    return start(of: text, limit / 2) + "\n[… \(count - limit) bytes left out …]\n" + end(of: text, limit / 2)
  }

  /// The longest word that is not cut through: half a secret is not known for one.
  private static let longestWord = 1024

  /// At most `limit` bytes from the start, whole words.
  static func start(of text: String, _ limit: Int) -> String {
    let bytes = text.utf8
    guard bytes.count > limit else { return text }
    var index = bytes.index(bytes.startIndex, offsetBy: limit)
    while index > bytes.startIndex, isContinuation(bytes[index]) { index = bytes.index(before: index) }
    var border = index
    var left = longestWord
    while border > bytes.startIndex, left > 0 {
      let before = bytes.index(before: border)
      if isSpace(bytes[before]) || isSpace(bytes[border]) { return String(text[..<border]) }
      border = before
      left -= 1
    }
    return String(text[..<index])
  }

  /// At most `limit` bytes from the end, whole words.
  static func end(of text: String, _ limit: Int) -> String {
    let bytes = text.utf8
    guard bytes.count > limit else { return text }
    var index = bytes.index(bytes.endIndex, offsetBy: -limit)
    while index < bytes.endIndex, isContinuation(bytes[index]) { index = bytes.index(after: index) }
    var border = index
    var left = longestWord
    while border < bytes.endIndex, border > bytes.startIndex, left > 0 {
      if isSpace(bytes[border]) || isSpace(bytes[bytes.index(before: border)]) { return String(text[border...]) }
      border = bytes.index(after: border)
      left -= 1
    }
    return String(text[index...])
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x09 }

  private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xc0 == 0x80 }

  /// Valid UTF-8 without escape sequences and control characters other than tab and newline.
  static func clean(_ bytes: [UInt8]) -> String {
    if !bytes.contains(where: { $0 < 0x20 && $0 != 0x0a && $0 != 0x09 || $0 == 0x7f || $0 == 0xc2 }) {
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
      } else if (0x80...0x9f).contains(byte), result.last == 0xc2 {
        // U+0080 to U+009F: the eight-bit forms of escape sequences. Looked for in what comes out, so that none is put
        // together from what stood apart.
        result.removeLast()
      } else if byte >= 0x20 && byte != 0x7f || byte == 0x0a || byte == 0x09 {
        result.append(byte)
      }
      index += 1
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The index after an escape sequence (ECMA-48: CSI and OSC; two bytes otherwise). What only looks like the start of
  /// one hides no text.
  private static func endOfEscape(_ bytes: [UInt8], _ start: Int) -> Int {
    guard start + 1 < bytes.count else { return bytes.count }
    var index = start + 2
    switch bytes[start + 1] {
    case UInt8(ascii: "["):
      while index < bytes.count, (0x20...0x3f).contains(bytes[index]) { index += 1 }
      return index < bytes.count && (0x40...0x7e).contains(bytes[index]) ? index + 1 : index
    case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"):
      let limit = min(bytes.count, start + 4096)
      while index < limit {
        if bytes[index] == 0x07 { return index + 1 }
        if bytes[index] == 0x1b {
          return index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "\\") ? index + 2 : index
        }
        index += 1
      }
      return start + 2
    case 0x20...0x2f:
      return min(index + 1, bytes.count)
    case 0x30...0x7e:
      return index
    default:
      return start + 1
    }
  }
}

extension CapturedOutput {
  /// What is kept of the output. Where its middle is missing, the lines that were cut through are left out: half a secret is
  /// not known for one.
  var wholeLines: (head: [UInt8], tail: [UInt8]) {
    guard totalBytes > head.count + tail.count else { return (head, tail) }
    let longest = 4096
    let end = head.suffix(longest).lastIndex(of: 0x0a).map { $0 + 1 } ?? head.count
    let start = tail.prefix(longest).firstIndex(of: 0x0a).map { $0 + 1 } ?? 0
    return (Array(head[..<end]), Array(tail[start...]))
  }

  /// The same in one piece, for the record.
  var recorded: [UInt8] { wholeLines.head + wholeLines.tail }
}
