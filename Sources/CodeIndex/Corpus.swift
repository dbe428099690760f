import IndexKernel
import Paths

/// The files that one question is about, in path order.
struct Corpus: Sendable {
  struct File: Sendable {
    let path: RepoPath
    let language: Language
    let traits: PathTraits
    /// The terms of the path; the name counts twice.
    let pathTerms: TermTable
    let analysis: FileAnalysis
    /// Lines in functions; those of nested ones count in each.
    let callableLines: Int

    init(_ path: RepoPath, _ analysis: FileAnalysis) {
      self.path = path
      self.analysis = analysis
      var lines = 0
      for unit in analysis.units where unit.declaration >= 0 { lines += Int(unit.endLine - unit.line) + 1 }
      callableLines = lines
      language = Language.of(path)
      var traits = PathTraits.of(path, language)
      if analysis.flags.contains(.generated) { traits.insert(.generated) }
      self.traits = traits
      var text = path.bytes
      text.append(0x20)
      var stem = path.name
      if let dot = stem.firstIndex(of: UInt8(ascii: ".")), dot > 0 { stem.removeSubrange(dot...) }
      text.append(contentsOf: stem)
      pathTerms = TermTable(text: text)
    }
  }

  var files: [File]
  /// Where the terms are looked up when ``files`` are only a part of what is searched.
  var postings: PostingCorpus?
  private let places: [RepoPath: Int]

  init(_ files: [File]) {
    self.files = files.sorted { $0.path < $1.path }
    places = Dictionary(uniqueKeysWithValues: self.files.enumerated().map { ($1.path, $0) })
  }

  func index(of path: RepoPath) -> Int? { places[path] }
}
