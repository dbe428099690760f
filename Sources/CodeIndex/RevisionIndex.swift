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
  private var last: (tree: ObjectID, corpus: Corpus, source: RevisionSource)?

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
    var source: any IndexSource
    /// What is no file to index, by what it is.
    var skipped: [String: Int]
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
  func prepare(_ revision: String, observe: Builder.Observer? = nil) async throws -> Revision {
    let repository = try Repository.open(location)
    let commit = try repository.resolve(revision)
    let tree = try repository.tree(of: commit)
    let source: RevisionSource
    let corpus: Corpus
    if let last, last.tree == tree {
      (source, corpus) = (last.source, last.corpus)
    } else {
      source = try RevisionSource(location, tree: tree, repository)
      corpus = await self.corpus(source, observe)
      last = (tree, corpus, source)
    }
    return Revision(
      corpus: corpus, log: (try? log.ancestors(of: commit, repository)) ?? [], source: source,
      skipped: await source.listing().skipped)
  }

  private func corpus(_ source: RevisionSource, _ observe: Builder.Observer?) async -> Corpus {
    var wanted: [IndexedFile] = []
    var seen: Set<ContentKey> = []
    for entry in source.entries.prefix(Index.mostFiles) {
      let key = ContentKey(blob: entry.blob, language: Language.of(entry.path).name)
      guard analyses[key] == nil, seen.insert(key).inserted else { continue }
      wanted.append(IndexedFile(path: entry.path, blob: entry.blob.hex))
    }
    let blobs = Dictionary(source.entries.map { ($0.path, $0.blob) }) { first, _ in first }
    await Builder(source: source, store: store).run(wanted, observe: observe) { [self] in await add($0, blobs) }
    return Corpus(
      source.entries.prefix(Index.mostFiles).compactMap { entry in
        analyses[ContentKey(blob: entry.blob, language: Language.of(entry.path).name)].map {
          Corpus.File(entry.path, $0)
        }
      })
  }

  private func add(_ batch: [(RepoPath, FileAnalysis)], _ blobs: [RepoPath: ObjectID]) {
    for (path, analysis) in batch {
      guard let blob = blobs[path] else { continue }
      analyses[ContentKey(blob: blob, language: Language.of(path).name)] = analysis
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

  /// How telling each term of the query is.
  let idf: [Double]

  init(
    _ query: Query, _ revision: RevisionIndex.Revision, _ weights: RankingWeights, limit: Int,
    admits: (Corpus.File) -> Bool = { _ in true }
  ) {
    let corpus = revision.corpus
    let signals = HistorySignals(query, revision.log, corpus, weights)
    let ranking = Ranker(weights: weights).rank(query, corpus, admits: admits, history: signals)
    idf = ranking.idf
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
