import Paths

/// A file whose blocks hold several contents, of which the switch chooses one.
struct SwitchedFile: Sendable {
  /// What a file looks like, and where in it is what.
  struct Output: Sendable {
    var bytes: [UInt8] = []
    /// The lines of each branch, as compilers count them.
    var branches: [(lines: ClosedRange<Int>, number: Int)] = []
    /// The lines of the functions that have branches, without these; by the first byte of their original.
    var functions: [(lines: ClosedRange<Int>, start: Int)] = []
    /// Where the file's own bytes are: together, in order, they are the file.
    var kept: [Range<Int>] = []
  }

  let blocks: SwitchableBlocks
  /// Tells the names in one file from those in another.
  private let number: Int
  /// The branches of each block.
  private var branches: [Int: [(number: Int, text: [UInt8])]] = [:]

  init(_ file: SourceFile, number: Int) {
    blocks = SwitchableBlocks(file)
    self.number = number
  }

  private var language: Language { blocks.file.language }

  mutating func add(_ text: [UInt8], number: Int, to block: Int) {
    branches[block, default: []].append((number, text))
  }

  mutating func remove(_ numbers: Set<Int>) {
    for block in branches.keys {
      branches[block]?.removeAll { numbers.contains($0.number) }
      if branches[block]?.isEmpty == true { branches[block] = nil }
    }
  }

  /// How many bytes the function around a block has grown by.
  func growth(around block: Int) -> Int {
    let function = blocks.blocks[block].functionStart
    return branches.reduce(0) { sum, item in
      blocks.blocks[item.key].functionStart == function ? sum + item.value.reduce(0) { $0 + $1.text.count } : sum
    }
  }

  /// The branches of a function.
  func numbers(ofFunction start: Int) -> Set<Int> {
    Set(branches.filter { blocks.blocks[$0.key].functionStart == start }.flatMap { $0.value.map(\.number) })
  }

  // MARK: - Writing

  func output() -> Output {
    let source = blocks.file.bytes
    var writer = Writer(language: language)
    guard !branches.isEmpty else {
      return Output(bytes: source, kept: [source.indices])
    }
    // A byte order mark stays first.
    var position = blocks.file.textStart
    writer.keep(source[..<position])
    prelude(&writer, &position)
    let functions = Set(branches.keys.map { blocks.blocks[$0].functionStart }).sorted()
    for start in functions {
      let own = branches.keys.filter { blocks.blocks[$0].functionStart == start }
      guard let end = own.map({ blocks.blocks[$0].content.upperBound }).max() else { continue }
      let head = max(position, start)
      writer.keep(source[position..<head])
      position = head
      if language == .rust { writer.append("#[allow(warnings)] ") }
      let firstLine = writer.line
      write(own.sorted(by: outermostFirst), &position, upTo: end, &writer)
      // The bracket that closes the function is where a missing result is complained of.
      let close = source[end...].firstIndex(of: 0x7d) ?? end
      writer.keep(source[end..<min(source.count, close + 1)])
      position = min(source.count, close + 1)
      writer.output.functions.append((min(firstLine, writer.line)...max(firstLine, writer.line), start))
    }
    writer.keep(source[position...])
    epilogue(&writer)
    return writer.output
  }

  private func outermostFirst(_ left: Int, _ right: Int) -> Bool {
    let (left, right) = (blocks.blocks[left].content, blocks.blocks[right].content)
    return (left.lowerBound, -left.upperBound) < (right.lowerBound, -right.upperBound)
  }

  /// Writes the original from `position` to `end` with the blocks' branches in it.
  private func write(_ own: [Int], _ position: inout Int, upTo end: Int, _ writer: inout Writer) {
    var rest = own[...]
    while let block = rest.popFirst() {
      let content = blocks.blocks[block].content
      let inner = rest.prefix { blocks.blocks[$0].content.upperBound <= content.upperBound }
      rest = rest.dropFirst(inner.count)
      writer.keep(blocks.file.bytes[position..<content.lowerBound])
      position = content.lowerBound
      let isAlone = goesOn(behind: block)
      for (index, branch) in (branches[block] ?? []).enumerated() {
        if index == 0 { writer.append(writer.isC ? " " : "\n\(opening(block))") }
        writer.branch(
          branch.text, number: branch.number,
          head: "\(index == 0 ? "" : isAlone ? "\n" : " else ")if \(condition(branch.number)) {")
      }
      writer.append(isAlone ? "\n" : " else {")
      writer.goOn(at: blocks.file.line(ofByte: content.lowerBound))
      write(Array(inner), &position, upTo: content.upperBound, &writer)
      if !isAlone { writer.append(" }") }
    }
    if position < end {
      writer.keep(blocks.file.bytes[position..<end])
      position = end
    }
  }

  /// Whether the original stands behind the branches instead of in a last one. A branch that leaves its function on every way
  /// never comes to it; with one that does not the function would lack a result, and so would all that stands in it.
  private func goesOn(behind block: Int) -> Bool {
    let block = blocks.blocks[block]
    return block.isBody && block.givesResult && [.java, .go, .swift].contains(language)
  }

  private func condition(_ number: Int) -> String {
    switch language {
    case .c, .cpp: "(codeagent_switch_\(self.number) == \(number))"
    case .java: "(CodeagentSwitch\(self.number).CHOSEN == \(number))"
    case .rust: "codeagent_chosen == \(number)"
    case .swift: "CodeagentSwitch\(self.number).chosen == \(number)"
    default: "codeagentSwitch\(self.number) == \(number)"
    }
  }

  /// What stands before the first condition of a block.
  private func opening(_ block: Int) -> String {
    guard language == .rust else { return "" }
    return
      "let codeagent_chosen = \(Self.path(toTopOf: blocks.blocks[block].functionStart, in: blocks.file))codeagent_switch(); "
  }

  /// How Rust names what stands at the top of the file, from a module within it.
  /// - Parameter start: the first byte of a function.
  static func path(toTopOf start: Int, in file: SourceFile) -> String {
    let depth = file.statements.count { statement in
      statement.isHeader && Int(file.tokens[statement.first].start) < start
        && start < Int(file.tokens[statement.blockEnd].end)
        && (statement.first...statement.last).contains { file.texts[$0] == "mod" }
    }
    return depth == 0 ? "self::" : String(repeating: "super::", count: depth)
  }

  private func prelude(_ writer: inout Writer, _ position: inout Int) {
    switch language {
    case .c, .cpp: writer.append(SwitchRuntime.c(number))
    case .go:
      // Imports come first.
      guard let end = blocks.file.packageClauseEnd else { return }
      writer.keep(blocks.file.bytes[position..<end])
      writer.append(SwitchRuntime.goImports(number))
      position = end
    default: break
    }
  }

  private func epilogue(_ writer: inout Writer) {
    switch language {
    case .go: writer.append(SwitchRuntime.go(number))
    case .java: writer.append(SwitchRuntime.java(number))
    case .swift: writer.append(SwitchRuntime.swift(number))
    case .rust: writer.append(SwitchRuntime.rust)
    default: break
    }
  }

  /// Counts lines while it writes.
  private struct Writer {
    let language: Language
    var output = Output()
    /// The current line, as compilers count.
    var line = 1

    /// Lines of branches begin here in C, far from those of any file.
    private static let firstLine = 1_000_000
    private static let linesOfBranch = 20_000

    init(language: Language) { self.language = language }

    var isC: Bool { language == .c || language == .cpp }

    mutating func append(_ bytes: some Collection<UInt8>) {
      output.bytes += bytes
      line += bytes.count { $0 == 0x0a }
    }

    mutating func keep(_ bytes: ArraySlice<UInt8>) {
      output.kept.append(output.bytes.count..<output.bytes.count + bytes.count)
      append(bytes)
    }

    mutating func append(_ text: String) {
      append(text.utf8)
      // The prelude's last line sets the count back.
      if text.hasSuffix("#line 1\n") { line = 1 }
    }

    /// Writes a branch; the line that its head is on belongs to it, and the one with its closing bracket to what follows.
    mutating func branch(_ text: [UInt8], number: Int, head: String) {
      var first = line
      append(head)
      append("\n")
      if isC {
        first = Self.firstLine + number * Self.linesOfBranch
        append("#line \(first)\n")
        line = first
      }
      append(text)
      let last = line
      append("\n}")
      output.branches.append((first...max(first, last), number))
    }

    /// The lines of the original go on.
    mutating func goOn(at original: Int) {
      guard isC else { return }
      append("\n#line \(original)\n".utf8)
      line = original
    }
  }
}
