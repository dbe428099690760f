import Paths

/// Lines that the newest commits brought into the best files: what was worked on last is where a task's work is, more often
/// than other functions of its file.
struct RecentLines: Sendable {
  /// So many files are looked at.
  private static let most = 12

  /// By the file's number in the corpus, its new lines, from 1, ascending.
  private let lines: [Int: [Int]]

  /// Compares the files that the newest commits changed with what they were before.
  /// - Parameter ranked: the best first.
  init(_ ranked: [Ranker.RankedFile], _ corpus: Corpus, _ past: Past, _ source: any IndexSource) async {
    guard let before = past.before else {
      lines = [:]
      return
    }
    let changed = Set(past.log.prefix(Past.newest).flatMap(\.paths))
    var lines: [Int: [Int]] = [:]
    for file in ranked.prefix(Self.most) {
      let path = corpus.files[file.file].path
      // Of a file that is new as a whole no line is newer than another.
      guard changed.contains(path), let old = await before.read(path, limit: Analyzer.sizeLimit),
        let new = await source.read(path, limit: Analyzer.sizeLimit)
      else { continue }
      lines[file.file] = Self.added(to: old, in: new)
    }
    self.lines = lines
  }

  /// Whether there are new lines among some.
  func touch(_ file: Int, _ range: ClosedRange<Int>) -> Bool {
    guard let known = lines[file] else { return false }
    var low = 0
    var high = known.count
    while low < high {
      let middle = (low + high) >> 1
      if known[middle] < range.lowerBound { low = middle + 1 } else { high = middle }
    }
    return low < known.count && known[low] <= range.upperBound
  }

  /// The lines of a text that another does not have anywhere, however they are indented.
  private static func added(to old: [UInt8], in new: [UInt8]) -> [Int] {
    guard old != new else { return [] }
    var known: Set<UInt64> = []
    forEachLine(old) { _, hash in known.insert(hash) }
    var added: [Int] = []
    forEachLine(new) { line, hash in if !known.contains(hash) { added.append(line) } }
    return added
  }

  /// Visits the lines that are more than a bracket or two.
  private static func forEachLine(_ text: [UInt8], _ visit: (Int, UInt64) -> Void) {
    let lines = LineIndex(text)
    for line in 0..<lines.count {
      var range = lines.range(line)
      while let first = range.first, text[first] <= 0x20 { range.removeFirst() }
      while let last = range.last, text[last] <= 0x20 { range.removeLast() }
      if range.count > 2 { visit(line + 1, ByteHash.of(text[range])) }
    }
  }
}
