import IndexKernel
import Paths

/// Answers questions from one state of the index, reading the files that it shows.
struct Searcher: Sendable {
  let state: SearchState

  private var source: any IndexSource { state.source }
  private var view: FileView { state.view }

  private func admits(_ below: RepoPath?) -> ((RepoPath) -> Bool)? {
    guard let below, !below.isRoot else { return nil }
    return { $0.isInside(below) }
  }

  // MARK: Words

  /// The best places for some words: a file's best unit each, then further good units.
  @concurrent func ranked(_ text: String, below: RepoPath?, limit: Int) async -> [SearchHit] {
    let query = Query(text)
    let corpus = state.corpus(for: query, admits: admits(below))
    let ranking = await Ranker().rank(query, corpus, state.past, source)
    var exact = await exactPlaces(text, below)
    var hits: [SearchHit] = []
    for found in ranking.files.prefix(limit) {
      let file = corpus.files[found.file]
      let content = await source.read(file.path, limit: Analyzer.sizeLimit) ?? []
      var why = found.reasons
      var unit = file.analysis.units.indices.contains(found.unit) ? file.analysis.units[found.unit] : nil
      let line = exact.removeValue(forKey: file.path)
      if let line {
        why.insert("holds the text as it is", at: 0)
        unit = file.analysis.units.last { $0.line <= line && $0.endLine >= line } ?? unit
      }
      let shown = Excerpt.best(content, unit, query, ranking.idf, around: line)
      hits.append(
        SearchHit(
          path: file.path, line: shown.line, endLine: max(shown.line, unit.map { Int($0.endLine) } ?? shown.endLine),
          score: found.score + (line == nil ? 0 : 2), name: unit.flatMap { file.analysis.name(of: $0) },
          excerpt: shown.text, why: why))
    }
    for (path, line) in exact {
      guard let index = view.paths.index(of: path) else { continue }
      let analysis = view.analysis(index)
      let content = await source.read(path, limit: Analyzer.sizeLimit) ?? []
      let unit = analysis.units.last { $0.line <= line && $0.endLine >= line }
      let shown = Excerpt.best(content, unit, query, ranking.idf, around: line)
      hits.append(
        SearchHit(
          path: path, line: shown.line, endLine: unit.map { Int($0.endLine) } ?? shown.endLine, score: 2,
          name: unit.flatMap { analysis.name(of: $0) }, excerpt: shown.text, why: ["holds the text as it is"]))
    }
    hits.sort { ($1.score, $0.path) < ($0.score, $1.path) }
    return Array(hits.prefix(limit))
  }

  /// Files that hold a query of several words, or an error text, literally: the first line of each.
  private func exactPlaces(_ text: String, _ below: RepoPath?) async -> [RepoPath: Int] {
    let bytes = Array(text.utf8)
    guard bytes.count >= 6, bytes.count <= 200, !bytes.contains(0x0a),
      !bytes.allSatisfy({ WordSearch.isIdentifier($0) })
    else { return [:] }
    guard var regex = try? LineRegex(literal: bytes) else { return [:] }
    var places: [RepoPath: Int] = [:]
    var read = 0
    let admits = admits(below)
    for file in view.files(meeting: regex.need) {
      let path = view.paths[file]
      guard admits?(path) ?? true else { continue }
      read += 1
      guard read <= 100 else { break }
      guard let content = await source.read(path, limit: Analyzer.sizeLimit) else { continue }
      if let line = regex.matchingLines(content, limit: 1).first { places[path] = line + 1 }
    }
    return places.count <= 20 ? places : [:]
  }

  // MARK: Regular expressions

  /// The lines that match, in path order.
  @concurrent func lines(matching pattern: String, below: RepoPath?, limit: Int) async throws -> [SearchHit] {
    let request = SearchRequest(pattern, mode: .regex, limit: limit, below: below)
    let answer = try await Answerer(state: state, filter: try PathFilter(request), request: request).answer()
    return answer.results.map { result in
      SearchHit(
        path: result.path, line: result.line, endLine: result.endLine, score: 1, name: result.name,
        excerpt: Array(result.lines.first?.text.prefix(500) ?? []), why: result.why)
    }
  }

  // MARK: Names

  /// Definitions and uses of a name.
  @concurrent func occurrences(
    of text: String, limit: Int, admits: (@Sendable (RepoPath) -> Bool)? = nil
  ) async -> SymbolOccurrences {
    guard let wanted = SymbolName(text) else { return SymbolOccurrences(definitions: [], references: []) }
    var definitions: [SymbolOccurrences.Symbol] = []
    var inScope: [SymbolOccurrences.Symbol] = []
    var defined: [RepoPath: [ClosedRange<Int>]] = [:]
    let term = TermScanner.terms(wanted.name).last
    for file in term.map({ view.files(holding: $0, in: .names) }) ?? Array(0..<view.count) {
      let path = view.paths[file]
      guard admits?(path) ?? true else { continue }
      for declaration in view.analysis(file).declarations where declaration.name == wanted.name {
        let symbol = SymbolOccurrences.Symbol(
          path: path, line: declaration.line, endLine: declaration.endLine, kind: declaration.kind.word,
          name: String(decoding: wanted.name, as: UTF8.self),
          signature: declaration.signature.map { String(decoding: $0, as: UTF8.self) },
          scope: declaration.scope.map { String(decoding: $0, as: UTF8.self) })
        definitions.append(symbol)
        if let scope = wanted.scope, declaration.scope == scope { inScope.append(symbol) }
        let last = max(declaration.line, min(declaration.endLine, declaration.line + 5))
        defined[path, default: []].append(declaration.line...last)
      }
    }
    if !inScope.isEmpty { definitions = inScope }
    definitions.sort { !isTest($0.path) && isTest($1.path) }
    let references = await references(to: wanted.name, except: defined, limit: limit, admits)
    return SymbolOccurrences(definitions: Array(definitions.prefix(limit)), references: references)
  }

  private func isTest(_ path: RepoPath) -> Bool {
    PathTraits.of(path, Language.of(path)).contains(.test)
  }

  /// - Parameter defined: where the name is declared: the first line of each that holds it is no use of it.
  private func references(
    to name: [UInt8], except defined: [RepoPath: [ClosedRange<Int>]], limit: Int, _ admits: ((RepoPath) -> Bool)?
  ) async -> [SymbolOccurrences.Reference] {
    guard let term = TermScanner.terms(name).last else { return [] }
    var result: [SymbolOccurrences.Reference] = []
    let holding = view.files(holding: term, in: .body).map { view.paths[$0] }.filter { admits?($0) ?? true }
    for path in holding.filter({ !isTest($0) }) + holding.filter({ isTest($0) }) {
      guard !Task.isCancelled, let content = await source.read(path, limit: Analyzer.sizeLimit) else { continue }
      let lines = LineIndex(content)
      let found = WordSearch.lines(of: name, in: content, lines).map { $0 + 1 }
      let declaring = Set((defined[path] ?? []).compactMap { range in found.first { range.contains($0) } })
      for line in found where !declaring.contains(line) {
        result.append(
          SymbolOccurrences.Reference(
            path: path, line: line, excerpt: Array(Excerpt.trimmed(content[lines.range(line - 1)]).prefix(300))))
        if result.count >= limit { return result }
      }
    }
    return result
  }
}

/// Finds an identifier as a whole word.
enum WordSearch {
  /// The lines (from 0) that hold it.
  static func lines(of name: [UInt8], in text: [UInt8], _ index: LineIndex) -> [Int] {
    guard let first = name.first, name.count <= text.count else { return [] }
    var result: [Int] = []
    var line = 0
    var place = 0
    let last = text.count - name.count
    while place <= last {
      guard text[place] == first, text[place..<(place + name.count)].elementsEqual(name) else {
        place += 1
        continue
      }
      let end = place + name.count
      let isWord = (place == 0 || !isIdentifier(text[place - 1])) && (end == text.count || !isIdentifier(text[end]))
      if isWord {
        while line + 1 < index.count, Int(index.starts[line + 1]) <= place { line += 1 }
        if result.last != line { result.append(line) }
      }
      place = end
    }
    return result
  }

  static func isIdentifier(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f, 0x80...: true
    default: false
    }
  }
}
