import Glibc
import IndexKernel
import Paths

/// What the messages of past commits say about the files of a corpus, for one query. Scores of one kind are comparable
/// with one another only.
struct HistorySignals: Sendable {
  /// The query with less weight for terms that messages use all the time, whatever the code holds of them.
  let query: Query
  /// How well the messages of all commits that changed a file fit.
  private(set) var messages: [Double]
  /// How well the best of them fits.
  private(set) var best: [Double]
  /// How well all messages together fit, taken as one text of the file.
  private(set) var words: [Double]
  /// How well all messages about the files of its directory fit, those of files that are gone among them.
  private(set) var directories: [Double]
  /// How lately it was changed, from 0 to 1.
  private(set) var recency: [Double]

  /// Fewer commits do not tell which words are usual.
  private static let enough = 50

  init(_ original: Query, _ log: [CommitLog.Entry], _ corpus: Corpus, _ weights: RankingWeights) {
    messages = [Double](repeating: 0, count: corpus.files.count)
    best = messages
    words = messages
    directories = messages
    recency = messages
    var found: [[TermTable.Match]] = []
    var frequency = [Int](repeating: 0, count: original.terms.count)
    var total = 0
    for entry in log {
      var matches: [TermTable.Match] = []
      entry.message.matches(of: original.terms, into: &matches)
      if !entry.paths.isEmpty { for match in matches { frequency[match.query] += 1 } }
      total += entry.message.length
      found.append(matches)
    }
    let all = Double(max(1, log.count))
    let average = max(1, Double(total) / all)
    let idf = frequency.map { Self.idf(Double($0), all) }
    if log.count > Self.enough {
      let usual = log1p(all * (1 - weights.usualInMessages) / (all * weights.usualInMessages + 0.5))
      query = original.scaled(by: idf.map { min(1, $0 / usual) })
    } else {
      query = original
    }
    var text = PastText(count: corpus.files.count)
    let places = Directories(corpus)
    var around = PastText(count: places.count)
    for (age, entry) in log.enumerated() where !entry.paths.isEmpty {
      let norm = weights.k1 * (1 - weights.b + weights.b * Double(entry.message.length) / average)
      var score = 0.0
      for match in found[age] {
        let count = Double(match.total)
        score += query.weights[match.query] * idf[match.query] * count * (weights.k1 + 1) / (count + norm)
      }
      // A commit of many files says less about each.
      let part = 1 / Double(entry.paths.count).squareRoot()
      let share = pow(score, weights.historyPower) * part
      let fresh = 1 / (1 + Double(age) / weights.recencyHalf)
      for path in entry.paths {
        guard let index = corpus.index(of: path) else { continue }
        messages[index] += share
        best[index] = max(best[index], score * part)
        recency[index] = max(recency[index], fresh)
        text.add(found[age], length: entry.message.length, part, to: index)
      }
      for place in places.changed(by: entry.paths) {
        around.add(found[age], length: entry.message.length, part, to: place)
      }
    }
    words = text.scores(query, weights)
    let scores = around.scores(query, weights, idf: idf)
    directories = places.ofFiles.map { scores[$0] }
  }

  /// The directories of a corpus by number.
  private struct Directories {
    private var numbers: [ArraySlice<UInt8>: Int] = [:]
    /// Beside the corpus' files.
    private(set) var ofFiles: [Int] = []

    init(_ corpus: Corpus) {
      ofFiles.reserveCapacity(corpus.files.count)
      for file in corpus.files {
        let directory = Neighbourhood.directory(of: file.path)
        let number = numbers[directory] ?? numbers.count
        numbers[directory] = number
        ofFiles.append(number)
      }
    }

    var count: Int { numbers.count }

    /// The directories of some paths, each once.
    func changed(by paths: [RepoPath]) -> [Int] {
      var result: [Int] = []
      for path in paths {
        guard let number = numbers[Neighbourhood.directory(of: path)], !result.contains(number) else { continue }
        result.append(number)
      }
      return result
    }
  }

  static func idf(_ frequency: Double, _ all: Double) -> Double {
    log1p(max(0, all - frequency + 0.5) / (frequency + 0.5))
  }

  /// All messages of the commits that changed a file, or files of a directory, as one text: a word counts once for each
  /// commit, so that a file whose past knows all words of a query beats one whose past repeats one of them.
  private struct PastText {
    /// By file, the terms of its commits with what each adds; repeats are summed up at the end.
    private var counts: [[(term: Int32, count: Float)]]
    private var lengths: [Double]

    init(count: Int) {
      counts = Array(repeating: [], count: count)
      lengths = [Double](repeating: 0, count: count)
    }

    mutating func add(_ matches: [TermTable.Match], length: Int, _ part: Double, to file: Int) {
      lengths[file] += Double(length) * part
      for match in matches {
        counts[file].append((term: Int32(match.query), count: Float(Double(min(2, match.total)) * part)))
      }
    }

    /// - Parameter given: how telling each term is; counted among these texts when nil.
    func scores(_ query: Query, _ weights: RankingWeights, idf given: [Double]? = nil) -> [Double] {
      let known = lengths.filter { $0 > 0 }
      guard !known.isEmpty else { return lengths }
      let average = known.reduce(0, +) / Double(known.count)
      var sums = [Double](repeating: 0, count: query.terms.count)
      var frequency = sums
      for file in counts where !file.isEmpty {
        for entry in file where sums[Int(entry.term)] == 0 {
          sums[Int(entry.term)] = 1
          frequency[Int(entry.term)] += 1
        }
        for entry in file { sums[Int(entry.term)] = 0 }
      }
      let idf = given ?? frequency.map { HistorySignals.idf($0, Double(known.count)) }
      return counts.indices.map { file in
        let norm = weights.k1 * (1 - weights.b + weights.b * lengths[file] / average)
        for entry in counts[file] { sums[Int(entry.term)] += Double(entry.count) }
        var score = 0.0
        for entry in counts[file] {
          let term = Int(entry.term)
          // The first of the term's entries takes all.
          score += query.weights[term] * idf[term] * sums[term] * (weights.k1 + 1) / (sums[term] + norm)
          sums[term] = 0
        }
        return score
      }
    }
  }
}
