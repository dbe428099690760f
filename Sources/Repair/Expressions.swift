/// Finds the extent of expressions in a run of tokens, without a grammar.
extension SourceFile {
  /// True when an operand may end at this token.
  func endsOperand(_ index: Int) -> Bool {
    guard index >= 0 else { return false }
    switch tokens[index].kind {
    case .identifier, .number, .string, .close: return true
    case .keyword: return Self.operandWords.contains(texts[index])
    case .symbol: return texts[index] == "++" || texts[index] == "--"
    default: return false
    }
  }

  static let operandWords: Set<String> = [
    "True", "False", "None", "true", "false", "null", "nil", "NULL", "nullptr", "self", "this", "super", "undefined",
    "Self", "end",
  ]

  /// The first token of the operand (a name or literal with members, calls and subscripts) that ends at `last`.
  func operandStart(endingAt last: Int, notBefore limit: Int) -> Int? {
    var index = last
    guard index >= limit, endsOperand(index) else { return nil }
    while true {
      if tokens[index].kind == .close {
        let open = match[index]
        guard open >= limit, open < index else { return nil }
        index = open
        // A call or subscript: what it applies to comes before, with nothing between.
        guard index > limit, texts[open] != "{", endsOperand(index - 1), !isControlWord(index - 1) else { break }
        index -= 1
        continue
      }
      if texts[index] == "++" || texts[index] == "--" {
        guard index > limit, endsOperand(index - 1) else { return nil }
        index -= 1
        continue
      }
      if index - 1 > limit, Self.accessors.contains(texts[index - 1]), endsOperand(index - 2) {
        index -= 2
        continue
      }
      if index - 1 >= limit, texts[index - 1] == ".", language == .swift { index -= 1 }
      break
    }
    return index
  }

  private func isControlWord(_ index: Int) -> Bool {
    tokens[index].kind == .keyword && !Self.operandWords.contains(texts[index])
  }

  /// True when the token is an operator before its operand.
  func isPrefix(_ index: Int, notBefore limit: Int) -> Bool {
    switch texts[index] {
    case "!", "not", "~", "await", "new", "typeof", "sizeof", "try", "++", "--": return true
    case "-", "+", "*", "&", "**", "...": return index <= limit || !endsOperand(index - 1)
    default: return false
    }
  }

  /// The last token of the operand that begins at `first`, its prefix operators included.
  func operandEnd(startingAt first: Int, notAfter limit: Int) -> Int? {
    var index = first
    while index <= limit, isPrefix(index, notBefore: first) { index += 1 }
    guard index <= limit else { return nil }
    switch tokens[index].kind {
    case .identifier, .number, .string: break
    case .keyword where Self.operandWords.contains(texts[index]): break
    case .open:
      guard match[index] > index, match[index] <= limit else { return nil }
      index = match[index]
    case .symbol where texts[index] == "." && language == .swift && index < limit: index += 1
    default: return nil
    }
    while index < limit {
      let next = index + 1
      if Self.accessors.contains(texts[next]), next < limit,
        tokens[next + 1].kind == .identifier || tokens[next + 1].kind == .keyword
      {
        index = next + 1
      } else if texts[next] == "(" || texts[next] == "[", match[next] > next, match[next] <= limit {
        index = match[next]
      } else if texts[next] == "++" || texts[next] == "--" {
        index = next
      } else {
        break
      }
    }
    return index
  }

  /// How tightly a binary operator binds; nil when the text is none.
  func precedence(_ index: Int) -> Int? {
    switch texts[index] {
    case "||", "or", "??": 1
    case "&&", "and": 2
    case "==", "!=", "===", "!==", "<", ">", "<=", ">=", "is", "in", "instanceof", "<=>": 4
    case "|": 5
    case "^": 6
    case "&": 7
    case "<<", ">>", ">>>", "..<", "...", "..", "..=": 8
    case "+", "-": 9
    case "*", "/", "%", "//", "@": 10
    case "**": 12
    default: nil
    }
  }

  /// True when the token stands between two operands.
  func isBinary(_ index: Int, in range: ClosedRange<Int>) -> Bool {
    guard precedence(index) != nil, index > range.lowerBound, index < range.upperBound else { return false }
    return endsOperand(index - 1)
  }

  /// The tokens left of a binary operator that belong to it.
  func leftOperand(of index: Int, in range: ClosedRange<Int>) -> ClosedRange<Int>? {
    guard let own = precedence(index), index > range.lowerBound else { return nil }
    guard var start = operandStart(endingAt: index - 1, notBefore: range.lowerBound) else { return nil }
    while true {
      while start > range.lowerBound, isPrefix(start - 1, notBefore: range.lowerBound),
        texts[start - 1] != "not" || own < 3
      {
        start -= 1
      }
      guard start - 1 > range.lowerBound, let other = precedence(start - 1), other >= own, other != 4 || own < 4,
        let further = operandStart(endingAt: start - 2, notBefore: range.lowerBound)
      else { break }
      start = further
    }
    return start...(index - 1)
  }

  /// The tokens right of a binary operator that belong to it.
  func rightOperand(of index: Int, in range: ClosedRange<Int>) -> ClosedRange<Int>? {
    guard let own = precedence(index), index < range.upperBound else { return nil }
    var start = index + 1
    if texts[index] == "is" || texts[index] == "not", texts[start] == "not" || texts[start] == "in" { start += 1 }
    guard start <= range.upperBound, var end = operandEnd(startingAt: start, notAfter: range.upperBound) else {
      return nil
    }
    while end + 1 < range.upperBound, let other = precedence(end + 1), other > own,
      let further = operandEnd(startingAt: end + 2, notAfter: range.upperBound)
    {
      end = further
    }
    return start...end
  }

  /// The ranges between the commas of a bracket; empty when nothing stands in it.
  func elements(ofBracket open: Int) -> [ClosedRange<Int>] {
    let close = match[open]
    guard close > open + 1 else { return [] }
    var result: [ClosedRange<Int>] = []
    var start = open + 1
    var index = open + 1
    while index < close {
      if tokens[index].kind == .open, match[index] > index { index = match[index] }
      if texts[index] == "," {
        if index > start { result.append(start...(index - 1)) }
        start = index + 1
      }
      index += 1
    }
    if start < close { result.append(start...(close - 1)) }
    return result
  }

  /// Whether a token stands within a bracket, and within none inside of that.
  func isDirectly(_ index: Int, inside open: Int) -> Bool {
    var here = open + 1
    while here < index {
      if tokens[here].kind == .open, match[here] > here { here = match[here] }
      here += 1
    }
    return here == index
  }

  /// True when the bracket holds the arguments of a call, and not parameters or a bracketed expression.
  func isCall(_ open: Int) -> Bool {
    guard texts[open] == "(", open > 0, match[open] > open else { return false }
    guard tokens[open - 1].kind == .identifier || tokens[open - 1].kind == .close && texts[open - 1] != "}" else {
      return false
    }
    if open > 1, ["def", "func", "fn", "function", "fun"].contains(texts[open - 2]) { return false }
    return true
  }

  /// True when the bracket is a subscript.
  func isSubscript(_ open: Int) -> Bool {
    texts[open] == "[" && open > 0 && match[open] > open && endsOperand(open - 1) && tokens[open - 1].kind != .number
  }

  /// Splits a run of tokens at an operator that stands in no bracket of it.
  func split(_ range: ClosedRange<Int>, at separators: Set<String>) -> [ClosedRange<Int>] {
    var result: [ClosedRange<Int>] = []
    var start = range.lowerBound
    var index = range.lowerBound
    while index <= range.upperBound {
      if tokens[index].kind == .open, match[index] > index { index = min(match[index], range.upperBound) }
      if separators.contains(texts[index]), index > start {
        result.append(start...(index - 1))
        start = index + 1
      }
      index += 1
    }
    if start <= range.upperBound { result.append(start...range.upperBound) }
    return result
  }
}
