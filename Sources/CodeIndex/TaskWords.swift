import IndexKernel

/// The words of a task that a piece of code holds, so that a reader sees why it was chosen.
struct TaskWords {
  /// As the task writes them, those that say most first.
  private let words: [(text: [UInt8], term: UInt32)]

  private static let mostKnown = 200
  private static let mostNamed = 4

  /// - Parameter idf: beside the query's terms.
  init(_ text: String, _ query: Query, idf: [Double]) {
    var known: Set<UInt32> = []
    var words: [(text: [UInt8], term: UInt32, worth: Double)] = []
    for word in text.utf8.prefix(20_000).split(whereSeparator: { !WordSearch.isIdentifier($0) }) {
      let bytes = Array(word)
      // The whole word comes after its parts.
      guard bytes.count <= 60, let term = TermScanner.terms(bytes).last, let place = Excerpt.find(term, query.terms),
        idf.indices.contains(place), known.insert(term).inserted
      else { continue }
      words.append((bytes, term, query.weights[place] * idf[place]))
    }
    self.words = words.sorted { $0.worth > $1.worth }.prefix(Self.mostKnown).map { ($0.text, $0.term) }
  }

  /// Those that a text holds, as they may stand in a sentence; nil when it holds none.
  func named(in text: ArraySlice<UInt8>) -> String? {
    let terms = Set(TermScanner.terms(Array(text)))
    let found = words.lazy.filter { terms.contains($0.term) }.prefix(Self.mostNamed)
    return found.isEmpty ? nil : found.map { PackPage.clean($0.text[...]) }.joined(separator: ", ")
  }
}
