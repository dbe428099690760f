import IndexKernel

/// What is searched for: the terms of a text with their weights.
struct Query: Sendable {
  /// Ascending.
  let terms: [UInt32]
  /// Beside ``terms``.
  let weights: [Double]
  /// Lower-case words of the text, to see what it asks for.
  let words: Set<String>

  /// The words of a request. Its first line says most.
  init(_ text: String, weights configuration: RankingWeights = RankingWeights()) {
    let bytes = Array(text.utf8.prefix(200_000))
    var counts: [UInt32: Double] = [:]
    let firstEnd = bytes.firstIndex(of: 0x0a) ?? bytes.count
    for term in TermScanner.terms(Array(bytes[..<firstEnd])) { counts[term, default: 0] += configuration.titleWeight }
    for term in TermScanner.terms(Array(bytes[firstEnd...])) { counts[term, default: 0] += 1 }
    for term in Self.stopTerms { counts[term] = nil }
    let sorted = counts.sorted { $0.key < $1.key }
    terms = sorted.map(\.key)
    weights = sorted.map { $0.value / ($0.value + configuration.queryK) * (1 + configuration.queryK) }
    words = Set(
      text.prefix(20_000).lowercased().split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init))
  }

  /// Words of requests that say nothing about code.
  private static let stopTerms: Set<UInt32> = Set(
    TermScanner.terms(
      Array(
        """
        a an and are as at be been being but by can could did do does doing done for from had has have having he her his
        how i if in into is it its itself just may might more most must my no nor not now of off on once only or other
        our out over own same she should so some such than that the their them then there these they this those through
        to too under until up very was we were what when where which while who whom why will with would you your also
        fix fixes fixed bug issue please make makes made use uses used using instead get gets
        """.utf8)))
}

/// The numbers of the ranking; see ``Ranker``.
struct RankingWeights: Sendable {
  var k1 = 1.5
  var b = 0.75
  var unitB = 0.6
  var file = 1.0
  var unit = 1.0
  var names = 0.5
  var path = 0.5
  var history = 0.5
  var recency = 0.25
  var testFactor = 0.5
  var otherFactor = 0.6
  var historyPower = 1.0
  var recencyHalf = 50.0
  var unitLength = 120.0
  var titleWeight = 2.0
  var queryK = 2.0
}
