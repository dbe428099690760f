public import Git
import IndexKernel
public import Paths

/// Answers questions about any revision of a repository without a checkout. File versions and commits are looked at once,
/// however many revisions are asked about; nothing newer than a revision takes part in an answer about it.
public actor RevisionIndex {
  private let location: RepositoryLocation
  private let store: AnalysisStore?
  private var analyses: [ContentKey: FileAnalysis] = [:]
  private var log: CommitLog
  private var last: (tree: ObjectID, corpus: Corpus)?

  /// Opens the index of a repository.
  /// - Parameter directory: where analyses are kept between runs; made when missing.
  public init(_ location: RepositoryLocation, directory: [UInt8]) {
    self.location = location
    let store = AnalysisStore(directory: directory)
    self.store = store
    log = CommitLog(store: store)
  }

  /// A revision made ready for questions.
  struct Revision: Sendable {
    var corpus: Corpus
    var log: [CommitLog.Entry]
  }

  /// The best files and functions for a text.
  /// - Parameters:
  ///   - revision: anything that names a commit, such as `HEAD` or an id.
  ///   - limit: the most files, and the most functions.
  /// - Throws: `GitError` when the revision or the repository cannot be read.
  public func search(_ text: String, revision: String, limit: Int) async throws -> RevisionAnswer {
    let prepared = try await prepare(revision)
    return RevisionAnswer(Query(text), prepared, RankingWeights(), limit: limit)
  }

  /// Reads what is needed for questions about a revision.
  func prepare(_ revision: String) async throws -> Revision {
    let repository = try Repository.open(location)
    let commit = try repository.resolve(revision)
    let tree = try repository.tree(of: commit)
    let corpus = try await corpus(of: tree, repository)
    return Revision(corpus: corpus, log: (try? log.ancestors(of: commit, repository)) ?? [])
  }

  private func corpus(of tree: ObjectID, _ repository: Repository) async throws -> Corpus {
    if let last, last.tree == tree { return last.corpus }
    var files: [(path: RepoPath, key: ContentKey)] = []
    try repository.walkTree(tree) { path, mode, id in
      guard mode == .regular || mode == .executable, files.count < Index.mostFiles else { return }
      files.append((path, ContentKey(blob: id, language: Language.of(path).name)))
    }
    var wanted: [ContentKey: Language] = [:]
    for (path, key) in files where analyses[key] == nil {
      if let stored = store?.analysis(key) { analyses[key] = stored } else { wanted[key] = Language.of(path) }
    }
    let fresh = await Self.analyze(Array(wanted), location)
    analyses.merge(fresh) { $1 }
    store?.add(fresh.filter { !$0.value.flags.contains(.unreadable) }.map { ($0.key, $0.value) })
    let corpus = Corpus(files.compactMap { path, key in analyses[key].map { Corpus.File(path, $0) } })
    last = (tree, corpus)
    return corpus
  }

  /// Analyses contents on several threads, each with a handle of its own.
  @concurrent private static func analyze(
    _ wanted: [(key: ContentKey, value: Language)], _ location: RepositoryLocation
  ) async -> [ContentKey: FileAnalysis] {
    let lanes = min(4, max(1, wanted.count / 50))
    // Neighbours in the list often share delta bases: contiguous slices.
    let width = (wanted.count + lanes - 1) / max(1, lanes)
    return await withTaskGroup(of: [(ContentKey, FileAnalysis)].self) { group in
      for lane in 0..<lanes {
        let slice = wanted[min(wanted.count, lane * width)..<min(wanted.count, (lane + 1) * width)]
        group.addTask {
          guard let repository = try? Repository.open(location) else { return [] }
          return slice.map { key, language in
            guard let content = try? repository.readBlob(key.blob, maximumSize: Analyzer.sizeLimit) else {
              return (key, .opaque(.unreadable))
            }
            return (key, Analyzer.analyze(content, language))
          }
        }
      }
      var result: [ContentKey: FileAnalysis] = [:]
      for await part in group { for (key, analysis) in part { result[key] = analysis } }
      return result
    }
  }
}

/// The best places of a revision for a text.
public struct RevisionAnswer: Sendable, Hashable {
  /// A place.
  public struct Location: Sendable, Hashable {
    /// The file.
    public var path: RepoPath
    /// Its first line, from 1.
    public var line: Int
    /// Its last line.
    public var endLine: Int
    /// How well it fits; comparable within one answer.
    public var score: Double
    /// The function that it is, when it is one.
    public var name: String?
    /// Why it was found.
    public var why: [String]
  }

  /// Files, the best first, each with its best lines.
  public var results: [Location]
  /// Functions, the best first.
  public var functions: [Location]

  init(_ query: Query, _ revision: RevisionIndex.Revision, _ weights: RankingWeights, limit: Int) {
    let corpus = revision.corpus
    let signals = HistorySignals(query, revision.log, corpus, weights)
    let ranking = Ranker(weights: weights).rank(query, corpus, history: signals)
    results = ranking.files.prefix(limit).map { found in
      let file = corpus.files[found.file]
      let unit = file.analysis.units.indices.contains(found.unit) ? file.analysis.units[found.unit] : nil
      return Location(
        path: file.path, line: unit.map { Int($0.line) } ?? 1, endLine: unit.map { Int($0.endLine) } ?? 1,
        score: found.score, name: unit.flatMap { file.analysis.name(of: $0) }, why: found.reasons)
    }
    functions = ranking.units.lazy.filter {
      corpus.files[$0.file].analysis.units[$0.unit].declaration >= 0
    }.prefix(limit).map { found in
      let file = corpus.files[found.file]
      let unit = file.analysis.units[found.unit]
      return Location(
        path: file.path, line: Int(unit.line), endLine: Int(unit.endLine), score: found.score,
        name: file.analysis.name(of: unit), why: [])
    }
  }
}
