import Git
import Glibc
import Paths
import Sandbox
import TestSupport
import Testing

@testable import Workspace

@Suite struct CommandTests {
  @Test func commandsGetWhatTheyAreGiven() async throws {
    let checkout = try Checkout()
    let workspace = try await checkout.open()
    let run = try await workspace.run(
      shell: "cat; echo $EXTRA; pwd; cat /run/codeagent/adaptor/hello /run/codeagent/adaptor/deep/er; exit 3",
      directory: path("src"), environment: ["EXTRA": "extra"], input: Array("input\n".utf8),
      adaptors: ["hello": Array("adaptor\n".utf8), "deep/er": Array("deeper\n".utf8)])
    #expect(run.result.status == .exited(3))
    let output = String(decoding: run.result.output.head, as: UTF8.self)
    #expect(output == "input\nextra\n\(checkout.root)/src\nadaptor\ndeeper\n")
    let echo = try await workspace.run(
      arguments: ["printf", "%s", "a b"].map { Array($0.utf8) } + [[0xff, 0xfe]])
    #expect(echo.result.output.head == Array("a b".utf8) + [0xff, 0xfe])
    #expect(await failure { _ = try await workspace.run(shell: "true", directory: path("none")) }?.kind == .notFound)
    #expect(
      await failure { _ = try await workspace.run(shell: "true", directory: path("a.txt")) }?.kind == .notADirectory)
    #expect(await failure { _ = try await workspace.run(arguments: [Array("no-such".utf8)]) }?.kind == .notFound)
  }

  @Test func resultsAreRegularFilesOfBoundedSize() async throws {
    let checkout = try Checkout()
    let workspace = try await checkout.open()
    let run = try await workspace.run(
      shell: """
        cd /run/codeagent/results; echo one > one; mkdir -p a/b; echo two > a/b/two; ln -s /etc/passwd link; mkfifo fifo
        truncate -s 65M big; echo locked > locked; chmod 000 locked; mkdir closed; echo in > closed/in; chmod 000 closed
        """, collectResults: true)
    #expect(run.result.status == .exited(0))
    #expect(
      run.results.mapValues { String(decoding: $0, as: UTF8.self) } == [
        "one": "one\n", "a/b/two": "two\n", "locked": "locked\n", "closed/in": "in\n",
      ])
    let second = try await workspace.run(shell: "ls /run/codeagent/results", collectResults: true)
    #expect(second.results.isEmpty && second.result.output.totalBytes == 0)
  }

  @Test func commandsAndWritesWaitForEachOther() async throws {
    let checkout = try Checkout()
    let workspace = try await checkout.open()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<6 {
        group.addTask {
          try await workspace.sh("test ! -e busy; echo \(index) > busy; sleep 0.02; echo \(index) >> log; rm busy")
        }
        group.addTask { try await workspace.write(path("by-hand-\(index)"), []) }
        group.addTask { _ = try await workspace.snapshot() }
      }
      try await group.waitForAll()
    }
    #expect(try await workspace.text("log").split(separator: "\n").count == 6)
    #expect(try await workspace.snapshot().changes.count == 7)
  }

  @Test func maskedFilesAreHiddenEverywhere() async throws {
    let checkout = try Checkout(["a": "1\n", "secret/key": "s3cret\n", "token": "t0ken\n"])
    let masked = [path("secret"), path("token"), path("not/there")]
    let workspace = try await checkout.open(masked: masked)
    let output = try await workspace.sh(
      "cat token secret/key 2>&1; ls secret; grep -r s3cret . --exclude-dir=.git; true")
    #expect(!output.contains("s3cret") && !output.contains("t0ken"))
    for name in ["token", "secret/key", "secret"] {
      #expect(await failure { _ = try await workspace.read(path(name)) }?.kind == .masked)
      #expect(await failure { try await workspace.write(path(name), []) }?.kind == .masked)
    }
    #expect(await failure { _ = try await workspace.baseContent(path("token")) }?.kind == .masked)
    _ = try await workspace.run(
      shell: "rm -rf secret token; echo x > token; mkdir -p secret; echo y > secret/key; true")
    #expect(try await workspace.snapshot().changes.isEmpty)
    #expect(!(try await workspace.sh("ls -A")).contains("not"))
    let judge = try await workspace.clean(named: "judge")
    #expect(!(try await judge.sh("cat token; cat secret/key; true")).contains("s3cret"))
    #expect(checkout.text("token") == "t0ken\n")
  }

  @Test func gitWorksInsideWithoutItsSecrets() async throws {
    let checkout = try Checkout(["a": "1\n"])
    for setting in [
      "remote.origin.url=https://bob:t0ken@example.com/x.git?access_token=t0ken", "user.name=Bob",
      "remote.ssh.url=git@example.com:x.git", "core.hooksPath=/evil", "core.fsmonitor=/evil/t0ken",
      "http.https://example.com/.extraheader=AUTHORIZATION: basic t0ken", "credential.helper=store --file t0ken",
      "url.https://t0ken@example.com/.insteadOf=https://example.com/", "include.path=/t0ken", "alias.x=!t0ken",
      "core.sshCommand=ssh -i t0ken", "branch.main.remote=origin", "branch.main.merge=refs/heads/main",
    ] {
      let pair = setting.split(separator: "=", maxSplits: 1).map(String.init)
      // The name of a section can hold an equals sign of an address.
      try checkout.git("config", pair[0], pair[1])
    }
    try checkout.write(".git/modules/lib/HEAD", "ref: refs/heads/main\n")
    try checkout.git(
      "config", "--file", ".git/modules/lib/config", "remote.origin.url", "https://t0ken@example.com/lib")
    let workspace = try await checkout.open()
    let output = try await workspace.sh(
      """
      ! grep -r t0ken .git/config .git/modules; git config remote.origin.url; git config remote.ssh.url; git config core.hooksPath
      git config user.name; git config user.email x@y; git config --get branch.main.merge
      echo 2 > a; git commit -qam two && git log --format=%an:%s; git stash list; git checkout -qb side; git branch
      """)
    #expect(
      output == """
        https://example.com/x.git
        git@example.com:x.git
        Bob
        refs/heads/main
        Bob:two
        a:first
          main
        * side

        """)
    #expect(try checkout.git("log", "--format=%s").out == "first\n")
    #expect(try checkout.git("branch").out == "* main\n")
    #expect(try await workspace.snapshot().summary == ["M a"])
    #expect(!String(decoding: try await workspace.read(path(".git/config")).bytes, as: UTF8.self).contains("t0ken"))
    let judge = try await workspace.clean(named: "judge")
    #expect(!(try await judge.sh("cat .git/config")).contains("t0ken"))
  }

  @Test func ignoredFilesAreSeenAndNotStored() async throws {
    let checkout = try Checkout(["a": "1\n", ".gitignore": ".venv/\n*.log\nbuild/\n", "build/tracked": "t\n"])
    try checkout.git("add", "-f", "build/tracked")
    try checkout.git("commit", "-qm", "tracked")
    try checkout.write(".venv/lib/module.py", "x = 1\n")
    try checkout.write("old.log", "old\n")
    let workspace = try await checkout.open()
    #expect(try await workspace.sh("cat .venv/lib/module.py old.log") == "x = 1\nold\n")
    try await workspace.sh(
      """
      echo 2 > .venv/lib/module.py; mkdir .venv/cache; for i in $(seq 30); do echo $i > .venv/cache/$i; done
      echo new > new.log; rm old.log; echo changed > build/tracked; echo other > build/other; echo '*' > .gitignore; echo n > n
      """)
    let snapshot = try await workspace.snapshot()
    #expect(snapshot.summary == ["M .gitignore", "M build/tracked", "A n"])
    #expect(snapshot.ignoredChanges.count == 34 && snapshot.ignoredChanges.isComplete)
    #expect(Set(snapshot.ignoredChanges.sample.map(\.quoted)) == [".venv", "new.log", "old.log", "build/other"])
    let entries = try await workspace.list(.root).filter(\.isIgnored).map { String(decoding: $0.name, as: UTF8.self) }
    #expect(entries == [".venv", "build", "new.log"])
    let report = try await workspace.deliver(snapshot, as: .apply)
    #expect(report.written.count == 3)
    #expect(checkout.text("old.log") == "old\n" && checkout.text(".venv/lib/module.py") == "x = 1\n")
  }

  @Test func cleaningAnswersLikeGit() throws {
    let configuration = """
      # comment with t0ken
      [core]
      \trepositoryformatversion = 0 ; t0ken
      \tbare
      \thooksPath = "/t0ken"
      \tsshCommand = ssh \\
      -i t0ken
      [remote "a \\"b\\" c"] url = "https://t0ken@host/x#y"
      \tfetch = +refs/heads/*:refs/remotes/origin/*
      [Remote.old]
      \tURL = ssh://git@host/path
      \tpushurl = ssh://git:t0ken@host/path
      \tproxy = http://t0ken@proxy
      [submodule "s"]
      \tupdate = !t0ken
      \tbranch = main
      [remote "x"
      \turl = https://t0ken
      """
    let cleaned = String(decoding: GitConfigCleaner.clean(Array(configuration.utf8)), as: UTF8.self)
    #expect(
      cleaned == """
        [core]
        \trepositoryformatversion = "0"
        \tbare = "true"
        [remote "a \\"b\\" c"]
        \turl = "https://host/x"
        \tfetch = "+refs/heads/*:refs/remotes/origin/*"
        [remote "old"]
        \turl = "ssh://git@host/path"
        \tpushurl = "ssh://host/path"
        [submodule "s"]
        \tbranch = "main"

        """)
    #expect(GitConfigCleaner.clean(Array(cleaned.utf8)) == Array(cleaned.utf8))
    // Whatever the bytes are, it ends and never grows a secret.
    var generator = Seeded(7)
    for _ in 0..<500 {
      var bytes = Array(configuration.utf8)
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      _ = GitConfigCleaner.clean(bytes)
    }
  }
}
