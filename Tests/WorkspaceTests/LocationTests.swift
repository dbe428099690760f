import Git
import Glibc
import Paths
import TestSupport
import Testing

@testable import Workspace

@Suite struct LocationTests {
  @Test func findsTheRootAndTheProject() throws {
    let checkout = try Checkout()
    let location = try checkout.location("src")
    #expect(location.root == Array(checkout.root.utf8))
    #expect(location.project == path("src"))
    #expect(location.repository != nil)
    let plain = try Checkout(git: false)
    let other = try plain.location("src")
    #expect(other.root == Array(plain.path("src").utf8))
    #expect(other.project.isRoot && other.repository == nil)
    // Through a link, and with a slash at the end.
    symlink(checkout.path("src"), plain.path("link"))
    #expect(try plain.location("link/") == location)
  }

  @Test func saysWhatIsWrongWithAPath() async throws {
    let checkout = try Checkout()
    func kind(_ name: String) async -> WorkspaceError.Kind? { await failure { _ = try checkout.location(name) }?.kind }
    #expect(await kind("nothing") == .notFound)
    #expect(await kind("a.txt") == .notADirectory)
    #expect(await kind("a.txt/b") == .notFound)
    #expect(await kind(".git") == .outside)
    #expect(await kind(".git/objects") == .outside)
    try checkout.git("clone", "-q", "--bare", ".", "../bare.git")
    #expect(await kind("../bare.git") == .bareRepository)
    for system in ["/", "/usr/lib", "/proc/self", "/tmp"] {
      #expect(await failure { _ = try CheckoutLocation.resolve(Array(system.utf8)) }?.kind == .outside)
    }
    #expect(await failure { _ = try CheckoutLocation.resolve([]) }?.kind == .notFound)
    #expect(await failure { _ = try CheckoutLocation.resolve(Array("a\0b".utf8)) }?.kind == .notFound)
  }

  @Test func refusesARepositoryInTheMiddleOfAMerge() async throws {
    let checkout = try Checkout(["a": "1\n"])
    try checkout.git("checkout", "-qb", "other")
    try checkout.write("a", "2\n")
    try checkout.commit("two")
    try checkout.git("checkout", "-q", "main")
    try checkout.write("a", "3\n")
    try checkout.commit("three")
    _ = try? checkout.git("merge", "other")
    let error = await failure { _ = try checkout.location() }
    #expect(error?.kind == .operationInProgress("merge"))
    #expect(error?.message.contains("in the middle of a merge") == true)
    #expect(error?.hint?.contains("git merge --abort") == true)
  }

  @Test func anEmptyRepositoryAndAPlainDirectoryWork() async throws {
    for git in [true, false] {
      let checkout = try Checkout(git: git, git ? [:] : ["x": "1\n"])
      let workspace = try await checkout.open()
      #expect(workspace.baseCommit == nil)
      try await workspace.sh("echo hello > new")
      let snapshot = try await workspace.snapshot()
      #expect(snapshot.summary == ["A new"])
      _ = try await workspace.deliver(snapshot, as: .apply)
      #expect(checkout.text("new") == "hello\n")
    }
  }

  @Test func aHomeDirectoryInGitDoesNotCount() async throws {
    let checkout = try Checkout()
    try checkout.write("project/x", "1")
    let home = getenv("HOME").map { String(cString: $0) }
    // No other test reads HOME.
    setenv("HOME", checkout.root, 1)
    defer { if let home { setenv("HOME", home, 1) } }
    let location = try checkout.location("project")
    #expect(location.repository == nil && location.project.isRoot)
    #expect(await failure { _ = try checkout.location() }?.kind == .outside)
  }

  @Test func aLinkedWorktreeHasItsGitDirectoryInside() async throws {
    let checkout = try Checkout(["a": "1\n"])
    try checkout.git("config", "remote.origin.url", "https://user:s3cret@example.com/x.git")
    try checkout.git("worktree", "add", "-q", "../linked", "-b", "side")
    let location = try CheckoutLocation.resolve(Array(checkout.directory.path("linked").utf8))
    #expect(location.repository?.isLinkedWorktree == true)
    let workspace = try await Workspace.open(
      location, storage: checkout.storage(), sandbox: try checkout.sandbox(), view: checkout.view())
    let before = try checkout.git("log", "--all", "--oneline").out
    let output = try await workspace.sh(
      "git config remote.origin.url; echo 2 > a; git -c user.name=x -c user.email=x commit -qam two; git log --oneline | wc -l"
    )
    #expect(output == "https://example.com/x.git\n2\n")
    #expect(try checkout.git("log", "--all", "--oneline").out == before)
    #expect(try await workspace.snapshot().summary == ["M a"])
    let report = try await workspace.deliver(
      try await workspace.snapshot(), as: .branch(name: Array("fix".utf8), message: "fix", author: ("n", "e")))
    #expect(try checkout.git("show", "fix:a").out == "2\n")
    #expect(report.written == [path("a")])
  }

  @Test func aSubmoduleIsAProjectOfItsOwn() async throws {
    let inner = try Checkout(["lib.c": "x\n"])
    let checkout = try Checkout(["a": "1\n"])
    try checkout.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", inner.root, "libs/inner")
    try checkout.commit("submodule")
    let location = try checkout.location("libs/inner")
    #expect(location.repository?.isSubmodule == true)
    let workspace = try await Workspace.open(
      location, storage: checkout.storage(), sandbox: try checkout.sandbox(), view: checkout.view())
    #expect(
      try await workspace.sh("git status --short; git log --oneline | wc -l; echo y > lib.c; git status -s")
        == "1\n M lib.c\n")
    #expect(try checkout.git("status", "--short").out == "")
    // Seen from the superproject it is files that the commit does not hold.
    let outer = try await checkout.open("outer")
    try await outer.sh("echo z > libs/inner/lib.c")
    let snapshot = try await outer.snapshot()
    #expect(snapshot.summary == ["M libs/inner/lib.c"])
    let report = try await outer.deliver(
      snapshot, as: .branch(name: Array("b".utf8), message: "m", author: ("n", "e")))
    #expect(report.leftOut.map(\.reason) == [.nestedRepository])
  }
}
