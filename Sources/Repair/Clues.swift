import TestReports

/// What failure messages say beyond where they arose: names that do not exist, values that differ, kinds of errors.
struct Clues: Sendable, Hashable {
  /// What kind of error stopped a test, as far as a template can answer it.
  enum Trait: UInt8, Sendable, Hashable {
    case nullAccess, index, key, zeroDivision, concatenation, notIterable, noLength, emptySequence,
      changedWhileIterated, tooManyValues, tooFewValues, missingArgument, surplusArgument, recursion, unboundLocal,
      notSubscriptable, notCallable, conversion, syntax, overrun
  }

  /// Names that are not defined, with what the tool proposes for each.
  var unknownNames: [String] = []
  /// Members that do not exist.
  var unknownMembers: [String] = []
  /// Names that a tool proposed, by the wrong one.
  var proposals: [String: [String]] = [:]
  /// Values that differ: as computed and as wanted; tests do not agree on the order, so both are given.
  var differences: [Difference] = []
  /// Literals in the failing statements of the tests, as written there.
  var literals: [String] = []
  /// Words of the strings in failing tests, those first that other tests have least.
  var fragments: [String] = []
  /// What went wrong.
  var traits: Set<Trait> = []
  /// Names of exceptions in the messages, without their modules.
  var exceptions: [String] = []

  struct Difference: Sendable, Hashable {
    var actual: String
    var expected: String
  }

  init() {}

  init(report: TestReport) {
    var texts: [String] = []
    for test in report.tests where test.result == .failed || test.result == .errored {
      if let message = test.message { texts.append(String(message.prefix(6000))) }
      if texts.count == 24 { break }
    }
    for error in report.buildErrors.prefix(24) { texts.append(String(error.message.prefix(2000))) }
    for text in texts { read(text) }
  }

  private mutating func read(_ message: String) {
    let text = Self.plainQuotes(message)
    for pattern in Self.unknownNamePatterns { unknownNames.add(contentsOf: names(pattern, in: text)) }
    for pattern in Self.unknownMemberPatterns { unknownMembers.add(contentsOf: names(pattern, in: text)) }
    for wrong in unknownNames + unknownMembers {
      for pattern in Self.proposalPatterns {
        for proposal in names(pattern, in: text) where proposal != wrong {
          proposals[wrong, default: []].add(contentsOf: [proposal])
        }
      }
    }
    for (phrase, trait) in Self.traitPhrases where text.contains(phrase) { traits.insert(trait) }
    for word in Self.words(of: text) where word.count < 60 {
      if word.hasSuffix("Error") || word.hasSuffix("Exception") || word == "StopIteration" {
        exceptions.add(contentsOf: [word])
      }
    }
    differences.add(contentsOf: Self.differences(in: text))
  }

  // MARK: - Patterns

  /// A name between two phrases: `after` it begins, `before` it ends.
  private struct Pattern {
    var after: String
    var before: String
  }

  private static let unknownNamePatterns: [Pattern] = [
    Pattern(after: "name '", before: "' is not defined"),
    Pattern(after: "ReferenceError: ", before: " is not defined"),
    Pattern(after: "cannot find '", before: "' in scope"),
    Pattern(after: "cannot find value '", before: "' in this scope"),
    Pattern(after: "cannot find function '", before: "' in this scope"),
    Pattern(after: "cannot find type '", before: "' in this scope"),
    Pattern(after: "'", before: "' undeclared"),
    Pattern(after: "implicit declaration of function '", before: "'"),
    Pattern(after: "use of undeclared identifier '", before: "'"),
    Pattern(after: "undefined reference to '", before: "'"),
    Pattern(after: "undefined: ", before: "\n"),
    Pattern(after: "cannot import name '", before: "'"),
    Pattern(after: "symbol:   variable ", before: "\n"),
    Pattern(after: "symbol:   method ", before: "("),
    Pattern(after: "undefined local variable or method '", before: "'"),
    Pattern(after: "uninitialized constant ", before: "\n"),
  ]

  private static let unknownMemberPatterns: [Pattern] = [
    Pattern(after: "has no attribute '", before: "'"),
    Pattern(after: "has no member '", before: "'"),
    Pattern(after: "has no member named '", before: "'"),
    Pattern(after: "no method named '", before: "' found"),
    Pattern(after: "no field '", before: "' on"),
    Pattern(after: "has no field or method ", before: ")"),
    Pattern(after: "undefined method '", before: "'"),
    Pattern(after: ".", before: " is not a function"),
    Pattern(after: "unexpected keyword argument '", before: "'"),
    Pattern(after: "incorrect argument label in call (have '", before: ":"),
  ]

  private static let proposalPatterns: [Pattern] = [
    Pattern(after: "Did you mean: '", before: "'"),
    Pattern(after: "did you mean '", before: "'"),
    Pattern(after: "similar name exists: '", before: "'"),
    Pattern(after: "with a similar name: '", before: "'"),
    Pattern(after: "Did you mean?  ", before: "\n"),
    Pattern(after: "expected '", before: ":'"),
  ]

  private static let traitPhrases: [(String, Trait)] = [
    ("'NoneType' object is not iterable", .notIterable), ("NoneType", .nullAccess),
    ("NullPointerException", .nullAccess),
    ("of undefined", .nullAccess), ("of null", .nullAccess), ("undefined method", .nullAccess),
    ("nil pointer dereference", .nullAccess), ("unexpectedly found nil", .nullAccess), ("is None", .nullAccess),
    ("IndexError", .index), ("IndexOutOfBounds", .index), ("index out of range", .index),
    ("Index out of range", .index),
    ("KeyError", .key), ("ZeroDivisionError", .zeroDivision), ("divide by zero", .zeroDivision),
    ("by zero", .zeroDivision),
    ("can only concatenate", .concatenation), ("unsupported operand type", .concatenation),
    ("must be str", .concatenation),
    ("not supported between instances", .concatenation), ("object is not iterable", .notIterable),
    ("is not iterable", .notIterable), ("has no len()", .noLength), ("empty sequence", .emptySequence),
    ("is empty", .emptySequence), ("iterable argument is empty", .emptySequence), ("StopIteration", .emptySequence),
    ("changed size during iteration", .changedWhileIterated), ("mutated during iteration", .changedWhileIterated),
    ("ConcurrentModification", .changedWhileIterated), ("too many values to unpack", .tooManyValues),
    ("not enough values to unpack", .tooFewValues), ("required positional argument", .missingArgument),
    ("missing argument", .missingArgument), ("positional argument", .surplusArgument),
    ("RecursionError", .recursion), ("Maximum call stack", .recursion), ("stack overflow", .recursion),
    ("StackOverflow", .recursion), ("UnboundLocalError", .unboundLocal), ("before initialization", .unboundLocal),
    ("is not subscriptable", .notSubscriptable), ("object is not callable", .notCallable),
    ("is not a function", .notCallable), ("must be integers", .conversion),
    ("cannot be interpreted as an integer", .conversion),
    ("invalid literal", .conversion), ("could not convert", .conversion), ("argument must be", .conversion),
    ("SyntaxError", .syntax), ("IndentationError", .syntax), ("expected ';'", .syntax),
    ("expected expression", .syntax),
    ("Segmentation fault", .overrun), ("buffer-overflow", .overrun), ("stack smashing", .overrun),
  ]

  private func names(_ pattern: Pattern, in text: String) -> [String] {
    var result: [String] = []
    var rest = Substring(text)
    while result.count < 8, let after = rest.firstRange(of: pattern.after) {
      rest = rest[after.upperBound...]
      let end = rest.firstRange(of: pattern.before)?.lowerBound ?? (pattern.before == "\n" ? rest.endIndex : nil)
      guard let end else { break }
      let name = rest[..<end]
      if !name.isEmpty, name.utf8.count < 80, name.utf8.allSatisfy(Lexer.isWord) { result.append(String(name)) }
    }
    return result
  }

  private static func plainQuotes(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\u{2018}", "\u{2019}", "`": result.unicodeScalars.append("'")
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  static func words(of text: String) -> [String] {
    text.utf8.split { !Lexer.isWord($0) }.prefix(4000).map { String(decoding: $0, as: UTF8.self) }
  }
}

extension Array where Element: Equatable {
  /// Appends what is not there yet; for short lists.
  mutating func add(contentsOf elements: [Element]) {
    for element in elements where count < 64 && !contains(element) { append(element) }
  }
}
