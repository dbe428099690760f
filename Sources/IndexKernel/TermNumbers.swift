/// The distinct terms of identifiers, numbered as they come.
struct TermNumbers {
  let terms: UnsafeMutableBufferPointer<UInt32>
  private(set) var termCount = 0
  /// The numbers of all identifiers' terms, one behind another.
  let numbers: UnsafeMutableBufferPointer<UInt32>
  private var numberCount = 0
  private let ends: UnsafeMutableBufferPointer<UInt32>
  private var identifierCount = 0
  /// Numbers from 1 of ``terms``; 0 where there is none. A power of two of them, at least twice as many as terms.
  private let slots: UnsafeMutableBufferPointer<UInt32>

  /// Room for so many identifiers, and for the terms of all together.
  init(identifiers: Int, terms most: Int) {
    var size = 64
    while size < most * 2 { size *= 2 }
    slots = .allocate(capacity: size)
    slots.initialize(repeating: 0)
    terms = .allocate(capacity: most)
    numbers = .allocate(capacity: most)
    ends = .allocate(capacity: identifiers)
  }

  func free() {
    slots.deallocate()
    terms.deallocate()
    numbers.deallocate()
    ends.deallocate()
  }

  /// Where an identifier's terms are in ``numbers``.
  @inline(__always)
  func range(_ identifier: Int) -> Range<Int> {
    (identifier > 0 ? Int(ends[identifier - 1]) : 0)..<Int(ends[identifier])
  }

  /// Adds a term of the identifier that is at hand.
  @inline(__always)
  mutating func add(_ term: UInt32) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: UInt64(term) &* 0x9e37_79b9_7f4a_7c15 >> 32) & mask
    while slots[slot] != 0, terms[Int(slots[slot]) - 1] != term { slot = (slot + 1) & mask }
    if slots[slot] == 0 {
      terms[termCount] = term
      termCount += 1
      slots[slot] = UInt32(termCount)
    }
    numbers[numberCount] = slots[slot] - 1
    numberCount += 1
  }

  /// What is added from here on belongs to the next identifier.
  @inline(__always)
  mutating func endIdentifier() {
    ends[identifierCount] = UInt32(numberCount)
    identifierCount += 1
  }

  /// The numbers of the terms, ascending by term.
  func order() -> [UInt32] {
    var keys = [UInt64](unsafeUninitializedCapacity: termCount) { keys, count in
      for number in 0..<termCount { keys[number] = UInt64(terms[number]) << 32 | UInt64(number) }
      count = termCount
    }
    RadixSort.sortDistinct(&keys)
    return keys.map { UInt32(truncatingIfNeeded: $0) }
  }
}
