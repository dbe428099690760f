/// Statements that are there elsewhere and missing here.
extension Generator {
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
    if statement.isHeader, file.language == .python, statement.blockEnd > statement.last {
      // Behind the whole block: what is missing there has more to do with the block's head than with its last line.
      let next = statement.blockEnd + 1
      let isContinued = next < file.tokens.count && ["else", "elif", "except", "finally"].contains(file.texts[next])
      let after = file.end(ofLine: file.line(ofByte: Int(file.tokens[statement.blockEnd].end) - 1))
      if !isContinued { result.append(Gap(offset: after, indentation: own, penalty: 0.1)) }
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
    let copies = donorStatements()
    let donors = copies + madeStatements()
    let newline = file.newline
    let remainders = remainders() + leftovers(copies)
    for gap in gaps where gap.penalty == 0.05 {
      for donor in firstEntries() {
        insert(indented(donor.text, gap.indentation) + newline, at: gap.offset, donor.cost, .statementInserted)
      }
    }
    for gap in gaps {
      for donor in remainders where gap.penalty >= 0.1 {
        insert(
          indented(donor.text, gap.indentation) + newline, at: gap.offset, donor.cost + gap.penalty, .statementInserted)
      }
      // What a loop does when something is full is often missing once more before the result.
      let bonus = file.texts[statement.first] == "return" ? 0.5 : 0
      for donor in donors {
        insert(
          indented(donor.text, gap.indentation) + newline, at: gap.offset, donor.cost + gap.penalty - bonus,
          .statementInserted)
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

  /// What a loop hands out when something is full, once more behind it for what is left: `if part: yield part`.
  private func remainders() -> [Donor] {
    guard function >= 0, [.python, .javascript, .typescript].contains(file.language) else { return [] }
    let owner = file.functions[function]
    var found: [Donor] = []
    for (index, other) in file.statements.enumerated()
    where !other.isHeader && other.first > owner.first && other.last <= owner.last && found.count < 12 {
      guard other.parent != owner.header, let text = donorText(other), index != statementIndex else { continue }
      let range = other.first...other.last
      let isHandedOut = range.contains { ["yield", "append", "add", "push", "extend", "+="].contains(file.texts[$0]) }
      guard isHandedOut else { continue }
      for token in range.dropFirst()
      where file.isName(token) && !file.isMember(token) && !file.isCalled(token)
        && (token == other.last || file.texts[token + 1] != ".")
      {
        let name = file.texts[token]
        let isPython = file.language == .python
        found.append(
          Donor(
            text: isPython
              ? "if \(name):\n\(indentationStep)\(text)" : "if (\(name).length) \(text)", cost: 2.3))
      }
    }
    return found
  }

  /// A change that the function makes in a loop, once more behind it for what a question finds left: `if n > 1: total -= n`.
  private func leftovers(_ donors: [Donor]) -> [Donor] {
    guard function >= 0, file.language == .python else { return [] }
    let owner = file.functions[function]
    var asked = OrderedNames()
    for header in file.statements
    where header.isHeader && header.first > owner.first && header.last <= owner.last
      && ["while", "if", "elif"].contains(file.texts[header.first])
    {
      for index in header.first...header.last
      where file.isName(index) && !file.isMember(index) && !file.isCalled(index) && scope.contains(file.texts[index]) {
        asked.add(file.texts[index])
      }
    }
    var found: [Donor] = []
    for donor in donors where donor.cost < 3 && donor.text.contains("= ") && !donor.text.contains("\n") {
      for name in asked.names.prefix(4) where donor.text.contains(name) {
        for (condition, cost) in [("\(name) > 1", 2.8), (name, 2.9), ("\(name) > 0", 3.0)] {
          found.append(Donor(text: "if \(condition):\n\(indentationStep)\(donor.text)", cost: cost))
        }
      }
      if found.count > 120 { break }
    }
    return found
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
}
