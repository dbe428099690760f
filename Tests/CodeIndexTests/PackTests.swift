import CodeIndex
import Paths
import TestSupport
import Testing

/// The code that a run begins with.
@Suite struct PackTests {
  private let shop = [
    "shop/cart/total.py":
      "from shop.money import rounded\n\n\nclass Cart:\n    def discounted_total(self, percent):\n"
      + "        raw = sum(item.price for item in self.items)\n        return rounded(raw * (100 - percent) / 100)\n",
    "shop/cart/item.py": "class Item:\n    def __init__(self, price):\n        self.price = price\n",
    "shop/money.py":
      "def rounded(amount):\n    \"\"\"Half a cent goes up.\"\"\"\n    return int(amount + 0.5)\n\n\ndef unrelated():\n    pass\n",
    "shop/pages/checkout.py":
      "from shop.cart.total import Cart\n\n\ndef show_checkout(cart, person):\n    lines = person.lines()\n"
      + "    lines += [cart.discounted_total(person.percent)]\n    return lines\n",
    "tests/test_cart.py":
      "from shop.cart.total import Cart\n\n\ndef test_discount_is_taken():\n    cart = Cart()\n"
      + "    assert cart.discounted_total(10) == 90\n",
  ]

  private func pack(
    _ files: [String: String], task: String, failures: [String] = [], tokens: Int = 3000
  ) async throws -> ContextPack {
    let index = try #require(await Index.open(source: MemorySource(files), directory: []))
    return try #require(
      await index.pack(task: task, failures: failures, places: [], budgetTokens: tokens, patience: .seconds(20)))
  }

  private func reasons(_ pack: ContextPack, _ path: String) -> [String] {
    pack.places.filter { $0.path.quoted == path }.map(\.why)
  }

  @Test func whatTheBestCodeCallsAndWhatCallsItIsThere() async throws {
    let pack = try await pack(shop, task: "discounted total of a cart is wrong")
    let best = try #require(reasons(pack, "shop/cart/total.py").first)
    #expect(best.hasPrefix("`Cart.discounted_total`: fits the words of the task: "))
    #expect(Set(best.split(separator: ": ").last?.split(separator: ", ") ?? []) == ["discounted", "total"])
    #expect(reasons(pack, "shop/money.py") == ["`discounted_total` uses `rounded`"])
    #expect(reasons(pack, "shop/pages/checkout.py").contains { $0.contains("show_checkout") })
    #expect(pack.text.contains("return int(amount + 0.5)"))
    #expect(!reasons(pack, "shop/money.py").contains { $0.contains("unrelated") })
  }

  @Test func aNameThatAnotherLanguageDefinesIsNotUsed() async throws {
    var files = shop
    files["tools/report.go"] = "package tools\n\nfunc percent() int {\n\treturn 1\n}\n"
    files["shop/raw.py"] = "def percent():\n    return 1\n"
    let pack = try await pack(files, task: "discounted total of a cart is wrong")
    #expect(!pack.places.contains { $0.why.contains("uses `percent`") && $0.path.quoted == "tools/report.go" })
    #expect(reasons(pack, "shop/money.py") == ["`discounted_total` uses `rounded`"])
  }

  @Test(arguments: [
    "tests/test_cart.py::test_discount_is_taken[10]", "test_discount_is_taken()",
  ])
  func aFailingTestIsShownThoughOnlyItsNameIsKnown(failure: String) async throws {
    let pack = try await pack(shop, task: "", failures: [failure + "\nassert 91 == 90"])
    #expect(reasons(pack, "tests/test_cart.py").first == "a failing test")
    #expect(pack.text.contains("assert cart.discounted_total(10) == 90"))
  }

  @Test func theMapGoesByDirectoryAndShowsNamesThatMatter() async throws {
    var files = shop
    let many = (0..<60).map { "def helper_\($0)():\n    pass\n" }.joined() + "def checkout_total():\n    pass\n"
    files["shop/pages/helpers.py"] = many
    let pack = try await pack(files, task: "checkout total is shown twice")
    let map = try #require(pack.text.split(separator: "\n\n## ").first)
    #expect(map.contains("\nshop/pages/\n"))
    #expect(map.contains("- helpers.py (61 lines)") || map.contains("- helpers.py (122 lines)"))
    let line = map.split(separator: "\n").first { $0.contains("helpers.py") } ?? ""
    #expect(line.contains("checkout_total"))
    #expect(line.split(separator: ",").count <= 10)
    #expect(pack.mapped.contains { $0.quoted == "shop/pages/helpers.py" })
    let order = map.split(separator: "\n").filter { $0.hasSuffix("/") }
    #expect(Set(order).count == order.count)
  }

  @Test(arguments: [500, 700, 1000, 2000, 6000]) func itStaysInItsBudget(tokens: Int) async throws {
    var files: [String: String] = [:]
    for number in 0..<80 {
      let body = (0..<30).map { "    value = discounted_total_\($0)(cart_\(number))\n" }.joined()
      files["src/d\(number % 7)/file_\(number).py"] =
        "def discounted_total_\(number % 40)(cart):\n\(body)    return value\n"
    }
    let pack = try await pack(files, task: "discounted total of the cart", tokens: tokens)
    #expect(pack.text.utf8.count <= 4 * tokens)
    #expect(pack.text.utf8.count > tokens)
    #expect(!pack.places.isEmpty)
    for place in pack.places { #expect(!place.why.isEmpty && place.line <= place.endLine) }
  }
}
