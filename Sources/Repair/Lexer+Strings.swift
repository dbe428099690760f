/// Strings of all kinds, which end in as many ways.
extension Lexer {
  /// Strings with a prefix, such as `rb'…'`, `u8"…"`, `R"x(…)x"`, `r#"…"#`.
  mutating func prefixedString(start: Int, quote: UInt8) -> Bool {
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

  mutating func quote(_ quote: UInt8) -> Token.Kind {
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
  mutating func scanString(quote: UInt8, escapes: Bool, multiline: Bool) {
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

  mutating func scanTemplate() {
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
  mutating func skipBalanced(from start: Int, open: UInt8, close: UInt8) {
    var depth = 0
    index = start
    while index < bytes.count {
      if bytes[index] == open { depth += 1 }
      if bytes[index] == close { depth -= 1 }
      index += 1
      if depth == 0 { return }
    }
  }

  mutating func skip(past closing: [UInt8]) {
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

  mutating func skipEscaped(past closing: [UInt8]) {
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
}
