import IndexKernel
import Paths

/// Answers one ``SearchRequest`` from one state of the files.
struct Answerer: Sendable {
  let state: SearchState
  let filter: PathFilter
  let request: SearchRequest

  private var view: FileView { state.view }

  @concurrent func answer() async throws -> SearchAnswer {
    switch request.mode {
    case .words: return await words()
    case .regex:
      var answer = SearchAnswer()
      answer.isCut = try await LineSearch(state: state, filter: filter, request: request).run(LineSearch.regex(request))
      {
        answer.results += $0
      }
      return answer
    case .symbols: return await symbols()
    case .files: return files()
    }
  }

  // MARK: Words

  private func words() async -> SearchAnswer {
    let query = Query(request.text)
    let found = await RevisionAnswer(
      query, state, limit: request.limit, admits: filter.admitsAll ? nil : { filter.admits($0) })
    var answer = SearchAnswer()
    for place in found.results {
      var result = SearchAnswer.Result(place)
      if request.wantsExcerpts {
        result.lines = await excerpt(place.path, place.line, place.endLine, query, found.idf)
      }
      answer.results.append(result)
    }
    answer.functions = found.functions.map { SearchAnswer.Result($0) }
    return answer
  }

  private func excerpt(_ path: RepoPath, _ line: Int, _ endLine: Int, _ query: Query, _ idf: [Double]) async
    -> [SearchAnswer.Line]
  {
    guard let content = await state.source.read(path, limit: Analyzer.sizeLimit), !content.isEmpty else { return [] }
    let lines = LineIndex(content)
    let unit = FileAnalysis.Unit(line: Int32(line), endLine: Int32(endLine), declaration: -1)
    let shown = Excerpt.best(content, unit, query, idf, most: 3 + request.context)
    return shown.text.split(separator: 0x0a).compactMap { text in
      // Each begins with its number.
      guard let number = Int(String(decoding: text.prefix { $0 != 0x09 }, as: UTF8.self)), number <= lines.count else {
        return nil
      }
      return SearchAnswer.Line(number: number, text: Array(content[lines.range(number - 1)].prefix(500)), isMatch: true)
    }
  }

  // MARK: Names

  private func symbols() async -> SearchAnswer {
    guard let name = SymbolName(request.text) else { return SearchAnswer() }
    let wanted = Self.folded(name.name)
    var answer = SearchAnswer()
    var elsewhere: [SearchAnswer.Result] = []
    func look(_ files: some Sequence<Int>) {
      for file in files {
        let path = view.paths[file]
        guard !Task.isCancelled, filter.admits(path) else { continue }
        let isTest = PathTraits.of(path, Language.of(path)).contains(.test)
        for declaration in view.analysis(file).declarations {
          guard let (score, why) = fit(declaration.name, name.name, wanted) else { continue }
          let result = SearchAnswer.Result(
            path: path, line: declaration.line, endLine: declaration.endLine, score: isTest ? score - 0.05 : score,
            why: [why],
            name: (declaration.scope.map { String(decoding: $0, as: UTF8.self) + "." } ?? "")
              + String(decoding: declaration.name, as: UTF8.self), kind: declaration.kind.word,
            signature: declaration.signature.map { String(decoding: $0, as: UTF8.self) })
          if let scope = name.scope, declaration.scope != scope {
            if score == 1 { elsewhere.append(result) }
          } else {
            answer.results.append(result)
          }
        }
      }
    }
    let term = TermScanner.terms(name.name).last
    if let term { look(view.files(holding: term, in: .names)) }
    // A module, or what a variable holds, is no scope that is known.
    if answer.results.isEmpty { answer.results = elsewhere }
    if !answer.results.contains(where: { $0.score > 0.8 }) {
      answer.results = []
      // A longer name that holds this one stands in the text; a name of the same letters has the same term.
      let need = (try? LineRegex(literal: wanted, ignoresCase: true))?.need ?? .anything
      if wanted.count >= 3 || term == nil { look(view.files(meeting: need)) }
    }
    // Names that only resemble it count when there is none that is it.
    let best = answer.results.map(\.score).max() ?? 0
    if best > 0.9 { answer.results.removeAll { $0.score < 0.9 } }
    answer.results.sort { ($1.score, $0.path, $0.line) < ($0.score, $1.path, $1.line) }
    answer.isCut = answer.results.count > request.limit
    answer.results = Array(answer.results.prefix(request.limit))
    if best > 0.9 || answer.results.isEmpty {
      let searcher = Searcher(state: state)
      let filter = filter
      let uses = await searcher.occurrences(of: request.text, limit: request.limit + 1) { filter.admits($0) }.references
      if uses.count > request.limit { answer.isCut = true }
      answer.references = uses.prefix(request.limit).map { use in
        SearchAnswer.Result(
          path: use.path, line: use.line, endLine: use.line, score: 1, why: ["uses it"],
          lines: [SearchAnswer.Line(number: use.line, text: use.excerpt, isMatch: true)])
      }
    }
    return answer
  }

  private func fit(_ name: [UInt8], _ exact: [UInt8], _ wanted: [UInt8]) -> (Double, String)? {
    if name == exact { return (1, "is named so") }
    guard name.count >= wanted.count else { return nil }
    let folded = Self.folded(name)
    if folded == wanted { return (request.ignoresCase ? 1 : 0.85, "is named so but for case") }
    if wanted.count >= 3, folded.starts(with: wanted) { return (0.7, "begins so") }
    if wanted.count >= 4, folded.firstRange(of: wanted) != nil { return (0.5, "holds the name") }
    return nil
  }

  private static func folded(_ bytes: [UInt8]) -> [UInt8] { bytes.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 } }

  // MARK: Paths

  /// More words of a path are not looked for.
  private static let mostWords = 100

  private func files() -> SearchAnswer {
    var words: [[UInt8]] = []
    for word in request.text.utf8.split(whereSeparator: { $0 <= 0x20 }) where words.count < Self.mostWords {
      let word = Self.folded(Array(word))
      if !words.contains(word) { words.append(word) }
    }
    var answer = SearchAnswer()
    for file in 0..<view.count {
      let original = view.paths[file]
      guard filter.admits(original) else { continue }
      let path = Self.folded(original.bytes)
      let name = Self.folded(original.name)
      var score = 1.0
      var isWhole = true
      for word in words {
        if name == word {
          score += 3
        } else if name.starts(with: word) {
          score += 2
        } else if name.firstRange(of: word) != nil {
          score += 1
        } else if path.firstRange(of: word) == nil {
          isWhole = false
        }
      }
      guard isWhole else { continue }
      answer.results.append(
        SearchAnswer.Result(
          path: original, line: 1, endLine: max(1, view.numbers(file)?.lines ?? 1),
          score: words.isEmpty ? 1 : score / (1 + Double(path.count) / 1000), why: words.isEmpty ? [] : ["its path"]))
    }
    if !words.isEmpty { answer.results.sort { ($1.score, $0.path) < ($0.score, $1.path) } }
    answer.isCut = answer.results.count > request.limit
    answer.results = Array(answer.results.prefix(request.limit))
    return answer
  }
}

extension SearchAnswer.Result {
  init(_ place: RevisionAnswer.Location) {
    self.init(
      path: place.path, line: place.line, endLine: place.endLine, score: place.score, why: place.why, name: place.name)
  }
}
