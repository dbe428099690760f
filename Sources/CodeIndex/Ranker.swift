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
      return parts.prefix(names.count).enumerated().filter { $0.element > 0.3 }.sorted { $0.element > $1.element }.map {
        names[$0.offset]
      }
    }
  }

  /// A unit with its score, the best first.
  struct RankedUnit: Sendable {
    var file: Int
    var unit: Int
    var score: Double
    /// The part of the score that is the unit's own.
    var own: Double
  }

  struct Ranking: Sendable {
    var files: [RankedFile]
    var units: [RankedUnit]
    /// Beside the query's terms: how telling each is in this corpus.
    var idf: [Double]
  }

  var weights = RankingWeights()

  /// Ranks the files of a corpus that `admits`.
  /// - Parameter history: what past commits say, when there are any.
  func rank(
    _ original: Query, _ corpus: Corpus, admits: (Corpus.File) -> Bool = { _ in true }, history: HistorySignals? = nil
  ) -> Ranking {
    let files = corpus.files
    let admitted = files.map(admits)
    var ranking = once(original, corpus, admitted, history)
    var found = ranking.units
    found.sort { ($1.score, $0.file, $0.unit) < ($0.score, $1.file, $1.unit) }
    if weights.feedback > 0 {
      let query = feedback(original, corpus, admitted, found)
      // What the best units have in common finds further files; which part of a file is meant, only the request says.
      ranking.files = once(query, corpus, admitted, history).files
    }
    var sums = [Double](repeating: 0, count: files.count)
    for file in ranking.files { sums[file.file] = file.score }
    for place in found.indices {
      found[place].score = weights.functionFile * sums[found[place].file] + found[place].own
    }
    found.sort { ($1.score, $0.file, $0.unit) < ($0.score, $1.file, $1.unit) }
    ranking.units = found
    return ranking
  }

  private func once(
    _ query: Query, _ corpus: Corpus, _ admitted: [Bool], _ history: HistorySignals?
  ) -> Ranking {
    let files = corpus.files
    let body = find(query, corpus, admitted, .body)
    let names = find(query, corpus, admitted, .names)
    let paths = find(query, corpus, admitted, .path)
    var bodyScores = score(query, body, files) { $0.analysis.body }
    var nameScores = score(query, names, files, b: weights.namesB) { $0.analysis.names }
    var pathScores = score(query, paths, files) { $0.pathTerms }
    var units: [[(unit: Int, score: Double)]] = []
    var bestUnits = [Double](repeating: 0, count: files.count)
    for index in files.indices {
      let scored = scoreUnits(query, body, index, files[index].analysis)
      let sorted = scored.map(\.score).sorted(by: >).prefix(3)
      bestUnits[index] = (sorted.first ?? 0) + weights.secondUnits * sorted.dropFirst().reduce(0, +)
      units.append(scored)
    }
    let unitTop = normalize(&bestUnits)
    _ = normalize(&bodyScores)
    _ = normalize(&nameScores)
    _ = normalize(&pathScores)
    let coverage = coverage(query, body, files.count)
    let factors = files.map { factor($0.traits, query) }
    var ranked: [RankedFile] = []
    var rankedUnits: [RankedUnit] = []
    for index in files.indices where admitted[index] {
      let past = history?.messages[index] ?? 0
      let extra =
        weights.history * past + weights.recency * (history?.recency[index] ?? 0)
        + weights.churn * (history?.churn[index] ?? 0)
        + weights.coverage * coverage[index]
      let sum =
        weights.file * bodyScores[index] + weights.unit * bestUnits[index] + weights.names * nameScores[index]
        + weights.path * pathScores[index] + extra
      guard sum > 0, bodyScores[index] > 0 || pathScores[index] > 0 || past > 0 else { continue }
      let best = units[index].max { $0.score < $1.score }
      ranked.append(
        RankedFile(
          file: index, score: sum * factors[index], unit: best?.unit ?? -1, unitScore: bestUnits[index],
          parts: [
            bodyScores[index], bestUnits[index], nameScores[index], pathScores[index], past,
            history?.recency[index] ?? 0, coverage[index], history?.churn[index] ?? 0, factors[index],
          ]))
      for unit in units[index] {
        let own =
          unit.score / max(unitTop, 1e-9) + weights.functionName * nameScore(query, names.idf, unit.unit, files[index])
        rankedUnits.append(
          RankedUnit(
            file: index, unit: unit.unit, score: factors[index] * (sum + weights.unit * own), own: factors[index] * own)
        )
      }
    }
    ranked.sort { ($1.score, $0.file) < ($0.score, $1.file) }
    return Ranking(files: ranked, units: rankedUnits, idf: body.idf)
  }

  /// How much of a unit's name the query says, from 0 to 1.
  private func nameScore(_ query: Query, _ idf: [Double], _ unit: Int, _ file: Corpus.File) -> Double {
    let number = Int(file.analysis.units[unit].declaration)
    guard weights.functionName > 0, number >= 0 else { return 0 }
    var sum = 0.0
    for term in Set(TermScanner.terms(file.analysis.declarations[number].name)) {
      if let known = Excerpt.find(term, query.terms) { sum += query.weights[known] * idf[known] }
    }
    return sum / (sum + 15)
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

  /// What the corpus says of the query's terms, with how telling each is.
  private struct Found {
    let field: FieldMatches
    let idf: [Double]
    var matches: [TermTable.Match] { field.matches }
    var starts: [Int] { field.starts }
    var average: Double { field.average }
  }

  private func find(_ query: Query, _ corpus: Corpus, _ admitted: [Bool], _ field: SearchField) -> Found {
    let found = corpus.matches(of: query.terms, in: field, admitted)
    let all = Double(max(1, found.fileCount))
    return Found(
      field: found,
      idf: found.frequency.map {
        pow(log(1 + (all - Double($0) + 0.5) / (Double($0) + 0.5)), weights.idfPower)
      })
  }

  private func score(
    _ query: Query, _ found: Found, _ files: [Corpus.File], b: Double? = nil, _ table: (Corpus.File) -> TermTable
  ) -> [Double] {
    let b = b ?? weights.b
    return files.indices.map { index in
      let range = found.starts[index]..<found.starts[index + 1]
      guard !range.isEmpty else { return 0 }
      let length = Double(table(files[index]).length) / max(1, found.average)
      let norm = weights.k1 * (1 - b + b * length)
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
    var held = sums
    var all = 0.0
    for place in query.terms.indices { all += query.weights[place] * found.idf[place] }
    for match in found.matches[range] {
      let weight = query.weights[match.query] * found.idf[match.query]
      for place in match.range {
        let unit = Int(found.field.units[place])
        let frequency = Double(found.field.counts[place])
        let length = Double(table.unitLengths[unit]) / weights.unitLength
        let norm = weights.k1 * (1 - weights.unitB + weights.unitB * length)
        sums[unit] += weight * frequency * (weights.k1 + 1) / (frequency + norm)
        held[unit] += weight
      }
    }
    if weights.unitCoverage > 0 {
      for unit in sums.indices where sums[unit] > 0 { sums[unit] *= pow(held[unit] / all, weights.unitCoverage) }
    }
    return analysis.units.indices.compactMap { sums[$0] > 0 ? (unit: $0, score: sums[$0]) : nil }
  }

  /// How much of what the query asks for each file holds at all, by weight.
  private func coverage(_ query: Query, _ found: Found, _ count: Int) -> [Double] {
    var all = 0.0
    for place in query.terms.indices { all += query.weights[place] * found.idf[place] }
    return (0..<count).map { index in
      var sum = 0.0
      for match in found.matches[found.starts[index]..<found.starts[index + 1]] {
        sum += query.weights[match.query] * found.idf[match.query]
      }
      return all > 0 ? sum / all : 0
    }
  }

  /// The request with the most telling terms of its best units (pseudo-relevance feedback).
  private func feedback(
    _ query: Query, _ corpus: Corpus, _ admitted: [Bool], _ units: [RankedUnit]
  ) -> Query {
    var counts: [UInt32: Double] = [:]
    for unit in units.prefix(Int(weights.feedbackUnits)) {
      let table = corpus.terms(of: unit.file)
      for term in table.terms.indices {
        for place in Int(table.starts[term])..<Int(table.starts[term + 1]) where Int(table.units[place]) == unit.unit {
          let frequency = Double(table.counts[place])
          counts[table.terms[term], default: 0] += frequency / (frequency + 2)
        }
      }
    }
    let candidates = counts.filter { $0.value > 0.5 }.keys.sorted()
    let probe = Query(terms: candidates)
    let found = find(probe, corpus, admitted, .body)
    let scored = candidates.indices.map {
      (term: candidates[$0], weight: (counts[candidates[$0]] ?? 0) * found.idf[$0])
    }
    .sorted { ($1.weight, $0.term) < ($0.weight, $1.term) }.prefix(Int(weights.feedbackTerms))
    guard let top = scored.first?.weight, top > 0 else { return query }
    return Query(query, adding: scored.map { ($0.term, weights.feedback * $0.weight / top) })
  }

  private func normalize(_ scores: inout [Double]) -> Double {
    let top = scores.max() ?? 0
    guard top > 0 else { return top }
    for index in scores.indices { scores[index] /= top }
    return top
  }
}
