import Glibc
import IndexKernel
import Paths

/// Ranks files and units for a query: a weighted sum of what the words of a file, its past and its kind say, each kind of
/// score divided by its best.
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
    /// How much such a file counts; see ``PathTraits``.
    var factor: Double
    /// What the query says when it names the file.
    var mentioned: PathMention.Found?
    /// How surely it is changed when one of the first files is; see ``Companions``.
    var company = 0.0

    /// In words, the strongest first.
    var reasons: [String] {
      let names = [
        "words of the file", "words of this part", "names defined in it", "words of the path", "past changes",
        "changed together with the first",
      ]
      let named = mentioned != nil ? ["named in the text"] : []
      return named
        + (parts + [company]).prefix(names.count).enumerated().filter { $0.element > 0.3 }.sorted {
          $0.element > $1.element
        }.map {
          names[$0.offset]
        }
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

  /// Ranks the files of a corpus.
  /// - Parameters:
  ///   - source: where the text of the best files is read.
  func rank(
    _ original: Query, _ corpus: Corpus, _ past: Past, _ source: any IndexSource
  ) async -> Ranking {
    let files = corpus.files
    let history = past.log.isEmpty ? nil : HistorySignals(original, past.log, corpus, weights)
    let query = history?.query ?? original
    let factors = files.map { factor($0.traits, query) }
    let body = find(query, corpus, .body)
    let names = find(query, corpus, .names)
    let paths = find(query, corpus, .path)
    let units = files.indices.map { scoreUnits(query, body, $0, files[$0].analysis) }
    var best = units.map { $0.max { $0.score < $1.score }?.score ?? 0 }
    let top = normalize(&best, factors)
    var bodies = score(query, body, files) { $0.analysis.body }
    normalize(&bodies, factors)
    var named = score(query, names, files) { $0.analysis.names }
    normalize(&named, factors)
    var placed = score(query, paths, files) { $0.pathTerms }
    normalize(&placed, factors)
    let words = files.indices.map {
      weights.file * bodies[$0] + weights.unit * best[$0] + weights.names * named[$0] + weights.path * placed[$0]
    }
    let further = further(query, corpus, factors, words, names, history)
    let mentioned = PathMention.weights(query.mentions, corpus)
    var ranked: [RankedFile] = []
    for index in files.indices {
      let past = history?.messages[index] ?? 0
      let mention = mentioned[index]
      guard bodies[index] > 0 || placed[index] > 0 || past > 0 || mention != nil else { continue }
      ranked.append(
        RankedFile(
          file: index,
          score: (words[index] + further.sums[index]) * factors[index] + weights.mentioned * (mention?.weight ?? 0),
          unit: mention?.units.first ?? units[index].max { $0.score < $1.score }?.unit ?? -1, unitScore: best[index],
          parts: [bodies[index], best[index], named[index], placed[index], further.past[index]],
          factor: factors[index], mentioned: mention))
    }
    ranked.sort { ($1.score, $0.file) < ($0.score, $1.file) }
    await CloseLook(query: query, idf: body.idf, weights: weights).refine(&ranked, corpus, source)
    Companions(ranked, corpus, past.log).raise(&ranked, by: weights.companions)
    let recent = await RecentLines(ranked, corpus, past, source)
    let functions = UnitRanking(
      query: query, namesIDF: names.idf, most: (top, body.idf), recent: recent, weights: weights)
    return Ranking(files: ranked, units: functions.ranked(ranked, units, corpus), idf: body.idf)
  }

  /// What speaks for a file beside its own words.
  private func further(
    _ query: Query, _ corpus: Corpus, _ factors: [Double], _ words: [Double], _ names: Found, _ history: HistorySignals?
  ) -> (sums: [Double], past: [Double]) {
    let files = corpus.files
    var exact = score(named: query, names, files.count)
    normalize(&exact, factors)
    var defined = score(defined: query, names, files)
    normalize(&defined, factors)
    var around = Neighbourhood.directories(files, zip(words, factors).map { $0 * $1 })
    normalize(&around, factors)
    var sums = files.indices.map { index in
      let file = files[index]
      let lines = Double(file.callableLines)
      var sum = weights.exactNames * exact[index] + weights.definedNames * defined[index]
      if file.language.isCode { sum += weights.isCode }
      sum += weights.neighbours * around[index] + weights.callableLines * log1p(lines) / 8
      return sum + weights.callableShare * min(1, lines / Double(max(1, file.analysis.lineCount)))
    }
    guard let history else { return (sums, [Double](repeating: 0, count: files.count)) }
    var (messages, best, past) = (history.messages, history.best, history.words)
    var directories = history.directories
    normalize(&directories, factors)
    normalize(&messages, factors)
    normalize(&best, factors)
    normalize(&past, factors)
    for index in sums.indices {
      sums[index] += weights.history * messages[index] + weights.bestCommit * best[index]
      sums[index] += weights.pastWords * past[index] + weights.recency * history.recency[index]
      sums[index] += weights.pastDirectory * directories[index]
    }
    return (sums, files.indices.map { max(messages[$0], best[$0], past[$0]) })
  }

  /// Tests, documents, examples and foreign code are seldom what a task means; less seldom when its first line names them
  /// (most reports mention tests somewhere).
  private func factor(_ traits: PathTraits, _ query: Query) -> Double {
    var factor = 1.0
    func demote(_ trait: PathTraits, _ weight: Double, _ words: Set<String>) {
      guard traits.contains(trait) else { return }
      factor *= query.titleWords.isDisjoint(with: words) ? weight : weights.askedFactor
    }
    demote(.test, weights.testFactor, ["test", "tests", "testing", "unittest", "spec", "specs"])
    demote(.docs, weights.documentFactor, ["doc", "docs", "documentation", "readme", "changelog"])
    demote(.example, weights.otherFactor, ["example", "examples", "benchmark", "benchmarks", "demo", "sample"])
    if !traits.isDisjoint(with: [.vendored, .generated]) { factor *= weights.otherFactor }
    if !traits.isDisjoint(with: [.data, .hidden]) { factor *= weights.otherFactor }
    return factor
  }

  // MARK: Fields

  /// What the corpus says of the query's terms, with how telling each is.
  private struct Found {
    let field: FieldMatches
    let idf: [Double]
    var matches: [TermTable.Match] { field.matches }
    var average: Double { field.average }

    func matches(of file: Int) -> ArraySlice<TermTable.Match> {
      field.matches[field.starts[file]..<field.starts[file + 1]]
    }
  }

  private func find(_ query: Query, _ corpus: Corpus, _ field: SearchField) -> Found {
    let found = corpus.matches(of: query.terms, in: field)
    let all = Double(max(1, found.fileCount))
    return Found(field: found, idf: found.frequency.map { HistorySignals.idf(Double($0), all) })
  }

  /// BM25.
  private func score(
    _ query: Query, _ found: Found, _ files: [Corpus.File], _ table: (Corpus.File) -> TermTable
  ) -> [Double] {
    files.indices.map { index in
      let matches = found.matches(of: index)
      guard !matches.isEmpty else { return 0 }
      let length = Double(table(files[index]).length) / max(1, found.average)
      let norm = weights.k1 * (1 - weights.b + weights.b * length)
      var sum = 0.0
      for match in matches {
        let frequency = Double(match.total)
        sum += query.weights[match.query] * found.idf[match.query] * frequency * (weights.k1 + 1) / (frequency + norm)
      }
      return sum
    }
  }

  /// Names that the query writes as they are defined.
  private func score(named query: Query, _ found: Found, _ count: Int) -> [Double] {
    (0..<count).map { index in
      var sum = 0.0
      for match in found.matches(of: index) where query.isName[match.query] {
        sum += query.weights[match.query] * found.idf[match.query]
      }
      return sum
    }
  }

  /// Names that the query writes as code, where something is declared under just that name.
  private func score(defined query: Query, _ found: Found, _ files: [Corpus.File]) -> [Double] {
    guard !query.names.isEmpty else { return [Double](repeating: 0, count: files.count) }
    var isWanted = [Bool](repeating: false, count: query.terms.count)
    for place in query.names.values { isWanted[place] = true }
    return files.indices.map { index in
      guard found.matches(of: index).contains(where: { isWanted[$0.query] }) else { return 0 }
      var seen: Set<Int> = []
      for declaration in files[index].analysis.declarations {
        if let place = query.names[declaration.name] { seen.insert(place) }
      }
      return seen.sorted().reduce(0) { $0 + query.weights[$1] * found.idf[$1] }
    }
  }

  private func scoreUnits(_ query: Query, _ found: Found, _ index: Int, _ analysis: FileAnalysis) -> [UnitRanking.Fit] {
    let matches = found.matches(of: index)
    guard !matches.isEmpty, !analysis.units.isEmpty else { return [] }
    let lengths = analysis.body.unitLengths
    var sums = [Double](repeating: 0, count: lengths.count)
    var held = sums
    for match in matches {
      let weight = query.weights[match.query] * found.idf[match.query]
      for place in match.range {
        let unit = Int(found.field.units[place])
        let frequency = Double(found.field.counts[place])
        let length = Double(lengths[unit]) / weights.unitLength
        let norm = weights.k1 * (1 - weights.unitB + weights.unitB * length)
        sums[unit] += weight * frequency * (weights.k1 + 1) / (frequency + norm)
        held[unit] += weight
      }
    }
    return analysis.units.indices.compactMap {
      sums[$0] > 0 ? UnitRanking.Fit(unit: $0, score: sums[$0], held: held[$0]) : nil
    }
  }

  /// Divides by the best score, as it counts after demotion: a change log that fits best must not make all code look alike.
  @discardableResult
  private func normalize(_ scores: inout [Double], _ factors: [Double]) -> Double {
    var top = 0.0
    for index in scores.indices { top = max(top, scores[index] * factors[index]) }
    guard top > 0 else { return top }
    for index in scores.indices { scores[index] /= top }
    return top
  }
}

/// What the files around a file say about it.
enum Neighbourhood {
  /// The bytes of a path before its last part.
  static func directory(of path: RepoPath) -> ArraySlice<UInt8> {
    let bytes = path.bytes
    return bytes[..<(bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0)]
  }

  /// For each file the mean score of its directory.
  static func directories(_ files: [Corpus.File], _ scores: [Double]) -> [Double] {
    var sums: [ArraySlice<UInt8>: (sum: Double, count: Int)] = [:]
    let directories = files.map { directory(of: $0.path) }
    for (index, directory) in directories.enumerated() {
      let known = sums[directory] ?? (0, 0)
      sums[directory] = (known.sum + scores[index], known.count + 1)
    }
    return directories.map { directory in sums[directory].map { $0.sum / Double($0.count) } ?? 0 }
  }
}
