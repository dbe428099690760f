/// Whole statements: moved, guarded, inserted from elsewhere, deleted; and what functions return.
extension Generator {
  // MARK: - Results

  mutating func results() {
    guard function >= 0 else { return }
    let first = file.texts[statement.first]
    if first == "return" {
      returnedValues()
    } else if first == "raise" || first == "throw" {
      let owner = file.functions[function]
      for other in file.statements
      where other.first > owner.first && other.last <= owner.last && file.texts[other.first] == "return" {
        replace(tokens, with: file.text(other.first, other.last), 2.3, .result)
      }
    } else if !statement.isHeader, isExpressionStatement {
      // The value is computed and dropped.
      insert("return ", at: Int(file.tokens[statement.first].start), 1.6, .result)
      if file.language.isScript || file.language == .python {
        insert("await ", at: Int(file.tokens[statement.first].start), 2.1, .call)
      }
      // A method whose result is the point: `text.strip()` becomes `text = text.strip()`.
      if let end = (tokens).first(where: { file.texts[$0] == "." }), end > statement.first {
        insert(
          "\(file.text(statement.first, end - 1)) = ", at: Int(file.tokens[statement.first].start), 1.8, .assignment)
      }
    }
    exceptions()
  }

  private var isExpressionStatement: Bool {
    guard file.isName(statement.first), statement.last > statement.first, file.texts[statement.last] == ")" else {
      return false
    }
    return !tokens.contains { SourceFile.assignments.contains(file.texts[$0]) && file.isTopLevel($0, in: statement) }
  }

  private mutating func returnedValues() {
    let language = file.language
    let hasValue = statement.last > statement.first
    let range = hasValue ? (statement.first + 1)...statement.last : nil
    var values: [(String, Double)] = []
    if let range {
      let text = file.text(range)
      if language == .python || language.isScript || language == .ruby || language == .java || language == .c {
        values.append(("\(language.negation)(\(text))", 1.7))
      }
      values.append(("-(\(text))", 2.3))
    }
    for (position, literal) in clues.literals.prefix(8).enumerated() {
      values.append((literal, 2 + 0.05 * Double(position)))
    }
    for (position, name) in scope.prefix(14).enumerated() where !["self", "this"].contains(name) {
      values.append((name, 1.7 + 0.04 * Double(position)))
    }
    for (literal, cost) in Self.literals(language) { values.append((literal, cost)) }
    if let members = names.membersByReceiver[language == .python ? "self" : "this"] {
      for member in members.prefix(8) { values.append(("\(language == .python ? "self" : "this").\(member)", 2.3)) }
    }
    let owner = file.functions[function]
    for other in file.statements
    where other.first > owner.first && other.last <= owner.last && other.first != statement.first {
      if file.texts[other.first] == "return", other.last > other.first {
        values.append((file.text(other.first + 1, other.last), 1.6))
      }
    }
    for (value, cost) in values {
      if let range {
        replace(range, with: value, cost, .result)
      } else {
        insert(" " + value, at: Int(file.tokens[statement.first].end), cost, .result)
      }
    }
  }

  static func literals(_ language: Language) -> [(String, Double)] {
    switch language {
    case .python:
      [
        ("None", 1.9), ("True", 1.9), ("False", 1.9), ("0", 2), ("1", 2.2), ("-1", 2.2), ("[]", 2), ("\"\"", 2.1),
        ("{}", 2.2), ("0.0", 2.6), ("set()", 2.6),
      ]
    case .javascript, .typescript:
      [
        ("null", 1.9), ("true", 1.9), ("false", 1.9), ("0", 2), ("undefined", 2), ("1", 2.2), ("-1", 2.2), ("[]", 2),
        ("''", 2.1), ("{}", 2.2),
      ]
    case .c, .cpp: [("0", 1.9), ("1", 2), ("-1", 2), (language.null ?? "0", 2.1)]
    case .rust: [("None", 2), ("0", 2), ("true", 2), ("false", 2), ("1", 2.2)]
    default: [(language.null ?? "0", 2), ("true", 2), ("false", 2), ("0", 2), ("1", 2.2), ("-1", 2.3), ("\"\"", 2.3)]
    }
  }

  /// Which exceptions are caught and raised.
  private mutating func exceptions() {
    guard file.language == .python else { return }
    let first = file.texts[statement.first]
    if first == "except", statement.last - statement.first >= 2, file.texts[statement.last] == ":" {
      let end = (tokens).first { file.texts[$0] == "as" }.map { $0 - 1 } ?? statement.last - 1
      guard end > statement.first else { return }
      let range = (statement.first + 1)...end
      let caught = file.text(range)
      let inner = caught.hasPrefix("(") ? String(caught.dropFirst().dropLast()) : caught
      for exception in clues.exceptions.prefix(5) where exception != "AssertionError" && !caught.contains(exception) {
        replace(range, with: "(\(inner), \(exception))", 0.8, .guardInserted)
        replace(range, with: exception, 0.9, .name)
      }
      for (exception, cost) in [
        ("Exception", 1.9), ("(\(inner), TypeError)", 2.1), ("(\(inner), ValueError)", 2.1),
        ("(\(inner), KeyError)", 2.2), ("(\(inner), IndexError)", 2.2), ("(\(inner), AttributeError)", 2.2),
      ] {
        replace(range, with: exception, cost, .name)
      }
    } else if first == "raise", statement.last > statement.first, file.isName(statement.first + 1) {
      for exception in clues.exceptions.prefix(5) + ["ValueError", "TypeError", "KeyError", "IndexError"] {
        replace(
          statement.first + 1, with: exception, clues.exceptions.contains(exception) ? 1 : 2.2, .name, everywhere: false
        )
      }
      insert("return  # ", at: Int(file.tokens[statement.first].start), 6, .statementDeleted)
    }
  }

  // MARK: - Moves

  /// The next statement on the same level, when this one is simple.
  private func neighbour() -> Statement? {
    guard statementIndex + 1 < file.statements.count else { return nil }
    let end = statement.blockEnd
    return file.statements[(statementIndex + 1)...].prefix(200).first { $0.first > end }.flatMap {
      $0.parent == statement.parent ? $0 : nil
    }
  }

  mutating func moves() {
    guard function >= 0, file.functions[function].header != statementIndex else { return }
    if let next = neighbour(), !next.isHeader || next.blockEnd - next.first < 60, ownsItsLines(statement),
      ownsItsLines(next)
    {
      let first = lineRange(statement)
      let second = lineRange(next)
      if first.upperBound <= second.lowerBound {
        let between = String(decoding: file.bytes[first.upperBound..<second.lowerBound], as: UTF8.self)
        let head = String(decoding: file.bytes[first], as: UTF8.self)
        var tail = String(decoding: file.bytes[second], as: UTF8.self)
        if !tail.hasSuffix("\n") { tail += file.newline }
        emit(
          first.lowerBound..<second.upperBound, tail + between + head, statement.isHeader || next.isHeader ? 1.9 : 1.6,
          .statementMoved)
      }
    }
    guard !statement.isHeader, ownsItsLines(statement) else { return }
    if file.language.hasIndentedBlocks { indentation() } else { bracedMoves() }
  }

  /// One level out, one level in.
  private mutating func indentation() {
    let lines = file.lines[statement.first]...file.line(ofByte: Int(file.tokens[statement.last].end) - 1)
    let own = file.indentation(ofLine: lines.lowerBound)
    func shifted(to indentation: String) -> String {
      var text = ""
      for line in lines {
        let start = file.lineStarts[line - 1]
        let content = String(decoding: file.bytes[start..<file.end(ofLine: line)], as: UTF8.self)
        text += content.hasPrefix(own) ? indentation + content.dropFirst(own.count) : content
      }
      return text
    }
    let bytes = lineRange(statement)
    // Outwards, when it is the last of its block.
    var parent = statement.parent
    var cost = 1.4
    while parent >= 0, file.statements[parent].blockEnd == statement.last, parent != file.functions[function].header {
      let outer = file.indentation(ofLine: file.lines[file.statements[parent].first])
      emit(bytes, shifted(to: outer), cost, .statementMoved)
      cost += 0.3
      parent = file.statements[parent].parent
    }
    // Inwards, behind the last statement of the block before it.
    if statementIndex > 0 {
      var previous = statementIndex - 1
      var steps = 0.0
      while previous >= 0, previous != statement.parent,
        file.statements[previous].parent != statement.parent || steps == 0
      {
        if file.statements[previous].parent == statement.parent { break }
        if !file.statements[previous].isHeader {
          emit(
            bytes, shifted(to: file.indentation(ofLine: file.lines[file.statements[previous].first])),
            1.5 + 0.3 * steps, .statementMoved)
        }
        steps += 1
        previous = file.statements[previous].parent
        if previous < 0 || previous == statement.parent || steps > 4 { break }
      }
    }
  }

  /// Out of the block over its closing brace, or into the block before it.
  private mutating func bracedMoves() {
    let bytes = lineRange(statement)
    let text = String(decoding: file.bytes[bytes], as: UTF8.self)
    let next = (statement.terminator ?? statement.last) + 1
    if next < file.tokens.count, file.texts[next] == "}", file.lines[next] > file.lines[next - 1],
      next + 1 >= file.tokens.count || file.lines[next + 1] > file.lines[next]
    {
      let end = file.end(ofLine: file.lines[next])
      let brace = String(decoding: file.bytes[bytes.upperBound..<end], as: UTF8.self)
      emit(bytes.lowerBound..<end, brace + text, 1.5, .statementMoved)
    }
    let previous = statement.first - 1
    if previous > 0, file.texts[previous] == "}", file.lines[previous] < file.lines[statement.first] {
      let start = file.lineStarts[file.lines[previous] - 1]
      let brace = String(decoding: file.bytes[start..<bytes.lowerBound], as: UTF8.self)
      emit(start..<bytes.upperBound, text + brace, 1.7, .statementMoved)
    }
  }

  /// True when nothing else stands on the statement's lines.
  func ownsItsLines(_ other: Statement) -> Bool {
    let end = max(other.terminator ?? other.last, other.blockEnd)
    let startsLine = other.first == 0 || file.lines[other.first - 1] < file.lines[other.first]
    let endsLine =
      end + 1 >= file.tokens.count || file.lines[end + 1] > file.line(ofByte: Int(file.tokens[end].end) - 1)
    return startsLine && endsLine
  }

  /// The whole lines of a statement.
  func lineRange(_ other: Statement) -> Range<Int> {
    let end = max(other.terminator ?? other.last, other.blockEnd)
    return file.lineStarts[
      file.lines[other.first] - 1]..<file.end(ofLine: file.line(ofByte: Int(file.tokens[end].end) - 1))
  }

  // MARK: - Insertions

  /// A place between two statements, with the indentation that belongs there.
  struct Gap: Hashable {
    var offset: Int
    var indentation: String
    var penalty: Double
  }

  /// Before this statement; and behind it, at every level whose block ends there.
  func gaps() -> [Gap] {
    guard function >= 0, file.functions[function].header != statementIndex,
      ownsItsLines(statement) || statement.isHeader
    else { return [] }
    guard statement.first == 0 || file.lines[statement.first - 1] < file.lines[statement.first] else { return [] }
    let line = file.lines[statement.first]
    let own = file.indentation(ofLine: line)
    var result: [Gap] = []
    if !["elif", "else", "except", "finally", "case", "}"].contains(file.texts[statement.first]) {
      result.append(Gap(offset: file.lineStarts[line - 1], indentation: own, penalty: 0))
    }
    guard !statement.isHeader, ownsItsLines(statement) else { return result }
    let end = lineRange(statement).upperBound
    let leaves = ["return", "break", "continue", "raise", "throw"].contains(file.texts[statement.first])
    if !leaves { result.append(Gap(offset: end, indentation: own, penalty: 0.05)) }
    var parent = statement.parent
    var penalty = 0.1
    var offset = end
    while parent >= 0, parent != file.functions[function].header {
      let header = file.statements[parent]
      let isLast = file.language.hasIndentedBlocks ? header.blockEnd == statement.last : isEnd(of: header)
      guard isLast else { break }
      if !file.language.hasIndentedBlocks { offset = file.end(ofLine: file.lines[header.blockEnd]) }
      let next = header.blockEnd + 1
      let isContinued =
        next < file.tokens.count && ["else", "elif", "except", "finally", "catch", "while"].contains(file.texts[next])
      if !isContinued {
        result.append(
          Gap(offset: offset, indentation: file.indentation(ofLine: file.lines[header.first]), penalty: penalty))
      }
      penalty += 0.1
      parent = header.parent
    }
    return result
  }

  private func isEnd(of header: Statement) -> Bool {
    let close = header.blockEnd
    guard file.texts[close] == "}" else { return false }
    var index = (statement.terminator ?? statement.last) + 1
    while index < close, file.texts[index] == "}" { index += 1 }
    return index == close && (close + 1 >= file.tokens.count || file.lines[close + 1] > file.lines[close])
  }

  mutating func insertions() {
    let gaps = gaps()
    guard !gaps.isEmpty else { return }
    let donors = donorStatements()
    let newline = file.newline
    for gap in gaps {
      for donor in donors {
        insert(
          indented(donor.text, gap.indentation) + newline, at: gap.offset, donor.cost + gap.penalty, .statementInserted)
      }
      for name in usedNames().prefix(4) where !["self", "this"].contains(name) {
        for step in ["\(name) += 1", "\(name) -= 1"] {
          insert(
            gap.indentation + step + file.language.terminator + newline, at: gap.offset, 2.7 + gap.penalty,
            .statementInserted)
        }
      }
    }
    if clues.traits.contains(.unboundLocal), function >= 0, let gap = gaps.first {
      for name in (clues.unknownNames + scope.prefix(8)) {
        for value in ["None", "0", "[]", "\"\"", "{}", "False"] {
          insert("\(gap.indentation)\(name) = \(value)\(newline)", at: gap.offset, 1.4, .statementInserted)
        }
      }
    }
  }

  /// Simple statements of the function and of its file, and those with one name changed.
  private func donorStatements() -> [Donor] {
    guard function >= 0 else { return [] }
    let owner = file.functions[function]
    var donors: [Donor] = []
    var seen: Set<String> = []
    func add(_ text: String, _ cost: Double) {
      if seen.insert(text).inserted { donors.append(Donor(text: text, cost: cost)) }
    }
    let names = Array(scope.filter { !["self", "this"].contains($0) }.prefix(8))
    for (index, other) in file.statements.enumerated()
    where !other.isHeader && other.first > owner.first && other.last <= owner.last {
      guard let text = donorText(other), index != statementIndex else { continue }
      add(text, ["return", "break", "continue"].contains(file.texts[other.first]) ? 2.4 : 2.2)
    }
    for other in file.statements where !other.isHeader && other.first > owner.first && other.last <= owner.last {
      guard donorText(other) != nil, other.last - other.first <= 12 else { continue }
      for token in other.first...other.last
      where file.isName(token) && !file.isMember(token) && !file.isCalled(token) && names.contains(file.texts[token]) {
        for name in names where name != file.texts[token] {
          let before = token > other.first ? file.text(other.first, token - 1) : ""
          let after = token < other.last ? file.text(token + 1, other.last) : ""
          add(
            before + spacing(token, before: true, from: other.first) + name
              + spacing(token, before: false, upTo: other.last) + after + file.language.terminator, 2.9)
        }
      }
      if donors.count > 60 { break }
    }
    var far = 0
    for other in file.statements
    where !other.isHeader && file.functionOf[other.first] >= 0 && file.functionOf[other.first] != function && far < 30 {
      guard let text = donorText(other) else { continue }
      // Only what uses nothing that is unknown here.
      let fits = (other.first...other.last).allSatisfy { token in
        !file.isName(token) || file.isMember(token) || file.isCalled(token) || scope.contains(file.texts[token])
          || self.names.globals.contains(file.texts[token])
      }
      guard fits else { continue }
      far += 1
      add(text, 2.6)
    }
    return donors
  }

  private func spacing(_ token: Int, before: Bool, from first: Int = 0, upTo last: Int = 0) -> String {
    let range =
      before
      ? (token > first ? Int(file.tokens[token - 1].end)..<Int(file.tokens[token].start) : 0..<0)
      : (token < last ? Int(file.tokens[token].end)..<Int(file.tokens[token + 1].start) : 0..<0)
    return String(decoding: file.bytes[range], as: UTF8.self)
  }

  private func donorText(_ other: Statement) -> String? {
    guard other.last - other.first < 40, file.lines[other.first] == file.lines[other.last] else { return nil }
    let first = file.texts[other.first]
    guard !["import", "from", "pass", "let", "const", "var", "int", "size_t", "char", "global"].contains(first) else {
      return nil
    }
    if file.language.isCompiled, file.tokens[other.first].kind == .keyword,
      !["return", "break", "continue", "self", "this", "throw"].contains(first)
    {
      return nil
    }
    if file.tokens[other.first].kind == .string { return nil }
    return file.text(other.first, other.last) + file.language.terminator
  }

  private func indented(_ text: String, _ indentation: String) -> String {
    indentation + text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n" + indentation)
  }

  // MARK: - Guards

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
    for donor in conditionDonors().prefix(24) where seen.insert(donor.text).inserted {
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
    // The statement itself under a condition.
    if !statement.isHeader, ownsItsLines(statement),
      !["return", "let", "const", "var"].contains(file.texts[statement.first]) || true
    {
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

  private var indentationStep: String {
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
    for slot in file.slots(of: statement)
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

  // MARK: - Deletions

  mutating func deletions() {
    guard function >= 0 || !statement.isHeader, ownsItsLines(statement), statement.blockEnd - statement.first < 200
    else { return }
    if function >= 0, file.functions[function].header == statementIndex { return }
    let isOnly =
      statement.parent >= 0 && file.language == .python && file.statements.count { $0.parent == statement.parent } == 1
    if isOnly {
      let indentation = file.indentation(ofLine: file.lines[statement.first])
      emit(lineRange(statement), "\(indentation)pass\(file.newline)", 3.2, .statementDeleted)
    } else if !["else", "elif", "except", "finally", "def", "class"].contains(file.texts[statement.first]) {
      emit(lineRange(statement), "", statement.isHeader ? 3.1 : 2.9, .statementDeleted)
    } else if ["elif", "else"].contains(file.texts[statement.first]) {
      emit(lineRange(statement), "", 3.4, .statementDeleted)
    }
  }
}
