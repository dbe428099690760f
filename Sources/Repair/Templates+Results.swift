/// What functions return, raise and catch.
extension Generator {
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
}
