/// Splits source text into tokens. It never fails: what it does not know becomes a token of one byte, and what is left
/// open (a string, a comment) ends where it must, so that broken programs can be lexed, too.
struct Lexer {
  let bytes: UnsafeBufferPointer<UInt8>
  let language: Language
  private let keywords: Set<String>
  var index = 0
  private var tokens: [Token] = []
  /// The last significant token: it decides whether a slash begins a regular expression.
  private var previous: Token?

  static func tokens(of source: [UInt8], language: Language) -> [Token] {
    source.withUnsafeBufferPointer { buffer in
      var lexer = Lexer(bytes: buffer, language: language)
      return lexer.run()
    }
  }

  private init(bytes: UnsafeBufferPointer<UInt8>, language: Language) {
    self.bytes = bytes
    self.language = language
    keywords = language.keywords
    tokens.reserveCapacity(bytes.count / 3)
  }

  private mutating func run() -> [Token] {
    while index < bytes.count {
      let start = index
      let kind = next()
      if index <= start { index = start + 1 }
      let token = Token(kind: kind, start: Int32(start), end: Int32(index))
      tokens.append(token)
      if token.isSignificant { previous = token }
    }
    return tokens
  }

  func at(_ offset: Int) -> UInt8 { offset < bytes.count ? bytes[offset] : 0 }

  private mutating func next() -> Token.Kind {
    let byte = bytes[index]
    switch byte {
    case 0x0a:
      index += 1
      return .newline
    case 0x20, 0x09, 0x0b, 0x0c, 0x0d:
      while index < bytes.count, bytes[index] == 0x20 || (0x09...0x0d).contains(bytes[index]) && bytes[index] != 0x0a {
        index += 1
      }
      return .space
    case UInt8(ascii: "#") where language == .python || language == .ruby || language == .php:
      skipLine()
      return .comment
    case UInt8(ascii: "#"):
      return hash()
    case UInt8(ascii: "/"):
      if let kind = slash() { return kind }
      return symbol()
    case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"):
      return quote(byte)
    case 0x30...0x39:
      return number()
    case UInt8(ascii: ".") where (0x30...0x39).contains(at(index + 1)):
      return number()
    case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"):
      index += 1
      return .open
    case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
      index += 1
      return .close
    case UInt8(ascii: "@"), UInt8(ascii: "$"):
      if language == .csharp, at(index + 1) == 0x22 {
        index += 1
        scanString(quote: 0x22, escapes: byte == UInt8(ascii: "$"), multiline: true)
        return .string
      }
      if (language == .ruby || language == .php || language == .swift) && byte != UInt8(ascii: "@")
        || language == .ruby, Self.isWord(at(index + 1)) || at(index + 1) == UInt8(ascii: "@")
      {
        index += at(index + 1) == UInt8(ascii: "@") ? 2 : 1
        skipWord()
        return .identifier
      }
      if byte == UInt8(ascii: "$"), language.isScript || language == .java { return word() }
      return symbol()
    default:
      if Self.isWordStart(byte) { return word() }
      return symbol()
    }
  }

  static func isWordStart(_ byte: UInt8) -> Bool {
    (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || byte == 0x5f || byte >= 0x80
  }

  static func isWord(_ byte: UInt8) -> Bool { isWordStart(byte) || (0x30...0x39).contains(byte) }

  private mutating func skipLine() { while index < bytes.count, bytes[index] != 0x0a { index += 1 } }

  mutating func skipWord() {
    while index < bytes.count {
      let byte = bytes[index]
      guard Self.isWord(byte) || byte == UInt8(ascii: "$") && language.isScript else { return }
      index += 1
    }
  }

  private mutating func word() -> Token.Kind {
    let start = index
    skipWord()
    if index == start { index += 1 }
    let next = at(index)
    if next == 0x22 || next == 0x27 || next == UInt8(ascii: "#"), index - start <= 3,
      prefixedString(start: start, quote: next)
    {
      return .string
    }
    if language == .ruby, next == UInt8(ascii: "?") || next == UInt8(ascii: "!"), at(index + 1) != UInt8(ascii: "=") {
      index += 1
    }
    let text = UnsafeBufferPointer(rebasing: bytes[start..<index])
    if text.count <= 14, keywords.contains(String(decoding: text, as: UTF8.self)) { return .keyword }
    return .identifier
  }

  private mutating func hash() -> Token.Kind {
    if language == .swift {
      var hashes = 1
      while at(index + hashes) == UInt8(ascii: "#") { hashes += 1 }
      if at(index + hashes) == 0x22 {
        let isTripled = at(index + hashes + 1) == 0x22 && at(index + hashes + 2) == 0x22
        index += hashes + (isTripled ? 3 : 1)
        skip(
          past: [UInt8](repeating: 0x22, count: isTripled ? 3 : 1)
            + [UInt8](repeating: UInt8(ascii: "#"), count: hashes))
        return .string
      }
    }
    guard isFirstOnLine() else { return symbol() }
    var end = index + 1
    while at(end) == 0x20 || at(end) == 0x09 { end += 1 }
    let start = end
    while Self.isWord(at(end)) { end += 1 }
    switch String(decoding: bytes[start..<max(start, min(end, bytes.count))], as: UTF8.self) {
    case "define":
      index = end
      return .directive
    case "if", "ifdef", "ifndef", "elif", "elseif", "else", "endif", "include", "import", "undef", "pragma", "error",
      "warning", "line", "region", "endregion", "nullable":
      // A line that ends in a backslash goes on.
      while index < bytes.count {
        skipLine()
        guard index < bytes.count, bytes[index - 1] == 0x5c || bytes[index - 1] == 0x0d && at(index - 2) == 0x5c else {
          break
        }
        index += 1
      }
      return .directive
    default:
      return symbol()
    }
  }

  private func isFirstOnLine() -> Bool {
    for token in tokens.reversed() {
      if token.kind == .newline { return true }
      if token.isSignificant { return false }
    }
    return true
  }

  /// A comment or a regular expression; nil when the slash is an operator.
  private mutating func slash() -> Token.Kind? {
    let next = at(index + 1)
    if language != .python, language != .ruby {
      if next == UInt8(ascii: "/") {
        skipLine()
        return .comment
      }
      if next == UInt8(ascii: "*") {
        blockComment()
        return .comment
      }
    }
    guard language.isScript || language == .ruby, !endsOperand(previous) else { return nil }
    var end = index + 1
    var inClass = false
    while end < bytes.count, bytes[end] != 0x0a {
      let byte = bytes[end]
      if byte == 0x5c {
        end += 1
      } else if byte == UInt8(ascii: "[") {
        inClass = true
      } else if byte == UInt8(ascii: "]") {
        inClass = false
      } else if byte == UInt8(ascii: "/"), !inClass {
        end += 1
        while Self.isWord(at(end)) { end += 1 }
        index = end
        return .string
      }
      end += 1
    }
    return nil
  }

  private func endsOperand(_ token: Token?) -> Bool {
    guard let token else { return false }
    switch token.kind {
    case .identifier, .number, .string, .close: return true
    case .keyword:
      let text = String(decoding: bytes[token.range], as: UTF8.self)
      return ["this", "self", "super", "true", "false", "null", "undefined", "nil", "end"].contains(text)
    default: return false
    }
  }

  private mutating func blockComment() {
    let nests = language == .rust || language == .swift || language == .kotlin
    var depth = 1
    index += 2
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "*"), at(index + 1) == UInt8(ascii: "/") {
        index += 2
        depth -= 1
        if depth == 0 || !nests { return }
      } else if nests, bytes[index] == UInt8(ascii: "/"), at(index + 1) == UInt8(ascii: "*") {
        index += 2
        depth += 1
      } else {
        index += 1
      }
    }
  }

  private mutating func number() -> Token.Kind {
    let isHexadecimal = bytes[index] == 0x30 && at(index + 1) | 0x20 == UInt8(ascii: "x")
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: ".") {
        guard
          (0x30...0x39).contains(at(index + 1))
            || at(index + 1) != UInt8(ascii: ".") && !Self.isWordStart(at(index + 1))
        else { break }
        index += 1
      } else if byte | 0x20 == UInt8(ascii: "e"), !isHexadecimal,
        at(index + 1) == UInt8(ascii: "-") || at(index + 1) == UInt8(ascii: "+")
      {
        index += 2
      } else if Self.isWord(byte), byte < 0x80 {
        index += 1
      } else {
        break
      }
    }
    return .number
  }

  private mutating func symbol() -> Token.Kind {
    let length = Symbols.longest(at: index, in: bytes, language: language)
    index += length
    return length > 0 ? .symbol : .other
  }
}
