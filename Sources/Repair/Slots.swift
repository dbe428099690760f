/// An expression of a statement and what it is there for.
struct Slot: Sendable, Hashable {
  enum Role: UInt8, Sendable { case value, result, argument, index, iterable, operand, condition }

  var range: ClosedRange<Int>
  var role: Role
}

extension SourceFile {
  /// The conditions that decide which way a statement goes, as runs of tokens.
  func conditions(of statement: Statement) -> [ClosedRange<Int>] {
    var result: [ClosedRange<Int>] = []
    var index = statement.first
    while index <= statement.last {
      let text = texts[index]
      if ["if", "while", "elif", "elsif", "unless", "until", "guard", "assert"].contains(text),
        tokens[index].kind == .keyword,
        index < statement.last
      {
        if language.hasBracketedConditions, texts[index + 1] == "(", match[index + 1] > index + 2 {
          result.append((index + 2)...(match[index + 1] - 1))
        } else if !language.hasBracketedConditions {
          var end = index + 1
          while end <= statement.last {
            if [":", "else", ";", "for", ","].contains(texts[end]) || end > index + 1 && texts[end] == "if"
              || texts[end] == "let"
            {
              break
            }
            if tokens[end].kind == .close { break }
            if tokens[end].kind == .open, match[end] > end { end = min(match[end], statement.last) }
            end += 1
          }
          if end > index + 1 { result.append((index + 1)...(end - 1)) }
        }
      } else if text == "for", language.hasBracketedConditions, index < statement.last, texts[index + 1] == "(",
        match[index + 1] > index + 1
      {
        let parts = split((index + 2)...(match[index + 1] - 1), at: [";"])
        if parts.count == 3 { result.append(parts[1]) }
      } else if text == "?", index > statement.first, !language.hasIndentedBlocks, endsOperand(index - 1),
        index < statement.last
      {
        var start = index - 1
        while let operand = operandStart(endingAt: start, notBefore: statement.first) {
          start = operand
          while start > statement.first, isPrefix(start - 1, notBefore: statement.first) { start -= 1 }
          guard start - 1 > statement.first, precedence(start - 1) != nil else { break }
          start -= 2
        }
        if start >= statement.first, start <= index - 1 { result.append(start...(index - 1)) }
      }
      index += 1
    }
    if texts[statement.first] == "return", statement.last > statement.first {
      let range = (statement.first + 1)...statement.last
      let isBoolean = range.contains {
        ["and", "or", "&&", "||", "not", "!"].contains(texts[$0]) || precedence($0) == 4
      }
      if isBoolean, !range.contains(where: { ["if", "?", "for", "lambda", "=>"].contains(texts[$0]) }) {
        result.append(range)
      }
    }
    return result
  }

  /// The expressions of a statement's own tokens that could be other expressions, outermost first, each once.
  func slots(of statement: Statement) -> [Slot] {
    let whole = statement.first...statement.last
    var slots: [Slot] = []
    var seen: Set<ClosedRange<Int>> = []
    func add(_ range: ClosedRange<Int>, _ role: Slot.Role) {
      guard range.count <= 40, seen.insert(range).inserted else { return }
      slots.append(Slot(range: range, role: role))
    }
    for condition in conditions(of: statement) { add(condition, .condition) }
    var index = statement.first
    while index <= statement.last {
      let text = texts[index]
      if tokens[index].kind == .keyword, text == "return" || text == "yield", index < statement.last {
        add((index + 1)...statement.last, .result)
      } else if Self.assignments.contains(text), index > statement.first, index < statement.last,
        isTopLevel(index, in: statement)
      {
        add((index + 1)...statement.last, .value)
      } else if text == "in" || text == "of" || text == "range" && language == .go || text == ":" && language == .java,
        texts[statement.first] == "for" || enclosingFor(index, statement), index < statement.last
      {
        var end = index + 1
        while end <= statement.last, ![":", "if", "for"].contains(texts[end]), tokens[end].kind != .close {
          if tokens[end].kind == .open, match[end] > end { end = min(match[end], statement.last) }
          end += 1
        }
        if end > index + 1 { add((index + 1)...(end - 1), .iterable) }
      } else if isCall(index), match[index] <= statement.last {
        for element in elements(ofBracket: index) {
          // `name=value` and `label: value`: the value is the expression.
          if element.count > 2, isName(element.lowerBound),
            texts[element.lowerBound + 1] == "=" || texts[element.lowerBound + 1] == ":"
          {
            add((element.lowerBound + 2)...element.upperBound, .argument)
          } else {
            add(element, .argument)
          }
        }
      } else if tokens[index].kind == .open, match[index] > index + 1, match[index] <= statement.last,
        text == "(" || text == "[", !isSubscript(index), !isCall(index), texts[statement.first] != "def"
      {
        // Tuples and lists that are written out.
        let elements = elements(ofBracket: index)
        if elements.count > 1, elements.count <= 8 {
          for element in elements where !element.contains(where: { texts[$0] == "for" }) { add(element, .argument) }
        }
      } else if isSubscript(index), match[index] <= statement.last {
        for element in elements(ofBracket: index) {
          for part in split(element, at: [":"]) { add(part, .index) }
        }
      }
      index += 1
    }
    for index in whole {
      for branch in branches(at: index, of: statement) { add(branch, .value) }
    }
    for index in whole where isBinary(index, in: whole) {
      if let left = leftOperand(of: index, in: whole) { add(left, .operand) }
      if let right = rightOperand(of: index, in: whole) { add(right, .operand) }
    }
    return slots
  }

  /// The two values of `a if c else b` or `c ? a : b` whose `if` or `?` stands at the token.
  private func branches(at index: Int, of statement: Statement) -> [ClosedRange<Int>] {
    guard index > statement.first, index < statement.last, endsOperand(index - 1) else { return [] }
    let isPython = language == .python && texts[index] == "if"
    guard isPython || texts[index] == "?" && !language.hasIndentedBlocks else { return [] }
    func end(from start: Int) -> Int {
      var end = start
      while end <= statement.last, ![",", ";", "for", "if", "else", ":"].contains(texts[end]),
        tokens[end].kind != .close
      {
        if tokens[end].kind == .open, match[end] > end { end = min(match[end], statement.last) }
        end += 1
      }
      return end - 1
    }
    var result: [ClosedRange<Int>] = []
    var middle = index + 1
    while middle < statement.last, texts[middle] != (isPython ? "else" : ":") {
      if tokens[middle].kind == .close { return [] }
      if tokens[middle].kind == .open, match[middle] > middle { middle = min(match[middle], statement.last) }
      middle += 1
    }
    guard middle < statement.last else { return [] }
    if isPython {
      var start = index - 1
      while start > statement.first {
        let text = texts[start - 1]
        if ["return", "=", ",", "yield", ":", "else", "in", "+=", "lambda"].contains(text)
          || tokens[start - 1].kind == .open
        {
          break
        }
        start = match[start - 1] >= statement.first && match[start - 1] < start - 1 ? match[start - 1] : start - 1
      }
      if start < index { result.append(start...(index - 1)) }
    } else if middle > index + 1 {
      result.append((index + 1)...(middle - 1))
    }
    let last = end(from: middle + 1)
    if last > middle { result.append((middle + 1)...last) }
    return result
  }

  static let assignments: Set<String> = [
    "=", "+=", "-=", "*=", "/=", ":=", "//=", "%=", "|=", "&=", "^=", "??=", "||=", "&&=",
  ]

  /// True when no bracket of the statement holds the token.
  func isTopLevel(_ token: Int, in statement: Statement) -> Bool {
    var index = statement.first
    while index < token {
      if tokens[index].kind == .open, match[index] > index {
        if match[index] > token { return false }
        index = match[index]
      }
      index += 1
    }
    return true
  }

  private func enclosingFor(_ index: Int, _ statement: Statement) -> Bool {
    var cursor = index - 1
    while cursor >= statement.first, index - cursor < 12 {
      if texts[cursor] == "for" { return true }
      cursor -= 1
    }
    return false
  }
}
