import Paths

/// Files that used to be changed together with the first ones: the second file of a change, of which a task often does not
/// speak. They say nothing about which file comes first, and so only those behind the first places are moved.
struct Companions {
  /// So many files stay where they are, and the others are compared with them.
  static let first = 3
  /// Older commits speak of code that has been moved about since.
  private static let depth = 2000
  /// A commit of more files says little about any two of them.
  private static let mostPaths = 12
  /// Counted as if there were so many more commits of a file: what was together once may be chance.
  private static let doubt = 3.0
  /// What the second and third of the first files count for, less and less.
  private static let falling = 0.25

  /// By file, how surely it is changed when one of the first is, from 0 to 1.
  private var shares: [Int: Double] = [:]

  init(_ ranked: [Ranker.RankedFile], _ corpus: Corpus, _ log: [CommitLog.Entry]) {
    for (place, file) in ranked.prefix(Self.first).enumerated() {
      let path = corpus.files[file.file].path
      var commits = 0
      var together: [Int: Int] = [:]
      for entry in log.prefix(Self.depth)
      where (1...Self.mostPaths).contains(entry.paths.count) && entry.paths.contains(path) {
        commits += 1
        for other in entry.paths where other != path {
          if let index = corpus.index(of: other) { together[index, default: 0] += 1 }
        }
      }
      let weight = 1 / ((1 + Self.falling * Double(place)) * (Double(commits) + Self.doubt))
      for (index, count) in together { shares[index] = max(shares[index] ?? 0, Double(count) * weight) }
    }
  }

  /// Raises what goes with the first files, and sorts those behind them anew.
  func raise(_ files: inout [Ranker.RankedFile], by weight: Double) {
    guard files.count > Self.first, !shares.isEmpty else { return }
    for place in files.indices.dropFirst(Self.first) {
      let share = shares[files[place].file] ?? 0
      files[place].company = share
      files[place].score += weight * share * files[place].factor
    }
    files[Self.first...].sort { ($1.score, $0.file) < ($0.score, $1.file) }
    let most = files[Self.first - 1].score
    for place in files.indices.dropFirst(Self.first) where files[place].score > most { files[place].score = most }
  }
}
