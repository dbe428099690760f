import Paths

/// The blocks of a file whose content may stand several times beside each other behind a run-time switch: bodies of
/// functions, and of conditions and loops within them.
struct SwitchableBlocks {
  /// A block between two braces.
  struct Block {
    /// The bytes between the braces.
    var content: Range<Int>
    /// The first byte of the function's header.
    var functionStart: Int
    /// Whether it is the whole body of a function.
    var isBody: Bool
    /// Whether control must leave the function inside: fewer statements that do so may not compile.
    var givesResult: Bool
  }

  let file: SourceFile
  private(set) var blocks: [Block] = []
  /// The functions that can be changed at run time, none within another: the statement of the header, and its first byte.
  private(set) var functionHeaders: [(statement: Int, start: Int)] = []

  init(_ file: SourceFile) {
    self.file = file
    guard Self.permits(file.language) else { return }
    // Functions within others are part of these.
    var end = -1
    for function in file.functions.sorted(by: { ($0.first, -$0.last) < ($1.first, -$1.last) })
    where function.first > end && isPlain(function) {
      add(function)
      end = function.last
    }
  }

  /// Languages whose blocks can be switched.
  static func permits(_ language: Language) -> Bool {
    switch language {
    case .c, .cpp, .rust, .java, .go, .swift: true
    default: false
    }
  }

  /// The smallest block that holds a range of bytes.
  func smallest(around range: Range<Int>) -> Int? {
    var best: Int?
    for (index, block) in blocks.enumerated()
    where block.content.lowerBound <= range.lowerBound && range.upperBound <= block.content.upperBound {
      if best.map({ blocks[$0].content.count > block.content.count }) ?? true { best = index }
    }
    return best
  }

  /// The body of the function that a block is in.
  func body(around block: Int) -> Int? {
    blocks.indices.first { blocks[$0].isBody && blocks[$0].functionStart == blocks[block].functionStart }
  }

  /// Whether an edit puts something around, or in the place of, what leaves the function: compilers may then miss a result where
  /// the block ends.
  func leavesLess(_ range: Range<Int>, _ text: [UInt8], _ block: Int) -> Bool {
    guard ![.c, .cpp, .rust].contains(file.language), blocks[block].givesResult, !blocks[block].isBody else {
      return false
    }
    let words = Lexer.tokens(of: text, language: file.language).filter(\.isSignificant)
    let startsOtherwise =
      words.first.map { !["return", "throw"].contains(String(decoding: text[$0.range], as: UTF8.self)) } ?? true
    return exits(Array(file.bytes[range])) > 0 && startsOtherwise
      || exits(text) > 0 && words.contains { String(decoding: text[$0.range], as: UTF8.self) == "if" }
  }

  // MARK: - Functions

  /// Words in a header that make it something else than a function, or one whose body is also run by the compiler, or
  /// whose result has a type that only its body tells.
  private static func foreign(_ language: Language) -> Set<String> {
    switch language {
    case .c, .cpp: ["constexpr", "consteval", "class", "namespace", "extern", "__attribute__"]
    case .java: ["class", "interface", "record", "enum", "new"]
    case .rust: ["const", "macro_rules"]
    default: []
    }
  }

  private func isPlain(_ function: Function) -> Bool {
    let header = file.statements[function.header]
    guard let open = openBrace(of: header), file.match[open] == header.blockEnd else { return false }
    let texts = file.texts
    let foreign = Self.foreign(file.language)
    guard !(header.first...function.nameToken).contains(where: { foreign.contains(texts[$0]) }),
      !(header.first...header.last).contains(where: { texts[$0] == "$" || file.tokens[$0].kind == .directive })
    else { return false }
    if file.language == .rust,
      let arrow = (header.first...header.last).last(where: { texts[$0] == "->" }),
      (arrow...header.last).contains(where: { texts[$0] == "impl" })
    {
      return false
    }
    var index = open + 1
    while index < header.blockEnd {
      defer { index += 1 }
      if file.tokens[index].kind == .directive || texts[index] == "$" { return false }
      switch file.language {
      case .c, .cpp: if texts[index] == "goto" || texts[index] == "asm" || texts[index] == "__asm__" { return false }
      case .go:
        // Labels are the function's, not the block's.
        if texts[index] == "goto" { return false }
        if texts[index] == "break" || texts[index] == "continue", index + 1 < header.blockEnd, file.isName(index + 1),
          file.lines[index + 1] == file.lines[index]
        {
          return false
        }
      default: break
      }
    }
    return true
  }

  private func openBrace(of header: Statement) -> Int? {
    let open = header.last + 1
    guard header.isHeader, open < file.tokens.count, file.texts[open] == "{", file.match[open] > open else {
      return nil
    }
    return open
  }

  private mutating func add(_ function: Function) {
    let header = file.statements[function.header]
    guard let open = openBrace(of: header) else { return }
    let close = header.blockEnd
    let start = Int(file.tokens[header.first].start)
    functionHeaders.append((function.header, start))
    let givesResult = (open..<close).contains { index in
      file.texts[index] == "return" && index + 1 < close && ![";", "}"].contains(file.texts[index + 1])
        && (file.language != .go && file.language != .swift || file.lines[index + 1] == file.lines[index])
    }
    // What a constructor hands on stands first, and once.
    let startsWithConstructor =
      file.language == .java && ["this", "super"].contains(file.texts[open + 1]) && file.texts[open + 2] == "("
    if !startsWithConstructor {
      blocks.append(
        Block(content: content(open, close), functionStart: start, isBody: true, givesResult: givesResult))
    }
    for statement in file.statements
    where statement.isHeader && statement.first > open && statement.blockEnd < close
      && Self.controls.contains(file.texts[statement.first])
    {
      guard let inner = openBrace(of: statement), file.match[inner] == statement.blockEnd else { continue }
      blocks.append(
        Block(
          content: content(inner, statement.blockEnd), functionStart: start, isBody: false, givesResult: givesResult))
    }
  }

  private static let controls: Set<String> = ["if", "else", "for", "while", "loop"]

  private func content(_ open: Int, _ close: Int) -> Range<Int> {
    Int(file.tokens[open].end)..<Int(file.tokens[close].start)
  }

  // MARK: - Contents

  /// Whether a changed content can stand in the place of the block's own: its brackets are balanced, nothing is left open,
  /// and it leaves the function as often as the original where that is asked for.
  func fits(_ text: [UInt8], in block: Block) -> Bool {
    let tokens = Lexer.tokens(of: text + [0x0a, 0x7d], language: file.language)
    guard let last = tokens.last, last.kind == .close, Int(last.start) == text.count + 1 else { return false }
    var open: [UInt8] = []
    for token in tokens.dropLast() {
      let first = token.range.lowerBound
      switch token.kind {
      case .directive: return false
      case .open: open.append(text[first])
      case .close:
        let partner: UInt8 = text[first] == 0x29 ? 0x28 : text[first] - 2
        guard open.popLast() == partner else { return false }
      default: break
      }
    }
    guard open.isEmpty else { return false }
    switch file.language {
    case .java, .go, .swift:
      return !block.givesResult || exits(text) >= exits(Array(file.bytes[block.content]))
    default: return true
    }
  }

  private func exits(_ text: [UInt8]) -> Int {
    Lexer.tokens(of: text, language: file.language).count { token in
      guard token.isSignificant else { return false }
      return ["return", "throw", "panic", "fatalError"].contains(String(decoding: text[token.range], as: UTF8.self))
    }
  }
}
