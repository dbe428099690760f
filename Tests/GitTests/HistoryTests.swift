import Glibc
import Paths
import Testing

@testable import Git

@Suite("commits, history and references")
struct HistoryTests {
  @Test("a commit is what commit-tree makes")
  func createCommit() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    let repository = try scratch.open()
    let head = try #require(try repository.head.commit)
    let tree = try repository.tree(of: head)
    let author = Signature(name: "A", email: "a@example.com", time: 1_700_000_000, offset: 60)
    let id = try repository.createCommit(tree: tree, parents: [head], message: "Subject\n\nBödy", author: author)
    let expected = try scratch.id(
      "commit-tree", tree.hex, "-p", head.hex, "-m", "Subject", "-m", "Bödy", at: "repo")
    #expect(id == expected)
    let commit = try repository.commit(id)
    #expect(commit.author == author)
    #expect(commit.subject == "Subject")
    #expect(commit.message == "Subject\n\nBödy\n")
    #expect(commit.parents == [head] && commit.tree == tree && commit.time == 1_700_000_000)
  }

  @Test("names that would break the object are cleaned, unknown objects refused")
  func hostileCommit() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    let repository = try scratch.open()
    let head = try #require(try repository.head.commit)
    let tree = try repository.tree(of: head)
    let author = Signature(name: "x\nparent <y>\0", email: ">\n", time: 1, offset: -90)
    let id = try repository.createCommit(tree: tree, parents: [], message: "m", author: author)
    let commit = try repository.commit(id)
    #expect(commit.author.name == "xparent y" && commit.author.email == "" && commit.author.offset == -90)
    #expect(try scratch.git("fsck", "--strict", "--no-dangling", at: "repo").isEmpty)
    let unknown = try #require(ObjectID(hex: String(repeating: "1", count: 40)))
    #expect(throws: GitError.self) {
      try repository.createCommit(tree: unknown, parents: [], message: "", author: author)
    }
    #expect(throws: GitError.self) {
      try repository.createCommit(tree: tree, parents: [unknown], message: "", author: author)
    }
    #expect(throws: GitError.self) {
      try repository.createCommit(tree: tree, parents: [], message: "a\0b", author: author)
    }
  }

  @Test("history is what git log gives, with what each commit changed")
  func history() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    for number in 1...5 {
      try scratch.git("checkout", "-q", "-b", "b\(number)", "main", at: "repo")
      try scratch.write("repo/f\(number)", "\(number)")
      try scratch.git("add", "-A", at: "repo")
      try scratch.git(
        "-c", "user.name=x", "commit", "-q", "--date", "\(1_600_000_000 + number)", "-m", "c\(number)", at: "repo")
      try scratch.git("checkout", "-q", "main", at: "repo")
      try scratch.git("merge", "-q", "--no-ff", "-m", "merge \(number)", "b\(number)", at: "repo")
    }
    let repository = try scratch.open()
    let head = try #require(try repository.head.commit)
    let history = try repository.history(from: head, limit: 100)
    let expected = try scratch.git("log", "--format=%H", at: "repo").asText.split(separator: "\n").map(String.init)
    #expect(Set(history.map(\.id.hex)) == Set(expected))
    #expect(history.count == expected.count)
    #expect(try repository.history(from: head, limit: 3).map(\.id) == history.prefix(3).map(\.id))
    #expect(try repository.history(from: head, limit: 0).isEmpty)
    for commit in history where commit.parents.count == 1 {
      let paths = try scratch.git("diff-tree", "-r", "-z", "--no-commit-id", "--name-only", commit.id.hex, at: "repo")
        .records
      #expect(try repository.changes(in: commit).map(\.path.bytes) == paths)
    }
    let first = try #require(history.first { $0.parents.isEmpty })
    #expect(try repository.changes(in: first).map(\.path.quoted) == ["a.txt", "dir/b.txt"])
  }

  @Test("a shallow clone ends where it was cut")
  func shallow() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    for number in 0..<4 { try scratch.commitAll("repo", "\(number)") }
    try scratch.git("clone", "-q", "--depth", "2", "file://" + scratch.text("repo"), "shallow")
    let repository = try scratch.open("shallow")
    let history = try repository.history(from: try #require(try repository.head.commit), limit: 100)
    #expect(history.map(\.subject) == ["3", "2"])
    #expect(try repository.changes(in: try #require(history.last)).count == 2)
  }

  @Test("revisions")
  func resolve() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    try scratch.commitAll("repo", "second")
    try scratch.git("tag", "-a", "-m", "tag", "v1", at: "repo")
    let repository = try scratch.open()
    for revision in ["HEAD", "HEAD~1", "main", "v1^{tree}", "HEAD:dir/b.txt", "HEAD^{tree}"] {
      #expect(try repository.resolve(revision) == scratch.id("rev-parse", revision, at: "repo"), "\(revision)")
    }
    let head = try repository.resolve("HEAD")
    #expect(try repository.resolve("v1") == head)
    #expect(try repository.resolve(String(head.hex.prefix(8))) == head)
    #expect(try repository.tree(of: scratch.id("rev-parse", "v1", at: "repo")) == repository.tree(of: head))
    for revision in ["", "nope", "HEAD~9", "HEAD:nope", "--help", "a\0b", "main..HEAD", "^HEAD", "@{-1}", "HEAD^{"] {
      #expect(throws: GitError.self, "\(revision)") { try repository.resolve(revision) }
    }
  }

  @Test("branches")
  func branches() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    try scratch.commitAll("repo", "second")
    let repository = try scratch.open()
    let head = try repository.resolve("HEAD")
    let parent = try repository.resolve("HEAD~1")
    try repository.createBranch("fix/ü".bytes, at: parent)
    #expect(try scratch.id("rev-parse", "fix/ü", at: "repo") == parent)
    #expect(try repository.branch("fix/ü".bytes) == parent)
    #expect(try repository.branch("nope".bytes) == nil)
    var error = #expect(throws: GitError.self) { try repository.createBranch("fix/ü".bytes, at: head) }
    #expect(error?.kind == .conflict)
    try repository.createBranch("fix/ü".bytes, at: head, force: true)
    #expect(try repository.branch("fix/ü".bytes) == head)
    error = #expect(throws: GitError.self) { try repository.createBranch("main".bytes, at: parent, force: true) }
    #expect(error?.kind == .conflict)
    #expect(try repository.head.commit == head)
    for name in ["", "-x", "a..b", "a b", "HEAD", "a/", "/a", ".a", "a.lock", "a~", "a\nb", "a\0b", "@{", "fix"] {
      #expect(throws: GitError.self, "\(name)") { try repository.createBranch(name.bytes, at: head) }
    }
    try repository.createBranch([0x62, 0xff], at: head)
    try scratch.git("checkout", "-q", "--detach", at: "repo")
    #expect(try repository.branch([0x62, 0xff]) == head)
    let unknown = try #require(ObjectID(hex: String(repeating: "1", count: 40)))
    #expect(throws: GitError.self) { try repository.createBranch("x".bytes, at: unknown) }
  }
}
