/// Conditions: negated, with a clause too many or too few, or of the wrong kind.
extension Generator {
  mutating func conditions() {
    for range in file.conditions(of: statement) {
      negate(range)
      dropClauses(range)
      kinds(range)
      bounds(range)
      extend(range)
    }
    comprehensionConditions()
    ternaries()
    defaults()
  }

  private mutating func negate(_ range: ClosedRange<Int>) {
    let text = file.text(range)
    let language = file.language
    let isSimple = file.operandEnd(startingAt: range.lowerBound, notAfter: range.upperBound) == range.upperBound
    replace(range, with: isSimple ? language.negation + text : "\(language.negation)(\(text))", 1, .negation)
    for part in clauses(range) where part != range {
      let clause = file.text(part)
      replace(part, with: "\(language.negation)(\(clause))", 1.6, .negation)
    }
    replace(range, with: language.trueWord, 2.7, .condition)
    replace(range, with: language.falseWord, 2.7, .condition)
  }

  private func clauses(_ range: ClosedRange<Int>) -> [ClosedRange<Int>] {
    file.split(range, at: ["and", "or", "&&", "||"])
  }

  private mutating func dropClauses(_ range: ClosedRange<Int>) {
    let parts = clauses(range)
    guard parts.count > 1, parts.count < 8 else { return }
    for index in parts.indices {
      let bytes =
        index == 0
        ? Int(file.tokens[parts[0].lowerBound].start)..<Int(file.tokens[parts[1].lowerBound].start)
        : Int(file.tokens[parts[index - 1].upperBound].end)..<Int(file.tokens[parts[index].upperBound].end)
      emit(bytes, "", 1.2, .condition)
    }
    if parts.count == 3 {
      // Which pair is taken first.
      let texts = parts.map { file.text($0) }
      let operators = (0..<2).map { file.texts[parts[$0].upperBound + 1] }
      replace(range, with: "(\(texts[0]) \(operators[0]) \(texts[1])) \(operators[1]) \(texts[2])", 1.4, .condition)
      replace(range, with: "\(texts[0]) \(operators[0]) (\(texts[1]) \(operators[1]) \(texts[2]))", 1.4, .condition)
    }
  }

  /// Truth, nothing and emptiness are not the same.
  private mutating func kinds(_ range: ClosedRange<Int>) {
    let language = file.language
    for part in clauses(range) {
      guard part.count <= 14 else { continue }
      let isOperand = file.operandEnd(startingAt: part.lowerBound, notAfter: part.upperBound) == part.upperBound
      let text = file.text(part)
      let startsNegated = ["not", "!"].contains(file.texts[part.lowerBound])
      if language == .python, isOperand, !startsNegated {
        replace(part, with: "\(text) is not None", 1, .condition)
        replace(part, with: "\(text) is None", 1.7, .condition)
        replace(part, with: "len(\(text)) > 1", 2.6, .condition)
      }
      if language.isScript, isOperand {
        let bare = startsNegated && part.count > 1 ? file.text(part.lowerBound + 1, part.upperBound) : text
        if startsNegated {
          for (form, cost) in [
            ("\(bare) === undefined", 1.1), ("\(bare) === null", 1.2), ("\(bare) == null", 1.1),
            ("\(bare).length === 0", 1.7),
          ] {
            replace(part, with: form, cost, .condition)
          }
        } else {
          for (form, cost) in [
            ("\(bare) !== undefined", 1.1), ("\(bare) !== null", 1.2), ("\(bare) != null", 1.1),
            ("\(bare).length > 0", 1.7),
          ] {
            replace(part, with: form, cost, .condition)
          }
        }
      }
      if language == .c || language == .cpp, isOperand, !startsNegated {
        replace(part, with: "\(text) != 0", 2.8, .condition)
        replace(part, with: "\(text) > 0", 2, .condition)
        replace(part, with: "*\(text)", 1.9, .condition)
      }
      // A member that is there may still be nothing.
      if language == .python, file.texts[part.lowerBound] == "hasattr", file.isCall(part.lowerBound + 1) {
        let arguments = file.elements(ofBracket: part.lowerBound + 1)
        if arguments.count == 2, file.match[part.lowerBound + 1] == part.upperBound {
          let asked = "getattr(\(file.text(arguments[0])), \(file.text(arguments[1])), None)"
          replace(part, with: asked, 1.7, .condition)
          replace(part, with: "\(asked) is not None", 2, .condition)
        }
      }
      // `x is None` that should be `not x`.
      if language == .python, part.count >= 3, file.texts[part.upperBound] == "None" {
        let isNegated = file.texts[part.upperBound - 1] == "not"
        let operand = file.text(part.lowerBound, part.upperBound - (isNegated ? 3 : 2))
        replace(part, with: isNegated ? operand : "not \(operand)", 1.1, .condition)
      }
    }
  }

  /// `x[i]` in a condition wants `i` to be within `x`: the question about it is missing, or comes too late.
  private mutating func bounds(_ range: ClosedRange<Int>) {
    let language = file.language
    let text = file.text(range)
    let inner = range.contains { file.texts[$0] == language.or } ? "(\(text))" : text
    for open in range where file.isSubscript(open) && file.match[open] <= range.upperBound {
      guard file.match[open] > open + 1, let start = file.operandStart(endingAt: open - 1, notBefore: range.lowerBound)
      else { continue }
      let index = file.text(open + 1, file.match[open] - 1)
      guard index.utf8.count < 30, file.tokens[open + 1].kind != .number, file.tokens[open + 1].kind != .string else {
        continue
      }
      let receiver = file.text(start, open - 1)
      var limits: [String] = []
      switch language {
      case .python, .go: limits.append("len(\(receiver))")
      case .javascript, .typescript, .java, .csharp: limits.append("\(receiver).length")
      case .rust: limits.append("\(receiver).len()")
      case .swift: limits.append("\(receiver).count")
      case .cpp: limits.append("\(receiver).size()")
      default: break
      }
      for name in scope where Self.sizes.contains(where: { name.lowercased().hasSuffix($0) }) { limits.append(name) }
      for limit in limits.prefix(4) where limit != index {
        replace(range, with: "\(index) < \(limit) \(language.and) \(inner)", 1.5, .guardInserted)
        replace(range, with: "\(index) >= \(limit) \(language.or) \(text)", 1.8, .guardInserted)
      }
      replace(range, with: "\(index) > 0 \(language.and) \(inner)", 1.7, .guardInserted)
      replace(range, with: "\(index) >= 0 \(language.and) \(inner)", 1.7, .guardInserted)
    }
    // A call that may answer "nothing" before its member is asked for.
    guard language.isScript || language == .python, clues.traits.contains(.nullAccess) else { return }
    for dot in range where file.texts[dot] == "." && dot > range.lowerBound {
      guard let start = file.operandStart(endingAt: dot - 1, notBefore: range.lowerBound) else { continue }
      replace(range, with: "\(file.text(start, dot - 1)) \(language.and) \(inner)", 0.8, .guardInserted)
    }
  }

  private static let sizes = [
    "count", "size", "length", "len", "n", "total", "end", "limit", "capacity", "max", "num", "number",
  ]

  /// The condition with another clause beside it, taken from the file or made of the names here.
  private mutating func extend(_ range: ClosedRange<Int>) {
    let language = file.language
    let text = file.text(range)
    let parts = clauses(range)
    let hasOr = parts.count > 1 && range.contains { file.texts[$0] == language.or }
    let hasAnd = parts.count > 1 && range.contains { file.texts[$0] == language.and }
    let forAnd = hasOr ? "(\(text))" : text
    for donor in donors where donor.text != text && !parts.contains(where: { file.text($0) == donor.text }) {
      let clause = donor.needsBrackets ? "(\(donor.text))" : donor.text
      let cost = donor.cost
      replace(range, with: "\(forAnd) \(language.and) \(clause)", cost, .condition)
      replace(range, with: "\(text) \(language.or) \(hasAnd ? clause : clause)", cost + 0.1, .condition)
      // The new clause often guards the old one, and has to come first.
      replace(range, with: "\(clause) \(language.and) \(forAnd)", cost + 0.15, .condition)
      replace(range, with: "\(clause) \(language.or) \(text)", cost + 0.35, .condition)
      replace(range, with: donor.text, cost + 0.3, .condition)
    }
  }

  private static let strictness = ["<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="]

  struct Donor: Hashable {
    var text: String
    var cost: Double
    var needsBrackets = false
  }

  /// Conditions of the function, of the file, and such as compare the names of this statement.
  func conditionDonors() -> [Donor] {
    var donors: [Donor] = []
    var seen: Set<String> = []
    func add(_ text: String, _ cost: Double, brackets: Bool = false) {
      guard text.utf8.count < 100, !text.utf8.contains(0x0a), seen.insert(text).inserted else { return }
      donors.append(Donor(text: text, cost: cost, needsBrackets: brackets))
    }
    func addConditions(of other: Statement, _ cost: Double) {
      for range in file.conditions(of: other) where range.count <= 24 {
        let parts = file.split(range, at: ["and", "or", "&&", "||"])
        for part in parts { add(file.text(part), cost) }
        // Their neighbours: `a < b` for `a <= b`, and the opposite of what is no comparison.
        for part in parts where cost < 2.5 {
          if let sign = part.first(where: { Self.strictness[file.texts[$0]] != nil && file.isBinary($0, in: part) }),
            let other = Self.strictness[file.texts[sign]]
          {
            add(file.text(part.lowerBound, sign - 1) + " \(other) " + file.text(sign + 1, part.upperBound), cost + 0.25)
          } else if !part.contains(where: { file.precedence($0) == 4 }) {
            let text = file.text(part)
            let word = file.language == .python || file.language == .ruby ? "not " : "!"
            add(text.hasPrefix(word) ? String(text.dropFirst(word.count)) : word + text, cost + 0.25)
          }
        }
      }
    }
    if function >= 0 {
      let owner = file.functions[function]
      for other in file.statements
      where other.first >= owner.first && other.last <= owner.last && other.first != statement.first {
        addConditions(of: other, 2)
        if seen.count > 14 { break }
      }
    }
    for donor in questions(of: use.unread) { add(donor.text, donor.cost) }
    for name in guardedNames().prefix(5) { for made in madeConditions(name) { add(made.text, made.cost) } }
    if function >= 0 {
      let used = usedNames()
      for left in used.prefix(4) {
        for right in scope.prefix(8) where right != left && !["self", "this"].contains(right) {
          for comparison in ["<", "<=", "==", "!="] where comparison != "==" || left < right {
            add("\(left) \(comparison) \(right)", 3)
          }
        }
      }
    }
    var near = 0
    for other in file.statements where near < 12 && file.functionOf[other.first] != function {
      let before = seen.count
      addConditions(of: other, 2.9)
      near += seen.count - before
    }
    return donors
  }

  /// What nobody reads may have to be asked what others are asked here.
  private func questions(of names: Set<String>) -> [Donor] {
    guard function >= 0, !names.isEmpty else { return [] }
    let owner = file.functions[function]
    var methods = OrderedNames()
    for index in owner.first...owner.last
    where file.isMember(index) && file.isCalled(index) && file.match[index + 1] == index + 2 {
      methods.add(file.texts[index])
      for other in Self.dualNames[file.texts[index]] ?? [] { methods.add(other) }
    }
    return names.sorted().prefix(3).flatMap { name in
      [Donor(text: name, cost: 2.2), Donor(text: "\(file.language.negation)\(name)", cost: 2.3)]
        + methods.names.filter { $0.hasPrefix("is") }.prefix(6).map { Donor(text: "\(name).\($0)()", cost: 2.4) }
    }
  }

  /// The variables that this statement reads, in order.
  func usedNames() -> [String] {
    var used = OrderedNames()
    for index in tokens
    where file.isName(index) && !file.isMember(index) && !file.isCalled(index) && !FileNames.isLabel(index, file) {
      if scope.contains(file.texts[index]) { used.add(file.texts[index]) }
    }
    return used.names
  }

  /// What a guard here would look at: the names of the statement, members with their receivers, then the parameters.
  func guardedNames() -> [String] {
    var found = OrderedNames()
    if clues.traits.contains(.zeroDivision) {
      for index in tokens where ["/", "//", "%"].contains(file.texts[index]) && index < statement.last {
        if let end = file.operandEnd(startingAt: index + 1, notAfter: statement.last) {
          found.add(file.text(index + 1, end))
        }
      }
    }
    for index in tokens where file.isName(index) && !file.isCalled(index) && !FileNames.isLabel(index, file) {
      if file.isMember(index), let start = file.operandStart(endingAt: index, notBefore: statement.first),
        index - start <= 4
      {
        found.add(file.text(start, index))
      } else if scope.contains(file.texts[index]) {
        found.add(file.texts[index])
      }
    }
    if function >= 0, let open = file.functions[function].parameters {
      for element in file.elements(ofBracket: open) {
        if let name = FileNames.parameterName(element, file) { found.add(name) }
      }
    }
    return found.names.filter { !["self", "this", "cls"].contains($0) }
  }

  /// The usual questions about one name.
  func madeConditions(_ name: String) -> [Donor] {
    switch file.language {
    case .python:
      [
        Donor(text: "\(name) is None", cost: 2.2), Donor(text: "not \(name)", cost: 2.2),
        Donor(text: "\(name) is not None", cost: 2.3),
        Donor(text: name, cost: 2.4), Donor(text: "\(name) == 0", cost: 2.5), Donor(text: "\(name) < 0", cost: 2.6),
        Donor(text: "\(name) > 0", cost: 2.6),
        Donor(text: "\(name) <= 0", cost: 2.7), Donor(text: "\(name) == 1", cost: 2.9),
        Donor(text: "len(\(name)) == 0", cost: 2.9), Donor(text: "len(\(name)) > 1", cost: 3),
      ]
    case .javascript, .typescript:
      [
        Donor(text: "!\(name)", cost: 2.2), Donor(text: name, cost: 2.4),
        Donor(text: "\(name) === undefined", cost: 2.3), Donor(text: "\(name) === null", cost: 2.5),
        Donor(text: "\(name) === 0", cost: 2.6), Donor(text: "\(name) < 0", cost: 2.5),
        Donor(text: "\(name) > 0", cost: 2.6), Donor(text: "\(name).length === 0", cost: 2.7),
      ]
    case .c, .cpp:
      [
        Donor(text: "\(name) == NULL", cost: 2.4), Donor(text: "!\(name)", cost: 2.4),
        Donor(text: "\(name)", cost: 2.5), Donor(text: "\(name) == 0", cost: 2.3),
        Donor(text: "\(name) < 0", cost: 2.6), Donor(text: "\(name) > 0", cost: 2.5),
        Donor(text: "*\(name) == '\\0'", cost: 2.8),
      ]
    default:
      [
        Donor(text: "\(name) == 0", cost: 2.4), Donor(text: "\(name) < 0", cost: 2.5),
        Donor(text: "\(name) > 0", cost: 2.5), Donor(text: "\(name) <= 0", cost: 2.7),
      ]
        + (file.language.null.map {
          [Donor(text: "\(name) == \($0)", cost: 2.3), Donor(text: "\(name) != \($0)", cost: 2.4)]
        } ?? [])
        + (file.language == .swift ? [Donor(text: "\(name).isEmpty", cost: 2.5)] : [])
        + (file.language == .rust ? [Donor(text: "\(name).is_empty()", cost: 2.5)] : [])
    }
  }
}
