public import Git
import Glibc
import IndexKernel
import Paths

/// Searches a repository's checkout, any of its revisions, or a directory outside git: what the command line asks.
public actor CodeSearch {
  /// The repository; nil for a directory outside git.
  public nonisolated let repository: RepositoryLocation?
  private let checkout: CheckoutSource?
  private let store: SegmentStore
  private let ctags: Ctags
  private let records: AnalysisStore?
  private let revisions: RevisionIndex?
  private var current: SearchState?
  private var counted: (view: FileView, special: [String: Int])?
  private let start: ContinuousClock.Instant

  /// Opens what holds an absolute path: the repository around it, or the directory itself.
  /// - Parameters:
  ///   - cache: where the indexes are kept; made when missing.
  ///   - searchPath: where Universal Ctags is looked for, directories parted by colons; by default this process's `PATH`.
  /// - Throws: `GitError` when the path does not exist, or its repository cannot be read.
  public init(path: [UInt8], cache: [UInt8], searchPath: String? = nil) throws(GitError) {
    start = ContinuousClock.now
    ctags = Ctags(searchPath: searchPath)
    repository = try Repository.discover(from: path)
    if let repository {
      // Says at once what is wrong with it.
      _ = try Repository.open(repository)
      let directory = StorePlace.directory(cache, repository)
      store = SegmentStore(directory: directory)
      store.mergeIfNeeded()
      records = AnalysisStore(directory: directory)
      checkout = CheckoutSource(repository)
      revisions = RevisionIndex(repository, store, records, ctags)
    } else {
      store = SegmentStore(directory: StorePlace.directory(cache, for: path))
      store.mergeIfNeeded()
      records = nil
      checkout = CheckoutSource(directory: path)
      revisions = nil
    }
  }

  /// Reads what changed since the last time, so that questions are answered at once.
  /// - Parameters:
  ///   - revision: anything that names a commit; nil for the checkout as it lies on disk, in a bare repository HEAD.
  ///   - observe: told now and then, from any thread.
  /// - Throws: `GitError`.
  public func prepare(
    revision: String?, observe: (@Sendable (IndexProgress) -> Void)? = nil
  ) async throws -> IndexStatus {
    let state = try await state(revision, observe, needsLog: false)
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    var status = state.status(ctags)
    status.openSeconds = seconds
    // Past commits are read ahead, too: the first question is answered without waiting for them.
    _ = try await self.state(revision, nil)
    (status.storeBytes, status.storeSegments, status.storeDamaged) = store.size
    status.storeProblem = store.problem
    return status
  }

  private func state(
    _ revision: String?, _ observe: Indexer.Observer?, needsLog: Bool = true
  ) async throws -> SearchState {
    if revision == nil, let checkout {
      if let known = current {
        if known.view.isDamaged {
          _ = store.dropDamaged()
          current = nil
        }
      }
      var prepared: SearchState
      if let current { prepared = current } else { prepared = await read(checkout, observe) }
      if needsLog, !prepared.hasPast {
        prepared.past = await revisions?.headPast() ?? Past()
        prepared.hasPast = true
      }
      current = prepared
      return prepared
    }
    guard let revisions else {
      throw GitError(.invalid, "there is no repository here, and so no revision", hint: "leave out --rev")
    }
    return try await revisions.prepare(revision ?? "HEAD", needsLog: needsLog, observe: observe)
  }

  private func read(_ source: CheckoutSource, _ observe: Indexer.Observer?) async -> SearchState {
    var listing = await source.listing()
    if listing.files.count > Index.mostFiles {
      listing.skipped["beyond the first \(Index.mostFiles)"] = listing.files.count - Index.mostFiles
      listing.files.removeLast(listing.files.count - Index.mostFiles)
    }
    let name = Self.name(source)
    let (view, stamps, isChanged) = await Indexer(source: source, store: store, ctags: ctags).view(
      listing.files, base: KeptView(name, in: store), observe: observe)
    if isChanged { KeptView.keep(view, stamps: stamps, skipped: listing.skipped, as: name, in: store) }
    return SearchState(view: view, source: source, skipped: listing.skipped)
  }

  /// Each checkout of a repository has its own.
  private static func name(_ source: CheckoutSource) -> String {
    "checkout-" + String(ByteHash.of(source.root), radix: 36)
  }

  /// Answers a question.
  /// - Parameters:
  ///   - revision: as for ``prepare(revision:observe:)``. Nothing newer than it is read.
  ///   - observe: as there.
  /// - Throws: `GitError`; ``SearchError`` for a pattern or a language that cannot be used.
  public func search(
    _ request: SearchRequest, revision: String?, observe: (@Sendable (IndexProgress) -> Void)? = nil
  ) async throws -> SearchAnswer {
    let filter = try PathFilter(request)
    let needsLog = request.mode == .words
    var prepared = try await state(revision, observe, needsLog: needsLog)
    var answer = try await Answerer(state: prepared, filter: filter, request: request).answer()
    if prepared.view.isDamaged {
      // What was damaged is dropped, and its files are read again.
      prepared = try await state(revision, nil, needsLog: needsLog)
      answer = try await Answerer(state: prepared, filter: filter, request: request).answer()
    }
    answer.skipped = special(prepared).merging(prepared.skipped) { $0 + $1 }
    return answer
  }

  /// Finds the lines that match a regular expression, and gives them away as they are found: an answer of any size takes
  /// little memory.
  /// - Parameters:
  ///   - request: its ``SearchRequest/mode`` is taken to be that of regular expressions.
  ///   - revision, observe: as for ``prepare(revision:observe:)``.
  ///   - deliver: given lines in path order.
  /// - Returns: an answer without these lines.
  /// - Throws: `GitError`, ``SearchError`` before anything was delivered; what `deliver` throws; `CancellationError`.
  public func lines(
    _ request: SearchRequest, revision: String?, observe: (@Sendable (IndexProgress) -> Void)? = nil,
    deliver: @Sendable ([SearchAnswer.Result]) async throws -> Void
  ) async throws -> SearchAnswer {
    let filter = try PathFilter(request)
    // Says at once what is wrong with it, not after much reading.
    let regex = try LineSearch.regex(request)
    var prepared = try await state(revision, observe, needsLog: false)
    // What is damaged shows when it is looked up: it is read again before anything is given away.
    _ = prepared.view.files(meeting: regex.need)
    if prepared.view.isDamaged { prepared = try await state(revision, nil, needsLog: false) }
    var answer = SearchAnswer()
    answer.isCut = try await LineSearch(state: prepared, filter: filter, request: request).run(regex, deliver)
    answer.skipped = special(prepared).merging(prepared.skipped) { $0 + $1 }
    return answer
  }

  /// Counted once for many questions: it takes a look at every file.
  private func special(_ state: SearchState) -> [String: Int] {
    if let counted, counted.view === state.view { return counted.special }
    let special = state.special()
    counted = (state.view, special)
    return special
  }
}
