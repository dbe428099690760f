/// Splits text into search terms: each identifier as a whole, and the words that it is made of.
///
/// `parseHTTPHeader_v2` gives `parsehttpheaderv2`, `pars`, `http`, `header`, `v2`: lower case, words cut at underscores
/// and case changes, plural and tense endings taken off words. A term is known by 32 bits of its hash; among the
/// vocabulary of a large repository (10⁶ terms) a query's term meets a stranger once in 4,000 terms.
public enum TermScanner {
  /// Longer runs (encoded data) are no words.
  static let longest = 64

  /// Appends `hash << 32 | line` for every term of `text`, lines counted from 0.
  public static func scan(_ text: [UInt8], into output: inout [UInt64]) {
    scan(text, wholes: true, into: &output)
  }

  /// As ``scan(_:into:)``, but of an identifier of several words only these: in the order of the text.
  public static func scanWords(_ text: [UInt8], into output: inout [UInt64]) {
    scan(text, wholes: false, into: &output)
  }

  private static func scan(_ text: [UInt8], wholes: Bool, into output: inout [UInt64]) {
    text.withUnsafeBufferPointer { bytes in
      classes.withUnsafeBufferPointer { table in
        Scratch.with { scan(bytes, table, $0, wholes, &output) }
      }
    }
  }

  /// The terms of a short text, in order, repeats included.
  public static func terms(_ text: [UInt8]) -> [UInt32] {
    var output: [UInt64] = []
    scan(text, into: &output)
    return output.map { UInt32(truncatingIfNeeded: $0 >> 32) }
  }

  /// 0: separator, 1: lower case letter or a byte beyond ASCII, 2: upper case, 3: digit, 4: underscore.
  static let classes: [UInt8] = (0..<256).map { byte in
    switch UInt8(byte) {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), 0x80...: 1
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): 2
    case UInt8(ascii: "0")...UInt8(ascii: "9"): 3
    case UInt8(ascii: "_"): 4
    default: 0
    }
  }

  private static func scan(
    _ bytes: UnsafeBufferPointer<UInt8>, _ table: UnsafeBufferPointer<UInt8>,
    _ scratch: Scratch, _ wholes: Bool, _ output: inout [UInt64]
  ) {
    var line: UInt64 = 0
    var index = 0
    let count = bytes.count
    while index < count {
      let byte = bytes[index]
      guard table[Int(byte)] != 0 else {
        if byte == 0x0a { line += 1 }
        index += 1
        continue
      }
      let start = index
      repeat { index += 1 } while index < count && table[Int(bytes[index])] != 0
      guard index - start >= 2, index - start <= longest else { continue }
      emit(bytes, start, index, table, scratch, wholes) { output.append(UInt64($0) << 32 | line) }
    }
  }

  /// Room to cut an identifier in.
  struct Scratch {
    /// Its letters in lower case, without underscores: the words lie behind one another.
    let letters: UnsafeMutableBufferPointer<UInt8>
    /// Beside the letters: the hash of the word up to there.
    let hashes: UnsafeMutableBufferPointer<UInt32>

    /// Lends room for ``longest`` letters.
    static func with(_ body: (Scratch) -> Void) {
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: longest) { letters in
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: longest) { hashes in
          body(Scratch(letters: letters, hashes: hashes))
        }
      }
    }
  }

  /// The terms of one run of identifier bytes, at most ``longest`` of them: no more than there are bytes.
  @inline(__always)
  static func emit(
    _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int, _ table: UnsafeBufferPointer<UInt8>,
    _ scratch: Scratch, _ wholes: Bool, _ add: (UInt32) -> Void
  ) {
    var filled = 0
    var wordStart = 0
    var previous: UInt8 = 4
    // Of the word, and of all letters: FNV-1a.
    var value = Self.basis
    var whole = Self.basis
    var place = start
    while place < end {
      let byte = bytes[place]
      let kind = table[Int(byte)]
      place &+= 1
      if kind == 4 {
        if filled > wordStart {
          word(scratch, wordStart, filled, add)
          wordStart = filled
          value = Self.basis
        }
      } else {
        var letter = byte
        if kind == 2 {
          letter |= 0x20
          if filled > wordStart,
            previous != 2 || place < end && table[Int(bytes[place])] == 1
          {
            word(scratch, wordStart, filled, add)
            wordStart = filled
            value = Self.basis
          }
        }
        value = (value ^ UInt32(letter)) &* Self.prime
        whole = (whole ^ UInt32(letter)) &* Self.prime
        scratch.letters[filled] = letter
        scratch.hashes[filled] = value
        filled &+= 1
      }
      previous = kind
    }
    if filled > wordStart { word(scratch, wordStart, filled, add) }
    if wordStart > 0, wholes { add(whole) }
  }

  private static let basis: UInt32 = 0x811c_9dc5
  private static let prime: UInt32 = 0x0100_0193

  @inline(__always)
  private static func word(_ scratch: Scratch, _ start: Int, _ end: Int, _ add: (UInt32) -> Void) {
    guard end - start >= 2 else { return }
    let (stem, last) = stem(scratch.letters, start, end)
    var value = scratch.hashes[stem - 1]
    if last != 0 { value = (value ^ UInt32(last)) &* prime }
    add(value)
  }

  /// Where a word's stem ends, and a letter to put behind it (0: none). A light stemmer: plural `s`, `ed`, `ing`, a
  /// final `e`; nothing that would join words of different meaning often.
  private static func stem(
    _ bytes: UnsafeMutableBufferPointer<UInt8>, _ start: Int, _ wordEnd: Int
  ) -> (end: Int, last: UInt8) {
    var end = wordEnd
    func at(_ back: Int) -> UInt8 { bytes[end - back] }
    guard end - start > 3 else { return (end, 0) }
    if at(1) == UInt8(ascii: "s"), at(2) != UInt8(ascii: "s"), at(2) != UInt8(ascii: "u"), at(2) != UInt8(ascii: "i") {
      if at(2) == UInt8(ascii: "e"), at(3) == UInt8(ascii: "i"), end - start > 4 {
        return (end - 3, UInt8(ascii: "y"))
      }
      end -= 1
      if at(1) == UInt8(ascii: "e"), end - start > 4, at(2) == UInt8(ascii: "s") || at(2) == UInt8(ascii: "x") {
        return (end - 1, 0)
      }
    }
    var cut = 0
    if end - start > 5, at(1) == UInt8(ascii: "g"), at(2) == UInt8(ascii: "n"), at(3) == UInt8(ascii: "i") {
      cut = 3
    } else if end - start > 4, at(1) == UInt8(ascii: "d"), at(2) == UInt8(ascii: "e") {
      cut = 2
    }
    if cut > 0 {
      if at(cut + 1) == UInt8(ascii: "i"), cut == 2 { return (end - 3, UInt8(ascii: "y")) }
      end -= cut
      // `stopped`, `running`; but not `falling`, `passed`.
      if end - start > 3, at(1) == at(2), at(1) != UInt8(ascii: "l"), at(1) != UInt8(ascii: "s") { end -= 1 }
    }
    if end - start > 3, at(1) == UInt8(ascii: "e") { end -= 1 }
    return (end, 0)
  }
}
