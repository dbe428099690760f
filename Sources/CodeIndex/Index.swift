public import Paths

/// The index over one source of files.
public actor Index {
  private let source: any IndexSource
  private var contents: [RepoPath: [UInt8]]?

  private init(source: any IndexSource) { self.source = source }

  /// Opens the index; reading happens at the first question.
  public static func open(source: some IndexSource, directory: [UInt8]) async -> Index? { Index(source: source) }

  /// Lines that hold the query's bytes.
  public func search(_ query: String, isRegex: Bool, below: RepoPath?, limit: Int) async throws -> [SearchHit] {
    let needle = Array(query.utf8)
    var hits: [SearchHit] = []
    for (path, content) in await load() where below.map(path.isInside) ?? true {
      for (number, line) in content.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated()
      where line.firstRange(of: needle) != nil {
        hits.append(
          SearchHit(
            path: path, line: number + 1, endLine: number + 1, score: 1, name: nil, excerpt: Array(line), why: []))
        if hits.count == limit { return hits }
      }
    }
    return hits
  }

  /// Lines that use a name.
  public func symbol(_ name: String, limit: Int) async throws -> SymbolOccurrences {
    let hits = try await search(name, isRegex: false, below: nil, limit: limit)
    return SymbolOccurrences(
      definitions: [], references: hits.map { .init(path: $0.path, line: $0.line, excerpt: $0.excerpt) })
  }

  /// The places that failures name.
  public func pack(
    task: String, failures: [String], places: [(RepoPath, Int)], budgetTokens: Int, patience: Duration
  ) async -> ContextPack? { nil }

  private func load() async -> [RepoPath: [UInt8]] {
    if let contents { return contents }
    var read: [RepoPath: [UInt8]] = [:]
    for file in await source.files() { read[file.path] = await source.read(file.path, limit: 1 << 20) }
    contents = read
    return read
  }
}
