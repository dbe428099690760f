import Paths
import TestSupport
import Testing

@testable import Workspace

@Suite struct FileTests {
  @Test func readsTheCheckoutAndWritesBesideIt() async throws {
    let checkout = try Checkout()
    let before = try checkout.listing()
    let workspace = try await checkout.open()
    #expect(try await workspace.text("a.txt") == "one\ntwo\nthree\n")
    try await workspace.write(path("a.txt"), Array("changed\n".utf8))
    try await workspace.write(path("new/deep/file"), Array("new\n".utf8), executable: true)
    try await workspace.remove(path("src/main.c"))
    #expect(try await workspace.text("a.txt") == "changed\n")
    #expect(try await workspace.read(path("new/deep/file")).isExecutable)
    #expect(await workspace.metadata(path("src/main.c")) == nil)
    #expect(await workspace.metadata(path("src"))?.kind == .directory)
    #expect(try checkout.listing() == before)
    let names = try await workspace.list(.root).map { String(decoding: $0.name, as: UTF8.self) }
    #expect(names == ["a.txt", "new", "src"])
  }

  @Test func commandsAndHandsSeeTheSameFiles() async throws {
    let checkout = try Checkout()
    let workspace = try await checkout.open()
    try await workspace.write(path("a.txt"), Array("by hand\n".utf8))
    try await workspace.remove(path("src/main.c"))
    try await workspace.remove(path("src"))
    try await workspace.write(path("src/other.c"), Array("x\n".utf8))
    #expect(try await workspace.sh("cat a.txt; ls src; pwd") == "by hand\nother.c\n\(checkout.root)\n")
    try await workspace.sh("echo more >> a.txt; rm -r src; mkdir src; echo y > src/y; mkdir d; echo z > d/z")
    #expect(try await workspace.text("a.txt") == "by hand\nmore\n")
    #expect(await workspace.metadata(path("src/other.c")) == nil)
    #expect(try await workspace.text("src/y") == "y\n")
    try await workspace.write(path("src/y"), Array("yy\n".utf8))
    try await workspace.remove(path("d"))
    #expect(try await workspace.sh("cat src/y; ls -A | grep -v .git") == "yy\na.txt\nsrc\n")
  }
}
