/// Guards: a question before a statement, and a way out.
extension Generator {
  mutating func guards() {
    let gaps = gaps()
    guard let gap = gaps.first, function >= 0 else {
      mutableDefaults()
      return
    }
    let language = file.language
    let isNull = clues.traits.contains(.nullAccess) || clues.traits.contains(.key) || clues.traits.contains(.index)
    let isZero = clues.traits.contains(.zeroDivision) || clues.traits.contains(.emptySequence)
    let isOverrun = clues.traits.contains(.recursion) || clues.traits.contains(.overrun)
    let bonus = isNull || isZero || isOverrun ? 0.8 : 0.0
    var seen: Set<String> = []
    var asked: [Donor] = []
    for name in guardedNames().prefix(5) {
      for made in madeConditions(name).prefix(8) where seen.insert(made.text).inserted { asked.append(made) }
    }
    for made in subscriptConditions() where seen.insert(made.text).inserted { asked.append(made) }
    for donor in donors.prefix(24) where seen.insert(donor.text).inserted {
      asked.append(Donor(text: donor.text, cost: donor.cost + 0.1))
    }
    let actions = guardActions()
    for condition in asked {
      for action in actions {
        let cost = condition.cost + action.cost - bonus
        guard cost < 4 else { continue }
        insert(guardText(condition.text, action.text, gap.indentation), at: gap.offset, cost, .guardInserted)
      }
    }
    guardsBehind(gaps, actions)
    // The statement itself under a condition.
    if !statement.isHeader, ownsItsLines(statement), !["let", "const", "var"].contains(file.texts[statement.first]) {
      let line = String(decoding: file.bytes[lineRange(statement)], as: UTF8.self)
      let inner = String(line.drop { $0 == " " || $0 == "\t" })
      let step = indentationStep
      for condition in asked.prefix(40) {
        let text: String
        switch language {
        case .python: text = "\(gap.indentation)if \(condition.text):\(file.newline)\(gap.indentation)\(step)\(inner)"
        case .go, .swift, .rust:
          text =
            "\(gap.indentation)if \(condition.text) {\(file.newline)\(gap.indentation)\(step)\(inner)\(inner.hasSuffix("\n") ? "" : file.newline)\(gap.indentation)}\(file.newline)"
        case .ruby: continue
        default: text = "\(gap.indentation)if (\(condition.text)) \(inner)"
        }
        emit(lineRange(statement), text, condition.cost + 0.2 - bonus / 2, .guardInserted)
      }
    }
    guardedOperands(bonus: isNull ? 1 : 0)
    mutableDefaults()
  }

  /// What `x[k]` wants to be true.
  private func subscriptConditions() -> [Donor] {
    var made: [Donor] = []
    for open in tokens where file.isSubscript(open) && file.match[open] <= statement.last && file.match[open] > open + 1
    {
      guard let start = file.operandStart(endingAt: open - 1, notBefore: statement.first),
        file.match[open] - open <= 8, !(open...file.match[open]).contains(where: { file.texts[$0] == ":" }),
        file.tokens[open + 1].kind != .number
      else { continue }
      let key = file.text(open + 1, file.match[open] - 1)
      let table = file.text(start, open - 1)
      switch file.language {
      case .python:
        made += [
          Donor(text: "\(key) not in \(table)", cost: 2.0), Donor(text: "\(key) in \(table)", cost: 2.2),
          Donor(text: "\(key) >= len(\(table))", cost: 2.4), Donor(text: "\(key) < 0", cost: 2.6),
        ]
      case .javascript, .typescript:
        made += [
          Donor(text: "!(\(key) in \(table))", cost: 2.2), Donor(text: "\(key) >= \(table).length", cost: 2.4),
        ]
      case .go: made.append(Donor(text: "\(key) >= len(\(table))", cost: 2.4))
      case .java: made.append(Donor(text: "\(key) >= \(table).length", cost: 2.4))
      default: break
      }
      if made.count >= 12 { break }
    }
    return made
  }

  /// Behind a statement that gives a name its value and nothing can be asked before: the name is compared with others.
  private mutating func guardsBehind(_ gaps: [Gap], _ actions: [Donor]) {
    guard let gap = gaps.first(where: { $0.penalty == 0.05 }),
      let equals = tokens.first(where: { file.texts[$0] == "=" }),
      file.isTopLevel(equals, in: statement), equals > statement.first, file.isName(equals - 1)
    else { return }
    let next = statementIndex + 1
    let isBeforeFunction = next < file.statements.count && file.functions.contains { $0.header == next }
    guard isBeforeFunction else { return }
    let name = file.texts[equals - 1]
    var asked = madeConditions(name)
    for other in scope.prefix(8) where other != name && !["self", "this"].contains(other) {
      asked.append(Donor(text: "\(name) \(file.language.equal) \(other)", cost: 2.5))
      asked.append(Donor(text: "\(name) != \(other)", cost: 2.8))
    }
    for condition in asked {
      for action in actions where condition.cost + action.cost < 3.6 {
        insert(
          guardText(condition.text, action.text, gap.indentation), at: gap.offset, condition.cost + action.cost,
          .guardInserted)
      }
    }
  }

  var indentationStep: String {
    for statement in file.statements where statement.parent >= 0 {
      let inner = file.indentation(ofLine: file.lines[statement.first])
      let outer = file.indentation(ofLine: file.lines[file.statements[statement.parent].first])
      if inner.count > outer.count, inner.hasPrefix(outer) { return String(inner.dropFirst(outer.count)) }
    }
    return file.language == .go ? "\t" : "    "
  }

  private func guardText(_ condition: String, _ action: String, _ indentation: String) -> String {
    let newline = file.newline
    let end = file.language.terminator
    switch file.language {
    case .python: return "\(indentation)if \(condition):\(newline)\(indentation)\(indentationStep)\(action)\(newline)"
    case .ruby: return "\(indentation)\(action) if \(condition)\(newline)"
    case .go, .swift, .rust:
      return
        "\(indentation)if \(condition) {\(newline)\(indentation)\(indentationStep)\(action)\(file.language == .rust ? ";" : "")\(newline)\(indentation)}\(newline)"
    default: return "\(indentation)if (\(condition)) \(action)\(end)\(newline)"
    }
  }

  /// What a guard does: leave, with one of the values that fit here.
  private func guardActions() -> [Donor] {
    var actions: [Donor] = []
    var seen: Set<String> = []
    func add(_ text: String, _ cost: Double) {
      if seen.insert(text).inserted { actions.append(Donor(text: text, cost: cost)) }
    }
    let owner = file.functions[function]
    var returns = 0
    for other in file.statements where other.first > owner.first && other.last <= owner.last && !other.isHeader {
      let first = file.texts[other.first]
      if first == "return" || first == "raise" || first == "throw", file.lines[other.first] == file.lines[other.last],
        other.last - other.first < 24, returns < 5
      {
        add(file.text(other.first, other.last), 0.1)
        returns += 1
      }
    }
    if isInLoop {
      add("continue", 0)
      add("break", 0.1)
    }
    for literal in clues.literals.prefix(4) { add("return \(literal)", 0.15) }
    for (literal, cost) in Self.literals(file.language).prefix(7) { add("return \(literal)", 0.15 + (cost - 1.9)) }
    add("return", 0.4)
    for name in scope.prefix(6) where !["self", "this"].contains(name) { add("return \(name)", 0.5) }
    return actions
  }

  private var isInLoop: Bool {
    var parent = statement.parent
    while parent >= 0, file.functions[function].header != parent {
      if ["for", "while", "loop", "do", "repeat"].contains(file.texts[file.statements[parent].first]) { return true }
      parent = file.statements[parent].parent
    }
    return false
  }

  /// `f(x.y)` becomes `f(x.y) if x else None`, `a / b` becomes `a / b if b else 0`.
  private mutating func guardedOperands(bonus: Double) {
    guard file.language == .python || file.language.isScript else { return }
    for slot in slots
    where (slot.role == .result || slot.role == .value || slot.role == .argument) && slot.range.count >= 2
      && slot.range.count <= 24
    {
      let text = file.text(slot.range)
      guard !text.utf8.contains(0x0a),
        !slot.range.contains(where: { ["if", "?", "for", "lambda", "=>"].contains(file.texts[$0]) })
      else { continue }
      var asked = OrderedNames()
      for index in slot.range
      where file.isMember(index) || index + 1 <= statement.last && file.texts[index + 1] == "["
        || file.isName(index) && !file.isCalled(index)
      {
        guard let start = file.operandStart(endingAt: index, notBefore: slot.range.lowerBound) else { continue }
        if file.isMember(index) { asked.add(file.text(start, index - 2)) } else { asked.add(file.text(start, index)) }
      }
      for name in asked.names.prefix(4) where name != text {
        for (value, cost) in Self.literals(file.language).prefix(7) {
          let form = file.language == .python ? "\(text) if \(name) else \(value)" : "\(name) ? \(text) : \(value)"
          replace(slot.range, with: form, cost + 0.6 - bonus, .guardInserted)
        }
      }
    }
  }

  /// Python keeps one default value for all calls: it has to be made anew in each.
  mutating func mutableDefaults() {
    guard file.language == .python, let owner = file.functions.first(where: { $0.header == statementIndex }),
      let open = owner.parameters
    else { return }
    guard let body = file.statements.dropFirst(statementIndex + 1).first(where: { $0.parent == statementIndex }) else {
      return
    }
    // Behind a docstring.
    let line = file.lines[body.first]
    let indentation = file.indentation(ofLine: line)
    let offset = file.tokens[body.first].kind == .string ? lineRange(body).upperBound : file.lineStarts[line - 1]
    guard line > file.lines[statement.last] else { return }
    for element in file.elements(ofBracket: open) {
      guard let equals = element.first(where: { file.texts[$0] == "=" }), equals < element.upperBound else { continue }
      let name = file.texts[element.lowerBound]
      let value = file.text(equals + 1, element.upperBound)
      guard value.hasPrefix("[") || value.hasPrefix("{") || value.hasSuffix("()") else { continue }
      let bytes = file.byteRange(equals + 1, element.upperBound)
      emit(
        [
          SourceEdit(file: fileIndex, start: bytes.lowerBound, end: bytes.upperBound, text: "None"),
          SourceEdit(
            file: fileIndex, start: offset, end: offset,
            text:
              "\(indentation)if \(name) is None:\(file.newline)\(indentation)\(indentationStep)\(name) = \(value)\(file.newline)"
          ),
        ], 0.9, .guardInserted)
    }
  }
}
