/// A piece of policy or schema text.
struct Token {
  enum Kind: Equatable {
    case identifier
    case number
    /// With its quotes, escapes as written.
    case string
    /// `?name`, in policies.
    case slot
    /// An operator or bracket.
    case symbol(Symbol)
    case end
  }

  enum Symbol: String, CaseIterable {
    case at = "@"
    case dot = "."
    case comma = ","
    case semicolon = ";"
    case colon = ":"
    case doubleColon = "::"
    case openParenthesis = "("
    case closeParenthesis = ")"
    case openBrace = "{"
    case closeBrace = "}"
    case openBracket = "["
    case closeBracket = "]"
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greaterOrEqual = ">="
    case greater = ">"
    case or = "||"
    case and = "&&"
    case plus = "+"
    case minus = "-"
    case times = "*"
    case divide = "/"
    case modulo = "%"
    case not = "!"
    case assign = "="
    case question = "?"
  }

  let kind: Kind
  /// Bytes of the text.
  let range: Range<Int>
}

/// Cuts text into tokens. Both grammars share one: what a grammar does not know, its parser refuses.
struct Lexer {
  private let source: SourceText
  private let bytes: [UInt8]
  private var index = 0

  init(_ source: SourceText) {
    self.source = source
    bytes = source.bytes
  }

  /// The next token; ``Token/Kind/end`` for ever at the end.
  mutating func next() throws(CedarDiagnostic) -> Token {
    skipSpace()
    let start = index
    guard index < bytes.count else { return Token(kind: .end, range: index..<index) }
    let byte = bytes[index]
    if Names.isIdentifierStart(byte) {
      skipIdentifier()
      return Token(kind: .identifier, range: start..<index)
    }
    if (0x30...0x39).contains(byte) {
      while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
      return Token(kind: .number, range: start..<index)
    }
    if byte == 0x22 { return try string() }
    if byte == UInt8(ascii: "?"), index + 1 < bytes.count, Names.isIdentifierStart(bytes[index + 1]) {
      index += 1
      skipIdentifier()
      return Token(kind: .slot, range: start..<index)
    }
    if let symbol = symbol() { return Token(kind: .symbol(symbol), range: start..<index) }
    var width = 1
    while index + width < bytes.count, bytes[index + width] & 0xc0 == 0x80 { width += 1 }
    let text = Names.quoted(source.text(index..<(index + width)))
    index += width
    throw source.diagnostic(
      start, "the character \(text) has no meaning here",
      help: byte == UInt8(ascii: "'") ? "strings are written with double quotes" : nil)
  }

  private mutating func skipIdentifier() {
    while index < bytes.count, Names.isIdentifierStart(bytes[index]) || (0x30...0x39).contains(bytes[index]) {
      index += 1
    }
  }

  private mutating func symbol() -> Token.Symbol? {
    let next = index + 1 < bytes.count ? bytes[index + 1] : 0
    let pair: Token.Symbol? =
      switch (bytes[index], next) {
      case (UInt8(ascii: ":"), UInt8(ascii: ":")): .doubleColon
      case (UInt8(ascii: "="), UInt8(ascii: "=")): .equal
      case (UInt8(ascii: "!"), UInt8(ascii: "=")): .notEqual
      case (UInt8(ascii: "<"), UInt8(ascii: "=")): .lessOrEqual
      case (UInt8(ascii: ">"), UInt8(ascii: "=")): .greaterOrEqual
      case (UInt8(ascii: "|"), UInt8(ascii: "|")): .or
      case (UInt8(ascii: "&"), UInt8(ascii: "&")): .and
      default: nil
      }
    if let pair {
      index += 2
      return pair
    }
    guard let symbol = Self.symbols[bytes[index]] else { return nil }
    index += 1
    return symbol
  }

  /// The symbols of one byte.
  private static let symbols: [UInt8: Token.Symbol] = {
    var symbols: [UInt8: Token.Symbol] = [:]
    for symbol in Token.Symbol.allCases where symbol.rawValue.utf8.count == 1 {
      for byte in symbol.rawValue.utf8 { symbols[byte] = symbol }
    }
    return symbols
  }()

  /// A backslash takes the next character with it, unless that is the end of the line.
  private mutating func string() throws(CedarDiagnostic) -> Token {
    let start = index
    index += 1
    while index < bytes.count {
      switch bytes[index] {
      case 0x22:
        index += 1
        return Token(kind: .string, range: start..<index)
      case 0x5c:
        guard index + 1 < bytes.count, bytes[index + 1] != 0x0a else {
          let found = source.diagnostic(index, "a backslash ends the line inside a string")
          index = bytes.count
          throw found
        }
        index += 2
      default: index += 1
      }
    }
    throw source.diagnostic(start, "this string has no closing quote")
  }

  /// White space as Unicode has it, and comments to the end of the line.
  private mutating func skipSpace() {
    while index < bytes.count {
      let byte = bytes[index]
      if byte == 0x20 || (0x09...0x0d).contains(byte) {
        index += 1
      } else if byte == UInt8(ascii: "/"), index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "/") {
        while index < bytes.count, bytes[index] != 0x0a, bytes[index] != 0x0d { index += 1 }
      } else if byte >= 0x80, let width = wideSpace() {
        index += width
      } else {
        return
      }
    }
  }

  /// The bytes of a white space character outside ASCII.
  private func wideSpace() -> Int? {
    var width = 1
    while index + width < bytes.count, bytes[index + width] & 0xc0 == 0x80 { width += 1 }
    let scalar = String(decoding: bytes[index..<(index + width)], as: UTF8.self).unicodeScalars.first
    return scalar?.properties.isWhitespace == true ? width : nil
  }
}
