public import Git
import Glibc
import IndexKernel
import Paths

/// Searches a repository's checkout, any of its revisions, or a directory outside git: what the command line asks.
public actor CodeSearch {
  /// The repository; nil for a directory outside git.
  public nonisolated let repository: RepositoryLocation?
  private let checkout: CheckoutSource?
  private let directory: [UInt8]
  private let revisions: RevisionIndex?
  private var current: RevisionIndex.Revision?

  /// Opens what holds an absolute path: the repository around it, or the directory itself.
  /// - Parameter cache: where analyses are kept; made when missing.
  /// - Throws: `GitError` when the path does not exist, or its repository cannot be read.
  public init(path: [UInt8], cache: [UInt8]) throws(GitError) {
    repository = try Repository.discover(from: path)
    directory = cache
    if let repository {
      // Says at once what is wrong with it.
      _ = try Repository.open(repository)
      checkout = CheckoutSource(repository)
      revisions = RevisionIndex(repository, directory: cache)
    } else {
      checkout = CheckoutSource(directory: path)
      revisions = nil
    }
  }

  /// Reads what changed since the last time, so that questions are answered at once.
  /// - Parameters:
  ///   - revision: anything that names a commit; nil for the checkout as it lies on disk, in a bare repository HEAD.
  ///   - observe: told now and then, from any thread.
  /// - Throws: `GitError`.
  public func prepare(revision: String?, observe: (@Sendable (IndexProgress) -> Void)? = nil) async throws
    -> IndexStatus
  {
    var status = IndexStatus(try await state(revision, observe))
    if let size = AnalysisStore(directory: directory)?.size {
      (status.storeBytes, status.storeSegments, status.storeDamaged) = size
    }
    return status
  }

  /// Drops what is not needed any more.
  /// - Returns: how many bytes the index took before, and takes now.
  public static func collect(cache: [UInt8]) -> (before: Int, after: Int) {
    let before = AnalysisStore(directory: cache)?.size.bytes ?? 0
    AnalysisStore.clear(directory: cache)
    return (before, AnalysisStore(directory: cache)?.size.bytes ?? 0)
  }

  private func state(_ revision: String?, _ observe: Builder.Observer?) async throws -> RevisionIndex.Revision {
    if revision == nil, let checkout {
      if let current { return current }
      let prepared = await read(checkout, observe)
      current = prepared
      return prepared
    }
    guard let revisions else {
      throw GitError(.invalid, "there is no repository here, and so no revision", hint: "leave out --rev")
    }
    return try await revisions.prepare(revision ?? "HEAD", observe: observe)
  }

  private func read(_ source: CheckoutSource, _ observe: Builder.Observer?) async -> RevisionIndex.Revision {
    let store = AnalysisStore(directory: directory)
    let collected = Collected()
    var listing = await source.listing()
    if listing.files.count > Index.mostFiles {
      listing.skipped["beyond the first \(Index.mostFiles)"] = listing.files.count - Index.mostFiles
      listing.files.removeLast(listing.files.count - Index.mostFiles)
    }
    await Builder(source: source, store: store).run(listing.files, observe: observe) { await collected.add($0) }
    var log: [CommitLog.Entry] = []
    if let location = source.repository, let repository = try? Repository.open(location),
      let commit = try? repository.head.commit
    {
      var reader = CommitLog(store: store)
      log = (try? reader.ancestors(of: commit, repository)) ?? []
    }
    return RevisionIndex.Revision(
      corpus: Corpus(await collected.files.map { Corpus.File($0.0, $0.1) }), log: log, source: source,
      skipped: listing.skipped)
  }

  private actor Collected {
    private(set) var files: [(RepoPath, FileAnalysis)] = []
    func add(_ batch: [(RepoPath, FileAnalysis)]) { files += batch }
  }

  /// Answers a question.
  /// - Parameter revision: as for ``prepare(revision:observe:)``. Nothing newer than it is read.
  /// - Throws: `GitError`; ``SearchError`` for a pattern or a language that cannot be used.
  public func search(_ request: SearchRequest, revision: String?) async throws -> SearchAnswer {
    let filter = try PathFilter(request)
    let prepared = try await state(revision, nil)
    let answerer = Answerer(prepared: prepared, filter: filter, request: request)
    var answer = try await answerer.answer()
    answer.skipped = IndexStatus(prepared).special
    return answer
  }
}

extension IndexStatus {
  init(_ prepared: RevisionIndex.Revision) {
    self.init(isComplete: true, files: prepared.corpus.files.count, skipped: 0)
    for file in prepared.corpus.files { add(file.analysis) }
    special.merge(prepared.skipped) { $0 + $1 }
  }

  mutating func add(_ analysis: FileAnalysis) {
    lines += analysis.lineCount
    declarations += analysis.declarations.count
    for (flag, name) in Self.names where analysis.flags.contains(flag) { special[name, default: 0] += 1 }
  }
}
