import CodeIndex
import Paths
import Synchronization
import TestSupport
import Testing

/// The index narrows, the files decide: its answers are those of a plain scan.
@Suite struct LineSearchTests {
  private let scratch: TemporaryDirectory

  init() throws { scratch = try TemporaryDirectory("codeindex") }

  private func search() throws -> CodeSearch {
    try CodeSearch(path: Array(scratch.path("tree").utf8), cache: Array(scratch.path("cache").utf8))
  }

  /// Lines of few letters, so that patterns meet often.
  private func fill(_ files: Int, _ generator: inout Seeded) throws {
    let words = ["abcd", "xfgh", "ABcd", "Qe", "ijk", "e", "x", " ", "(", "fgh.", "b"]
    for file in 0..<files {
      var text = ""
      for _ in 0..<Int.random(in: 0...12, using: &generator) {
        for _ in 0..<Int.random(in: 0...6, using: &generator) { text += words.randomElement(using: &generator) ?? "" }
        text += "\n"
      }
      if file % 9 == 0 { text += "abcd without an end" }
      try scratch.write("tree/d\(file % 7)/f\(file).txt", text)
    }
  }

  private func places(_ results: [SearchAnswer.Result]) -> [String] { results.map { "\($0.path.quoted):\($0.line)" } }

  @Test func answersAreThoseOfAPlainScan() async throws {
    var generator = Seeded(11)
    try fill(150, &generator)
    let search = try search()
    let pieces = [
      "ab", "cd", "x+", "(ab|cd)", "[ab]", "e?", ".", "fgh", "(ijk)*", "Q", "^", "$", "\\(", "abcd", "[^x]",
    ]
    for round in 0..<40 {
      let pattern = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
        pieces.randomElement(using: &generator) ?? ""
      }.joined()
      let ignoresCase = round % 3 == 0
      let plain = try runProcess(
        ["env", "LC_ALL=C", "grep", "-rnE"] + (ignoresCase ? ["-i"] : []) + ["-e", pattern, "."],
        cwd: scratch.path("tree"))
      let expected = plain.out.split(separator: "\n").map { line in
        line.dropFirst(2).split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).prefix(2).joined(
          separator: ":")
      }
      let answer = try await search.search(
        SearchRequest(pattern, mode: .regex, limit: 100_000, ignoresCase: ignoresCase), revision: nil)
      #expect(places(answer.results).sorted() == expected.sorted(), "\(pattern)")
      #expect(answer.results.map(\.path) == answer.results.map(\.path).sorted())
    }
  }

  @Test(arguments: [1, 2, 37, 1_000_000]) func whatIsGivenAwayIsTheAnswerAndNoMore(limit: Int) async throws {
    var generator = Seeded(12)
    try fill(700, &generator)
    let search = try search()
    let request = SearchRequest("b|e", mode: .regex, limit: limit, context: 1)
    let whole = try await search.search(request, revision: nil)
    let parts = Mutex<[[SearchAnswer.Result]]>([])
    let answer = try await search.lines(request, revision: nil) { results in parts.withLock { $0.append(results) } }
    let given = parts.withLock { $0 }
    #expect(given.flatMap(\.self) == whole.results && answer.isCut == whole.isCut && answer.results.isEmpty)
    #expect(given.allSatisfy { !$0.isEmpty } && whole.results.count <= limit)
    #expect(whole.isCut == (limit < 1000))
    if limit > 1000 { #expect(given.count > 2) }
  }

  @Test func nothingIsGivenAwayForABadPatternAndNothingAfterAFailure() async throws {
    var generator = Seeded(13)
    try fill(300, &generator)
    let search = try search()
    let calls = Atomic<Int>(0)
    await #expect(throws: SearchError.self) {
      _ = try await search.lines(SearchRequest("a(b", mode: .regex), revision: nil) { _ in
        calls.wrappingAdd(1, ordering: .relaxed)
      }
    }
    #expect(calls.load(ordering: .relaxed) == 0)
    struct Full: Error {}
    await #expect(throws: Full.self) {
      _ = try await search.lines(SearchRequest("b", mode: .regex, limit: 100_000), revision: nil) { _ in
        calls.wrappingAdd(1, ordering: .relaxed)
        throw Full()
      }
    }
    #expect(calls.load(ordering: .relaxed) == 1)
  }
}
