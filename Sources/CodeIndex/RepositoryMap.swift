import IndexKernel
import Paths

/// The files that matter by directory, with the names in them that matter.
struct RepositoryMap {
  let corpus: Corpus
  let ranking: Ranker.Ranking
  let query: Query
  /// Bytes.
  let budget: Int

  private static let mostFiles = 60
  private static let mostNames = 10

  /// Markdown, and the files that it is made of.
  func made() -> (text: String, files: [RepoPath]) {
    let title = "\n## Map of the files that fit best\n"
    var directories: [(name: RepoPath, lines: [String])] = []
    var files: [RepoPath] = []
    var length = title.utf8.count
    for found in ranking.files.prefix(Self.mostFiles) where corpus.files[found.file].language.isCode {
      let file = corpus.files[found.file]
      // Tests are as many as what they test, and seldom what a task means.
      if file.traits.contains(.test), found.factor < 0.6 { continue }
      let parent = file.path.parent ?? .root
      let known = directories.firstIndex { $0.name == parent }
      let line = describe(file)
      let more = line.utf8.count + (known == nil ? Self.heading(parent).utf8.count : 0)
      guard length + more <= budget else { break }
      length += more
      files.append(file.path)
      if let known {
        directories[known].lines.append(line)
      } else {
        directories.append((parent, [line]))
      }
    }
    guard !files.isEmpty else { return ("", []) }
    return (title + directories.map { Self.heading($0.name) + $0.lines.joined() }.joined(), files)
  }

  private static func heading(_ directory: RepoPath) -> String {
    "\n\(directory.isRoot ? "." : directory.quoted)/\n"
  }

  private func describe(_ file: Corpus.File) -> String {
    let name = RepoPath(file.path.name).map(\.quoted) ?? file.path.quoted
    let names = names(file.analysis).map { PackPage.clean($0[...]) }
    return "- \(name) (\(file.analysis.lineCount) lines)"
      + (names.isEmpty ? "" : ": \(names.joined(separator: ", "))") + "\n"
  }

  /// Names that hold words of the query first, then types, then what is long; in the order of the file.
  private func names(_ analysis: FileAnalysis) -> [[UInt8]] {
    var scored: [(score: Double, place: Int)] = []
    var seen: Set<[UInt8]> = []
    for (place, declaration) in analysis.declarations.enumerated()
    where declaration.kind != .macro && declaration.name.count < 80 && seen.insert(declaration.name).inserted {
      var score = declaration.kind.isCallable ? 0.0 : 0.5
      score += Double(min(200, max(0, declaration.endLine - declaration.line))) / 400
      for term in Set(TermScanner.terms(declaration.name)) {
        if let known = Excerpt.find(term, query.terms) { score += query.weights[known] * ranking.idf[known] }
      }
      scored.append((score, place))
    }
    scored.sort { ($1.score, $0.place) < ($0.score, $1.place) }
    return scored.prefix(Self.mostNames).map(\.place).sorted().map { analysis.declarations[$0].name }
  }
}
