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

  private func functions(_ files: [String: String], _ task: String, limit: Int = 10) async throws -> [SearchAnswer
    .Result]
  {
    let scratch = try TemporaryDirectory()
    for (path, text) in files { try scratch.write("tree/" + path, text) }
    let index = try CodeSearch(path: Array((scratch.path + "/tree").utf8), cache: Array((scratch.path + "/cache").utf8))
    return try await index.search(SearchRequest(task, limit: limit), revision: nil).functions
  }

  @Test func theFunctionsOfAFileWithManyShareWhatSpeaksForIt() async throws {
    var crowd = ""
    for number in 0..<40 {
      crowd += "def step\(number)(lease):\n    lease.renew(\(number))\n    return lease.expired(renew)\n\n"
    }
    let found = try await functions(
      [
        "src/crowd.py": crowd,
        "src/two.py":
          "def extend(lease):\n    lease.renew(1)\n    return lease.expired(renew)\n\ndef other(a):\n    return a\n",
      ], "renew of an expired lease")
    #expect(found.first?.path == RepoPath("src/two.py"))
    #expect(found.contains { $0.path == RepoPath("src/crowd.py") })
  }

  @Test func theClassOfAMethodSpeaksForIt() async throws {
    let method = "    def flush(self):\n        self.out.write(self.held)\n        self.held = None\n"
    let found = try await functions(
      ["src/all.py": "class Alpha:\n\(method)\nclass Journal:\n\(method)\nclass Omega:\n\(method)"],
      "flush of the journal forgets what it held")
    #expect(found.first?.name == "Journal.flush")
  }

  @Test func functionsInsideShownOnesAndCopiesTakeNoPlace() async throws {
    let text =
      "def renew_lease(holder):\n    def step(a):\n        return a.lease\n    while lease.expired(holder):\n"
      + "        renew(holder, step)\n    return expired\n\ndef close(a):\n    return a.lease\n"
    let found = try await functions(
      ["a/pool.py": text, "b/pool.py": text + "\nlast = 1\n"], "renew of an expired lease by its holder")
    #expect(found.map(\.name) == ["renew_lease", "close"])
    #expect(found.map(\.score) == found.map(\.score).sorted(by: >))
  }

  @Test func functionsThatOneFileNamesAlikeAreAllShown() async throws {
    let found = try await functions(
      ["a/pool.ts": (0..<3).map { "class P\($0) {\n  drain(socket) {\n    return socket\n  }\n}\n" }.joined()],
      "drain of a socket hangs")
    #expect(found.map(\.name) == ["P0.drain", "P1.drain", "P2.drain"])
  }

  private static let modules: [String: String] = {
    var files: [String: String] = [:]
    for number in 0..<8 {
      files["src/part\(number)/reader.py"] =
        "def read(a):\n    return a\n\n\ndef skip(b):\n    return b + \(number)\n\n\nclass Reader:\n    pass\n"
    }
    files["src/part3/mod.inner.py"] = "def inner():\n    pass\n"
    files["setup.py"] = "def setup():\n    pass\n"
    return files
  }()

  /// Traces, compilers and people name files in many ways; ¶ is a line end.
  @Test(arguments: [
    ("skip fails in src/part5/reader.py", "src/part5/reader.py"),
    ("skip fails in `part5/reader.py`.", "src/part5/reader.py"),
    ("read fails¶  File \"/home/ci/build/src/part6/reader.py\", line 6, in read", "src/part6/reader.py"),
    ("read fails¶    at read (C:\\ci\\src\\part2\\reader.py:6:3)", "src/part2/reader.py"),
    ("read fails: ./src/part1/reader.py:6: error", "src/part1/reader.py"),
    ("read fails, see a/src/part4/reader.py#L6", "src/part4/reader.py"),
    ("read of mod.inner.py fails", "src/part3/mod.inner.py"), ("read: setup.py.", "setup.py"),
    ("read fails in C# at Read() in /ci/src/part7/reader.py:line 6", "src/part7/reader.py"),
  ])
  func filesThatTheTextNamesComeFirst(task: String, wanted: String) async throws {
    let index = try await open(Self.modules)
    let text = task.replacing("¶", with: "\n")
    let hits = try await index.search(text, isRegex: false, below: nil, limit: 3)
    #expect(paths(hits).first == wanted)
    #expect(hits.first?.why.first == "named in the text")
    if task.contains("6") { #expect(hits.first?.name == "skip") }
  }

  @Test(arguments: [
    "read https://example.org/reader.py", "read node.js", "read /usr/lib/python3/reader.py", "read 3.14 e.g. a/b",
    "read reader.py", "read ...///", "read :::#L.py:99999999999999",
  ])
  func whatNamesNoFileOrTooManyRaisesNone(task: String) async throws {
    let index = try await open(Self.modules)
    let hits = try await index.search(task, isRegex: false, below: nil, limit: 20)
    #expect(!hits.contains { $0.why.contains("named in the text") })
  }

  @Test func theLineThatIsNamedIsShownThoughItHoldsNoWordOfTheTask() async throws {
    let scratch = try TemporaryDirectory()
    for (path, text) in Self.modules { try scratch.write("tree/" + path, text) }
    let search = try CodeSearch(
      path: Array((scratch.path + "/tree").utf8), cache: Array((scratch.path + "/cache").utf8))
    let answer = try await search.search(SearchRequest("TypeError at src/part5/reader.py:6"), revision: nil)
    #expect(answer.functions.first?.name == "skip")
    #expect(answer.functions.first?.path == RepoPath("src/part5/reader.py"))
  }

  @Test(arguments: [
    "AppSamples", "app-examples", "UnitTests.Net4", "test_suite", "integrationTest", "test-types", "CrashTester",
  ])
  func directoriesOfSamplesAndTestsAreKnownByTheWordsOfTheirNames(directory: String) async throws {
    let text = "def total(cart):\n    return cart\n"
    let index = try await open(["\(directory)/a.py": text, "zebra/b.py": text])
    let hits = try await index.search("total of the cart", isRegex: false, below: nil, limit: 3)
    #expect(paths(hits).first == "zebra/b.py")
  }

  @Test(arguments: ["CartBenchmark.java", "cart_bench.go"])
  func benchmarksAreKnownByTheirNames(name: String) async throws {
    let text = "def total(cart):\n    return cart\n"
    let index = try await open(["a/\(name)": text, "b/CartZebraMarkings.java": text, "b/cart_zebra.go": text])
    let hits = try await index.search("total of the cart", isRegex: false, below: nil, limit: 3)
    #expect(paths(hits).last == "a/\(name)")
  }
}
