/// Characters beyond ASCII as sequences of bytes.
enum RegexUnicode {
  /// One character.
  static func node(_ scalar: UInt32, ignoresCase: Bool) -> RegexNode {
    guard scalar >= 0x80 else {
      let byte = UInt8(scalar)
      var set = ByteSet(byte)
      if ignoresCase, byte | 0x20 >= 0x61, byte | 0x20 <= 0x7a { set.insert((byte ^ 0x20)...(byte ^ 0x20)) }
      return .set(set)
    }
    let ranges = ignoresCase ? folded([scalar...scalar]) : [scalar...scalar]
    return ranges.count == 1
      ? .sequence(encode(scalar).map { .set(ByteSet($0)) }) : node(ascii: ByteSet(), ranges: ranges)
  }

  /// A class.
  /// - Parameter ranges: beyond ASCII.
  static func node(ascii: ByteSet, ranges: [ClosedRange<UInt32>]) -> RegexNode {
    let sequences = sequences(merged(ranges))
    if sequences.isEmpty { return .set(ascii) }
    return ascii == ByteSet() ? .choice(sequences) : .choice([.set(ascii)] + sequences)
  }

  /// What is not in a class; never a newline.
  /// - Parameter admitsStray: a byte beyond ASCII counts as a character, too, whatever it belongs to.
  static func node(notIn ascii: ByteSet, _ ranges: [ClosedRange<UInt32>], admitsStray: Bool) -> RegexNode {
    var single = ascii.asciiComplement
    single.remove(0x0a)
    return .choice(
      [.set(single)] + sequences(complement(ranges)) + (admitsStray ? [.set(ByteSet(0x80...0xff))] : []))
  }

  /// What lies between ranges, in order.
  static func complement(_ ranges: [ClosedRange<UInt32>], from first: UInt32 = 0x80) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = []
    var next = first
    func add(_ low: UInt32, _ high: UInt32) {
      if low < 0x80, high >= 0x80 { result += [low...0x7f, 0x80...high] } else { result.append(low...high) }
    }
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound > next { add(next, range.lowerBound - 1) }
      next = max(next, range.upperBound + 1)
    }
    if next <= 0x10ffff { add(next, 0x10ffff) }
    return result
  }

  /// The same characters in ranges that are in order and do not touch, but where ASCII ends.
  private static func merged(_ ranges: [ClosedRange<UInt32>], from first: UInt32 = 0x80) -> [ClosedRange<UInt32>] {
    complement(complement(ranges, from: first), from: first)
  }

  /// What of some ranges is ASCII.
  static func ascii(_ ranges: [ClosedRange<UInt32>]) -> ByteSet {
    var set = ByteSet()
    for range in ranges where range.lowerBound < 0x80 {
      set.insert(UInt8(range.lowerBound)...UInt8(min(0x7f, range.upperBound)))
    }
    return set
  }

  // MARK: Properties of characters

  /// Adds to ranges beyond ASCII what differs from them by case only.
  static func folded(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    guard !ranges.isEmpty else { return ranges }
    var result = ranges
    for alike in cases where alike.contains(where: { scalar in ranges.contains { $0.contains(scalar) } }) {
      result += alike.map { $0...$0 }
    }
    return merged(result)
  }

  /// Characters beyond ASCII that differ by case only.
  private static let cases: [[UInt32]] = {
    var classes: [UInt32: [UInt32]] = [:]
    // Nothing has a case beyond the second plane.
    for value in UInt32(0x80)...0x1ffff {
      guard let scalar = Unicode.Scalar(value), scalar.properties.isCased || scalar.properties.changesWhenUppercased
      else {
        continue
      }
      let upper = only(scalar.properties.uppercaseMapping) ?? scalar
      let lower = only(upper.properties.lowercaseMapping) ?? upper
      if lower.value >= 0x80 { classes[lower.value, default: []].append(value) }
    }
    return classes.values.filter { $0.count > 1 }
  }()

  private static func only(_ text: String) -> Unicode.Scalar? {
    text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil
  }

  /// The characters of a general category, by its short name; nil for any other. No range holds both ASCII and what lies
  /// beyond. Where case counts for nothing, a letter of one case stands for those of all.
  static func category(_ name: String, ignoresCase: Bool = false) -> [ClosedRange<UInt32>]? {
    guard
      name == "L" || name == "M" || name == "N" || name == "P" || name == "S" || name == "Z" || name == "C"
        || categories.contains(where: { $0.name == name })
    else { return nil }
    let cased = ["Lu", "Ll", "Lt"]
    let wanted = Set(
      categories.filter { $0.name.hasPrefix(name) || ignoresCase && cased.contains(name) && cased.contains($0.name) }
        .map(\.category))
    return merged(wanted.flatMap { members[$0] ?? [] }, from: 0)
  }

  /// The characters of each category; looked up once, as that takes a hundredth of a second.
  private static let members: [Unicode.GeneralCategory: [ClosedRange<UInt32>]] = {
    var result: [Unicode.GeneralCategory: [ClosedRange<UInt32>]] = [:]
    var run: (category: Unicode.GeneralCategory, start: UInt32)?
    for value in UInt32(0)...0x110000 {
      let category = Unicode.Scalar(value)?.properties.generalCategory
      guard category != run?.category else { continue }
      if let run { result[run.category, default: []].append(run.start...(value - 1)) }
      run = category.map { ($0, value) }
    }
    return result
  }()

  private static let categories: [(name: String, category: Unicode.GeneralCategory)] = [
    ("Lu", .uppercaseLetter), ("Ll", .lowercaseLetter), ("Lt", .titlecaseLetter), ("Lm", .modifierLetter),
    ("Lo", .otherLetter), ("Mn", .nonspacingMark), ("Mc", .spacingMark), ("Me", .enclosingMark),
    ("Nd", .decimalNumber), ("Nl", .letterNumber), ("No", .otherNumber), ("Pc", .connectorPunctuation),
    ("Pd", .dashPunctuation), ("Ps", .openPunctuation), ("Pe", .closePunctuation), ("Pi", .initialPunctuation),
    ("Pf", .finalPunctuation), ("Po", .otherPunctuation), ("Sm", .mathSymbol), ("Sc", .currencySymbol),
    ("Sk", .modifierSymbol), ("So", .otherSymbol), ("Zs", .spaceSeparator), ("Zl", .lineSeparator),
    ("Zp", .paragraphSeparator), ("Cc", .control), ("Cf", .format), ("Co", .privateUse), ("Cn", .unassigned),
  ]

  // MARK: Bytes

  /// Ranges as sequences of byte sets; those that differ in their last byte only are one.
  private static func sequences(_ ranges: [ClosedRange<UInt32>]) -> [RegexNode] {
    var places: [[ClosedRange<UInt8>]: Int] = [:]
    var result: [(heads: [ClosedRange<UInt8>], last: ByteSet)] = []
    for range in ranges.flatMap(split) {
      let bytes = zip(encode(range.lowerBound), encode(range.upperBound)).map { $0...max($0, $1) }
      guard let last = bytes.last else { continue }
      let heads = Array(bytes.dropLast())
      if let place = places[heads] {
        result[place].last.insert(last)
      } else {
        places[heads] = result.count
        result.append((heads, ByteSet(last)))
      }
    }
    return result.map { .sequence($0.heads.map { .set(ByteSet($0)) } + [.set($0.last)]) }
  }

  /// Cuts a range where the length of the encoding or a leading byte changes, so that each piece is a product of byte
  /// ranges.
  private static func split(_ range: ClosedRange<UInt32>) -> [ClosedRange<UInt32>] {
    for limit in [UInt32(0x7ff), 0xffff] where range.lowerBound <= limit && range.upperBound > limit {
      return split(range.lowerBound...limit) + split((limit + 1)...range.upperBound)
    }
    let width: UInt32 = range.upperBound > 0xffff ? 3 : range.upperBound > 0x7ff ? 2 : 1
    for level in 1...width {
      let mask = UInt32(1) << (6 * level) - 1
      guard range.lowerBound & ~mask != range.upperBound & ~mask else { continue }
      if range.lowerBound & mask != 0 {
        return split(range.lowerBound...(range.lowerBound | mask))
          + split((range.lowerBound | mask) + 1...range.upperBound)
      }
      if range.upperBound & mask != mask {
        return split(range.lowerBound...((range.upperBound & ~mask) - 1))
          + split((range.upperBound & ~mask)...range.upperBound)
      }
    }
    return [range]
  }

  private static func encode(_ value: UInt32) -> [UInt8] {
    func tail(_ shift: UInt32) -> UInt8 { UInt8(value >> shift & 0x3f) | 0x80 }
    if value < 0x800 { return [UInt8(value >> 6) | 0xc0, tail(0)] }
    if value < 0x10000 { return [UInt8(value >> 12) | 0xe0, tail(6), tail(0)] }
    return [UInt8(value >> 18) | 0xf0, tail(12), tail(6), tail(0)]
  }
}
