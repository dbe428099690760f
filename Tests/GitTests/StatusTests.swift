import Glibc
import Paths
import TestSupport
import Testing

@testable import Git

@Suite("the checkout against HEAD")
struct StatusTests {
  /// What `git diff HEAD` and `git ls-files --others` say, in our terms.
  private func expected(_ scratch: Scratch) throws -> [String] {
    var lines: [String] = []
    let changed = try scratch.git("diff", "--no-renames", "--name-status", "-z", "HEAD", at: "repo").records
    for index in stride(from: 0, to: changed.count - 1, by: 2) {
      let word = ["A": "added", "D": "deleted"][changed[index].asText] ?? "modified"
      lines.append("\(word) \(Quoting.quote(changed[index + 1]))")
    }
    for path in try scratch.git("ls-files", "--others", "--exclude-standard", "-z", at: "repo").records
    where path.last != 0x2f {
      lines.append("untracked \(Quoting.quote(path))")
    }
    return lines.sorted()
  }

  private func actual(_ scratch: Scratch) throws -> [String] {
    try scratch.open().status().map { "\($0.change) \($0.path.quoted)" }.sorted()
  }

  @Test("agrees with git")
  func agrees() throws {
    let scratch = try Scratch()
    try scratch.makeRepository(files: [
      "a.txt": "a\n", "b.txt": "b\n", "gone.txt": "x\n", "staged-gone": "x", "d/deep/f": "f", "mode": "m", "type": "t",
      ".gitignore": "*.o\nbuild/\n!keep.o\n", "both": "1", "tracked.o.c": "x", "dir2/f": "f",
    ])
    #expect(try actual(scratch) == [])
    try scratch.write("repo/a.txt", "changed\n")
    try scratch.write("repo/same-size", "x")
    try scratch.git("rm", "-q", "--cached", "staged-gone", at: "repo")
    unlink(scratch.text("repo/gone.txt"))
    chmod(scratch.text("repo/mode"), 0o755)
    unlink(scratch.text("repo/type"))
    try scratch.link("repo/type", to: "a.txt")
    try scratch.write("repo/new/deep/file", "n")
    try scratch.write("repo/x.o", "ignored")
    try scratch.write("repo/keep.o", "kept")
    try scratch.write("repo/build/out", "ignored")
    try scratch.write("repo/staged", "s")
    try scratch.git("add", "staged", at: "repo")
    try scratch.write("repo/both", "2")
    try scratch.git("add", "both", at: "repo")
    try scratch.write("repo/both", "3")
    try scratch.write("repo/bad-".bytes + [0xff], [1])
    try scratch.link("repo/loop", to: ".")
    try scratch.git("init", "-q", "repo/nested")
    try scratch.write("repo/nested/f", "n")
    let wanted = try expected(scratch)
    let seen = try actual(scratch)
    #expect(seen == wanted)
    #expect(wanted.count == 13)
    #expect(try scratch.open().status(limit: 3).count == 3)
    #expect(try scratch.open().status(limit: 0).isEmpty)
  }

  @Test("a change in the moment of the index is seen")
  func racy() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    for number in 0..<8 {
      try scratch.write("repo/a.txt", "\(number % 10)\n")
      try scratch.git("add", "-A", at: "repo")
      try scratch.write("repo/a.txt", "\((number + 1) % 10)\n")
      #expect(try actual(scratch) == ["modified a.txt"])
    }
  }

  @Test("a touched file is not changed; line endings count as git counts them")
  func conversion() throws {
    let scratch = try Scratch()
    try scratch.makeRepository(files: [".gitattributes": "*.txt text eol=crlf\n", "a.txt": "a\n", "b": "b\n"])
    try scratch.write("repo/a.txt", "a\r\n")
    try scratch.write("repo/b", "b\n")
    #expect(try actual(scratch) == [])
    try scratch.write("repo/b", "b\r\n")
    #expect(try actual(scratch) == ["modified b"])
  }

  @Test("random changes", arguments: 0..<2)
  func random(_ seed: Int) throws {
    var random = Seeded(UInt64(seed))
    let scratch = try Scratch()
    try scratch.makeRepository()
    let names = ["a", "b", "d/a", "d/b", "d/e/c", "x.log", "d/y.log", "log/z"]
    for _ in 0..<12 {
      for _ in 0..<5 {
        let name = names.randomElement(using: &random) ?? ""
        switch Int.random(in: 0..<6, using: &random) {
        case 0: unlink(scratch.text("repo/\(name)"))
        case 1: try scratch.git("add", "-A", "-f", at: "repo")
        case 2:
          try scratch.write(
            "repo/.gitignore", ["*.log\n", "log/\n", "d/*\n!d/a\n", ""].randomElement(using: &random) ?? "")
        default: try scratch.write("repo/\(name)", "\(Int.random(in: 0..<3, using: &random))")
        }
      }
      #expect(try actual(scratch) == expected(scratch))
      if Bool.random(using: &random) { try scratch.commitAll() }
    }
  }
}
