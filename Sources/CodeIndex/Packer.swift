import IndexKernel
import Paths

/// Puts together the code that a task is about: a map of the repository, what fails, the best units with their lines, and
/// what they call and what calls them; each with the reason why it is there.
struct Packer {
  let corpus: Corpus
  let past: Past
  let source: any IndexSource
  /// Bytes.
  let budget: Int

  /// What is searched for.
  static func text(_ task: String, _ failures: [String]) -> String {
    // A failure's message says what is wrong; a long list of them must not drown the task.
    ([task] + failures.prefix(8).map { String($0.prefix(1500)) }).joined(separator: "\n")
  }

  /// - Parameter ofFailuresOnly: without what fits the words alone, and without a map.
  @concurrent func pack(
    task: String, failures: [String], places: [(RepoPath, Int)], ofFailuresOnly: Bool
  ) async -> ContextPack? {
    let query = Query(Self.text(task, failures))
    let ranking = await Ranker().rank(query, corpus, past, source)
    var pieces = fromPlaces(places)
    pieces += fromNames(failures, except: pieces)
    if !ofFailuresOnly { pieces += fromRanking(ranking, except: pieces) }
    guard !pieces.isEmpty || !ofFailuresOnly && !ranking.files.isEmpty else { return nil }
    pieces.sort { ($1.score, $0.file, $0.line) < ($0.score, $1.file, $1.line) }
    let map =
      ofFailuresOnly
      ? (text: "", files: [])
      : RepositoryMap(corpus: corpus, ranking: ranking, query: query, budget: budget / 5).made()
    var page = PackPage(
      corpus: corpus, source: source, words: TaskWords(Self.text(task, failures), query, idf: ranking.idf),
      left: budget - map.text.utf8.count)
    // First what is best, then one hop from there, then what else there is room for.
    var waiting = pieces.prefix(14)[...]
    while let piece = waiting.first, page.left > budget / 4 {
      waiting.removeFirst()
      await page.add(piece)
    }
    let hops = OneHop(corpus: corpus, query: query, idf: ranking.idf, source: source)
    for piece in await hops.pieces(around: page.shown) { await page.add(piece, least: 150) }
    for piece in waiting { await page.add(piece) }
    guard !page.text.isEmpty || !map.text.isEmpty else { return nil }
    return ContextPack(
      text: map.text + page.text,
      places: page.shown.map {
        ContextPack.Place(path: corpus.files[$0.file].path, line: $0.line, endLine: $0.endLine, why: $0.why)
      }, mapped: map.files)
  }

  /// The units around the places that failures name: the failing tests themselves, and the frames of their traces.
  private func fromPlaces(_ places: [(RepoPath, Int)]) -> [PackPiece] {
    var result: [PackPiece] = []
    for (path, line) in places.prefix(200) {
      guard let index = corpus.index(of: path) else { continue }
      let file = corpus.files[index]
      let unit = file.analysis.units.last { $0.line <= line && $0.endLine >= line }
      let first = unit.map { Int($0.line) } ?? max(1, line - 10)
      let last = unit.map { Int($0.endLine) } ?? line + 10
      if let known = result.firstIndex(where: { $0.file == index && $0.line <= last && $0.endLine >= first }) {
        result[known].score += 0.1
        continue
      }
      guard result.count < 12 else { continue }
      let isTest = file.traits.contains(.test)
      result.append(
        PackPiece(
          file: index, line: max(first, line - PackPage.longest / 2), endLine: min(last, line + PackPage.longest / 2),
          score: (isTest ? 1.3 : 1.5) - 0.02 * Double(result.count),
          why: isTest ? "a failing test (line \(line))" : "a failure's trace names line \(line)",
          name: unit.flatMap { file.analysis.declaration(of: $0)?.name }))
    }
    return result
  }

  /// Failing tests that are known by name alone.
  private func fromNames(_ failures: [String], except known: [PackPiece]) -> [PackPiece] {
    var result: [PackPiece] = []
    for failure in failures.prefix(20) {
      guard let name = Self.testName(failure), result.count < 4 else { continue }
      for (index, file) in corpus.files.enumerated() where file.traits.contains(.test) {
        guard let declaration = file.analysis.declarations.first(where: { $0.kind.isCallable && $0.name == name })
        else { continue }
        let piece = PackPiece(
          file: index, line: declaration.line, endLine: declaration.endLine, score: 1.25 - 0.02 * Double(result.count),
          why: "a failing test", name: declaration.name)
        if !(known + result).contains(where: { $0.overlaps(piece) }) { result.append(piece) }
        break
      }
    }
    return result
  }

  /// `tests/test_cart.py::TestCart::test_total[3]` and `com.shop.CartTest > total` name a function last.
  static func testName(_ failure: String) -> [UInt8]? {
    let line = failure.utf8.prefix { $0 != 0x0a }.prefix(500)
    let plain = line.prefix { $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "(") }
    return plain.split { !WordSearch.isIdentifier($0) }.last.flatMap { $0.count > 3 ? Array($0) : nil }
  }

  private func fromRanking(_ ranking: Ranker.Ranking, except known: [PackPiece]) -> [PackPiece] {
    let named = Set(known.map(\.file))
    let best = ranking.units.first?.score ?? 1
    // Lines between functions are often imports and comments.
    let between = 0.75
    var result: [PackPiece] = []
    for found in ranking.units.prefix(30) {
      let file = corpus.files[found.file]
      guard file.analysis.units.indices.contains(found.unit), file.language.isCode else { continue }
      let unit = file.analysis.units[found.unit]
      let title = file.analysis.name(of: unit).map { "`\(PackPage.clean(Array($0.utf8)[...]))`: " } ?? ""
      let piece = PackPiece(
        file: found.file, line: Int(unit.line), endLine: Int(unit.endLine),
        score: found.score / max(best, 1e-9) * (unit.declaration < 0 ? between : 1),
        why: "\(title)\(named.contains(found.file) ? "a failure names the file; " : "")fits the words of the task",
        name: file.analysis.declaration(of: unit)?.name, isByWords: true)
      if !(known + result).contains(where: { $0.overlaps(piece) }) { result.append(piece) }
    }
    return result
  }
}

/// Some lines that go into a pack.
struct PackPiece {
  /// Its number in the corpus.
  var file: Int
  var line: Int
  var endLine: Int
  var score: Double
  var why: String
  /// The declaration that it is, when it is one.
  var name: [UInt8]?
  /// Whether the words of the task are why: they are named, then.
  var isByWords = false

  func overlaps(_ other: PackPiece) -> Bool {
    file == other.file && line <= other.endLine && endLine >= other.line
  }
}

extension FileAnalysis {
  /// What a unit declares.
  func declaration(of unit: Unit) -> Declaration? {
    declarations.indices.contains(Int(unit.declaration)) ? declarations[Int(unit.declaration)] : nil
  }
}
