import CodeIndex
import Paths
import TestSupport
import Testing

private func open(_ files: [String: String]) async throws -> Index {
  try #require(await Index.open(source: MemorySource(files), directory: Array("/tmp/none-ranking".utf8)))
}

private func paths(_ hits: [SearchHit]) -> [String] { hits.map(\.path.quoted) }

@Suite struct RankingTests {
  private let shop = [
    "src/cart.py": "class Cart:\n    def total(self):\n        return sum(item.price for item in self.items)\n",
    "src/keep.py": "def pool():\n    return keepAliveTimeout(3)\n",
    "src/alive.py": "def keep(a):\n    b = alive(a)\n    c = timeout(b)\n    return c\n",
    "tests/test_cart.py":
      "def test_total_of_cart():\n    cart = Cart()\n    assert cart.total() == 6\n",
    "docs/cart.md": "A cart has a total: the sum of its prices.\n",
  ]

  @Test func testsAndDocumentsStandBehindCodeThoughAReportMentionsThem() async throws {
    let index = try await open(shop)
    let hits = try await index.search(
      "Total of the cart is wrong\n\nI added tests and a line of the docs.", isRegex: false, below: nil, limit: 5)
    #expect(paths(hits).first == "src/cart.py")
  }

  @Test func aFirstLineThatAsksForTestsGetsThem() async throws {
    let index = try await open(shop)
    let hits = try await index.search("test for the total of the cart", isRegex: false, below: nil, limit: 5)
    #expect(paths(hits).first == "tests/test_cart.py")
  }

  @Test func neighbouringWordsFindTheNameThatTheyMake() async throws {
    let index = try await open(shop)
    let hits = try await index.search("keep alive timeout ignored", isRegex: false, below: nil, limit: 5)
    #expect(paths(hits).prefix(2).contains("src/keep.py"))
  }

  @Test func aNameWrittenAsItIsDefinedFindsItsFile() async throws {
    let index = try await open([
      "a/one.go": "package a\n\nfunc ParseHeader(s string) int {\n\treturn len(s)\n}\n",
      "a/two.go": "package a\n\nfunc Parse() {\n\tParseHeader(header)\n\tParseHeader(header)\n}\n",
    ])
    let hits = try await index.search("ParseHeader is slow", isRegex: false, below: nil, limit: 5)
    #expect(paths(hits).first == "a/one.go")
  }

  /// The same words everywhere; only in one file do they stand as the task has them.
  @Test(arguments: [
    ("the retry budget is never refilled", "a = retry_budget(1)", "b = budget(retry(1))"),
    ("it prints `no route: %s` for nothing", "log(\"no route: %s\")", "log(\"no %s route\")"),
  ])
  func wordsSideBySideAndQuotesDecide(task: String, wanted: String, other: String) async throws {
    var files: [String: String] = [:]
    for number in 0..<6 { files["src/f\(number).py"] = "def f():\n    \(number == 4 ? wanted : other)\n    pass\n" }
    let index = try await open(files)
    let hits = try await index.search(task, isRegex: false, below: nil, limit: 5)
    #expect(paths(hits).first == "src/f4.py")
  }

  @Test func functionsThatAreNamedStandFirstAndOneFileDoesNotTakeAllPlaces() async throws {
    let scratch = try TemporaryDirectory()
    var crowd = ""
    for number in 0..<30 { crowd += "def part\(number)(socket):\n    socket.drain(socket)\n    return socket\n\n" }
    try scratch.write("tree/crowd.py", crowd)
    try scratch.write(
      "tree/one.py", "def drain_socket(item):\n    while item.more():\n        item.next()\n    return item\n")
    let index = try CodeSearch(path: Array((scratch.path + "/tree").utf8), cache: Array((scratch.path + "/cache").utf8))
    let answer = try await index.search(SearchRequest("drain of a socket hangs", limit: 10), revision: nil)
    #expect(answer.functions.prefix(2).contains { $0.name == "drain_socket" })
  }
}
