import Paths

/// Paths in their order, behind one another in one piece of memory.
struct PathTable: Sendable {
  private(set) var bytes: [UInt8] = []
  private(set) var ends: [UInt32] = []

  init() {}

  /// A table that was kept; nil when its parts do not fit one another.
  init?(bytes: [UInt8], ends: [UInt32]) {
    var previous: UInt32 = 0
    for end in ends {
      guard end > previous else { return nil }
      previous = end
    }
    guard previous == UInt32(clamping: bytes.count) else { return nil }
    self.bytes = bytes
    self.ends = ends
  }

  var count: Int { ends.count }

  mutating func append(_ path: RepoPath) { append(path.bytes[...]) }

  mutating func append(_ path: ArraySlice<UInt8>) {
    bytes += path
    ends.append(UInt32(bytes.count))
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
