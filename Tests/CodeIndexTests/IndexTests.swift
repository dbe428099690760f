import CodeIndex
import Paths
import Synchronization
import Testing

private let shop = [
  "src/cart.py": """
  class Cart:
      def add_item(self, item, count=1):
          \"\"\"Put an article into the shopping cart.\"\"\"
          self.items.append((item, count))

      def total(self):
          return sum(item.price * count for item, count in self.items)
  """,
  "src/discount.py": """
  from cart import Cart

  def apply_discount(cart, percent):
      if percent > 100:
          raise ValueError("discount larger than the price")
      return cart.total() * (100 - percent) / 100
  """,
  "tests/test_cart.py": """
  def test_total():
      cart = Cart()
      cart.add_item(Item(3), 2)
      assert cart.total() == 6
  """,
  "README.md": "A shop with a cart and a discount.\n",
]

private func open(_ files: [String: String]) async throws -> (Index, MemorySource) {
  let source = MemorySource(files)
  let index = try #require(await Index.open(source: source, directory: Array("/tmp/none-\(files.count)".utf8)))
  return (index, source)
}

@Suite struct IndexTests {
  @Test func wordsFindTheCodeBeforeItsTests() async throws {
    let (index, _) = try await open(shop)
    let hits = try await index.search("total of the cart is wrong", isRegex: false, below: nil, limit: 10)
    let first = try #require(hits.first)
    #expect(first.path.quoted == "src/cart.py")
    #expect(first.name == "Cart.total")
    #expect(first.line == 6 && first.endLine == 7)
    #expect(String(decoding: first.excerpt, as: UTF8.self).contains("6\t    def total(self):"))
    let below = try await index.search("cart", isRegex: false, below: RepoPath("tests"), limit: 10)
    #expect(below.map(\.path.quoted) == ["tests/test_cart.py"])
  }

  @Test func aLiteralErrorTextIsFoundAsItIs() async throws {
    let (index, _) = try await open(shop)
    let hits = try await index.search("discount larger than the price", isRegex: false, below: nil, limit: 3)
    #expect(hits.first?.path.quoted == "src/discount.py")
    #expect(hits.first?.why.first == "holds the text as it is")
  }

  @Test func regularExpressionsAreExact() async throws {
    let (index, _) = try await open(shop)
    let hits = try await index.search(#"def \w+\(self"#, isRegex: true, below: nil, limit: 10)
    #expect(hits.map(\.line) == [2, 6])
    #expect(hits.map(\.name) == ["Cart.add_item", "Cart.total"])
    await #expect(throws: SearchError.self) { try await index.search("(a", isRegex: true, below: nil, limit: 1) }
  }

  @Test func namesHaveDefinitionsAndUses() async throws {
    let (index, _) = try await open(shop)
    let found = try await index.symbol("Cart.total", limit: 10)
    #expect(found.definitions.map(\.line) == [6])
    #expect(found.definitions.first?.signature == "(self)")
    #expect(found.definitions.first?.kind == "method")
    #expect(found.references.map(\.path.quoted) == ["src/discount.py", "tests/test_cart.py"])
  }

  @Test func changesOfARunAreFollowed() async throws {
    let (index, source) = try await open(shop)
    _ = try await index.search("cart", isRegex: false, below: nil, limit: 1)
    source.write("src/voucher.py", Array("def redeem_voucher(code):\n    pass\n".utf8))
    source.write("src/discount.py", nil)
    await index.refresh(changed: [RepoPath("src/voucher.py")!, RepoPath("src/discount.py")!])
    #expect(try await index.symbol("redeem_voucher", limit: 5).definitions.count == 1)
    #expect(try await index.symbol("apply_discount", limit: 5).definitions.isEmpty)
  }

  @Test func aPackNamesItsReasons() async throws {
    let (index, _) = try await open(shop)
    let pack = try #require(
      await index.pack(
        task: "discount over 100 percent", failures: ["test_total\nassert 7 == 6"],
        places: [(RepoPath("tests/test_cart.py")!, 4)], budgetTokens: 2000, patience: .seconds(10)))
    #expect(pack.text.contains("apply_discount"))
    #expect(pack.places.contains { $0.path.quoted == "tests/test_cart.py" && $0.why.contains("failing test") })
    #expect(pack.places.contains { $0.path.quoted == "src/discount.py" })
    #expect(pack.text.utf8.count <= 8000)
  }
}
