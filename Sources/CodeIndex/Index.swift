import Git
import IndexKernel
public import Paths

/// The index over one source of files.
///
/// It is built in the background from the moment that it is opened, and follows the files of a run by
/// ``refresh(changed:)``. Questions wait for the build, at most for ``patience``; then they are answered from what is
/// there.
public actor Index {
  /// How long a search waits for a build that is under way.
  public static let patience: Duration = .seconds(20)
  /// More files than these are not read; the rest is counted in ``IndexStatus/skipped``.
  static let mostFiles = 200_000

  nonisolated let source: any IndexSource
  nonisolated let directory: [UInt8]
  private var analyses: [RepoPath: FileAnalysis] = [:]
  /// What a run changed while the build was under way: the build's older view of these is not wanted.
  private var refreshed: Set<RepoPath> = []
  private var built = false
  private var skipped = 0
  private var log: [CommitLog.Entry] = []
  private var cached: Corpus?
  private var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
  private var nextWaiter = 0

  private init(_ source: any IndexSource, _ directory: [UInt8]) {
    self.source = source
    self.directory = directory
  }

  /// Opens the index and returns at once; a background task reads the files.
  /// - Parameter directory: where analyses are kept between runs; made when missing, with access for its owner only.
  public static func open(source: some IndexSource, directory: [UInt8]) async -> Index? {
    let index = Index(source, directory)
    Task.detached(priority: .utility) { await index.build() }
    return index
  }

  @concurrent private func build() async {
    let store = AnalysisStore(directory: directory)
    let all = await source.files()
    await Builder(source: source, store: store).run(Array(all.prefix(Index.mostFiles))) { await self.add($0) }
    await finish(skipped: max(0, all.count - Index.mostFiles))
    if let location = source.repository, let repository = try? Repository.open(location),
      let commit = try? repository.head.commit
    {
      var log = CommitLog(store: store)
      await add(log: (try? log.ancestors(of: commit, repository)) ?? [])
    }
  }

  // MARK: Building

  func add(_ batch: [(RepoPath, FileAnalysis)]) {
    for (path, analysis) in batch where !refreshed.contains(path) { analyses[path] = analysis }
    cached = nil
  }

  func finish(skipped: Int) {
    self.skipped = skipped
    built = true
    for waiter in waiters.values { waiter.resume() }
    waiters = [:]
  }

  func add(log entries: [CommitLog.Entry]) { log = entries }

  private func stopWaiting(_ number: Int) { waiters.removeValue(forKey: number)?.resume() }

  /// Waits until the build is over, at most for `patience`.
  func ready(within patience: Duration) async {
    if built { return }
    let number = nextWaiter
    nextWaiter += 1
    let timer = Task.detached { [weak self] in
      try? await Task.sleep(for: patience)
      await self?.stopWaiting(number)
    }
    await withCheckedContinuation { waiters[number] = $0 }
    timer.cancel()
  }

  /// Reads files again that a run has changed, made or removed.
  public func refresh(changed: [RepoPath]) async {
    refreshed.formUnion(changed)
    let fresh = await Builder.read(changed, source)
    for (path, analysis) in fresh { analyses[path] = analysis }
    cached = nil
  }

  /// What is indexed.
  public func status() -> IndexStatus {
    var status = IndexStatus(isComplete: built, files: analyses.count, skipped: skipped)
    for analysis in analyses.values { status.add(analysis) }
    return status
  }

  func corpus() -> Corpus {
    if let cached { return cached }
    let corpus = Corpus(analyses.map { Corpus.File($0.key, $0.value) })
    cached = corpus
    return corpus
  }

  // MARK: Questions

  /// Finds code by words, ranked, or the lines that match a regular expression, in path order.
  /// - Parameters:
  ///   - below: only files in this directory.
  ///   - limit: the most hits.
  /// - Throws: ``SearchError`` for a pattern that cannot be used.
  public func search(_ query: String, isRegex: Bool, below: RepoPath?, limit: Int) async throws -> [SearchHit] {
    await ready(within: Self.patience)
    let searcher = Searcher(corpus: corpus(), log: log, source: source)
    if isRegex { return try await searcher.lines(matching: query, below: below, limit: limit) }
    return await searcher.ranked(query, below: below, limit: limit)
  }

  /// Where a name is defined and used. The name may be qualified (`Type.name`, `Type::name`).
  public func symbol(_ name: String, limit: Int) async throws -> SymbolOccurrences {
    await ready(within: Self.patience)
    return await Searcher(corpus: corpus(), log: log, source: source).occurrences(of: name, limit: limit)
  }

  /// The code that a task is about, for the first prompt; nil when nothing was found, or is ready in time.
  /// - Parameters:
  ///   - failures: what failing tests say, the name in the first line.
  ///   - places: files and lines that failures name, the most telling first.
  ///   - budgetTokens: how large the text may get, at four bytes a token.
  ///   - patience: how long to wait for a build that is under way.
  public func pack(
    task: String, failures: [String], places: [(RepoPath, Int)], budgetTokens: Int, patience: Duration
  ) async -> ContextPack? {
    await ready(within: patience)
    guard !analyses.isEmpty else { return nil }
    let packer = Packer(corpus: corpus(), log: log, source: source, budget: max(500, budgetTokens) * 4)
    return await packer.pack(task: task, failures: failures, places: places)
  }
}

/// What an index holds.
public struct IndexStatus: Sendable, Hashable {
  /// False while the first build is under way.
  public var isComplete: Bool
  /// Files that are known.
  public var files: Int
  /// Files that were left out because there are too many.
  public var skipped: Int
  /// Lines of text in them.
  public var lines = 0
  /// Declarations found.
  public var declarations = 0
  /// How many files are special, by what makes them so.
  public var special: [String: Int] = [:]
  /// What the kept index takes on disk.
  public var storeBytes = 0
  /// Files that it is kept in.
  public var storeSegments = 0
  /// Parts of it that were damaged, and dropped.
  public var storeDamaged = 0

  static let names: [(FileAnalysis.Flags, String)] = [
    (.binary, "binary"), (.tooLarge, "too large"), (.pointer, "LFS pointer"), (.generated, "generated"),
    (.notUTF8, "not UTF-8"), (.unreadable, "unreadable"), (.missing, "missing"),
  ]

  init(isComplete: Bool, files: Int, skipped: Int) {
    self.isComplete = isComplete
    self.files = files
    self.skipped = skipped
  }
}
