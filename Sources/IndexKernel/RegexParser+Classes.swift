extension RegexParser {
  static func classes(_ byte: UInt8) -> (ByteSet, negated: Bool)? {
    var set = ByteSet()
    switch byte | 0x20 {
    case UInt8(ascii: "d"): set.insert(0x30...0x39)
    case UInt8(ascii: "w"):
      set.insert(0x30...0x39)
      set.insert(0x41...0x5a)
      set.insert(0x61...0x7a)
      set.insert(0x5f...0x5f)
    case UInt8(ascii: "s"):
      set.insert(0x09...0x0d)
      set.insert(0x20...0x20)
    default: return nil
    }
    return (set, byte & 0x20 == 0)
  }

  /// Reads `p{Lu}`, `pL`, `P{^L}`: the characters of a general category, and whether all others are meant. The ranges are
  /// ASCII or beyond it, never both.
  mutating func category() throws(RegexError) -> ([ClosedRange<UInt32>], isNegated: Bool) {
    var isNegated = next == UInt8(ascii: "P")
    index += 1
    var name: [UInt8] = []
    if next == UInt8(ascii: "{") {
      let rest = pattern[(index + 1)...]
      guard let end = rest.firstIndex(of: UInt8(ascii: "}")) else { throw fail("`\\p{` without `}`") }
      name = Array(rest[..<end])
      index = end + 1
    } else if let byte = next {
      name = [byte]
      index += 1
    }
    if name.first == UInt8(ascii: "^") {
      isNegated.toggle()
      name.removeFirst()
    }
    guard let ranges = RegexUnicode.category(String(decoding: name, as: UTF8.self), ignoresCase: ignoresCase) else {
      throw fail("only general categories such as `\\p{L}`, `\\p{Lu}` and `\\p{N}` are known")
    }
    return (ranges, isNegated)
  }

  mutating func bracket() throws(RegexError) -> RegexNode {
    index += 1
    var negated = false
    if next == UInt8(ascii: "^") {
      negated = true
      index += 1
    }
    var ascii = ByteSet()
    var ranges: [ClosedRange<UInt32>] = []
    var isFirst = true
    while true {
      guard let byte = next else { throw fail("`[` without `]`; write `\\[` for the character") }
      if byte == UInt8(ascii: "]"), !isFirst { break }
      isFirst = false
      if byte == UInt8(ascii: "["), index + 1 < pattern.count, pattern[index + 1] == UInt8(ascii: ":") {
        if index + 2 < pattern.count, pattern[index + 2] == UInt8(ascii: "^") { ranges.append(0x80...0x10ffff) }
        ascii.formUnion(try posixClass())
        continue
      }
      if byte == UInt8(ascii: "\\"), index + 1 < pattern.count, let (set, isNegated) = Self.classes(pattern[index + 1])
      {
        index += 2
        ascii.formUnion(isNegated ? set.asciiComplement : set)
        if isNegated { ranges.append(0x80...0x10ffff) }
        continue
      }
      if byte == UInt8(ascii: "\\"), index + 1 < pattern.count, pattern[index + 1] | 0x20 == UInt8(ascii: "p") {
        index += 1
        let (members, isNegated) = try category()
        let wanted = isNegated ? RegexUnicode.complement(members, from: 0) : members
        ascii.formUnion(RegexUnicode.ascii(wanted))
        ranges += wanted.filter { $0.lowerBound >= 0x80 }
        continue
      }
      let low = try member()
      var high = low
      if next == UInt8(ascii: "-"), index + 1 < pattern.count, pattern[index + 1] != UInt8(ascii: "]") {
        index += 1
        high = try member()
        guard low <= high else { throw fail("a range whose ends are the wrong way round") }
      }
      if low < 0x80 {
        for value in low...min(high, 0x7f) { ascii.formUnion(literal(UInt8(value))) }
      }
      if high >= 0x80 { ranges.append(max(low, 0x80)...high) }
    }
    index += 1
    if ignoresCase { ranges = RegexUnicode.folded(ranges) }
    return negated ? negation(ascii, ranges) : RegexUnicode.node(ascii: ascii, ranges: ranges)
  }

  private mutating func member() throws(RegexError) -> UInt32 {
    guard next == UInt8(ascii: "\\") else { return try scalar() }
    index += 1
    guard let byte = next else { throw fail("a backslash at the end") }
    if byte == UInt8(ascii: "b") {
      index += 1
      return 8
    }
    return try escapedScalar(byte)
  }

  private mutating func posixClass() throws(RegexError) -> ByteSet {
    let rest = pattern[(index + 2)...]
    guard let end = rest.firstIndex(of: UInt8(ascii: ":")), end + 1 < pattern.count,
      pattern[end + 1] == UInt8(ascii: "]")
    else { throw fail("`[:` without `:]`") }
    var set = ByteSet()
    let isNegated = rest.first == UInt8(ascii: "^")
    switch String(decoding: rest[..<end].dropFirst(isNegated ? 1 : 0), as: UTF8.self) {
    case "ascii": set.insert(0...0x7f)
    case "cntrl":
      set.insert(0...0x1f)
      set.insert(0x7f...0x7f)
    case "graph": set.insert(0x21...0x7e)
    case "print": set.insert(0x20...0x7e)
    case "alpha":
      set.insert(0x41...0x5a)
      set.insert(0x61...0x7a)
    case "digit": set.insert(0x30...0x39)
    case "alnum", "word":
      set.insert(0x30...0x39)
      set.insert(0x41...0x5a)
      set.insert(0x61...0x7a)
      if rest[..<end].last == UInt8(ascii: "d") { set.insert(0x5f...0x5f) }
    case "upper": set.insert(0x41...0x5a)
    case "lower": set.insert(0x61...0x7a)
    case "space":
      set.insert(0x09...0x0d)
      set.insert(0x20...0x20)
    case "blank":
      set.insert(0x09...0x09)
      set.insert(0x20...0x20)
    case "punct":
      set.insert(0x21...0x2f)
      set.insert(0x3a...0x40)
      set.insert(0x5b...0x60)
      set.insert(0x7b...0x7e)
    case "xdigit":
      set.insert(0x30...0x39)
      set.insert(0x41...0x46)
      set.insert(0x61...0x66)
    default: throw fail("an unknown class `[:…:]`")
    }
    index = end + 2
    return isNegated ? set.asciiComplement : set
  }
}
