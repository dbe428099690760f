/// How a language is written, as far as finding declarations needs it.
public struct Syntax: Sendable, Hashable {
  /// How declarations look.
  public enum Family: UInt8, Sendable {
    /// Text without declarations that we know.
    case plain
    /// `def` and `class` with indentation.
    case python
    /// Functions without keyword, preprocessor.
    case c
    /// C with classes.
    case cPlus
    /// Java and Dart.
    case java
    case cSharp
    case go
    case rust
    case swift
    /// JavaScript and TypeScript.
    case script
    /// Kotlin and Scala.
    case kotlin
    case php
    /// Keywords closed by `end`: Lua, Julia.
    case ends
    case ruby
    case elixir
    /// `name() { … }`.
    case shell
  }

  /// How declarations look.
  public let family: Family

  /// A syntax.
  public init(_ family: Family) { self.family = family }

  /// Blocks close with `end`.
  var endsBlocks: Bool { [.ends, .ruby, .elixir].contains(family) }
  var hashComments: Bool { endsBlocks || [.python, .shell, .php].contains(family) }
  var slashComments: Bool { !endsBlocks && ![.python, .shell, .plain].contains(family) }
  var dashComments: Bool { family == .ends }
  var nestedComments: Bool { [.swift, .rust, .kotlin].contains(family) }
  var preprocessor: Bool { family == .c || family == .cPlus || family == .cSharp }
  var tripleQuotes: Bool { [.python, .swift, .kotlin, .java, .cSharp, .elixir, .ends].contains(family) }
  var singleQuoteStrings: Bool { endsBlocks || [.python, .script, .php, .shell].contains(family) }
  /// `<<END` and a text up to a line that says `END`.
  var heredocs: Bool { [.php, .ruby, .shell].contains(family) }
  /// What begins code in a string, as in `"${…}"`, nil when strings hold none.
  var interpolation: UInt8? {
    switch family {
    case .kotlin, .java: UInt8(ascii: "$")
    case .ruby, .elixir: UInt8(ascii: "#")
    default: nil
    }
  }
  /// Names may stand in backticks.
  var backtickNames: Bool { family == .swift || family == .kotlin }
  /// A function may be an expression behind `=` or `=>`.
  var expressionBodies: Bool { [.kotlin, .cSharp, .java].contains(family) }
  var backtickStrings: Bool { family == .script || family == .go }
  /// A new line that begins with a word ends the statement before it.
  var newlineEnds: Bool { [.go, .swift, .script, .kotlin].contains(family) }
}

/// A lexical unit of a program.
struct Token {
  static let word: UInt8 = 1
  static let number: UInt8 = 2
  static let string: UInt8 = 3
  /// `=>` or `->`.
  static let arrow: UInt8 = 4
  /// `::`.
  static let path: UInt8 = 5

  /// One of the above, or the punctuation byte itself.
  var kind: UInt8
  var start: Int32
  var end: Int32
  /// From 0.
  var line: Int32
}
