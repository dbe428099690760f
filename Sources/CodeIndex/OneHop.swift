import IndexKernel

/// What the pieces of a pack call, and what calls them.
struct OneHop {
  let corpus: Corpus
  let query: Query
  /// Beside the query's terms.
  let idf: [Double]
  let source: any IndexSource

  /// A name that more places define says nothing about which is meant.
  private static let mostDefinitions = 2
  /// A name that more functions use is everywhere.
  private static let mostUsers = 25
  private static let definitions = 6
  private static let callers = 6
  private static let definitionLines = 12

  /// Definitions that the first pieces use, then functions that call them, the best first.
  func pieces(around shown: [PackPiece]) async -> [PackPiece] {
    let centre = shown.prefix(5)
    guard !centre.isEmpty else { return [] }
    let known = definers()
    let used = await used(by: Array(centre), known)
    var result = Array(used.prefix(Self.definitions))
    var calling: [PackPiece] = []
    for piece in centre where !corpus.files[piece.file].traits.contains(.test) {
      guard let name = piece.name, (known[name]?.count ?? 0) <= Self.mostDefinitions else { continue }
      for caller in await users(of: name, piece) where !calling.contains(where: { $0.overlaps(caller) }) {
        calling.append(caller)
      }
    }
    result += calling.prefix(Self.callers)
    return result
  }

  private struct Definer {
    var file: Int
    var declaration: Int
  }

  private func definers() -> [[UInt8]: [Definer]] {
    var result: [[UInt8]: [Definer]] = [:]
    for (index, file) in corpus.files.enumerated() where file.language.isCode && !file.traits.contains(.test) {
      for (number, declaration) in file.analysis.declarations.enumerated()
      where declaration.name.count > 3 && declaration.kind != .extension && declaration.kind != .namespace {
        result[declaration.name, default: []].append(Definer(file: index, declaration: number))
      }
    }
    return result
  }

  private func used(by pieces: [PackPiece], _ known: [[UInt8]: [Definer]]) async -> [PackPiece] {
    var found: [[UInt8]: PackPiece] = [:]
    for piece in pieces {
      guard let content = await source.read(corpus.files[piece.file].path, limit: Analyzer.sizeLimit) else { continue }
      let lines = LineIndex(content)
      guard piece.line <= lines.count else { continue }
      let last = min(piece.endLine, piece.line + PackPage.longest, lines.count)
      let text = content[lines.range(piece.line - 1).lowerBound..<lines.range(last - 1).upperBound]
      for word in Set(text.split { !WordSearch.isIdentifier($0) }) {
        let name = Array(word)
        guard let definers = known[name], definers.count <= Self.mostDefinitions, name != piece.name else { continue }
        if found[name] != nil {
          found[name]?.score += piece.score
          continue
        }
        for definer in definers {
          let language = corpus.files[definer.file].language
          guard language.isReachable(from: corpus.files[piece.file].language) else { continue }
          let declaration = corpus.files[definer.file].analysis.declarations[definer.declaration]
          // A function's name without a call is mostly a variable's.
          let worth = declaration.kind.isCallable && !isCalled(word, in: text) ? 0.5 : 1
          let by = piece.name.map { "`\(PackPage.clean($0[...]))`" } ?? "the code above"
          let hop = PackPiece(
            file: definer.file, line: declaration.line,
            endLine: min(declaration.endLine, declaration.line + Self.definitionLines - 1),
            score: piece.score * worth * (1 + relevance(name)), why: "\(by) uses `\(PackPage.clean(name[...]))`",
            name: name)
          if !pieces.contains(where: { $0.overlaps(hop) }) { found[name] = hop }
        }
      }
    }
    return found.values.sorted { ($1.score, $0.file, $0.line) < ($0.score, $1.file, $1.line) }
  }

  /// Whether a name stands before arguments or a closure, or is a decorator, anywhere in a text.
  private func isCalled(_ name: ArraySlice<UInt8>, in text: ArraySlice<UInt8>) -> Bool {
    var rest = text
    while let place = rest.firstRange(of: name) {
      let before = place.lowerBound > text.startIndex ? text[place.lowerBound - 1] : 0x20
      let after = text[place.upperBound...].prefix(8).first { $0 != 0x20 } ?? 0x0a
      if before == UInt8(ascii: "@") || !WordSearch.isIdentifier(before) && Self.openers.contains(after) { return true }
      rest = rest[place.upperBound...]
    }
    return false
  }

  private static let openers = Set("({<!".utf8)

  /// How much of the query a name holds, from 0 to 1.
  private func relevance(_ name: [UInt8]) -> Double {
    var sum = 0.0
    for term in TermScanner.terms(name) {
      if let place = Excerpt.find(term, query.terms) { sum += query.weights[place] * idf[place] }
    }
    return sum / (sum + 15)
  }

  /// Functions that use a name, those of tests last: the lines around the use.
  private func users(of name: [UInt8], _ definition: PackPiece) async -> [PackPiece] {
    guard name.count > 3, let term = TermScanner.terms(name).last else { return [] }
    let matches = corpus.matches(of: [term], in: .body)
    var places: [(file: Int, unit: FileAnalysis.Unit)] = []
    for (index, file) in corpus.files.enumerated() where file.language.isCode {
      for match in matches.matches[matches.starts[index]..<matches.starts[index + 1]] {
        for place in match.range {
          let number = Int(matches.units[place])
          guard file.analysis.units.indices.contains(number) else { continue }
          let unit = file.analysis.units[number]
          let isOther = index != definition.file || Int(unit.line) != definition.line
          if unit.declaration >= 0, isOther { places.append((index, unit)) }
        }
      }
    }
    guard places.count <= Self.mostUsers else { return [] }
    func isTest(_ file: Int) -> Bool { corpus.files[file].traits.contains(.test) }
    places = places.filter { !isTest($0.file) } + places.filter { isTest($0.file) }
    var result: [PackPiece] = []
    for place in places.prefix(8) where result.count < 3 {
      let file = corpus.files[place.file]
      guard let content = await source.read(file.path, limit: Analyzer.sizeLimit) else { continue }
      let range = Int(place.unit.line)...max(Int(place.unit.line), Int(place.unit.endLine))
      guard
        let line = WordSearch.lines(of: name, in: content, LineIndex(content)).lazy.map({ $0 + 1 }).first(
          where: { range.contains($0) && $0 != definition.line })
      else { continue }
      let caller = file.analysis.name(of: place.unit).map { PackPage.clean(Array($0.utf8)[...]) } ?? "code"
      result.append(
        PackPiece(
          file: place.file, line: max(range.lowerBound, line - 2), endLine: min(range.upperBound, line + 2),
          score: isTest(place.file) ? 0.5 : 1, why: "`\(caller)` uses `\(PackPage.clean(name[...]))`",
          name: file.analysis.declaration(of: place.unit)?.name))
    }
    return result
  }
}
