/// Makes the candidates of one statement after another. Order and content depend on the input alone.
struct Generator {
  let project: Project
  let clues: Clues
  /// The file and statement at hand.
  var fileIndex = 0
  var file: SourceFile
  var names: FileNames
  var statement = Statement(first: 0, last: 0, blockEnd: 0)
  var statementIndex = 0
  /// The enclosing function, or -1.
  var function = -1

  /// Names that can stand for a value here: of the function those bound before, else the file's.
  private(set) var scope: [String] = []

  /// What several templates ask about the statement, worked out once.
  private(set) var slots: [Slot] = []
  private(set) var donors: [Donor] = []
  /// What the function at hand leaves unread or unchanged.
  private(set) var use = NameUse()
  private var useOfFunctions: [Int: NameUse] = [:]
  private var slotsOfStatements: [Int: [Slot]] = [:]

  private(set) var output: [Candidate] = []
  private var seen: Set<UInt64> = []

  /// Statements with more candidates than this keep the cheapest.
  static let maximumPerStatement = 2000

  init?(project: Project, clues: Clues) {
    guard let first = project.files.first, let names = project.names.first else { return nil }
    self.project = project
    self.clues = clues
    file = first
    self.names = names
  }

  /// The candidates of a statement, cheapest first. None is given twice in the generator's life.
  mutating func candidates(file index: Int, statement number: Int) -> [Candidate] {
    if index != fileIndex || file.path != project.files[index].path {
      fileIndex = index
      file = project.files[index]
      names = project.names[index]
      slotsOfStatements = [:]
      useOfFunctions = [:]
    }
    statementIndex = number
    statement = file.statements[number]
    function = file.functionOf[statement.first]
    scope = visibleNames()
    use = nameUse()
    output = []
    guard statement.last - statement.first < 400 else {
      // A long table may leave out a word; nothing else of it is looked at.
      if statement.last - statement.first < 4000, function < 0 { omissions() }
      return taken()
    }
    let word = file.texts[statement.first]
    let isImport = ["import", "from", "package", "using", "use"].contains(word)
    if isImport || file.tokens[statement.first].kind == .directive && word != "#define" {
      misspellings()
      missingImports()
      return taken()
    }
    misspellings()
    missingImports()
    punctuation()
    literalsFromFailures()
    if isFunctionHeader {
      header()
      return taken()
    }
    slots = slots(ofStatement: number)
    donors = conditionDonors()
    operators()
    constants()
    writtenOutLists()
    omissions()
    offByOne()
    namesAndMembers()
    conditions()
    calls()
    subscripts()
    wraps()
    expressions()
    results()
    moves()
    otherStates()
    guards()
    insertions()
    mirrors()
    deletions()
    return taken()
  }

  mutating func slots(ofStatement number: Int) -> [Slot] {
    if let known = slotsOfStatements[number] { return known }
    let slots = file.slots(of: file.statements[number])
    slotsOfStatements[number] = slots
    return slots
  }

  /// Of the outermost function around: what one within leaves unread another may read.
  private mutating func nameUse() -> NameUse {
    guard function >= 0 else { return NameUse() }
    let own = file.functions[function]
    let outermost = file.functions.firstIndex { $0.first <= own.first && $0.last >= own.last } ?? function
    if let known = useOfFunctions[outermost] { return known }
    let use = NameUse(file: file, function: outermost)
    useOfFunctions[outermost] = use
    return use
  }

  /// What is first named further down is not yet there, unless a loop brings it back.
  private func visibleNames() -> [String] {
    guard function >= 0 else { return names.globals }
    // What was used last comes first: it is what a statement most often has to do with.
    var lastUses: [String: Int] = [:]
    for token in file.functions[function].first..<(statement.last + 1) where file.isName(token) {
      lastUses[file.texts[token]] = token
    }
    func recent(_ names: [String]) -> [String] {
      names.enumerated().sorted {
        (lastUses[$1.element] ?? -1, $0.offset) < (lastUses[$0.element] ?? -1, $1.offset)
      }.map(\.element)
    }
    var visible = OrderedNames()
    // Those of functions around it come after its own.
    var inner: Int? = function
    while let current = inner {
      let bound = zip(names.variables[current], names.firstUses[current]).filter { $0.1 < statement.first }.map(\.0)
      for name in recent(bound) { visible.add(name) }
      let header = file.functions[current].first
      inner = file.functions.indices.last {
        $0 < current && file.functions[$0].first < header && file.functions[$0].last >= header
      }
    }
    return visible.names
  }

  private mutating func taken() -> [Candidate] {
    defer { output = [] }
    let order = output.indices.sorted { (output[$0].cost, $0) < (output[$1].cost, $1) }
    return order.prefix(Self.maximumPerStatement).map { output[$0] }
  }

  /// The tokens of the statement at hand.
  var tokens: ClosedRange<Int> { statement.first...statement.last }

  var isFunctionHeader: Bool { function >= 0 && file.functions[function].header == statementIndex }

  /// Parameters are declared, not computed: only their defaults and their order can be wrong.
  private mutating func header() {
    mutableDefaults()
    guard let open = file.functions[function].parameters, file.match[open] > open else { return }
    for element in file.elements(ofBracket: open) {
      guard let equals = element.first(where: { file.texts[$0] == "=" }), equals < element.upperBound else { continue }
      let whole = statement
      statement = Statement(first: equals + 1, last: element.upperBound, blockEnd: element.upperBound)
      operators()
      constants()
      statement = whole
    }
  }

  // MARK: - Emission

  mutating func replace(
    _ token: Int, with text: String, _ cost: Double, _ kind: Candidate.Kind, everywhere: Bool = true
  ) {
    emit(file.tokens[token].range, text, cost, kind)
    guard everywhere, cost <= 2, names.groupOf[token] >= 0 else { return }
    let similar = names.groups[names.groupOf[token]]
    guard similar.count <= 12 else { return }
    let edits = similar.map { other in
      SourceEdit(
        file: fileIndex, start: Int(file.tokens[other].start), end: Int(file.tokens[other].end), text: text)
    }
    // The set is the same from whichever of its places one starts: the first one speaks for all.
    emit(edits, cost + 0.9 + 0.1 * Double(similar.count), kind)
  }

  mutating func replace(_ range: ClosedRange<Int>, with text: String, _ cost: Double, _ kind: Candidate.Kind) {
    emit(file.byteRange(range.lowerBound, range.upperBound), text, cost, kind)
  }

  mutating func insert(_ text: String, at offset: Int, _ cost: Double, _ kind: Candidate.Kind) {
    emit(offset..<offset, text, cost, kind)
  }

  /// Removes tokens with the white space behind them.
  mutating func remove(_ range: ClosedRange<Int>, _ cost: Double, _ kind: Candidate.Kind) {
    var bytes = file.byteRange(range.lowerBound, range.upperBound)
    if range.upperBound + 1 < file.tokens.count, file.lines[range.upperBound + 1] == file.lines[range.upperBound] {
      bytes = bytes.lowerBound..<Int(file.tokens[range.upperBound + 1].start)
    }
    emit(bytes, "", cost, kind)
  }

  mutating func emit(_ bytes: Range<Int>, _ text: String, _ cost: Double, _ kind: Candidate.Kind) {
    emit([SourceEdit(file: fileIndex, start: bytes.lowerBound, end: bytes.upperBound, text: text)], cost, kind)
  }

  mutating func emit(_ edits: [SourceEdit], _ cost: Double, _ kind: Candidate.Kind) {
    var hash = StableHash()
    var kept: [SourceEdit] = []
    for edit in edits {
      guard let edit = normalised(edit) else { continue }
      kept.append(edit)
      hash.add(edit.file)
      hash.add(edit.start)
      hash.add(edit.end)
      addContent(of: edit.text, to: &hash)
    }
    // What does not parse may lack a bracket.
    guard !kept.isEmpty, kind == .punctuation || kept.allSatisfy(isSound), seen.insert(hash.value).inserted else {
      return
    }
    let cost = (cost + Self.shift(of: kind, cost)) * (use.isEmpty ? 1 : factor(of: edits, kind))
    output.append(Candidate(edits: kept, cost: cost, kind: kind, line: file.lines[statement.first]))
  }

  /// How much rarer or more frequent a kind of change is than its templates' costs say, counted over `Benchmarks/repair`.
  private static func shift(of kind: Candidate.Kind, _ cost: Double) -> Double {
    switch kind {
    case .statementInserted: cost > 1.7 ? -0.3 : 0
    case .condition: cost >= 2 && cost <= 2.6 ? -0.15 : 0
    case .argument: cost >= 2 ? 0.2 : 0
    case .assignment: cost < 1.8 ? 0.2 : 0
    case .unwrap, .result, .statementMoved: cost > 1.3 ? 0.15 : 0
    case .wrap: cost >= 2 ? 0.1 : -0.05
    case .expression: cost >= 2.2 ? 0.1 : 0
    default: 0
    }
  }

  /// Lower for what reads a name that nothing reads, or changes one that nothing changes.
  private func factor(of edits: [SourceEdit], _ kind: Candidate.Kind) -> Double {
    edits.reduce(1) { best, edit in
      guard edit.text.utf8.count > 0, edit.text.utf8.count < 200 else { return best }
      return min(
        best,
        use.factor(
          inserting: edit.text, insteadOf: file.bytes[edit.start..<edit.end], asStatement: kind == .statementInserted))
    }
  }

  /// White space within a line does not make another program; at a line's beginning it does.
  private func addContent(of text: String, to hash: inout StableHash) {
    var bytes: [UInt8] = []
    var afterSpace = false
    var atLineStart = true
    for byte in text.utf8 {
      if byte == 0x0a {
        atLineStart = true
        afterSpace = false
        bytes.append(byte)
      } else if byte == 0x20 || byte == 0x09, !atLineStart {
        afterSpace = true
      } else {
        if byte != 0x20, byte != 0x09 { atLineStart = false }
        if afterSpace { bytes.append(0x20) }
        afterSpace = false
        bytes.append(byte)
      }
    }
    hash.add(bytes)
    hash.add(bytes.count)
  }

  /// The smallest edit with the same result, moved as far forward in the file as it goes; nil when nothing changes.
  private func normalised(_ edit: SourceEdit) -> SourceEdit? {
    var start = edit.start
    var end = edit.end
    var text = Array(edit.text.utf8)
    var prefix = 0
    while start + prefix < end, prefix < text.count, file.bytes[start + prefix] == text[prefix] { prefix += 1 }
    start += prefix
    text.removeFirst(prefix)
    var suffix = 0
    while end - suffix > start, suffix < text.count, file.bytes[end - 1 - suffix] == text[text.count - 1 - suffix] {
      suffix += 1
    }
    end -= suffix
    text.removeLast(suffix)
    if start == end, text.isEmpty { return nil }
    if start == end, text.count < 200 {
      var steps = 0
      while start > 0, steps < 200, let last = text.last, file.bytes[start - 1] == last {
        text.removeLast()
        text.insert(last, at: 0)
        start -= 1
        steps += 1
      }
      end = start
    }
    // A cut through a character of several bytes is no text any more.
    guard let result = String(validating: text, as: UTF8.self) else { return edit }
    return SourceEdit(file: edit.file, start: start, end: end, text: result)
  }

  /// Brackets stay balanced, and words do not run into each other.
  private func isSound(_ edit: SourceEdit) -> Bool {
    var depth = [0, 0, 0]
    func count(_ byte: UInt8, _ sign: Int) {
      switch byte {
      case UInt8(ascii: "("): depth[0] += sign
      case UInt8(ascii: ")"): depth[0] -= sign
      case UInt8(ascii: "["): depth[1] += sign
      case UInt8(ascii: "]"): depth[1] -= sign
      case UInt8(ascii: "{"): depth[2] += sign
      case UInt8(ascii: "}"): depth[2] -= sign
      default: break
      }
    }
    for byte in file.bytes[edit.start..<edit.end] { count(byte, -1) }
    for byte in edit.text.utf8 { count(byte, 1) }
    return depth == [0, 0, 0] || edit.text.utf8.contains(0x22) || edit.text.utf8.contains(0x27)
  }
}
