/// Strings and characters as most languages write them, and the code within them.
extension Lexer {
  /// `'`: a string, a character, or (Rust) the name of a lifetime.
  mutating func quote() {
    if syntax.singleQuoteStrings { return string(hashes: 0) }
    if syntax.family == .swift || syntax.family == .plain { return punctuation(UInt8(ascii: "'")) }
    let start = index
    // A character literal is short: `'a'`, `'\''`, `'\u{1F600}'`.
    var place = index + 1
    while place < text.count, place - start < 14, text[place] != 0x0a {
      if text[place] == UInt8(ascii: "\\") {
        place += 2
        continue
      }
      if text[place] == UInt8(ascii: "'"), place > start + 1 {
        add(Token.string, start, place + 1, line: line)
        index = place + 1
        return
      }
      if syntax.family == .rust, place == start + 2, text[start + 1] < 0x80 { break }
      place += 1
    }
    index += 1
  }

  mutating func string(hashes: Int, isRaw: Bool = false) {
    if syntax.family == .cPlus, index > 0, text[index - 1] == UInt8(ascii: "R"), at(0) == UInt8(ascii: "\""),
      cppRaw()
    {
      return
    }
    let start = index
    let startLine = line
    skipString(hashes: hashes, isRaw: isRaw, depth: 0)
    add(Token.string, start, index, line: startLine)
  }

  mutating func skipString(hashes: Int, isRaw: Bool, depth: Int) {
    let mark = text[index]
    // C#: `@"…"` has no escapes but `""`, and may span lines; `$"…{code}…"`.
    let before = syntax.family == .cSharp && index > 0 ? text[index - 1] : 0
    let second = syntax.family == .cSharp && index > 1 ? text[index - 2] : 0
    let isVerbatim = before == UInt8(ascii: "@") || before == UInt8(ascii: "$") && second == UInt8(ascii: "@")
    let holdsCode = before == UInt8(ascii: "$") || before == UInt8(ascii: "@") && second == UInt8(ascii: "$")
    if isVerbatim { return skipVerbatim() }
    let isTriple = syntax.tripleQuotes && at(1) == mark && at(2) == mark
    let spansLines =
      isTriple || isRaw || syntax.stringsSpanLines
      || syntax.endsBlocks && mark == UInt8(ascii: "\"")
    let beginning = index
    index += isTriple ? 3 : 1
    while index < text.count {
      let byte = text[index]
      if byte == UInt8(ascii: "\\"), !isRaw {
        if hashes == 0 {
          if syntax.family == .swift, at(1) == UInt8(ascii: "("), depth < 8 {
            index += 2
            skipNested(UInt8(ascii: "("), UInt8(ascii: ")"), depth: depth + 1, spansLines: spansLines)
            continue
          }
          if at(1) == 0x0a { line += 1 }
          index += 2
          continue
        }
        index += 1
        continue
      }
      if depth < 8, byte != mark {
        if let sign = syntax.interpolation, byte == sign, at(1) == UInt8(ascii: "{"), mark == UInt8(ascii: "\"") {
          index += 2
          skipNested(UInt8(ascii: "{"), UInt8(ascii: "}"), depth: depth + 1, spansLines: spansLines)
          continue
        }
        if holdsCode, byte == UInt8(ascii: "{") {
          if at(1) == byte {
            index += 2
          } else {
            index += 1
            skipNested(UInt8(ascii: "{"), UInt8(ascii: "}"), depth: depth + 1, spansLines: spansLines)
          }
          continue
        }
      }
      if byte == 0x0a {
        // A lone quote (an apostrophe in text that looks like code) must not swallow the file.
        if !spansLines { return }
        line += 1
      }
      if byte == mark, !isTriple || at(1) == mark && at(2) == mark {
        let width = isTriple ? 3 : 1
        if hashes == 0 || (0..<hashes).allSatisfy({ at(width + $0) == UInt8(ascii: "#") }) || index == beginning {
          index += width + hashes
          return
        }
      }
      index += 1
    }
    index = min(index, text.count)
  }

  /// Code within a text, behind the bracket that opens it: up to the one that closes it.
  mutating func skipNested(_ opening: UInt8, _ closing: UInt8, depth: Int, spansLines: Bool) {
    var open = 1
    while index < text.count, open > 0 {
      switch text[index] {
      case opening: open += 1
      case closing: open -= 1
      case UInt8(ascii: "\""):
        skipString(hashes: 0, isRaw: false, depth: depth)
        continue
      case 0x0a:
        if !spansLines { return }
        line += 1
      default: break
      }
      index += 1
    }
  }

  /// Template literals and Go's raw strings: to the closing backtick, over `${ … }`.
  mutating func raw(_ mark: UInt8) {
    let start = index
    let startLine = line
    index += 1
    var open: [Int] = []
    while index < text.count {
      let byte = text[index]
      if byte == 0x0a { line += 1 }
      if syntax.family == .script {
        if byte == UInt8(ascii: "\\") {
          if at(1) == 0x0a { line += 1 }
          index += 2
          continue
        }
        if byte == UInt8(ascii: "$"), at(1) == UInt8(ascii: "{"), open.count < 64 {
          open.append(0)
          index += 2
          continue
        }
        if let depth = open.last {
          // Inside `${ … }` braces nest, and a backtick opens another template, which is skipped whole.
          if byte == UInt8(ascii: "{") { open[open.count - 1] = depth + 1 }
          if byte == UInt8(ascii: "}") {
            if depth == 0 { open.removeLast() } else { open[open.count - 1] = depth - 1 }
          }
          if byte == mark {
            index += 1
            while index < text.count, text[index] != mark {
              if text[index] == 0x0a { line += 1 }
              index += text[index] == UInt8(ascii: "\\") ? 2 : 1
            }
          }
          index += 1
          continue
        }
      }
      index += 1
      if byte == mark { break }
    }
    index = min(index, text.count)
    add(Token.string, start, index, line: startLine)
  }
}
