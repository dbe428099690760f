import Paths

/// A file that says at run time which of its parts run: a call stands where each part begins. Parts are what runs together: the
/// statements of a block up to one that may leave it.
struct NotedFile: Sendable {
  /// A call that is put into the file.
  private struct Insertion {
    var offset: Int
    var text: String
    var line: Int
    /// The first byte of the function that it is in.
    var function: Int
    /// The other insertions that it cannot do without, such as the bracket that closes what it opens.
    var group: Int
  }

  let file: SourceFile
  private let number: Int
  private var insertions: [Insertion] = []
  /// For each part its lines.
  private(set) var parts: [Set<Int>] = []
  private var groups = 0

  var isEmpty: Bool { insertions.isEmpty }
  /// Whether there were ever calls in it: what was built with them has to be written again without.
  private(set) var isChanged = false

  /// - Parameter isTest: whether the names of tests are noted, instead of parts.
  init(_ file: SourceFile, number: Int, isTest: Bool) {
    self.file = file
    self.number = number
    if isTest {
      nameTests()
    } else {
      let blocks = SwitchableBlocks(file)
      for (function, statement) in blocks.functionHeaders { note(function, statement) }
    }
    isChanged = !insertions.isEmpty
  }

  // MARK: - Parts

  private static let controls: Set<String> = [
    "if", "else", "for", "while", "loop", "do", "try", "catch", "finally", "guard", "defer", "unsafe",
  ]
  private static let exits: Set<String> = [
    "return", "break", "continue", "throw", "goto", "?", "panic", "exit", "abort", "fatalError",
  ]
  /// Words that go on with what stands before them.
  private static let continuations: Set<String> = ["else", "catch", "finally", "case", "default", "where", ".", "??"]

  private func text(_ token: Int) -> String { file.texts[token] }

  private func openBrace(_ statement: Statement) -> Int? {
    let open = statement.last + 1
    guard statement.isHeader, open < file.tokens.count, text(open) == "{", file.match[open] == statement.blockEnd else {
      return nil
    }
    return open
  }

  private mutating func insert(_ text: String, at offset: Int, function: Int, group: Int) {
    insertions.append(
      Insertion(offset: offset, text: text, line: file.line(ofByte: offset), function: function, group: group))
  }

  private mutating func part(_ lines: ClosedRange<Int>? = nil) -> Int {
    parts.append(lines.map(Set.init) ?? [])
    return parts.count - 1
  }

  private func lines(_ statement: Statement) -> ClosedRange<Int> {
    file.lines[statement.first]...file.line(ofByte: max(0, Int(file.tokens[statement.last].end) - 1))
  }

  private mutating func note(_ header: Int, _ start: Int) {
    let function = file.statements[header]
    guard let open = openBrace(function) else { return }
    var body = Int(file.tokens[open].end)
    // What a constructor hands on stands first.
    if file.language == .java, open + 2 < function.blockEnd, ["this", "super"].contains(text(open + 1)),
      text(open + 2) == "(", let first = file.statements.first(where: { $0.first == open + 1 }),
      let end = first.terminator
    {
      body = Int(file.tokens[end].end)
    }
    let main = part(lines(function))
    groups += 1
    insert(
      opening(start) + call(main, isFirst: true) + (returnsOnly(function, open) ? "return " : ""), at: body,
      function: start, group: groups)
    // The part that the statements below a header belong to now.
    var current: [Int: Int] = [header: main]
    var endsPart: [Int: Bool] = [:]
    for index in file.statements.indices where index > header {
      let statement = file.statements[index]
      if statement.first > function.blockEnd { break }
      guard statement.first > open, statement.parent >= 0 else { continue }
      let parent = statement.parent
      if endsPart[parent] == true, isSafe(before: statement) {
        let next = part()
        groups += 1
        insert(call(next), at: Int(file.tokens[statement.first].start), function: start, group: groups)
        current[parent] = next
        endsPart[parent] = false
      }
      let own = current[parent] ?? main
      if isInline(statement, in: parent) {
        let inner = part(lines(statement))
        if let end = statement.terminator {
          groups += 1
          insert("{ " + call(inner), at: Int(file.tokens[statement.first].start), function: start, group: groups)
          insert(" }", at: Int(file.tokens[end].end), function: start, group: groups)
        }
        continue
      }
      if statement.isHeader, text(statement.last) == ":", statement.blockEnd == statement.last {
        // A label of a switch: what follows is below the switch, too.
        let next = part(lines(statement))
        groups += 1
        insert(" " + call(next), at: Int(file.tokens[statement.last].end), function: start, group: groups)
        current[parent] = next
        endsPart[parent] = false
        continue
      }
      var lines = lines(statement)
      if !statement.isHeader, index + 1 < file.statements.count, file.statements[index + 1].parent == index {
        // What stands in a closure has parts of its own where it has blocks.
        let inner = file.lines[file.statements[index + 1].first]
        lines = lines.lowerBound...max(lines.lowerBound, min(lines.upperBound, inner - 1))
      }
      parts[own].formUnion(lines)
      current[index] = own
      if let inner = openBrace(statement),
        Self.controls.contains(text(statement.first)) || file.language == .rust && text(statement.last) == "=>"
      {
        let next = part()
        groups += 1
        insert(" " + call(next), at: Int(file.tokens[inner].end), function: start, group: groups)
        current[index] = next
      }
      let mayLeave =
        statement.isHeader
        ? (statement.first...statement.blockEnd).contains { Self.exits.contains(text($0)) }
        : file.language == .rust && (statement.first...statement.last).contains { text($0) == "?" }
      if mayLeave { endsPart[parent] = true }
    }
  }

  /// Whether a call can stand right before a statement.
  private func isSafe(before statement: Statement) -> Bool {
    guard statement.first > 0, !Self.continuations.contains(text(statement.first)) else { return false }
    let previous = text(statement.first - 1)
    if previous == "}", text(statement.first) == "while", file.language.hasBracketedConditions { return false }
    switch file.language {
    case .go, .swift:
      return file.lines[statement.first] > file.lines[statement.first - 1] && previous != ":" && previous != ","
        && previous != "("
    default: return previous == ";" || previous == "}"
    }
  }

  /// Whether a statement is all that stands below a condition without braces.
  private func isInline(_ statement: Statement, in parent: Int) -> Bool {
    guard file.language.hasBracketedConditions, !statement.isHeader, let end = statement.terminator else {
      return false
    }
    let header = file.statements[parent]
    return header.isHeader && openBrace(header) == nil && text(header.last) != ":" && header.blockEnd >= statement.last
      && header.blockEnd <= end && Self.controls.contains(text(header.first)) && header.last + 1 == statement.first
  }

  /// Whether a function of Swift is an expression whose value it returns without saying so.
  private func returnsOnly(_ function: Statement, _ open: Int) -> Bool {
    guard file.language == .swift, (function.first...function.last).contains(where: { text($0) == "->" }) else {
      return false
    }
    let inside = file.statements.filter { $0.first > open && $0.first < function.blockEnd }
    guard let only = inside.first, only.last + 1 >= function.blockEnd || only.blockEnd + 1 >= function.blockEnd else {
      return false
    }
    return !["return", "throw", "for", "while", "let", "var", "guard", "repeat", "do", "defer", "fatalError"].contains(
      text(only.first))
      && !(only.first...only.blockEnd).contains { text($0) == "return" }
  }

  // MARK: - Tests

  private mutating func nameTests() {
    switch file.language {
    case .go: nameGoTests()
    case .swift, .java:
      for function in file.functions {
        let header = file.statements[function.header]
        guard let open = openBrace(header), isTest(function, header) else { continue }
        var name = function.name
        var parent = header.parent
        while parent >= 0 {
          let outer = file.statements[parent]
          if let word = (outer.first...outer.last).first(where: {
            ["class", "struct", "extension", "enum", "actor"].contains(text($0))
          }), word < outer.last {
            name = "\(text(word + 1))/\(name)"
          }
          parent = outer.parent
        }
        groups += 1
        insert(
          " \(runtime.prefix)test(\"\(name)\"); ", at: Int(file.tokens[open].end),
          function: Int(file.tokens[header.first].start), group: groups)
      }
    default: break
    }
  }

  private func isTest(_ function: Function, _ header: Statement) -> Bool {
    if file.language == .swift, function.name.hasPrefix("test") { return true }
    return (header.first...function.nameToken).contains { token in
      ["Test", "ParameterizedTest", "RepeatedTest", "@Test"].contains(text(token))
        && (token == 0 || text(token - 1) == "@" || text(token).hasPrefix("@"))
    }
  }

  /// Whatever has a parameter `t *testing.T` knows the name of its test.
  private mutating func nameGoTests() {
    for token in file.tokens.indices.dropFirst().dropLast(5)
    where text(token) == "*" && text(token + 1) == "testing" && text(token + 2) == "." && text(token + 3) == "T" {
      guard file.isName(token - 1), text(token - 1) != "_", text(token + 4) == ")", text(token + 5) == "{" else {
        continue
      }
      groups += 1
      insert(
        " \(runtime.prefix)test(\(text(token - 1)).Name()); ", at: Int(file.tokens[token + 5].end),
        function: Int(file.tokens[token].start), group: groups)
    }
  }

  // MARK: - Text

  private var runtime: NoteRuntime { NoteRuntime(language: file.language, number: number) }

  private func call(_ part: Int, isFirst: Bool = false) -> String { runtime.call(part, isFirst: isFirst) }

  /// What stands before the first call of a function.
  private func opening(_ start: Int) -> String {
    guard file.language == .rust else { return " " }
    return " use \(SwitchedFile.path(toTopOf: start, in: file))codeagent_note; "
  }

  var bytes: [UInt8] {
    guard !insertions.isEmpty else { return file.bytes }
    // A byte order mark stays first.
    var position = file.textStart
    var result = Array(file.bytes[..<position])
    result += runtime.prelude(parts: parts.count).utf8
    if file.language == .go, let end = file.packageClauseEnd {
      result += file.bytes[position..<end]
      result += runtime.imports.utf8
      position = end
    }
    let ordered = insertions.enumerated().sorted { ($0.element.offset, $0.offset) < ($1.element.offset, $1.offset) }
    for (_, insertion) in ordered where insertion.offset >= position {
      result += file.bytes[position..<insertion.offset]
      result += insertion.text.utf8
      position = insertion.offset
    }
    result += file.bytes[position...]
    result += runtime.epilogue(parts: parts.count).utf8
    return result
  }

  /// Takes out what a compiler complained of at a line: the calls on it, else those of the function around it, else all.
  mutating func drop(line: Int) {
    var culprits = Set(insertions.lazy.filter { $0.line == line }.map(\.group))
    if culprits.isEmpty {
      let around = file.functions.filter { file.lines[$0.first] <= line && line <= file.lines[$0.last] }
      let starts = Set(around.map { Int(file.tokens[$0.first].start) })
      culprits = Set(insertions.lazy.filter { starts.contains($0.function) }.map(\.group))
    }
    if culprits.isEmpty { insertions = [] } else { insertions.removeAll { culprits.contains($0.group) } }
  }
}
