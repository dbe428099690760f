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

  // Asked at every token, and so worked out once.

  /// Blocks close with `end`.
  let endsBlocks: Bool
  let hashComments: Bool
  let slashComments: Bool
  let nestedComments: Bool
  let tripleQuotes: Bool
  let singleQuoteStrings: Bool
  /// Strings of any kind may go on over line ends.
  let stringsSpanLines: Bool
  /// `<<END` and a text up to a line that says `END`.
  let heredocs: Bool
  /// A function may be an expression behind `=` or `=>`.
  let expressionBodies: Bool
  /// A new line that begins with a word ends the statement before it.
  let newlineEnds: Bool
  /// A `$` is a letter of names.
  let dollarNames: Bool
  /// What begins code in a string, as in `"${…}"`, nil when strings hold none.
  let interpolation: UInt8?

  /// A syntax.
  public init(_ family: Family) {
    self.family = family
    endsBlocks = [.ends, .ruby, .elixir].contains(family)
    hashComments = endsBlocks || [.python, .shell, .php].contains(family)
    slashComments = !endsBlocks && ![.python, .shell, .plain].contains(family)
    nestedComments = [.swift, .rust, .kotlin].contains(family)
    tripleQuotes = [.python, .swift, .kotlin, .java, .cSharp, .elixir, .ends].contains(family)
    singleQuoteStrings = endsBlocks || [.python, .script, .php, .shell].contains(family)
    stringsSpanLines = [.php, .shell, .rust].contains(family)
    heredocs = [.php, .ruby, .shell].contains(family)
    expressionBodies = [.kotlin, .cSharp, .java].contains(family)
    newlineEnds = [.go, .swift, .script, .kotlin].contains(family)
    dollarNames = [.script, .php].contains(family)
    interpolation =
      switch family {
      case .kotlin, .java: UInt8(ascii: "$")
      case .ruby, .elixir: UInt8(ascii: "#")
      default: nil
      }
  }

  var dashComments: Bool { family == .ends }
  var preprocessor: Bool { family == .c || family == .cPlus || family == .cSharp }
  /// Names may stand in backticks.
  var backtickNames: Bool { family == .swift || family == .kotlin }
  var backtickStrings: Bool { family == .script || family == .go }
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

/// The tokens of a text, in room that belongs to somebody else.
struct Tokens {
  fileprivate let base: UnsafeBufferPointer<Token>

  init(all: UnsafeBufferPointer<Token>) { base = all }

  var count: Int { base.count }
  var indices: Range<Int> { base.indices }
  var last: Token? { base.last }

  @inline(__always)
  subscript(index: Int) -> Token {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: base.count), "a token that there is not")
    return base[index]
  }
}
