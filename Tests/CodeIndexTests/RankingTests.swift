import CodeIndex
import Paths
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
}
