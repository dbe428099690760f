import Git
import IndexKernel
public import Paths
import Synchronization

/// The index over one source of files.
///
/// It is built in the background from the moment that it is opened, and follows the files of a run by
/// ``refresh(changed:)``. Questions wait for the build, at most for ``patience``.
public actor Index {
  /// How long a search waits for a build that is under way.
  public static let patience: Duration = .seconds(20)
  /// More files than these are not read; the rest is counted in ``IndexStatus/skipped``.
  static let mostFiles = 200_000
  /// A build with more files to read than these is not waited for by what is wanted at once.
  private static let fewFiles = 120

  nonisolated let source: any IndexSource
  private nonisolated let store: SegmentStore
  private nonisolated let ctags: Ctags
  private nonisolated let directory: [UInt8]
  private var view: FileView?
  /// What a run changed since the view was made; nil for files that are gone.
  private var changes: [RepoPath: SegmentStore.Place?] = [:]
  private var stage = Stage.building
  /// What a wait for is given up: it takes long.
  private var hopeless: Stage?
  private var skipped: [String: Int] = [:]
  private var past = Past()
  private var waiters: [Int: Waiter] = [:]
  private var nextWaiter = 0
  /// All that a run has changed, made or removed.
  private var refreshed: Set<RepoPath> = []
  private var isHealing = false

  private enum Stage: Int, Comparable {
    case building, files, filesAndPast

    static func < (left: Stage, right: Stage) -> Bool { left.rawValue < right.rawValue }
  }

  private struct Waiter {
    var wanted: Stage
    /// Waits for what is soon there, not for a long build.
    var isShort: Bool
    var continuation: CheckedContinuation<Void, Never>
  }

  private init(_ source: any IndexSource, _ directory: [UInt8], _ ctags: Ctags) {
    self.source = source
    self.ctags = ctags
    self.directory = source.repository.map { StorePlace.directory(directory, $0) } ?? directory
    store = SegmentStore(directory: self.directory)
  }

  /// Opens the index and returns at once; a background task reads the files.
  /// - Parameters:
  ///   - directory: where the indexes are kept between runs; made when missing, with access for its owner only.
  ///   - verifying: of up to so many bytes that are kept all are looked at for damage before the first answer, which takes
  ///     a few hundredths of a second for the usual; of more each when an answer needs it.
  ///   - searchPath: where Universal Ctags is looked for, directories parted by colons; by default this process's `PATH`.
  public static func open(
    source: some IndexSource, directory: [UInt8], verifying: Int = 128 << 20, searchPath: String? = nil
  ) async -> Index? {
    let index = Index(source, directory, Ctags(searchPath: searchPath))
    Task.detached(priority: .userInitiated) { await index.build(verifying) }
    return index
  }

  // MARK: Building

  @concurrent private func build(_ verifying: Int) async {
    store.verify(upTo: verifying)
    store.mergeIfNeeded()
    let listing = await listing()
    let isTold = Atomic(false)
    let view = await Indexer(source: source, store: store, ctags: ctags).view(listing.files) { progress in
      guard progress.total - progress.files > Self.fewFiles, !isTold.exchange(true, ordering: .relaxed) else { return }
      Task { await self.giveUp(.files) }
    }.view
    await finish(view, listing.skipped)
    if let location = source.repository, let repository = try? Repository.open(location),
      let commit = try? repository.head.commit
    {
      var log = CommitLog(store: AnalysisStore(directory: directory))
      if !log.isKept(commit, repository) { await giveUp(.filesAndPast) }
      await add(Past((try? log.ancestors(of: commit, repository)) ?? [], repository, location))
    }
    await reach(.filesAndPast)
  }

  @concurrent private func listing() async -> FileListing {
    var listing = await source.listing()
    let left = max(0, listing.files.count - Self.mostFiles)
    if left > 0 {
      listing.files.removeLast(left)
      listing.skipped["beyond the first \(Self.mostFiles)"] = left
    }
    return listing
  }

  /// Reads anew what an answer found damaged; true when there was any, and the answer is to be found again.
  private func heal() async -> Bool {
    guard let damaged = view, damaged.isDamaged, !isHealing else { return false }
    // The segments' numbers change: no other change may be made to the old view.
    isHealing = true
    _ = store.dropDamaged()
    changes = [:]
    let again = refreshed
    let listing = await listing()
    let view = await Indexer(source: source, store: store, ctags: ctags).view(listing.files).view
    self.view = view
    skipped = listing.skipped
    isHealing = false
    await refresh(changed: again.sorted())
    return true
  }

  private func finish(_ view: FileView, _ skipped: [String: Int]) {
    self.view = view
    self.skipped = skipped
    reach(.files)
  }

  private func reach(_ stage: Stage) {
    self.stage = stage
    for (number, waiter) in waiters where waiter.wanted <= stage { stopWaiting(number) }
  }

  /// Ends short waits for a stage, which takes long.
  private func giveUp(_ stage: Stage) {
    hopeless = stage
    for (number, waiter) in waiters where waiter.isShort && waiter.wanted >= stage { stopWaiting(number) }
  }

  private func add(_ past: Past) { self.past = past }

  private func stopWaiting(_ number: Int) { waiters.removeValue(forKey: number)?.continuation.resume() }

  /// Waits until the files are known, at most for `patience`.
  func ready(within patience: Duration) async { await wait(for: .files, within: patience, isShort: false) }

  private func wait(for wanted: Stage, within patience: Duration, isShort: Bool) async {
    guard stage < wanted, !isShort || hopeless.map({ wanted < $0 }) ?? true else { return }
    let number = nextWaiter
    nextWaiter += 1
    let timer = Task.detached { [weak self] in
      try? await Task.sleep(for: patience)
      await self?.stopWaiting(number)
    }
    await withCheckedContinuation { continuation in
      waiters[number] = Waiter(wanted: wanted, isShort: isShort, continuation: continuation)
    }
    timer.cancel()
  }

  /// Reads files again that a run has changed, made or removed.
  public func refresh(changed: [RepoPath]) async {
    guard !changed.isEmpty else { return }
    refreshed.formUnion(changed)
    var (draft, documents) = await Self.read(changed, source, ctags)
    let segment = draft.count > 0 ? store.add(&draft, isPassing: true) : nil
    for path in changed {
      changes[path] = .some(
        documents[path].flatMap { document in segment.map { SegmentStore.Place(segment: $0, document: document) } })
    }
  }

  @concurrent private static func read(
    _ paths: [RepoPath], _ source: any IndexSource, _ ctags: Ctags
  ) async -> (Segment.Draft, [RepoPath: Int]) {
    var draft = Segment.Draft()
    var documents: [RepoPath: Int] = [:]
    let reader = CtagsReader(ctags)
    for path in paths {
      guard let content = await source.read(path, limit: Analyzer.sizeLimit) else { continue }
      let language = Language.of(path)
      let reading = language.isReadByCtags ? await reader.read(content, language) : nil
      let key = ContentKey(blob: BlobHash.id(of: content), language: language.key(reading))
      documents[path] = draft.add(key, Analyzer.analyze(content, language, reading), content)
    }
    return (draft, documents)
  }

  /// What is indexed.
  public func status() -> IndexStatus {
    state()?.status(ctags) ?? IndexStatus(isComplete: false, files: 0, skipped: 0)
  }

  /// The files as they are known now; nil before the first build is over.
  private func state() -> SearchState? {
    guard var view else { return nil }
    if !changes.isEmpty, !isHealing {
      view = view.replacing(changes, store.segments)
      changes = [:]
      self.view = view
    }
    return SearchState(view: view, source: source, past: past, skipped: skipped)
  }

  private func waited() async throws -> SearchState {
    await ready(within: Self.patience)
    guard let state = state() else {
      throw SearchError("the index is still being built; ask again later, or search with a command")
    }
    return state
  }

  /// Finds an answer, and once more where finding it met damage.
  private func healed<Answer>(_ answer: () async throws -> Answer) async rethrows -> Answer {
    let found = try await answer()
    return await heal() ? try await answer() : found
  }

  // MARK: Questions

  /// Finds code by words, ranked, or the lines that match a regular expression, in path order.
  /// - Parameters:
  ///   - below: only files in this directory.
  ///   - limit: the most hits.
  /// - Throws: ``SearchError`` for a pattern that cannot be used.
  public func search(_ query: String, isRegex: Bool, below: RepoPath?, limit: Int) async throws -> [SearchHit] {
    try await healed {
      let searcher = Searcher(state: try await waited())
      if isRegex { return try await searcher.lines(matching: query, below: below, limit: limit) }
      return await searcher.ranked(query, below: below, limit: limit)
    }
  }

  /// Where a name is defined and used. The name may be qualified (`Type.name`, `Type::name`).
  public func symbol(_ name: String, limit: Int) async throws -> SymbolOccurrences {
    try await healed { await Searcher(state: try await waited()).occurrences(of: name, limit: limit) }
  }

  /// The code that a task is about, for the first prompt; nil when nothing was found, or is ready in time.
  /// - Parameters:
  ///   - failures: what failing tests say, the name in the first line.
  ///   - places: files and lines that failures name, the most telling first.
  ///   - ofFailuresOnly: whether only what the failures name is wanted, and one hop from there: no map, and not what fits
  ///     the words alone.
  ///   - budgetTokens: how large the text may get, at four bytes a token.
  ///   - patience: how long to wait for a build that is under way, and for past commits. Where many files, or all commits,
  ///     have to be read anew, it does not wait so long.
  public func pack(
    task: String, failures: [String], places: [(RepoPath, Int)], ofFailuresOnly: Bool = false, budgetTokens: Int,
    patience: Duration
  ) async -> ContextPack? {
    await wait(for: .filesAndPast, within: patience, isShort: true)
    return await healed { await pack(task, failures, places, ofFailuresOnly, budgetTokens) }
  }

  private func pack(
    _ task: String, _ failures: [String], _ places: [(RepoPath, Int)], _ ofFailuresOnly: Bool, _ budgetTokens: Int
  ) async -> ContextPack? {
    guard let state = state(), state.view.count > 0 else { return nil }
    var preferred = places.map(\.0)
    for name in failures.prefix(20).compactMap({ Packer.testName($0) }) {
      guard let term = TermScanner.terms(name).last else { continue }
      preferred += state.view.files(holding: term, in: .names).prefix(3).map { state.view.paths[$0] }
    }
    let corpus = state.corpus(for: Query(Packer.text(task, failures)), preferred: preferred)
    let packer = Packer(corpus: corpus, past: past, source: source, budget: max(500, budgetTokens) * 4)
    return await packer.pack(task: task, failures: failures, places: places, ofFailuresOnly: ofFailuresOnly)
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
  /// Of the files whose definitions are unknown, those on which ctags broke; the first of them.
  public var broken: [RepoPath] = []
  /// Why Universal Ctags did not read the others, and what to do; nil when it did.
  public var ctagsProblem: String?
  /// What the kept index takes on disk.
  public var storeBytes = 0
  /// Files that it is kept in.
  public var storeSegments = 0
  /// Parts of it that were damaged, and dropped.
  public var storeDamaged = 0
  /// Why the index is not kept (no permission, no space), so that the next process must read the files again; nil when it
  /// is kept.
  public var storeProblem: String?
  /// How long opening it took, until a question could have been answered.
  public var openSeconds = 0.0

  static let names: [(FileAnalysis.Flags, String)] = [
    (.binary, "binary"), (.tooLarge, "too large"), (.pointer, "LFS pointer"), (.generated, "generated"),
    (.notUTF8, "not UTF-8"), (.unreadable, "unreadable"), (.missing, "missing"),
    (.undefined, "without definitions"),
  ]

  init(isComplete: Bool, files: Int, skipped: Int) {
    self.isComplete = isComplete
    self.files = files
    self.skipped = skipped
  }
}
