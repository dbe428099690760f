import Glibc
import JSON
import TestSupport
import Testing

/// `codeagent index` and `codeagent search` through the real binary.
@Suite struct SearchTests {
  private static let files = [
    "src/cart.py":
      "class Cart:\n    def total(self):\n        return sum(self.prices)\n\n    def add(self, price):\n"
      + "        self.prices.append(price)\n",
    "src/shop.go": "package shop\n\nfunc OpenShop(name string) error {\n\treturn nil\n}\n",
    "tests/test_cart.py": "def test_total():\n    assert Cart().total() == 0\n",
    "logo.png": "\u{0}\u{1}",
  ]

  private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text) }

  @Test func theCheckoutIsSearchedAsItLiesOnDisk() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Self.files)
    let index = try await scratch.codeagent("index", "--json")
    #expect(index.status == 0, "\(index.shown)")
    #expect(try json(index.out)["files"] == 4)
    #expect(try json(index.out)["skipped"]?["binary"] == 1)
    _ = try scratch.directory.write("project/src/voucher.py", "def redeem_voucher(code):\n    return code\n")
    let words = try await scratch.codeagent("search", "--json", "--", "redeem a voucher")
    #expect(words.status == 0, "\(words.shown)")
    let first = try json(words.out)
    #expect(first["results"]?[0]?["path"] == "src/voucher.py")
    #expect(first["functions"]?[0]?["name"] == "redeem_voucher")
    let regex = try await scratch.codeagent("search", "--regex", "--glob", "*.py", "-i", "--", "TOTAL\\(")
    #expect(
      regex.out
        == "src/cart.py:2:    def total(self):\ntests/test_cart.py:1:def test_total():\n"
        + "tests/test_cart.py:2:    assert Cart().total() == 0\n")
    let around = try await scratch.codeagent("search", "--regex", "-C", "1", "--lang", "go", "--", "OpenShop")
    #expect(
      around.out == "src/shop.go-2-\nsrc/shop.go:3:func OpenShop(name string) error {\nsrc/shop.go-4-\treturn nil\n")
    let symbol = try await scratch.codeagent("search", "--symbols", "--", "Cart.total")
    #expect(symbol.out.hasPrefix("src/cart.py:2: method Cart.total(self)\n"), "\(symbol.shown)")
    let files = try await scratch.codeagent("search", "--files", "--", "cart")
    #expect(files.out == "src/cart.py\ntests/test_cart.py\n")
    let nothing = try await scratch.codeagent("search", "--regex", "--", "no such text")
    #expect(nothing.status == 1 && nothing.out.isEmpty)
  }

  @Test func nothingNewerThanTheRevisionAnswers() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Self.files)
    _ = try scratch.directory.write("project/src/cart.py", "class Basket:\n    def total_price(self):\n        pass\n")
    try scratch.git("commit", "-qam", "the basket's total price")
    let old = try await scratch.codeagent("search", "--json", "--rev", "HEAD~1", "--regex", "--", "Basket|Cart:")
    #expect(try json(old.out)["results"]?.array?.map { $0["line"] } == [1])
    #expect(!old.out.contains("Basket"))
    try scratch.git("clone", "-q", "--bare", ".", "../bare.git")
    let bare = try await scratch.codeagent(
      "search", "--repo", scratch.directory.path("bare.git"), "--json", "--", "basket total price")
    #expect(try json(bare.out)["results"]?[0]?["path"] == "src/cart.py", "\(bare.shown)")
  }

  @Test func aBatchAnswersEveryLine() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Self.files)
    let input = """
      {"id": 7, "rev": "HEAD", "query": "total of the cart"}
      {"id": 8, "query": "open the shop"

      [1]
      {"id": "x", "rev": "no-such-revision", "query": "cart"}
      {"id": "y", "rev": 3, "query": "cart"}
      {"id": "r", "query": "def \\\\w+", "mode": "regex"}
      {"id": "s", "query": "no such text", "mode": "regex"}
      {"id": "t", "query": "(", "mode": "regex"}
      {"id": "z", "query": "\\u0000\\ud83d\\ude00 \(String(repeating: "cart ", count: 2000))"}
      """
    let result = try await scratch.codeagent("search", "--batch", input: input)
    #expect(result.status == 0, "\(result.shown)")
    let answers = try result.out.split(separator: "\n").map { try json(String($0)) }
    #expect(answers.map { $0["id"] } == [7, .null, .null, "x", "y", "r", "s", "t", "z"])
    #expect(
      answers.map { $0["error"] == nil } == [true, false, false, false, false, true, true, false, true])
    #expect(answers[0]["results"]?[0]?["path"] == "src/cart.py")
    #expect(answers[0]["functions"]?[0]?["name"] == "Cart.total")
    #expect((answers[5]["results"]?.array?.count ?? 0) > 1 && answers[5]["ms"] != nil && answers[5]["cut"] == false)
    #expect(answers[6]["results"]?.array?.isEmpty == true && answers[6]["ms"] != nil)
  }

  /// Whatever moment a process is killed at, the next one answers.
  @Test func aKilledIndexerLeavesNothingBehind() async throws {
    let scratch = try Scratch()
    var files = Self.files
    for number in 0..<200 {
      files["lib/f\(number).py"] = (0..<60).map { "def f\(number)_\($0)(a, b):\n    return a + b\n\n" }.joined()
    }
    try scratch.makeProject(files)
    for step in 0..<4 {
      let running = try scratch.start("index")
      try await Task.sleep(for: .milliseconds(60 * step * step))
      running.signal(SIGKILL)
      _ = running.finish()
    }
    let found = try await scratch.codeagent("search", "--symbols", "--", "f199_59")
    #expect(found.out.hasPrefix("lib/f199.py:178: function f199_59(a, b)\n"), "\(found.shown)")
    let all = try await scratch.codeagent("search", "--regex", "--json", "--limit", "100000", "--", "def f\\d+_7\\(")
    #expect(try json(all.out)["results"]?.array?.count == 200)
  }

  @Test(arguments: ["> /dev/full", "< /dev/null > /dev/full", "--json > /dev/full"])
  func whatCannotBeWrittenIsAnError(rest: String) async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Self.files)
    let result = try await runningProcess(
      ["sh", "-c", "\"$0\" search --regex \(rest) -- total", builtProduct("codeagent")],
      environment: scratch.environment(), cwd: scratch.project)
    #expect(result.status == 7, "\(result.shown)")
    #expect(result.err.contains("cannot write to standard output"))
  }

  /// Files that are opened do not take the places of closed streams.
  @Test func closedStreamsAreAsIfEmpty() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Self.files)
    let result = try await runningProcess(
      ["sh", "-c", "\"$0\" search --batch <&-", builtProduct("codeagent")], environment: scratch.environment(),
      cwd: scratch.project)
    #expect(result.status == 0 && result.out.isEmpty, "\(result.shown)")
  }

  @Test(arguments: [
    (["search"], 2), (["search", "--regex", "--", "("], 2), (["search", "--lang", "latin", "--", "x"], 2),
    (["search", "--repo", "/no/such", "--", "x"], 2), (["search", "--rev", "nothing", "--", "x"], 7),
    (["search", "--regex", "--files", "--", "x"], 2), (["search", "--glob", "[", "--", "x"], 2),
    (["index", "/no/such"], 2), (["index", "--rev", "nothing"], 7),
  ])
  func mistakesAreNamed(arguments: [String], status: Int) async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Self.files)
    let result = try await runningProcess(
      [builtProduct("codeagent")] + arguments, environment: scratch.environment(), cwd: scratch.project)
    #expect(result.status == Int32(status), "\(result.shown)")
    #expect(!result.err.isEmpty && !result.err.contains("Fatal error"))
  }
}
