/// Git's C-style quoting of path bytes (`core.quotePath`, see git-config(1)): the one text form of a path that events,
/// JSON, patches and prompts use.
///
/// A path of printable UTF-8 without quote or backslash stays as it is; anything else is put in double quotes with
/// `\a \b \t \n \v \f \r \" \\` and three-digit octal escapes. Unlike git's default, printable non-ASCII UTF-8 is not
/// escaped; bytes that are not UTF-8 and invisible or bidirectional characters are.
public enum Quoting {
  /// The text form of raw path bytes.
  public static func quote(_ bytes: [UInt8]) -> String {
    if bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x5c }) {
      return String(decoding: bytes, as: UTF8.self)
    }
    // Scalars, not characters: a combining mark at the start of a name would become one character with the quote.
    var text = String.UnicodeScalarView()
    var isChanged = false
    for piece in Self.pieces(bytes) {
      switch piece {
      case .scalar(let scalar) where isPlain(scalar): text.append(scalar)
      case .scalar(let scalar):
        isChanged = true
        for byte in String(scalar).utf8 { text.append(contentsOf: escape(byte).unicodeScalars) }
      case .byte(let byte):
        isChanged = true
        text.append(contentsOf: escape(byte).unicodeScalars)
      }
    }
    return isChanged ? "\"" + String(text) + "\"" : String(text)
  }

  /// The bytes of a text form; nil when a quoted text is malformed. An unquoted text stands for its own bytes.
  public static func unquote(_ text: String) -> [UInt8]? {
    let source = Array(text.utf8)
    guard source.first == 0x22 else { return source }
    guard source.count >= 2, source.last == 0x22 else { return nil }
    var result: [UInt8] = []
    var index = 1
    let end = source.count - 1
    while index < end {
      let byte = source[index]
      index += 1
      if byte == 0x22 { return nil }
      guard byte == 0x5c else {
        result.append(byte)
        continue
      }
      guard index < end else { return nil }
      let escape = source[index]
      index += 1
      if let plain = escapes.first(where: { $0.letter == escape }) {
        result.append(plain.byte)
      } else if (0x30...0x33).contains(escape), index + 1 < end {
        let digits = [escape, source[index], source[index + 1]]
        guard digits.allSatisfy({ (0x30...0x37).contains($0) }) else { return nil }
        result.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 0x30) })
        index += 2
      } else {
        return nil
      }
    }
    return result
  }

  private static let escapes: [(letter: UInt8, byte: UInt8)] = [
    (UInt8(ascii: "a"), 7), (UInt8(ascii: "b"), 8), (UInt8(ascii: "t"), 9), (UInt8(ascii: "n"), 10),
    (UInt8(ascii: "v"), 11), (UInt8(ascii: "f"), 12), (UInt8(ascii: "r"), 13), (0x22, 0x22), (0x5c, 0x5c),
  ]

  private enum Piece {
    case scalar(Unicode.Scalar)
    case byte(UInt8)
  }

  private static func escape(_ byte: UInt8) -> String {
    if let known = escapes.first(where: { $0.byte == byte }) {
      return "\\" + String(Unicode.Scalar(known.letter))
    }
    let digits = String(byte, radix: 8)
    return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    if scalar == "\"" || scalar == "\\" { return false }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: return false
    default: return true
    }
  }

  /// Splits bytes into valid UTF-8 scalars and stray bytes.
  private static func pieces(_ bytes: [UInt8]) -> [Piece] {
    var result: [Piece] = []
    var index = 0
    while index < bytes.count {
      let length: Int
      switch bytes[index] {
      case 0..<0x80: length = 1
      case 0xc2..<0xe0: length = 2
      case 0xe0..<0xf0: length = 3
      case 0xf0..<0xf5: length = 4
      default: length = 0
      }
      if length > 0, index + length <= bytes.count,
        let text = String(validating: bytes[index..<index + length], as: UTF8.self),
        let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1
      {
        result.append(.scalar(scalar))
        index += length
      } else {
        result.append(.byte(bytes[index]))
        index += 1
      }
    }
    return result
  }
}

extension RepoPath {
  /// The reversible text form; see ``Quoting``. The root is `.`.
  public var quoted: String { isRoot ? "." : Quoting.quote(bytes) }

  /// Reads the text form back; nil when it is malformed or not a path inside a repository.
  public init?(quoted text: String) {
    if text == "." {
      self = .root
      return
    }
    guard let bytes = Quoting.unquote(text), !bytes.isEmpty else { return nil }
    self.init(bytes)
  }
}
