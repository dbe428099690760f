/// Calls: arguments in another order, too few, too many, or of other calls; subscripts, slices and ranges.
extension Generator {
  mutating func calls() {
    for open in tokens where file.isCall(open) && file.match[open] <= statement.last {
      let arguments = file.elements(ofBracket: open)
      guard arguments.count <= 10 else { continue }
      swapArguments(arguments)
      dropArguments(open, arguments)
      addArguments(open, arguments)
      defaultsOfCalls(open, arguments)
    }
    for open in tokens
    where file.texts[open] == "[" && !file.isSubscript(open) && file.match[open] > open
      && file.match[open] <= statement.last
    {
      swapArguments(file.elements(ofBracket: open))
    }
    tuples()
  }

  private mutating func swapArguments(_ arguments: [ClosedRange<Int>]) {
    guard arguments.count > 1, arguments.count <= 6 else { return }
    for first in arguments.indices {
      for second in arguments.indices where second > first {
        let far = Double(second - first - 1)
        exchange(arguments[first], arguments[second], 1.2 + 0.5 * far, .swap)
      }
    }
  }

  /// Puts each of two expressions in the place of the other.
  mutating func exchange(_ first: ClosedRange<Int>, _ second: ClosedRange<Int>, _ cost: Double, _ kind: Candidate.Kind)
  {
    let left = file.byteRange(first.lowerBound, first.upperBound)
    let right = file.byteRange(second.lowerBound, second.upperBound)
    guard left.upperBound <= right.lowerBound, file.text(first) != file.text(second) else { return }
    let between = String(decoding: file.bytes[left.upperBound..<right.lowerBound], as: UTF8.self)
    emit(left.lowerBound..<right.upperBound, file.text(second) + between + file.text(first), cost, kind)
  }

  private mutating func dropArguments(_ open: Int, _ arguments: [ClosedRange<Int>]) {
    for index in arguments.indices {
      let bytes: Range<Int>
      if arguments.count == 1 {
        bytes = file.byteRange(arguments[0].lowerBound, arguments[0].upperBound)
      } else if index == 0 {
        bytes = Int(file.tokens[arguments[0].lowerBound].start)..<Int(file.tokens[arguments[1].lowerBound].start)
      } else {
        bytes =
          Int(file.tokens[arguments[index - 1].upperBound].end)..<Int(file.tokens[arguments[index].upperBound].end)
      }
      let isSurplus =
        clues.traits.contains(.surplusArgument)
        || clues.unknownMembers.contains(file.texts[arguments[index].lowerBound])
      emit(bytes, "", isSurplus ? 0.7 : 2, .argument)
    }
  }

  private mutating func addArguments(_ open: Int, _ arguments: [ClosedRange<Int>]) {
    let name = file.texts[open - 1]
    let end = Int(file.tokens[file.match[open]].start)
    let separator = arguments.isEmpty ? "" : ", "
    let base = clues.traits.contains(.missingArgument) ? 0.6 : 1.5
    // What other calls of the same function are given.
    var extras = OrderedNames()
    for (otherIndex, other) in project.files.enumerated() {
      guard let places = project.names[otherIndex].calls[name] else { continue }
      for place in places.prefix(12) where otherIndex != fileIndex || place != open {
        let given = other.elements(ofBracket: place)
        guard given.count > arguments.count, given.count <= 8 else { continue }
        for element in given.dropFirst(arguments.count) { extras.add(other.text(element)) }
      }
    }
    for (position, extra) in extras.names.prefix(6).enumerated() {
      insert(separator + extra, at: end, base + 0.1 * Double(position), .argument)
    }
    // What the function's own definition says it takes.
    var takes: Int?
    if let definition = project.functionsByName[name]?.first ?? initialiser(of: name),
      let parameters = project.files[definition.file].functions[definition.function].parameters
    {
      let other = project.files[definition.file]
      let elements = other.elements(ofBracket: parameters).filter {
        !["self", "cls"].contains(other.texts[$0.lowerBound])
      }
      takes = elements.count
      for element in elements.dropFirst(arguments.count).prefix(3) {
        guard let parameter = FileNames.parameterName(element, other) else { continue }
        if scope.contains(parameter) {
          insert(separator + parameter, at: end, base - 0.2, .argument)
          // A function that calls itself mostly counts on.
          if function >= 0, file.functions[function].name == name {
            insert("\(separator)\(parameter) + 1", at: end, base - 0.1, .argument)
            insert("\(separator)\(parameter) - 1", at: end, base, .argument)
          }
          if file.language == .python {
            insert("\(separator)\(parameter)=\(parameter)", at: end, base - 0.1, .argument)
          }
        } else if scope.contains("self"), names.membersByReceiver["self"]?.contains(parameter) == true {
          insert("\(separator)self.\(parameter)", at: end, base - 0.1, .argument)
        }
      }
    }
    let fits = takes.map { $0 > arguments.count } ?? true
    if fits {
      for (position, variable) in scope.prefix(12).enumerated() where variable != "self" && variable != "this" {
        insert(separator + variable, at: end, base + (takes == nil ? 0.9 : 0.5) + 0.03 * Double(position), .argument)
      }
      // What the function has made elsewhere: `Node(value)` becomes `Node(value, node.next)`.
      for (position, member) in memberDonors().prefix(8).enumerated() {
        insert(separator + member, at: end, base + (takes == nil ? 1.2 : 0.6) + 0.05 * Double(position), .argument)
      }
      for literal in ["0", "1"] + (file.language == .python ? ["None", "True"] : [])
        + (file.language.isScript ? ["true", "10"] : [])
      {
        insert(separator + literal, at: end, base + (takes == nil ? 0.8 : 0.7), .argument)
      }
      if file.isMember(open - 1) || takes == nil {
        // A function of the project as the last argument: a comparison, a key.
        for other in file.functions.prefix(12)
        where other.name != name && !arguments.contains(where: { file.text($0) == other.name }) {
          insert(separator + other.name, at: end, base + 0.8, .argument)
        }
      }
      if !arguments.isEmpty, file.isCall(open) {
        let first = Int(file.tokens[arguments[0].lowerBound].start)
        for variable in scope.prefix(8) { insert("\(variable), ", at: first, base + 1.1, .argument) }
        for literal in ["0", "1"] { insert("\(literal), ", at: first, base + (name == "range" ? 0 : 1.2), .argument) }
      }
    }
    // `name=value` as other calls have it.
    for keyword in names.keywordArguments.prefix(12)
    where !arguments.contains(where: { file.text($0).hasPrefix(keyword.prefix { $0 != "=" }) }) {
      insert(separator + keyword, at: end, base + 1, .argument)
    }
  }

  /// What makes the objects of a class, in Python and JavaScript.
  private func initialiser(of name: String) -> (file: Int, function: Int)? {
    guard name.first?.isUppercase == true else { return nil }
    return ["__init__", "constructor"].lazy.flatMap { project.functionsByName[$0] ?? [] }.first { target in
      let file = project.files[target.file]
      let parent = file.statements[file.functions[target.function].header].parent
      guard parent >= 0 else { return false }
      let header = file.statements[parent]
      return (header.first...header.last).contains { file.texts[$0] == name }
    }
  }

  /// Members that the function reads, such as stand in this statement first.
  private func memberDonors() -> [String] {
    guard function >= 0 else { return [] }
    var found = OrderedNames()
    for range in [statement.first...statement.last, file.functions[function].first...file.functions[function].last] {
      for index in range where file.isMember(index) && !file.isCalled(index) && found.names.count < 12 {
        guard let start = file.operandStart(endingAt: index, notBefore: range.lowerBound), index - start <= 4 else {
          continue
        }
        found.add(file.text(start, index))
      }
    }
    return found.names
  }

  /// What well-known functions take to answer without an error.
  private mutating func defaultsOfCalls(_ open: Int, _ arguments: [ClosedRange<Int>]) {
    let name = file.texts[open - 1]
    let end = Int(file.tokens[file.match[open]].start)
    guard file.language == .python else {
      if name == "sort", arguments.isEmpty, file.language.isScript {
        insert("(a, b) => a - b", at: end, 1.2, .argument)
        insert("(a, b) => b - a", at: end, 1.6, .argument)
      }
      if name == "parseInt", arguments.count == 1 { insert(", 10", at: end, 1.4, .argument) }
      return
    }
    let isEmpty = clues.traits.contains(.emptySequence) || clues.traits.contains(.index)
    if ["max", "min"].contains(name), arguments.count == 1, let only = arguments.first {
      let isGenerator = only.contains {
        file.texts[$0] == "for"
          && file.isTopLevel(
            $0, in: Statement(first: only.lowerBound, last: only.upperBound, blockEnd: only.upperBound))
      }
      let text = isGenerator ? "(\(file.text(only)))" : file.text(only)
      for (value, cost) in [("0", 0.6), ("None", 0.8), ("1", 1), ("-1", 1.2)] {
        replace(only, with: "\(text), default=\(value)", cost + (isEmpty ? 0 : 1.2), .argument)
      }
      for literal in clues.literals.prefix(4) {
        replace(only, with: "\(text), default=\(literal)", isEmpty ? 0.9 : 2.2, .argument)
      }
    }
    if ["next", "sum", "getattr", "pop", "get"].contains(name), !arguments.isEmpty {
      let absent = isEmpty || clues.traits.contains(.key) || clues.traits.contains(.nullAccess)
      for (value, cost) in [("None", 0.8), ("0", 0.9), ("[]", 1.1), ("{}", 1.2), ("''", 1.2), ("False", 1.3)] {
        if arguments.count == 1 { insert(", \(value)", at: end, cost + (absent ? 0 : 0.9), .argument) }
      }
    }
    if ["split", "rsplit"].contains(name) {
      let base = clues.traits.contains(.tooManyValues) ? 0.5 : 1.5
      if arguments.count == 1 { insert(", 1", at: end, base, .argument) }
      if arguments.isEmpty { insert("\" \"", at: end, base + 0.6, .argument) }
      if arguments.count == 1 { replace(arguments[0], with: "", 1.7, .argument) }
    }
    if name == "enumerate", arguments.count == 1 {
      insert(", 1", at: end, 0.9, .argument)
      insert(", start=1", at: end, 2.4, .argument)
    }
    if ["sorted", "sort"].contains(name), !arguments.contains(where: { file.text($0).hasPrefix("reverse") }) {
      insert(arguments.isEmpty ? "reverse=True" : ", reverse=True", at: end, 1.3, .argument)
    }
    if ["sorted", "sort", "min", "max"].contains(name), !arguments.contains(where: { file.text($0).hasPrefix("key") }) {
      for key in ["len", "str", "abs", "lambda item: item[1]", "lambda item: item[0]", "str.lower"] {
        insert(arguments.isEmpty ? "key=\(key)" : ", key=\(key)", at: end, 2, .argument)
      }
    }
    if name == "round", arguments.count == 1 {
      for digits in ["1", "2", "3"] { insert(", \(digits)", at: end, 1.7, .argument) }
    }
    if name == "open", !arguments.contains(where: { file.text($0).hasPrefix("encoding") }) {
      insert(", encoding=\"utf-8\"", at: end, 1.8, .argument)
    }
  }

  /// `return a, b` and `x, y = …`: members of a tuple in the other order.
  private mutating func tuples() {
    var start = statement.first
    if ["return", "for", "yield"].contains(file.texts[start]) { start += 1 }
    guard start < statement.last else { return }
    let end =
      (start...statement.last).first {
        file.texts[$0] == "=" || file.texts[$0] == "in" && file.texts[statement.first] == "for"
      } ?? (statement.last + 1)
    guard end > start else { return }
    let parts = file.split(start...(end - 1), at: [","])
    if parts.count == 2 || parts.count == 3, file.language.hasIndentedBlocks || file.language == .go {
      swapArguments(parts)
    }
    if end < statement.last, file.texts[end] == "=" {
      let values = file.split((end + 1)...statement.last, at: [","])
      if values.count > 1, values.count <= 3, file.language.hasIndentedBlocks || file.language == .go {
        swapArguments(values)
      }
    }
    for open in tokens
    where file.texts[open] == "(" && !file.isCall(open) && file.match[open] > open && file.match[open] <= statement.last
    {
      let elements = file.elements(ofBracket: open)
      if elements.count == 2 || elements.count == 3 { swapArguments(elements) }
    }
    // `x = x + 1; y = x` written as one: each side taken by itself is another order of effects.
    for index in tokens where ["<", "<=", ">", ">=", "==", "!="].contains(file.texts[index]) {
      if let left = file.leftOperand(of: index, in: tokens), let right = file.rightOperand(of: index, in: tokens),
        ["==", "!="].contains(file.texts[index]) == false
      {
        exchange(left, right, 2, .swap)
      }
    }
  }
}
