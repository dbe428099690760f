/// Where the runs of identifier bytes and the line ends of a text lie, sixty-four bytes at a time.
public struct IdentifierRuns: ~Copyable {
  private let words: UnsafeMutableBufferPointer<UInt64>
  private let newlines: UnsafeMutableBufferPointer<UInt64>
  private let count: Int

  /// Looks at a text.
  public init(_ text: [UInt8]) {
    self.init(count: text.count)
    text.withUnsafeBufferPointer { look($0) }
  }

  init(_ text: UnsafeBufferPointer<UInt8>) {
    self.init(count: text.count)
    look(text)
  }

  private init(count: Int) {
    self.count = count
    words = .allocate(capacity: count / 64 + 1)
    newlines = .allocate(capacity: count / 64 + 1)
  }

  private func look(_ text: UnsafeBufferPointer<UInt8>) {
    let raw = UnsafeRawBufferPointer(text)
    for block in words.indices {
      var word: UInt64 = 0
      var newline: UInt64 = 0
      let start = block * 64
      if start + 64 <= text.count {
        for part in 0..<8 {
          let found = Self.classify(
            UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: start + part * 8, as: UInt64.self)))
          word |= found.word << UInt64(part * 8)
          newline |= found.newline << UInt64(part * 8)
        }
      } else {
        for place in start..<text.count {
          let found = Self.classify(UInt64(text[place]))
          word |= (found.word & 1) << UInt64(place - start)
          newline |= (found.newline & 1) << UInt64(place - start)
        }
      }
      words[block] = word
      newlines[block] = newline
    }
  }

  deinit {
    words.deallocate()
    newlines.deallocate()
  }

  /// Where the lines begin: at 0, and behind each line end, that of the last byte included.
  public func lineStarts() -> [Int32] {
    let most = newlines.reduce(1) { $0 + $1.nonzeroBitCount }
    return [Int32](unsafeUninitializedCapacity: most) { starts, filled in
      starts[0] = 0
      filled = 1
      for (number, ends) in newlines.enumerated() {
        var ends = ends
        while ends != 0 {
          starts[filled] = Int32(truncatingIfNeeded: number &* 64 &+ ends.trailingZeroBitCount &+ 1)
          filled &+= 1
          ends &= ends &- 1
        }
      }
    }
  }

  /// Lends what was found out.
  func withMap<Value>(_ body: (Map) -> Value) -> Value {
    body(Map(words: UnsafeBufferPointer(words), newlines: UnsafeBufferPointer(newlines), count: count))
  }

  /// One bit a byte, sixty-four of them in a word.
  struct Map {
    fileprivate let words: UnsafeBufferPointer<UInt64>
    fileprivate let newlines: UnsafeBufferPointer<UInt64>
    fileprivate let count: Int

    /// The first place from `place` (at most the text's end) on that belongs to no identifier.
    @inline(__always)
    func end(from place: Int) -> Int {
      var block = place &>> 6
      var others = ~words[block] & (~0 &<< UInt64(place & 63))
      while others == 0 {
        block &+= 1
        guard block < words.count else { return count }
        others = ~words[block]
      }
      // Beyond the text no bit is set.
      return block &* 64 &+ others.trailingZeroBitCount
    }

    /// How many line ends there are in a part of the text.
    func lineEnds(_ start: Int, _ end: Int) -> Int {
      guard start < end else { return 0 }
      let last = (end - 1) >> 6
      var sum = 0
      for block in start >> 6...last {
        var ends = newlines[block]
        if block == start >> 6 { ends &= ~0 << UInt64(start & 63) }
        if block == last { ends &= ~0 >> UInt64(63 - (end - 1) & 63) }
        sum += ends.nonzeroBitCount
      }
      return sum
    }
  }

  /// One bit a byte, the lowest first: whether it belongs to an identifier (letters, digits, `_`, all beyond ASCII), whether
  /// it ends a line. Each byte is compared by what carries into its highest bit (Warren, "Hacker's Delight", section 6–1).
  @inline(__always)
  private static func classify(_ bytes: UInt64) -> (word: UInt64, newline: UInt64) {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let low = bytes & (ones &* 0x7f)
    let letter = low | ones &* 0x20
    let isLetter = (letter &+ ones &* 0x1f) & ~(letter &+ ones &* 0x05)
    let isDigit = (low &+ ones &* 0x50) & ~(low &+ ones &* 0x46)
    let notUnderscore = (low ^ ones &* 0x5f) &+ ones &* 0x7f
    let notNewline = (low ^ ones &* 0x0a) &+ ones &* 0x7f
    let word = isLetter | isDigit | ~notUnderscore | bytes
    let newline = ~notNewline & ~bytes
    return (gather(word), gather(newline))
  }

  /// The highest bits of eight bytes, side by side.
  @inline(__always)
  private static func gather(_ bytes: UInt64) -> UInt64 {
    ((bytes >> 7 & 0x0101_0101_0101_0101) &* 0x0102_0408_1020_4080) >> 56
  }

  /// Visits all runs with the line (from 0) that each lies in.
  @inline(__always)
  func forEach(_ visit: (_ start: Int, _ end: Int, _ line: Int) -> Void) {
    var line = 0
    var block = 0
    var left = newlines[0]
    /// The next line end that was not passed.
    func nextNewline() -> Int {
      while left == 0 {
        block += 1
        guard block < newlines.count else { return .max }
        left = newlines[block]
      }
      let place = block * 64 + left.trailingZeroBitCount
      left &= left &- 1
      return place
    }
    var newline = nextNewline()
    var open = -1
    var carry: UInt64 = 0
    for (number, word) in words.enumerated() {
      // A bit where a run begins or has ended.
      var edges = word ^ (word << 1 | carry)
      carry = word >> 63
      while edges != 0 {
        let place = number * 64 + edges.trailingZeroBitCount
        edges &= edges &- 1
        guard open >= 0 else {
          open = place
          continue
        }
        while newline < open {
          line += 1
          newline = nextNewline()
        }
        visit(open, place, line)
        open = -1
      }
    }
    guard open >= 0 else { return }
    while newline < open {
      line += 1
      newline = nextNewline()
    }
    visit(open, count, line)
  }
}
