/// Names that a function does not use as one expects: a value that nothing reads, or one that a loop asks about again and
/// again and that nothing changes. What is missing mostly has to do with them.
struct NameUse: Sendable {
  /// Given a value and never read.
  private(set) var unread: Set<String> = []
  /// The same for what a loop counts, which is often not needed.
  private(set) var unreadInLoops: Set<String> = []
  /// Read in a loop, though nothing there changes them and their first value is a constant or the loop's own question.
  private(set) var unchanged: Set<String> = []

  var isEmpty: Bool { unread.isEmpty && unreadInLoops.isEmpty && unchanged.isEmpty }

  private struct Uses {
    var reads = 0
    var readsInLoops = 0
    var writes = 0
    /// Changed in a loop, or in a way that cannot be told.
    var isChanged = false
    var startsConstant = false
    var isCounter = false
    var isParameter = false
  }

  init() {}

  init(file: SourceFile, function index: Int) {
    let owner = file.functions[index]
    var uses: [String: Uses] = [:]
    let parameters = owner.parameters.map { $0...max($0, file.match[$0]) }
    for token in owner.first...owner.last
    where file.isName(token) && !file.isMember(token) && token != owner.nameToken && !FileNames.isLabel(token, file) {
      let name = file.texts[token]
      guard name.first != "_", !["self", "this", "cls"].contains(name) else { continue }
      if let parameters, parameters.contains(token) {
        uses[name, default: Uses()].isParameter = true
        continue
      }
      Self.note(token, file, within: owner.header, &uses[name, default: Uses()])
    }
    for (name, use) in uses {
      if use.reads == 0, use.writes > 0 || use.isParameter {
        if use.isCounter { unreadInLoops.insert(name) } else { unread.insert(name) }
      }
      if use.startsConstant, !use.isChanged, use.readsInLoops > 0 { unchanged.insert(name) }
    }
    for (number, statement) in file.statements.enumerated()
    where statement.isHeader && file.texts[statement.first] == "while" && statement.first > owner.first
      && statement.last <= owner.last
    {
      unchanged.formUnion(Self.unchangedQuestion(of: number, file))
    }
  }

  private static func note(_ token: Int, _ file: SourceFile, within header: Int, _ use: inout Uses) {
    let number = file.statementOf[token]
    guard number >= 0 else { return }
    let statement = file.statements[number]
    let inLoop = isInLoop(number, file, within: header)
    switch role(of: token, in: statement, file) {
    case .read:
      use.reads += 1
      if inLoop { use.readsInLoops += 1 }
    case .counter:
      use.writes += 1
      use.isCounter = true
      use.isChanged = true
    case .changed:
      use.reads += 1
      use.isChanged = true
    case .written(let isPlain, let isConstant):
      use.writes += 1
      if inLoop || !isPlain { use.isChanged = true }
      if isConstant, !inLoop { use.startsConstant = true }
    }
  }

  private enum Role {
    case read, counter, changed
    case written(isPlain: Bool, isConstant: Bool)
  }

  private static func role(of token: Int, in statement: Statement, _ file: SourceFile) -> Role {
    let next = token < statement.last ? file.texts[token + 1] : ""
    let previous = token > statement.first ? file.texts[token - 1] : ""
    if next == "++" || next == "--" || previous == "++" || previous == "--" {
      return .written(isPlain: false, isConstant: false)
    }
    // What stands between `for` and `in` is given its value there.
    var cursor = token - 1
    while cursor >= statement.first, ["(", ",", ")"].contains(file.texts[cursor]) || file.isName(cursor) { cursor -= 1 }
    if cursor >= statement.first, file.texts[cursor] == "for", file.language == .python { return .counter }
    if next == "." {
      let member = token + 2 <= statement.last ? file.texts[token + 2] : ""
      let isCalled = token + 3 <= statement.last && file.texts[token + 3] == "("
      return isCalled && !asking.contains(member) ? .changed : .read
    }
    let equals = (statement.first...statement.last).first {
      SourceFile.assignments.contains(file.texts[$0]) && file.isTopLevel($0, in: statement)
    }
    if let equals, token < equals {
      if next == "[" { return .changed }
      if token + 1 == equals || next == "," || previous == "," || next == ")" || next == ":" {
        let isPlain = file.texts[equals] == "=" || file.texts[equals] == ":="
        let size = statement.last - equals
        let isConstant =
          token + 1 == equals && isPlain && size >= 1 && size <= 3
          && !((equals + 1)..<(statement.last + 1)).contains {
            file.isName($0) && !["set", "dict", "list", "deque"].contains(file.texts[$0])
          }
        return .written(isPlain: isPlain, isConstant: isConstant)
      }
    }
    // A collection that is handed to a function may be filled there.
    if previous == "(" || previous == ",", next == ")" || next == "," {
      var open = token - 1
      while open > statement.first, !(file.texts[open] == "(" && file.match[open] > token) { open -= 1 }
      if open > statement.first, file.isCall(open), !asking.contains(file.texts[open - 1]) { return .changed }
    }
    return .read
  }

  private static func isInLoop(_ number: Int, _ file: SourceFile, within header: Int) -> Bool {
    if file.statements[number].isHeader, file.texts[file.statements[number].first] == "while" { return true }
    var parent = file.statements[number].parent
    while parent >= 0, parent != header {
      if ["for", "while", "loop", "repeat", "do"].contains(file.texts[file.statements[parent].first]) { return true }
      // A function within is mostly called more than once.
      if file.functions.contains(where: { $0.header == parent }) { return true }
      parent = file.statements[parent].parent
    }
    return false
  }

  /// The names in a loop's question when its body changes none of them.
  private static func unchangedQuestion(of number: Int, _ file: SourceFile) -> Set<String> {
    let header = file.statements[number]
    guard header.blockEnd > header.last else { return [] }
    var asked: Set<String> = []
    for token in header.first...header.last where file.isName(token) {
      // What a call or a member answers may change by itself.
      if file.isCalled(token) && !Self.asking.contains(file.texts[token]) || file.isMember(token) { return [] }
      if !file.isCalled(token) { asked.insert(file.texts[token]) }
    }
    // A function of this file may change what it shares with this one.
    let isShared = ((header.last + 1)...header.blockEnd).contains { token in
      file.isName(token) && !file.isMember(token) && file.isCalled(token)
        && file.functions.contains { $0.name == file.texts[token] }
    }
    if isShared { return [] }
    for token in (header.last + 1)...header.blockEnd where asked.contains(file.texts[token]) && !file.isMember(token) {
      let owner = file.statementOf[token]
      guard owner >= 0 else { continue }
      switch role(of: token, in: file.statements[owner], file) {
      case .read: continue
      default: return []
      }
    }
    return asked
  }

  /// Functions and methods that change nothing.
  private static let asking: Set<String> = [
    "len", "sum", "min", "max", "sorted", "enumerate", "range", "zip", "print", "str", "int", "float", "abs", "any",
    "all",
    "get", "items", "keys", "values", "index", "count", "copy", "split", "strip", "lower", "upper", "isdigit",
    "isalpha",
    "isspace", "join", "startswith", "endswith", "has", "includes", "indexOf", "length", "size", "contains", "is_empty",
    "isEmpty", "containsKey", "charAt", "list", "set", "tuple", "reversed", "isalnum", "isupper", "islower", "find",
  ]

  /// How much a change becomes likelier that brings text in: 1 when it has nothing to do with such names.
  func factor(inserting text: String, insteadOf removed: ArraySlice<UInt8>, asStatement: Bool) -> Double {
    var best = 1.0
    let bytes = Array(text.utf8)
    let before = removed.split { !Lexer.isWord($0) }
    var position = 0
    var isFirst = true
    while position < bytes.count {
      guard Lexer.isWord(bytes[position]) else {
        position += 1
        continue
      }
      let start = position
      while position < bytes.count, Lexer.isWord(bytes[position]) { position += 1 }
      let word = String(decoding: bytes[start..<position], as: UTF8.self)
      let isMember = start > 0 && bytes[start - 1] == UInt8(ascii: ".")
      if !isMember, !before.contains(bytes[start..<position]) {
        if isFirst, asStatement, unchanged.contains(word), changes(bytes, after: position) {
          best = min(best, Self.isConstant(bytes[position...]) ? 0.85 : bytes.count - position <= 24 ? 0.55 : 0.7)
        }
        // To give it a value once more is not to read it.
        if !(isFirst && asStatement && changes(bytes, after: position)) {
          if unread.contains(word) { best = min(best, 0.6) }
          if unreadInLoops.contains(word) { best = min(best, 0.8) }
        }
      }
      isFirst = false
    }
    return best
  }

  /// Whether ` = 0` or the like follows: the value that it has anyhow.
  private static func isConstant(_ rest: ArraySlice<UInt8>) -> Bool {
    let signs = rest.prefix { $0 == 0x20 || $0 == UInt8(ascii: "=") }
    guard signs.count > 1, signs.contains(UInt8(ascii: "=")) else { return false }
    let value = rest[signs.endIndex...].prefix { $0 != 0x0a && $0 != UInt8(ascii: ";") }
    return value.elementsEqual("None".utf8) || !value.contains { (0x61...0x7a).contains($0 | 0x20) }
  }

  /// Whether ` = `, ` += `, `[` or a method follows the name that a statement begins with.
  private func changes(_ bytes: [UInt8], after position: Int) -> Bool {
    var index = position
    while index < bytes.count, bytes[index] == 0x20 { index += 1 }
    guard index < bytes.count else { return false }
    if bytes[index] == UInt8(ascii: ".") || bytes[index] == UInt8(ascii: "[") { return true }
    if bytes[index] == UInt8(ascii: "=") { return index + 1 >= bytes.count || bytes[index + 1] != UInt8(ascii: "=") }
    return index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "=") && "+-*/|&".utf8.contains(bytes[index])
  }
}
