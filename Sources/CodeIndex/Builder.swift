import Git
import IndexKernel
import Paths

/// Fills an index from its source, on the threads that are free.
struct Builder {
  let index: Index

  /// Reads everything and hands it over in batches.
  @concurrent func run() async {
    let source = index.source
    let store = AnalysisStore(directory: index.directory)
    let all = await source.files()
    let files = Array(all.prefix(Index.mostFiles))
    let width = 4
    var fresh: [(ContentKey, FileAnalysis)] = []
    await withTaskGroup(of: [(ContentKey, FileAnalysis)].self) { group in
      for lane in 0..<width {
        group.addTask(priority: .utility) {
          var batch: [(RepoPath, FileAnalysis)] = []
          var fresh: [(ContentKey, FileAnalysis)] = []
          var place = lane
          while place < files.count {
            let (analysis, key) = await Self.analyze(files[place], source, store)
            batch.append((files[place].path, analysis))
            if let key { fresh.append((key, analysis)) }
            place += width
            if batch.count == 64 {
              await index.add(batch)
              batch = []
            }
          }
          await index.add(batch)
          return fresh
        }
      }
      for await part in group { fresh += part }
    }
    await index.finish(skipped: all.count - files.count)
    store?.add(fresh)
    if let location = source.repository, let repository = try? Repository.open(location),
      let commit = try? repository.head.commit
    {
      var log = CommitLog(store: store)
      await index.add(log: (try? log.ancestors(of: commit, repository)) ?? [])
    }
  }

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

  /// The analysis of a file, from the store when its content was met before; the key under which to keep a new one.
  @concurrent private static func analyze(
    _ file: IndexedFile, _ source: any IndexSource, _ store: AnalysisStore?
  ) async -> (FileAnalysis, ContentKey?) {
    let language = Language.of(file.path)
    var key = file.blob.flatMap { ObjectID(hex: $0) }.map { ContentKey(blob: $0, language: language.name) }
    if let key, let stored = store?.analysis(key) { return (stored, nil) }
    guard let content = await source.read(file.path, limit: Analyzer.sizeLimit) else {
      return (.opaque(.unreadable), nil)
    }
    // What is read may differ from what the list said (the file was written meanwhile, a filter changes line ends): the
    // content is kept under its own id.
    if store != nil {
      let actual = ContentKey(blob: BlobHash.id(of: content), language: language.name)
      if actual != key, let stored = store?.analysis(actual) { return (stored, nil) }
      key = actual
    }
    return (Analyzer.analyze(content, language), key)
  }
}
