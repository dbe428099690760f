/// State that goes wrong: a flag that is set instead of turned, a count that goes on where it begins anew, a table without
/// its first entry, the places of two values mixed up.
extension Generator {
  mutating func otherStates() {
    guard function >= 0, !statement.isHeader || statement.last - statement.first < 60 else { return }
    exchangedWithin()
    guard !statement.isHeader else { return }
    assignments()
    alternations()
  }

  /// Two numbers, or two names, of one statement in each other's place.
  private mutating func exchangedWithin() {
    for kind in [Token.Kind.number, .identifier] {
      let places = tokens.filter {
        file.tokens[$0].kind == kind && !file.isCalled($0) && !file.isMember($0) && !FileNames.isLabel($0, file)
      }
      guard places.count > 1, places.count <= 10 else { continue }
      for (position, first) in places.enumerated() {
        for second in places[(position + 1)...] where file.texts[first] != file.texts[second] {
          exchange(first...first, second...second, kind == .number ? 2.0 : 2.2, .swap)
        }
      }
    }
  }

  private mutating func assignments() {
    guard
      let equals = tokens.first(where: {
        SourceFile.assignments.contains(file.texts[$0]) && file.isTopLevel($0, in: statement)
      }),
      equals > statement.first, equals < statement.last
    else { return }
    let target = file.text(statement.first, equals - 1)
    let value = (equals + 1)...statement.last
    guard target.utf8.count < 40, !target.utf8.contains(0x2c), !declaresName(equals) else { return }
    let language = file.language
    if value.count == 1,
      file.texts[value.lowerBound] == language.trueWord || file.texts[value.lowerBound] == language.falseWord
    {
      replace(value, with: "\(language.negation)\(target)", 1.5, .constant)
    }
    // The same target gets another value elsewhere: where it begins, say.
    let owner = file.functions[function]
    var seen: Set<String> = []
    for other in file.statements
    where !other.isHeader && other.first > owner.first && other.last <= owner.last && other.first != statement.first {
      let range = other.first...other.last
      guard
        let sign = range.first(where: {
          SourceFile.assignments.contains(file.texts[$0]) && file.isTopLevel($0, in: other)
        }),
        sign > other.first, sign < other.last, seen.count < 6
      else { continue }
      var start = other.first
      if ["let", "var", "const", "int", "auto", "long", "double"].contains(file.texts[start]) { start += 1 }
      guard start < sign, file.text(start, sign - 1) == target else { continue }
      let text = "\(target) \(file.text(sign, other.last))"
      if seen.insert(text).inserted { replace(tokens, with: text, 2.1, .assignment) }
    }
    if file.texts[equals] != "=" {
      for value in ["0", "1"] { replace(equals...statement.last, with: "= \(value)", 2.2, .assignment) }
    }
  }

  private func declaresName(_ equals: Int) -> Bool {
    equals - statement.first > 1 && file.isName(equals - 1) && file.isName(statement.first)
      && file.texts[statement.first + 1] != "."
      || ["let", "var", "const", "val", "auto", "int", "long"].contains(file.texts[statement.first])
  }

  /// Sums whose signs alternate: by the count of the loop around.
  private mutating func alternations() {
    guard file.language == .python, statement.parent >= 0, file.texts[file.statements[statement.parent].first] == "for",
      let equals = tokens.first(where: { ["+=", "-="].contains(file.texts[$0]) }), equals < statement.last
    else { return }
    let header = file.statements[statement.parent]
    guard header.first + 2 < header.last, file.isName(header.first + 1),
      (header.first...header.last).contains(where: { ["range", "enumerate"].contains(file.texts[$0]) })
    else { return }
    insert(
      "(-1) ** \(file.texts[header.first + 1]) * ", at: Int(file.tokens[equals + 1].start), 3, .expression)
  }

  /// A table's first entries, which the others are counted from: behind the statement that makes it.
  func firstEntries() -> [Donor] {
    guard !statement.isHeader, let equals = tokens.first(where: { file.texts[$0] == "=" }), equals > statement.first,
      equals < statement.last, equals - statement.first == 1, file.isName(statement.first)
    else { return [] }
    let name = file.texts[statement.first]
    let value = (equals + 1)...statement.last
    guard
      file.texts[equals + 1] == "[" || file.texts[equals + 1] == "{" || value.contains(where: { file.texts[$0] == "*" })
    else { return [] }
    let isNested = value.contains { file.texts[$0] == "for" } && value.count { file.texts[$0] == "[" } > 1
    let end = file.language.terminator
    var made: [Donor] = []
    for (place, extra) in isNested ? [("[0][0]", 0.0), ("[0]", 0.5)] : [("[0]", 0.0), ("[-1]", 0.6), ("[1]", 0.5)] {
      for (value, cost) in [("0", 2.2), ("1", 2.2), (file.language.trueWord, 2.4)] {
        made.append(Donor(text: "\(name)\(place) = \(value)\(end)", cost: cost + extra))
      }
    }
    return made
  }
}
