import Glibc
import IndexKernel

/// A second look at the best files, with their text at hand: which words of the query stand side by side in them, and
/// which texts that it quotes they hold. What most of these files have says little about any of them.
struct CloseLook {
  let query: Query
  /// Beside the query's terms.
  let idf: [Double]
  let weights: RankingWeights

  /// Files that are looked at.
  static let most = 20
  /// So much of a file is looked at, so that large ones do not hold the answer up.
  private static let longest = 400_000
  /// What tells is what few of so many first ones have.
  private static let compared = 6

  /// Raises what speaks for the first files, and sorts them anew.
  func refine(_ files: inout [Ranker.RankedFile], _ corpus: Corpus, _ source: any IndexSource) async {
    let count = min(Self.most, files.count)
    guard count > 1, !query.neighbours.isEmpty || !query.quotes.isEmpty else { return }
    let pairs = WordPairs(query.neighbours.map { (query.terms[$0.first], query.terms[$0.second]) })
    var near: [[Bool]] = []
    var quoted: [[Bool]] = []
    for file in files[..<count] {
      var content = await source.read(corpus.files[file.file].path, limit: Analyzer.sizeLimit) ?? []
      if content.count > Self.longest { content.removeLast(content.count - Self.longest) }
      near.append(pairs.found(in: content))
      quoted.append(query.quotes.map { ByteSearch.contains(content, $0, in: content.indices) })
    }
    let worth = query.neighbours.map { pair in
      min(query.weights[pair.first], query.weights[pair.second]) * (idf[pair.first] + idf[pair.second])
    }
    add(weights.nearWords, near, worth, to: &files)
    add(weights.quotes, quoted, query.quotes.map { _ in 1 }, to: &files)
    files[..<count].sort { ($1.score, $0.file) < ($0.score, $1.file) }
  }

  /// - Parameters:
  ///   - found: by file what it holds.
  ///   - worth: of each that may be held.
  private func add(_ weight: Double, _ found: [[Bool]], _ worth: [Double], to files: inout [Ranker.RankedFile]) {
    let compared = found.prefix(Self.compared)
    let count = Double(compared.count)
    let telling = worth.indices.map { place in
      let holders = Double(compared.count { $0[place] })
      return worth[place] * log1p((count - holders + 0.5) / (holders + 0.5))
    }
    let scores = found.indices.map { file in
      files[file].factor * telling.indices.reduce(0.0) { $0 + (found[file][$1] ? telling[$1] : 0) }
    }
    guard let top = scores.max(), top > 0 else { return }
    for file in scores.indices { files[file].score += weight * scores[file] / top }
  }
}
