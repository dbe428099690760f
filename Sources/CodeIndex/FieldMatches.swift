import IndexKernel

/// What of a file is searched.
enum SearchField: Sendable {
  /// The whole text, by units.
  case body
  /// The names that are declared.
  case names
  /// The path.
  case path
}

/// Where some terms occur in the files of a corpus.
struct FieldMatches: Sendable {
  /// By file, then by term; a match's range lies in ``units`` and ``counts``.
  var matches: [TermTable.Match] = []
  /// Where the matches of file i begin; one more than there are files.
  var starts: [Int] = [0]
  /// The units that hold a term.
  var units: [UInt16] = []
  /// Beside ``units``: how often.
  var counts: [UInt16] = []
  /// Beside the terms: how many files hold each.
  var frequency: [Int]
  /// The mean length of a file's field, in terms.
  var average = 0.0
  /// How many files have the field at all.
  var fileCount = 0
}

extension Corpus {
  /// Where terms, given in ascending order, occur.
  func matches(of terms: [UInt32], in field: SearchField) -> FieldMatches {
    if let postings { return postings.matches(of: terms, in: field) }
    var found = FieldMatches(frequency: [Int](repeating: 0, count: terms.count))
    found.starts.reserveCapacity(files.count + 1)
    var total = 0
    var own: [TermTable.Match] = []
    for file in files {
      let table =
        switch field {
        case .body: file.analysis.body
        case .names: file.analysis.names
        case .path: file.pathTerms
        }
      own.removeAll(keepingCapacity: true)
      table.matches(of: terms, into: &own)
      for match in own {
        found.frequency[match.query] += 1
        let start = found.units.count
        found.units.append(contentsOf: table.units[match.range])
        found.counts.append(contentsOf: table.counts[match.range])
        found.matches.append(
          TermTable.Match(query: match.query, range: start..<found.units.count, total: match.total))
      }
      total += table.length
      if table.length > 0 { found.fileCount += 1 }
      found.starts.append(found.matches.count)
    }
    found.average = Double(total) / Double(max(1, found.fileCount))
    return found
  }
}
