import IndexKernel
import Paths

/// One state of a tree, ready for questions.
struct SearchState: Sendable {
  let view: FileView
  let source: any IndexSource
  /// What led to it.
  var past = Past()
  /// The commits were read; only ranked words want them.
  var hasPast = false
  /// What is no file to index, by what it is.
  var skipped: [String: Int] = [:]

  init(view: FileView, source: any IndexSource, past: Past? = nil, skipped: [String: Int]) {
    self.view = view
    self.source = source
    self.past = past ?? Past()
    hasPast = past != nil
    self.skipped = skipped
  }

  /// The files that a question is about, looked at closely.
  /// - Parameter preferred: files that take part in any case.
  func corpus(
    for query: Query, preferred: [RepoPath] = [], admits: ((RepoPath) -> Bool)? = nil
  ) -> Corpus {
    let search = CandidateSearch(view: view)
    var known: [Int] = preferred.compactMap { view.paths.index(of: $0) }
    if view.count > CandidateSearch.most { known += changedFiles(query) }
    let files = search.candidates(query, preferred: known) { file in admits.map { $0(view.paths[file]) } ?? true }
    var corpus = Corpus(files.map { Corpus.File(view.paths[$0], view.analysis($0)) })
    corpus.postings = PostingCorpus(view, files: files)
    return corpus
  }

  /// Files of the commits whose messages fit best.
  private func changedFiles(_ query: Query) -> [Int] {
    var frequency = [Int](repeating: 0, count: query.terms.count)
    var found: [(entry: Int, matches: [TermTable.Match])] = []
    for (number, entry) in past.log.enumerated() where !entry.paths.isEmpty {
      var matches: [TermTable.Match] = []
      entry.message.matches(of: query.terms, into: &matches)
      guard !matches.isEmpty else { continue }
      for match in matches { frequency[match.query] += 1 }
      found.append((number, matches))
    }
    let scored = found.map { found in
      (
        entry: found.entry,
        score: found.matches.reduce(0.0) { $0 + query.weights[$1.query] / Double(1 + frequency[$1.query]) }
      )
    }
    return scored.sorted { ($1.score, $0.entry) < ($0.score, $1.entry) }.prefix(60).flatMap { past.log[$0.entry].paths }
      .compactMap { view.paths.index(of: $0) }
  }

  private static let mostBroken = 10

  /// What is indexed, and what is not.
  func status(_ ctags: Ctags) -> IndexStatus {
    var status = IndexStatus(isComplete: true, files: view.count, skipped: 0)
    for file in 0..<view.count {
      if let numbers = view.numbers(file) {
        status.lines += numbers.lines
        status.declarations += numbers.declarations
      }
    }
    status.broken = view.brokenFiles().prefix(Self.mostBroken).map { view.paths[$0] }
    let unread = view.unreadFiles().count
    if unread > 0 {
      let reason = ctags.absence?.words ?? "Universal Ctags was not there when they were read; index once more"
      status.ctagsProblem = "\(unread) \(unread == 1 ? "file has" : "files have") no definitions: \(reason)"
    }
    status.special = special().merging(skipped) { $0 + $1 }
    return status
  }

  /// How many files are special, by what makes them so.
  func special() -> [String: Int] {
    var result: [String: Int] = [:]
    view.forEachFlagged { _, flags in
      for (flag, name) in IndexStatus.names where flags.contains(flag) { result[name, default: 0] += 1 }
    }
    return result
  }
}
