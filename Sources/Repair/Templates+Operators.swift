/// Operators: the one token that is wrong most often.
extension Generator {
  mutating func operators() {
    for index in tokens {
      let text = file.texts[index]
      switch file.tokens[index].kind {
      case .symbol: symbol(index, text)
      case .keyword: word(index, text)
      default: break
      }
    }
  }

  private mutating func symbol(_ index: Int, _ text: String) {
    let isBinary = index > statement.first && file.endsOperand(index - 1)
    if let others = Self.comparisons[text], isBinary, !isGeneric(index) {
      for (other, cost) in others where !other.hasPrefix("is") || file.language == .python {
        replace(index, with: other, cost, .comparison)
      }
      return
    }
    if let others = Self.arithmetic[text], isBinary {
      for (other, cost) in others where isOperator(other) { replace(index, with: other, cost, .arithmetic) }
      dropOperand(index)
      swapOperands(index)
      return
    }
    if let others = Self.logic[text] {
      for (other, cost) in others where other != "??" || file.language.isScript || file.language == .csharp {
        replace(index, with: other, cost, .logic)
      }
      return
    }
    if let others = Self.assignmentOperators[text], isBinary || text == "++" || text == "--" {
      for (other, cost) in others where isOperator(other) { replace(index, with: other, cost, .assignment) }
    }
    // A sign before an operand.
    if text == "-", !isBinary, index < statement.last { remove(index...index, 1.3, .arithmetic) }
    if text == "=", isBinary, file.isTopLevel(index, in: statement), !declares(index) {
      for (other, cost) in [("+=", 1.7), ("-=", 2.2), ("*=", 2.6), ("|=", 2.8)] {
        replace(index, with: other, cost, .assignment)
      }
    }
    if text == "=", isBinary, !file.isTopLevel(index, in: statement), file.language.hasBracketedConditions,
      ["if", "while"].contains(file.texts[statement.first])
    {
      replace(index, with: file.language.equal, 0.8, .comparison)
    }
    if text == "?.", file.language.isScript { replace(index, with: ".", 3, .member) }
    if text == ".", file.language.isScript, clues.traits.contains(.nullAccess), index < statement.last {
      replace(index, with: "?.", 0.9, .guardInserted, everywhere: false)
    }
    if text == "!", !isBinary { remove(index...index, 0.9, .negation) }
    if text == "&", !isBinary, file.language == .c || file.language == .cpp { remove(index...index, 2, .expression) }
    if text == "*", !isBinary, file.language == .c || file.language == .cpp { remove(index...index, 2.2, .expression) }
  }

  private mutating func word(_ index: Int, _ text: String) {
    switch text {
    case "and": replace(index, with: "or", 0.9, .logic)
    case "or": replace(index, with: "and", 0.9, .logic)
    case "not":
      if index < statement.last, file.texts[index + 1] == "in" {
        remove(index...index, 1, .negation)
      } else if index > statement.first, file.texts[index - 1] == "is" {
        remove(index...index, 1, .negation)
      } else {
        remove(index...index, 0.9, .negation)
        // `not x` and `x is None` differ for all that is empty or zero.
        if file.language == .python, let end = file.operandEnd(startingAt: index + 1, notAfter: statement.last),
          index + 1 <= end
        {
          replace(index...end, with: file.text(index + 1, end) + " is None", 1, .condition)
        }
      }
    case "in" where file.language == .python:
      guard index > statement.first, file.texts[index - 1] != "not", !isForIn(index), file.endsOperand(index - 1) else {
        return
      }
      insert("not ", at: Int(file.tokens[index].start), 1, .negation)
    case "is":
      guard index < statement.last else { return }
      if file.texts[index + 1] == "not" {
        replace(index...(index + 1), with: "!=", 2, .comparison)
        replace(index...(index + 1), with: "==", 2, .comparison)
      } else {
        insert("not ", at: Int(file.tokens[index + 1].start), 1, .negation)
        replace(index, with: "==", 1.6, .comparison)
        replace(index, with: "!=", 2, .comparison)
      }
    case "break": replace(index, with: "continue", 1.4, .statementMoved, everywhere: false)
    case "continue":
      replace(index, with: "break", 1.4, .statementMoved, everywhere: false)
      if file.language == .python { replace(index, with: "pass", 2.2, .statementMoved, everywhere: false) }
    case "pass":
      for other in ["continue", "break", "return", "raise"] {
        replace(index, with: other, 1.8, .statementMoved, everywhere: false)
      }
    case "yield":
      replace(index, with: "yield from", 1.4, .result, everywhere: false)
      replace(index, with: "return", 2.4, .result, everywhere: false)
    case "from" where index > statement.first && file.texts[index - 1] == "yield":
      remove(index...index, 1.4, .result)
    case "elif": replace(index, with: "if", 1.7, .condition, everywhere: false)
    case "if" where file.language == .python && index == statement.first && follows("if"):
      replace(index, with: "elif", 1.8, .condition, everywhere: false)
    case "if" where index == statement.first && file.isTopLevel(index, in: statement) && isAlone:
      replace(index, with: "while", 2.4, .condition, everywhere: false)
    case "while": replace(index, with: "if", 2.6, .condition, everywhere: false)
    case "let" where file.language.isScript, "const" where file.language.isScript:
      replace(index, with: text == "let" ? "var" : "let", 2.8, .assignment, everywhere: false)
    case "self", "this":
      break
    case "global", "nonlocal":
      replace(index, with: text == "global" ? "nonlocal" : "global", 2, .assignment, everywhere: false)
    case "await": remove(index...index, 2.4, .call)
    case "int" where file.language == .c || file.language == .cpp || file.language == .java || file.language == .csharp:
      for type in ["long", "unsigned", "double", "size_t"]
      where type != "size_t" || file.language == .c || file.language == .cpp {
        replace(index, with: type, 2.4, .expression, everywhere: false)
      }
    case "unsigned", "size_t":
      replace(index, with: text == "unsigned" ? "int" : "long", 2.5, .expression, everywhere: false)
    case "char": insert("unsigned ", at: Int(file.tokens[index].start), 2.3, .expression)
    case "float": replace(index, with: "double", 2.4, .expression, everywhere: false)
    default: break
    }
  }

  /// True when the statement before this one on the same level begins with that word.
  private func follows(_ word: String) -> Bool {
    var index = statementIndex - 1
    while index >= 0 {
      let other = file.statements[index]
      if other.parent == statement.parent {
        return file.texts[other.first] == word || file.texts[other.first] == "elif"
      }
      index -= 1
    }
    return false
  }

  private var isAlone: Bool {
    statementIndex + 1 < file.statements.count
      && !file.statements[(statementIndex + 1)...].prefix(8).contains {
        $0.parent == statement.parent && ["else", "elif"].contains(file.texts[$0.first])
      }
  }

  private func isForIn(_ index: Int) -> Bool {
    var cursor = index - 1
    var depth = 0
    while cursor >= statement.first {
      if file.tokens[cursor].kind == .close { depth += 1 }
      if file.tokens[cursor].kind == .open { depth -= 1 }
      if depth < 0 { return false }
      if file.texts[cursor] == "for" { return true }
      if ["if", "and", "or", "not", "=", "return"].contains(file.texts[cursor]) { return false }
      cursor -= 1
    }
    return false
  }

  /// `List<String>` is no comparison.
  private func isGeneric(_ index: Int) -> Bool {
    switch file.language {
    case .python, .javascript, .c, .ruby, .php, .go: return false
    default: break
    }
    guard file.texts[index] == "<" || file.texts[index] == ">" else { return false }
    let near = file.texts[index] == "<" ? index + 1 : index - 1
    guard near >= 0, near < file.tokens.count else { return false }
    let text = file.texts[near]
    return text.first?.isUppercase == true || file.tokens[near].kind == .keyword
      || index > 0 && file.texts[index - 1].first?.isUppercase == true || text == "_"
  }

  private func isOperator(_ text: String) -> Bool {
    switch text {
    case "//", "**", "//=": file.language == .python || text == "**" && file.language.isScript
    case ">>>": file.language.isScript || file.language == .java
    case "++", "--": !file.language.hasIndentedBlocks && file.language != .swift && file.language != .rust
    default: true
    }
  }

  private func declares(_ index: Int) -> Bool {
    let words: Set<String> = ["let", "var", "const", "auto", "val", "static", "final"]
    return (statement.first..<index).contains { words.contains(file.texts[$0]) }
      || index - statement.first > 1 && file.language.isCompiled && file.tokens[statement.first].kind == .keyword
  }

  /// `a + b` becomes `a` or `b`.
  private mutating func dropOperand(_ index: Int) {
    guard let left = file.leftOperand(of: index, in: tokens), let right = file.rightOperand(of: index, in: tokens)
    else { return }
    let whole = left.lowerBound...right.upperBound
    replace(whole, with: file.text(left), 1.7, .expression)
    replace(whole, with: file.text(right), 1.9, .expression)
    if right.count > 2 || left.count > 2 {
      let symbol = file.texts[index]
      // Where brackets are missing: `a + b * c` becomes `(a + b) * c`.
      if let further = nextOperator(after: right.upperBound), let third = file.rightOperand(of: further, in: tokens) {
        replace(
          left.lowerBound...third.upperBound,
          with: "\(file.text(left)) \(symbol) (\(file.text(right.lowerBound, third.upperBound)))", 1.9, .expression)
      }
    }
    if nextOperator(after: right.upperBound) != nil {
      emit(
        [
          SourceEdit(
            file: fileIndex, start: Int(file.tokens[left.lowerBound].start),
            end: Int(file.tokens[left.lowerBound].start), text: "("),
          SourceEdit(
            file: fileIndex, start: Int(file.tokens[right.upperBound].end), end: Int(file.tokens[right.upperBound].end),
            text: ")"),
        ], 1.8, .expression)
    }
  }

  private func nextOperator(after index: Int) -> Int? {
    index + 1 < statement.last && file.precedence(index + 1).map { $0 >= 5 } == true ? index + 1 : nil
  }

  private mutating func swapOperands(_ index: Int) {
    guard ["-", "/", "//", "%", "**", "+", "<<", ">>"].contains(file.texts[index]),
      let left = file.leftOperand(of: index, in: tokens), let right = file.rightOperand(of: index, in: tokens)
    else { return }
    let cost = file.texts[index] == "+" ? 2.1 : 1.5
    replace(
      left.lowerBound...right.upperBound,
      with: "\(file.text(right)) \(file.texts[index]) \(file.text(left))", cost, .swap)
  }

  private static let comparisons: [String: [(String, Double)]] = [
    "<": [("<=", 0.6), (">", 1), (">=", 1.1), ("!=", 1.7), ("==", 2)],
    "<=": [("<", 0.6), (">=", 1), (">", 1.1), ("==", 1.9), ("!=", 2.2)],
    ">": [(">=", 0.6), ("<", 1), ("<=", 1.1), ("!=", 1.7), ("==", 2)],
    ">=": [(">", 0.6), ("<=", 1), ("<", 1.1), ("==", 1.9), ("!=", 2.2)],
    "==": [("!=", 0.8), (">=", 1.3), ("<=", 1.3), (">", 1.7), ("<", 1.7), ("is", 2.5)],
    "!=": [("==", 0.8), ("<", 1.4), (">", 1.4), ("<=", 1.8), (">=", 1.8), ("is not", 2.5)],
    "===": [("!==", 0.8), (">=", 1.4), ("<=", 1.4), ("==", 1.5), (">", 1.8), ("<", 1.8)],
    "!==": [("===", 0.8), ("!=", 1.5), ("<", 1.5), (">", 1.5)],
  ]
  private static let arithmetic: [String: [(String, Double)]] = [
    "+": [("-", 0.9), ("*", 1.7), ("|", 2.8)],
    "-": [("+", 0.9), ("*", 2.2), ("/", 2.4)],
    "*": [("/", 1.4), ("+", 1.4), ("**", 1.7), ("//", 2)],
    "/": [("//", 0.9), ("*", 1.2), ("%", 1.5), ("-", 2.5)],
    "//": [("/", 0.9), ("%", 1.2), ("*", 1.7)],
    "%": [("/", 1.5), ("//", 1.4), ("*", 2), ("&", 2.4)],
    "**": [("*", 1.3), ("^", 2.8)],
    "&": [("|", 1), ("^", 1.2), ("&&", 1.3)],
    "|": [("&", 1), ("^", 1.2), ("||", 1.3), ("-", 2)],
    "^": [("&", 1), ("|", 1), ("**", 1.5)],
    "<<": [(">>", 0.9)], ">>": [("<<", 0.9), (">>>", 1.2)], ">>>": [(">>", 0.9)],
    "..<": [("...", 0.7)], "...": [("..<", 0.7)], "..": [("..=", 0.7)], "..=": [("..", 0.7)],
  ]
  private static let logic: [String: [(String, Double)]] = [
    "&&": [("||", 0.9), ("&", 2.8)], "||": [("&&", 0.9), ("??", 1.1), ("|", 2.8)], "??": [("||", 1.2), ("&&", 2.4)],
  ]
  private static let assignmentOperators: [String: [(String, Double)]] = [
    "+=": [("-=", 1), ("=", 1.2), ("*=", 1.8)], "-=": [("+=", 1), ("=", 1.4), ("/=", 2)],
    "*=": [("/=", 1.2), ("+=", 1.3), ("=", 1.7)], "/=": [("*=", 1.2), ("//=", 1), ("-=", 1.6)],
    "//=": [("/=", 1), ("*=", 1.5)], "|=": [("&=", 1.2), ("=", 1.6), ("^=", 1.5)], "&=": [("|=", 1.2), ("=", 1.6)],
    "++": [("--", 1.1)], "--": [("++", 1.1)], ":=": [("=", 1)], "<<=": [(">>=", 1)], ">>=": [("<<=", 1)],
    "^=": [("|=", 1.5), ("&=", 1.5), ("=", 1.8)],
  ]
}
