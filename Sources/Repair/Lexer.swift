/// Splits source text into tokens. It never fails: what it does not know becomes a token of one byte, and what is left
/// open (a string, a comment) ends where it must, so that broken programs can be lexed, too.
struct Lexer {
  private let bytes: UnsafeBufferPointer<UInt8>
  private let language: Language
  private let keywords: Set<String>
  private var index = 0
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

  private mutating func skipWord() {
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

  /// Strings with a prefix, such as `rb'…'`, `u8"…"`, `R"x(…)x"`, `r#"…"#`.
  private mutating func prefixedString(start: Int, quote: UInt8) -> Bool {
    let prefix = bytes[start..<index]
    switch language {
    case .python where quote != UInt8(ascii: "#"):
      guard prefix.allSatisfy({ "rRbBuUfFtT".utf8.contains($0) }) else { return false }
      _ = self.quote(quote)
      return true
    case .c, .cpp:
      guard quote != UInt8(ascii: "#"), prefix.allSatisfy({ "LuU8R".utf8.contains($0) }) else { return false }
      if quote == 0x22, prefix.last == UInt8(ascii: "R") {
        var end = index + 1
        while end < bytes.count, end - index < 18, bytes[end] != UInt8(ascii: "(") { end += 1 }
        let closing = [UInt8(ascii: ")")] + Array(bytes[min(index + 1, end)..<end]) + [0x22]
        index = end
        skip(past: closing)
      } else {
        scanString(quote: quote, escapes: true, multiline: false)
      }
      return true
    case .rust:
      guard prefix.allSatisfy({ "rbc".utf8.contains($0) }) else { return false }
      guard prefix.contains(UInt8(ascii: "r")) else {
        guard quote != UInt8(ascii: "#") else { return false }
        scanString(quote: quote, escapes: true, multiline: true)
        return true
      }
      var hashes = 0
      while at(index + hashes) == UInt8(ascii: "#") { hashes += 1 }
      guard at(index + hashes) == 0x22 else { return false }
      index += hashes + 1
      skip(past: [0x22] + [UInt8](repeating: UInt8(ascii: "#"), count: hashes))
      return true
    default:
      return false
    }
  }

  private mutating func quote(_ quote: UInt8) -> Token.Kind {
    let tripled = at(index + 1) == quote && at(index + 2) == quote
    switch language {
    case .python, .java, .kotlin, .swift:
      if tripled, quote == 0x22 || language == .python {
        index += 3
        skipEscaped(past: [quote, quote, quote])
        return .string
      }
    case .rust where quote == 0x27:
      // A lifetime is a word after the quote without a quote behind it.
      if Self.isWordStart(at(index + 1)), at(index + 2) != quote, at(index + 1) < 0x80 {
        index += 1
        skipWord()
        return .other
      }
    default: break
    }
    if quote == UInt8(ascii: "`") {
      switch language {
      case .javascript, .typescript:
        scanTemplate()
      case .go:
        index += 1
        skip(past: [quote])
      case .swift, .kotlin:
        index += 1
        skipWord()
        if at(index) == quote { index += 1 }
        return .identifier
      case .ruby, .php:
        scanString(quote: quote, escapes: true, multiline: true)
      default:
        index += 1
        return .other
      }
      return .string
    }
    let multiline = language == .rust || language == .ruby || language == .php
    scanString(quote: quote, escapes: true, multiline: multiline)
    return .string
  }

  /// From the opening quote to behind the closing one, or to the line's end.
  private mutating func scanString(quote: UInt8, escapes: Bool, multiline: Bool) {
    index += 1
    while index < bytes.count {
      let byte = bytes[index]
      if byte == 0x5c, escapes {
        // Interpolations may hold quotes of their own.
        if language == .swift, at(index + 1) == UInt8(ascii: "(") {
          skipBalanced(from: index + 1, open: UInt8(ascii: "("), close: UInt8(ascii: ")"))
        } else {
          index += 2
        }
        continue
      }
      if byte == 0x0a, !multiline { break }
      index += 1
      if byte == quote { break }
    }
    index = min(index, bytes.count)
  }

  private mutating func scanTemplate() {
    index += 1
    while index < bytes.count {
      let byte = bytes[index]
      if byte == 0x5c {
        index += 2
      } else if byte == UInt8(ascii: "$"), at(index + 1) == UInt8(ascii: "{") {
        skipBalanced(from: index + 1, open: UInt8(ascii: "{"), close: UInt8(ascii: "}"))
      } else {
        index += 1
        if byte == UInt8(ascii: "`") { break }
      }
    }
    index = min(index, bytes.count)
  }

  /// Moves behind the bracket that closes the one at `start`; strings inside are not looked into.
  private mutating func skipBalanced(from start: Int, open: UInt8, close: UInt8) {
    var depth = 0
    index = start
    while index < bytes.count {
      if bytes[index] == open { depth += 1 }
      if bytes[index] == close { depth -= 1 }
      index += 1
      if depth == 0 { return }
    }
  }

  private mutating func skip(past closing: [UInt8]) {
    while index < bytes.count {
      if bytes[index] == closing[0], index + closing.count <= bytes.count,
        bytes[index..<index + closing.count].elementsEqual(closing)
      {
        index += closing.count
        return
      }
      index += 1
    }
    index = bytes.count
  }

  private mutating func skipEscaped(past closing: [UInt8]) {
    while index < bytes.count {
      if bytes[index] == 0x5c {
        index += 2
      } else if bytes[index] == closing[0], index + closing.count <= bytes.count,
        bytes[index..<index + closing.count].elementsEqual(closing)
      {
        index += closing.count
        return
      } else {
        index += 1
      }
    }
    index = bytes.count
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
