import Paths

/// A source text taken apart: significant tokens, brackets, lines, statements and functions.
///
/// Tokens are named by their index among the significant ones throughout the room.
struct SourceFile: Sendable {
  let path: RepoPath
  let bytes: [UInt8]
  let language: Language
  /// The tokens without white space and comments.
  let tokens: [Token]
  /// Their texts.
  let texts: [String]
  /// For each token the index of its partner bracket; -1 for all else and for brackets without one.
  let match: [Int]
  /// The line of each token's first byte, from 1.
  let lines: [Int]
  /// The offset of each line's first byte.
  let lineStarts: [Int]
  private(set) var statements: [Statement] = []
  private(set) var functions: [Function] = []
  /// For each token the innermost statement that holds it, or -1.
  private(set) var statementOf: [Int] = []
  /// For each token the innermost function that holds it, or -1.
  private(set) var functionOf: [Int] = []

  init(path: RepoPath, bytes: [UInt8], language: Language) {
    self.path = path
    self.bytes = bytes
    self.language = language
    tokens = Lexer.tokens(of: bytes, language: language).filter(\.isSignificant)
    texts = tokens.map { String(decoding: bytes[$0.range], as: UTF8.self) }
    var lineStarts = [0]
    for (index, byte) in bytes.enumerated() where byte == 0x0a { lineStarts.append(index + 1) }
    self.lineStarts = lineStarts
    var lines: [Int] = []
    lines.reserveCapacity(tokens.count)
    var line = 1
    for token in tokens {
      while line < lineStarts.count, lineStarts[line] <= Int(token.start) { line += 1 }
      lines.append(line)
    }
    self.lines = lines
    match = Self.matchBrackets(tokens: tokens, texts: texts)
    statements = language.hasIndentedBlocks ? IndentedStatements.split(self) : BracedStatements.split(self)
    functions = Function.all(in: self)
    statementOf = [Int](repeating: -1, count: tokens.count)
    for (index, statement) in statements.enumerated() {
      for token in statement.first...statement.last { statementOf[token] = index }
    }
    functionOf = [Int](repeating: -1, count: tokens.count)
    for (index, function) in functions.enumerated() {
      for token in function.first...function.last { functionOf[token] = index }
    }
  }

  /// The bytes of a run of tokens, with what stands between them; none when the run has no token.
  func byteRange(_ first: Int, _ last: Int) -> Range<Int> {
    // In a text that does not parse, what should stand on both sides of a token may be missing.
    guard 0 <= first, first <= last, last < tokens.count else { return 0..<0 }
    return Int(tokens[first].start)..<Int(tokens[last].end)
  }

  /// The text of a run of tokens, with what stands between them.
  func text(_ first: Int, _ last: Int) -> String { String(decoding: bytes[byteRange(first, last)], as: UTF8.self) }

  /// The text of a run of tokens.
  func text(_ range: ClosedRange<Int>) -> String { text(range.lowerBound, range.upperBound) }

  /// The line of a byte, from 1.
  func line(ofByte offset: Int) -> Int {
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    return low + 1
  }

  /// The white space that a line begins with.
  func indentation(ofLine line: Int) -> String {
    guard line >= 1, line <= lineStarts.count else { return "" }
    let start = lineStarts[line - 1]
    var end = start
    while end < bytes.count, bytes[end] == 0x20 || bytes[end] == 0x09 { end += 1 }
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }

  /// The offset behind a line's last byte, its line feed included.
  func end(ofLine line: Int) -> Int { line < lineStarts.count ? lineStarts[line] : bytes.count }

  /// How lines end here.
  var newline: String {
    guard lineStarts.count > 1, lineStarts[1] >= 2, bytes[lineStarts[1] - 2] == 0x0d else { return "\n" }
    return "\r\n"
  }

  /// Where the text begins: behind a byte order mark.
  var textStart: Int { bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0 }

  /// In Go the offset behind `package NAME`; nil when the file does not begin with it.
  var packageClauseEnd: Int? {
    guard texts.first == "package", tokens.count > 1 else { return nil }
    return Int(tokens[1].end)
  }

  /// True when the token is a name and no keyword.
  func isName(_ index: Int) -> Bool { tokens[index].kind == .identifier }

  /// True when the token is the member in `receiver.member`.
  func isMember(_ index: Int) -> Bool {
    guard index > 0 else { return false }
    return Self.accessors.contains(texts[index - 1])
  }

  /// True when the token is called: an opening parenthesis follows it.
  func isCalled(_ index: Int) -> Bool {
    index + 1 < tokens.count && texts[index + 1] == "(" && (tokens[index].kind == .identifier)
  }

  static let accessors: Set<String> = [".", "->", "::", "?."]

  private static func matchBrackets(tokens: [Token], texts: [String]) -> [Int] {
    var match = [Int](repeating: -1, count: tokens.count)
    var stack: [Int] = []
    let partner: [String: String] = [")": "(", "]": "[", "}": "{"]
    for index in tokens.indices {
      switch tokens[index].kind {
      case .open: stack.append(index)
      case .close:
        guard let opening = partner[texts[index]] else { continue }
        // A bracket of another kind is skipped only when its own partner is near: broken programs stay readable.
        if let last = stack.last, texts[last] == opening {
          match[last] = index
          match[index] = last
          stack.removeLast()
        } else if let found = stack.suffix(4).lastIndex(where: { texts[$0] == opening }) {
          match[stack[found]] = index
          match[index] = stack[found]
          stack.removeSubrange(found...)
        }
      default: break
      }
    }
    return match
  }
}

/// A statement, or the header of one that holds others.
struct Statement: Sendable, Hashable {
  /// The first and the last token: of a compound statement, its header's, without the bracket or colon's block.
  var first: Int
  var last: Int
  /// True when a block follows.
  var isHeader = false
  /// The last token of the whole statement, its blocks included.
  var blockEnd: Int
  /// The header that it lies under; -1 at the top.
  var parent = -1
  /// The token of the semicolon behind it.
  var terminator: Int?
}

/// A function with a name.
struct Function: Sendable, Hashable {
  var name: String
  /// The token of the name.
  var nameToken: Int
  /// The statement that is its header.
  var header: Int
  /// From the header's first token to the end of its body.
  var first: Int
  var last: Int
  /// The opening bracket of its parameters; nil when it has none.
  var parameters: Int?

  static func all(in file: SourceFile) -> [Function] {
    var functions: [Function] = []
    for (index, statement) in file.statements.enumerated() where statement.isHeader {
      guard let (name, parameters) = nameOfFunction(file, statement) else { continue }
      functions.append(
        Function(
          name: file.texts[name], nameToken: name, header: index, first: statement.first, last: statement.blockEnd,
          parameters: parameters))
    }
    return functions
  }

  private static let introducers: Set<String> = ["def", "func", "fn", "fun", "function", "init"]
  private static let notFunctions: Set<String> = [
    "if", "for", "while", "switch", "catch", "else", "do", "try", "return", "class", "struct", "enum", "match", "guard",
    "foreach", "with", "elif", "except", "interface", "namespace", "using", "synchronized", "loop", "unless", "case",
    "until", "repeat", "extension", "protocol", "impl", "trait", "mod", "when", "throw",
  ]

  private static func nameOfFunction(_ file: SourceFile, _ statement: Statement) -> (name: Int, parameters: Int?)? {
    let texts = file.texts
    let range = statement.first...statement.last
    if let introducer = range.first(where: { introducers.contains(texts[$0]) && file.tokens[$0].kind == .keyword }) {
      if texts[introducer] == "init" { return (introducer, introducer + 1) }
      var index = introducer + 1
      // Go's receiver stands in brackets before the name; a generator's star may, too.
      while index <= statement.last {
        if file.isName(index) { break }
        if texts[index] == "(", file.match[index] > index, file.language == .go { index = file.match[index] }
        if texts[index] == "(", file.language.isScript { break }
        index += 1
      }
      guard index <= statement.last else { return nil }
      if file.isName(index) {
        // Ruby's and Python's `def self.name`.
        while index + 2 <= statement.last, texts[index + 1] == "." { index += 2 }
        let open = (index...statement.last).first { texts[$0] == "(" }
        return (index, open)
      }
      // `name = function (…)`.
      if let name = nameBefore(introducer, file, statement) { return (name, index) }
      return nil
    }
    if file.language.hasIndentedBlocks || notFunctions.contains(texts[statement.first]) { return nil }
    if texts[statement.last] == "=>" {
      guard statement.last > statement.first else { return nil }
      var start = statement.last - 1
      if file.match[start] >= 0, file.match[start] < start { start = file.match[start] }
      if start > statement.first, texts[start - 1] == "async" { start -= 1 }
      guard let name = nameBefore(start, file, statement) else { return nil }
      return (name, file.tokens[start].kind == .open ? start : nil)
    }
    guard file.language.hasBracketedConditions else { return nil }
    var index = statement.first
    while index <= statement.last {
      if texts[index] == "(" {
        guard index > statement.first, file.isName(index - 1) || file.tokens[index - 1].kind == .keyword,
          !notFunctions.contains(texts[index - 1])
        else { return nil }
        return (index - 1, index)
      }
      if texts[index] == "=" { return nil }
      index += 1
    }
    return nil
  }

  private static func nameBefore(_ index: Int, _ file: SourceFile, _ statement: Statement) -> Int? {
    guard index - 2 >= statement.first, ["=", ":"].contains(file.texts[index - 1]), file.isName(index - 2) else {
      return nil
    }
    return index - 2
  }
}
