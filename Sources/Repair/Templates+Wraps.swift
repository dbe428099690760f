/// Expressions: wrapped in a call, unwrapped, or another one of the same function in their place.
extension Generator {
  mutating func wraps() {
    unwrap()
    let functions = wrappers()
    for slot in slots where slot.range.count <= 24 && !isLiteral(slot.range) {
      let text = file.text(slot.range)
      guard !text.utf8.contains(0x0a) || text.utf8.count < 120 else { continue }
      let isAtom =
        slot.range.count == 1
        || file.operandEnd(startingAt: slot.range.lowerBound, notAfter: slot.range.upperBound) == slot.range.upperBound
      for (name, cost, roles) in functions where roles.contains(slot.role) && file.texts[slot.range.lowerBound] != name
      {
        replace(slot.range, with: "\(name)(\(text))", cost, .wrap)
      }
      suffixes(slot, text, isAtom: isAtom)
    }
  }

  private func isLiteral(_ range: ClosedRange<Int>) -> Bool {
    guard range.count == 1 else { return false }
    let kind = file.tokens[range.lowerBound].kind
    return kind == .number || kind == .string || kind == .keyword
  }

  private static let anywhere: Set<Slot.Role> = [.value, .result, .argument, .index, .iterable, .operand]

  /// Functions of one argument that could be missing around an expression.
  private func wrappers() -> [(String, Double, Set<Slot.Role>)] {
    var result: [(String, Double, Set<Slot.Role>)] = []
    let traits = clues.traits
    switch file.language {
    case .python:
      let toText = traits.contains(.concatenation) || traits.contains(.noLength) ? 0.6 : 2
      let toNumber = traits.contains(.concatenation) || traits.contains(.conversion) ? 0.6 : 2
      let toList = traits.contains(.changedWhileIterated) ? 0.4 : 1.8
      result = [
        ("str", toText, [.operand, .argument, .result, .value]), ("int", toNumber, Self.anywhere),
        ("float", toNumber + 0.2, [.operand, .value, .result, .argument]),
        ("list", toList, [.iterable, .result, .value, .argument]),
        ("sorted", 1.4, [.iterable]), ("sorted", 1.9, [.result, .value, .argument]),
        ("len", traits.contains(.notIterable) ? 0.6 : 1.9, [.operand, .argument, .result, .value, .index]),
        ("abs", 1.9, [.operand, .argument, .result, .value]),
        ("set", 2, [.iterable, .value, .result, .argument, .operand]), ("reversed", 1.8, [.iterable]),
        ("range", traits.contains(.notIterable) ? 0.6 : 2.4, [.iterable]),
        ("enumerate", 2, [.iterable]), ("tuple", 2.2, [.value, .result, .argument]), ("dict", 2, [.value, .result]),
        ("bool", 2.2, [.result]), ("sum", 2.4, [.result, .value]),
        ("max", 2.6, [.result, .value]), ("min", 2.6, [.result, .value]), ("not ", 2.4, [.result]),
        ("round", 2.4, [.result, .value]), ("iter", 2.9, [.iterable, .value]),
        ("repr", 2.6, [.argument, .operand]), ("any", 2.7, [.result, .condition]), ("all", 2.7, [.result, .condition]),
        ("deepcopy", 3, [.value]),
      ]
    case .javascript, .typescript:
      result = [
        ("Number", 1.8, [.operand, .value, .result, .argument]),
        ("String", 1.9, [.operand, .argument, .value, .result]), ("Math.floor", 1.6, Self.anywhere),
        ("Math.abs", 1.9, [.operand, .result, .value]),
        ("Math.ceil", 1.9, [.operand, .result, .value]), ("Math.round", 1.9, [.operand, .result, .value]),
        ("Boolean", 2.2, [.result]), ("Array.from", 2, [.iterable, .result, .value]),
        ("parseInt", 2.2, [.operand, .value]), ("Object.keys", traits.contains(.notIterable) ? 0.9 : 2.4, [.iterable]),
        ("Object.values", traits.contains(.notIterable) ? 1 : 2.4, [.iterable]),
        ("Object.entries", traits.contains(.notIterable) ? 0.9 : 2.5, [.iterable]),
        ("Math.trunc", 2.2, [.operand, .result]), ("await ", 1.9, [.value, .result, .argument]),
      ]
    case .c, .cpp:
      result = [
        ("abs", 2.2, [.operand, .result]), ("strlen", 2.2, [.operand, .argument, .index]),
        ("(double)", 1.8, [.operand]), ("(unsigned char)", 1.8, [.argument, .operand]), ("(size_t)", 2.4, [.operand]),
        ("(long)", 2.4, [.operand]),
      ]
    case .go:
      result = [
        ("len", 1.8, [.operand, .argument, .index]), ("float64", 1.8, [.operand, .argument]),
        ("int", 1.9, [.operand, .argument, .index]), ("string", 2, [.operand, .argument]),
      ]
    case .swift:
      result = [
        ("Double", 1.9, [.operand, .argument]), ("Int", 1.9, [.operand, .argument, .index]),
        ("String", 1.9, [.argument, .operand]), ("abs", 2, [.operand, .result]),
        ("Array", 2, [.result, .value, .argument]),
      ]
    case .rust:
      result = [("Some", 1.8, [.result, .value, .argument]), ("Ok", 1.8, [.result])]
    case .java, .csharp, .kotlin:
      result = [
        ("Math.abs", 1.9, [.operand, .result]), ("(double) ", 1.7, [.operand]), ("(int) ", 1.9, [.operand, .argument]),
        ("Math.floorMod", 2.9, [.result]),
      ]
    case .ruby, .php: break
    }
    // Functions of the project that are given one value.
    var own: [String] = []
    for name in names.called where !result.contains(where: { $0.0 == name }) && names.takesOne.contains(name) {
      own.append(name)
    }
    for definition in file.functions where definition.parameters != nil && !own.contains(definition.name) {
      guard let open = definition.parameters else { continue }
      let count = file.elements(ofBracket: open).filter {
        !["self", "cls", "this"].contains(file.texts[$0.lowerBound])
      }.count
      let isMethod = file.statements[definition.header].parent >= 0 && file.language == .python
      if count == 1, !isMethod { own.append(definition.name) }
    }
    for (position, name) in own.prefix(12).enumerated() {
      result.append((name, 2 + 0.05 * Double(position), Self.anywhere))
    }
    // What the object itself does with one value, and functions that are imported by their names.
    guard file.language == .python else { return result }
    var further = OrderedNames()
    if scope.contains("self") {
      for definition in file.functions where further.names.count < 12 {
        guard let open = definition.parameters, file.match[open] > open else { continue }
        let parameters = file.elements(ofBracket: open)
        guard parameters.count == 2, file.texts[parameters[0].lowerBound] == "self", !definition.name.hasPrefix("__")
        else { continue }
        further.add("self.\(definition.name)")
      }
    }
    for name in names.imported.prefix(40)
    where name.first?.isLowercase == true && further.names.count < 20 && !own.contains(name)
      && names.called.contains(name)
    {
      further.add(name)
    }
    for (position, name) in further.names.enumerated() {
      result.append((name, 2.4 + 0.03 * Double(position), [.value, .result, .argument]))
    }
    return result
  }

  private enum Case { case lower, upper, mixed }

  /// How the letters of the constant are written that an operand is compared with.
  private func comparedCase(_ slot: Slot) -> Case {
    let before = slot.range.lowerBound - 2
    let after = slot.range.upperBound + 2
    for (sign, constant) in [(before + 1, before), (after - 1, after)]
    where constant >= statement.first && constant <= statement.last {
      guard ["==", "!=", "in"].contains(file.texts[sign]) else { continue }
      let strings =
        file.tokens[constant].kind == .open && file.match[constant] > constant
        ? file.elements(ofBracket: constant).map { file.texts[$0.lowerBound] } : [file.texts[constant]]
      guard strings.allSatisfy({ $0.hasSuffix("'") || $0.hasSuffix("\"") }) else { continue }
      let text = strings.joined()
      if text.contains(where: \.isUppercase), !text.contains(where: \.isLowercase) { return .upper }
      if text.contains(where: \.isLowercase), !text.contains(where: \.isUppercase) { return .lower }
    }
    return .mixed
  }

  /// Members of the value instead of the value: `.strip()`, `.copy()`, `.length`.
  private mutating func suffixes(_ slot: Slot, _ text: String, isAtom: Bool) {
    let operand = isAtom ? text : "(\(text))"
    var forms: [(String, Double)] = []
    switch file.language {
    case .python:
      forms = [
        (".strip()", 2), (".lower()", comparedCase(slot) == .lower ? 1.3 : 2),
        (".upper()", comparedCase(slot) == .upper ? 1.3 : 2.5), ("[:]", 2.5),
        (".copy()", slot.role == .value || slot.role == .result ? 1.9 : 2.5),
      ]
      if slot.role == .iterable {
        let base = clues.traits.contains(.tooManyValues) || clues.traits.contains(.tooFewValues) ? 0.7 : 1.9
        forms += [
          (".items()", base), (".values()", base + 0.1), (".keys()", base + 0.6), ("[1:]", 1.8), ("[:-1]", 1.8),
          ("[::-1]", 2),
        ]
      }
      if slot.role == .argument || slot.role == .value || slot.role == .result {
        forms += [
          ("[0]", 2.2), ("[1:]", 2.2), ("[:-1]", 2.2), ("[-1]", 2.3), (".values()", 2.5), (".items()", 2.6),
          ("()", 2.3),
        ]
      }
    case .javascript, .typescript:
      forms = [(".length", 2), (".trim()", 2.2), (".slice()", 1.9), (".toLowerCase()", 2.2), ("?.length", 2.8)]
      if slot.role == .iterable || slot.role == .value || slot.role == .result {
        replace(slot.range, with: "[...\(text)]", 1.6, .wrap)
        if slot.role != .iterable { replace(slot.range, with: "{ ...\(text) }", 1.9, .wrap) }
      }
      if slot.role == .argument, isAtom { replace(slot.range, with: "...\(text)", 1.4, .wrap) }
      if slot.role == .iterable { forms += [(".entries()", 1.8), (".slice(1)", 2)] }
      if slot.role == .value || slot.role == .argument {
        forms += [(" ?? 0", 2), (" || []", 2.1), (" ?? null", 2.2), ("[0]", 2.4)]
      }
    case .java: forms = [(".trim()", 2.2), (".size()", 2), (".length()", 2)]
    case .swift:
      forms = [(".count", 2), (".reversed()", 2), (".sorted()", 1.7), (" ?? 0", 2.2), (".lowercased()", 2.3)]
    case .rust: forms = [(".clone()", 2), (".len()", 2), (".unwrap()", 2.4), (" as usize", 2), (".abs()", 2)]
    case .c, .cpp:
      if isAtom, slot.role == .argument {
        replace(slot.range, with: "&\(text)", 2, .wrap)
        replace(slot.range, with: "*\(text)", 2, .wrap)
      }
    default: break
    }
    for (suffix, cost) in forms { replace(slot.range, with: operand + suffix, cost, .wrap) }
    if slot.role == .argument || slot.role == .operand || slot.role == .result, isAtom, file.language != .rust {
      replace(slot.range, with: "-\(text)", 2.2, .wrap)
    }
  }

  /// `f(x)` becomes `x`, `x.f()` and `x.f` become `x`.
  private mutating func unwrap() {
    for open in tokens where file.isCall(open) && file.match[open] <= statement.last {
      let close = file.match[open]
      let arguments = file.elements(ofBracket: open)
      guard let start = file.operandStart(endingAt: close, notBefore: statement.first) else { continue }
      if arguments.count == 1, start < open { replace(start...close, with: file.text(arguments[0]), 1.5, .unwrap) }
      if arguments.count == 2, start < open {
        replace(start...close, with: file.text(arguments[0]), 1.9, .unwrap)
        replace(start...close, with: file.text(arguments[1]), 2, .unwrap)
      }
      if file.isMember(open - 1), start <= open - 3, open - 3 >= statement.first {
        replace(start...close, with: file.text(start, open - 3), 1.7, .unwrap)
      }
      if arguments.isEmpty, start < open { remove(open...close, 1.9, .unwrap) }
    }
    for open in tokens
    where file.texts[open] == "[" && file.match[open] > open + 1 && file.match[open] <= statement.last
      && !file.isSubscript(open)
    {
      let elements = file.elements(ofBracket: open)
      if elements.count == 1 { replace(open...file.match[open], with: file.text(elements[0]), 2, .unwrap) }
    }
    for index in tokens where file.texts[index] == "..." && file.language.isScript {
      remove(index...index, 1.5, .unwrap)
    }
    if file.language == .python {
      for index in tokens where file.texts[index] == "*" && index > statement.first && !file.endsOperand(index - 1) {
        remove(index...index, 1.5, .unwrap)
      }
      for open in tokens where file.isCall(open) && file.match[open] <= statement.last {
        let arguments = file.elements(ofBracket: open)
        if let last = arguments.last, file.isName(last.lowerBound), last.count <= 3 {
          insert("*", at: Int(file.tokens[last.lowerBound].start), 1.9, .wrap)
        }
      }
    }
  }

  /// Other expressions of the function that stand in a like place.
  mutating func expressions() {
    guard function >= 0 else { return }
    let owner = file.functions[function]
    let own = slots.filter { $0.range.count <= 20 }
    guard !own.isEmpty else { return }
    var donors: [(text: String, role: Slot.Role)] = []
    var seen: Set<String> = []
    for (index, other) in file.statements.enumerated() where other.first >= owner.first && other.last <= owner.last {
      for slot in slots(ofStatement: index) where slot.range.count >= 2 && slot.range.count <= 14 {
        let text = file.text(slot.range)
        guard !text.utf8.contains(0x0a), seen.insert(text).inserted else { continue }
        donors.append((text, slot.role))
      }
      if donors.count > 40 { break }
    }
    for slot in own where slot.role != .condition {
      let text = file.text(slot.range)
      for donor in donors where donor.text != text && donor.role != .condition {
        let cost = donor.role == slot.role ? 2.3 : 2.8
        replace(slot.range, with: donor.text, cost, .expression)
      }
    }
    // A name instead of an expression.
    for slot in own where slot.role != .condition && slot.range.count >= 2 && slot.range.count <= 12 {
      let text = file.text(slot.range)
      for (position, name) in scope.prefix(10).enumerated() where name != text && !["self", "this"].contains(name) {
        replace(slot.range, with: name, 2.2 + 0.04 * Double(position), .name)
      }
    }
    // `max(x, …)` and `min(x, …)`: the new value with the old one.
    if let equals = tokens.first(where: { file.texts[$0] == "=" && file.isTopLevel($0, in: statement) }),
      equals > statement.first, equals < statement.last
    {
      let target = file.text(statement.first, equals - 1)
      let value = file.text(equals + 1, statement.last)
      if target.utf8.count < 40, !target.contains(","), file.language == .python || file.language.isScript {
        let prefix = file.language.isScript ? "Math." : ""
        replace((equals + 1)...statement.last, with: "\(prefix)max(\(target), \(value))", 1.7, .wrap)
        replace((equals + 1)...statement.last, with: "\(prefix)min(\(target), \(value))", 1.7, .wrap)
      }
      if target.utf8.count < 40, !target.contains(","), file.texts[statement.first] != "const",
        file.texts[statement.first] != "let"
      {
        for (sign, cost) in [("+", 1.8), ("-", 2.4), ("*", 2.6)] {
          replace((equals + 1)...statement.last, with: "\(target) \(sign) \(value)", cost, .expression)
        }
      }
    }
    // An operand more: `x` becomes `x + y`.
    for slot in own where slot.range.count <= 8 && slot.role != .condition && slot.role != .iterable {
      let text = file.text(slot.range)
      guard file.tokens[slot.range.lowerBound].kind != .string else { continue }
      for (position, name) in scope.prefix(10).enumerated() where name != text && !["self", "this"].contains(name) {
        let cost = 2.3 + 0.04 * Double(position)
        replace(slot.range, with: "\(text) + \(name)", cost, .expression)
        replace(slot.range, with: "\(text) - \(name)", cost + 0.1, .expression)
        if slot.role == .result || slot.role == .value {
          replace(slot.range, with: "\(text) * \(name)", cost + 0.4, .expression)
        }
        if slot.role == .index || slot.role == .operand {
          replace(slot.range, with: "\(name) + \(text)", cost + 0.5, .expression)
        }
      }
    }
    valuesOfTarget()
    let terms = terms(of: owner)
    for slot in own where slot.range.count <= 12 && slot.role != .condition && slot.role != .iterable {
      let text = file.text(slot.range)
      guard file.tokens[slot.range.lowerBound].kind != .string, !text.contains(",") else { continue }
      for (position, term) in terms.enumerated() where !text.contains(term) {
        let cost = 2.5 + 0.04 * Double(position)
        replace(slot.range, with: "\(text) + \(term)", cost, .expression)
        replace(slot.range, with: "\(text) - \(term)", cost + 0.15, .expression)
      }
    }
  }

  /// What the same name or member is given elsewhere in the file.
  private mutating func valuesOfTarget() {
    guard let equals = tokens.first(where: { file.texts[$0] == "=" && file.isTopLevel($0, in: statement) }),
      equals > statement.first, equals < statement.last
    else { return }
    let target = file.text(statement.first, equals - 1)
    let value = file.text(equals + 1, statement.last)
    var values = OrderedNames()
    for other in file.statements where other.first != statement.first && values.names.count < 6 {
      let sign = other.first + (equals - statement.first)
      guard sign < other.last, other.last - sign < 24, file.texts[sign] == "=",
        file.texts[other.first] == file.texts[statement.first], file.text(other.first, sign - 1) == target
      else { continue }
      let text = file.text(sign + 1, other.last)
      if text != value, !text.utf8.contains(0x0a) { values.add(text) }
    }
    for (position, text) in values.names.enumerated() {
      replace((equals + 1)...statement.last, with: text, 1.7 + 0.1 * Double(position), .expression)
    }
  }

  /// Short calls, elements and members of the function; what is asked for the length of one thing may be missing for another.
  private func terms(of owner: Function) -> [String] {
    var found = OrderedNames()
    var measured = false
    for index in owner.first...owner.last where found.names.count < 10 {
      guard file.texts[index] == "(" || file.texts[index] == "[", file.match[index] > index,
        file.match[index] - index <= 5, file.isCall(index) || file.isSubscript(index),
        let start = file.operandStart(endingAt: file.match[index], notBefore: owner.first), index - start <= 3
      else { continue }
      if file.texts[index - 1] == "len" { measured = true }
      let text = file.text(start, file.match[index])
      if !text.utf8.contains(0x22), !text.utf8.contains(0x27), !text.utf8.contains(0x3a) { found.add(text) }
    }
    if measured {
      for name in scope.prefix(6) where !["self", "this"].contains(name) { found.add("len(\(name))") }
    }
    return Array(found.names.prefix(14))
  }
}
