/// The growth of a table with open addressing: a power of two of slots, 0 where there is nothing.
enum SlotGrowth {
  /// Makes twice as many slots, and puts the entries into them.
  /// - Parameters:
  ///   - count: how many entries there are.
  ///   - entry: an entry's slot where nothing else is there, of which the low bits count, and what stands in it.
  @inline(__always)
  static func double<Entry: FixedWidthInteger>(
    _ slots: inout UnsafeMutableBufferPointer<Entry>, count: Int, entry: (Int) -> (slot: Int, value: Entry)
  ) {
    let size = slots.count * 2
    slots.deallocate()
    slots = .allocate(capacity: size)
    slots.initialize(repeating: 0)
    for number in 0..<count {
      let (first, value) = entry(number)
      var slot = first & (size - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
      slots[slot] = value
    }
  }
}
