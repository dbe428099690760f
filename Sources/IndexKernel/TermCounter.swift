/// Counts the terms of a text by its units.
///
/// A text repeats its identifiers: each is cut into words and hashed once, however often it stands there. An identifier is
/// known by 64 bits of a hash of its bytes, which only say whether it was met before in this text.
struct TermCounter {
  private struct Identifier {
    var hash: UInt64
    var start: UInt32
    var length: UInt16
    /// The last of ``sightings``.
    var last: UInt32
  }

  /// An identifier in a unit, how often.
  private struct Sighting {
    var identifier: UInt32
    var unit: UInt16
    var count: UInt16
  }

  /// What was counted: see ``TermTable``.
  struct Result {
    var terms: [UInt32]
    var starts: [UInt32]
    var units: [UInt16]
    var counts: [UInt16]
    var unitLengths: [UInt32]
  }

  /// How the terms of a result are sorted.
  enum Order {
    /// Ascending.
    case all
    /// By their ``TermTable/partBits`` highest bits alone.
    case parts
  }

  private let bytes: UnsafeBufferPointer<UInt8>
  /// Numbers from 1 of ``identifiers``; 0 where there is none. A power of two of them.
  private var slots: UnsafeMutableBufferPointer<UInt32>
  private let identifiers: UnsafeMutableBufferPointer<Identifier>
  private var identifierCount = 0
  private let sightings: UnsafeMutableBufferPointer<Sighting>
  private var sightingCount = 0

  /// - Parameters:
  ///   - runs: those of the text.
  ///   - unitOfLine: the unit of each line; a line beyond belongs to unit 0.
  ///   - unitCount: how many units there are, at least 1.
  ///   - names: a text whose identifiers are mostly those of the first one; nil when it is not wanted.
  static func count(
    _ text: UnsafeBufferPointer<UInt8>, _ runs: borrowing IdentifierRuns, unitOfLine: [UInt16], unitCount: Int,
    _ order: Order, names: UnsafeBufferPointer<UInt8>? = nil
  ) -> (body: Result, names: Result?) {
    var counter = TermCounter(text)
    defer { counter.free() }
    counter.scan(runs, unitOfLine, UInt16(clamping: max(1, unitCount) - 1))
    return counter.result(max(1, unitCount), order, names)
  }

  private init(_ text: UnsafeBufferPointer<UInt8>) {
    bytes = text
    var size = 64
    while size < text.count / 32 { size *= 2 }
    slots = .allocate(capacity: size)
    slots.initialize(repeating: 0)
    // A term has two bytes and one between it and the next: what is never met is never touched.
    let most = text.count / 3 + 1
    identifiers = .allocate(capacity: most)
    sightings = .allocate(capacity: most)
  }

  private func free() {
    slots.deallocate()
    identifiers.deallocate()
    sightings.deallocate()
  }

  private mutating func scan(_ runs: borrowing IdentifierRuns, _ unitOfLine: [UInt16], _ lastUnit: UInt16) {
    unitOfLine.withUnsafeBufferPointer { units in
      var line = -1
      var unit: UInt16 = 0
      runs.forEach { start, end, at in
        guard end - start >= 2, end - start <= TermScanner.longest else { return }
        if at != line {
          line = at
          unit = at < units.count ? min(units[at], lastUnit) : 0
        }
        see(start, end, unit)
      }
    }
  }

  @inline(__always)
  private mutating func see(_ start: Int, _ end: Int, _ unit: UInt16) {
    let hash = Self.hash(bytes, start, end)
    let mask = slots.count &- 1
    var slot = Int(truncatingIfNeeded: hash >> 32) & mask
    while true {
      let number = slots[slot]
      if number == 0 { break }
      let place = Int(number) - 1
      if identifiers[place].hash == hash {
        let last = Int(identifiers[place].last)
        if sightings[last].unit == unit, sightings[last].count < .max {
          sightings[last].count += 1
        } else {
          identifiers[place].last = UInt32(sightingCount)
          add(Sighting(identifier: number - 1, unit: unit, count: 1))
        }
        return
      }
      slot = (slot + 1) & mask
    }
    identifiers[identifierCount] = Identifier(
      hash: hash, start: UInt32(start), length: UInt16(end - start), last: UInt32(sightingCount))
    add(Sighting(identifier: UInt32(identifierCount), unit: unit, count: 1))
    identifierCount += 1
    slots[slot] = UInt32(identifierCount)
    if identifierCount * 2 > slots.count { grow() }
  }

  @inline(__always)
  private mutating func add(_ sighting: Sighting) {
    sightings[sightingCount] = sighting
    sightingCount += 1
  }

  private mutating func grow() {
    let identifiers = identifiers
    SlotGrowth.double(&slots, count: identifierCount) { number in
      (Int(truncatingIfNeeded: identifiers[number].hash >> 32), UInt32(number + 1))
    }
  }

  /// Eight bytes at a time: multiply and fold. The same bytes have the same hash wherever they stand.
  @inline(__always)
  private static func hash(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> UInt64 {
    guard let base = bytes.baseAddress else { return 0 }
    let raw = UnsafeRawPointer(base)
    var value = UInt64(truncatingIfNeeded: end - start) &* 0x9e37_79b9_7f4a_7c15
    var place = start
    while place + 8 <= end {
      value = Self.mix(value ^ raw.loadUnaligned(fromByteOffset: place, as: UInt64.self))
      place += 8
    }
    if place < end {
      var rest: UInt64 = 0
      if end >= 8 {
        // The bytes before it are shifted out.
        rest =
          raw.loadUnaligned(fromByteOffset: end - 8, as: UInt64.self).littleEndian >> UInt64(64 - (end - place) * 8)
      } else {
        for byte in (place..<end).reversed() { rest = rest << 8 | UInt64(bytes[byte]) }
      }
      value = Self.mix(value ^ rest)
    }
    return value
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    let (high, low) = (value ^ 0xe703_7ed1_a0b4_28db).multipliedFullWidth(by: 0xa076_1d64_78bd_642f)
    return high ^ low
  }

  private func result(
    _ unitCount: Int, _ order: Order, _ names: UnsafeBufferPointer<UInt8>?
  ) -> (body: Result, names: Result?) {
    var most = 0
    for number in 0..<identifierCount { most += Int(identifiers[number].length) / 2 + 1 }
    var ids = TermNumbers(identifiers: identifierCount, terms: most)
    TermScanner.classes.withUnsafeBufferPointer { table in
      TermScanner.Scratch.with { scratch in
        for number in 0..<identifierCount {
          let start = Int(identifiers[number].start)
          TermScanner.emit(bytes, start, start &+ Int(identifiers[number].length), table, scratch, true) { ids.add($0) }
          ids.endIdentifier()
        }
      }
    }
    return (spread(ids, unitCount, order), names.flatMap { count($0, ids, order) })
  }

  /// The terms by units.
  private func spread(_ ids: borrowing TermNumbers, _ unitCount: Int, _ sorting: Order) -> Result {
    let sightings = byUnit(unitCount)
    defer { sightings.deallocate() }
    let all = 0..<UInt32(ids.termCount)
    let order = sorting == .all ? ids.order(all, all.count) : ids.parts(all)
    // By the terms' own numbers: where the room for each term's units begins, and where it is free.
    let first = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: order.count)
    let next = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: order.count)
    defer {
      first.deallocate()
      next.deallocate()
    }
    next.initialize(repeating: 0)
    let lengths = [UInt32](unsafeUninitializedCapacity: unitCount) { lengths, filled in
      lengths.initialize(repeating: 0)
      filled = unitCount
      for sighting in sightings {
        let range = ids.range(Int(sighting.identifier))
        for place in range { next[Int(ids.numbers[place])] &+= 1 }
        lengths[Int(sighting.unit)] &+= UInt32(truncatingIfNeeded: range.count) &* UInt32(sighting.count)
      }
    }
    var total: UInt32 = 0
    for number in order {
      first[Int(number)] = total
      total &+= next[Int(number)]
      next[Int(number)] = first[Int(number)]
    }
    var starts: [UInt32] = []
    var counts: [UInt16] = []
    let units = [UInt16](unsafeUninitializedCapacity: Int(total)) { units, unitsFilled in
      counts = [UInt16](unsafeUninitializedCapacity: Int(total)) { counts, countsFilled in
        for sighting in sightings {
          for place in ids.range(Int(sighting.identifier)) {
            let number = Int(ids.numbers[place])
            let free = Int(next[number])
            if free > Int(first[number]), units[free &- 1] == sighting.unit {
              let sum = counts[free &- 1].addingReportingOverflow(sighting.count)
              counts[free &- 1] = sum.overflow ? .max : sum.partialValue
            } else {
              units[free] = sighting.unit
              counts[free] = sighting.count
              next[number] &+= 1
            }
          }
        }
        // Moved together, in the order of the terms.
        var filled = 0
        starts = [UInt32](unsafeUninitializedCapacity: order.count + 1) { starts, startsFilled in
          for (rank, number) in order.enumerated() {
            starts[rank] = UInt32(truncatingIfNeeded: filled)
            for place in Int(first[Int(number)])..<Int(next[Int(number)]) {
              units[filled] = units[place]
              counts[filled] = counts[place]
              filled &+= 1
            }
          }
          starts[order.count] = UInt32(truncatingIfNeeded: filled)
          startsFilled = order.count + 1
        }
        unitsFilled = filled
        countsFilled = filled
      }
    }
    return Result(
      terms: order.map { ids.terms[Int($0)] }, starts: starts, units: units, counts: counts, unitLengths: lengths)
  }

  /// The terms of a text of one unit; nil when it has an identifier that the counted one has not.
  private func count(_ text: UnsafeBufferPointer<UInt8>, _ ids: borrowing TermNumbers, _ sorting: Order) -> Result? {
    let times = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: ids.termCount)
    defer { times.deallocate() }
    times.initialize(repeating: 0)
    var found: [UInt32] = []
    var length: UInt32 = 0
    var isKnown = true
    IdentifierRuns(text).forEach { start, end, _ in
      guard end - start >= 2, end - start <= TermScanner.longest, isKnown else { return }
      guard let identifier = number(of: Self.hash(text, start, end)) else {
        isKnown = false
        return
      }
      for place in ids.range(identifier) {
        let number = ids.numbers[place]
        if times[Int(number)] == 0 { found.append(number) }
        times[Int(number)] &+= 1
        length &+= 1
      }
    }
    guard isKnown else { return nil }
    let order = sorting == .all ? ids.order(found, found.count) : ids.parts(found)
    return Result(
      terms: order.map { ids.terms[Int($0)] }, starts: Array(0...UInt32(order.count)),
      units: [UInt16](repeating: 0, count: order.count), counts: order.map { UInt16(clamping: times[Int($0)]) },
      unitLengths: [length])
  }

  /// The place of an identifier that was met.
  private func number(of hash: UInt64) -> Int? {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash >> 32) & mask
    while slots[slot] != 0 {
      let place = Int(slots[slot]) - 1
      if identifiers[place].hash == hash { return place }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// The sightings, those of lower units first.
  private func byUnit(_ unitCount: Int) -> UnsafeMutableBufferPointer<Sighting> {
    let sorted = UnsafeMutableBufferPointer<Sighting>.allocate(capacity: sightingCount)
    var places = [UInt32](repeating: 0, count: unitCount)
    for place in 0..<sightingCount { places[Int(sightings[place].unit)] += 1 }
    var sum: UInt32 = 0
    for unit in places.indices {
      sum += places[unit]
      places[unit] = sum - places[unit]
    }
    for place in 0..<sightingCount {
      let unit = Int(sightings[place].unit)
      sorted[Int(places[unit])] = sightings[place]
      places[unit] += 1
    }
    return sorted
  }
}
