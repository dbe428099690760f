import Paths
import TestReports

/// Words that the failing tests write in strings: what a list or a pattern of the program may leave out.
extension Clues {
  private static let mostFragments = 24
  private static let longestFragment = 30

  /// Adds the words of the strings in failing tests, those first that other tests have least.
  mutating func addFragments(of tests: [SourceFile], brief: RepairBrief) {
    var found: [(word: String, order: Int)] = []
    var seen: Set<String> = []
    var counts: [String: Int] = [:]
    for file in tests {
      let ranges = Self.failingFunctions(of: file, brief)
      guard !ranges.isEmpty else { continue }
      for index in file.tokens.indices where file.tokens[index].kind == .string {
        let words = Self.fragments(of: file.texts[index])
        for word in words { counts[word, default: 0] += 1 }
        guard ranges.contains(where: { $0.contains(index) }) else { continue }
        for word in words where seen.insert(word).inserted { found.append((word, found.count)) }
      }
    }
    found.sort { (counts[$0.word] ?? 0, $0.order) < (counts[$1.word] ?? 0, $1.order) }
    fragments = found.prefix(Self.mostFragments).map(\.word)
  }

  /// The functions of a file of tests that failed, as tokens.
  private static func failingFunctions(of file: SourceFile, _ brief: RepairBrief) -> [ClosedRange<Int>] {
    var result: [ClosedRange<Int>] = []
    for outcome in brief.report.tests where outcome.result == .failed || outcome.result == .errored {
      let name = outcome.name.prefix { $0 != "[" }
      let last = name.split(whereSeparator: { ".:/ ".contains($0) }).last.map(String.init) ?? outcome.name
      for function in file.functions where function.name == last { result.append(function.first...function.last) }
      // The rows of a table of tests stand before their function.
      guard outcome.name.contains("["), let function = file.functions.first(where: { $0.name == last }) else {
        continue
      }
      var start = function.first
      let limit = max(0, start - 2000)
      while start > limit, !file.functions.contains(where: { $0.last == start - 1 }) { start -= 1 }
      result.append(start...function.first)
      if result.count > 40 { break }
    }
    return result
  }

  /// The text of a string literal and the words in it.
  private static func fragments(of literal: String) -> [String] {
    guard literal.utf8.count < 2000, let quote = literal.last, quote == "'" || quote == "\"",
      let open = literal.firstIndex(of: quote)
    else { return [] }
    let content = literal[literal.index(after: open)...].dropLast()
    var result: [String] = []
    func add(_ text: Substring) {
      guard !text.isEmpty, text.utf8.count <= longestFragment, !text.utf8.contains(0x5c), !text.contains("'"),
        !text.contains("\""), !result.contains(String(text))
      else { return }
      result.append(String(text))
    }
    add(content)
    for word in content.split(whereSeparator: { $0.isWhitespace }) {
      add(word)
      for part in word.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" }) { add(part) }
      if result.count > 60 { break }
    }
    return result
  }
}
