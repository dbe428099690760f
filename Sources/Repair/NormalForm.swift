/// A spelling of a program in which some changes without effect are gone: two patches whose results have the same normal
/// form are one patch.
///
/// Comparisons point to the left's smaller side, steps of one are taken into them, brackets around operands and
/// negations of comparisons are resolved. What cannot be decided from a few tokens stays as it is.
enum NormalForm {
  /// A hash of the normal form of a text.
  static func hash(of bytes: [UInt8], language: Language) -> UInt64 {
    var hash = StableHash()
    for token in tokens(of: bytes, language: language) {
      hash.add(token.utf8)
      hash.add(CollectionOfOne(0))
    }
    return hash.value
  }

  /// The tokens of the normal form. Python's indentation is kept as tokens of its own.
  static func tokens(of bytes: [UInt8], language: Language) -> [String] {
    var tokens: [String] = []
    var pendingIndentation: String?
    var atLineStart = true
    for token in Lexer.tokens(of: bytes, language: language) {
      switch token.kind {
      case .newline: atLineStart = true
      case .space where atLineStart: pendingIndentation = String(decoding: bytes[token.range], as: UTF8.self)
      case .space, .comment: continue
      default:
        if atLineStart, language.hasIndentedBlocks { tokens.append("\n" + (pendingIndentation ?? "")) }
        atLineStart = false
        tokens.append(String(decoding: bytes[token.range], as: UTF8.self))
      }
      if token.kind == .newline { pendingIndentation = nil }
    }
    // Values that are equal to each other: no comparison tells them apart.
    if language == .python { tokens = tokens.map { equalValues[$0] ?? $0 } }
    for _ in 0..<4 {
      let before = tokens
      tokens = withoutBrackets(tokens)
      tokens = withoutNegations(tokens)
      tokens = withoutSteps(tokens)
      tokens = leftward(tokens)
      tokens = simplified(tokens)
      if tokens == before { break }
    }
    return tokens
  }

  private static let equalValues = ["0.0": "0", "False": "0", "1.0": "1", "True": "1"]

  private static func isAtom(_ text: String) -> Bool {
    guard let first = text.utf8.first else { return false }
    return Lexer.isWord(first) || first == 0x22 || first == 0x27
  }

  private static let words: Set<String> = [
    "and", "or", "not", "in", "is", "if", "else", "return", "for", "while", "lambda", "yield", "await", "elif",
    "assert", "new", "case", "throw", "raise",
  ]

  private static func isOperand(_ text: String) -> Bool { isAtom(text) && !words.contains(text) }

  /// `(x)` becomes `x` where it is no call: one operand, or all of a condition or result.
  private static func withoutBrackets(_ tokens: [String]) -> [String] {
    var result: [String] = []
    var index = 0
    while index < tokens.count {
      if tokens[index] == "(", index + 2 < tokens.count, tokens[index + 2] == ")",
        isOperand(tokens[index + 1]) || tokens[index + 1] == "not",
        index == 0
          || !isOperand(tokens[index - 1]) && tokens[index - 1] != ")" && tokens[index - 1] != "]"
            && tokens[index - 1] != ">",
        index == 0 || !["if", "while", "for", "switch"].contains(tokens[index - 1])
      {
        result.append(tokens[index + 1])
        index += 3
      } else if tokens[index] == "(", index > 0, ["return", "=", "and", "or", "&&", "||"].contains(tokens[index - 1]),
        let close = partner(tokens, index),
        isComparison(tokens, index + 1, close) || close + 1 >= tokens.count
          || [";", "\n"].contains(String(tokens[close + 1].prefix(1))),
        !tokens[(index + 1)..<close].contains(",")
      {
        result += tokens[(index + 1)..<close]
        index = close + 1
      } else {
        result.append(tokens[index])
        index += 1
      }
    }
    return result
  }

  private static func partner(_ tokens: [String], _ open: Int) -> Int? {
    var depth = 0
    for index in open..<min(tokens.count, open + 200) {
      switch tokens[index] {
      case "(", "[", "{": depth += 1
      case ")", "]", "}":
        depth -= 1
        if depth == 0 { return index }
      default: break
      }
    }
    return nil
  }

  private static let comparisons: Set<String> = ["<", "<=", ">", ">=", "==", "!=", "===", "!=="]

  /// True when the run is one comparison of operands without connectives.
  private static func isComparison(_ tokens: [String], _ start: Int, _ end: Int) -> Bool {
    var found = 0
    for index in start..<end {
      if comparisons.contains(tokens[index]) { found += 1 }
      if ["and", "or", "&&", "||", "not", "!", "if", "?", "in", "is", ","].contains(tokens[index]) { return false }
    }
    return found == 1
  }

  private static let opposites: [String: String] = [
    "<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "==", "===": "!==", "!==": "===",
  ]

  /// `not (a < b)` becomes `a >= b`, `not x is None` becomes `x is not None`, `!!x` in conditions stays.
  private static func withoutNegations(_ tokens: [String]) -> [String] {
    var result: [String] = []
    var index = 0
    while index < tokens.count {
      let isNegation = tokens[index] == "not" || tokens[index] == "!"
      if isNegation, index + 1 < tokens.count, tokens[index + 1] == "(", let close = partner(tokens, index + 1),
        isComparison(tokens, index + 2, close)
      {
        result += tokens[(index + 2)..<close].map { opposites[$0] ?? $0 }
        index = close + 1
      } else if tokens[index] == "not", let end = operandEnd(tokens, index + 1), end + 1 < tokens.count,
        ["==", "!=", "<", ">", "<=", ">=", "is", "in"].contains(tokens[end + 1])
      {
        result += tokens[(index + 1)...end]
        if tokens[end + 1] == "is" || tokens[end + 1] == "in" {
          result += tokens[end + 1] == "is" ? ["is", "not"] : ["not", "in"]
          index = end + 2
          if index < tokens.count, tokens[index] == "not" {
            result.removeLast()
            index += 1
          }
        } else {
          result.append(opposites[tokens[end + 1]] ?? tokens[end + 1])
          index = end + 2
        }
      } else {
        result.append(tokens[index])
        index += 1
      }
    }
    return result
  }

  /// The last token of the operand that begins at `start`.
  private static func operandEnd(_ tokens: [String], _ start: Int) -> Int? {
    guard start < tokens.count, isOperand(tokens[start]) else { return nil }
    var index = start
    while index + 1 < tokens.count {
      if [".", "->", "::", "?."].contains(tokens[index + 1]), index + 2 < tokens.count, isAtom(tokens[index + 2]) {
        index += 2
      } else if ["(", "["].contains(tokens[index + 1]), let close = partner(tokens, index + 1) {
        index = close
      } else {
        break
      }
    }
    return index
  }

  /// The first token of the operand that ends at `end`.
  private static func operandStart(_ tokens: [String], _ end: Int) -> Int? {
    guard end >= 0 else { return nil }
    var index = end
    while true {
      if [")", "]"].contains(tokens[index]) {
        var depth = 0
        var open = index
        while open >= 0, index - open < 200 {
          if [")", "]", "}"].contains(tokens[open]) { depth += 1 }
          if ["(", "[", "{"].contains(tokens[open]) { depth -= 1 }
          if depth == 0 { break }
          open -= 1
        }
        guard open > 0, depth == 0 else { return nil }
        guard isOperand(tokens[open - 1]) || [")", "]"].contains(tokens[open - 1]) else { return open }
        index = open - 1
        continue
      }
      guard isOperand(tokens[index]) else { return nil }
      if index >= 2, [".", "->", "::", "?."].contains(tokens[index - 1]),
        isOperand(tokens[index - 2]) || [")", "]"].contains(tokens[index - 2])
      {
        index -= 2
        continue
      }
      return index
    }
  }

  private static let arithmetic: Set<String> = ["+", "-", "*", "/", "//", "%", "**"]

  /// The last token of the operands joined by arithmetic that begin at `start`.
  private static func chainEnd(_ tokens: [String], _ start: Int) -> Int? {
    guard var end = operandEnd(tokens, tokens[safe: start] == "-" ? start + 1 : start) else { return nil }
    while let sign = tokens[safe: end + 1], arithmetic.contains(sign), let next = operandEnd(tokens, end + 2) {
      end = next
    }
    return end
  }

  /// The first token of the operands joined by arithmetic that end at `end`.
  private static func chainStart(_ tokens: [String], _ end: Int) -> Int? {
    guard var start = operandStart(tokens, end) else { return nil }
    while start >= 2, arithmetic.contains(tokens[start - 1]), let next = operandStart(tokens, start - 2) {
      start = next
    }
    return start
  }

  /// With whole numbers `a <= b - 1` is `a < b`, and `a + 1 <= b` is, too.
  private static func withoutSteps(_ tokens: [String]) -> [String] {
    var result = tokens
    var index = 0
    while index < result.count {
      let sign = result[index]
      if ["<", "<=", ">", ">="].contains(sign) {
        // On the right: `x - 1` or `x + 1`.
        if let end = chainEnd(result, index + 1), end - 2 > index, result[end] == "1",
          result[end - 1] == "+" || result[end - 1] == "-",
          let stricter = stepped(sign, result[end - 1] == "+" ? 1 : -1)
        {
          result[index] = stricter
          result.removeSubrange((end - 1)...end)
          continue
        }
        // On the left: `x + 1` or `x - 1`.
        if index >= 3, result[index - 1] == "1", result[index - 2] == "+" || result[index - 2] == "-",
          operandStart(result, index - 3) != nil,
          let stricter = stepped(sign, result[index - 2] == "+" ? -1 : 1)
        {
          result[index] = stricter
          result.removeSubrange((index - 2)...(index - 1))
          index -= 2
          continue
        }
      }
      index += 1
    }
    return result
  }

  /// The comparison that says the same when its right side loses `step`; nil when no single one does.
  private static func stepped(_ sign: String, _ step: Int) -> String? {
    switch (sign, step) {
    case ("<", 1): "<="
    case ("<=", -1): "<"
    case (">", -1): ">="
    case (">=", 1): ">"
    default: nil
    }
  }

  /// `b > a` becomes `a < b`; operands of equality are put in order.
  private static func leftward(_ tokens: [String]) -> [String] {
    var result = tokens
    var index = 1
    let stops: Set<String> = ["<", ">", "<=", ">=", "&", "|", "<<", ">>", ".", "^"]
    while index + 1 < result.count {
      let sign = result[index]
      let mirrored = [">": "<", ">=": "<="][sign]
      let isEquality = ["==", "!=", "===", "!=="].contains(sign)
      guard mirrored != nil || isEquality, let start = chainStart(result, index - 1),
        let end = chainEnd(result, index + 1), start == 0 || !stops.contains(result[start - 1]),
        end + 1 >= result.count || !stops.contains(result[end + 1])
      else {
        index += 1
        continue
      }
      let left = Array(result[start..<index])
      let right = Array(result[(index + 1)...end])
      if let mirrored {
        result.replaceSubrange(start...end, with: right + [mirrored] + left)
      } else if right.lexicographicallyPrecedes(left) {
        result.replaceSubrange(start...end, with: right + [sign] + left)
      }
      index = end + 1
    }
    return result
  }

  /// `x = x + y` becomes `x += y`, `range(0, n)` becomes `range(n)`, `[0:n]` becomes `[:n]`, `len(x) > 0` becomes `x`'s.
  private static func simplified(_ tokens: [String]) -> [String] {
    var result: [String] = []
    var index = 0
    while index < tokens.count {
      if tokens[index] == "range", index + 3 < tokens.count, tokens[index + 1] == "(", tokens[index + 2] == "0",
        tokens[index + 3] == ","
      {
        result += ["range", "("]
        index += 4
      } else if tokens[index] == "[", index + 2 < tokens.count, tokens[index + 1] == "0", tokens[index + 2] == ":" {
        result += ["[", ":"]
        index += 3
      } else if index + 4 < tokens.count, isOperand(tokens[index]), tokens[index + 1] == "=",
        tokens[index + 2] == tokens[index], ["+", "-", "*"].contains(tokens[index + 3]),
        index == 0 || ![".", ",", "("].contains(tokens[index - 1]),
        tokens[index + 3] == "+" || endsStatement(tokens, index + 4)
      {
        result += [tokens[index], tokens[index + 3] + "="]
        index += 4
      } else if index + 1 < tokens.count, isOperand(tokens[index]),
        tokens[index + 1] == "++" || tokens[index + 1] == "--",
        index + 2 >= tokens.count || [";", ")", "\n"].contains(String(tokens[index + 2].prefix(1)))
      {
        result += [tokens[index], tokens[index + 1] == "++" ? "+=" : "-=", "1"]
        index += 2
      } else {
        result.append(tokens[index])
        index += 1
      }
    }
    return result
  }

  /// True when one operand stands there and nothing after it in its statement.
  private static func endsStatement(_ tokens: [String], _ start: Int) -> Bool {
    guard let end = operandEnd(tokens, start) else { return false }
    return end + 1 >= tokens.count || [";", "}", "\n"].contains(String(tokens[end + 1].prefix(1)))
  }
}

extension Array {
  fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
