/// Statements of languages whose blocks stand in braces.
struct BracedStatements {
  private let file: SourceFile
  private var statements: [Statement] = []

  static func split(_ file: SourceFile) -> [Statement] {
    var splitter = BracedStatements(file: file)
    splitter.block(0, file.tokens.count, parent: -1, depth: 0)
    return splitter.statements
  }

  private init(file: SourceFile) { self.file = file }

  /// Deeper nesting than any person writes is left as one piece.
  private static let maximumDepth = 120

  private mutating func block(_ low: Int, _ high: Int, parent: Int, depth: Int) {
    guard depth < Self.maximumDepth else { return }
    var index = low
    while index < high {
      if file.texts[index] == ";" || file.tokens[index].kind == .close || file.texts[index] == "," {
        index += 1
      } else {
        index = max(statement(index, high, parent: parent, depth: depth), index + 1)
      }
    }
  }

  /// Reads one statement from `start`, and returns the token behind it.
  private mutating func statement(_ start: Int, _ high: Int, parent: Int, depth: Int) -> Int {
    let own = statements.count
    statements.append(Statement(first: start, last: start, blockEnd: start, parent: parent))
    func isControl(_ text: String) -> Bool { Self.controls.contains(text) }
    let texts = file.texts
    let startsWithDirective = file.tokens[start].kind == .directive
    var index = start
    if startsWithDirective {
      // A macro is one piece, however many lines it goes on for.
      while index + 1 < high, file.lines[index + 1] == file.lines[index] || texts[index] == "\\" { index += 1 }
      finish(own, last: index)
      return index + 1
    }
    while index < high {
      let text = texts[index]
      if text == ";", file.language == .go, Self.goHeaders.contains(texts[start]) {
        index += 1
        continue
      }
      if text == ";" {
        finish(own, last: index - 1, terminator: index)
        return index + 1
      }
      if file.tokens[index].kind == .close { break }
      if index > start, file.tokens[index].kind == .directive { break }
      if index > start, file.language.endsStatementsAtNewlines, breaksLine(before: index, start: start) { break }
      if text == ":", texts[start] == "case" || texts[start] == "default", !file.language.hasIndentedBlocks {
        statements[own].isHeader = true
        finish(own, last: index)
        return index + 1
      }
      if file.tokens[index].kind == .open {
        let close = file.match[index]
        guard close > index, close <= high else {
          index += 1
          continue
        }
        if text == "{", opensBlock(index, start: start) {
          statements[own].isHeader = true
          finish(own, last: max(start, index - 1), blockEnd: close)
          if index == start { statements[own].last = start }
          block(index + 1, close, parent: own, depth: depth + 1)
          return close + 1
        }
        nested(index + 1, close, parent: own, depth: depth + 1)
        let isCondition =
          text == "(" && file.language.hasBracketedConditions && index > start
          && isControl(texts[index - 1]) && isControlStart(start, index - 1)
        index = close + 1
        if isCondition, index < high, texts[index] != "{", texts[index] != ";" {
          return inlineBody(own, headerEnd: close, from: index, high, depth: depth)
        }
        continue
      }
      if index == start, text == "else" || text == "do", file.language.hasBracketedConditions, index + 1 < high,
        texts[index + 1] != "{", texts[index + 1] != "if"
      {
        return inlineBody(own, headerEnd: index, from: index + 1, high, depth: depth)
      }
      index += 1
    }
    finish(own, last: max(start, index - 1))
    return index
  }

  /// A body of one statement without braces.
  private mutating func inlineBody(_ own: Int, headerEnd: Int, from: Int, _ high: Int, depth: Int) -> Int {
    statements[own].isHeader = true
    guard depth < Self.maximumDepth else {
      finish(own, last: headerEnd)
      return from
    }
    let end = statement(from, high, parent: own, depth: depth + 1)
    finish(own, last: headerEnd, blockEnd: max(headerEnd, end - 1))
    return end
  }

  private mutating func finish(_ own: Int, last: Int, blockEnd: Int? = nil, terminator: Int? = nil) {
    statements[own].last = max(statements[own].first, last)
    statements[own].blockEnd = max(statements[own].last, blockEnd ?? last)
    statements[own].terminator = terminator
  }

  /// Blocks inside brackets: callbacks and methods of object literals.
  private mutating func nested(_ low: Int, _ high: Int, parent: Int, depth: Int) {
    guard depth < Self.maximumDepth else { return }
    var index = low
    while index < high {
      let close = file.match[index]
      if file.tokens[index].kind == .open, close > index {
        if file.texts[index] == "{", opensBlock(index, start: low) {
          // The words before the brace name the function: they become its header.
          var first = index
          while first > low, file.texts[first - 1] != ",", file.texts[first - 1] != "{", file.texts[first - 1] != "}" {
            let partner = file.match[first - 1]
            first = partner >= 0 && partner < first - 1 ? max(low, partner) : first - 1
          }
          let own = statements.count
          statements.append(
            Statement(
              first: first, last: max(first, index - 1), isHeader: true, blockEnd: close, parent: parent))
          block(index + 1, close, parent: own, depth: depth + 1)
        } else {
          nested(index + 1, close, parent: parent, depth: depth + 1)
        }
        index = close + 1
      } else {
        index += 1
      }
    }
  }

  /// Words in Go with a block before any end of the statement: semicolons part what stands before it.
  private static let goHeaders: Set<String> = ["for", "if", "switch", "else"]
  private static let controls: Set<String> = ["if", "while", "for", "foreach", "switch", "catch", "when"]

  private func isControlStart(_ start: Int, _ control: Int) -> Bool {
    control == start || file.texts[start] == "else" && control == start + 1
  }

  /// True when the brace opens a block and not a literal.
  private func opensBlock(_ index: Int, start: Int) -> Bool {
    guard index > start else { return true }
    let previous = file.texts[index - 1]
    switch file.language {
    case .swift, .kotlin: return true
    case .go, .rust:
      if previous == ")" || previous == "else" || previous == "=>" || previous == "loop" || previous == "unsafe" {
        return true
      }
      if file.language == .go, ["=", "(", ",", ":=", ":", "return", "{", "]"].contains(previous) { return false }
      return (start..<index).contains { Self.openers.contains(file.texts[$0]) }
    case .javascript, .typescript:
      if ["=", "(", ",", ":", "return", "?", "[", "??", "||", "&&", "...", "{", "in", "of", "yield", "await"].contains(
        previous)
      {
        return false
      }
      return true
    default:
      if previous == ")" {
        let open = file.match[index - 1]
        // `(int[]){1, 2}` is a compound literal: nothing that could be called stands before its type.
        return open > 0
          && (file.isName(open - 1)
            || file.tokens[open - 1].kind == .keyword && file.texts[open - 1] != "return"
              && file.texts[open - 1] != "sizeof"
            || [">", ")", "]"].contains(file.texts[open - 1]))
      }
      return !["=", "(", ",", "return", "]", "{", "?"].contains(previous)
    }
  }

  private static let openers: Set<String> = [
    "if", "for", "switch", "func", "fn", "else", "select", "struct", "interface", "impl", "enum", "mod", "trait",
    "match",
    "loop", "while", "unsafe", "union", "extern",
  ]

  private func breaksLine(before index: Int, start: Int) -> Bool {
    guard file.lines[index] > file.lines[index - 1] else { return false }
    let previous = file.tokens[index - 1]
    let text = file.texts[index - 1]
    switch previous.kind {
    case .identifier, .number, .string, .close: break
    case .keyword:
      guard Self.mayEnd.contains(text) else { return false }
    default:
      guard ["++", "--", "!", "?"].contains(text) else { return false }
    }
    let next = file.texts[index]
    switch file.tokens[index].kind {
    case .identifier, .number, .string, .directive, .other: return true
    case .keyword:
      return !["else", "catch", "in", "of", "as", "is", "instanceof", "where", "extends", "implements"].contains(next)
    case .open: return !file.language.isScript && next != "{"
    case .symbol: return ["@", "!", "++", "--", "~"].contains(next)
    default: return false
    }
  }

  private static let mayEnd: Set<String> = [
    "return", "break", "continue", "true", "false", "null", "nil", "self", "this", "undefined", "fallthrough", "super",
  ]
}
