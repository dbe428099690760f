import IndexKernel

/// What is searched for: the terms of a text with their weights.
struct Query: Sendable {
  /// Ascending.
  let terms: [UInt32]
  /// Beside ``terms``.
  let weights: [Double]
  /// Beside ``terms``: true for an identifier of several words, written as one.
  let isName: [Bool]
  /// Lower-case words of the first line, to see what it asks for.
  let titleWords: Set<String>
  /// Words that stand side by side, but for words that say nothing: where they are in ``terms``.
  let neighbours: [(first: Int, second: Int)]
  /// Texts in quotes or backticks.
  let quotes: [[UInt8]]
  /// Words written as names are in code (`keepAlive`, `read()`, `.close`), as they are written, and their places in ``terms``.
  let names: [[UInt8]: Int]
  /// Files that the text names.
  let mentions: [PathMention]

  /// The words of a request. Its first line says most.
  init(_ text: String, weights configuration: RankingWeights = RankingWeights()) {
    let bytes = Array(text.utf8.prefix(200_000))
    var counts: [UInt32: Double] = [:]
    let firstEnd = bytes.firstIndex(of: 0x0a) ?? bytes.count
    for term in TermScanner.terms(Array(bytes[..<firstEnd])) { counts[term, default: 0] += configuration.titleWeight }
    for term in TermScanner.terms(Array(bytes[firstEnd...])) { counts[term, default: 0] += 1 }
    for term in Self.stopTerms { counts[term] = nil }
    var factors: [UInt32: Double] = [:]
    for term in Self.joined(bytes) where counts[term] == nil {
      counts[term] = 1
      factors[term] = configuration.joined
    }
    let sorted = counts.sorted { $0.key < $1.key }
    terms = sorted.map(\.key)
    weights = sorted.map {
      $0.value / ($0.value + configuration.queryK) * (1 + configuration.queryK) * (factors[$0.key] ?? 1)
    }
    let compounds = Self.compounds(bytes)
    isName = sorted.map { compounds.contains($0.key) }
    titleWords = Set(
      String(decoding: bytes[..<firstEnd].prefix(20_000), as: UTF8.self).lowercased().split {
        !$0.isLetter && !$0.isNumber && $0 != "_"
      }.map(String.init))
    neighbours = Self.neighbours(bytes, terms)
    quotes = Self.quotes(bytes)
    var spelled: [[UInt8]: Int] = [:]
    for name in Self.namesInCode(bytes) {
      if let term = TermScanner.terms(name).last, let place = Excerpt.find(term, terms) { spelled[name] = place }
    }
    self.names = spelled
    mentions = PathMention.all(in: bytes)
  }

  private init(_ other: Query, weights: [Double]) {
    terms = other.terms
    self.weights = weights
    isName = other.isName
    titleWords = other.titleWords
    neighbours = other.neighbours
    quotes = other.quotes
    names = other.names
    mentions = other.mentions
  }

  /// The same request with its terms' weights multiplied.
  func scaled(by factors: [Double]) -> Query {
    Query(self, weights: zip(weights, factors).map { $0 * $1 })
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

  private static let mostNeighbours = 150

  private static func neighbours(_ text: [UInt8], _ terms: [UInt32]) -> [(first: Int, second: Int)] {
    var words: [UInt64] = []
    TermScanner.scanWords(text, into: &words)
    var result: [(first: Int, second: Int)] = []
    var seen: Set<UInt64> = []
    var previous: Int?
    for word in words {
      // Words that say nothing are not among the terms.
      guard let place = Excerpt.find(UInt32(truncatingIfNeeded: word >> 32), terms) else { continue }
      if let before = previous, before != place, seen.insert(UInt64(before) << 32 | UInt64(place)).inserted {
        result.append((before, place))
        guard result.count < mostNeighbours else { break }
      }
      previous = place
    }
    return result
  }

  private static let mostQuotes = 25

  private static func quotes(_ text: [UInt8]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    for line in text.split(separator: 0x0a) {
      for mark in [UInt8(ascii: "\""), UInt8(ascii: "`"), UInt8(ascii: "'")] {
        let parts = line.split(separator: mark, omittingEmptySubsequences: false)
        // Every other part lies between two marks; the last has none behind it.
        for part in parts.indices.dropLast() where part % 2 == 1 && (5...120).contains(parts[part].count) {
          let quote = Array(parts[part])
          guard result.count < mostQuotes else { return result }
          if !result.contains(quote) { result.append(quote) }
        }
      }
    }
    return result
  }

  /// Identifiers of several words (`keepAlive`, `keep_alive`), each as one term.
  private static func compounds(_ text: [UInt8]) -> Set<UInt32> {
    var result: Set<UInt32> = []
    for run in text.split(whereSeparator: { !WordSearch.isIdentifier($0) }) where run.count > 2 {
      let terms = TermScanner.terms(Array(run))
      // The scanner gives the whole behind its words.
      if terms.count > 1, let whole = terms.last { result.insert(whole) }
    }
    return result
  }

  private static let mostNames = 500

  /// Words that are written as code is: in camel or snake case, in backticks, called, or behind or before a dot.
  private static func namesInCode(_ text: [UInt8]) -> Set<[UInt8]> {
    var result: Set<[UInt8]> = []
    for run in text.split(whereSeparator: { !WordSearch.isIdentifier($0) }) where run.count > 3 {
      guard result.count < mostNames else { break }
      let before = run.startIndex > 0 ? text[run.startIndex - 1] : 0x20
      let after = run.endIndex < text.count ? text[run.endIndex] : 0x20
      let next = run.endIndex + 1 < text.count ? text[run.endIndex + 1] : 0x20
      let isInCode =
        before == UInt8(ascii: "`") || after == UInt8(ascii: "`") || after == UInt8(ascii: "(")
        || before == UInt8(ascii: ".") || after == UInt8(ascii: ".") && next > 0x20
      if isInCode || run.contains(UInt8(ascii: "_")) || run.dropFirst().contains(where: { $0 &- 0x41 < 26 }) {
        result.insert(Array(run))
      }
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

/// The numbers of the ranking; see ``Ranker``. Learned (listwise, leaving out one repository at a time) from bug fixes of
/// fifteen repositories in fourteen languages; docs/index.md says what each is worth.
struct RankingWeights: Sendable {
  // BM25.
  var k1 = 1.5
  var b = 0.75
  var unitB = 0.8
  /// The length of a usual unit, in terms.
  var unitLength = 180.0
  // The query.
  var titleWeight = 2.0
  var queryK = 2.0
  var joined = 0.5
  /// A term in more messages than this share of them says less, whatever the code holds of it.
  var usualInMessages = 0.01
  // What the words say.
  var file = 0.68
  var unit = 0.91
  var names = 0.36
  var path = 0.38
  var exactNames = 0.2
  var definedNames = 0.2
  var neighbours = 0.23
  /// For a file that the text names by its path.
  var mentioned = 1.5
  // What the past says.
  var history = 0.23
  var bestCommit = 0.21
  var pastWords = 0.33
  var pastDirectory = 0.17
  var recency = 0.54
  var historyPower = 1.5
  /// The age, in commits, at which recency counts half.
  var recencyHalf = 50.0
  // What kind of file it is.
  var callableLines = 0.16
  var callableShare = 0.27
  var isCode = 0.15
  var testFactor = 0.45
  var documentFactor = 0.45
  var otherFactor = 0.55
  /// For what the first line names.
  var askedFactor = 0.7
  // What the text of the best files says.
  var nearWords = 0.34
  var quotes = 0.31
  // What was changed together with the first files.
  var companions = 1.0
  // Functions.
  var functionFile = 2.5
  var functionOwn = 5.0
  var functionSize = 1.2
  var functionName = 0.6
  var functionScope = 0.4
  var functionHeld = 0.4
  var functionRecent = 0.2
  var functionMentioned = 10.0
}
