import Git
import Glibc
import Paths
import TestSupport
import Testing

@testable import Workspace

/// Contents that a command makes on purpose to lead the agent astray.
@Suite struct HostileTests {
  @Test func linksInTheWorkspaceAreNotFollowed() async throws {
    let checkout = try Checkout(["a": "1\n", "dir/x": "x\n"])
    try checkout.directory.write("secret", "secret\n")
    let workspace = try await checkout.open()
    try await workspace.sh(
      "rm -r dir; ln -s \(checkout.directory.path) dir; ln -s ../secret up; ln -s /etc/passwd abs; ln -s a in; ln -s loop loop"
    )
    for name in ["dir/secret", "dir/checkout/a"] {
      #expect(await failure { _ = try await workspace.read(path(name)) }?.kind == .outside)
      #expect(await failure { try await workspace.write(path(name), []) }?.kind == .outside)
      #expect(await failure { try await workspace.remove(path(name)) }?.kind == .outside)
    }
    #expect(await failure { _ = try await workspace.list(path("dir")) }?.kind == .outside)
    #expect(try await workspace.read(path("up")).isSymlink)
    #expect(try await workspace.text("up") == "../secret")
    for name in ["up", "abs", "dir/secret", "loop"] {
      #expect(await failure { _ = try await workspace.canonical(path(name)) }?.kind == .outside)
    }
    #expect(try await workspace.canonical(path("in")) == path("a"))
    #expect(try await workspace.canonical(path("new/file")) == path("new/file"))
    // Writing to a link replaces it.
    try await workspace.write(path("up"), Array("mine\n".utf8))
    #expect(checkout.directory.text("secret") == "secret\n")
    #expect(try await workspace.sh("cat up") == "mine\n")
    _ = try await workspace.snapshot()
    #expect(await failure { _ = try await workspace.run(shell: "pwd", directory: path("dir")) }?.kind == .outside)
  }

  @Test func specialFilesAreNeverOpenedAndLeftOut() async throws {
    let checkout = try Checkout(["a": "1\n", "b": "2\n"])
    let workspace = try await checkout.open()
    try await workspace.sh(
      "rm b; mkfifo b fifo; python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('sock')\"; echo ok > ok")
    for name in ["fifo", "b", "sock"] {
      #expect(await failure { _ = try await workspace.read(path(name)) }?.kind == .notAFile)
    }
    let snapshot = try await workspace.snapshot()
    #expect(snapshot.summary == ["D b", "A ok"])
    #expect(snapshot.leftOut.map { "\($0.path) \($0.reason.rawValue)" } == ["b fifo", "fifo fifo", "sock socket"])
    #expect(try await workspace.snapshot(id: snapshot.id) == snapshot)
    let report = try await workspace.deliver(snapshot, as: .apply)
    #expect(report.leftOut == snapshot.leftOut && report.written.map(\.quoted) == ["b", "ok"])
    try await workspace.write(path("fifo"), Array("now a file\n".utf8))
    #expect(try await workspace.snapshot()[path("fifo")] != nil)
  }

  @Test func whiteoutsAndOpaqueMarksCannotBeForged() async throws {
    let checkout = try Checkout(["a": "1\n", "d/x": "x\n", "d/y": "y\n"])
    let workspace = try await checkout.open()
    let output = try await workspace.sh(
      """
      mknod a2 c 0 0 2>&1 && echo made; mkdir e; touch d/z
      python3 - <<'EOF' 2>&1
      import os
      for name in ["user.overlay.opaque", "trusted.overlay.opaque", "user.overlay.redirect", "user.overlay.whiteout"]:
          for path in ["d", "e", "a"]:
              try: os.setxattr(path, name, b"y")
              except OSError: pass
      EOF
      true
      """)
    _ = output
    let snapshot = try await workspace.snapshot()
    #expect(snapshot.summary.filter { $0 != "A a2" } == ["A d/z"])
    #expect(try await workspace.list(path("d")).count == 3)
    #expect(try await workspace.sh("ls d | wc -l") == "3\n")
  }

  @Test func repositoriesMadeInsideStayInside() async throws {
    let checkout = try Checkout(["src/a.c": "1\n"])
    let workspace = try await checkout.open()
    try await workspace.sh(
      """
      git init -q sub && touch sub/file; git init -q --bare bare; mkdir -p x/.GIT y/z; echo e > 'y/.git '; echo f > y/f
      echo evil > .Git; mkdir src/.git; echo hook > src/.git/config; echo 2 > src/a.c; mkdir 'src/git~1'
      printf 'x' > \"$(printf '.g\\342\\200\\214it')\"; echo '[core] hooksPath=/x' >> .git/config
      git -c user.name=x -c user.email=x commit -qam two
      """)
    let snapshot = try await workspace.snapshot()
    #expect(snapshot.summary == ["M src/a.c"])
    let reasons = Dictionary(grouping: snapshot.leftOut, by: \.reason).mapValues { $0.map(\.path.quoted).sorted() }
    #expect(reasons[.nestedRepository] == ["bare", "src/.git", "src/git~1", "sub", "x", "y"])
    #expect(reasons[.protectedName] == ["\".g\\342\\200\\214it\"", ".Git"])
    _ = try await workspace.deliver(snapshot, as: .apply)
    #expect(try checkout.git("status", "--short").out == " M src/a.c\n")
    #expect(try checkout.git("log", "--oneline").out.split(separator: "\n").count == 1)
    for name in [".git/config", "src/.git/x", ".GIT/x", "x/git~1/y"] {
      #expect(await failure { try await workspace.write(path(name), []) }?.kind == .outside)
    }
    let change = FileChange(path: path("a/.git/config"), before: nil, after: snapshot.changes[0].after)
    #expect(await failure { try await workspace.apply([change]) }?.kind == .outside)
    let forged = Snapshot(id: snapshot.id, changes: [change])
    let report = try await workspace.deliver(forged, as: .apply)
    #expect(report.written.isEmpty && report.leftOut.map(\.reason) == [.protectedName])
  }

  @Test func anyNameAndDepth() async throws {
    let checkout = try Checkout(["a": "1\n"])
    let workspace = try await checkout.open()
    try await workspace.sh(
      """
      python3 - <<'EOF'
      import os
      odd = bytes(b for b in range(1, 256) if b != 0x2f)
      open(odd[:127] + b"end", "wb").write(b"odd\\n")
      open(odd[127:] + b"x" * 128, "wb").write(b"odd2\\n")
      open(b"z" * 255, "wb").write(b"long\\n")
      for twin in ["Twin", "twin", "TWIN"]: open(twin, "w").write(twin)
      open("-rf", "w").write("dash")
      here = os.getcwd()
      os.mkdir("deep"); os.chdir("deep")
      for i in range(1500):
          os.mkdir("d" * 40); os.chdir("d" * 40)
          if i == 3: open("shallow", "w").write("s")
      open("bottom", "w").write("b")
      EOF
      """)
    let snapshot = try await workspace.snapshot()
    #expect(snapshot.changes.count == 8)
    #expect(snapshot.leftOut.map(\.reason) == [.tooDeep])
    #expect(try await workspace.snapshot(id: snapshot.id) == snapshot)
    let patch = try await workspace.diff(from: nil, to: snapshot).flatMap(\.patch)
    let report = try await workspace.deliver(snapshot, as: .apply)
    #expect(report.written.count == 8)
    #expect(try checkout.git("apply", "--check", "-R", "-", input: patch).status == 0)
    let second = try await checkout.open("second")
    #expect(try await second.list(.root).count == 9)
    for change in snapshot.changes {
      #expect(try await second.read(change.path).bytes == workspace.read(change.path).bytes)
    }
    try await workspace.discard()
  }

  @Test func tenThousandFiles() async throws {
    let checkout = try Checkout(git: false, memory: true, ["a": "1\n"])
    let workspace = try await checkout.open()
    // As a command leaves them, without a command: what counts here is the agent's own work.
    let script = """
      import os
      for i in range(10000):
          if i < 100: os.mkdir('d%d' % i)
          open('d%d/f%d' % (i % 100, i), 'w').write('%d' % i)
      """
    _ = try await runningProcess(["python3", "-c", script], cwd: checkout.directory.path("run/main/upper"))
    let snapshot = try await workspace.snapshot()
    #expect(snapshot.changes.count == 10_000)
    #expect(try await workspace.snapshot() == snapshot)
    let report = try await workspace.deliver(snapshot, as: .apply)
    #expect(report.written.count == 10_000)
    #expect(checkout.text("d7/f1207") == "1207")
  }

  @Test func unreadableAndHugeFilesAreSaid() async throws {
    let checkout = try Checkout(["a": "1\n"])
    try checkout.write("big", "x")
    truncate(checkout.path("big"), 65 << 20)
    try checkout.write("locked/x", "x")
    let workspace = try await checkout.open()
    #expect(await failure { _ = try await workspace.read(path("big")) }?.kind == .tooLarge)
    try await workspace.sh("truncate -s 2G huge; chmod 000 a; mkdir -m 000 closed; chmod g+w big")
    #expect(try await workspace.snapshot().leftOut.map(\.path) == [path("huge")])
    try await workspace.sh("echo 2 >> big")
    let snapshot = try await workspace.snapshot()
    #expect(snapshot.changes.isEmpty)
    #expect(snapshot.leftOut.map { "\($0.path) \($0.reason.rawValue)" } == ["big tooLarge", "huge tooLarge"])
    #expect(try await workspace.text("a") == "1\n")
  }
}
