import Glibc
import IndexKernel
import Paths

/// A part of a view, chosen for one question, whose terms are looked up in the inverted indexes of the whole view.
struct PostingCorpus: Sendable {
  let view: FileView
  /// Per file of the view its number in the corpus; -1 for those that were not chosen.
  private let slots: [Int32]
  /// Per number in the corpus the file of the view.
  let files: [Int]

  /// - Parameter files: ascending.
  init(_ view: FileView, files: [Int]) {
    self.view = view
    self.files = files
    var slots = [Int32](repeating: -1, count: view.count)
    for (number, file) in files.enumerated() { slots[file] = Int32(number) }
    self.slots = slots
  }

  private struct Entry {
    var slot: Int32
    var query: Int32
    var start: Int32
    var end: Int32
    var total: Int32
  }

  /// Where terms, given in ascending order, occur in the chosen files; how often in the whole view.
  func matches(of terms: [UInt32], in field: SearchField) -> FieldMatches {
    var found = FieldMatches(frequency: [Int](repeating: 0, count: terms.count))
    let extent = field == .body ? view.body : field == .names ? view.names : view.path
    found.average = extent.average
    found.fileCount = extent.files
    var entries: [Entry] = []
    var documents: [UInt32] = []
    var counts: [UInt32] = []
    for (query, term) in terms.enumerated() {
      if field == .path {
        documents.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
        view.pathIndex.read(term, into: &documents, counts: &counts)
        found.frequency[query] = documents.count
        for (place, file) in documents.enumerated() where place < counts.count {
          let slot = slots[Int(file)]
          guard slot >= 0 else { continue }
          entries.append(
            Entry(slot: slot, query: Int32(query), start: 0, end: 0, total: Int32(clamping: counts[place])))
        }
        continue
      }
      for (segment, index) in view.segments.enumerated().map({ ($0, field == .names ? $1.names : $1.body) }) {
        guard let list = index.list(term) else { continue }
        documents.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
        guard let start = index.read(list, into: &documents, counts: &counts) else { continue }
        let first = entries.count
        // Several files may have one content.
        var owners: [Int32] = []
        if field == .body { owners.reserveCapacity(documents.count) }
        for (place, document) in documents.enumerated() {
          let before = entries.count
          view.forEachFile(segment, document) { file in
            found.frequency[query] += 1
            let slot = slots[file]
            guard slot >= 0 else { return }
            entries.append(
              Entry(slot: slot, query: Int32(query), start: 0, end: 0, total: Int32(clamping: counts[place])))
          }
          if field == .body { owners.append(entries.count > before ? Int32(before) : -1) }
        }
        guard field == .body, entries.count > first else { continue }
        var current = -1
        index.units(of: list, documents[...], counts[...], from: start) { place, unit, count in
          guard owners[place] >= 0 else { return }
          if place != current {
            current = place
            entries[Int(owners[place])].start = Int32(found.units.count)
          }
          found.units.append(unit)
          found.counts.append(count)
          entries[Int(owners[place])].end = Int32(found.units.count)
        }
        // Further files of a content share its units.
        for place in owners.indices where owners[place] >= 0 {
          let end = place + 1 < owners.count ? nextOwner(owners, place + 1) ?? entries.count : entries.count
          let owner = Int(owners[place])
          for entry in (owner + 1)..<max(owner + 1, end) {
            entries[entry].start = entries[owner].start
            entries[entry].end = entries[owner].end
          }
        }
      }
    }
    arrange(entries, &found)
    return found
  }

  private func nextOwner(_ owners: [Int32], _ place: Int) -> Int? {
    owners[place...].first { $0 >= 0 }.map { Int($0) }
  }

  /// Entries come by term; matches go by file, then by term.
  private func arrange(_ entries: [Entry], _ found: inout FieldMatches) {
    var starts = [Int](repeating: 0, count: files.count + 1)
    for entry in entries { starts[Int(entry.slot) + 1] += 1 }
    for slot in 0..<files.count { starts[slot + 1] += starts[slot] }
    var next = starts
    let none = TermTable.Match(query: 0, range: 0..<0, total: 0)
    found.matches = [TermTable.Match](repeating: none, count: entries.count)
    for entry in entries {
      found.matches[next[Int(entry.slot)]] = TermTable.Match(
        query: Int(entry.query), range: Int(entry.start)..<Int(entry.end), total: Int(entry.total))
      next[Int(entry.slot)] += 1
    }
    found.starts = starts
  }
}

/// Chooses the files that a question is probably about, by the inverted indexes alone.
struct CandidateSearch {
  let view: FileView

  /// Files that are looked at closely.
  static let most = 600

  /// The most promising files, ascending: by the sum of the normalised BM25 scores of text, names and path.
  /// - Parameter preferred: files that take part in any case.
  func candidates(_ query: Query, preferred: [Int], most: Int = most, admits: (Int) -> Bool) -> [Int] {
    guard view.count > most else { return (0..<view.count).filter(admits) }
    let weights = RankingWeights()
    var sum = [Float](repeating: 0, count: view.count)
    add(query, .body, view.body, weights.file + weights.unit, to: &sum) { Float(view.bodyLengths[$0]) }
    add(query, .names, view.names, weights.names, to: &sum) { Float(view.nameLengths[$0]) }
    add(query, .path, view.path, weights.path, to: &sum) { Float(view.pathIndex.lengths[$0]) }
    for file in preferred { sum[file] += Float(weights.history) }
    for file in PathMention.files(query.mentions, view.paths) { sum[file] += Float(weights.mentioned) }
    var hits: [(score: Float, file: Int32)] = []
    for file in sum.indices where sum[file] > 0 && admits(file) { hits.append((sum[file], Int32(file))) }
    if hits.count > most {
      hits.sort { $0.score > $1.score }
      hits.removeLast(hits.count - most)
    }
    return hits.map { Int($0.file) }.sorted()
  }

  private func add(
    _ query: Query, _ field: SearchField, _ extent: FileView.Extent, _ weight: Double, to sum: inout [Float],
    _ length: (Int) -> Float
  ) {
    var scores = [Float](repeating: 0, count: view.count)
    var documents: [UInt32] = []
    var counts: [UInt32] = []
    let average = Float(max(1, extent.average))
    for (place, term) in query.terms.enumerated() {
      var files: [UInt32] = []
      var frequencies: [UInt32] = []
      func collect(_ index: Postings, _ segment: Int) {
        guard let list = index.list(term) else { return }
        documents.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
        index.read(list, into: &documents, counts: &counts)
        for (number, document) in documents.enumerated() where number < counts.count {
          view.forEachFile(segment, document) { file in
            files.append(UInt32(file))
            frequencies.append(counts[number])
          }
        }
      }
      switch field {
      case .body: for (number, segment) in view.segments.enumerated() { collect(segment.body, number) }
      case .names: for (number, segment) in view.segments.enumerated() { collect(segment.names, number) }
      case .path: view.pathIndex.read(term, into: &files, counts: &frequencies)
      }
      let all = Float(max(1, extent.files))
      let telling = logf(1 + (all - Float(files.count) + 0.5) / (Float(files.count) + 0.5))
      let factor = Float(query.weights[place]) * telling * 2.5
      for (number, file) in files.enumerated() {
        let frequency = Float(frequencies[number])
        scores[Int(file)] +=
          factor * frequency / (frequency + 1.5 * (0.25 + 0.75 * length(Int(file)) / average))
      }
    }
    guard let top = scores.max(), top > 0 else { return }
    for file in scores.indices where scores[file] > 0 { sum[file] += Float(weight) * scores[file] / top }
  }
}
