/// Finds the declarations of a source text, with their line ranges, from its tokens: brackets and keywords, no grammar.
///
/// It never fails; text that is no program, or unbalanced, gives fewer or odd declarations.
public enum DeclarationScanner {
  /// The declarations in order of their first lines.
  public static func scan(_ text: [UInt8], _ syntax: Syntax) -> [Declaration] {
    guard syntax.family != .plain else { return [] }
    return scan(text, IdentifierRuns(text), syntax)
  }

  /// As ``scan(_:_:)``.
  /// - Parameter runs: those of the text.
  public static func scan(_ text: [UInt8], _ runs: borrowing IdentifierRuns, _ syntax: Syntax) -> [Declaration] {
    guard syntax.family != .plain, text.count < 1 << 30 else { return [] }
    return text.withUnsafeBufferPointer { bytes in
      TermScanner.classes.withUnsafeBufferPointer { classes in
        runs.withMap { scan(bytes, $0, classes, syntax) }
      }
    }
  }

  private static func scan(
    _ bytes: UnsafeBufferPointer<UInt8>, _ map: IdentifierRuns.Map, _ classes: UnsafeBufferPointer<UInt8>,
    _ syntax: Syntax
  ) -> [Declaration] {
    var lexer = Lexer(bytes, map, classes, syntax)
    lexer.run()
    defer { lexer.free() }
    var found: [Declaration]
    switch syntax.family {
    case .python, .ends, .ruby, .elixir:
      var scanner = IndentedScanner(bytes, syntax, lexer.tokens)
      found = scanner.run()
    default:
      var scanner = BracedScanner(bytes, syntax, lexer.tokens, lexer.branches)
      found = scanner.run()
    }
    for macro in lexer.macros {
      let line = Int(macro.line) + 1
      found.append(
        Declaration(
          kind: .macro, name: Array(bytes[Int(macro.start)..<Int(macro.end)]), line: line, endLine: line))
    }
    found.sort { ($0.line, $1.endLine) < ($1.line, $0.endLine) }
    return found
  }

  /// The text between two places on one line, blanks folded, not too long.
  static func oneLine(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> [UInt8] {
    var result: [UInt8] = []
    for place in start..<min(end, text.count) {
      let byte = text[place]
      if byte <= 0x20 {
        if result.last != 0x20 { result.append(0x20) }
      } else {
        result.append(byte)
      }
      if result.count >= 160 {
        // Not in the middle of a scalar.
        while let last = result.last, last & 0xc0 == 0x80 { result.removeLast() }
        if let last = result.last, last >= 0xc0 { result.removeLast() }
        return result + Array("…".utf8)
      }
    }
    return result
  }
}

/// Languages whose blocks are told by indentation, or by indentation and `end`.
struct IndentedScanner {
  private let text: UnsafeBufferPointer<UInt8>
  private let syntax: Syntax
  private let tokens: Tokens

  init(_ text: UnsafeBufferPointer<UInt8>, _ syntax: Syntax, _ tokens: Tokens) {
    self.text = text
    self.syntax = syntax
    self.tokens = tokens
  }

  private struct Open {
    var indent: Int
    var symbol: Int
    var isType: Bool
  }

  /// Words that stand below a definition as far left as it does, without ending it.
  private static let clauses: [StaticString] = ["rescue", "ensure", "else", "catch", "after"]

  mutating func run() -> [Declaration] {
    var result: [Declaration] = []
    var open: [Open] = []
    var depth = 0
    var lastLine: Int32 = -1
    var previousEnd = 0
    for index in tokens.indices {
      let token = tokens[index]
      let isFirst = token.line != lastLine && depth == 0
      if isFirst {
        let indent = indentation(of: token)
        let closes = syntax.endsBlocks && text[Int(token.start)..<Int(token.end)].elementsEqual("end".utf8)
        let goesOn = syntax.endsBlocks && IndentedScanner.clauses.contains { token.spells($0, in: text) }
        while let last = open.last, indent < last.indent || indent == last.indent && !goesOn {
          result[last.symbol].endLine = closes && indent == last.indent ? Int(token.line) + 1 : previousEnd
          open.removeLast()
        }
        if let found = declaration(at: index) {
          var declaration = found
          if let outer = open.last {
            declaration.scope = result[outer.symbol].name
            if outer.isType, declaration.kind == .function { declaration.kind = .method }
          }
          open.append(
            Open(indent: indent, symbol: result.count, isType: !declaration.kind.isCallable))
          result.append(declaration)
        }
      }
      switch token.kind {
      case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
      default: break
      }
      // An unclosed bracket must not hide the rest of the file.
      if isFirst == false, depth > 0, token.line != lastLine, token.kind == Token.word,
        text[Int(token.start)..<Int(token.end)].elementsEqual("def".utf8)
      {
        depth = 0
      }
      lastLine = token.line
      previousEnd = endLine(of: token)
    }
    for last in open { result[last.symbol].endLine = max(result[last.symbol].line, previousEnd) }
    return result
  }

  private func endLine(of token: Token) -> Int {
    guard token.kind == Token.string else { return Int(token.line) + 1 }
    var line = Int(token.line) + 1
    for place in Int(token.start)..<Int(token.end) where text[place] == 0x0a { line += 1 }
    return line
  }

  private func indentation(of token: Token) -> Int {
    var place = Int(token.start)
    var width = 0
    while place > 0, text[place - 1] != 0x0a {
      place -= 1
      width += text[place] == 0x09 ? 8 : 1
    }
    return width
  }

  private func word(_ index: Int) -> ArraySlice<UInt8>? {
    guard index < tokens.count, tokens[index].kind == Token.word else { return nil }
    return Array(text[Int(tokens[index].start)..<Int(tokens[index].end)])[...]
  }

  /// The kind of a token that follows the one before it without a gap.
  private func adjacent(_ index: Int) -> UInt8? {
    guard index > 0, index < tokens.count, tokens[index].start == tokens[index - 1].end else { return nil }
    return tokens[index].kind
  }

  /// Where an operator's name ends, as in `def <=>(other)`.
  private func operatorEnd(_ index: Int) -> Int? {
    guard index < tokens.count, tokens[index].kind > 0x20, tokens[index].kind != UInt8(ascii: "(") else { return nil }
    var last = index
    while let next = adjacent(last + 1), next != UInt8(ascii: "("), next != Token.word, last - index < 3 { last += 1 }
    return last
  }

  private func declaration(at start: Int) -> Declaration? {
    var index = start
    guard var keyword = word(index) else { return nil }
    while ["async", "local", "private", "protected", "public", "private_class_method"].contains(where: {
      keyword.elementsEqual($0.utf8)
    }) {
      index += 1
      guard let next = word(index) else { return nil }
      keyword = next
    }
    let kind: Declaration.Kind
    switch String(decoding: keyword, as: UTF8.self) {
    case "def", "function", "defp", "defmacro", "defmacrop": kind = .function
    case "class": kind = .class
    case "module", "defmodule", "defimpl", "defprotocol": kind = .namespace
    default: return nil
    }
    if syntax.family == .python, kind == .namespace { return nil }
    index += 1
    guard var name = word(index) else {
      guard syntax.family == .ruby, kind == .function, let last = operatorEnd(index) else { return nil }
      let text = Array(text[Int(tokens[index].start)..<Int(tokens[last].end)])
      let line = Int(tokens[start].line) + 1
      return Declaration(kind: kind, name: text, line: line, endLine: line)
    }
    // `self.name` (Ruby), `Table:name` (Lua), `A::B`, `A.B`: the last part is the name.
    while index + 2 < tokens.count,
      [UInt8(ascii: "."), UInt8(ascii: ":"), Token.path].contains(tokens[index + 1].kind),
      tokens[index + 1].start == tokens[index].end, tokens[index + 2].start == tokens[index + 1].end,
      let next = word(index + 2)
    {
      name = next
      index += 2
    }
    // `empty?`, `save!`, and in Ruby the setter `name=(value)`.
    if syntax.family == .ruby || syntax.family == .elixir, let mark = adjacent(index + 1),
      mark == UInt8(ascii: "?") || mark == UInt8(ascii: "!")
        || syntax.family == .ruby && mark == UInt8(ascii: "=") && adjacent(index + 2) == UInt8(ascii: "(")
    {
      name.append(mark)
      index += 1
    }
    var signature: [UInt8]?
    if index + 1 < tokens.count, tokens[index + 1].kind == UInt8(ascii: "(") {
      var depth = 0
      for place in (index + 1)..<min(tokens.count, index + 400) {
        if tokens[place].kind == UInt8(ascii: "(") { depth += 1 }
        if tokens[place].kind == UInt8(ascii: ")") {
          depth -= 1
          if depth == 0 {
            signature = DeclarationScanner.oneLine(text, Int(tokens[index + 1].start), Int(tokens[place].end))
            break
          }
        }
      }
    }
    let line = Int(tokens[start].line) + 1
    return Declaration(kind: kind, name: Array(name), line: line, endLine: line, signature: signature)
  }
}
