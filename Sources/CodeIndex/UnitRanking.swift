import Glibc
import IndexKernel
import Paths

/// Ranks functions, and the lines between functions: how probable it is that their file is meant, times how probable it is
/// that they are among all of that file. So a long file's functions do not take all places, however well it fits.
struct UnitRanking {
  /// How well a unit's own words fit.
  struct Fit {
    var unit: Int
    /// BM25.
    var score: Double
    /// The weights of the query's terms that it holds at all.
    var held: Double
  }

  let query: Query
  /// Beside the query's terms: how telling each is in names.
  let namesIDF: [Double]
  /// The best score of any unit, and the weight of all that the query asks for.
  private let top: Double
  private let all: Double
  let recent: RecentLines
  let weights: RankingWeights

  /// Files whose functions' names are looked at.
  private static let mostNamed = 40
  /// What makes logarithms of probabilities scores that can be shown.
  private static let scale = 20.0

  init(
    query: Query, namesIDF: [Double], most: (score: Double, idf: [Double]), recent: RecentLines,
    weights: RankingWeights
  ) {
    self.query = query
    self.namesIDF = namesIDF
    top = max(most.score, 1e-9)
    all = max(query.terms.indices.reduce(0) { $0 + query.weights[$1] * most.idf[$1] }, 1e-9)
    self.recent = recent
    self.weights = weights
  }

  /// The units of files, the best first.
  /// - Parameters:
  ///   - files: the best first.
  ///   - fits: by the file's number in the corpus.
  func ranked(_ files: [Ranker.RankedFile], _ fits: [[Fit]], _ corpus: Corpus) -> [Ranker.RankedUnit] {
    var ranked: [Ranker.RankedUnit] = []
    for (place, file) in files.enumerated() {
      let analysis = corpus.files[file.file].analysis
      // Lines that the query names lie in units that may hold none of its words.
      let mentioned = file.mentioned?.units ?? []
      var found = fits[file.file]
      for unit in mentioned where !found.contains(where: { $0.unit == unit }) {
        found.append(Fit(unit: unit, score: 0, held: 0))
      }
      var scopes = Scopes()
      let own = found.map { fit in
        let named = place < Self.mostNamed ? names(analysis, fit.unit, &scopes) : 0
        let unit = analysis.units[fit.unit]
        // Where there is more code there is more to repair.
        let size = log1p(Double(max(0, unit.endLine - unit.line))) / 6
        let lines = Int(unit.line)...Int(max(unit.line, unit.endLine))
        return weights.functionOwn
          * (fit.score / top + weights.functionHeld * fit.held / all + weights.functionSize * size + named
            + (recent.touch(file.file, lines) ? weights.functionRecent : 0))
      }
      // Functions and what lies between them stand apart.
      let isFunction = found.map { analysis.units[$0.unit].declaration >= 0 }
      let functions = Self.logSum(own.indices.lazy.filter { isFunction[$0] }.map { own[$0] })
      let others = Self.logSum(own.indices.lazy.filter { !isFunction[$0] }.map { own[$0] })
      for index in found.indices {
        var sum = weights.functionFile * file.score + own[index] - (isFunction[index] ? functions : others)
        if mentioned.contains(found[index].unit) {
          sum += weights.functionMentioned * (file.mentioned?.weight ?? 0)
        }
        ranked.append(Ranker.RankedUnit(file: file.file, unit: found[index].unit, score: exp(sum / Self.scale)))
      }
    }
    ranked.sort { ($1.score, $0.file, $0.unit) < ($0.score, $1.file, $1.unit) }
    return ranked
  }

  /// The logarithm of the sum of exponentials.
  private static func logSum(_ values: some Sequence<Double>) -> Double {
    guard let top = values.max() else { return 0 }
    return top + log(values.reduce(0) { $0 + exp($1 - top) })
  }

  /// What the last scope was worth: neighbours share it.
  private struct Scopes {
    var name: [UInt8]?
    var worth = 0.0
  }

  /// How well a function is named, and what it is declared in.
  private func names(_ analysis: FileAnalysis, _ unit: Int, _ scopes: inout Scopes) -> Double {
    guard let declaration = analysis.declaration(of: analysis.units[unit]) else { return 0 }
    if declaration.scope != scopes.name {
      scopes = Scopes(name: declaration.scope, worth: declaration.scope.map { worth(of: $0) } ?? 0)
    }
    return weights.functionName * worth(of: declaration.name) + weights.functionScope * scopes.worth
  }

  /// From 0 to 1: how much of the query a name holds.
  private func worth(of name: [UInt8]) -> Double {
    var sum = 0.0
    for term in TermScanner.terms(name) {
      if let known = Excerpt.find(term, query.terms) { sum += query.weights[known] * namesIDF[known] }
    }
    return sum / (sum + 15)
  }
}

/// Chooses what is worth showing of ranked functions.
struct FunctionChoice {
  /// Longer functions do not stand for those inside them.
  private static let long = 150

  private var chosen: [Int: [FileAnalysis.Unit]] = [:]
  private var copies: [Copy: Int] = [:]

  private struct Copy: Hashable {
    let file: [UInt8]
    let name: [UInt8]
    let lines: Int32
  }

  /// Whether a function says something that those before it do not: it lies in none of them, and is no copy of one in
  /// another file of the same name.
  mutating func admits(_ file: Int, _ unit: FileAnalysis.Unit, _ corpus: Corpus) -> Bool {
    guard let declaration = corpus.files[file].analysis.declaration(of: unit) else { return false }
    let copy = Copy(
      file: Array(corpus.files[file].path.name), name: declaration.name, lines: unit.endLine - unit.line)
    guard copies[copy, default: file] == file else { return false }
    copies[copy] = file
    let isInside = chosen[file, default: []].contains {
      $0.line <= unit.line && $0.endLine >= unit.endLine && $0.endLine - $0.line < Self.long
    }
    guard !isInside else { return false }
    chosen[file, default: []].append(unit)
    return true
  }
}
