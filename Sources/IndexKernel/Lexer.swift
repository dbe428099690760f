import Glibc

/// Cuts source text into tokens, leaving out comments, the insides of strings, and preprocessor lines. Never fails: what
/// it does not understand is punctuation.
struct Lexer {
  let text: UnsafeBufferPointer<UInt8>
  private let map: IdentifierRuns.Map
  /// See ``TermScanner/classes``.
  private let classes: UnsafeBufferPointer<UInt8>
  let syntax: Syntax
  /// What was found, in room for more.
  private var room: UnsafeMutableBufferPointer<Token>
  private var count = 0
  /// Names of `#define`d macros with their lines.
  private(set) var macros: [Token] = []
  /// Token counts at which a preprocessor branch begins (`+`), switches (`|`) or ends (`-`).
  private(set) var branches: [(token: Int, mark: UInt8)] = []
  var index = 0
  var line: Int32 = 0
  private var lineStart = true
  /// Texts that begin on the next line, by the word that ends each.
  var heredocs: [Range<Int>] = []

  init(
    _ text: UnsafeBufferPointer<UInt8>, _ map: IdentifierRuns.Map, _ classes: UnsafeBufferPointer<UInt8>,
    _ syntax: Syntax
  ) {
    self.text = text
    self.map = map
    self.classes = classes
    self.syntax = syntax
    room = .allocate(capacity: text.count / 3 + 16)
  }

  /// What was found, until ``free()``.
  var tokens: Tokens { Tokens(all: UnsafeBufferPointer(rebasing: room[..<count])) }

  func free() { room.deallocate() }

  @inline(__always)
  mutating func add(_ kind: UInt8, _ start: Int, _ end: Int, line: Int32) {
    if count == room.count { grow() }
    room[count] = Token(
      kind: kind, start: Int32(truncatingIfNeeded: start), end: Int32(truncatingIfNeeded: end), line: line)
    count &+= 1
  }

  private mutating func grow() {
    let wider = UnsafeMutableBufferPointer<Token>.allocate(capacity: room.count * 2)
    _ = wider.moveInitialize(fromContentsOf: room)
    room.deallocate()
    room = wider
  }

  func at(_ ahead: Int) -> UInt8 { index + ahead < text.count ? text[index + ahead] : 0 }

  mutating func run() {
    while index < text.count {
      let byte = text[index]
      let kind = classes[Int(byte)]
      if kind != 0 {
        word(isNumber: kind == 3)
        lineStart = false
        continue
      }
      switch byte {
      case 0x20, 0x09, 0x0d:
        index &+= 1
        continue
      case 0x0a:
        line += 1
        index += 1
        lineStart = true
        if !heredocs.isEmpty { skipHeredocs() }
        continue
      case UInt8(ascii: "#"):
        hash()
      case UInt8(ascii: "/"):
        slash()
      case UInt8(ascii: "-") where syntax.dashComments && at(1) == UInt8(ascii: "-"):
        skipLine()
      case UInt8(ascii: "\""):
        string(hashes: 0)
      case UInt8(ascii: "'"):
        quote()
      case UInt8(ascii: "`"):
        if syntax.backtickStrings { raw(byte) } else if !syntax.backtickNames || !backtickName() { punctuation(byte) }
      case UInt8(ascii: "<") where syntax.heredocs && at(1) == byte:
        if !beginHeredoc() { punctuation(byte) }
      case UInt8(ascii: "~") where syntax.family == .elixir, UInt8(ascii: "%") where syntax.family == .ruby:
        if !sigil() { punctuation(byte) }
      case UInt8(ascii: "?") where syntax.family == .ruby || syntax.family == .elixir:
        characterOrMark()
      case UInt8(ascii: "="), UInt8(ascii: "-"):
        if at(1) == UInt8(ascii: ">") {
          add(Token.arrow, index, index + 2, line: line)
          index += 2
        } else {
          punctuation(byte)
        }
      case UInt8(ascii: ":") where at(1) == byte:
        add(Token.path, index, index + 2, line: line)
        index += 2
      default: punctuation(byte)
      }
      lineStart = false
    }
  }

  mutating func punctuation(_ byte: UInt8) {
    add(byte, index, index + 1, line: line)
    index += 1
  }

  private mutating func word(isNumber: Bool) {
    let start = index
    index = map.end(from: index)
    if syntax.dollarNames {
      while index < text.count, text[index] == UInt8(ascii: "$") { index = map.end(from: index + 1) }
    }
    if syntax.family == .rust, index - start == 1, text[start] == UInt8(ascii: "r"),
      at(0) == UInt8(ascii: "\"")
        || at(0) == UInt8(ascii: "#") && (at(1) == UInt8(ascii: "\"") || at(1) == UInt8(ascii: "#"))
    {
      var hashes = 0
      while at(0) == UInt8(ascii: "#") {
        hashes += 1
        index += 1
      }
      if at(0) == UInt8(ascii: "\"") { string(hashes: max(1, hashes), isRaw: true) }
      return
    }
    add(isNumber ? Token.number : Token.word, start, index, line: line)
  }

  private mutating func skipLine() {
    guard let base = text.baseAddress, index < text.count else { return }
    let found = memchr(base + index, 0x0a, text.count - index)
    index = found.map { UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) - base } ?? text.count
  }

  private mutating func hash() {
    if syntax.hashComments {
      // `$#` and `${#x}` of shells are no comments.
      let previous = index > 0 ? text[index - 1] : 0x0a
      if syntax.family != .shell || previous <= 0x20 || previous == UInt8(ascii: ";") {
        skipLine()
      } else {
        index += 1
      }
    } else if syntax.preprocessor && lineStart {
      directive()
    } else if syntax.family == .swift, at(1) == UInt8(ascii: "\"") || at(1) == UInt8(ascii: "#") {
      var hashes = 0
      while at(0) == UInt8(ascii: "#") {
        hashes += 1
        index += 1
      }
      if at(0) == UInt8(ascii: "\"") { string(hashes: hashes) }
    } else {
      punctuation(UInt8(ascii: "#"))
    }
  }

  private mutating func directive() {
    index += 1
    while at(0) == 0x20 || at(0) == 0x09 { index += 1 }
    let start = index
    while index < text.count, classes[Int(text[index])] == 1 { index += 1 }
    if spells(start, "if") || spells(start, "ifdef") || spells(start, "ifndef") {
      branches.append((count, UInt8(ascii: "+")))
    } else if spells(start, "else") || spells(start, "elif") {
      branches.append((count, UInt8(ascii: "|")))
    } else if spells(start, "endif") {
      branches.append((count, UInt8(ascii: "-")))
    } else if spells(start, "define") {
      while at(0) == 0x20 || at(0) == 0x09 { index += 1 }
      let begin = index
      index = map.end(from: min(index, text.count))
      if index > begin { macros.append(Token(kind: Token.word, start: Int32(begin), end: Int32(index), line: line)) }
    }
    // To the end of the line, over continuations and comments.
    var place = index
    while place < text.count {
      let byte = text[place]
      if byte == 0x0a { break }
      place &+= 1
      guard byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "/") else { continue }
      index = place - 1
      if byte == UInt8(ascii: "/") {
        if at(1) == UInt8(ascii: "*") { blockComment() } else { continue }
      } else if at(1) == 0x0a || at(1) == 0x0d && at(2) == 0x0a {
        index += at(1) == 0x0a ? 2 : 3
        line += 1
      } else {
        continue
      }
      place = index
    }
    index = place
  }

  /// Whether the bytes from `start` to ``index`` are a word.
  private func spells(_ start: Int, _ word: StaticString) -> Bool {
    guard index - start == word.utf8CodeUnitCount, let base = text.baseAddress else { return false }
    return memcmp(base + start, word.utf8Start, index - start) == 0
  }

  private mutating func slash() {
    if syntax.family == .ruby {
      if !regexMayStart || !skipRegex() { punctuation(UInt8(ascii: "/")) }
      return
    }
    guard syntax.slashComments else { return punctuation(UInt8(ascii: "/")) }
    if at(1) == UInt8(ascii: "/") { return skipLine() }
    if at(1) == UInt8(ascii: "*") { return blockComment() }
    if syntax.family == .script, regexMayStart, skipRegex() { return }
    punctuation(UInt8(ascii: "/"))
  }

  private mutating func blockComment() {
    var place = index + 2
    let end = text.count
    if !syntax.nestedComments, let base = text.baseAddress {
      var isClosed = false
      while place < end, !isClosed {
        guard let star = memchr(base + place, 0x2a, end - place) else {
          place = end
          break
        }
        place = UnsafePointer(star.assumingMemoryBound(to: UInt8.self)) - base + 1
        isClosed = place < end && base[place] == UInt8(ascii: "/")
      }
      if isClosed { place += 1 }
      line += Int32(truncatingIfNeeded: map.lineEnds(min(index + 2, end), place))
      index = place
      return
    }
    var depth = 1
    while place < end, depth > 0 {
      let byte = text[place]
      place += 1
      if byte == 0x0a {
        line += 1
      } else if byte == UInt8(ascii: "*") {
        guard place < end, text[place] == UInt8(ascii: "/") else { continue }
        depth -= 1
        place += 1
      } else if byte == UInt8(ascii: "/"), syntax.nestedComments, place < end, text[place] == UInt8(ascii: "*") {
        depth += 1
        place += 1
      }
    }
    index = place
  }

  /// A `/` begins a regular expression where an operand is expected.
  private var regexMayStart: Bool {
    guard count > 0 else { return true }
    let last = room[count - 1]
    if syntax.family == .ruby, last.line < line { return true }
    switch last.kind {
    case Token.number, Token.string, UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): return false
    case Token.word:
      let word = text[Int(last.start)..<Int(last.end)]
      let isOperator = ["return", "typeof", "case", "if", "unless", "when", "and", "or", "not", "in"].contains {
        word.elementsEqual($0.utf8)
      }
      // `match /a b/` in Ruby: a call without parentheses.
      return isOperator
        || syntax.family == .ruby && Int(last.end) < index && index + 1 < text.count && text[index + 1] > 0x20
    default: return true
    }
  }

  private mutating func skipRegex() -> Bool {
    var place = index + 1
    var inClass = false
    while place < text.count, text[place] != 0x0a {
      switch text[place] {
      case UInt8(ascii: "\\"): place += 1
      case UInt8(ascii: "["): inClass = true
      case UInt8(ascii: "]"): inClass = false
      case UInt8(ascii: "/") where !inClass:
        add(Token.string, index, place + 1, line: line)
        index = place + 1
        return true
      default: break
      }
      place += 1
    }
    return false
  }
}

/// The byte classes of ``TermScanner``, without a table look-up through an array.
enum TermScannerClass {
  @inline(__always)
  static func of(_ byte: UInt8) -> UInt8 {
    switch byte {
    case 0x61...0x7a, 0x80...: 1
    case 0x41...0x5a: 2
    case 0x30...0x39: 3
    case 0x5f: 4
    default: 0
    }
  }
}
