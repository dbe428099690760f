/// Git's glob patterns (`wildmatch` with path names, see gitignore(5)): `*` and `?` and `[…]` do not match a slash, `**`
/// between slashes matches any number of directories.
///
/// Patterns come from the repository, so matching is a simulation of an automaton: its time is bounded by the product of
/// the two lengths, however many stars there are.
public struct Glob: Sendable {
  private enum Token: Sendable, Equatable {
    case byte(UInt8)
    case anyByte
    case oneOf(ByteSet)
    /// Any run of bytes without a slash.
    case star
    /// Any run of bytes.
    case doubleStar
    /// Before a double star and its slash, which may stand for nothing together.
    case optional
  }

  /// The common shapes, which need no automaton, and automata of two sizes.
  private enum Shape: Sendable {
    case exact([UInt8])
    case suffix([UInt8])
    case short(BitAutomaton)
    case long([Token])
    case never
  }

  private let shape: Shape

  /// Reads a pattern. One that is malformed (an open bracket, a backslash at the end) matches nothing.
  public init(_ pattern: [UInt8]) {
    guard let tokens = Self.tokens(pattern) else {
      shape = .never
      return
    }
    let plain = tokens.compactMap { if case .byte(let byte) = $0 { byte } else { nil } }
    if plain.count == tokens.count {
      shape = .exact(plain)
    } else if tokens.first == .star, plain.count == tokens.count - 1, !plain.contains(0x2f) {
      shape = .suffix(plain)
    } else if tokens.count < UInt64.bitWidth {
      shape = .short(BitAutomaton(tokens))
    } else {
      shape = .long(tokens)
    }
  }

  /// The pattern was malformed.
  public var isMalformed: Bool { if case .never = shape { true } else { false } }

  /// True when all of `text` matches.
  public func matches(_ text: ArraySlice<UInt8>) -> Bool {
    switch shape {
    case .never: return false
    case .exact(let bytes): return text.elementsEqual(bytes)
    case .suffix(let bytes):
      guard text.count >= bytes.count, text.suffix(bytes.count).elementsEqual(bytes) else { return false }
      return !text.dropLast(bytes.count).contains(0x2f)
    case .short(let automaton): return automaton.matches(text)
    case .long(let tokens): return Self.run(tokens, text)
    }
  }

  /// The states of the automaton as the bits of one word: state `i` stands before token `i`.
  private struct BitAutomaton: Sendable {
    /// For each byte the tokens that read it and are done.
    private var consuming = [UInt64](repeating: 0, count: 256)
    private var stars: UInt64 = 0
    private var doubleStars: UInt64 = 0
    private var optionals: UInt64 = 0
    private let accepting: UInt64

    init(_ tokens: [Token]) {
      accepting = 1 << UInt64(tokens.count)
      for (index, token) in tokens.enumerated() {
        let bit = UInt64(1) << UInt64(index)
        switch token {
        case .byte(let byte): consuming[Int(byte)] |= bit
        case .anyByte: for byte in consuming.indices where byte != 0x2f { consuming[byte] |= bit }
        case .oneOf(let set):
          for byte in consuming.indices where byte != 0x2f && set.contains(UInt8(byte)) { consuming[byte] |= bit }
        case .star: stars |= bit
        case .doubleStar: doubleStars |= bit
        case .optional: optionals |= bit
        }
      }
    }

    func matches(_ text: ArraySlice<UInt8>) -> Bool {
      var states = expanded(1)
      for byte in text {
        let staying = byte == 0x2f ? doubleStars : stars | doubleStars
        states = expanded((states & consuming[Int(byte)]) << 1 | states & staying)
        if states == 0 { return false }
      }
      return states & accepting != 0
    }

    /// Adds the states that are reached without reading. No star follows a star and no optional an optional, so that
    /// one step of each is all.
    private func expanded(_ states: UInt64) -> UInt64 {
      let open = states & optionals
      let entered = states | open << 1 | open << 3
      return entered | (entered & (stars | doubleStars)) << 1
    }
  }

  /// Runs all states of the automaton along the text at once, for patterns of more tokens than a word has bits.
  private static func run(_ tokens: [Token], _ text: ArraySlice<UInt8>) -> Bool {
    let needed = tokens.count { $0 != .star && $0 != .doubleStar && $0 != .optional && $0 != .byte(0x2f) }
    guard text.count >= needed else { return false }
    var current = [Bool](repeating: false, count: tokens.count + 1)
    var next = current
    current[0] = true
    expand(tokens, &current)
    for byte in text {
      for index in next.indices { next[index] = false }
      for index in tokens.indices where current[index] {
        switch tokens[index] {
        case .byte(let expected): if byte == expected { next[index + 1] = true }
        case .anyByte: if byte != 0x2f { next[index + 1] = true }
        case .oneOf(let set): if byte != 0x2f && set.contains(byte) { next[index + 1] = true }
        case .star: if byte != 0x2f { next[index] = true }
        case .doubleStar: next[index] = true
        case .optional: break
        }
      }
      if !next.contains(true) { return false }
      expand(tokens, &next)
      swap(&current, &next)
    }
    return current[tokens.count]
  }

  /// Adds the states that are reached without reading a byte.
  private static func expand(_ tokens: [Token], _ states: inout [Bool]) {
    for index in tokens.indices where states[index] {
      switch tokens[index] {
      case .star, .doubleStar: states[index + 1] = true
      case .optional:
        states[index + 1] = true
        states[index + 3] = true
      default: break
      }
    }
  }

  /// nil for a pattern that can match nothing: an open bracket without its end, a backslash at the end.
  private static func tokens(_ pattern: [UInt8]) -> [Token]? {
    var result: [Token] = []
    var index = 0
    while index < pattern.count {
      let byte = pattern[index]
      index += 1
      switch byte {
      case UInt8(ascii: "\\"):
        guard index < pattern.count else { return nil }
        result.append(.byte(pattern[index]))
        index += 1
      case UInt8(ascii: "?"): result.append(.anyByte)
      case UInt8(ascii: "["):
        guard let (set, end) = ByteSet.parse(pattern, from: index) else { return nil }
        result.append(.oneOf(set))
        index = end
      case UInt8(ascii: "*"):
        let start = index - 1
        while index < pattern.count, pattern[index] == UInt8(ascii: "*") { index += 1 }
        let begins = start == 0 || pattern[start - 1] == 0x2f
        let isSlash = index < pattern.count && pattern[index] == 0x2f
        let isEscapedSlash = index + 1 < pattern.count && pattern[index] == 0x5c && pattern[index + 1] == 0x2f
        if index - start > 1, begins, isSlash || isEscapedSlash || index == pattern.count {
          // `**/**/` is `**/`.
          if isSlash, result.suffix(3) == [.optional, .doubleStar, .byte(0x2f)] {
            index += 1
            continue
          }
          if isSlash { result.append(.optional) }
          result.append(.doubleStar)
        } else {
          result.append(.star)
        }
      default: result.append(.byte(byte))
      }
    }
    return result
  }
}

/// The bytes that a bracket expression matches.
struct ByteSet: Sendable, Equatable {
  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  static func == (left: ByteSet, right: ByteSet) -> Bool { left.words == right.words }

  func contains(_ byte: UInt8) -> Bool {
    let bit = UInt64(1) << UInt64(byte & 63)
    switch byte >> 6 {
    case 0: return words.0 & bit != 0
    case 1: return words.1 & bit != 0
    case 2: return words.2 & bit != 0
    default: return words.3 & bit != 0
    }
  }

  private mutating func insert(_ byte: UInt8) {
    let bit = UInt64(1) << UInt64(byte & 63)
    switch byte >> 6 {
    case 0: words.0 |= bit
    case 1: words.1 |= bit
    case 2: words.2 |= bit
    default: words.3 |= bit
    }
  }

  /// Reads a bracket expression after its `[`; the index is that after its `]`. nil when it has no end or names a
  /// class that does not exist.
  static func parse(_ pattern: [UInt8], from start: Int) -> (set: ByteSet, end: Int)? {
    var set = ByteSet()
    var index = start
    guard index < pattern.count else { return nil }
    let isNegated = pattern[index] == UInt8(ascii: "!") || pattern[index] == UInt8(ascii: "^")
    if isNegated { index += 1 }
    var previous: UInt8?
    var isFirst = true
    while true {
      guard index < pattern.count else { return nil }
      var byte = pattern[index]
      if byte == UInt8(ascii: "]") && !isFirst { break }
      isFirst = false
      index += 1
      if byte == UInt8(ascii: "\\") {
        guard index < pattern.count else { return nil }
        byte = pattern[index]
        index += 1
        set.insert(byte)
        previous = byte
      } else if byte == UInt8(ascii: "-"), let low = previous, index < pattern.count,
        pattern[index] != UInt8(ascii: "]")
      {
        var high = pattern[index]
        index += 1
        if high == UInt8(ascii: "\\") {
          guard index < pattern.count else { return nil }
          high = pattern[index]
          index += 1
        }
        if low <= high { for member in low...high { set.insert(member) } }
        previous = nil
      } else if byte == UInt8(ascii: "["), index < pattern.count, pattern[index] == UInt8(ascii: ":") {
        guard let close = pattern[index...].firstIndex(of: UInt8(ascii: "]")) else { return nil }
        if close - 1 > index, pattern[close - 1] == UInt8(ascii: ":") {
          let name = String(decoding: pattern[(index + 1)..<(close - 1)], as: UTF8.self)
          guard let members = classes[name] else { return nil }
          for member in UInt8.min...127 where members(member) { set.insert(member) }
          index = close + 1
          previous = nil
        } else {
          // Not the end of a class name: a bracket like any other byte.
          set.insert(byte)
          previous = byte
        }
      } else {
        set.insert(byte)
        previous = byte
      }
    }
    if isNegated { set.words = (~set.words.0, ~set.words.1, ~set.words.2, ~set.words.3) }
    return (set, index + 1)
  }

  private static let classes: [String: @Sendable (UInt8) -> Bool] = [
    "alnum": { isLetter($0) || isDigit($0) }, "alpha": isLetter, "blank": { $0 == 0x20 || $0 == 0x09 },
    "cntrl": { $0 < 0x20 || $0 == 0x7f }, "digit": isDigit, "graph": { $0 > 0x20 && $0 < 0x7f },
    "lower": { (0x61...0x7a).contains($0) }, "print": { $0 >= 0x20 && $0 < 0x7f },
    "punct": { $0 > 0x20 && $0 < 0x7f && !isLetter($0) && !isDigit($0) },
    "space": { $0 == 0x20 || (0x09...0x0d).contains($0) }, "upper": { (0x41...0x5a).contains($0) },
    "xdigit": { isDigit($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0) },
  ]

  @Sendable private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) }

  @Sendable private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
