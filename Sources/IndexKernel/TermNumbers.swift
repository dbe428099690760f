/// The distinct terms of identifiers, numbered as they come.
struct TermNumbers: ~Copyable {
  let terms: UnsafeMutableBufferPointer<UInt32>
  private(set) var termCount = 0
  /// The numbers of all identifiers' terms, one behind another.
  let numbers: UnsafeMutableBufferPointer<UInt32>
  private var numberCount = 0
  private let ends: UnsafeMutableBufferPointer<UInt32>
  private var identifierCount = 0
  /// A term `<< 32 |` its number from 1; 0 where there is none. A power of two of them, at least twice as many as terms.
  private var slots: UnsafeMutableBufferPointer<UInt64>

  /// Room for so many identifiers, and for the terms of all together.
  init(identifiers: Int, terms most: Int) {
    var size = 64
    while size < (identifiers + TermScanner.longest) * 2 { size *= 2 }
    slots = .allocate(capacity: size)
    slots.initialize(repeating: 0)
    terms = .allocate(capacity: most)
    numbers = .allocate(capacity: most)
    ends = .allocate(capacity: identifiers)
  }

  deinit {
    slots.deallocate()
    terms.deallocate()
    numbers.deallocate()
    ends.deallocate()
  }

  /// Where an identifier's terms are in ``numbers``.
  @inline(__always)
  func range(_ identifier: Int) -> Range<Int> {
    Range(uncheckedBounds: (identifier > 0 ? Int(ends[identifier &- 1]) : 0, Int(ends[identifier])))
  }

  /// Adds a term of the identifier that is at hand.
  @inline(__always)
  mutating func add(_ term: UInt32) {
    let mask = slots.count &- 1
    var slot = Self.slot(term) & mask
    var found = slots[slot]
    while found != 0, UInt32(truncatingIfNeeded: found &>> 32) != term {
      slot = (slot &+ 1) & mask
      found = slots[slot]
    }
    if found == 0 {
      terms[termCount] = term
      termCount &+= 1
      found = UInt64(truncatingIfNeeded: termCount)
      slots[slot] = UInt64(term) &<< 32 | found
    }
    numbers[numberCount] = UInt32(truncatingIfNeeded: found) &- 1
    numberCount &+= 1
  }

  @inline(__always)
  private static func slot(_ term: UInt32) -> Int {
    Int(truncatingIfNeeded: UInt64(term) &* 0x9e37_79b9_7f4a_7c15 &>> 32)
  }

  /// What is added from here on belongs to the next identifier.
  @inline(__always)
  mutating func endIdentifier() {
    ends[identifierCount] = UInt32(truncatingIfNeeded: numberCount)
    identifierCount &+= 1
    // Room for the next one's terms, too, which are at most one for two letters and one for all.
    if (termCount &+ TermScanner.longest) &* 2 > slots.count { grow() }
  }

  private mutating func grow() {
    let terms = terms
    SlotGrowth.double(&slots, count: termCount) { number in
      (Self.slot(terms[number]), UInt64(terms[number]) << 32 | UInt64(number + 1))
    }
  }

  /// Numbers of terms, ascending by term.
  func order(_ found: some Sequence<UInt32>, _ count: Int) -> [UInt32] {
    var keys = [UInt64](unsafeUninitializedCapacity: count) { keys, filled in
      for number in found {
        keys[filled] = UInt64(terms[Int(number)]) << 32 | UInt64(number)
        filled &+= 1
      }
    }
    RadixSort.sortDistinct(&keys)
    return keys.map { UInt32(truncatingIfNeeded: $0) }
  }

  /// Numbers of terms, in order of the terms' highest bits alone.
  func parts(_ found: some Collection<UInt32>) -> [UInt32] {
    let shift = UInt32(32 - TermTable.partBits)
    return [UInt32](unsafeUninitializedCapacity: found.count) { order, filled in
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 1 << TermTable.partBits) { places in
        places.initialize(repeating: 0)
        for number in found { places[Int(terms[Int(number)] &>> shift)] &+= 1 }
        var sum: UInt32 = 0
        for part in 0..<places.count {
          let count = places[part]
          places[part] = sum
          sum &+= count
        }
        for number in found {
          let part = Int(terms[Int(number)] &>> shift)
          order[Int(places[part])] = number
          places[part] &+= 1
        }
      }
      filled = found.count
    }
  }
}
