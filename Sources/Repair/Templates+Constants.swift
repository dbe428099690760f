/// Literals, and operands that are off by one.
extension Generator {
  mutating func constants() {
    for index in tokens {
      switch file.tokens[index].kind {
      case .number: number(index)
      case .string: string(index)
      case .keyword, .identifier: constantWord(index)
      default: break
      }
    }
  }

  /// What an operator leaves its first operand as it is with.
  private static let neutral = ["+": 0, "-": 0, "*": 1, "/": 1, "//": 1, "**": 1]

  private mutating func number(_ index: Int) {
    let text = file.texts[index]
    if let value = Int(text), abs(value) < 1 << 40 {
      let isSmall = abs(value) <= 2
      let steps: [(Int, Double)] = [
        (value + 1, 0.9), (value - 1, 0.9), (0, 1.2), (1, 1.3), (2, 2), (value + 2, 2.6), (value - 2, 2.8),
        (value * 2, 2.5), (value * 10, 2.7), (value / 2, 2.8), (value / 10, 3),
      ]
      for (other, cost) in steps where other != value {
        if other < 0, !mayBeNegative(index) { continue }
        // The same as without the operand, which is tried, too, and what people write.
        if index > 0, Self.neutral[file.texts[index - 1]] == other { continue }
        replace(index, with: String(other), cost + (isSmall ? 0 : 0.4), .constant)
      }
      if value != 0, mayBeNegative(index) { replace(index, with: "-" + text, 1.5, .constant) }
      if file.language == .python || file.language.isScript || file.language == .c, value > 1 || value == 0 {
        replace(index, with: text + ".0", 2.7, .constant, everywhere: false)
      }
      if let null = file.language.null, file.language == .python {
        replace(index, with: null, 2.3, .constant, everywhere: false)
      }
      namesForNumber(index)
    } else if text.contains("."), let value = Double(text), value.isFinite {
      for (other, cost) in [
        (0.0, 1.6), (1.0, 1.6), (value * 10, 1.9), (value / 10, 1.9), (value + 1, 2), (value / 2, 2.2),
        (value * 2, 2.2), (1 - value, 2),
      ]
      where other != value && other >= 0 {
        replace(index, with: "\(other)", cost, .constant)
      }
    }
  }

  /// `b * 2` becomes `b * b`: what is calculated with may be a name, above all one of the same statement.
  private mutating func namesForNumber(_ index: Int) {
    guard index > statement.first, index < statement.last,
      Self.neutral[file.texts[index - 1]] != nil || Self.neutral[file.texts[index + 1]] != nil
    else { return }
    var own = OrderedNames()
    for token in tokens where file.isName(token) && !file.isMember(token) && !file.isCalled(token) {
      own.add(file.texts[token])
    }
    for name in own.names.prefix(4) { replace(index, with: name, 1.7, .name, everywhere: false) }
    for name in scope.prefix(6) where !own.names.contains(name) {
      replace(index, with: name, 2.2, .name, everywhere: false)
    }
  }

  /// `(1,)` becomes `(0, 1)`: a list that is written out with an element more or less.
  mutating func writtenOutLists() {
    guard file.language == .python || file.language.isScript else { return }
    for open in tokens where file.tokens[open].kind == .open && file.match[open] > open && file.texts[open] != "{" {
      let close = file.match[open]
      let isList = file.texts[open] == "[" ? !file.isSubscript(open) : !file.isCall(open) && file.language == .python
      guard isList, close <= statement.last else { continue }
      let elements = file.elements(ofBracket: open)
      let commas = (open..<close).contains { file.texts[$0] == "," && file.isDirectly($0, inside: open) }
      guard (1...12).contains(elements.count), commas || file.texts[open] == "[" else { continue }
      var values = OrderedNames()
      let numbers = elements.compactMap { Int(file.text($0)) }
      if numbers.count == elements.count, let least = numbers.min(), let most = numbers.max() {
        for value in [0, 1, -1, least - 1, most + 1] where !numbers.contains(value) { values.add(String(value)) }
      } else if elements.allSatisfy({ $0.count == 1 && file.isName($0.lowerBound) }) {
        for name in scope.prefix(8) where !elements.contains(where: { file.text($0) == name }) { values.add(name) }
      }
      for (position, value) in values.names.enumerated() {
        let cost = 1.7 + 0.1 * Double(position)
        insert(value + ", ", at: Int(file.tokens[open + 1].start), cost, .constant)
        insert(", " + value, at: Int(file.tokens[elements[elements.count - 1].upperBound].end), cost, .constant)
      }
      guard elements.count > 1 else { continue }
      for (position, element) in elements.enumerated() {
        let bytes =
          position == 0
          ? Int(file.tokens[element.lowerBound].start)..<Int(file.tokens[elements[1].lowerBound].start)
          : Int(file.tokens[elements[position - 1].upperBound].end)..<Int(file.tokens[element.upperBound].end)
        if elements.count > 2 || file.texts[open] == "[" { emit(bytes, "", 2.4, .constant) }
      }
    }
  }

  private func mayBeNegative(_ index: Int) -> Bool {
    guard index > statement.first else { return true }
    return !file.endsOperand(index - 1) && !["-", "+", "--", "++"].contains(file.texts[index - 1])
  }

  private mutating func constantWord(_ index: Int) {
    let text = file.texts[index]
    let truth = file.language.trueWord
    let falsehood = file.language.falseWord
    if text == truth || text == falsehood {
      replace(index, with: text == truth ? falsehood : truth, 0.8, .constant)
      if file.language == .python { replace(index, with: "None", 2.1, .constant, everywhere: false) }
    } else if let null = file.language.null, text == null, file.language == .python || file.language.isScript {
      for (other, cost) in [
        (truth, 1.8), (falsehood, 1.6), ("0", 1.6), ("\"\"", 1.7), ("[]", 1.7), ("{}", 1.8), ("1", 2.2),
      ] {
        replace(index, with: other, cost, .constant, everywhere: false)
      }
      if file.language.isScript { replace(index, with: "undefined", 1.6, .constant, everywhere: false) }
    } else if text == "undefined" {
      replace(index, with: "null", 1.6, .constant, everywhere: false)
    }
  }

  private mutating func string(_ index: Int) {
    let text = file.texts[index]
    if text.hasPrefix("/"), file.language.isScript { expression(index, text) }
    guard let quote = text.last, quote == "\"" || quote == "'" || quote == "`", text.count >= 2, text.count < 200,
      text.first == quote || text.dropFirst().first == quote || text.dropFirst(2).first == quote
    else { return }
    if text.count == 2 {
      replace(index, with: "\(quote) \(quote)", 1.6, .constant, everywhere: false)
      replace(index, with: "\(quote)\\n\(quote)", 1.9, .constant, everywhere: false)
    } else {
      let open = text.firstIndex(of: quote) ?? text.startIndex
      let prefix = text[...open]
      let content = text[text.index(after: open)...].dropLast()
      // Blanks at the ends are forgotten easily.
      if content.hasPrefix(" ") {
        replace(index, with: prefix + content.dropFirst() + String(quote), 1.8, .constant, everywhere: false)
      }
      if content.hasSuffix(" ") {
        replace(index, with: prefix + content.dropLast() + String(quote), 1.8, .constant, everywhere: false)
      }
      if content == " " || content == "\\n" || content == "," || content == ", " {
        for other in ["", " ", "\\n", ",", ", "] where other != content {
          replace(index, with: prefix + other + String(quote), 1.9, .constant, everywhere: false)
        }
      }
      if !content.hasSuffix("\\n"), content.count > 1 {
        replace(index, with: prefix + content + "\\n" + String(quote), 2.6, .constant, everywhere: false)
      }
      if content.hasSuffix("\\n"), content.count > 2 {
        replace(index, with: prefix + content.dropLast(2) + String(quote), 2.4, .constant, everywhere: false)
      }
      pattern(index, prefix: String(prefix), content: String(content), quote: quote)
    }
    // Another string of the function.
    guard function >= 0 else { return }
    var donors = OrderedNames()
    let owner = file.functions[function]
    for other in owner.first...owner.last where file.tokens[other].kind == .string && file.texts[other].count < 40 {
      donors.add(file.texts[other])
    }
    for donor in donors.names.prefix(8) where donor != text {
      replace(index, with: donor, 2.3, .constant, everywhere: false)
    }
  }

  /// Small changes of a regular expression literal.
  private mutating func expression(_ index: Int, _ text: String) {
    guard let end = text.lastIndex(of: "/"), end > text.startIndex else { return }
    let content = String(text[text.index(after: text.startIndex)..<end])
    let flags = String(text[text.index(after: end)...])
    for (variant, cost) in Self.variants(ofPattern: content) {
      replace(index, with: "/\(variant)/\(flags)", cost, .constant, everywhere: false)
    }
    for flag in ["g", "i", "m"] where !flags.contains(flag) {
      replace(index, with: text + flag, flag == "g" ? 1.3 : 1.7, .constant, everywhere: false)
    }
    if !flags.isEmpty { replace(index, with: "/\(content)/", 2, .constant, everywhere: false) }
    // What a pattern should have been, one nearby may be.
    var others = OrderedNames()
    let near = file.tokens.indices.filter { file.tokens[$0].kind == .string && file.texts[$0].hasPrefix("/") }
    for other in near.sorted(by: { abs($0 - index) < abs($1 - index) }).prefix(24) where file.texts[other] != text {
      others.add(file.texts[other])
    }
    for other in others.names.prefix(8) { replace(index, with: other, 1.7, .constant, everywhere: false) }
  }

  private static func variants(ofPattern content: String) -> [(String, Double)] {
    var variants: [(String, Double)] = []
    let pairs = [
      ("*", "+"), ("+", "*"), ("+", "+?"), ("*", "*?"), ("\\w", "\\S"), ("\\d", "\\w"), ("[^", "["), ("[", "[^"),
      ("\\s", "\\s*"),
      (".", "\\."), ("\\d", "\\d+"), ("\\w", "\\w+"), ("]", "]+"), ("]", "]*"), (")", ")?"), (")", ")*"),
    ]
    for (wrong, right) in pairs {
      var rest = Substring(content)
      var found = 0
      while found < 3, let range = rest.firstRange(of: wrong) {
        variants.append((String(content[..<range.lowerBound]) + right + String(content[range.upperBound...]), 1.8))
        rest = rest[range.upperBound...]
        found += 1
      }
    }
    variants.append(content.hasPrefix("^") ? (String(content.dropFirst()), 1.6) : ("^" + content, 1.6))
    variants.append(content.hasSuffix("$") ? (String(content.dropLast()), 1.6) : (content + "$", 1.6))
    // One more character, any or another one than the last.
    variants.append((content + ".", 1.9))
    variants.append((content + "+", 2))
    variants.append((content + "?", 2))
    if let last = content.last, last.isLetter || last.isNumber || last == "-" || last == "_" {
      variants.append((content + "[^\(last)]", 2))
    }
    return variants
  }

  /// Small changes of a regular expression or a format.
  private mutating func pattern(_ index: Int, prefix: String, content: String, quote: Character) {
    let called = index >= 2 ? file.texts[index - 2] : ""
    let isPattern =
      ["match", "search", "compile", "sub", "findall", "fullmatch", "split", "finditer"].contains(called)
      && index >= 4 && file.texts[index - 4] == "re"
    // A raw string with the signs of a pattern is one wherever it stands.
    let isRaw =
      file.language == .python && prefix.utf8.first.map { $0 | 0x20 == UInt8(ascii: "r") } == true
      && content.utf8.contains(where: { Self.patternSigns.contains($0) })
    guard isPattern || isRaw else { return }
    for (variant, cost) in Self.variants(ofPattern: content) + anchors(content) {
      replace(index, with: prefix + variant + String(quote), cost, .constant, everywhere: false)
    }
    for (variant, cost) in alternatives(content) where !variant.contains(quote) {
      replace(index, with: prefix + variant + String(quote), cost, .literal, everywhere: false)
    }
  }

  private static let patternSigns = Set("\\[(*+?|^$".utf8)

  /// Ends of the text in the place of ends of a line.
  private func anchors(_ content: String) -> [(String, Double)] {
    guard file.language == .python else { return [] }
    var variants: [(String, Double)] = []
    let isOpen = content.hasPrefix("^")
    let isClosed = content.hasSuffix("$") && !content.hasSuffix("\\$")
    if isOpen { variants.append(("\\A" + content.dropFirst(), 1.9)) }
    if isClosed { variants.append((content.dropLast() + "\\Z", 1.7)) }
    if isOpen, isClosed { variants.append(("\\A" + content.dropFirst().dropLast() + "\\Z", 1.9)) }
    return variants
  }

  /// `(CASE|IN)` without `FROM`, `[a-z]` without `_`: what the failing tests have of it.
  private func alternatives(_ content: String) -> [(String, Double)] {
    guard file.language == .python else { return [] }
    var variants: [(String, Double)] = []
    var depth: [(offset: String.Index, hasBar: Bool)] = []
    var bracket: String.Index?
    var isEscaped = false
    let signs = OrderedNames(
      clues.fragments.flatMap { $0.filter { !$0.isLetter && !$0.isNumber && !$0.isWhitespace && $0 != "]" } }.map(
        String.init)
        + ["_", "-"])
    for index in content.indices {
      defer { isEscaped = !isEscaped && content[index] == "\\" }
      if isEscaped { continue }
      switch content[index] {
      case "[" where bracket == nil: bracket = index
      case "]":
        guard let start = bracket, content.index(after: start) < index else { continue }
        bracket = nil
        for sign in signs.names.prefix(8) where !content[start..<index].contains(sign) {
          let added = ["-", "^", "\\"].contains(sign) ? "\\" + sign : sign
          variants.append((String(content[..<index]) + added + String(content[index...]), 2))
        }
      case "(" where bracket == nil: depth.append((index, false))
      case "|" where bracket == nil:
        if !depth.isEmpty { depth[depth.count - 1].hasBar = true }
      case ")" where bracket == nil:
        guard let group = depth.popLast(), group.hasBar else { continue }
        let inside = content[group.offset..<index]
        let isUpper = inside.contains { $0.isUppercase } && !inside.contains { $0.isLowercase }
        for (position, fragment) in clues.fragments.filter({ $0.utf8.allSatisfy(Lexer.isWord) }).prefix(8).enumerated()
        {
          let word = isUpper ? fragment.uppercased() : fragment
          guard !inside.contains(word) else { continue }
          variants.append(
            (String(content[..<index]) + "|" + word + String(content[index...]), 1.8 + 0.03 * Double(position)))
        }
      default: break
      }
    }
    return Array(variants.prefix(48))
  }

  // MARK: - Off by one

  mutating func offByOne() {
    guard function >= 0 else { return }
    for slot in slots {
      let range = slot.range
      guard range.count <= 12, isNumeric(range) else { continue }
      let cost: Double
      switch slot.role {
      case .index: cost = 1
      case .operand: cost = isComparison(around: range) ? 1.2 : 1.9
      case .argument: cost = isRange(around: range) ? 0.9 : 1.7
      case .result: cost = 1.4
      case .value: cost = 1.6
      case .iterable, .condition: continue
      }
      let text = file.text(range)
      let isLoose = range.contains {
        file.precedence($0).map { $0 < 9 } ?? false
          && file.isTopLevel(
            $0, in: Statement(first: range.lowerBound, last: range.upperBound, blockEnd: range.upperBound))
      }
      let operand = isLoose ? "(\(text))" : text
      // Behind the end is the worse of the two guesses.
      replace(range, with: "\(operand) + 1", cost + (slot.role == .index ? 0.05 : 0), .offByOne)
      replace(range, with: "\(operand) - 1", cost, .offByOne)
      // `x + 1` that should be `x`.
      if range.count >= 3, file.texts[range.upperBound] == "1", ["+", "-"].contains(file.texts[range.upperBound - 1]) {
        replace(range, with: file.text(range.lowerBound, range.upperBound - 2), cost - 0.1, .offByOne)
      }
    }
  }

  /// True when an expression may be a number: no string, no brackets of a literal, no comparison.
  private func isNumeric(_ range: ClosedRange<Int>) -> Bool {
    for index in range {
      switch file.tokens[index].kind {
      case .string: return false
      case .number where range.count == 1: return false
      case .open where index == range.lowerBound && file.texts[index] != "(": return false
      case .keyword where !["self", "this", "len", "int"].contains(file.texts[index]): return false
      case .symbol:
        let text = file.texts[index]
        if text == "=" || text == ":" || text == "?" || text == "=>" || file.precedence(index).map({ $0 <= 4 }) == true,
          index != range.lowerBound
        {
          return false
        }
      default: break
      }
    }
    if let last = file.texts[range.upperBound].first, last == "}" { return false }
    return !["self", "this"].contains(file.texts[range.upperBound])
  }

  private func isComparison(around range: ClosedRange<Int>) -> Bool {
    range.lowerBound > statement.first && file.precedence(range.lowerBound - 1) == 4
      || range.upperBound < statement.last && file.precedence(range.upperBound + 1) == 4
  }

  private func isRange(around range: ClosedRange<Int>) -> Bool {
    var index = range.lowerBound - 1
    while index > statement.first, file.texts[index] != "(" {
      if file.match[index] >= 0, file.match[index] < index { index = file.match[index] }
      index -= 1
    }
    return index > statement.first
      && ["range", "stride", "slice", "substring", "substr", "xrange"].contains(file.texts[index - 1])
  }
}
