public import Paths

extension TestReport {
  /// The same report with its places checked against the files that are there.
  ///
  /// Some tools print a file without its directory (Swift Testing, Java, Go): such a place is given the directory of
  /// the one file that fits best; a place that fits none is dropped.
  /// - Parameters:
  ///   - files: the files of the checkout.
  ///   - directory: the directory in it that the tests ran in.
  ///   - maximumEntries: entries of the tree that are looked at.
  public func locating(
    in files: some ProjectFiles, directory: RepoPath = .root, maximumEntries: Int = 50_000
  ) -> TestReport {
    var finder = FileFinder(files: files, directory: directory, maximumEntries: maximumEntries)
    var report = self
    for index in report.tests.indices {
      report.tests[index].trace = report.tests[index].trace.compactMap { finder.find($0) }
      report.tests[index].location = report.tests[index].location.flatMap { finder.find($0) }
    }
    for index in report.buildErrors.indices {
      report.buildErrors[index].location = report.buildErrors[index].location.flatMap { finder.find($0) }
    }
    return report
  }
}

/// Finds files by the end of their path; walks the tree only when a path is not there as it is.
private struct FileFinder<Files: ProjectFiles> {
  let files: Files
  let directory: RepoPath
  let maximumEntries: Int
  private var known: [RepoPath: RepoPath?] = [:]
  private var byName: [[UInt8]: [RepoPath]]?

  init(files: Files, directory: RepoPath, maximumEntries: Int) {
    self.files = files
    self.directory = directory
    self.maximumEntries = maximumEntries
  }

  mutating func find(_ location: SourceLocation) -> SourceLocation? {
    if let found = known[location.path] { return found.map { SourceLocation(path: $0, line: location.line) } }
    let path = files.exists(directory.joining(location.path)) ? location.path : search(location.path)
    known[location.path] = .some(path)
    return path.map { SourceLocation(path: $0, line: location.line) }
  }

  private mutating func search(_ path: RepoPath) -> RepoPath? {
    let index = byName ?? walk()
    byName = index
    let wanted = path.components
    let scored = (index[path.name] ?? []).map { candidate in
      (candidate, zip(candidate.components.reversed(), wanted.reversed()).prefix { $0 == $1 }.count)
    }
    guard let best = scored.map(\.1).max() else { return nil }
    let fitting = scored.filter { $0.1 == best }
    // Of two that fit alike, neither is right.
    return fitting.count == 1 ? fitting.first?.0 : nil
  }

  private func walk() -> [[UInt8]: [RepoPath]] {
    let skipped = Set(
      [".git", "node_modules", ".build", "target", ".venv", "venv", "__pycache__", "build", "dist", ".tox"].map {
        Array($0.utf8)
      })
    var index: [[UInt8]: [RepoPath]] = [:]
    var queue: [RepoPath] = [.root]
    var next = 0
    var seen = 0
    while next < queue.count, seen < maximumEntries {
      for (name, isDirectory) in files.list(directory.joining(queue[next])) {
        seen += 1
        guard let path = queue[next].appending(name) else { continue }
        if isDirectory {
          if !skipped.contains(name) { queue.append(path) }
        } else {
          index[name, default: []].append(path)
        }
      }
      next += 1
    }
    return index
  }
}
