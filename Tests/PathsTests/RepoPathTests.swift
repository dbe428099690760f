import Paths
import Testing

@Suite("paths in a repository")
struct RepoPathTests {
  private func path(_ text: String) throws -> RepoPath { try #require(RepoPath(text)) }

  @Test(
    "what is a path",
    arguments: ["a", "a/b", "...", ".a", "a.", "..a", "a..", " ", "a b/c", "é", "-", "~", "a\nb", "a\\b", ".git"])
  func accepted(_ text: String) throws {
    #expect(try path(text).bytes == Array(text.utf8))
  }

  @Test(
    "what is none",
    arguments: [
      "/", "/a", "a/", "a//b", ".", "..", "a/.", "a/..", "./a", "../a", "a/./b", "a/../b", "\0", "a\0", "a/\0b", "//",
    ])
  func refused(_ text: String) {
    #expect(RepoPath(text) == nil)
  }

  @Test("the root")
  func root() throws {
    #expect(RepoPath("") == .root)
    #expect(
      RepoPath.root.isRoot && RepoPath.root.parent == nil && RepoPath.root.name == [] && RepoPath.root.components == [])
    #expect(RepoPath.root.quoted == "." && RepoPath(quoted: ".") == .root)
    #expect(RepoPath(quoted: "") == nil)
  }

  @Test("parts")
  func parts() throws {
    let deep = try path("a/bc/d")
    #expect(deep.components.map { String(decoding: $0, as: UTF8.self) } == ["a", "bc", "d"])
    #expect(deep.name == Array("d".utf8))
    #expect(deep.parent == RepoPath("a/bc"))
    #expect(try path("a").parent == .root)
    #expect(try path("a").name == Array("a".utf8))
    #expect(deep.appending(Array("e".utf8)) == RepoPath("a/bc/d/e"))
    #expect(RepoPath.root.appending(Array("e".utf8)) == RepoPath("e"))
    for bad in ["", ".", "..", "a/b", "/", "a\0"] { #expect(deep.appending(Array(bad.utf8)) == nil) }
  }

  @Test("one path seen from another")
  func relations() throws {
    let directory = try path("a/b")
    #expect(try path("a/b/c/d").relative(to: directory) == RepoPath("c/d"))
    #expect(directory.relative(to: directory) == .root)
    #expect(directory.relative(to: .root) == directory)
    for outside in ["a", "a/bc", "a/b.c", "b/a/b"] {
      #expect(try path(outside).relative(to: directory) == nil)
      #expect(try !path(outside).isInside(directory))
    }
    #expect(directory.joining(try path("c/d")) == RepoPath("a/b/c/d"))
    #expect(directory.joining(.root) == directory && RepoPath.root.joining(directory) == directory)
    #expect(try path("a/b/c").isInside(directory) && directory.isInside(directory) && directory.isInside(.root))
  }

  @Test("order is that of bytes")
  func order() throws {
    let sorted = try ["a-b", "a.b", "a/b", "a0", "aé", "b"].map { try path($0) }
    #expect(sorted.shuffled().sorted() == sorted)
  }
}
