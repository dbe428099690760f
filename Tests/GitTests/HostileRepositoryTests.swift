import Glibc
import Paths
import TestSupport
import Testing

@testable import Git

@Suite("damaged and hostile repositories")
struct HostileRepositoryTests {
  /// Everything a run asks of a repository; errors are fine, traps and hangs are not.
  private func exercise(_ scratch: Scratch) {
    do {
      let repository = try scratch.open()
      _ = repository.operationInProgress
      let head = try? repository.head
      _ = try? repository.isEmpty
      _ = try? repository.indexEntries()
      _ = try? repository.status(limit: 100)
      _ = try? repository.resolve("HEAD~1")
      guard let commit = head?.commit else { return }
      _ = try? repository.history(from: commit, limit: 10).map { try repository.changes(in: $0) }
      try? repository.walkTree(repository.tree(of: commit)) { _, _, id in _ = try? repository.readBlob(id) }
    } catch let error as GitError {
      #expect(!error.description.isEmpty)
      #expect(error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 })
    } catch {
      // No repository is left at this place.
    }
  }

  @Test(
    "mutated metadata",
    arguments: [
      "config", "HEAD", "index", "packed-refs", "refs/heads/main", "info/exclude", "objects/info/alternates", "shallow",
    ])
  func metadata(_ file: String) throws {
    var random = Seeded(UInt64(file.utf8.count))
    let scratch = try Scratch()
    try scratch.makeRepository()
    try scratch.commitAll()
    try scratch.git("pack-refs", "--all", at: "repo")
    let path = "repo/.git/\(file)"
    let original = FileSystem.read(scratch.path(path), limit: 1 << 20) ?? "x".bytes
    for _ in 0..<60 {
      var content = original
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0...content.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: content.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 1: content.removeSubrange(place..<min(content.count, place + 20))
        case 2:
          content.insert(
            contentsOf: ["\n", "ref: refs/heads/../../x\n", "/", "[include]\npath=x\n", "\0"].randomElement(
              using: &random)?.bytes ?? [], at: place)
        default: if place < content.count { content[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
        }
      }
      try scratch.write(path.bytes, content)
      exercise(scratch)
    }
  }

  @Test("mutated objects")
  func objects() throws {
    var random = Seeded(9)
    let scratch = try Scratch()
    try scratch.makeRepository()
    let repository = try scratch.open()
    let commit = try #require(try repository.head.commit)
    // Well-formed storage around malformed content: objects are read without hashing them again.
    for _ in 0..<150 {
      let tree = try repository.tree(of: commit)
      var content =
        "100644 a.txt".bytes + [0] + BlobHash.id(of: "a\n".bytes).bytes + "40000 dir".bytes + [0] + tree.bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<content.count, using: &random)
        if Bool.random(using: &random) {
          content[place] = UInt8.random(in: 0...255, using: &random)
        } else {
          content.removeLast()
        }
      }
      let bad = try repository.writeRaw(content)
      _ = try? repository.walkTree(bad) { _, _, _ in }
      _ = try? repository.entry(bad, repoPath("dir/a.txt"))
      _ = try? repository.changes(from: tree, to: bad)
      _ = try? repository.updateTree(bad, [.put(repoPath("dir/x"), .regular, BlobHash.id(of: "a\n".bytes))])
      _ = try? repository.commit(bad)
    }
  }

  @Test("a FIFO where a file should be does not block", .timeLimit(.minutes(1)))
  func fifo() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    #expect(mkfifo(scratch.text("repo/.gitignore"), 0o644) == 0)
    #expect(mkfifo(scratch.text("repo/pipe"), 0o644) == 0)
    unlink(scratch.text("repo/a.txt"))
    #expect(mkfifo(scratch.text("repo/a.txt"), 0o644) == 0)
    #expect(try scratch.open().status() == [StatusEntry(path: repoPath("a.txt"), change: .deleted)])
    try scratch.write("other/.git", "gitdir: x")
    unlink(scratch.text("other/.git"))
    #expect(mkfifo(scratch.text("other/.git"), 0o644) == 0)
    #expect(try Repository.discover(from: scratch.path("other")) == nil)
  }

  @Test("a link cannot lead the search for untracked files out of the checkout")
  func links() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    try scratch.write("outside/secret", "x")
    try scratch.link("repo/out", to: "../outside")
    #expect(try scratch.open().status() == [StatusEntry(path: repoPath("out"), change: .untracked)])
  }

  @Test("a tracked directory replaced by a link is gone")
  func replacedDirectory() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    try scratch.write("outside/b.txt", "b\n")
    unlink(scratch.text("repo/dir/b.txt"))
    rmdir(scratch.text("repo/dir"))
    try scratch.link("repo/dir", to: "../outside")
    let expected = [
      StatusEntry(path: try repoPath("dir"), change: .untracked),
      StatusEntry(path: try repoPath("dir/b.txt"), change: .deleted),
    ]
    #expect(try scratch.open().status() == expected)
  }

  @Test("comparing large contents that have nothing in common takes bounded time", .timeLimit(.minutes(1)))
  func largeDiff() throws {
    var random = Seeded(3)
    func content() -> [UInt8] { (0..<20_000).flatMap { _ in "\(UInt16.random(in: 0...400, using: &random))\n".bytes } }
    let (old, new) = (content(), content())
    let path = try repoPath("f")
    #expect(try !Diff.unified(old: .init(old), new: .init(new), oldPath: path, newPath: path).isEmpty)
  }
}
