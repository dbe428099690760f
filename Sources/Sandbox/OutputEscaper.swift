/// Makes what a command wrote harmless for a terminal, as a stream: escape sequences, carriage returns, C1 controls,
/// bidirectional and invisible characters and bytes that are no UTF-8 become visible text.
///
/// Tabs, line feeds and line ends of the form CR LF stay as they are. Characters are judged by their general category
/// (Unicode Standard, 4.5): control, format, separators of lines, private use, unassigned.
public struct OutputEscaper: Sendable {
  /// Whether something has been escaped.
  public private(set) var hasEscaped = false
  private var pending: [UInt8] = []

  /// An escaper at the start of a stream.
  public init() {}

  /// Escapes the next bytes. A character whose end is still to come is kept for the next call.
  public mutating func escape(_ bytes: [UInt8]) -> [UInt8] {
    if pending.isEmpty, bytes.allSatisfy(Self.isPlain) { return bytes }
    let input = pending + bytes
    pending = []
    return escape(input, isEnd: false)
  }

  /// What is left of a stream that ended within a character.
  public mutating func finish() -> [UInt8] {
    let input = pending
    pending = []
    return escape(input, isEnd: true)
  }

  /// Escapes a whole text.
  public static func escape(_ bytes: [UInt8]) -> [UInt8] {
    var escaper = OutputEscaper()
    return escaper.escape(bytes) + escaper.finish()
  }

  /// Whether a text holds what would be escaped.
  public static func isHostile(_ bytes: [UInt8]) -> Bool {
    if bytes.allSatisfy(isPlain) { return false }
    var escaper = OutputEscaper()
    _ = escaper.escape(bytes)
    _ = escaper.finish()
    return escaper.hasEscaped
  }

  private static func isPlain(_ byte: UInt8) -> Bool { byte >= 0x20 && byte < 0x7f || byte == 0x0a || byte == 0x09 }

  private mutating func escape(_ input: [UInt8], isEnd: Bool) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(input.count)
    var index = 0
    while index < input.count {
      let byte = input[index]
      if Self.isPlain(byte) {
        output.append(byte)
        index += 1
      } else if byte == 0x0d {
        guard index + 1 < input.count || isEnd else { break }
        if index + 1 < input.count, input[index + 1] == 0x0a {
          output.append(byte)
        } else {
          note("\\r", &output)
        }
        index += 1
      } else if byte < 0x80 {
        note(byte == 0x1b ? "\\e" : "\\x\(Self.hex(byte))", &output)
        index += 1
      } else {
        switch Self.scalar(input[index...]) {
        case .incomplete where !isEnd:
          pending = Array(input[index...])
          return output
        case .invalid, .incomplete:
          note("\\x\(Self.hex(byte))", &output)
          index += 1
        case .valid(let scalar, let length):
          if Self.isVisible(scalar) {
            output.append(contentsOf: input[index..<(index + length)])
          } else {
            note("\\u{\(String(scalar.value, radix: 16))}", &output)
          }
          index += length
        }
      }
    }
    if index < input.count { pending = Array(input[index...]) }
    return output
  }

  private mutating func note(_ text: String, _ output: inout [UInt8]) {
    hasEscaped = true
    output.append(contentsOf: text.utf8)
  }

  private static func hex(_ byte: UInt8) -> String {
    (byte < 0x10 ? "0" : "") + String(byte, radix: 16)
  }

  private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate: false
    // Hangul fillers and the like take room and show nothing; tags and selectors beyond the basic ones hide text.
    default: !scalar.properties.isDefaultIgnorableCodePoint || (0xfe00...0xfe0f).contains(scalar.value)
    }
  }

  private enum Decoded {
    case valid(Unicode.Scalar, length: Int)
    case invalid
    case incomplete
  }

  /// The scalar at the start of some bytes that begin with one above 0x7f (Unicode Standard, table 3-7).
  private static func scalar(_ bytes: ArraySlice<UInt8>) -> Decoded {
    let first = bytes[bytes.startIndex]
    let length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
    guard first >= 0xc2, first <= 0xf4 else { return .invalid }
    var value = UInt32(first) & (0x7f >> UInt32(length))
    for offset in 1..<length {
      guard offset < bytes.count else { return .incomplete }
      let next = bytes[bytes.startIndex + offset]
      guard next & 0xc0 == 0x80 else { return .invalid }
      value = value << 6 | UInt32(next & 0x3f)
    }
    let least: UInt32 = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80
    guard value >= least, let scalar = Unicode.Scalar(value) else { return .invalid }
    return .valid(scalar, length: length)
  }
}
