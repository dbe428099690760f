import IndexKernel
import Paths

/// Which files have a term in their path. Made once for a tree; for one that differs in few files the index of the other
/// is taken over, with new numbers, and what is new beside it.
struct PathIndex: Sendable {
  private let postings: Postings?
  /// The index's own numbers in those of the view, -1 for files that are gone; nil when they are the same.
  private let renumbered: [Int32]?
  /// Terms of files that are new: `term << 32 | file`, ascending.
  private let added: [UInt64]
  /// Beside the files of the view: how many terms the path has.
  let lengths: [UInt16]

  /// The index of all paths.
  init(_ paths: PathTable) {
    let made = Self.encoded(paths)
    let bytes = CheckedBytes(made.postings)
    self.init(Postings(bytes, 0..<bytes.count), made.lengths)
  }

  /// An index that was kept.
  init(_ postings: Postings?, _ lengths: [UInt16]) {
    self.postings = postings
    renumbered = nil
    added = []
    self.lengths = lengths
  }

  /// The index of a tree that differs in some files.
  /// - Parameter old: per file of the new tree its number in the old one; -1 for new files.
  init(_ other: PathIndex, old: [Int32], oldCount: Int, _ paths: PathTable) {
    postings = other.postings
    var forward = [Int32](repeating: -1, count: oldCount)
    var lengths: [UInt16] = []
    lengths.reserveCapacity(old.count)
    var fresh: [UInt64] = []
    var text: [UInt8] = []
    var terms: [UInt64] = []
    for number in old.indices {
      if old[number] >= 0 {
        forward[Int(old[number])] = Int32(number)
        lengths.append(other.lengths[Int(old[number])])
      } else {
        Self.terms(paths.bytes(number), &text, &terms)
        for term in terms { fresh.append(term & 0xffff_ffff_0000_0000 | UInt64(number)) }
        lengths.append(UInt16(clamping: terms.count))
      }
    }
    for key in other.added {
      let number = forward[Int(key & 0xffff_ffff)]
      if number >= 0 { fresh.append(key & 0xffff_ffff_0000_0000 | UInt64(number)) }
    }
    self.lengths = lengths
    added = fresh.sorted()
    // Numbers of files that were added to the other one are not the index's own.
    renumbered = other.renumbered.map { inner in inner.map { $0 >= 0 ? forward[Int($0)] : -1 } } ?? forward
  }

  /// Appends the files whose path has a term, and how often.
  func read(_ term: UInt32, into files: inout [UInt32], counts: inout [UInt32]) {
    if let postings, let list = postings.list(term) {
      if let renumbered {
        var documents: [UInt32] = []
        var own: [UInt32] = []
        postings.read(list, into: &documents, counts: &own)
        for (place, document) in documents.enumerated() where renumbered[Int(document)] >= 0 && place < own.count {
          files.append(UInt32(renumbered[Int(document)]))
          counts.append(own[place])
        }
      } else {
        postings.read(list, into: &files, counts: &counts)
      }
    }
    guard !added.isEmpty else { return }
    var low = 0
    var high = added.count
    let wanted = UInt64(term) << 32
    while low < high {
      let middle = (low + high) >> 1
      if added[middle] < wanted { low = middle + 1 } else { high = middle }
    }
    let start = files.count
    while low < added.count, added[low] >> 32 == UInt64(term) {
      let file = UInt32(truncatingIfNeeded: added[low])
      if files.count > start, files[files.count - 1] == file {
        counts[counts.count - 1] += 1
      } else {
        files.append(file)
        counts.append(1)
      }
      low += 1
    }
  }

  /// The index and the lengths as they are kept.
  static func encoded(_ paths: PathTable) -> (postings: [UInt8], lengths: [UInt16]) {
    var keys: [UInt64] = []
    var lengths: [UInt16] = []
    var text: [UInt8] = []
    var terms: [UInt64] = []
    for number in 0..<paths.count {
      Self.terms(paths.bytes(number), &text, &terms)
      for term in terms { keys.append(term & 0xffff_ffff_0000_0000 | UInt64(number)) }
      lengths.append(UInt16(clamping: terms.count))
    }
    return (PathPostings.write(&keys, documents: paths.count), lengths)
  }

  /// The terms of a path; a file's own name counts twice.
  private static func terms(_ path: ArraySlice<UInt8>, _ text: inout [UInt8], _ terms: inout [UInt64]) {
    text.removeAll(keepingCapacity: true)
    text += path
    text.append(0x20)
    let name = path[(path.lastIndex(of: 0x2f).map { $0 + 1 } ?? path.startIndex)...]
    let dot = name.firstIndex(of: 0x2e) ?? name.endIndex
    text += dot > name.startIndex ? name[..<dot] : name
    terms.removeAll(keepingCapacity: true)
    TermScanner.scan(text, into: &terms)
  }
}
