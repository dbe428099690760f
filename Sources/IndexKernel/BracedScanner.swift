/// Languages whose blocks stand in braces: what each `{` opens is read off the tokens before it.
struct BracedScanner {
  let text: UnsafeBufferPointer<UInt8>
  let syntax: Syntax
  let tokens: Tokens
  private let branches: [(token: Int, mark: UInt8)]
  private var frames: [Frame] = []
  private(set) var found: [Declaration] = []
  /// For an opening bracket the index of its closing one.
  private(set) var partner: [Int32]

  struct Frame {
    enum Kind { case file, type, function, block, group }
    var kind: Kind
    /// The opening bracket.
    var open: Int
    /// Where the current statement begins.
    var header: Int
    var symbol: Int?
    /// A type literal inside a header: the statement goes on behind it.
    var keepsHeader = false
  }

  init(
    _ text: UnsafeBufferPointer<UInt8>, _ syntax: Syntax, _ tokens: Tokens, _ branches: [(token: Int, mark: UInt8)]
  ) {
    self.text = text
    self.syntax = syntax
    self.tokens = tokens
    self.branches = branches
    partner = [Int32](repeating: -1, count: tokens.count)
  }

  mutating func run() -> [Declaration] {
    frames = [Frame(kind: .file, open: -1, header: 0)]
    var branch = 0
    var depths: [Int] = []
    var index = 0
    (syntax.newlineEnds ? Self.marksAndWords : Self.marks).withUnsafeBufferPointer { says in
      while index < tokens.count {
        // Over what means nothing, to the next branch at most.
        let stop = branch < branches.count ? min(tokens.count, branches[branch].token) : tokens.count
        while index < stop, !says[Int(tokens[index].kind)] { index &+= 1 }
        guard index < tokens.count else { break }
        while branch < branches.count, branches[branch].token <= index {
          follow(branches[branch].mark, &depths, at: index)
          branch += 1
        }
        step(index)
        index += 1
      }
    }
    if syntax.expressionBodies { noteExpression(before: tokens.count) }
    if let last = tokens.last { while frames.count > 1 { close(at: Int(last.line) + 1) } }
    return found
  }

  /// By kind of token whether ``step(_:)`` does anything about it.
  private static let marks: [Bool] = (0..<256).map { "()[]{};,".utf8.contains(UInt8($0)) }
  /// The same where a new line may end a statement.
  private static let marksAndWords: [Bool] = (0..<256).map {
    "()[]{};,@#*".utf8.contains(UInt8($0)) || UInt8($0) == Token.word
  }

  /// Both branches of an `#if` may open a brace that is closed once: each starts from the same depth.
  private mutating func follow(_ mark: UInt8, _ depths: inout [Int], at index: Int) {
    switch mark {
    case UInt8(ascii: "+"): depths.append(frames.count)
    case UInt8(ascii: "-"): _ = depths.popLast()
    default:
      guard let depth = depths.last, index > 0 else { return }
      while frames.count > max(1, depth) { close(at: Int(tokens[index - 1].line) + 1) }
      // What the other branch began without finishing is no part of this one.
      setHeader(index)
    }
  }

  private mutating func step(_ index: Int) {
    let token = tokens[index]
    switch token.kind {
    case UInt8(ascii: "("), UInt8(ascii: "["):
      if frames.count < 4000 { frames.append(Frame(kind: .group, open: index, header: index + 1)) }
    case UInt8(ascii: ")"), UInt8(ascii: "]"):
      if let last = frames.last, last.kind == .group {
        partner[last.open] = Int32(index)
        frames.removeLast()
      }
    case UInt8(ascii: "{"): open(index)
    case UInt8(ascii: "}"):
      while let last = frames.last, last.kind == .group { frames.removeLast() }
      guard let last = frames.last, last.kind != .file else { return setHeader(index + 1) }
      if syntax.expressionBodies, last.kind == .type { noteExpression(before: index) }
      partner[last.open] = Int32(index)
      close(at: Int(token.line) + 1)
      // What the brace belonged to is known already.
      if !last.keepsHeader { frames[frames.count - 1].header = index + 1 }
    case UInt8(ascii: ";"): setHeader(index + 1)
    case UInt8(ascii: ","):
      if frames.last?.kind == .group || syntax.family == .script && !isInTypeParameters(index) { setHeader(index + 1) }
    case Token.word, UInt8(ascii: "@"), UInt8(ascii: "#"), UInt8(ascii: "*"):
      if syntax.newlineEnds, !isAfterAttribute(index), endsStatement(before: index) { setHeader(index) }
    default: break
    }
  }

  /// `function name<A, B>(…)`: such a comma separates no members.
  private func isInTypeParameters(_ index: Int) -> Bool {
    guard let top = frames.last else { return false }
    var depth = 0
    for place in max(top.header, index - 60)..<max(top.header, index) {
      if tokens[place].kind == UInt8(ascii: "<") { depth += 1 }
      if tokens[place].kind == UInt8(ascii: ">") { depth -= 1 }
    }
    return depth > 0
  }

  private mutating func setHeader(_ index: Int) {
    if syntax.expressionBodies { noteExpression(before: index) }
    frames[frames.count - 1].header = index
  }

  /// A function whose body is an expression ends with its statement.
  private mutating func noteExpression(before end: Int) {
    guard let top = frames.last, top.kind == .file || top.kind == .type, end > top.header, end <= tokens.count else {
      return
    }
    let items = header(from: top.header, to: end)
    let reader = HeaderReader(text: text, tokens: tokens, partner: partner, syntax: syntax)
    guard let result = reader.expression(items), let name = result.name, let first = items.first else { return }
    var last = end - 1
    while last > name, tokens[last].kind == UInt8(ascii: ";") || tokens[last].kind == UInt8(ascii: "}") { last -= 1 }
    let outer = frames.last { $0.kind == .type && $0.symbol != nil }?.symbol
    let scope = outer.map { found[$0].name }
    let token = tokens[name]
    found.append(
      Declaration(
        kind: scope != nil && result.kind == .function ? .method : result.kind,
        name: Array(text[Int(token.start)..<Int(token.end)]), line: Int(max(tokens[first].line, token.line - 5)) + 1,
        endLine: Int(tokens[max(last, name)].line) + 1, signature: result.signature, scope: scope))
  }

  private mutating func close(at line: Int) {
    guard let frame = frames.popLast() else { return }
    if let symbol = frame.symbol { found[symbol].endLine = max(found[symbol].line, line) }
  }

  private func endsStatement(before index: Int) -> Bool {
    guard index > 0, frames.last?.kind != .group, tokens[index].line != tokens[index - 1].line else { return false }
    switch tokens[index - 1].kind {
    case Token.word, Token.number, Token.string, UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"),
      UInt8(ascii: ">"), UInt8(ascii: "?"), UInt8(ascii: "!"):
      break
    default: return false
    }
    if tokens[index].kind != Token.word { return tokens[index].kind != UInt8(ascii: "*") || syntax.family == .script }
    return !continues(index)
  }

  /// `@attribute` on a line of its own belongs to what follows.
  private func isAfterAttribute(_ index: Int) -> Bool {
    guard syntax.family == .swift || syntax.family == .kotlin, index >= 2, tokens[index].kind == Token.word else {
      return false
    }
    return tokens[index - 1].kind == Token.word && tokens[index - 2].kind == UInt8(ascii: "@")
      && tokens[index - 2].line == tokens[index - 1].line
  }

  private func continues(_ index: Int) -> Bool {
    Words.continuing.contains { isWord(index, $0) }
  }

  private mutating func open(_ index: Int) {
    guard frames.count < 4000, let top = frames.last else { return }
    let items = header(from: top.header, to: index)
    let reader = HeaderReader(text: text, tokens: tokens, partner: partner, syntax: syntax)
    if syntax.family == .script && isInTypeParameters(index) || reader.isLiteral(items, inGroup: top.kind == .group) {
      frames.append(Frame(kind: .block, open: index, header: index + 1, keepsHeader: true))
      return
    }
    let result = reader.read(items, inside: top.kind)
    guard let result else {
      frames.append(Frame(kind: .block, open: index, header: index + 1))
      return
    }
    guard let name = result.name else {
      frames.append(Frame(kind: result.isType ? .type : .block, open: index, header: index + 1))
      return
    }
    let token = tokens[name]
    let outer = frames.last { $0.kind == .type && $0.symbol != nil }?.symbol
    var kind = result.kind
    let scope = result.scope ?? outer.map { found[$0].name }
    if kind == .function, scope != nil, top.kind == .type || result.scope != nil { kind = .method }
    // The name's line, or up to five lines before it where attributes and the return type stand.
    let first = items.first.map { tokens[$0].line } ?? token.line
    let line = max(first, token.line - 5)
    found.append(
      Declaration(
        kind: kind, name: result.nameText ?? Array(text[Int(token.start)..<Int(token.end)]), line: Int(line) + 1,
        endLine: Int(token.line) + 1, signature: result.signature, scope: scope))
    frames.append(
      Frame(
        kind: result.isType ? .type : .function, open: index, header: index + 1, symbol: found.count - 1))
  }

  /// The tokens of a header, bracketed groups as their opening bracket alone.
  private func header(from start: Int, to end: Int) -> [Int] {
    var items: [Int] = []
    var index = max(start, end - 600)
    items.reserveCapacity(min(32, max(0, end - index)))
    while index < end {
      items.append(index)
      let close = Int(partner[index])
      index = close > index && close < end ? close + 1 : index + 1
    }
    return items
  }

  private func isWord(_ index: Int, _ word: StaticString) -> Bool {
    tokens[index].spells(word, in: text)
  }
}

extension Token {
  @inline(__always)
  func spells(_ word: StaticString, in text: UnsafeBufferPointer<UInt8>) -> Bool {
    let count = word.utf8CodeUnitCount
    guard kind == Token.word, Int(end - start) == count else { return false }
    return word.withUTF8Buffer { letters in
      for place in 0..<count where text[Int(start) + place] != letters[place] { return false }
      return true
    }
  }
}

/// Keywords.
enum Words {
  /// Words that go on with the statement of the line before.
  static let continuing: [StaticString] = [
    "where", "throws", "async", "rethrows", "else", "catch", "in", "is", "as", "extends", "implements", "instanceof",
    "of", "with", "from",
  ]
  /// Words before a group that call no function and name none.
  static let control: [StaticString] = [
    "if", "for", "while", "switch", "catch", "return", "sizeof", "do", "else", "synchronized", "using", "lock",
    "foreach", "new", "with", "await", "typeof", "super", "fixed", "match", "when", "guard", "defer", "select", "go",
    "elif", "until", "unless", "throw", "yield", "alignas", "decltype", "noexcept", "__attribute__", "throws",
    "__declspec", "requires", "in", "of", "case", "function", "func", "fn", "fun", "import", "checked", "unchecked",
  ]
}
