import Glibc

/// A regular expression over the bytes of lines, matched in time linear in the text: a Thompson automaton run as a
/// deterministic one that is built as it goes (Cox, "Regular Expression Matching Can Be Simple And Fast", 2007).
///
/// It answers which lines hold a match. `^` and `$` are the ends of a line; a match never spans lines. In a line that is
/// not UTF-8, `.` and classes that leave something out match any byte beyond ASCII, too. A value is used by one task at a
/// time; copies share nothing.
public struct LineRegex: Sendable {
  private enum Instruction: Sendable {
    case set(Int)
    case split(Int32, Int32)
    case jump(Int32)
    case assertion(RegexAssertion, Int32)
    case match
  }

  private var program: [Instruction] = []
  private var sets: [ByteSetBox] = []
  /// What a text must hold for a match.
  public private(set) var need: TrigramNeed = .anything
  /// What every match holds; empty when nothing is known.
  private var literal: [UInt8] = []
  /// The literal is the whole pattern.
  private var isLiteral = false
  /// For texts that are not UTF-8, where they may make a difference; else empty.
  private var lenient: [LineRegex] = []

  private struct ByteSetBox: Sendable {
    let words: [UInt64]
    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1 }
  }

  /// Reads a pattern.
  /// - Throws: ``RegexError`` for bad syntax, for back-references and look-around, and for patterns that would need too
  ///   much memory.
  public init(_ pattern: [UInt8], ignoresCase: Bool = false) throws(RegexError) {
    guard pattern.count <= 10_000 else {
      throw RegexError(message: "longer than 10,000 bytes", offset: 10_000)
    }
    var parser = RegexParser(pattern, ignoresCase: ignoresCase)
    try self.init(try parser.parse())
    guard parser.asksForAny else { return }
    var again = RegexParser(pattern, ignoresCase: ignoresCase, admitsStray: true)
    lenient = [try LineRegex(try again.parse())]
    need = lenient[0].need
  }

  private init(_ node: RegexNode) throws(RegexError) {
    need = TrigramNeed.of(node)
    (literal, isLiteral) = Self.literal(of: node)
    try emit(node)
    program.append(.match)
    reset()
  }

  /// A pattern that matches a text as it is.
  public init(literal: [UInt8], ignoresCase: Bool = false) throws(RegexError) {
    var pattern: [UInt8] = []
    for byte in literal {
      if byte < 0x80, TermScannerClass.of(byte) == 0 { pattern.append(UInt8(ascii: "\\")) }
      pattern.append(byte)
    }
    try self.init(pattern, ignoresCase: ignoresCase)
  }

  // MARK: Compiling

  private static let mostInstructions = 50_000

  private mutating func add(_ instruction: Instruction) throws(RegexError) {
    guard program.count < Self.mostInstructions else {
      throw RegexError(message: "too large once its repetitions are written out", offset: 0)
    }
    program.append(instruction)
  }

  private mutating func emit(_ node: RegexNode) throws(RegexError) {
    switch node {
    case .empty: break
    case .set(let set):
      try add(.set(sets.count))
      sets.append(ByteSetBox(words: [set.low.0, set.low.1, set.high.0, set.high.1]))
    case .sequence(let items):
      for item in items { try emit(item) }
    case .assertion(let kind):
      try add(.assertion(kind, Int32(program.count + 1)))
    case .choice(let branches):
      var exits: [Int] = []
      for (number, branch) in branches.enumerated() {
        if number < branches.count - 1 {
          let split = program.count
          try add(.match)
          try emit(branch)
          exits.append(program.count)
          try add(.match)
          program[split] = .split(Int32(split + 1), Int32(program.count))
        } else {
          try emit(branch)
        }
      }
      for exit in exits { program[exit] = .jump(Int32(program.count)) }
    case .repetition(let item, let low, let high):
      for _ in 0..<low { try emit(item) }
      if let high {
        var splits: [Int] = []
        for _ in low..<max(low, high) {
          splits.append(program.count)
          try add(.match)
          try emit(item)
        }
        for split in splits { program[split] = .split(Int32(split + 1), Int32(program.count)) }
      } else {
        let split = program.count
        try add(.match)
        try emit(item)
        try add(.jump(Int32(split)))
        program[split] = .split(Int32(split + 1), Int32(program.count))
      }
    }
  }

  /// The longest run of bytes that every match holds.
  private static func literal(of node: RegexNode) -> ([UInt8], isAll: Bool) {
    let items: [RegexNode]
    switch node {
    case .set: items = [node]
    case .sequence(let parts): items = parts
    default: return ([], false)
    }
    var best: [UInt8] = []
    var run: [UInt8] = []
    for item in items {
      if case .set(let set) = item, let byte = set.single, byte != 0x0a {
        run.append(byte)
      } else {
        run = []
      }
      if run.count > best.count { best = run }
    }
    return (best, best.count == items.count)
  }

  // MARK: Running

  /// What stood before: it decides assertions.
  private static let atStart: UInt8 = 0
  private static let afterWord: UInt8 = 1
  private static let afterOther: UInt8 = 2

  private struct Key: Hashable, Sendable {
    var states: [Int32]
    var before: UInt8
  }

  private static let unknown: Int32 = -1
  private static let matched: Int32 = -2
  private static let mostStates = 4000

  private var keys: [Key] = []
  private var numbers: [Key: Int32] = [:]
  /// Per state and byte the next state.
  private var table: [Int32] = []

  private mutating func reset() {
    keys = []
    numbers = [:]
    table = []
    _ = number(Key(states: [0], before: Self.atStart))
  }

  private mutating func number(_ key: Key) -> Int32 {
    if let known = numbers[key] { return known }
    let number = Int32(keys.count)
    keys.append(key)
    numbers[key] = number
    table.append(contentsOf: repeatElement(Self.unknown, count: 256))
    return number
  }

  /// The lines (from 0) that hold a match.
  /// - Parameter limit: the most lines to return.
  public mutating func matchingLines(_ text: [UInt8], limit: Int = .max) -> [Int] {
    guard limit > 0, !text.isEmpty else { return [] }
    return text.withUnsafeBufferPointer { text in
      // A mark at the beginning says how the text is encoded, and is no part of it.
      let mark = text.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
      guard mark < text.count else { return [] }
      let text = UnsafeBufferPointer(rebasing: text[mark...])
      return lenient.isEmpty || UTF8Check.isValid(text) ? lines(text, limit) : linesOfMixed(text, limit)
    }
  }

  private mutating func lines(_ text: UnsafeBufferPointer<UInt8>, _ limit: Int) -> [Int] {
    literal.isEmpty ? everyLine(text, limit) : linesWithLiteral(text, limit)
  }

  /// Of a text in which some lines are not UTF-8: those that are must match as such.
  private mutating func linesOfMixed(_ text: UnsafeBufferPointer<UInt8>, _ limit: Int) -> [Int] {
    var result: [Int] = []
    var line = 0
    var start = 0
    for found in lenient[0].lines(text, .max) {
      while line < found {
        start = LineCounter.end(text, start) + 1
        line += 1
      }
      let content = UnsafeBufferPointer(rebasing: text[start..<min(text.count, LineCounter.end(text, start) + 1)])
      if UTF8Check.isValid(content), firstMatch(content, from: 0) == nil { continue }
      result.append(found)
      if result.count == limit { break }
    }
    return result
  }

  /// Runs over the whole text.
  private mutating func everyLine(_ text: UnsafeBufferPointer<UInt8>, _ limit: Int) -> [Int] {
    var lines: [Int] = []
    var counter = LineCounter()
    var index = 0
    while index < text.count, lines.count < limit {
      guard let match = firstMatch(text, from: index) else { break }
      lines.append(counter.line(of: match, text))
      index = LineCounter.end(text, match) + 1
    }
    return lines
  }

  /// Runs over the lines that hold what every match holds.
  private mutating func linesWithLiteral(_ text: UnsafeBufferPointer<UInt8>, _ limit: Int) -> [Int] {
    var lines: [Int] = []
    var counter = LineCounter()
    var index = 0
    while lines.count < limit,
      let found = ByteSearch.first(literal, in: UnsafeRawBufferPointer(text), index..<text.count)
    {
      var start = found
      while start > index, text[start - 1] != 0x0a { start -= 1 }
      let end = LineCounter.end(text, found)
      let isMatch =
        isLiteral
        || firstMatch(UnsafeBufferPointer(rebasing: text[start..<min(text.count, end + 1)]), from: 0) != nil
      if isMatch { lines.append(counter.line(of: start, text)) }
      index = end + 1
      if index >= text.count { break }
    }
    return lines
  }

  /// Counts lines as far as they are asked for.
  private struct LineCounter {
    private var place = 0
    private var line = 0

    mutating func line(of wanted: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
      while place < wanted {
        if text[place] == 0x0a { line += 1 }
        place += 1
      }
      return line
    }

    /// Where the line around a place ends.
    static func end(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> Int {
      guard let base = text.baseAddress, place < text.count, let found = memchr(base + place, 0x0a, text.count - place)
      else { return text.count }
      return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }
  }

  /// A place in the first line, from a line's start on, that holds a match; nil when none does.
  private mutating func firstMatch(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    var index = start
    var state: Int32 = 0
    while index < text.count {
      let next = table.withUnsafeBufferPointer { table in
        while index < text.count {
          let next = table[Int(state) << 8 + Int(text[index])]
          if next < 0 { return next }
          state = next
          index += 1
        }
        return state
      }
      if next >= 0 { break }
      if next == Self.matched { return index }
      let stepped = step(&state, text[index])
      if stepped == Self.matched { return index }
      state = stepped
      index += 1
    }
    // The end of the text ends its last line; an empty rest behind a final newline is no line.
    guard text.count > start, text[text.count - 1] != 0x0a else { return nil }
    var next = table[Int(state) << 8 + 0x0a]
    if next == Self.unknown { next = step(&state, 0x0a) }
    return next == Self.matched ? text.count - 1 : nil
  }

  private mutating func step(_ state: inout Int32, _ byte: UInt8) -> Int32 {
    if keys.count > Self.mostStates {
      let key = keys[Int(state)]
      reset()
      state = number(key)
    }
    let key = keys[Int(state)]
    let isEnd = byte == 0x0a
    let isWord = TermScannerClass.of(byte) != 0 && byte < 0x80
    let next: Int32
    let closed = closure(key, isEnd: isEnd, isWord: isWord)
    if closed.matched {
      next = Self.matched
    } else if isEnd {
      next = 0
    } else {
      var states: [Int32] = []
      for place in closed.states {
        if case .set(let set) = program[Int(place)], sets[set].contains(byte) { states.append(place + 1) }
      }
      // A match may begin anywhere.
      if !states.contains(0) { states.append(0) }
      states.sort()
      next = number(Key(states: states, before: isWord ? Self.afterWord : Self.afterOther))
    }
    table[Int(state) << 8 + Int(byte)] = next
    return next
  }

  private func closure(_ key: Key, isEnd: Bool, isWord: Bool) -> (states: [Int32], matched: Bool) {
    var seen = Set<Int32>()
    var waiting = key.states
    var result: [Int32] = []
    let boundary = (key.before == Self.afterWord) != (isWord && !isEnd)
    while let place = waiting.popLast() {
      guard seen.insert(place).inserted else { continue }
      switch program[Int(place)] {
      case .match: return ([], true)
      case .set: result.append(place)
      case .jump(let target): waiting.append(target)
      case .split(let first, let second):
        waiting.append(first)
        waiting.append(second)
      case .assertion(let kind, let target):
        let holds =
          switch kind {
          case .lineStart: key.before == Self.atStart
          case .lineEnd: isEnd
          case .wordBoundary: boundary
          case .notWordBoundary: !boundary
          }
        if holds { waiting.append(target) }
      }
    }
    return (result, false)
  }
}
