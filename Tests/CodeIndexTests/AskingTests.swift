import CodeIndex
import Glibc
import Paths
import TestSupport
import Testing

/// Questions in the forms that people write them in, over checkouts that git changes on the way.
@Suite struct AskingTests {
  private func git(_ directory: String, _ arguments: String...) throws {
    let names = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", "-c", "gc.auto=0"]
    let result = try runProcess(["git"] + names + arguments, cwd: directory)
    #expect(result.status == 0, "\(result.err)")
  }

  private static func open(_ scratch: TemporaryDirectory) throws -> CodeSearch {
    try CodeSearch(path: Array(scratch.path("tree").utf8), cache: Array(scratch.path("cache").utf8))
  }

  private static func lines(_ index: CodeSearch, _ pattern: String, _ revision: String? = nil) async throws -> [String]
  {
    try await index.search(SearchRequest(pattern, mode: .regex), revision: revision).results.map {
      "\($0.path.quoted):\($0.line)"
    }
  }

  private static func tree() throws -> TemporaryDirectory {
    let scratch = try TemporaryDirectory("codeindex")
    try scratch.write(
      "tree/a.py", "class Box:\n  def open(self):\n    return lift(self)\n\n\ndef lift(box): return lift(0)\n")
    try scratch.write("tree/b.py", "from a import lift\nlift(1)\nlift(2)\nlift(3)\nbox.open()\n")
    try scratch.write("tree/sub/c.js", "lift()\n")
    return scratch
  }

  /// What a filter puts on disk is another text than the blob's, whichever was read first.
  @Test(arguments: [false, true]) func whatGitConvertsIsSearchedAsItLiesOnDisk(revisionFirst: Bool) async throws {
    let scratch = try TemporaryDirectory("codeindex")
    let root = try scratch.makeDirectory("tree")
    try git(root, "init", "-q", "-b", "main")
    try git(root, "config", "filter.swap.clean", "sed s/outside/inside/")
    try git(root, "config", "filter.swap.smudge", "sed s/inside/outside/")
    try scratch.write("tree/.gitattributes", "*.dat filter=swap\n*.txt text eol=crlf\n")
    try scratch.write("tree/a.dat", "the outside\n")
    try scratch.write("tree/b.txt", "first\r\nsecond\r\n")
    try scratch.write("tree/c.md", "as it was\n")
    try git(root, "add", "-A")
    try git(root, "commit", "-qm", "all")
    try git(root, "update-index", "--assume-unchanged", "c.md")
    try scratch.write("tree/c.md", "as it is\n")
    // Git takes files for clean by their times alone.
    let index = try Self.open(scratch)
    func inRevision() async throws {
      #expect(try await Self.lines(index, "the inside", "main") == ["a.dat:1"])
      #expect(try await Self.lines(index, "the outside", "main") == [])
      #expect(try await Self.lines(index, "second$", "main") == ["b.txt:2"])
      #expect(try await Self.lines(index, "as it was", "main") == ["c.md:1"])
    }
    if revisionFirst { try await inRevision() }
    #expect(try await Self.lines(index, "the outside") == ["a.dat:1"])
    #expect(try await Self.lines(index, "the inside") == [])
    #expect(try await Self.lines(index, "second\\r$") == ["b.txt:2"])
    #expect(try await Self.lines(index, "as it is") == ["c.md:1"])
    if !revisionFirst { try await inRevision() }
    // Nothing changed: nothing is read again, and the answers stay.
    #expect(try await Self.lines(Self.open(scratch), "the outside") == ["a.dat:1"])
  }

  @Test(arguments: [
    "Box.open", " Box.open\n", "Box::open", "Box#open", "Box->open(self)", "(*Box).open", "def open(self)", "Box\\open",
    "pkg/Box.open", "Box<T>.open", "module.open",
  ])
  func namesAreReadAsTheyAreWritten(text: String) async throws {
    let scratch = try Self.tree()
    let answer = try await Self.open(scratch).search(SearchRequest(text, mode: .symbols), revision: nil)
    #expect(answer.results.map { "\($0.path.quoted):\($0.line) \($0.name ?? "")" } == ["a.py:2 Box.open"])
    #expect(answer.references.map(\.line) == [5])
  }

  /// Where there is no such name, those that hold it.
  @Test(arguments: [
    ("Bo", []), ("bo", []), ("lif", ["lift"]), ("OPE", ["Box.open"]), ("box", ["Box"]),
  ])
  func namesThatResemble(text: String, expected: [String]) async throws {
    let scratch = try Self.tree()
    let answer = try await Self.open(scratch).search(SearchRequest(text, mode: .symbols), revision: nil)
    #expect(answer.results.compactMap(\.name) == expected)
  }

  @Test func usesAreFilteredBeforeTheyAreCut() async throws {
    let scratch = try Self.tree()
    let index = try Self.open(scratch)
    var request = SearchRequest("lift", mode: .symbols, limit: 2)
    request.globs = ["*.js"]
    var answer = try await index.search(request, revision: nil)
    #expect(answer.references.map(\.path.quoted) == ["sub/c.js"])
    #expect(!answer.isCut)
    request.globs = ["b.*"]
    answer = try await index.search(request, revision: nil)
    #expect(answer.references.map(\.line) == [1, 2])
    #expect(answer.isCut)
    // The line that declares it is no use; another one in it is.
    request.globs = ["a.py"]
    #expect(try await index.search(request, revision: nil).references.map(\.line) == [3])
  }

  @Test(arguments: [
    (["*.{js,md}"], ["sub/c.js"]), (["{a,sub/c}.*"], ["a.py", "sub/c.js"]), (["./a.py"], ["a.py"]),
    (["*.{py,js}", "!{a,b}.{py,js}"], ["sub/c.js"]), (["{a.py"], []), (["./c.js"], []),
  ])
  func patternsMayHoldAlternatives(globs: [String], expected: [String]) async throws {
    var request = SearchRequest("", mode: .files)
    request.globs = globs
    let scratch = try Self.tree()
    #expect(try await Self.open(scratch).search(request, revision: nil).results.map(\.path.quoted) == expected)
  }

  @Test(arguments: ["", "[", "!", "a\\", String(repeating: "{a,b}", count: 12)])
  func patternsThatAreNoneAreRefused(glob: String) async throws {
    var request = SearchRequest("", mode: .files)
    request.globs = [glob]
    let scratch = try Self.tree()
    let index = try Self.open(scratch)
    await #expect(throws: SearchError.self) { try await index.search(request, revision: nil) }
  }

  /// A line that matches says so wherever it is shown.
  @Test func linesAroundAMatchMayMatchThemselves() async throws {
    var request = SearchRequest("lift\\(\\d", mode: .regex)
    request.globs = ["b.py"]
    request.context = 1
    let scratch = try Self.tree()
    let found = try await Self.open(scratch).search(request, revision: nil).results
    #expect(found.map { $0.lines.map(\.isMatch) } == [[false, true, true], [true, true, true], [true, true, false]])
  }
}
