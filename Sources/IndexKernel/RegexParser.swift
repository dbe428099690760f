/// A regular expression that cannot be used, with the place (byte offset) and the reason.
public struct RegexError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong, and what to write instead.
  public let message: String
  /// The byte offset in the pattern.
  public let offset: Int

  /// The message with its place.
  public var description: String { "regular expression, at byte \(offset): \(message)" }
}

/// A parsed pattern.
indirect enum RegexNode {
  case empty
  case set(ByteSet)
  case sequence([RegexNode])
  case choice([RegexNode])
  case repetition(RegexNode, Int, Int?)
  case assertion(RegexAssertion)
}

enum RegexAssertion: UInt8 {
  case lineStart, lineEnd, wordBoundary, notWordBoundary
}

/// Parses the usual syntax: what `grep -E`, RE2 and PCRE have in common, without back-references and look-around, which
/// no linear-time engine can offer.
struct RegexParser {
  let pattern: [UInt8]
  var index = 0
  private(set) var ignoresCase: Bool
  private var depth = 0
  /// A byte that is not UTF-8 counts as a character.
  private let admitsStray: Bool
  /// The pattern has something that such a byte may match.
  private(set) var asksForAny = false

  init(_ pattern: [UInt8], ignoresCase: Bool, admitsStray: Bool = false) {
    self.pattern = pattern
    self.ignoresCase = ignoresCase
    self.admitsStray = admitsStray
  }

  mutating func parse() throws(RegexError) -> RegexNode {
    let node = try choice()
    if index < pattern.count { throw fail("`)` without `(`; write `\\)` for the character") }
    return node
  }

  func fail(_ message: String) -> RegexError { RegexError(message: message, offset: index) }
  var next: UInt8? { index < pattern.count ? pattern[index] : nil }

  private mutating func choice() throws(RegexError) -> RegexNode {
    depth += 1
    defer { depth -= 1 }
    guard depth < 200 else { throw fail("groups nested deeper than 200") }
    let outerCase = ignoresCase
    defer { ignoresCase = outerCase }
    var branches = [try sequence()]
    while next == UInt8(ascii: "|") {
      index += 1
      branches.append(try sequence())
    }
    return branches.count == 1 ? branches[0] : .choice(branches)
  }

  private mutating func sequence() throws(RegexError) -> RegexNode {
    var items: [RegexNode] = []
    while let byte = next, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
      var item = try atom(byte)
      while let mark = next {
        guard let (low, high) = try quantifier(mark) else { break }
        item = .repetition(item, low, high)
      }
      if case .sequence(let parts) = item { items += parts } else { items.append(item) }
    }
    return items.count == 1 ? items[0] : .sequence(items)
  }

  private mutating func quantifier(_ mark: UInt8) throws(RegexError) -> (Int, Int?)? {
    let result: (Int, Int?)
    switch mark {
    case UInt8(ascii: "*"): result = (0, nil)
    case UInt8(ascii: "+"): result = (1, nil)
    case UInt8(ascii: "?"): result = (0, 1)
    case UInt8(ascii: "{"):
      guard let (low, high, end) = bounds() else { return nil }
      guard low <= 1000, high ?? 0 <= 1000, high.map({ $0 >= low }) ?? true else {
        throw fail("a repetition of more than 1000, or whose bounds are the wrong way round")
      }
      index = end
      skipLazy()
      return (low, high)
    default: return nil
    }
    index += 1
    skipLazy()
    return result
  }

  /// `?` and `+` behind a quantifier change which match is taken, never whether there is one.
  private mutating func skipLazy() {
    if next == UInt8(ascii: "?") || next == UInt8(ascii: "+") { index += 1 }
  }

  /// `{2}`, `{2,}`, `{2,5}`; anything else after `{` is a plain brace.
  private func bounds() -> (Int, Int?, Int)? {
    var place = index + 1
    func number() -> (Int, Int)? {
      var value = 0
      var end = place
      while end < pattern.count, (0x30...0x39).contains(pattern[end]), end - place < 6 {
        value = value * 10 + Int(pattern[end] - 0x30)
        end += 1
      }
      return end > place ? (value, end) : nil
    }
    guard let (low, afterLow) = number() else { return nil }
    place = afterLow
    guard place < pattern.count else { return nil }
    if pattern[place] == UInt8(ascii: "}") { return (low, low, place + 1) }
    guard pattern[place] == UInt8(ascii: ",") else { return nil }
    place += 1
    guard place < pattern.count else { return nil }
    if pattern[place] == UInt8(ascii: "}") { return (low, nil, place + 1) }
    guard let (high, afterHigh) = number(), afterHigh < pattern.count, pattern[afterHigh] == UInt8(ascii: "}") else {
      return nil
    }
    return (low, high, afterHigh + 1)
  }

  private mutating func atom(_ byte: UInt8) throws(RegexError) -> RegexNode {
    switch byte {
    case UInt8(ascii: "("): return try group()
    case UInt8(ascii: "["): return try bracket()
    case UInt8(ascii: "."):
      index += 1
      return negation(ByteSet(0x0a), [])
    case UInt8(ascii: "^"):
      index += 1
      return .assertion(.lineStart)
    case UInt8(ascii: "$"):
      index += 1
      return .assertion(.lineEnd)
    case UInt8(ascii: "\\"): return try escape()
    case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"):
      throw fail("nothing to repeat before `\(Character(Unicode.Scalar(byte)))`; write a backslash for the character")
    case 0x80...:
      let start = index
      if let scalar = try? scalar() { return RegexUnicode.node(scalar, ignoresCase: ignoresCase) }
      index = start + 1
      return .set(ByteSet(byte))
    default:
      index += 1
      return .set(literal(byte))
    }
  }

  /// Everything but a class and newlines.
  mutating func negation(_ ascii: ByteSet, _ ranges: [ClosedRange<UInt32>]) -> RegexNode {
    asksForAny = true
    return RegexUnicode.node(notIn: ascii, ranges, admitsStray: admitsStray)
  }

  func literal(_ byte: UInt8) -> ByteSet {
    var set = ByteSet(byte)
    if ignoresCase, byte | 0x20 >= 0x61, byte | 0x20 <= 0x7a {
      set.insert((byte | 0x20)...(byte | 0x20))
      set.insert((byte & ~0x20)...(byte & ~0x20))
    }
    return set
  }

  private mutating func group() throws(RegexError) -> RegexNode {
    index += 1
    let outerCase = ignoresCase
    if next == UInt8(ascii: "?") {
      index += 1
      guard let kind = next else { throw fail("an unfinished `(?`") }
      switch kind {
      case UInt8(ascii: ":"): index += 1
      case UInt8(ascii: ">"): throw fail("atomic groups are not supported; write `(?:` for a group")
      case UInt8(ascii: "P") where index + 1 < pattern.count && pattern[index + 1] == UInt8(ascii: "="):
        throw fail("back-references are not supported")
      case UInt8(ascii: "P"), UInt8(ascii: "<"):
        if kind == UInt8(ascii: "<"), index + 1 < pattern.count,
          pattern[index + 1] == UInt8(ascii: "=") || pattern[index + 1] == UInt8(ascii: "!")
        {
          throw fail("look-behind is not supported")
        }
        while let byte = next, byte != UInt8(ascii: ">") { index += 1 }
        guard next != nil else { throw fail("a group name without `>`") }
        index += 1
      case UInt8(ascii: "="), UInt8(ascii: "!"): throw fail("look-ahead is not supported")
      default:
        var value = true
        while let flag = next, flag != UInt8(ascii: ")"), flag != UInt8(ascii: ":") {
          switch flag {
          case UInt8(ascii: "-"): value = false
          case UInt8(ascii: "i"): ignoresCase = value
          case UInt8(ascii: "m"), UInt8(ascii: "s"), UInt8(ascii: "u"): break
          default: throw fail("an unknown flag in `(?…)`")
          }
          index += 1
        }
        guard let end = next else { throw fail("an unfinished `(?`") }
        index += 1
        // `(?i)` holds to the end of the enclosing group.
        if end == UInt8(ascii: ")") { return .empty }
      }
    }
    let node = try choice()
    guard next == UInt8(ascii: ")") else { throw fail("`(` without `)`; write `\\(` for the character") }
    index += 1
    ignoresCase = outerCase
    return node
  }

  private mutating func escape() throws(RegexError) -> RegexNode {
    index += 1
    guard let byte = next else { throw fail("a backslash at the end; write `\\\\` for the character") }
    switch byte {
    case UInt8(ascii: "b"):
      index += 1
      return .assertion(.wordBoundary)
    case UInt8(ascii: "B"):
      index += 1
      return .assertion(.notWordBoundary)
    case UInt8(ascii: "A"):
      index += 1
      return .assertion(.lineStart)
    case UInt8(ascii: "z"), UInt8(ascii: "Z"):
      index += 1
      return .assertion(.lineEnd)
    case UInt8(ascii: "1")...UInt8(ascii: "9"), UInt8(ascii: "k"), UInt8(ascii: "g"):
      throw fail("back-references are not supported")
    case UInt8(ascii: "p"), UInt8(ascii: "P"):
      let (ranges, isNegated) = try category()
      if isNegated { return negation(RegexUnicode.ascii(ranges), ranges.filter { $0.lowerBound >= 0x80 }) }
      return RegexUnicode.node(ascii: RegexUnicode.ascii(ranges), ranges: ranges.filter { $0.lowerBound >= 0x80 })
    default: break
    }
    if let (set, negated) = Self.classes(byte) {
      index += 1
      return negated ? negation(set, []) : .set(set)
    }
    let scalar = try escapedScalar(byte)
    return RegexUnicode.node(scalar, ignoresCase: ignoresCase)
  }

  /// The character that a backslash and `byte` stand for; moves behind it.
  mutating func escapedScalar(_ byte: UInt8) throws(RegexError) -> UInt32 {
    index += 1
    switch byte {
    case UInt8(ascii: "n"): return 0x0a
    case UInt8(ascii: "t"): return 0x09
    case UInt8(ascii: "r"): return 0x0d
    case UInt8(ascii: "f"): return 0x0c
    case UInt8(ascii: "v"): return 0x0b
    case UInt8(ascii: "a"): return 0x07
    case UInt8(ascii: "e"): return 0x1b
    case UInt8(ascii: "0"): return 0
    case UInt8(ascii: "x"), UInt8(ascii: "u"):
      var digits: [UInt8] = []
      if next == UInt8(ascii: "{") {
        index += 1
        while let digit = next, digit != UInt8(ascii: "}"), digits.count < 7 {
          digits.append(digit)
          index += 1
        }
        guard next == UInt8(ascii: "}") else { throw fail("`\\x{` without `}`") }
        index += 1
      } else {
        let width = byte == UInt8(ascii: "x") ? 2 : 4
        while let digit = next, digits.count < width {
          digits.append(digit)
          index += 1
        }
      }
      guard let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16), value <= 0x10ffff else {
        throw fail("not a hexadecimal character code")
      }
      return value
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
      throw fail("`\\\(Character(Unicode.Scalar(byte)))` has no meaning here")
    default:
      guard byte >= 0x80 else { return UInt32(byte) }
      index -= 1
      return try scalar()
    }
  }

  /// The next character of the pattern; a stray byte stands for itself.
  mutating func scalar() throws(RegexError) -> UInt32 {
    guard let byte = next else { throw fail("the pattern ends too early") }
    if byte < 0x80 {
      index += 1
      return UInt32(byte)
    }
    let length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    guard index + length <= pattern.count,
      let text = String(validating: pattern[index..<index + length], as: UTF8.self),
      let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1
    else { throw fail("a byte that is not UTF-8 inside a class") }
    index += length
    return scalar.value
  }
}
