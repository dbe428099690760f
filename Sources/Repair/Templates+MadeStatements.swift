/// Statements that are nowhere in the file, made of names and expressions that are: the update that was forgotten.
extension Generator {
  private static let mostMade = 90

  /// What could be missing in the function at hand, the likely first.
  func madeStatements() -> [Donor] {
    guard function >= 0, [.python, .javascript, .typescript].contains(file.language) else { return [] }
    let owner = file.functions[function]
    let statements = file.statements.indices.filter {
      file.statements[$0].first > owner.first && file.statements[$0].last <= owner.last
    }
    var made: [Donor] = []
    var seen: Set<String> = []
    let end = file.language.terminator
    func add(_ text: String, _ cost: Double) {
      if text.utf8.count <= 80, !text.utf8.contains(0x0a), seen.insert(text).inserted {
        made.append(Donor(text: text + end, cost: cost))
      }
    }
    for index in statements { memberships(file.statements[index], add) }
    for index in statements where !file.statements[index].isHeader { mirrored(file.statements[index], add) }
    let values = values(of: statements)
    for target in changed(in: statements) {
      for value in values.prefix(24) where value.text != target.name {
        // A name is set to what has to do with it, or to what it is set to elsewhere.
        let isOwn = value.names.contains(target.name)
        switch target.kind {
        case .value:
          add("\(target.name) = \(value.text)", value.isAtom ? 2.6 : isOwn ? 2.7 : 2.9)
          if !value.isString, !isOwn || use.unchanged.contains(target.name) {
            add("\(target.name) += \(value.text)", value.isAtom ? 2.8 : 3.0)
            add("\(target.name) -= \(value.text)", value.isAtom ? 2.9 : 3.0)
          }
        case .collection(let method):
          if !isOwn { add("\(target.name).\(method)(\(value.text))", value.isAtom ? 2.7 : 2.9) }
        }
      }
    }
    return made.enumerated().sorted { ($0.element.cost, $0.offset) < ($1.element.cost, $1.offset) }
      .prefix(Self.mostMade).map(\.element)
  }

  /// Who asks whether something is in a collection puts it there some time.
  private func memberships(_ statement: Statement, _ add: (String, Double) -> Void) {
    let range = statement.first...statement.last
    for index in range where file.texts[index] == "in" && index > statement.first && index < statement.last {
      let isNegated = file.texts[index - 1] == "not"
      // `not` is no operand: the question's left side ends before it.
      let end = isNegated ? index - 2 : index - 1
      guard end >= statement.first, let start = file.operandStart(endingAt: end, notBefore: statement.first),
        let last = file.operandEnd(startingAt: index + 1, notAfter: statement.last),
        file.texts[statement.first] != "for",
        start == statement.first || file.texts[start - 1] != "for"
      else { continue }
      let item = file.text(start, end)
      let collection = file.text(index + 1, last)
      guard collection.utf8.first.map({ $0 != UInt8(ascii: "(") && $0 != UInt8(ascii: "'") }) == true else { continue }
      for (method, cost) in [("add", 1.8), ("append", 2.0), ("remove", 2.3), ("discard", 2.6)] {
        let plain = item.hasPrefix("(") || !item.contains(",") ? item : "(\(item))"
        add("\(collection).\(method)(\(plain))", isNegated || method == "remove" ? cost : cost + 0.2)
      }
      for value in ["True", "1", "0"] { add("\(collection)[\(item)] = \(value)", 2.5) }
    }
    for index in range
    where ["has", "includes"].contains(file.texts[index]) && file.isCalled(index) && file.isMember(index) {
      guard let start = file.operandStart(endingAt: index - 2, notBefore: statement.first),
        file.match[index + 1] > index + 2
      else { continue }
      let item = file.text(index + 2, file.match[index + 1] - 1)
      let collection = file.text(start, index - 2)
      add("\(collection).\(file.texts[index] == "has" ? "add" : "push")(\(item))", 1.8)
      add("\(collection).delete(\(item))", 2.4)
    }
  }

  /// `node = node.left` suggests `node = node.right`.
  private func mirrored(_ statement: Statement, _ add: (String, Double) -> Void) {
    guard statement.last - statement.first < 24, file.lines[statement.first] == file.lines[statement.last] else {
      return
    }
    for index in statement.first...statement.last where file.isMember(index) {
      let before = file.text(statement.first, index - 1)
      let after = index < statement.last ? file.text(index + 1, statement.last) : ""
      for other in Self.dualNames[file.texts[index]] ?? [] { add(before + other + after, 2.3) }
      guard !file.isCalled(index) else { continue }
      for other in names.plainMembers.prefix(6) where other != file.texts[index] { add(before + other + after, 2.6) }
    }
  }

  private struct Target {
    enum Kind { case value, collection(method: String) }
    var name: String
    var kind: Kind
  }

  /// Names that the function changes: what is assigned, and what grows.
  private func changed(in statements: [Int]) -> [Target] {
    var targets: [Target] = []
    var seen: Set<String> = []
    func add(_ name: String, _ kind: Target.Kind) {
      if targets.count < 8, scope.contains(name), seen.insert(name).inserted {
        targets.append(Target(name: name, kind: kind))
      }
    }
    // In the innermost loop first: what is asked at its head has to change.
    var parent = statement.parent
    while parent >= 0 {
      let header = file.statements[parent]
      if file.texts[header.first] == "while" {
        for index in header.first...header.last
        where file.isName(index) && !file.isMember(index) && !file.isCalled(index) { add(file.texts[index], .value) }
      }
      parent = header.parent
    }
    for number in statements {
      let other = file.statements[number]
      let range = other.first...other.last
      guard
        let equals = range.first(where: {
          SourceFile.assignments.contains(file.texts[$0]) && file.isTopLevel($0, in: other)
        }),
        equals > other.first, equals < other.last
      else { continue }
      for index in other.first..<equals where file.isName(index) && !file.isMember(index) {
        guard index + 1 >= equals || file.texts[index + 1] == "," || file.texts[index + 1] == "=" else { continue }
        switch file.texts[equals + 1] {
        case "[": add(file.texts[index], .collection(method: file.language == .python ? "append" : "push"))
        case "{", "set": add(file.texts[index], .collection(method: "add"))
        case "deque": add(file.texts[index], .collection(method: "append"))
        default: add(file.texts[index], .value)
        }
      }
    }
    return targets
  }

  private struct Value {
    var text: String
    var names: Set<String>
    var isAtom: Bool
    var isString: Bool
  }

  /// Expressions of the function, and its names, each once.
  private func values(of statements: [Int]) -> [Value] {
    var values: [Value] = []
    var seen: Set<String> = []
    for name in scope.prefix(7) where !["self", "this"].contains(name) && seen.insert(name).inserted {
      values.append(Value(text: name, names: [name], isAtom: true, isString: false))
    }
    for number in statements.sorted(by: { abs($0 - statementIndex) < abs($1 - statementIndex) }) {
      let other = file.statements[number]
      let range = other.first...other.last
      // Parts of conditions count as well: `items[i + 1] < items[i]`.
      var found = slotRanges(of: number)
      for index in range where ["[", "("].contains(file.texts[index]) && file.match[index] > index {
        guard let start = file.operandStart(endingAt: file.match[index], notBefore: other.first), start < index else {
          continue
        }
        found.append(start...file.match[index])
      }
      for slot in found where slot.count <= 10 {
        let text = file.text(slot)
        guard slot.count > 1 || file.tokens[slot.lowerBound].kind != .string, seen.insert(text).inserted else {
          continue
        }
        let names = Set(slot.filter { file.isName($0) && !file.isMember($0) }.map { file.texts[$0] })
        values.append(
          Value(
            text: text, names: names, isAtom: slot.count == 1, isString: file.tokens[slot.lowerBound].kind == .string))
      }
      if values.count > 40 { break }
    }
    return values
  }

  private func slotRanges(of number: Int) -> [ClosedRange<Int>] {
    file.slots(of: file.statements[number]).filter { $0.role != .condition && $0.role != .iterable }.map(\.range)
  }
}
