import Git
import Glibc
import Paths
import TestSupport
import Testing

@testable import Workspace

@Suite struct DeliveryTests {
  @Test func appliesExactlyTheChange() async throws {
    let checkout = try Checkout([
      "a.txt": "1\n2\n3\n", "gone/x": "x\n", "keep": "k\n", "dir/f": "f\n", "file": "plain\n",
    ])
    try checkout.write("private", "p\n", mode: 0o600)
    try checkout.write("run.sh", "#!/bin/sh\n")
    let workspace = try await checkout.open()
    try await workspace.sh(
      """
      sed -i s/2/two/ a.txt; rm -r gone; echo p2 > private; chmod +x run.sh; rm -r dir; echo now a file > dir
      rm file; mkdir -p file/deep; echo in > file/deep/in; ln -s a.txt link; touch -d 2001-01-01 keep
      mkdir -m 700 n; (umask 077; echo new > n/new); chmod 4755 n/new
      """)
    let snapshot = try await workspace.snapshot()
    #expect(try await workspace.conflicts(for: snapshot).isEmpty)
    let report = try await workspace.deliver(snapshot, as: .apply)
    #expect(report.removed.map(\.quoted) == ["dir/f", "file", "gone/x"])
    #expect(report.leftOut == [LeftOut(path: path("n/new"), reason: .setID)])
    let listing = try runProcess(
      ["sh", "-c", "find . -path ./.git -prune -o -printf '%P %y %m %l\\n' | sort"], cwd: checkout.root
    ).out
    #expect(
      listing == """
         d 755\(" ")
        a.txt f 644\(" ")
        dir f 644\(" ")
        file d 755\(" ")
        file/deep d 755\(" ")
        file/deep/in f 644\(" ")
        keep f 644\(" ")
        link l 777 a.txt
        n d 755\(" ")
        n/new f 755\(" ")
        private f 600\(" ")
        run.sh f 755\(" ")

        """)
    #expect(checkout.text("a.txt") == "1\ntwo\n3\n" && checkout.text("private") == "p2\n")
    let again = try await workspace.deliver(snapshot, as: .apply)
    #expect(again.written.isEmpty && again.unchanged.count == snapshot.changes.count)
  }

  @Test func mergesWhatTheUserChangedMeanwhile() async throws {
    let lines = (1...20).map { "\($0)\n" }
    let checkout = try Checkout(["a": lines.joined(), "b": "b\n"])
    let workspace = try await checkout.open()
    try await workspace.sh("sed -i 's/^3$/three/' a; echo new > b")
    let snapshot = try await workspace.snapshot()
    try checkout.write("a", lines.joined().replacing("18\n", with: "eighteen\n"))
    #expect(try await workspace.conflicts(for: snapshot) == [path("a")])
    let report = try await workspace.deliver(snapshot, as: .apply)
    #expect(report.merged == [path("a")])
    #expect(
      checkout.text("a") == lines.joined().replacing("18\n", with: "eighteen\n").replacing("\n3\n", with: "\nthree\n"))
  }

  @Test(arguments: ["edit", "delete", "create", "directory", "link"])
  func refusesWhatDoesNotFitAndWritesNothing(_ kind: String) async throws {
    let checkout = try Checkout(["a": "1\n", "b": "2\n"])
    let workspace = try await checkout.open()
    try await workspace.sh("echo x > a; echo y > b; mkdir d; echo n > d/new")
    let snapshot = try await workspace.snapshot()
    var expected = "b"
    switch kind {
    case "edit": try checkout.write("b", "other\n")
    case "delete": unlink(checkout.path("b"))
    case "create":
      expected = "d/new"
      try checkout.write("d/new", "mine\n")
    case "directory":
      unlink(checkout.path("b"))
      try checkout.write("b/x", "mine\n")
    default:
      expected = "d/new"
      symlink("/etc", checkout.path("d"))
    }
    let before = try checkout.listing()
    let error = await failure { _ = try await workspace.deliver(snapshot, as: .apply) }
    #expect(error?.kind == .conflict([path(expected)]))
    #expect(try checkout.listing() == before)
    #expect(try await workspace.conflicts(for: snapshot) == [path(expected)])
  }

  @Test func aFileChangedWhileACommandRanIsAConflict() async throws {
    let checkout = try Checkout(["a": "1\n2\n3\n4\n5\n6\n7\n8\n9\n"])
    let workspace = try await checkout.open()
    async let run = workspace.sh(
      "cp a b; echo started > s; while ! grep -q user a; do sleep 0.01; done; mv b a; echo more >> a")
    while !fileExists(workspace, "s") { usleep(5000) }
    usleep(20_000)
    try checkout.write("a", "user\n2\n3\n4\n5\n6\n7\n8\n9\n")
    _ = try await run
    let snapshot = try await workspace.snapshot()
    #expect(snapshot[path("a")]?.isBaseCertain == false)
    #expect(try await workspace.snapshot(id: snapshot.id).changes == snapshot.changes)
    #expect(await failure { _ = try await workspace.deliver(snapshot, as: .apply) }?.kind == .conflict([path("a")]))
    #expect(checkout.text("a")?.hasPrefix("user") == true)
  }

  private func fileExists(_ workspace: Workspace, _ name: String) -> Bool {
    access(String(decoding: workspace.shared.storage.path("main", "upper", name), as: UTF8.self), F_OK) == 0
  }

  @Test func linksThatLeadOutStayInside() async throws {
    let checkout = try Checkout(["a": "1\n", "deep/er/x": "x\n"])
    symlink("/etc", checkout.path("out"))
    try checkout.commit("link")
    let workspace = try await checkout.open()
    let links = [
      "ok1": "a", "deep/er/ok2": "../../a", "ok3": "missing/yet", "ok4": "\(checkout.root)/a", "ok5": "deep/../a",
      "bad1": "/etc/passwd", "bad2": "../x", "bad3": "out/passwd", "deep/bad4": "er/../../../x", "bad5": ".git/hooks/x",
      "bad6": "ok1/../../x", "bad7": "bad2", "bad8": "bad8", "bad9": "deep/er/up/../../x", "deep/er/up": "../..",
    ]
    try await workspace.sh(links.map { "ln -s '\($1)' \($0)" }.joined(separator: "; "))
    let snapshot = try await workspace.snapshot()
    #expect(snapshot.changes.count == links.count)
    let report = try await workspace.deliver(snapshot, as: .apply)
    #expect(report.leftOut.map(\.path.quoted) == links.keys.filter { $0.contains("bad") }.sorted())
    #expect(report.written.map(\.quoted) == links.keys.filter { !$0.contains("bad") }.sorted())
    #expect(Set(report.leftOut.map(\.reason)) == [.linkOutside, .protectedName])
  }

  @Test func aBranchHoldsTheChangeAndTouchesNothingElse() async throws {
    let lines = (1...20).map { "\($0)\n" }.joined()
    let checkout = try Checkout(["a": lines, "b": "b\n", "dir/c": "c\n", "dirty": "1\n", "crlf": "x\ny\n"])
    try checkout.write("a", lines.replacing("20\n", with: "user's uncommitted\n"))
    try checkout.write("untracked", "u\n")
    try checkout.write("crlf", "x\r\ny\r\n")
    let workspace = try await checkout.open()
    try await workspace.sh("sed -i 's/^2$/two/' a; rm -r dir; echo n > n; chmod +x n; ln -s b link; sed -i s/x/z/ crlf")
    let snapshot = try await workspace.snapshot()
    let before = try checkout.listing() + checkout.git("status", "--short").out
    let report = try await workspace.deliver(
      snapshot, as: .branch(name: Array("fix/it".utf8), message: "Fix it", author: ("Agent", "a@example.com")))
    #expect(try checkout.listing() + checkout.git("status", "--short").out == before)
    #expect(report.merged == [path("a")])
    #expect(
      try checkout.git("diff", "--name-status", "main", "fix/it").out == "M\ta\nM\tcrlf\nD\tdir/c\nA\tlink\nA\tn\n")
    #expect(try checkout.git("show", "fix/it:a").out == lines.replacing("\n2\n", with: "\ntwo\n"))
    #expect(try checkout.git("show", "fix/it:crlf").out == "z\ny\n")
    #expect(try checkout.git("ls-tree", "fix/it", "n").out.hasPrefix("100755"))
    #expect(
      try checkout.git("log", "-1", "--format=%an %ae %s %P", "fix/it").out
        == "Agent a@example.com Fix it \(workspace.baseCommit?.hex ?? "")\n")
    #expect(report.commit?.hex == (try checkout.git("rev-parse", "fix/it").out.dropLast()).description)
    try checkout.git("fsck", "--strict")
    // The same delivery once more is what a run does that died before it could record the first.
    let repeated = try await workspace.deliver(
      snapshot, as: .branch(name: Array("fix/it".utf8), message: "Fixed", author: ("Agent", "a@example.com")))
    #expect(repeated.commit == report.commit)
    try checkout.git("branch", "taken")
    for taken in ["taken", "main"] {
      let again = await failure {
        _ = try await workspace.deliver(
          snapshot, as: .branch(name: Array(taken.utf8), message: "m", author: ("Agent", "a@example.com")))
      }
      #expect(again?.kind == .branchExists)
    }
    try await workspace.sh("sed -i s/uncommitted/lost/ a; echo 2 > untracked")
    let dirty = try await workspace.snapshot()
    let refused = await failure {
      _ = try await workspace.deliver(dirty, as: .branch(name: Array("other".utf8), message: "m", author: ("a", "b")))
    }
    #expect(refused?.kind == .conflict([path("a"), path("untracked")]))
    #expect(await failure { _ = try checkout.git("rev-parse", "-q", "--verify", "other") } == nil)
  }

  @Test func exportsIntoADirectoryOfItsOwn() async throws {
    let checkout = try Checkout(["a": "1\n", "b": "2\n"])
    let workspace = try await checkout.open()
    try await workspace.sh(
      "echo x > a; rm b; mkdir -p n/m; echo n > n/m/o; chmod +x n/m/o; ln -s /etc/passwd bad; mkfifo f")
    let snapshot = try await workspace.snapshot()
    let target = checkout.directory.path("out")
    let report = try await workspace.export(snapshot, to: Array(target.utf8))
    #expect(report.written.map(\.quoted) == ["a", "n/m/o"] && report.removed.map(\.quoted) == ["b"])
    #expect(Set(report.leftOut.map(\.path.quoted)) == ["bad", "f"])
    #expect(
      try runProcess(["sh", "-c", "cd \(target); find . -type f -perm -100; cat a n/m/o"]).out == "./n/m/o\nx\nn\n")
    #expect(await failure { _ = try await workspace.export(snapshot, to: Array(target.utf8)) }?.kind == .outside)
  }

  @Test func aFirstCommitCanBeABranch() async throws {
    let checkout = try Checkout([:])
    let workspace = try await checkout.open()
    try await workspace.sh("echo n > n")
    _ = try await workspace.deliver(
      try await workspace.snapshot(), as: .branch(name: Array("first".utf8), message: "m", author: ("a", "b")))
    #expect(try checkout.git("log", "--format=%s", "first").out == "m\n")
    let plain = try Checkout(git: false)
    let other = try await plain.open()
    let error = await failure {
      _ = try await other.deliver(
        try await other.snapshot(), as: .branch(name: Array("x".utf8), message: "m", author: ("a", "b")))
    }
    #expect(error?.kind == .notARepository)
  }
}
