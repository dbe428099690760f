import Glibc
import IndexKernel

/// Ranks files and units for a query: the sum of BM25 scores over several fields, each divided by its best.
struct Ranker: Sendable {
  /// A file with its score, the best first.
  struct RankedFile: Sendable {
    var file: Int
    var score: Double
    /// The best unit and its score.
    var unit: Int
    var unitScore: Double
    /// The score by fields: whole file, best unit, names, path, history.
    var parts: [Double]

    /// In words, the strongest first.
    var reasons: [String] {
      let names = [
        "words of the file", "words of this part", "names defined in it", "words of the path", "past changes",
      ]
      return parts.enumerated().filter { $0.element > 0.3 }.sorted { $0.element > $1.element }.map { names[$0.offset] }
    }
  }

  /// A unit with its score, the best first.
  struct RankedUnit: Sendable {
    var file: Int
    var unit: Int
    var score: Double
  }

  struct Ranking: Sendable {
    var files: [RankedFile]
    var units: [RankedUnit]
    /// Beside the query's terms: how telling each is in this corpus.
    var idf: [Double]
  }

  var weights = RankingWeights()

  private struct Found {
    var matches: [TermTable.Match] = []
    /// Where the matches of file i begin; one more than there are files.
    var starts: [Int] = [0]
    var idf: [Double] = []
    var average = 0.0
  }

  /// Ranks the files of a corpus that `admits`.
  /// - Parameter history: what past commits say, when there are any.
  func rank(
    _ query: Query, _ corpus: Corpus, admits: (Corpus.File) -> Bool = { _ in true }, history: HistorySignals? = nil
  ) -> Ranking {
    let files = corpus.files
    let admitted = files.map(admits)
    let body = find(query, files, admitted) { $0.analysis.body }
    let names = find(query, files, admitted) { $0.analysis.names }
    let paths = find(query, files, admitted) { $0.pathTerms }
    var bodyScores = score(query, body, files) { $0.analysis.body }
    var nameScores = score(query, names, files) { $0.analysis.names }
    var pathScores = score(query, paths, files) { $0.pathTerms }
    var units: [[(unit: Int, score: Double)]] = []
    var bestUnits = [Double](repeating: 0, count: files.count)
    for index in files.indices {
      let scored = scoreUnits(query, body, index, files[index].analysis)
      bestUnits[index] = scored.map(\.score).max() ?? 0
      units.append(scored)
    }
    let unitTop = normalize(&bestUnits)
    _ = normalize(&bodyScores)
    _ = normalize(&nameScores)
    _ = normalize(&pathScores)
    let factors = files.map { factor($0.traits, query) }
    var ranked: [RankedFile] = []
    var rankedUnits: [RankedUnit] = []
    for index in files.indices where admitted[index] {
      let past = history?.messages[index] ?? 0
      let extra = weights.history * past + weights.recency * (history?.recency[index] ?? 0)
      let sum =
        weights.file * bodyScores[index] + weights.unit * bestUnits[index] + weights.names * nameScores[index]
        + weights.path * pathScores[index] + extra
      guard sum > 0, bodyScores[index] > 0 || pathScores[index] > 0 || past > 0 else { continue }
      let best = units[index].max { $0.score < $1.score }
      ranked.append(
        RankedFile(
          file: index, score: sum * factors[index], unit: best?.unit ?? -1, unitScore: bestUnits[index],
          parts: [bodyScores[index], bestUnits[index], nameScores[index], pathScores[index], past]))
      for unit in units[index] {
        rankedUnits.append(
          RankedUnit(
            file: index, unit: unit.unit,
            score: factors[index] * (sum + weights.unit * unit.score / max(unitTop, 1e-9))))
      }
    }
    ranked.sort { ($1.score, $0.file) < ($0.score, $1.file) }
    rankedUnits.sort { ($1.score, $0.file, $0.unit) < ($0.score, $1.file, $1.unit) }
    return Ranking(files: ranked, units: rankedUnits, idf: body.idf)
  }

  /// Tests, documents, examples and foreign code are what a task means only when it says so.
  private func factor(_ traits: PathTraits, _ query: Query) -> Double {
    var factor = 1.0
    if traits.contains(.test), query.words.isDisjoint(with: ["test", "tests", "testing", "unittest", "spec"]) {
      factor *= weights.testFactor
    }
    if traits.contains(.docs), query.words.isDisjoint(with: ["doc", "docs", "documentation", "readme", "changelog"]) {
      factor *= weights.otherFactor
    }
    if traits.contains(.example), query.words.isDisjoint(with: ["example", "examples", "benchmark", "demo", "sample"]) {
      factor *= weights.otherFactor
    }
    if !traits.isDisjoint(with: [.vendored, .generated]) { factor *= weights.otherFactor }
    if traits.contains(.data) || traits.contains(.hidden) { factor *= weights.otherFactor }
    return factor
  }

  private func find(
    _ query: Query, _ files: [Corpus.File], _ admitted: [Bool], _ table: (Corpus.File) -> TermTable
  ) -> Found {
    var found = Found()
    found.starts.reserveCapacity(files.count + 1)
    var frequency = [Int](repeating: 0, count: query.terms.count)
    var total = 0
    var count = 0
    for (index, file) in files.enumerated() {
      if admitted[index] {
        let table = table(file)
        let before = found.matches.count
        table.matches(of: query.terms, into: &found.matches)
        for match in found.matches[before...] { frequency[match.query] += 1 }
        total += table.length
        if table.length > 0 { count += 1 }
      }
      found.starts.append(found.matches.count)
    }
    found.average = Double(total) / Double(max(1, count))
    let all = Double(max(1, count))
    found.idf = frequency.map { log(1 + (all - Double($0) + 0.5) / (Double($0) + 0.5)) }
    return found
  }

  private func score(
    _ query: Query, _ found: Found, _ files: [Corpus.File], _ table: (Corpus.File) -> TermTable
  ) -> [Double] {
    files.indices.map { index in
      let range = found.starts[index]..<found.starts[index + 1]
      guard !range.isEmpty else { return 0 }
      let length = Double(table(files[index]).length) / max(1, found.average)
      let norm = weights.k1 * (1 - weights.b + weights.b * length)
      var sum = 0.0
      for match in found.matches[range] {
        let frequency = Double(match.total)
        sum += query.weights[match.query] * found.idf[match.query] * frequency * (weights.k1 + 1) / (frequency + norm)
      }
      return sum
    }
  }

  private func scoreUnits(
    _ query: Query, _ found: Found, _ index: Int, _ analysis: FileAnalysis
  ) -> [(unit: Int, score: Double)] {
    let range = found.starts[index]..<found.starts[index + 1]
    guard !range.isEmpty, !analysis.units.isEmpty else { return [] }
    let table = analysis.body
    var sums = [Double](repeating: 0, count: table.unitLengths.count)
    for match in found.matches[range] {
      let weight = query.weights[match.query] * found.idf[match.query]
      for place in match.range {
        let unit = Int(table.units[place])
        let frequency = Double(table.counts[place])
        let length = Double(table.unitLengths[unit]) / weights.unitLength
        let norm = weights.k1 * (1 - weights.unitB + weights.unitB * length)
        sums[unit] += weight * frequency * (weights.k1 + 1) / (frequency + norm)
      }
    }
    return analysis.units.indices.compactMap { sums[$0] > 0 ? (unit: $0, score: sums[$0]) : nil }
  }

  private func normalize(_ scores: inout [Double]) -> Double {
    let top = scores.max() ?? 0
    guard top > 0 else { return top }
    for index in scores.indices { scores[index] /= top }
    return top
  }
}
