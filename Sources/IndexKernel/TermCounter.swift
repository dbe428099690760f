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

  /// What was counted.
  struct Result {
    /// Term `<< 32 |` unit `<< 16 |` count, sorted by term and unit; one may stand there several times.
    var entries: [UInt64]
    /// Terms of each unit, repeats included.
    var unitLengths: [UInt32]
  }

  private let bytes: UnsafeBufferPointer<UInt8>
  /// Numbers from 1 of ``identifiers``; 0 where there is none. A power of two of them.
  private var slots: UnsafeMutableBufferPointer<UInt32>
  private let identifiers: UnsafeMutableBufferPointer<Identifier>
  private var identifierCount = 0
  private let sightings: UnsafeMutableBufferPointer<Sighting>
  private var sightingCount = 0

  /// - Parameters:
  ///   - unitOfLine: the unit of each line; a line beyond belongs to unit 0.
  ///   - unitCount: how many units there are, at least 1.
  static func count(_ text: UnsafeBufferPointer<UInt8>, unitOfLine: [UInt16], unitCount: Int) -> Result {
    var counter = TermCounter(text)
    defer { counter.free() }
    counter.scan(unitOfLine, UInt16(clamping: max(1, unitCount) - 1))
    return counter.result(max(1, unitCount))
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

  private mutating func scan(_ unitOfLine: [UInt16], _ lastUnit: UInt16) {
    let runs = IdentifierRuns(bytes)
    defer { runs.free() }
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
    let hash = hash(start, end)
    let mask = slots.count - 1
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
    let size = slots.count * 2
    slots.deallocate()
    slots = .allocate(capacity: size)
    slots.initialize(repeating: 0)
    for number in 0..<identifierCount {
      var slot = Int(truncatingIfNeeded: identifiers[number].hash >> 32) & (size - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
      slots[slot] = UInt32(number + 1)
    }
  }

  /// Eight bytes at a time: multiply and fold.
  @inline(__always)
  private func hash(_ start: Int, _ end: Int) -> UInt64 {
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
        for byte in place..<end { rest = rest << 8 | UInt64(bytes[byte]) }
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

  private func result(_ unitCount: Int) -> Result {
    // The terms of all identifiers, one behind another.
    var terms: [UInt64] = []
    var ends: [UInt32] = []
    terms.reserveCapacity(identifierCount * 3)
    ends.reserveCapacity(identifierCount)
    TermScanner.classes.withUnsafeBufferPointer { table in
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: TermScanner.longest) { scratch in
        for number in 0..<identifierCount {
          let start = Int(identifiers[number].start)
          TermScanner.emit(
            bytes, start, start + Int(identifiers[number].length), table, scratch, 0, true, &terms)
          ends.append(UInt32(terms.count))
        }
      }
    }
    var lengths = [UInt32](repeating: 0, count: unitCount)
    var total = 0
    for place in 0..<sightingCount {
      let number = Int(sightings[place].identifier)
      total += Int(ends[number]) - (number > 0 ? Int(ends[number - 1]) : 0)
    }
    var entries = [UInt64](unsafeUninitializedCapacity: total) { buffer, filled in
      terms.withUnsafeBufferPointer { terms in
        ends.withUnsafeBufferPointer { ends in
          var next = 0
          for place in 0..<sightingCount {
            let sighting = sightings[place]
            let number = Int(sighting.identifier)
            let first = number > 0 ? Int(ends[number - 1]) : 0
            let last = Int(ends[number])
            let low = UInt64(sighting.unit) << 16 | UInt64(sighting.count)
            for term in first..<last {
              buffer[next] = terms[term] | low
              next += 1
            }
            lengths[Int(sighting.unit)] += UInt32(last - first) * UInt32(sighting.count)
          }
          filled = next
        }
      }
    }
    RadixSort.sortEntries(&entries, unitCount: unitCount)
    return Result(entries: entries, unitLengths: lengths)
  }
}
