import IndexKernel

/// The lines of a unit that say most about a query.
enum Excerpt {
  struct Shown {
    var line: Int
    var endLine: Int
    var text: [UInt8]
  }

  /// At most `most` lines, each with its number before it.
  static func best(
    _ content: [UInt8], _ unit: FileAnalysis.Unit?, _ query: Query, _ idf: [Double], around wanted: Int? = nil,
    most: Int = 4
  ) -> Shown {
    let lines = LineIndex(content)
    let first = max(1, unit.map { Int($0.line) } ?? 1)
    let last = min(lines.count, unit.map { Int($0.endLine) } ?? lines.count)
    guard first <= last, !content.isEmpty else { return Shown(line: first, endLine: first, text: []) }
    var scored: [(line: Int, score: Double)] = []
    for number in first...last {
      let line = Array(content[lines.range(number - 1)].prefix(400))
      var score = number == wanted ? 1000.0 : 0
      var seen: Set<Int> = []
      for term in TermScanner.terms(line) {
        if let place = find(term, query.terms), seen.insert(place).inserted {
          score += query.weights[place] * idf[place]
        }
      }
      if score > 0 { scored.append((number, score)) }
    }
    if scored.isEmpty { scored = [(first, 0)] }
    scored.sort { ($1.score, $0.line) < ($0.score, $1.line) }
    let chosen = scored.prefix(most).map(\.line).sorted()
    var text: [UInt8] = []
    for number in chosen {
      if !text.isEmpty { text.append(0x0a) }
      text.append(contentsOf: "\(number)\t".utf8)
      text.append(contentsOf: content[lines.range(number - 1)].prefix(300))
    }
    return Shown(
      line: unit == nil ? chosen[0] : first, endLine: unit == nil ? chosen[chosen.count - 1] : last, text: text)
  }

  /// Where a term stands among ascending ones.
  static func find(_ term: UInt32, _ terms: [UInt32]) -> Int? {
    var low = 0
    var high = terms.count
    while low < high {
      let middle = (low + high) >> 1
      if terms[middle] < term { low = middle + 1 } else { high = middle }
    }
    return low < terms.count && terms[low] == term ? low : nil
  }

  static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var rest = line
    while let byte = rest.first, byte <= 0x20 { rest = rest.dropFirst() }
    while let byte = rest.last, byte <= 0x20 { rest = rest.dropLast() }
    return rest
  }
}
