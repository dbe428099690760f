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
    var factors: [UInt32: Double] = [:]
    if configuration.code != 1 {
      for name in Self.codeNames(bytes) {
        for term in TermScanner.terms(name) { factors[term] = configuration.code }
      }
    }
    if configuration.joined > 0 {
      for term in Self.joined(bytes) where counts[term] == nil {
        counts[term] = 1
        factors[term] = configuration.joined
      }
    }
    let sorted = counts.sorted { $0.key < $1.key }
    terms = sorted.map(\.key)
    weights = sorted.map {
      $0.value / ($0.value + configuration.queryK) * (1 + configuration.queryK) * (factors[$0.key] ?? 1)
    }
    words = Set(
      text.prefix(20_000).lowercased().split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init))
  }

  /// Bare terms, ascending.
  init(terms: [UInt32]) {
    self.terms = terms
    weights = [Double](repeating: 1, count: terms.count)
    words = []
  }

  /// The same request with further terms.
  init(_ query: Query, adding more: [(term: UInt32, weight: Double)]) {
    var all: [UInt32: Double] = Dictionary(uniqueKeysWithValues: zip(query.terms, query.weights))
    for (term, weight) in more { all[term, default: 0] += weight }
    let sorted = all.sorted { $0.key < $1.key }
    terms = sorted.map(\.key)
    weights = sorted.map(\.value)
    words = query.words
  }

  /// Identifiers that the text writes as code: in backticks, before a parenthesis, with an underscore or inner capitals.
  static func codeNames(_ text: [UInt8]) -> [[UInt8]] {
    var names: [[UInt8]] = []
    var index = 0
    var quoted = false
    while index < text.count {
      let byte = text[index]
      guard WordSearch.isIdentifier(byte) else {
        if byte == UInt8(ascii: "`") { quoted.toggle() }
        if byte == 0x0a { quoted = false }
        index += 1
        continue
      }
      let start = index
      while index < text.count, WordSearch.isIdentifier(text[index]) { index += 1 }
      let name = text[start..<index]
      let inner = name.dropFirst()
      let looksLikeCode =
        quoted || index < text.count && text[index] == UInt8(ascii: "(")
        || inner.contains(UInt8(ascii: "_"))
        || zip(name, inner).contains { (0x61...0x7a).contains($0) && (0x41...0x5a).contains($1) }
      if looksLikeCode, name.count > 2 { names.append(Array(name)) }
    }
    return names
  }

  /// Neighbouring words written together: `keep alive` may be `keepAlive` or `keep_alive` in code.
  static func joined(_ text: [UInt8]) -> [UInt32] {
    var result: [UInt32] = []
    var previous: [UInt8] = []
    var beforePrevious: [UInt8] = []
    var index = 0
    while index < text.count, result.count < 2000 {
      guard WordSearch.isIdentifier(text[index]) else {
        // Only a blank or a hyphen joins.
        if text[index] != 0x20 && text[index] != UInt8(ascii: "-") {
          previous = []
          beforePrevious = []
        }
        index += 1
        continue
      }
      let start = index
      while index < text.count, WordSearch.isIdentifier(text[index]) { index += 1 }
      let word = Array(text[start..<index])
      if !previous.isEmpty {
        // Written in camel case the scanner gives the whole last.
        if let term = TermScanner.terms(previous + [UInt8(ascii: "_")] + word).last { result.append(term) }
        if !beforePrevious.isEmpty,
          let term = TermScanner.terms(beforePrevious + [UInt8(ascii: "_")] + previous + [UInt8(ascii: "_")] + word)
            .last
        {
          result.append(term)
        }
      }
      beforePrevious = previous
      previous = word
    }
    return result
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
        fix fixes fixed bug issue motivation modification modifications signed
        authored reviewed cherry picked closes resolves please make makes made use uses used using instead get gets
        """.utf8)))
}

/// The numbers of the ranking; see ``Ranker``.
struct RankingWeights: Sendable {
  var k1 = 1.5
  var b = 0.75
  var unitB = 0.6
  var file = 1.1
  var unit = 1.3
  var names = 0.55
  var path = 0.5
  var history = 0.4
  var recency = 0.5
  var testFactor = 0.5
  var otherFactor = 0.6
  var historyPower = 1.5
  var recencyHalf = 50.0
  var unitLength = 180.0
  var namesB = 0.75
  var joined = 0.5
  var code = 1.0
  var secondUnits = 0.0
  var coverage = 0.2
  var churn = 0.0
  var idfPower = 1.0
  var unitCoverage = 0.0
  var functionFile = 0.3
  var functionName = 0.0
  var feedback = 0.3
  var feedbackTerms = 15.0
  var feedbackUnits = 5.0
  var titleWeight = 2.0
  var queryK = 2.0
}
