import Glibc
import Paths
import TestSupport
import Testing

@testable import Git

@Suite("diffs and merges")
struct DiffTests {
  private let file: RepoPath

  init() throws { file = try repoPath("f") }

  private func diff(_ old: String?, _ new: String?) throws -> String {
    try Diff.unified(
      old: old.map { Diff.Side($0.bytes) }, new: new.map { Diff.Side($0.bytes) }, oldPath: file, newPath: file
    ).asText
  }

  @Test("the form of a diff")
  func form() throws {
    #expect(try diff("a\n", "a\n") == "")
    let plain = try diff("a\nb\n", "a\nc\n")
    #expect(
      plain == """
        diff --git a/f b/f
        index 422c2b7ab3b3c668038da977e4e93a5fc623169c..0f7bc766052a5a0ee28a393d51d2370f96d8ceb8 100644
        --- a/f
        +++ b/f
        @@ -1,2 +1,2 @@
         a
        -b
        +c

        """)
    #expect(try diff(nil, "").hasPrefix("diff --git a/f b/f\nnew file mode 100644\nindex 0000000000"))
    #expect(try diff("x", nil).contains("deleted file mode 100644\n"))
    #expect(try diff("x", nil).contains("+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\\ No newline at end of file\n"))
    let moved = try Diff.unified(
      old: .init("a\n".bytes), new: .init("a\n".bytes, mode: .executable), oldPath: file, newPath: repoPath("d/é \"g\"")
    )
    #expect(
      moved.asText
        == "diff --git a/f \"b/d/é \\\"g\\\"\"\nold mode 100644\nnew mode 100755\nrename from f\nrename to \"d/é \\\"g\\\"\"\n"
    )
  }

  @Test("lines added and removed")
  func stats() throws {
    #expect(try Diff.stats(old: "a\nb\n".bytes, new: "a\nc\nd\n".bytes) == .init(added: 2, removed: 1))
    #expect(try Diff.stats(old: nil, new: "a\nb".bytes) == .init(added: 2, removed: 0))
    #expect(try Diff.stats(old: "a\n".bytes, new: nil) == .init(added: 0, removed: 1))
    #expect(try Diff.stats(old: nil, new: []) == .init(added: 0, removed: 0))
  }

  /// Random files of all kinds in one patch: `git apply` must make the new tree of the old one.
  @Test("git apply takes it", arguments: 0..<4)
  func apply(_ seed: Int) throws {
    var random = Seeded(UInt64(seed))
    let scratch = try Scratch()
    try scratch.makeRepository()
    let repository = try scratch.open()
    var old: [RepoPath: Diff.Side] = [:]
    var new: [RepoPath: Diff.Side] = [:]
    var patch: [UInt8] = []
    for number in 0..<120 {
      let names = ["f\(number)", "d \(number)/é", "q\"\(number)\\", "t\t\(number)", "-\(number)"]
      var bytes = names[number % names.count].bytes
      if number % 13 == 0 { bytes += [0xfe, 0xff] }
      let path = try #require(RepoPath(bytes))
      let before = number % 9 == 0 ? nil : side(&random)
      var after = number % 10 == 1 ? nil : side(&random)
      if let before, Bool.random(using: &random) {
        after = Diff.Side(edited(before.content, &random), mode: before.mode)
      }
      if before == nil && after == nil { continue }
      // A link's target may not be empty or hold a NUL on disk, and git writes its change of type as two diffs.
      old[path] = before
      new[path] = after
      patch += try Diff.unified(
        old: before, new: after, oldPath: path, newPath: path, context: Int.random(in: 1...4, using: &random))
    }
    func tree(_ files: [RepoPath: Diff.Side]) throws -> ObjectID {
      try repository.writeTree(try files.map { ($0.key, $0.value.mode, try repository.writeBlob($0.value.content)) })
    }
    let expected = try tree(new)
    try scratch.git("read-tree", tree(old).hex, at: "repo")
    try scratch.git("apply", "--cached", "--whitespace=nowarn", "-", at: "repo", input: patch)
    #expect(try scratch.id("write-tree", at: "repo") == expected)
  }

  private func side(_ random: inout Seeded) -> Diff.Side {
    let mode: FileMode = Bool.random(using: &random) ? .regular : .executable
    if Int.random(in: 0..<5, using: &random) == 0 {
      return Diff.Side(
        (0..<Int.random(in: 1...400, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }, mode: mode
      )
    }
    var text: [UInt8] = []
    for _ in 0..<Int.random(in: 0...25, using: &random) { text += line(&random) }
    if Int.random(in: 0..<3, using: &random) == 0, text.last == 0x0a { text.removeLast() }
    return Diff.Side(text, mode: mode)
  }

  private func line(_ random: inout Seeded) -> [UInt8] {
    let lines = [
      "a\n", "b\r\n", "\n", "--- x\n", "+++ y\n", "@@ -1 +1 @@\n", "func f() {\n", "\\ No newline\n", "é\n", "\r\n",
    ]
    return (lines.randomElement(using: &random) ?? "").bytes
  }

  private func edited(_ content: [UInt8], _ random: inout Seeded) -> [UInt8] {
    var content = content
    for _ in 0..<3 {
      let place = Int.random(in: 0...content.count, using: &random)
      if Bool.random(using: &random) {
        content.insert(contentsOf: line(&random), at: place)
      } else {
        content.removeSubrange(place..<min(content.count, place + 5))
      }
    }
    return content
  }

  @Test("three-way merges give what merge-file gives", arguments: 0..<3)
  func merge(_ seed: Int) throws {
    var random = Seeded(UInt64(40 + seed))
    let scratch = try Scratch()
    for _ in 0..<10 {
      let base = (0..<20).flatMap { "line \($0)\n".bytes }
      let ours = edited(base, &random)
      let theirs = edited(base, &random)
      if [base, ours, theirs].contains(where: { $0.contains(0) }) { continue }
      for (name, content) in [("ours", ours), ("base", base), ("theirs", theirs)] {
        try scratch.write(name.bytes, content)
      }
      let merged = try scratch.git("merge-file", "-p", "ours", "base", "theirs", check: false)
      switch try Diff.mergeThreeWay(base: base, ours: ours, theirs: theirs) {
      case .clean(let content): #expect(content == merged)
      case .conflicted(let content):
        #expect(content.asText.contains("<<<<<<< ours\n"))
        #expect(merged.asText.contains("<<<<<<< ours\n"))
      }
    }
  }

  @Test("merges of binary and empty content")
  func mergeEdges() throws {
    func merge(_ base: [UInt8], _ ours: [UInt8], _ theirs: [UInt8]) throws -> MergeResult {
      try Diff.mergeThreeWay(base: base, ours: ours, theirs: theirs)
    }
    #expect(try merge([0, 1], [0, 1], [0, 2]) == .clean([0, 2]))
    #expect(try merge([0, 1], [0, 3], [0, 1]) == .clean([0, 3]))
    #expect(try merge([0, 1], [0, 2], [0, 2]) == .clean([0, 2]))
    #expect(try merge([0, 1], [0, 2], [0, 3]) == .conflicted([0, 2]))
    #expect(try merge([], [], []) == .clean([]))
    #expect(try merge("a\n".bytes, [], "a\n".bytes) == .clean([]))
    guard case .conflicted = try merge([], "x\n".bytes, "y\n".bytes) else {
      Issue.record("two additions in one place conflict")
      return
    }
  }
}
