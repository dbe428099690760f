import IndexKernel
import Paths

/// Puts together the code that a task is about: a map of the repository, then the best units with their lines.
struct Packer {
  let corpus: Corpus
  let log: [CommitLog.Entry]
  let source: any IndexSource
  /// Bytes.
  let budget: Int

  /// A unit that goes into the pack.
  private struct Choice {
    var file: Int
    var line: Int
    var endLine: Int
    var score: Double
    var why: String
  }

  /// Longer units are shown around what matters.
  private static let longest = 120

  /// What is searched for.
  static func text(_ task: String, _ failures: [String]) -> String {
    // A failure's message says what is wrong; a long list of them must not drown the task.
    ([task] + failures.prefix(8).map { String($0.prefix(1500)) }).joined(separator: "\n")
  }

  @concurrent func pack(task: String, failures: [String], places: [(RepoPath, Int)]) async -> ContextPack? {
    let query = Query(Self.text(task, failures))
    let ranking = await Ranker().rank(query, corpus, log, source)
    var choices = fromPlaces(places)
    let named = Set(choices.map(\.file))
    let best = ranking.units.first?.score ?? 1
    for unit in ranking.units.prefix(30) {
      let file = corpus.files[unit.file]
      guard file.analysis.units.indices.contains(unit.unit), file.language.isCode else { continue }
      let lines = file.analysis.units[unit.unit]
      guard
        !choices.contains(where: { $0.file == unit.file && $0.line <= lines.endLine && $0.endLine >= lines.line })
      else { continue }
      let name = file.analysis.name(of: lines)
      choices.append(
        Choice(
          file: unit.file, line: Int(lines.line), endLine: Int(lines.endLine), score: unit.score / best,
          why: "\(name.map { "`\($0)`: " } ?? "")fits the words of the task"
            + (named.contains(unit.file) ? "; a failure names the file" : "")))
    }
    guard !choices.isEmpty || !ranking.files.isEmpty else { return nil }
    choices.sort { ($1.score, $0.file, $0.line) < ($0.score, $1.file, $1.line) }
    var body = ""
    var shown: [ContextPack.Place] = []
    let map = RepositoryMap(corpus: corpus, ranking: ranking, budget: budget / 5).text()
    var left = budget - map.utf8.count
    for choice in choices.prefix(14) {
      let file = corpus.files[choice.file]
      guard left > 400, let content = await source.read(file.path, limit: Analyzer.sizeLimit) else { continue }
      let piece = render(choice, file, content, limit: max(400, left / 2))
      guard piece.utf8.count <= left else { continue }
      left -= piece.utf8.count
      body += piece
      shown.append(
        ContextPack.Place(path: file.path, line: choice.line, endLine: choice.endLine, why: choice.why))
    }
    guard !body.isEmpty || !map.isEmpty else { return nil }
    return ContextPack(text: map + body, places: shown)
  }

  /// The units around the places that failures name: the failing tests themselves, and the frames of their traces.
  private func fromPlaces(_ places: [(RepoPath, Int)]) -> [Choice] {
    var result: [Choice] = []
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
        Choice(
          file: index, line: max(first, line - Self.longest / 2), endLine: min(last, line + Self.longest / 2),
          score: (isTest ? 1.3 : 1.5) - 0.02 * Double(result.count),
          why: isTest ? "a failing test (line \(line))" : "a failure's trace names line \(line)"))
    }
    return result
  }

  private func render(_ choice: Choice, _ file: Corpus.File, _ content: [UInt8], limit: Int) -> String {
    let lines = LineIndex(content)
    guard choice.line <= lines.count else { return "" }
    let last = min(choice.endLine, lines.count)
    var text = "\n## \(file.path.quoted), lines \(choice.line)–\(last)\n\n\(choice.why)\n\n"
    // A fence longer than any run of backticks in the code, so that the code cannot end it.
    let shown = content[lines.range(choice.line - 1).lowerBound..<lines.range(last - 1).upperBound]
    let fence = String(repeating: "`", count: max(3, longestRun(of: 0x60, in: shown) + 1))
    text += fence + "\n"
    var number = choice.line
    while number <= last, number - choice.line < Self.longest, text.utf8.count < limit {
      let line = content[lines.range(number - 1)].prefix(300)
      text += "\(number)\t\(Self.clean(line))\n"
      number += 1
    }
    text += fence + "\n"
    if number <= last { text += "(goes on to line \(last))\n" }
    return text
  }

  private func longestRun(of byte: UInt8, in bytes: ArraySlice<UInt8>) -> Int {
    var best = 0
    var run = 0
    for other in bytes {
      run = other == byte ? run + 1 : 0
      best = max(best, run)
    }
    return best
  }

  /// Text without control characters, which could play tricks on a terminal or hide text from a reader.
  static func clean(_ bytes: ArraySlice<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control where scalar != "\t": continue
      case .format, .surrogate, .privateUse, .lineSeparator, .paragraphSeparator: text.append("\u{fffd}")
      default: text.append(scalar)
      }
    }
    return String(text)
  }
}

/// The directories and the files that matter, with what they define.
struct RepositoryMap {
  let corpus: Corpus
  let ranking: Ranker.Ranking
  let budget: Int

  func text() -> String {
    var best: [Int: Double] = [:]
    for file in ranking.files.prefix(60) where corpus.files[file.file].language.isCode { best[file.file] = file.score }
    guard !best.isEmpty else { return "" }
    var text = "\n## Map of the files that fit best\n\n"
    for (index, _) in best.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      let file = corpus.files[index]
      var names: [String] = []
      var length = 0
      for declaration in file.analysis.declarations where declaration.kind != .macro && length < 220 {
        if declaration.scope != nil && file.analysis.declarations.count > 30 && declaration.kind.isCallable { continue }
        let name = Packer.clean(declaration.name[...])
        guard !names.contains(name) else { continue }
        names.append(name)
        length += name.utf8.count + 2
      }
      let line =
        "- \(file.path.quoted) (\(file.analysis.lineCount) lines)"
        + (names.isEmpty ? "" : ": \(names.joined(separator: ", "))") + "\n"
      guard text.utf8.count + line.utf8.count <= budget else { break }
      text += line
    }
    return text
  }
}
