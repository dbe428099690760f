import CodeIndex
import Git
import Glibc
import Paths
import TestSupport
import Testing

@Suite struct CodeSearchTests {
  private func git(_ directory: String, _ arguments: String...) throws {
    let result = try runProcess(
      [
        "git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", "-c",
        "protocol.file.allow=always",
      ]
        + arguments, cwd: directory)
    #expect(result.status == 0, "\(result.err)")
  }

  private func search(_ directory: String, _ cache: String) throws -> CodeSearch {
    try CodeSearch(path: Array(directory.utf8), cache: Array(cache.utf8))
  }

  /// A directory with everything in it that is no ordinary file.
  @Test(arguments: [false, true]) func whatIsNoTextIsNamedAndNeverFatal(inGit: Bool) async throws {
    let scratch = try TemporaryDirectory("codeindex")
    let root = try scratch.makeDirectory("tree")
    try scratch.write("tree/good.py", "def good():\n    pass\n")
    try scratch.write("tree/binary.dat", bytes: [1, 0, 2])
    try scratch.write("tree/line.js", bytes: [UInt8](repeating: 0x61, count: 3 << 20))
    try scratch.write("tree/model.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    try scratch.write("tree/latin.c", bytes: [0x2f, 0x2f, 0x20, 0xe9, 0x0a])
    #expect(symlink("loop", root + "/loop") == 0)
    #expect(symlink("..", root + "/up") == 0)
    #expect(mkfifo(root + "/pipe", 0o600) == 0)
    let odd = (Array(root.utf8) + [0x2f, 0xff, 0xfe, 0x2e, 0x70, 0x79, 0]).map { CChar(bitPattern: $0) }
    let file = open(odd, O_CREAT | O_WRONLY, 0o644)
    #expect(write(file, "def odd():\n", 11) == 11)
    close(file)
    if inGit {
      try git(root, "init", "-q")
      try git(root, "add", "good.py", "loop")
    }
    let index = try search(root, scratch.path("cache"))
    let status = try await index.prepare(revision: nil)
    #expect(status.special["binary"] == 1)
    #expect(status.special["too large"] == 1)
    #expect(status.special["LFS pointer"] == 1)
    #expect(status.special["not UTF-8"] == 1)
    #expect(status.special["symbolic link"] == 2)
    if !inGit { #expect(status.special["no regular file"] == 1) }
    let found = try await index.search(SearchRequest("odd", mode: .symbols), revision: nil)
    #expect(found.results.map(\.path.bytes) == [[0xff, 0xfe, 0x2e, 0x70, 0x79]])
  }

  @Test func submodulesAndMissingObjectsAreCounted() async throws {
    let scratch = try TemporaryDirectory("codeindex")
    let inner = try scratch.makeDirectory("inner")
    try scratch.write("inner/x.py", "x = 1\n")
    try git(inner, "init", "-q")
    try git(inner, "add", "-A")
    try git(inner, "commit", "-qm", "x")
    let root = try scratch.makeDirectory("outer")
    try git(root, "init", "-q")
    try git(root, "submodule", "add", "-q", inner, "module")
    try scratch.write("outer/keep.py", "def keep():\n    pass\n")
    try scratch.write("outer/lost.py", "def lost():\n    pass\n")
    try git(root, "add", "-A")
    try git(root, "commit", "-qm", "all")
    let blob = try runProcess(["git", "rev-parse", "HEAD:lost.py"], cwd: root).out.split(separator: "\n").joined()
    let object = root + "/.git/objects/" + blob.prefix(2) + "/" + blob.dropFirst(2)
    #expect(unlink(object) == 0)
    let index = try search(root, scratch.path("cache"))
    let status = try await index.prepare(revision: "HEAD")
    #expect(status.special == ["submodule": 1, "missing": 1, "generated": 0].filter { $0.value > 0 })
    let kept = try await index.search(SearchRequest("keep", mode: .symbols), revision: "HEAD")
    #expect(kept.results.count == 1)
  }

  @Test func aLinkedWorktreeAnswersForItself() async throws {
    let scratch = try TemporaryDirectory("codeindex")
    let root = try scratch.makeDirectory("main")
    try git(root, "init", "-q", "-b", "main")
    try scratch.write("main/a.py", "def one():\n    pass\n")
    try git(root, "add", "-A")
    try git(root, "commit", "-qm", "one")
    try git(root, "worktree", "add", "-q", "../side", "-b", "side")
    try scratch.write("side/a.py", "def two():\n    pass\n")
    let side = try search(scratch.path("side"), scratch.path("cache"))
    #expect(try await side.search(SearchRequest("two", mode: .symbols), revision: nil).results.count == 1)
    #expect(try await side.search(SearchRequest("one", mode: .symbols), revision: nil).results.isEmpty)
    let main = try search(root, scratch.path("cache"))
    #expect(try await main.search(SearchRequest("one", mode: .symbols), revision: nil).results.count == 1)
  }

  @Test(arguments: [
    (["*.py"], [], ["a/x.py", "b/y.py"]), (["a/**"], [], ["a/x.py", "a/z.go"]), (["!a/"], [], ["b/y.py"]),
    ([], ["go"], ["a/z.go"]), (["x.*", "!*.go"], ["python"], ["a/x.py"]),
  ])
  func filtersNarrow(globs: [String], languages: [String], expected: [String]) async throws {
    let scratch = try TemporaryDirectory("codeindex")
    for name in ["a/x.py", "a/z.go", "b/y.py"] { try scratch.write("tree/\(name)", "word\n") }
    let index = try search(scratch.path("tree"), scratch.path("cache"))
    let answer = try await index.search(
      SearchRequest("word", mode: .regex, globs: globs, languages: languages), revision: nil)
    #expect(answer.results.map(\.path.quoted) == expected)
  }
}
