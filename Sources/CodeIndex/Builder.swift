import Git
import Glibc
import IndexKernel
import Paths
import Synchronization

/// Reads files and analyses those whose content was never met, on the threads that are free.
struct Builder {
  let source: any IndexSource
  let store: AnalysisStore?

  /// Told now and then, from any thread.
  typealias Observer = @Sendable (IndexProgress) -> Void

  /// Files that a lane takes at a time: neighbours share directories and often delta bases.
  private static let stride = 32

  /// Where the lanes stand.
  private final class Work: Sendable {
    let files: [IndexedFile]
    private let next = Atomic<Int>(0)
    private let done = Mutex(IndexProgress(files: 0, total: 0, bytes: 0))
    private let observe: Observer?

    init(_ files: [IndexedFile], _ observe: Observer?) {
      self.files = files
      self.observe = observe
      done.withLock { $0.total = files.count }
    }

    func take() -> Range<Int>? {
      let start = next.wrappingAdd(Builder.stride, ordering: .relaxed).oldValue
      return start < files.count ? start..<min(files.count, start + Builder.stride) : nil
    }

    func finished(_ count: Int, _ bytes: Int) {
      let now = done.withLock { done in
        done.files += count
        done.bytes += bytes
        return done
      }
      observe?(now)
    }
  }

  /// Analyses files, and keeps what is new in the store.
  /// - Parameter batch: takes parts as soon as they are there.
  @concurrent func run(
    _ files: [IndexedFile], observe: Observer? = nil,
    batch: @escaping @Sendable ([(RepoPath, FileAnalysis)]) async -> Void
  ) async {
    let work = Work(files, observe)
    var fresh: [(ContentKey, FileAnalysis)] = []
    await withTaskGroup(of: [(ContentKey, FileAnalysis)].self) { group in
      for _ in 0..<max(1, min(Self.processors, files.count / Self.stride + 1)) {
        group.addTask(priority: .utility) {
          var fresh: [(ContentKey, FileAnalysis)] = []
          while let range = work.take(), !Task.isCancelled {
            var part: [(RepoPath, FileAnalysis)] = []
            var bytes = 0
            for file in work.files[range] {
              let (analysis, key, size) = await analyze(file)
              part.append((file.path, analysis))
              bytes += size
              if let key { fresh.append((key, analysis)) }
            }
            await batch(part)
            work.finished(part.count, bytes)
          }
          return fresh
        }
      }
      for await part in group { fresh += part }
    }
    store?.add(fresh)
  }

  /// Threads worth having.
  static var processors: Int { min(8, max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))) }

  /// Reads some files; nil for those that are gone.
  @concurrent static func read(
    _ paths: [RepoPath], _ source: any IndexSource
  ) async -> [(RepoPath, FileAnalysis?)] {
    var result: [(RepoPath, FileAnalysis?)] = []
    for path in paths {
      let content = await source.read(path, limit: Analyzer.sizeLimit)
      result.append((path, content.map { Analyzer.analyze($0, Language.of(path)) }))
    }
    return result
  }

  /// The analysis of a file, from the store when its content was met before; the key under which to keep a new one; the
  /// bytes that were read.
  @concurrent private func analyze(_ file: IndexedFile) async -> (FileAnalysis, ContentKey?, Int) {
    let language = Language.of(file.path)
    var key = file.blob.flatMap { ObjectID(hex: $0) }.map { ContentKey(blob: $0, language: language.name) }
    if let key, let stored = store?.analysis(key) { return (stored, nil, 0) }
    let content: [UInt8]
    switch await source.content(file.path, limit: Analyzer.sizeLimit) {
    case .bytes(let bytes): content = bytes
    case .tooLarge: return (.opaque(.tooLarge), key, 0)
    case .unreadable: return (.opaque(.unreadable), nil, 0)
    case .missing: return (.opaque(.missing), nil, 0)
    }
    // What is read may differ from what the list said (the file was written meanwhile, a filter changes line ends): the
    // content is kept under its own id.
    if store != nil {
      let actual = ContentKey(blob: BlobHash.id(of: content), language: language.name)
      if actual != key, let stored = store?.analysis(actual) { return (stored, nil, content.count) }
      key = actual
    }
    return (Analyzer.analyze(content, language), key, content.count)
  }
}
