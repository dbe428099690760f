/// What a list that is written out leaves out: a word, a class that is asked for, an exception that is caught.
extension Generator {
  mutating func omissions() {
    guard file.language == .python else { return }
    for open in tokens where file.tokens[open].kind == .open && file.match[open] > open {
      guard file.match[open] <= statement.last else { continue }
      missingElements(open)
      missingClasses(open)
    }
    missingExceptions()
  }

  private static let mostElements = 400

  /// `('IF', 'FOR')` without `'CASE'`, `T.DML, T.DDL` without `T.CTE`.
  private mutating func missingElements(_ open: Int) {
    let isList = file.texts[open] == "[" ? !file.isSubscript(open) : !file.isCall(open)
    guard isList else { return }
    let elements = file.elements(ofBracket: open)
    guard let last = elements.last, elements.count <= Self.mostElements else { return }
    // A set, or the keys and values of a dictionary.
    if file.texts[open] == "{", elements[0].contains(where: { file.texts[$0] == ":" || file.texts[$0] == "**" }) {
      return
    }
    let isAlone = elements.count == 1
    if isAlone, file.texts[open] == "(", !file.hasComma(inside: open) { return }
    let end = Int(file.tokens[last.upperBound].end)
    if elements.allSatisfy({ $0.count == 1 && file.tokens[$0.lowerBound].kind == .string }) {
      missingWords(elements.map { file.texts[$0.lowerBound] }, at: end)
    } else if elements.count < 12, let receiver = commonReceiver(elements) {
      let present = Set(elements.map { file.texts[$0.upperBound] })
      var position = 0
      for member in (names.membersByReceiver[receiver] ?? []).prefix(32) where !present.contains(member) {
        insert(", \(receiver).\(member)", at: end, 2.0 + 0.02 * Double(position), .constant)
        position += 1
      }
    }
  }

  /// Words of the failing tests, written as the others of the list are.
  private mutating func missingWords(_ texts: [String], at end: Int) {
    guard let first = texts.first, let quote = first.last, let start = first.firstIndex(of: quote) else { return }
    let prefix = first[..<start]
    let contents = texts.map { $0.drop { $0 != quote }.dropFirst().dropLast() }
    let isUpper = contents.allSatisfy { $0 == $0.uppercased() } && contents.contains { $0 != $0.lowercased() }
    let isWords = contents.allSatisfy { $0.utf8.allSatisfy(Lexer.isWord) }
    let isSymbols = contents.allSatisfy { !$0.isEmpty && !$0.utf8.contains(where: Lexer.isWord) }
    let longest = contents.map(\.utf8.count).max() ?? 0
    var position = 0
    for fragment in clues.fragments {
      let isWord = fragment.utf8.allSatisfy(Lexer.isWord)
      guard isWords ? isWord : true, isSymbols ? !fragment.utf8.contains(where: Lexer.isWord) : true,
        fragment.utf8.count <= max(8, 2 * longest)
      else { continue }
      let word = isUpper ? fragment.uppercased() : fragment
      guard !contents.contains(where: { $0 == word }) else { continue }
      insert(", \(prefix)\(quote)\(word)\(quote)", at: end, 1.5 + 0.03 * Double(position), .literal)
      position += 1
    }
  }

  /// What stands before the dot in all elements.
  private func commonReceiver(_ elements: [ClosedRange<Int>]) -> String? {
    var receiver: String?
    for element in elements {
      guard element.count >= 3, element.count <= 7, file.isMember(element.upperBound),
        element.allSatisfy({ file.isName($0) || file.texts[$0] == "." })
      else { return nil }
      let own = file.text(element.lowerBound, element.upperBound - 2)
      guard receiver == nil || receiver == own else { return nil }
      receiver = own
    }
    return receiver
  }

  private static let classes = ["str", "bytes", "int", "float", "list", "tuple", "dict", "set", "bool", "frozenset"]
  /// Classes that are often meant together.
  private static let akin = [
    "str": ["bytes"], "bytes": ["bytearray", "str"], "int": ["float"], "float": ["int"], "list": ["tuple"],
    "tuple": ["list"], "set": ["frozenset"],
  ]

  /// `isinstance(x, list)` that should hold for tuples as well.
  private mutating func missingClasses(_ open: Int) {
    guard file.isCall(open), ["isinstance", "issubclass"].contains(file.texts[open - 1]) else { return }
    let arguments = file.elements(ofBracket: open)
    guard arguments.count == 2 else { return }
    let asked = arguments[1]
    if file.texts[asked.lowerBound] == "(", file.match[asked.lowerBound] == asked.upperBound {
      let present = file.elements(ofBracket: asked.lowerBound).map { file.text($0) }
      guard let last = file.elements(ofBracket: asked.lowerBound).last else { return }
      for name in Self.classes where !present.contains(name) {
        let isAkin = present.contains { Self.akin[$0]?.contains(name) == true }
        insert(", \(name)", at: Int(file.tokens[last.upperBound].end), isAkin ? 1.6 : 2.2, .argument)
      }
    } else if asked.count <= 5 {
      let text = file.text(asked)
      for name in Self.classes where name != text {
        let isAkin = Self.akin[text]?.contains(name) == true
        replace(asked, with: "(\(text), \(name))", isAkin ? 1.5 : 2.1, .argument)
        replace(asked, with: name, isAkin ? 1.9 : 2.4, .argument)
      }
    }
  }

  private static let caught = [
    "TypeError", "ValueError", "AttributeError", "KeyError", "IndexError", "OverflowError", "OSError",
    "UnicodeDecodeError", "ImportError", "RuntimeError",
  ]

  /// `except ValueError:` where a `TypeError` comes.
  private mutating func missingExceptions() {
    guard file.texts[statement.first] == "except", statement.first + 1 < statement.last else { return }
    var end = statement.first + 1
    while end < statement.last, file.texts[end + 1] != ":", file.texts[end + 1] != "as" {
      end = file.match[end + 1] > end + 1 ? min(file.match[end + 1], statement.last) : end + 1
    }
    let range = (statement.first + 1)...end
    guard file.texts[range.lowerBound] != ":" else { return }
    let isTuple = file.texts[range.lowerBound] == "(" && file.match[range.lowerBound] == range.upperBound
    let present = Set(range.filter { file.isName($0) }.map { file.texts[$0] })
    var further = OrderedNames()
    for name in clues.exceptions.prefix(4) { further.add(name) }
    let raised = further.names.count
    for name in Self.caught { further.add(name) }
    for (position, name) in further.names.enumerated() where !present.contains(name) {
      let cost = position < raised ? 0.8 : 2.2
      if isTuple {
        insert(", \(name)", at: Int(file.tokens[range.upperBound].start), cost, .argument)
      } else {
        replace(range, with: "(\(file.text(range)), \(name))", cost, .argument)
      }
    }
  }
}

extension SourceFile {
  /// Whether a comma stands right within a bracket.
  func hasComma(inside open: Int) -> Bool {
    (open..<max(open, match[open])).contains { texts[$0] == "," && isDirectly($0, inside: open) }
  }
}
