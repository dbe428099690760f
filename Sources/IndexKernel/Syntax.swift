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
    /// Java and C#.
    case java
    case go
    case rust
    case swift
    /// JavaScript and TypeScript.
    case script
    /// Kotlin and Scala.
    case kotlin
    case php
    /// Keywords closed by `end`: Ruby, Lua, Elixir, Julia.
    case ends
    /// `name() { … }`.
    case shell
  }

  /// How declarations look.
  public let family: Family

  /// A syntax.
  public init(_ family: Family) { self.family = family }

  var hashComments: Bool { [.python, .ends, .shell, .php].contains(family) }
  var slashComments: Bool { ![.python, .ends, .shell, .plain].contains(family) }
  var dashComments: Bool { family == .ends }
  var nestedComments: Bool { [.swift, .rust, .kotlin].contains(family) }
  var preprocessor: Bool { family == .c || family == .cPlus }
  var tripleQuotes: Bool { [.python, .swift, .kotlin, .java].contains(family) }
  var singleQuoteStrings: Bool { [.python, .script, .php, .ends, .shell].contains(family) }
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
