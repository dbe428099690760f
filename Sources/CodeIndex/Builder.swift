import IndexKernel
import Paths

/// Fills an index from its source, on the threads that are free.
struct Builder {
  let index: Index

  /// Reads everything and hands it over in batches.
  @concurrent func run() async {
    let source = index.source
    let all = await source.files()
    let files = Array(all.prefix(Index.mostFiles))
    let width = 4
    await withTaskGroup(of: Void.self) { group in
      for lane in 0..<width {
        group.addTask(priority: .utility) {
          var batch: [(RepoPath, FileAnalysis)] = []
          var place = lane
          while place < files.count {
            batch.append((files[place].path, await Self.analyze(files[place].path, source)))
            place += width
            if batch.count == 64 {
              await index.add(batch)
              batch = []
            }
          }
          await index.add(batch)
        }
      }
    }
    await index.finish(skipped: all.count - files.count)
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

  @concurrent private static func analyze(_ path: RepoPath, _ source: any IndexSource) async -> FileAnalysis {
    guard let content = await source.read(path, limit: Analyzer.sizeLimit) else { return .opaque(.unreadable) }
    return Analyzer.analyze(content, Language.of(path))
  }
}
