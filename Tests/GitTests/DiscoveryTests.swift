import Glibc
import Paths
import Testing

@testable import Git

@Suite("finding and opening repositories")
struct DiscoveryTests {
  @Test("from the root, a directory below, and a file")
  func plain() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    for start in ["repo", "repo/dir", "repo/dir/b.txt", "repo/../repo/dir/."] {
      let location = try #require(try Repository.discover(from: scratch.path(start)))
      #expect(location.workTree == scratch.path("repo"))
      #expect(location.gitDirectory == scratch.path("repo/.git"))
      #expect(location.commonDirectory == location.gitDirectory)
      #expect(!location.isBare && !location.isLinkedWorktree && !location.isSubmodule)
    }
    #expect(try Repository.discover(from: scratch.root) == nil)
    let missing = #expect(throws: GitError.self) { try Repository.discover(from: scratch.path("nowhere")) }
    #expect(missing?.kind == .notFound)
    #expect(throws: GitError.self) { try Repository.discover(from: "relative".bytes) }
  }

  @Test("an empty `.git` directory is looked past, as git does")
  func emptyDotGit() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    try scratch.write("repo/inner/.git/x", "")
    #expect(try Repository.discover(from: scratch.path("repo/inner"))?.workTree == scratch.path("repo"))
  }

  @Test("a linked worktree")
  func linkedWorktree() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    try scratch.git("worktree", "add", "-q", "-b", "side", "../linked", at: "repo")
    let location = try #require(try Repository.discover(from: scratch.path("linked/dir")))
    #expect(location.isLinkedWorktree && !location.isSubmodule && !location.isBare)
    #expect(location.workTree == scratch.path("linked"))
    #expect(location.gitDirectory == scratch.path("repo/.git/worktrees/linked"))
    #expect(location.commonDirectory == scratch.path("repo/.git"))
    let repository = try Repository.open(location)
    #expect(try repository.head.branch == "side".bytes)
    #expect(try repository.head.commit == scratch.id("rev-parse", "HEAD", at: "repo"))
    try scratch.write("linked/new.txt", "new")
    #expect(try repository.status() == [StatusEntry(path: repoPath("new.txt"), change: .untracked)])
    #expect(try scratch.open().status() == [])
  }

  @Test("a linked worktree of a bare repository, and a `.git` that is bare")
  func bareWithWorktree() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    try scratch.git("clone", "-q", "--bare", "repo", "project/.git")
    try scratch.git("worktree", "add", "-q", "../work", "main", at: "project/.git")
    let work = try #require(try Repository.discover(from: scratch.path("project/work")))
    #expect(!work.isBare && work.isLinkedWorktree)
    let outer = try #require(try Repository.discover(from: scratch.path("project")))
    #expect(outer.isBare)
  }

  @Test("a submodule")
  func submodule() throws {
    let scratch = try Scratch()
    try scratch.makeRepository("library")
    try scratch.makeRepository()
    try scratch.git("submodule", "--quiet", "add", "../library", "sub", at: "repo")
    try scratch.commitAll()
    let location = try #require(try Repository.discover(from: scratch.path("repo/sub/dir")))
    #expect(location.isSubmodule && !location.isLinkedWorktree)
    #expect(location.workTree == scratch.path("repo/sub"))
    #expect(location.gitDirectory == scratch.path("repo/.git/modules/sub"))
    #expect(try Repository.open(location).status() == [])
    let outer = try scratch.open()
    #expect(try outer.status() == [])
    #expect(try outer.entry(outer.tree(of: outer.head.commit ?? .emptyTree), repoPath("sub"))?.mode == .submodule)
  }

  @Test("a bare repository")
  func bare() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    try scratch.git("clone", "-q", "--bare", "repo", "bare.git")
    let location = try #require(try Repository.discover(from: scratch.path("bare.git")))
    #expect(location.isBare)
    let repository = try Repository.open(location)
    #expect(try repository.head.branch == "main".bytes)
    let error = #expect(throws: GitError.self) { try repository.status() }
    #expect(error?.kind == .invalid)
    #expect(try repository.indexEntries() == [])
  }

  @Test("a `.git` file that leads nowhere")
  func broken() throws {
    let scratch = try Scratch()
    try scratch.write("lost/.git", "gitdir: ../gone\n")
    let error = #expect(throws: GitError.self) { try Repository.discover(from: scratch.path("lost")) }
    #expect(error?.kind == .notARepository)
    #expect(error?.hint != nil)
    try scratch.write("odd/.git", "nonsense")
    #expect(throws: GitError.self) { try Repository.discover(from: scratch.path("odd")) }
  }

  @Test("HEAD: unborn, on a branch, detached")
  func head() throws {
    let scratch = try Scratch()
    try scratch.git("init", "-q", "repo")
    var repository = try scratch.open()
    #expect(try repository.head == Head(branch: "main".bytes, commit: nil))
    #expect(try repository.head.isUnborn)
    #expect(try repository.isEmpty)
    try scratch.write("repo/a", "a")
    #expect(try repository.status() == [StatusEntry(path: repoPath("a"), change: .untracked)])
    try scratch.commitAll()
    let commit = try scratch.id("rev-parse", "HEAD", at: "repo")
    #expect(try repository.head == Head(branch: "main".bytes, commit: commit))
    #expect(try !repository.isEmpty)
    try scratch.git("checkout", "-q", "--detach", at: "repo")
    repository = try scratch.open()
    #expect(try repository.head == Head(branch: nil, commit: commit))
    #expect(try repository.head.isDetached)
    try scratch.git("checkout", "-q", "--orphan", "fresh", at: "repo")
    #expect(try repository.head == Head(branch: "fresh".bytes, commit: nil))
    #expect(try !repository.isEmpty)
  }

  @Test("operations in progress")
  func operations() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    try scratch.git("checkout", "-q", "-b", "side", at: "repo")
    try scratch.write("repo/a.txt", "side\n")
    try scratch.commitAll()
    try scratch.git("checkout", "-q", "main", at: "repo")
    try scratch.write("repo/a.txt", "main\n")
    try scratch.commitAll()
    let repository = try scratch.open()
    #expect(repository.operationInProgress == nil)
    try scratch.git("merge", "side", at: "repo", check: false)
    #expect(repository.operationInProgress == "merge")
    #expect(try scratch.open().status() == [StatusEntry(path: repoPath("a.txt"), change: .conflicted)])
    try scratch.git("merge", "--abort", at: "repo")
    try scratch.git("cherry-pick", "side", at: "repo", check: false)
    #expect(repository.operationInProgress == "cherry-pick")
    try scratch.git("cherry-pick", "--abort", at: "repo")
    try scratch.git("rebase", "side", at: "repo", check: false)
    #expect(repository.operationInProgress == "rebase")
  }

  @Test("formats that cannot be read are refused with a reason")
  func formats() throws {
    let scratch = try Scratch()
    try scratch.git("init", "-q", "--object-format=sha256", "sha256")
    var error = #expect(throws: GitError.self) { try scratch.open("sha256") }
    #expect(error?.kind == .unsupported)
    #expect(error?.message.contains("sha256") == true)
    try scratch.makeRepository()
    try scratch.git("config", "core.repositoryFormatVersion", "1", at: "repo")
    try scratch.git("config", "extensions.objectFormat", "sha1", at: "repo")
    _ = try scratch.open()
    try scratch.git("config", "extensions.fromTheFuture", "true", at: "repo")
    error = #expect(throws: GitError.self) { try scratch.open() }
    #expect(error?.kind == .unsupported)
    #expect(error?.hint != nil)
    try scratch.git("config", "--unset", "extensions.fromTheFuture", at: "repo", check: false)
  }

  @Test("worktree configuration and partial clones are admitted")
  func admitted() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    try scratch.git("config", "uploadpack.allowFilter", "true", at: "repo")
    let url = "file://" + scratch.text("repo")
    try scratch.git("clone", "-q", "--no-checkout", "--filter=blob:none", url, "partial")
    let partial = try scratch.open("partial")
    let blob = try scratch.id("rev-parse", "HEAD:a.txt", at: "repo")
    let commit = try #require(try partial.head.commit)
    #expect(try partial.entry(partial.tree(of: commit), repoPath("a.txt"))?.id == blob)
    let error = #expect(throws: GitError.self) { try partial.readBlob(blob) }
    #expect(error?.kind == .notFound)
    #expect(error?.message.contains("partial clone") == true, "\(String(describing: error))")
    try scratch.git("sparse-checkout", "set", "dir", at: "repo")
    let sparse = try scratch.open()
    #expect(try sparse.status() == [])
    #expect(try sparse.indexEntries().map(\.path.quoted) == ["a.txt", "dir/b.txt"])
  }

  @Test("somebody else's repository is refused", .enabled(if: geteuid() == 0))
  func owner() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    let location = try #require(try Repository.discover(from: scratch.path("repo")))
    for place in ["repo", "repo/.git"] {
      #expect(chown(scratch.text(place), 4711, 4711) == 0)
      let error = #expect(throws: GitError.self) { try Repository.open(location) }
      #expect(error?.kind == .untrustedOwner)
      #expect(error?.message.contains("4711") == true)
      #expect(chown(scratch.text(place), 0, 0) == 0)
    }
    _ = try Repository.open(location)
  }

  @Test("configuration cannot move the checkout")
  func configuredWorkTree() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    try scratch.write("secret/private.txt", "x")
    try scratch.git("config", "core.worktree", scratch.text("secret"), at: "repo")
    let repository = try scratch.open()
    #expect(repository.location.workTree == scratch.path("repo"))
    #expect(try repository.status() == [])
  }

  @Test("a private store")
  func createBare() throws {
    let scratch = try Scratch()
    let store = try Repository.createBare(at: scratch.path("store.git"))
    #expect(store.location.isBare)
    #expect(try store.isEmpty)
    #expect((FileSystem.status(scratch.path("store.git"))?.st_mode ?? 0) & 0o777 == 0o700)
    let again = #expect(throws: GitError.self) { try Repository.createBare(at: scratch.path("store.git")) }
    #expect(again?.kind == .conflict)
    let nowhere = #expect(throws: GitError.self) { try Repository.createBare(at: scratch.path("no/where")) }
    #expect(nowhere?.kind == .io)
    #expect(try scratch.git("fsck", at: "store.git").isEmpty)
    _ = try scratch.open("store.git")
  }
}
