public import Git
import IndexKernel
public import Paths

/// Answers questions about any revision of a repository without a checkout. File versions and commits are looked at once,
/// however many revisions are asked about; nothing newer than a revision takes part in an answer about it.
public actor RevisionIndex {
  private let location: RepositoryLocation
  private let store: SegmentStore
  private let ctags: Ctags
  private var log: CommitLog
  private var last: Known?

  /// Opens the index of a repository.
  /// - Parameter directory: where analyses are kept between runs; made when missing.
  public init(_ location: RepositoryLocation, directory: [UInt8]) {
    let own = StorePlace.directory(directory, location)
    self.init(location, SegmentStore(directory: own), AnalysisStore(directory: own), Ctags())
  }

  init(_ location: RepositoryLocation, _ store: SegmentStore, _ records: AnalysisStore?, _ ctags: Ctags) {
    self.location = location
    self.ctags = ctags
    self.store = store
    log = CommitLog(store: records)
  }

  /// The best files and functions for a text.
  /// - Parameters:
  ///   - revision: anything that names a commit, such as `HEAD` or an id.
  ///   - limit: the most files, and the most functions.
  /// - Throws: `GitError` when the revision or the repository cannot be read.
  public func search(_ text: String, revision: String, limit: Int) async throws -> RevisionAnswer {
    let prepared = try await prepare(revision)
    return await RevisionAnswer(Query(text), prepared, limit: limit)
  }

  /// Reads what is needed for questions about a revision.
  func prepare(
    _ revision: String, needsLog: Bool = true, observe: Indexer.Observer? = nil
  ) async throws -> SearchState {
    let repository = try Repository.open(location)
    let commit = try repository.resolve(revision)
    let tree = try repository.tree(of: commit)
    if let last, last.view.isDamaged {
      _ = store.dropDamaged()
      self.last = nil
    }
    let known: Known
    if let last, last.tree == tree {
      known = last
    } else {
      known = try await open(tree, repository, observe)
      last = known
    }
    return SearchState(
      view: known.view, source: known.source,
      past: needsLog ? past(of: commit, repository) : nil, skipped: known.source.skipped)
  }

  /// What led to HEAD.
  func headPast() -> Past {
    guard let repository = try? Repository.open(location), let commit = try? repository.head.commit else {
      return Past()
    }
    return past(of: commit, repository)
  }

  private func past(of commit: ObjectID, _ repository: Repository) -> Past {
    Past((try? log.ancestors(of: commit, repository)) ?? [], repository, location)
  }

  private func open(
    _ tree: ObjectID, _ repository: Repository, _ observe: Indexer.Observer?
  ) async throws -> Known {
    if let kept = KeptView(Self.name(tree), in: store) {
      return await withFetched(known(tree, kept), repository, observe)
    }
    if let base = base(repository), let changed = try await update(base, to: tree, repository, observe) {
      return await withFetched(changed, repository, observe)
    }
    let source = try RevisionSource(location, tree: tree, repository)
    var files = await source.files()
    var skipped = source.skipped
    if files.count > Index.mostFiles {
      skipped["beyond the first \(Index.mostFiles)"] = files.count - Index.mostFiles
      files.removeLast(files.count - Index.mostFiles)
    }
    let view = await Indexer(source: source, store: store, ctags: ctags).view(files, observe: observe).view
    KeptView.keep(view, skipped: skipped, as: Self.name(tree), in: store)
    return Known(
      tree: tree, view: view, source: RevisionSource(location, tree: tree, skipped: skipped), base: Self.name(tree))
  }

  private func known(_ tree: ObjectID, _ kept: KeptView) -> Known {
    Known(
      tree: tree, view: kept.view, source: RevisionSource(location, tree: tree, skipped: kept.skipped),
      base: kept.base, changes: kept.changes)
  }

  /// Of so many files that were missing it is seen whether they are there now.
  private static let mostMissing = 1000

  /// A kept tree with the files that were missing then (left out of a partial clone) and are not any more, and those that
  /// ctags did not read, where there is one now.
  private func withFetched(_ known: Known, _ repository: Repository, _ observe: Indexer.Observer?) async -> Known {
    var files: [IndexedFile] = []
    let unread = ctags.fingerprint == 0 ? [] : known.view.unreadFiles()
    for file in known.view.absentFiles().prefix(Self.mostMissing) + unread {
      let path = known.view.paths[file]
      guard let entry = try? repository.entry(known.tree, path), repository.contains(entry.id) else { continue }
      files.append(IndexedFile(path: path, blob: entry.id.hex))
    }
    guard !files.isEmpty else { return known }
    let places = await Indexer(source: known.source, store: store, ctags: ctags).places(files, observe)
    var found: [RepoPath: SegmentStore.Place?] = [:]
    for (file, place) in zip(files, places) where place != nil && place != known.view.place(of: file.path) {
      found[file.path] = .some(place)
    }
    guard !found.isEmpty else { return known }
    let view = known.view.replacing(found, store.segments)
    KeptView.keep(view, skipped: known.source.skipped, as: Self.name(known.tree), in: store)
    return Known(tree: known.tree, view: view, source: known.source, base: Self.name(known.tree))
  }

  private static func name(_ tree: ObjectID) -> String { "tree-\(tree.hex)" }

  /// A tree that is known, to go on from: the one asked about before, or the newest that was kept.
  private func base(_ repository: Repository) -> Known? {
    if let last { return last }
    for name in KeptView.names(store) where name.hasPrefix("tree-") {
      guard let tree = ObjectID(hex: String(name.dropFirst(5))), repository.contains(tree),
        let kept = KeptView(name, in: store)
      else { continue }
      return known(tree, kept)
    }
    return nil
  }

  /// The view of a tree, made of another one's; nil when they have too little in common.
  private func update(
    _ base: Known, to tree: ObjectID, _ repository: Repository, _ observe: Indexer.Observer?
  ) async throws -> Known? {
    guard let changes = try? repository.changes(from: base.tree, to: tree),
      changes.count <= max(KeptChanges.most, base.view.count / 2)
    else { return nil }
    var skipped = base.source.skipped
    var gone: [RepoPath] = []
    var files: [IndexedFile] = []
    for change in changes {
      if let mode = change.old?.mode, let word = RevisionSource.word(mode) { skipped[word, default: 0] -= 1 }
      if let new = change.new, new.mode == .regular || new.mode == .executable {
        files.append(IndexedFile(path: change.path, blob: new.id.hex))
      } else {
        if let mode = change.new?.mode, let word = RevisionSource.word(mode) { skipped[word, default: 0] += 1 }
        gone.append(change.path)
      }
    }
    skipped = skipped.filter { $0.value > 0 }
    let source = RevisionSource(location, tree: tree, skipped: skipped)
    let places = await Indexer(source: source, store: store, ctags: ctags).places(files, observe)
    var replaced: [RepoPath: SegmentStore.Place?] = [:]
    for path in gone { replaced[path] = .some(nil) }
    for (file, place) in zip(files, places) { replaced[file.path] = .some(place) }
    let view = base.view.replacing(replaced, store.segments)
    // What was not read, because nobody waits for it any more, is not kept as missing.
    let isWhole = places.allSatisfy { $0 != nil }
    let all = base.changes.merging(replaced) { $1 }
    guard all.count > min(KeptChanges.most, 8 + view.count / 4) else {
      if isWhole {
        KeptChanges.keep(all, of: view.segments, since: base.base, skipped: skipped, as: Self.name(tree), in: store)
      }
      return Known(tree: tree, view: view, source: source, base: base.base, changes: all)
    }
    if isWhole { KeptView.keep(view, skipped: skipped, as: Self.name(tree), in: store) }
    return Known(tree: tree, view: view, source: source, base: Self.name(tree))
  }

  /// A tree that was looked at.
  private struct Known {
    let tree: ObjectID
    let view: FileView
    let source: RevisionSource
    /// The view that is kept in full, and what differs from it.
    let base: String
    var changes: KeptChanges.Places = [:]
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

  init(_ query: Query, _ state: SearchState, limit: Int, admits: ((RepoPath) -> Bool)? = nil) async {
    let corpus = state.corpus(for: query, admits: admits)
    let ranking = await Ranker().rank(query, corpus, state.past, state.source)
    idf = ranking.idf
    results = ranking.files.prefix(limit).map { found in
      let file = corpus.files[found.file]
      let unit = file.analysis.units.indices.contains(found.unit) ? file.analysis.units[found.unit] : nil
      return Location(
        path: file.path, line: unit.map { Int($0.line) } ?? 1, endLine: unit.map { Int($0.endLine) } ?? 1,
        score: found.score, name: unit.flatMap { file.analysis.name(of: $0) }, why: found.reasons)
    }
    var choice = FunctionChoice()
    functions = []
    for found in ranking.units {
      guard functions.count < limit else { break }
      let file = corpus.files[found.file]
      let unit = file.analysis.units[found.unit]
      guard choice.admits(found.file, unit, corpus) else { continue }
      functions.append(
        Location(
          path: file.path, line: Int(unit.line), endLine: Int(unit.endLine), score: found.score,
          name: file.analysis.name(of: unit), why: []))
    }
  }
}
