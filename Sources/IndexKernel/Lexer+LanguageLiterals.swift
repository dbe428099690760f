/// Literals that only some languages have: here documents, sigils, characters behind a `?`, names in backticks, C++'s raw and
/// C#'s verbatim strings.
extension Lexer {
  /// `<<~END`, `<<-"END"`, `<<END` (Ruby, shells), `<<<END` (PHP): the text begins on the next line.
  mutating func beginHeredoc() -> Bool {
    var place = index + 2
    func byte() -> UInt8 { place < text.count ? text[place] : 0 }
    var isMarked = false
    if syntax.family == .php {
      guard byte() == UInt8(ascii: "<") else { return false }
      place += 1
      while byte() == 0x20 { place += 1 }
    } else {
      if byte() == UInt8(ascii: "~") || byte() == UInt8(ascii: "-") {
        place += 1
        isMarked = true
      }
      if syntax.family == .shell { while byte() == 0x20 { place += 1 } }
    }
    let quote = byte()
    let isQuoted = quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'")
    if isQuoted { place += 1 }
    let start = place
    while TermScannerClass.of(byte()) != 0, place < text.count { place += 1 }
    guard place > start, place - start < 64, TermScannerClass.of(text[start]) != 3 else { return false }
    if isQuoted, byte() != quote { return false }
    // `list <<item` appends; only a word in capitals behind a bare `<<` begins a text.
    if syntax.family == .ruby, !isMarked, !isQuoted, TermScannerClass.of(text[start]) != 2 { return false }
    if syntax.family == .ruby, index > 0, TermScannerClass.of(text[index - 1]) != 0 { return false }
    heredocs.append(start..<place)
    add(Token.string, index, place, line: line)
    index = isQuoted ? place + 1 : place
    return true
  }

  /// Over the texts that were announced on the line before.
  mutating func skipHeredocs() {
    for end in heredocs {
      let begin = (index, line)
      var isClosed = false
      while index < text.count, !isClosed {
        var place = index
        while place < text.count, text[place] == 0x20 || text[place] == 0x09 { place += 1 }
        if place + end.count <= text.count, text[place..<(place + end.count)].elementsEqual(text[end]),
          place + end.count == text.count || TermScannerClass.of(text[place + end.count]) == 0
        {
          index = place + end.count
          isClosed = true
        } else {
          while index < text.count, text[index] != 0x0a { index += 1 }
          if index < text.count {
            index += 1
            line += 1
          }
        }
      }
      // No such line: it was no text.
      if !isClosed { (index, line) = begin }
    }
    heredocs = []
  }

  /// Elixir's `~r/…/`, Ruby's `%w[…]`.
  mutating func sigil() -> Bool {
    guard TermScannerClass.of(at(1)) == 1 || TermScannerClass.of(at(1)) == 2 else { return false }
    if index > 0, TermScannerClass.of(text[index - 1]) != 0 { return false }
    if syntax.family == .ruby, ![0x77, 0x57, 0x69, 0x49, 0x71, 0x51, 0x72, 0x78].contains(at(1)) { return false }
    let open = at(2)
    let close: UInt8
    switch open {
    case UInt8(ascii: "("): close = UInt8(ascii: ")")
    case UInt8(ascii: "["): close = UInt8(ascii: "]")
    case UInt8(ascii: "{"): close = UInt8(ascii: "}")
    case UInt8(ascii: "<"): close = UInt8(ascii: ">")
    case UInt8(ascii: "/"), UInt8(ascii: "|"), UInt8(ascii: "!"), UInt8(ascii: "'"): close = open
    case UInt8(ascii: "\"") where at(3) != open: close = open
    default: return false
    }
    let start = index
    let first = line
    index += 3
    var depth = 1
    while index < text.count, depth > 0 {
      let byte = text[index]
      if byte == 0x0a { line += 1 }
      if byte == UInt8(ascii: "\\") {
        if at(1) == 0x0a { line += 1 }
        index += 2
        continue
      }
      if byte == close { depth -= 1 } else if byte == open { depth += 1 }
      index += 1
    }
    index = min(index, text.count)
    add(Token.string, start, index, line: first)
    return true
  }

  /// `?"` is a character; the `?` of `empty?` is none.
  mutating func characterOrMark() {
    let isCharacter =
      (at(1) == UInt8(ascii: "\"") || at(1) == UInt8(ascii: "'"))
      && (index == 0 || TermScannerClass.of(text[index - 1]) == 0)
    punctuation(UInt8(ascii: "?"))
    if isCharacter { index += 1 }
  }

  /// `` `a name` `` on one line, as a word without its backticks.
  mutating func backtickName() -> Bool {
    var end = index + 1
    while end < text.count, text[end] != UInt8(ascii: "`"), text[end] != 0x0a { end += 1 }
    guard end < text.count, text[end] == UInt8(ascii: "`"), end > index + 1 else { return false }
    add(Token.word, index + 1, end, line: line)
    index = end + 1
    return true
  }

  /// C++'s `R"mark(…)mark"`.
  mutating func cppRaw() -> Bool {
    var open = index + 1
    while open < text.count, open - index < 18, text[open] != UInt8(ascii: "("), text[open] > 0x20 { open += 1 }
    guard open < text.count, text[open] == UInt8(ascii: "(") else { return false }
    let mark = text[(index + 1)..<open]
    let first = line
    let start = index
    var place = open + 1
    var lines: Int32 = 0
    while place < text.count {
      if text[place] == 0x0a { lines += 1 }
      let end = place + 1 + mark.count
      if text[place] == UInt8(ascii: ")"), end < text.count, text[end] == UInt8(ascii: "\""),
        text[(place + 1)..<end].elementsEqual(mark)
      {
        index = end + 1
        line += lines
        add(Token.string, start, index, line: first)
        return true
      }
      place += 1
    }
    return false
  }

  /// C#'s `@"…"`: no escapes but a doubled quote.
  mutating func skipVerbatim() {
    index += 1
    while index < text.count {
      let byte = text[index]
      if byte == 0x0a { line += 1 }
      index += 1
      if byte == UInt8(ascii: "\"") {
        guard at(0) == byte else { return }
        index += 1
      }
    }
  }
}
