import Foundation
import Paths
import TestSupport
import Testing

@testable import Patches

@Suite("unified diffs")
struct UnifiedDiffTests {
  @Test(
    "hunks",
    arguments: [
      ApplyPatchTests.Case("plain", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c", "a\nb\nc\n", "a\nB\nc\n"),
      .init("wrong numbers", "@@ -40,9 +41,2 @@ def f\n a\n-b\n+B\n c", "a\nb\nc\n", "a\nB\nc\n"),
      .init("no numbers", "@@\n-b\n+B", "a\nb\nc\n", "a\nB\nc\n"),
      .init("text where numbers should be", "@@ def g\n-x\n+y", "x\ndef g\nx\n", "x\ndef g\ny\n"),
      .init("the nearest of equal places", "@@ -5 +5 @@\n-x\n+y", "x\na\nb\nc\nx\nd\nx\n", "x\na\nb\nc\ny\nd\nx\n"),
      .init("removed line that looks like a header", "@@ -1,2 +1,2 @@\n--- x\n+++ y\n z", "-- x\nz\n", "++ y\nz\n"),
      .init("newline taken away", "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file", "a\n", "a"),
      .init("newline added", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a", "a", "a\n"),
      .init(
        "no newline on both sides", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file",
        "a", "b"),
      .init("insertion without context", "@@ -1,0 +2 @@\n+x", "a\nb\n", "a\nx\nb\n"),
      .init("empty context line without its space", "@@ -1,3 +1,3 @@\n a\n\n-b\n+B", "a\n\nb\n", "a\n\nB\n"),
      .init("more lines than counted", "@@ -1,1 +1,1 @@\n-a\n+A\n b\n-c\n+C", "a\nb\nc\n", "A\nb\nC\n"),
    ])
  func hunks(_ example: ApplyPatchTests.Case) throws {
    let edits = try UnifiedDiff.parse("--- a/f\n+++ b/f\n\(example.hunks)\n")
    let path = try #require(RepoPath("f"))
    let changes = try PatchApplier.apply(edits, files: [path: example.before.bytes])
    #expect(changes.map { text($0.content) } == [example.after])
  }

  @Test("headers")
  func headers() throws {
    func edits(_ diff: String) throws -> [FileEdit] { try UnifiedDiff.parse(diff) }
    let f = try #require(RepoPath("f"))
    let g = try #require(RepoPath("d/g h"))
    #expect(
      try edits("diff --git a/f b/f\nnew file mode 100644\nindex 000..111\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+x\n")
        == [.add(path: f, content: "x\n".bytes)])
    #expect(
      try edits("diff --git a/f b/f\nnew file mode 100644\nindex 0000000..e69de29\n") == [.add(path: f, content: [])])
    #expect(
      try edits("diff --git a/f b/f\ndeleted file mode 100644\n--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n") == [
        .delete(path: f)
      ])
    #expect(
      try edits("diff --git a/f b/d/g h\nsimilarity index 100%\nrename from f\nrename to d/g h\n") == [
        .update(path: f, moveTo: g, hunks: [])
      ])
    #expect(
      try edits(
        "From: me\n\nSubject\n---\n f | 1 +\n\n--- f\t2020-01-01\n+++ f\t2020-01-02\n@@ -0,0 +1 @@\n+x\n-- \n2.39\n"
      ).count == 1)
    #expect(throws: PatchError.self) { try edits("no diff") }
    #expect(throws: PatchError.self) { try edits("@@ -1 +1 @@\n-a\n+b\n") }
    #expect(throws: PatchError.self) {
      try edits("diff --git a/f b/f\nindex 1..2 100644\nGIT binary patch\nliteral 0\n")
    }
    #expect(throws: PatchError.self) { try edits("diff --git a/f b/f\nold mode 100644\nnew mode 100755\n") }
    #expect(throws: PatchError.self) {
      try edits("diff --git a/f b/f\nnew file mode 120000\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+x\n")
    }
    #expect(throws: PatchError.self) { try edits("--- a/../f\n+++ b/../f\n@@ -1 +1 @@\n-a\n+b\n") }
  }

  /// Two directories of random files, one `git diff` between them: every file must come out as it is in the second.
  @Test("what git writes applies exactly")
  func gitDiff() throws {
    var random = Seeded(7)
    let root = FileManager.default.temporaryDirectory.appending(path: "patches-\(UInt64.random(in: 0 ... .max))")
    defer { try? FileManager.default.removeItem(at: root) }
    var old: [String: [UInt8]] = [:]
    var new: [String: [UInt8]] = [:]
    for number in 0..<300 {
      let name = number % 7 == 0 ? "file \(number)" : number % 11 == 0 ? "d/\u{e9}\"\(number)" : "f\(number)"
      let before = RandomText.content(&random)
      old[name] = before
      new[name] = RandomText.edited(before, &random)
    }
    for (side, files) in [("a", old), ("b", new)] {
      for (name, content) in files {
        let file = root.appending(path: side).appending(path: name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content).write(to: file)
      }
    }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/git")
    process.arguments = ["diff", "--no-index", "--no-color", "--src-prefix=", "--dst-prefix=", "a", "b"]
    process.currentDirectoryURL = root
    process.environment = ["GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let diff = [UInt8](output.fileHandleForReading.readDataToEndOfFile())
    process.waitUntilExit()
    let edits = try UnifiedDiff.parse(diff)
    var files: [RepoPath: [UInt8]] = [:]
    for (name, content) in old { files[try #require(RepoPath(name))] = content }
    let changes = try PatchApplier.apply(edits, files: files)
    var seen = 0
    for (name, content) in new where old[name] != content {
      let change = changes.first { $0.path.bytes == name.bytes }
      #expect(change?.content == content, "\(name)")
      seen += 1
    }
    #expect(seen == changes.count)
    #expect(seen > 200)
  }
}

/// Random small files of few different lines, so that equal places are common.
enum RandomText {
  static func content(_ random: inout Seeded) -> [UInt8] {
    var lines = (0..<Int.random(in: 0...30, using: &random)).map { _ in line(&random) }
    let ending = ["\n", "\n", "\r\n"].randomElement(using: &random) ?? "\n"
    if Int.random(in: 0..<10, using: &random) == 0, !lines.isEmpty { lines[0] += "\r" }
    var text = lines.joined(separator: ending)
    if !lines.isEmpty, Int.random(in: 0..<4, using: &random) > 0 { text += ending }
    return text.bytes
  }

  static func edited(_ content: [UInt8], _ random: inout Seeded) -> [UInt8] {
    var lines = content.split(separator: 0x0a, omittingEmptySubsequences: false).map(Array.init)
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let place = Int.random(in: 0...lines.count, using: &random)
      switch Int.random(in: 0..<3, using: &random) {
      case 0: lines.insert(line(&random).bytes, at: place)
      case 1 where place < lines.count: lines.remove(at: place)
      default: if place < lines.count { lines[place] = line(&random).bytes }
      }
    }
    return Array(lines.joined(separator: [0x0a]))
  }

  static func line(_ random: inout Seeded) -> String {
    let words = [
      "", "  ", "x", "    return x", "}", "{", "-- a", "++ b", "\\ No newline", "@@ -1 +1 @@", "é—", "\t", "if x:",
      " *** End Patch",
    ]
    return words.randomElement(using: &random) ?? ""
  }
}
