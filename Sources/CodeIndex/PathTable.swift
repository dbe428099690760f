import Paths

/// Paths in their order, behind one another in one piece of memory.
struct PathTable: Sendable {
  private(set) var bytes: [UInt8] = []
  private(set) var ends: [UInt32] = []

  init() {}

  /// A table that was kept; nil when its parts do not fit one another.
  init?(bytes: [UInt8], ends: [UInt32]) {
    var previous: UInt32 = 0
    var isAscending = true
    for end in ends {
      isAscending = isAscending && end > previous
      previous = end
    }
    guard isAscending, previous == UInt32(clamping: bytes.count) else { return nil }
    self.bytes = bytes
    self.ends = ends
  }

  var count: Int { ends.count }

  mutating func append(_ path: RepoPath) { append(path.bytes[...]) }

  mutating func append(_ path: ArraySlice<UInt8>) {
    bytes += path
    ends.append(UInt32(bytes.count))
  }

  mutating func reserveCapacity(_ paths: Int, bytes count: Int) {
    ends.reserveCapacity(paths)
    bytes.reserveCapacity(count)
  }

  /// Appends paths of another table, which follow those of this one.
  mutating func append(_ other: PathTable, _ numbers: Range<Int>) {
    guard !numbers.isEmpty else { return }
    let start = numbers.lowerBound > 0 ? other.ends[numbers.lowerBound - 1] : 0
    let shift = UInt32(bytes.count) &- start
    bytes += other.bytes[Int(start)..<Int(other.ends[numbers.upperBound - 1])]
    for end in other.ends[numbers] { ends.append(end &+ shift) }
  }

  func bytes(_ number: Int) -> ArraySlice<UInt8> { bytes[range(number)] }

  private func range(_ number: Int) -> Range<Int> {
    (number > 0 ? Int(ends[number - 1]) : 0)..<Int(ends[number])
  }

  subscript(number: Int) -> RepoPath { RepoPath(Array(bytes[range(number)])) ?? .root }

  /// The number of a path.
  func index(of path: RepoPath) -> Int? {
    let place = insertionPlace(of: path)
    return place < count && bytes[range(place)].elementsEqual(path.bytes) ? place : nil
  }

  /// Where a path is, or would be.
  func insertionPlace(of path: RepoPath) -> Int {
    let wanted = path.bytes
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) >> 1
      if bytes[range(middle)].lexicographicallyPrecedes(wanted) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
