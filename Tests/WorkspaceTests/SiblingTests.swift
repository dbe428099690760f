import Git
import Glibc
import Paths
import TestSupport
import Testing

@testable import Workspace

@Suite struct SiblingTests {
  @Test func theJudgeBeginsClean() async throws {
    let checkout = try Checkout(["a": "1\n", "b": "2\n"])
    let workspace = try await checkout.open()
    try await workspace.sh("echo x > a; echo n > n")
    let snapshot = try await workspace.snapshot()
    let judge = try await workspace.clean(named: "judge")
    #expect(try await judge.sh("cat a; ls") == "1\na\nb\n")
    try await judge.apply(snapshot.changes.filter { $0.path == path("a") })
    #expect(try await judge.sh("cat a; ls") == "x\na\nb\n")
    #expect(try await judge.snapshot().summary == ["M a"])
    #expect(try await workspace.snapshot() == snapshot)
    // Both mean the same base, whatever happens to the checkout in between.
    try checkout.write("a", "user\n")
    let second = try await workspace.clean(named: "judge")
    try await second.apply(snapshot.changes)
    let judged = try await second.snapshot()
    #expect(judged.changes == snapshot.changes)
    #expect(await failure { _ = try await workspace.deliver(judged, as: .apply) }?.kind == .conflict([path("a")]))
    try await second.discard()
    try await workspace.discard()
    #expect(access(checkout.directory.path("run"), F_OK) != 0)
  }

  @Test func forksTryThingsOnTopOfTheRun() async throws {
    let checkout = try Checkout(["a": "1\n", "b": "2\n", "d/x": "x\n"])
    let workspace = try await checkout.open()
    try await workspace.sh("echo changed > a; rm -r d; mkdir d; echo y > d/y")
    let snapshot = try await workspace.snapshot()
    let fork = try await workspace.fork(named: "try-1")
    let other = try await workspace.fork(named: "try-2")
    #expect(try await fork.sh("cat a; ls d; rm d/y; echo f > f; echo 3 > b; cat b") == "changed\ny\n3\n")
    #expect(try await other.sh("ls; cat b") == "a\nb\nd\n2\n")
    #expect(try await fork.snapshot().summary == ["M b", "D d/y", "A f"])
    let nested = try await fork.fork(named: "deeper")
    #expect(try await nested.sh("cat a b; ls") == "changed\n3\na\nb\nd\nf\n")
    try await nested.write(path("a"), Array("again\n".utf8))
    #expect(try await nested.snapshot().summary == ["M a"])
    try await nested.discard()
    let found = try await fork.snapshot()
    try await fork.discard()
    try await other.discard()
    #expect(try await workspace.snapshot() == snapshot)
    try await workspace.apply(found.changes)
    #expect(try await workspace.snapshot().summary == ["M a", "M b", "D d/x", "A f"])
    let report = try await workspace.deliver(try await workspace.snapshot(), as: .apply)
    #expect(report.written.count == 4)
    #expect(checkout.text("a") == "changed\n" && checkout.text("b") == "3\n" && checkout.text("d/x") == nil)
  }

  @Test func theSetUpBecomesTheBase() async throws {
    let checkout = try Checkout(["a": "1\n", ".gitignore": "deps/\n"])
    let workspace = try await checkout.open()
    try await workspace.sh("mkdir deps; echo lib > deps/lib; echo generated > gen; echo 2 >> a; rm -f nothing")
    try await workspace.freezeBase()
    #expect(try await workspace.snapshot().changes.isEmpty)
    #expect(try await workspace.sh("cat deps/lib gen a") == "lib\ngenerated\n1\n2\n")
    let judge = try await workspace.clean(named: "judge")
    #expect(try await judge.sh("cat deps/lib gen") == "lib\ngenerated\n")
    #expect(try await workspace.baseContent(path("gen")) == Array("generated\n".utf8))
    try await workspace.sh("sed -i s/1/one/ a; echo more > deps/lib")
    let snapshot = try await workspace.snapshot()
    #expect(snapshot.summary == ["M a"] && snapshot.ignoredChanges.sample == [path("deps")])
    let fork = try await workspace.fork(named: "f")
    #expect(try await fork.sh("cat a deps/lib gen") == "one\n2\nmore\ngenerated\n")
    try await fork.discard()
    let listing = try checkout.listing()
    try await workspace.freezeBase()
    #expect(try checkout.listing() == listing)
    #expect(try await workspace.snapshot().changes.isEmpty)
  }

  @Test func storageIsOneProcessesAtATime() async throws {
    let checkout = try Checkout()
    let workspace = try await checkout.open()
    #expect(await failure { _ = try await checkout.open() }?.kind == .locked)
    #expect(await failure { _ = try await checkout.reopen() }?.kind == .locked)
    #expect(await failure { try Workspace.removeStorage(checkout.storage()) }?.kind == .locked)
    // Nor can another process.
    let script = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    let other = try runProcess(["python3", "-c", script, checkout.directory.path("run/lock")])
    #expect(other.err.contains("BlockingIOError"))
    // Two runs on one checkout do not meet.
    let second = try await checkout.open("second")
    try await workspace.sh("echo 1 > mine")
    try await second.sh("test ! -e mine; echo 2 > mine")
    #expect(try await workspace.text("mine") == "1\n")
    let status = try runProcess(["stat", "-c", "%a", checkout.directory.path("run")])
    #expect(status.out == "700\n")
  }

  @Test func aRunIsOpenedAgainWithWhatItHad() async throws {
    let checkout = try Checkout(["a": "1\n", "b": "2\n"])
    var id = ""
    do {
      let workspace = try await checkout.open()
      try await workspace.sh("echo gen > gen")
      try await workspace.freezeBase()
      try await workspace.sh("echo x > a; echo n > n")
      id = try await workspace.snapshot().id
      try await workspace.sh("echo later > a; rm b; rm n; mkdir n; echo in > n/in")
    }
    try checkout.write("a", "the user's\n")
    let workspace = try await checkout.reopen()
    try await workspace.restore(id)
    #expect(try await workspace.sh("cat a b n gen") == "x\n2\nn\ngen\n")
    let snapshot = try await workspace.snapshot()
    #expect(snapshot.id == id && snapshot.summary == ["M a", "A n"])
    // The base is what the run saw, not what the user made of it.
    #expect(try await workspace.baseContent(path("a")) == Array("1\n".utf8))
    #expect(try await workspace.conflicts(for: snapshot) == [path("a")])
    #expect(await failure { try await workspace.restore(String(repeating: "0", count: 40)) }?.kind == .unknownSnapshot)
    #expect(await failure { try await workspace.restore("../x") }?.kind == .unknownSnapshot)
    let elsewhere = try Checkout()
    let error = await failure {
      _ = try await Workspace.reopen(
        try elsewhere.location(), storage: checkout.storage("none"), sandbox: try checkout.sandbox(),
        view: checkout.view())
    }
    #expect(error?.kind == .notFound)
  }
}
