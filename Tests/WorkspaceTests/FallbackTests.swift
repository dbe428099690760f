import Git
import Glibc
import Paths
import Sandbox
import TestSupport
import Testing

@testable import Workspace

/// Places where the usual way is not to be had: no overlays, no root, no space.
@Suite struct FallbackTests {
  /// At the level for containers nothing is mounted: commands work in the copy itself, and what they did comes back.
  @Test func theLevelForContainers() async throws {
    let checkout = try Checkout(["a": "1\n", "b": "2\n", "secret": "s3cret\n"])
    try checkout.git("config", "remote.origin.url", "https://t0ken@example.com/x")
    chmod(checkout.directory.path, 0o711)
    let sandbox = try Sandbox(launcher: Array(builtProduct("codeagent-launch").utf8), level: .container)
    let workspace = try await Workspace.open(
      try checkout.location(), storage: checkout.storage(), sandbox: sandbox, view: checkout.view([path("secret")]))
    let output = try await workspace.sh(
      "cat a \(checkout.root)/b; echo 3 > a; rm b; cat secret .git/config; echo new > c; git status --short")
    #expect(output.contains("1\n2\n") && output.contains("?? c"), "\(output)")
    #expect(!output.contains("s3cret") && !output.contains("t0ken"), "\(output)")
    #expect(workspace.modeReason != nil)
    #expect(try await workspace.snapshot().summary == ["M a", "D b", "A c"])
    #expect(checkout.text("a") == "1\n")
    // Adaptors and results are where they lie outside, and are named so.
    let run = try await workspace.run(
      arguments: ["/bin/sh", "-c", "cat /run/codeagent/adaptor/x > /run/codeagent/results/y"].map { Array($0.utf8) },
      adaptors: ["x": Array("from outside".utf8)], collectResults: true)
    #expect(run.results["y"] == Array("from outside".utf8), "\(run)")
    try await workspace.discard()
  }

  @Test func aPlainCopyDoesTheSame() async throws {
    let checkout = try Checkout([
      "a": "1\n", "b": "2\n", "d/x": "x\n", "d/e/y": "y\n", ".gitignore": "cache/\n", "secret": "s3cret\n",
    ])
    try checkout.git("config", "remote.origin.url", "https://t0ken@example.com/x")
    symlink("a", checkout.path("link"))
    try checkout.commit("link")
    try checkout.write("cache/lib", "lib\n")
    try checkout.write("tool", "#!/bin/sh\n", mode: 0o755)
    let before = try checkout.listing()
    let workspace = try await checkout.open(masked: [path("secret")])
    try await workspace.write(path("early"), Array("e\n".utf8))
    try await workspace.becomeCopyForTest()
    #expect(workspace.mode == .copy(reason: "test") && workspace.modeReason == "test")
    let seen = try await workspace.sh(
      "cat a cache/lib link early; git config remote.origin.url; git status --short -- a b d early tool; cat secret; true"
    )
    #expect(seen.hasPrefix("1\nlib\n1\ne\nhttps://example.com/x\n?? early\n?? tool\n"))
    #expect(!seen.contains("s3cret"))
    try await workspace.sh(
      "echo 3 > a; rm -r d; echo n > n; chmod -x tool; ln -sf b link; echo c > cache/lib; touch b; rm b; echo 2 > b")
    let snapshot = try await workspace.snapshot()
    #expect(snapshot.summary == ["M a", "D d/e/y", "D d/x", "A early", "M link", "A n", "M tool"])
    let judge = try await workspace.clean(named: "judge")
    #expect(try await judge.sh("cat a d/x cache/lib; ls") == "1\nx\nlib\na\nb\ncache\nd\nlink\nsecret\ntool\n")
    try await judge.apply(snapshot.changes)
    #expect(try await judge.snapshot() == snapshot)
    let fork = try await workspace.fork(named: "fork")
    #expect(try await fork.sh("cat a; rm a; echo f > f") == "3\n")
    #expect(try await fork.snapshot().summary == ["D a", "A f"])
    try await fork.discard()
    try await workspace.restore(
      try await {
        try await judge.discard(); return snapshot.id
      }())
    try await workspace.write(path("by/hand"), Array("h\n".utf8))
    try await workspace.remove(path("n"))
    #expect(try await workspace.sh("cat by/hand; ls") == "h\na\nb\nby\ncache\nearly\nlink\nsecret\ntool\n")
    try await workspace.restore(snapshot.id)
    #expect(try await workspace.snapshot().id == snapshot.id)
    #expect(try checkout.listing() == before)
    try await workspace.freezeBase()
    #expect(try await workspace.snapshot().changes.isEmpty)
    try await workspace.sh("test -e n; echo late > late")
    #expect(try await workspace.snapshot().summary == ["A late"])
  }

  /// A checkout that lies on an overlay itself, as in a container: root cannot map its owners.
  @Test func aRefusedOverlayBecomesACopyByItself() async throws {
    guard geteuid() == 0 else { return }
    let checkout = try Checkout(["a": "1\n", "d/x": "x\n"])
    let directory = checkout.directory
    for name in ["upper", "work", "run"] { try directory.makeDirectory(name) }
    let options = "lowerdir=\(checkout.root),upperdir=\(directory.path("upper")),workdir=\(directory.path("work"))"
    guard try runProcess(["mount", "-t", "overlay", "-o", options, "overlay", checkout.root]).status == 0 else {
      return
    }
    defer { _ = try? runProcess(["umount", "-l", checkout.root]) }
    let workspace = try await checkout.open()
    try await workspace.write(path("early"), Array("e\n".utf8))
    #expect(try await workspace.sh("cat a early; echo 2 > a; rm -r d; id -u") != "")
    if workspace.mode != .overlay { #expect(workspace.modeReason?.isEmpty == false) }
    #expect(try await workspace.snapshot().summary == ["M a", "D d/x", "A early"])
    #expect(try await workspace.clean(named: "judge").sh("cat a; ls") == "1\na\nd\n")
    #expect(checkout.text("a") == "1\n")
  }

  @Test func aCopyIsOpenedAgain() async throws {
    let checkout = try Checkout(["a": "1\n", "b": "2\n"])
    var id = ""
    do {
      let workspace = try await checkout.open()
      try await workspace.becomeCopyForTest()
      try await workspace.sh("echo x > a")
      id = try await workspace.snapshot().id
      try await workspace.sh("rm b; echo y > a")
    }
    let workspace = try await checkout.reopen()
    #expect(workspace.modeReason == "test")
    try await workspace.restore(id)
    #expect(try await workspace.sh("cat a b") == "x\n2\n")
    #expect(try await workspace.snapshot().id == id)
  }

  @Test func aFullDiskIsSaidAndNothingIsLost() async throws {
    guard geteuid() == 0 else { return }
    let checkout = try Checkout(["a": "1\n"])
    let small = try checkout.directory.makeDirectory("small")
    guard try runProcess(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", small]).status == 0 else { return }
    defer { _ = try? runProcess(["umount", "-l", small]) }
    let workspace = try await checkout.open("small/run")
    try await workspace.sh("echo 2 > a")
    let snapshot = try await workspace.snapshot()
    let run = try await workspace.run(shell: "head -c 2M /dev/urandom > big")
    #expect(run.result.status != .exited(0))
    #expect(
      await failure { try await workspace.write(path("b"), [UInt8](repeating: 7, count: 1 << 20)) }?.kind == .noSpace)
    #expect(await failure { _ = try await workspace.snapshot() }?.kind == .noSpace)
    try await workspace.remove(path("big"))
    #expect(try await workspace.snapshot() == snapshot)
    #expect(try checkout.git("status", "--short").out == "")
    // The checkout's own disk is full: nothing of it is changed.
    try checkout.git("worktree", "add", "-q", "../small/tree")
    try await workspace.discard()
    let location = try CheckoutLocation.resolve(Array("\(small)/tree".utf8))
    let second = try await Workspace.open(
      location, storage: checkout.storage("run2"), sandbox: try checkout.sandbox(), view: checkout.view())
    try await second.sh("echo 3 > a; head -c 1M /dev/urandom > big")
    let change = try await second.snapshot()
    #expect(await failure { _ = try await second.deliver(change, as: .apply) }?.kind == .noSpace)
    #expect(fileBytes("\(small)/tree/a") == Array("1\n".utf8))
    #expect(try runProcess(["ls", "-A", "\(small)/tree"]).out == ".git\na\n")
  }

  @Test func storageMustLieOutsideAndBeOurs() async throws {
    let checkout = try Checkout()
    let inside = await failure {
      _ = try await Workspace.open(
        try checkout.location(), storage: Array(checkout.path("state").utf8), sandbox: try checkout.sandbox(),
        view: checkout.view())
    }
    #expect(inside?.kind == .outside)
    let missing = await failure { _ = try await checkout.open("no/such/place") }
    #expect(missing?.kind == .notFound)
  }

  /// Everything that matters for the difference once more as an ordinary user, in a process of its own.
  @Test func anOrdinaryUserCanDoIt() async throws {
    guard geteuid() == 0, getenv("WORKSPACE_TEST_USER") == nil else { return }
    let directory = try TemporaryDirectory("workspace-user")
    chown(directory.path, 1000, 1000)
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let own = String(decoding: buffer[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    var environment = ["PATH": "/usr/bin:/bin", "WORKSPACE_TEST_USER": "1", "TMPDIR": directory.path]
    environment["HOME"] = directory.path
    environment["LD_LIBRARY_PATH"] = getenv("LD_LIBRARY_PATH").map { String(cString: $0) }
    let drop = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
    // A build directory that the user may not enter cannot be tested from.
    guard try runProcess(drop + ["test", "-x", own], environment: environment).status == 0 else { return }
    let child = try await runningProcess(
      drop + [
        own, "--testing-library", "swift-testing", "--filter",
        "FileTests|SnapshotTests|CommandTests|SiblingTests|aPlainCopy|linksInThe|specialFiles|whiteouts|repositoriesMade|unreadable|ordinaryUserOnly",
      ], environment: environment)
    #expect(child.status == 0, "\(child.out.suffix(6000))\(child.err.suffix(2000))")
    #expect((child.out + child.err).contains("passed after"))
  }

  @Test func ordinaryUserOnly() async throws {
    guard geteuid() != 0 else { return }
    let checkout = try Checkout(["a": "1\n", "d/x": "x\n"])
    chmod(checkout.path("d"), 0o555)
    defer { chmod(checkout.path("d"), 0o755) }
    let workspace = try await checkout.open()
    #expect(try await workspace.sh("id -u; touch new; stat -c %u new a").split(separator: "\n").count == 3)
    // A directory without write permission of the checkout stops a delivery, and nothing is written.
    try await workspace.sh("chmod 755 d; echo y > d/x; echo 2 > a")
    let snapshot = try await workspace.snapshot()
    #expect(await failure { _ = try await workspace.deliver(snapshot, as: .apply) }?.kind == .notWritable)
    #expect(checkout.text("a") == "1\n" && checkout.text("d/x") == "x\n")
    chmod(checkout.path("a"), 0)
    #expect(await failure { _ = try await checkout.open("two").read(path("a")) }?.kind == .unreadable)
    chmod(checkout.root, 0)
    #expect(await failure { _ = try checkout.location() }?.kind == .unreadable)
    chmod(checkout.root, 0o755)
  }
}

extension Workspace {
  func becomeCopyForTest() async throws {
    await acquire()
    defer { release() }
    try becomeCopy("test")
  }
}
