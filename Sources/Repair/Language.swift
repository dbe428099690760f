import Paths

/// A programming language, as far as tokens and templates differ in it.
enum Language: UInt8, Sendable, CaseIterable {
  case python, ruby, javascript, typescript, c, cpp, csharp, java, kotlin, go, rust, swift, php

  /// The language of a file by its extension; nil when it is none that is repaired.
  init?(path: RepoPath) {
    let name = path.name
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return nil }
    switch String(decoding: name[(dot + 1)...], as: UTF8.self) {
    case "py", "pyi", "pyx": self = .python
    case "rb", "rake": self = .ruby
    case "js", "mjs", "cjs", "jsx": self = .javascript
    case "ts", "tsx", "mts", "cts": self = .typescript
    case "c", "h": self = .c
    case "cc", "cpp", "cxx", "hpp", "hh", "hxx", "inl": self = .cpp
    case "cs": self = .csharp
    case "java": self = .java
    case "kt", "kts": self = .kotlin
    case "go": self = .go
    case "rs": self = .rust
    case "swift": self = .swift
    case "php": self = .php
    default: return nil
    }
  }

  /// True where blocks are shown by indentation. Ruby's are closed by `end`, but written indented as well.
  var hasIndentedBlocks: Bool { self == .python || self == .ruby }

  /// True where a line's end may end a statement.
  var endsStatementsAtNewlines: Bool {
    switch self {
    case .javascript, .typescript, .kotlin, .go, .swift, .ruby, .python: true
    default: false
    }
  }

  /// True where a condition stands in brackets and its body may do without braces.
  var hasBracketedConditions: Bool {
    switch self {
    case .javascript, .typescript, .c, .cpp, .csharp, .java, .kotlin, .php: true
    default: false
    }
  }

  var isScript: Bool { self == .javascript || self == .typescript }

  /// True where an undeclared or wrongly typed name stops the build instead of a test.
  var isCompiled: Bool {
    switch self {
    case .python, .ruby, .javascript, .php: false
    default: true
    }
  }

  var and: String { self == .python ? "and" : "&&" }
  var or: String { self == .python ? "or" : "||" }
  var negation: String { self == .python ? "not " : "!" }
  var equal: String { isScript ? "===" : "==" }
  var trueWord: String { self == .python ? "True" : "true" }
  var falseWord: String { self == .python ? "False" : "false" }

  /// The word for "nothing"; nil where there is none.
  var null: String? {
    switch self {
    case .python: "None"
    case .ruby, .go, .swift: "nil"
    case .c: "NULL"
    case .cpp: "nullptr"
    case .rust: nil
    default: "null"
    }
  }

  /// What ends a statement.
  var terminator: String {
    switch self {
    case .python, .ruby, .go, .swift, .kotlin: ""
    default: ";"
    }
  }

  var keywords: Set<String> { Self.keywordTable[Int(rawValue)] }

  private static let keywordTable: [Set<String>] = allCases.map { language in
    switch language {
    case .python:
      [
        "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
        "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass",
        "raise", "return", "try", "while", "with", "yield", "True", "False", "None",
      ]
    case .ruby:
      [
        "alias", "and", "begin", "break", "case", "class", "def", "defined?", "do", "else", "elsif", "end", "ensure",
        "false", "for", "if", "in", "module", "next", "nil", "not", "or", "redo", "rescue", "retry", "return", "self",
        "super", "then", "true", "undef", "unless", "until", "when", "while", "yield", "require", "require_relative",
      ]
    case .javascript, .typescript:
      [
        "async", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete", "do",
        "else", "export", "extends", "false", "finally", "for", "function", "if", "import", "in", "instanceof", "let",
        "new", "null", "of", "return", "static", "super", "switch", "this", "throw", "true", "try", "typeof", "var",
        "void", "while", "with", "yield", "undefined", "interface", "type", "enum", "implements", "readonly", "private",
        "public", "protected", "as", "from", "get", "set",
      ]
    case .c, .cpp:
      [
        "auto", "bool", "break", "case", "catch", "char", "class", "const", "constexpr", "continue", "default",
        "delete",
        "do", "double", "else", "enum", "explicit", "extern", "false", "float", "for", "friend", "goto", "if", "inline",
        "int", "long", "namespace", "new", "noexcept", "nullptr", "NULL", "operator", "override", "private",
        "protected",
        "public", "register", "return", "short", "signed", "sizeof", "static", "struct", "switch", "template", "this",
        "throw", "true", "try", "typedef", "typename", "union", "unsigned", "using", "virtual", "void", "volatile",
        "while", "size_t", "ssize_t", "int8_t", "int16_t", "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t",
        "uint64_t", "ptrdiff_t",
      ]
    case .csharp, .java, .kotlin:
      [
        "abstract", "as", "assert", "base", "bool", "boolean", "break", "byte", "case", "catch", "char", "class",
        "const",
        "continue", "data", "default", "do", "double", "else", "enum", "extends", "false", "final", "finally", "float",
        "for", "foreach", "fun", "if", "implements", "import", "in", "instanceof", "int", "interface", "internal", "is",
        "long", "namespace", "native", "new", "null", "object", "out", "override", "package", "private", "protected",
        "public", "readonly", "record", "ref", "return", "sealed", "short", "static", "string", "super", "switch",
        "synchronized", "this", "throw", "throws", "transient", "true", "try", "typeof", "using", "val", "var",
        "virtual",
        "void", "volatile", "when", "while", "yield",
      ]
    case .go:
      [
        "break", "case", "chan", "const", "continue", "default", "defer", "else", "fallthrough", "false", "for", "func",
        "go", "goto", "if", "import", "interface", "map", "nil", "package", "range", "return", "select", "struct",
        "switch", "true", "type", "var",
      ]
    case .rust:
      [
        "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false", "fn",
        "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self", "Self",
        "static", "struct", "super", "trait", "true", "type", "unsafe", "use", "where", "while",
      ]
    case .swift:
      [
        "actor", "any", "as", "associatedtype", "async", "await", "break", "case", "catch", "class", "continue",
        "default",
        "defer", "deinit", "do", "else", "enum", "extension", "fallthrough", "false", "fileprivate", "final", "for",
        "func", "guard", "if", "import", "in", "init", "inout", "internal", "is", "lazy", "let", "mutating", "nil",
        "open", "operator", "override", "private", "protocol", "public", "repeat", "required", "rethrows", "return",
        "self", "Self", "some", "static", "struct", "subscript", "super", "switch", "throw", "throws", "true", "try",
        "typealias", "unowned", "var", "weak", "where", "while",
      ]
    case .php:
      [
        "abstract", "and", "array", "as", "break", "case", "catch", "class", "const", "continue", "default", "do",
        "echo",
        "else", "elseif", "extends", "false", "final", "finally", "fn", "for", "foreach", "function", "global", "if",
        "implements", "instanceof", "interface", "isset", "namespace", "new", "null", "or", "private", "protected",
        "public", "return", "static", "switch", "throw", "trait", "true", "try", "unset", "use", "var", "while",
        "yield",
      ]
    }
  }
}
