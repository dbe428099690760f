import CodeIndex
import Git
import Glibc
import Paths
import TestSupport
import Testing

/// Trees, repositories and places for the index as they should not be.
@Suite struct BadInputTests {
  private func git(_ directory: String, _ arguments: String...) throws {
    let names = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", "-c", "gc.auto=0"]
    let result = try runProcess(["git"] + names + arguments, cwd: directory)
    #expect(result.status == 0, "\(result.err)")
  }

  private static func open(_ scratch: TemporaryDirectory, _ tree: String = "tree") throws -> CodeSearch {
    try CodeSearch(path: Array(scratch.path(tree).utf8), cache: Array(scratch.path("cache").utf8))
  }

  private static func symbols(_ index: CodeSearch, _ name: String, revision: String? = nil) async throws -> [String] {
    try await index.search(SearchRequest(name, mode: .symbols), revision: revision).results.map(\.path.quoted)
  }

  @Test func aPartialCloneIsSearchedAsFarAsItGoes() async throws {
    let scratch = try TemporaryDirectory("codeindex")
    let root = try scratch.makeDirectory("origin")
    try scratch.write("origin/near.py", "def near():\n    pass\n")
    try scratch.write("origin/far.py", "def far():\n    pass\n")
    try git(root, "init", "-q", "-b", "main")
    try git(root, "config", "uploadpack.allowFilter", "true")
    try git(root, "config", "uploadpack.allowAnySHA1InWant", "true")
    try git(root, "add", "-A")
    try git(root, "commit", "-qm", "all")
    try git(
      scratch.path, "-c", "protocol.file.allow=always", "clone", "-q", "--filter=blob:none", "--no-checkout",
      "file://" + root, "tree")
    // One of the two comes.
    try git(scratch.path("tree"), "-c", "protocol.file.allow=always", "checkout", "-q", "main", "--", "near.py")
    let index = try Self.open(scratch)
    #expect(try await index.prepare(revision: "main").special["missing"] == 1)
    #expect(try await Self.symbols(index, "near", revision: "main") == ["near.py"])
    #expect(try await Self.symbols(index, "far", revision: "main") == [])
    let named = try await index.search(SearchRequest("far", mode: .files), revision: "main")
    #expect(named.results.map(\.path.quoted) == ["far.py"])
    // What was missing is known once it is there.
    try git(scratch.path("tree"), "-c", "protocol.file.allow=always", "checkout", "-q", "main", "--", "far.py")
    let later = try Self.open(scratch)
    #expect(try await Self.symbols(later, "far", revision: "main") == ["far.py"])
    #expect(try await later.prepare(revision: "main").special["missing"] == nil)
  }

  /// Root may read everything: such a process gives that up first.
  @Test func filesThatMayNotBeReadAreNamedAndTriedAgain() async throws {
    await #expect(processExitsWith: .success) {
      let scratch = try TemporaryDirectory("codeindex")
      try scratch.write("tree/open.py", "def open_door():\n    pass\n")
      try scratch.write("tree/shut.py", "def shut_door():\n    pass\n")
      _ = try scratch.makeDirectory("tree/closed")
      _ = try scratch.makeDirectory("cache")
      #expect(chmod(scratch.path, 0o755) == 0)
      #expect(chmod(scratch.path("tree/shut.py"), 0) == 0)
      #expect(chmod(scratch.path("tree/closed"), 0) == 0)
      let isRoot = geteuid() == 0
      if isRoot {
        #expect(chown(scratch.path("cache"), 65534, 65534) == 0)
        #expect(seteuid(65534) == 0)
      }
      let index = try BadInputTests.open(scratch)
      let status = try await index.prepare(revision: nil)
      #expect(status.special["unreadable"] == 1)
      #expect(status.special["unreadable directory"] == 1)
      #expect(try await BadInputTests.symbols(index, "open_door") == ["open.py"])
      if isRoot { #expect(seteuid(0) == 0) }
      #expect(chmod(scratch.path("tree/shut.py"), 0o644) == 0)
      #expect(chmod(scratch.path("tree/closed"), 0o755) == 0)
      if isRoot { #expect(seteuid(65534) == 0) }
      #expect(try await BadInputTests.symbols(BadInputTests.open(scratch), "shut_door") == ["shut.py"])
      if isRoot { #expect(seteuid(0) == 0) }
    }
  }

  @Test func aPlaceWhereNothingMayBeWrittenIsNamed() async throws {
    await #expect(processExitsWith: .success) {
      let scratch = try TemporaryDirectory("codeindex")
      try scratch.write("tree/a.py", "def a_name():\n    pass\n")
      _ = try scratch.makeDirectory("cache")
      #expect(chmod(scratch.path, 0o755) == 0)
      #expect(chmod(scratch.path("cache"), 0o500) == 0)
      let isRoot = geteuid() == 0
      if isRoot { #expect(seteuid(65534) == 0) }
      let index = try BadInputTests.open(scratch)
      let status = try await index.prepare(revision: nil)
      #expect(status.storeProblem?.hasSuffix("Permission denied") == true)
      #expect(try await BadInputTests.symbols(index, "a_name") == ["a.py"])
      if isRoot { #expect(seteuid(0) == 0) }
    }
  }

  @Test func aDirectoryThatOthersCanWriteIsNotBelieved() async throws {
    let scratch = try TemporaryDirectory("codeindex")
    try scratch.write("tree/a.py", "def a_name():\n    pass\n")
    let first = try Self.open(scratch)
    #expect(try await first.prepare(revision: nil).storeProblem == nil)
    for name in try runProcess(["ls", scratch.path("cache")]).out.split(separator: "\n") {
      #expect(chmod(scratch.path("cache/\(name)"), 0o777) == 0)
    }
    let index = try Self.open(scratch)
    #expect(try await index.prepare(revision: nil).storeProblem?.hasSuffix("other users can write there") == true)
    #expect(try await Self.symbols(index, "a_name") == ["a.py"])
  }

  /// A limit on the size of files fails as a full disk does: with a part written.
  @Test func withoutSpaceItWorksInMemory() async throws {
    await #expect(processExitsWith: .success) {
      let scratch = try TemporaryDirectory("codeindex")
      for number in 0..<60 {
        let lines = (0..<40).map { "def name_\(number)_\($0)():\n    return \"\(number &* $0 &* 0x9e37)\"\n" }
        try scratch.write("tree/f\(number).py", lines.joined())
      }
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 8192, rlim_max: rlim_t.max)
      #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      let index = try BadInputTests.open(scratch)
      let status = try await index.prepare(revision: nil)
      #expect(status.storeProblem?.hasSuffix("File too large") == true)
      #expect(try await BadInputTests.symbols(index, "name_7_7") == ["f7.py"])
      limit.rlim_cur = rlim_t.max
      _ = setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      // Nothing half written is left.
      let left = try runProcess(["find", scratch.path("cache"), "-name", "*.tmp"]).out
      #expect(left == "")
      let again = try BadInputTests.open(scratch)
      #expect(try await again.prepare(revision: nil).storeProblem == nil)
    }
  }

  @Test func hugeAndEndlessFilesAndFullDirectoriesTakeNoTime() async throws {
    let scratch = try TemporaryDirectory("codeindex")
    _ = try scratch.makeDirectory("tree")
    // One line of 100 MB, which takes no room on disk.
    let file = Glibc.open(scratch.path("tree/huge.js"), O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)
    #expect(ftruncate(file, 100 << 20) == 0)
    close(file)
    let dense = "var needle_" + String(repeating: "ab12,", count: 200_000) + "=1"
    try scratch.write("tree/dense.js", dense)
    for number in 0..<3000 { try scratch.write("tree/many/f\(number).txt", "file \(number)\n") }
    let index = try Self.open(scratch)
    let status = try await index.prepare(revision: nil)
    #expect(status.files == 3002)
    #expect(status.special["too large"] == 1)
    let lines = try await index.search(SearchRequest("needle_", mode: .regex), revision: nil)
    #expect(lines.results.map(\.path.quoted) == ["dense.js"])
    let found = try await index.search(SearchRequest("file 2999", mode: .regex), revision: nil)
    #expect(found.results.map(\.path.quoted) == ["many/f2999.txt"])
  }

  /// Debian's kernel sources come so: the packager keeps nothing but its own directory.
  @Test func rulesThatIgnoreEverythingDoNotCountOutsideGit() async throws {
    let scratch = try TemporaryDirectory("codeindex")
    try scratch.write("tree/.gitignore", "*.o\n/*\n!/debian/\n")
    try scratch.write("tree/kernel/fork.c", "int fork_all(void)\n{\n  return 1;\n}\n")
    try scratch.write("tree/sub/.gitignore", "made.c\n")
    #expect(try await Self.symbols(Self.open(scratch), "fork_all") == ["kernel/fork.c"])
    try scratch.write("tree/.gitignore", "/sub\n")
    try scratch.write("tree/sub/other.c", "int other_name(void)\n{\n  return 1;\n}\n")
    let index = try Self.open(scratch)
    #expect(try await Self.symbols(index, "fork_all") == ["kernel/fork.c"])
    #expect(try await Self.symbols(index, "other_name") == [])
  }

  @Test func aTreeThatIsWrittenMeanwhileIsSeenAsItIsInTheEnd() async throws {
    let scratch = try TemporaryDirectory("codeindex")
    let root = try scratch.makeDirectory("tree")
    for number in 0..<40 { try scratch.write("tree/d\(number % 4)/f\(number).py", "def old_\(number)():\n    pass\n") }
    try git(root, "init", "-q", "-b", "main")
    try git(root, "add", "-A")
    try git(root, "commit", "-qm", "old")
    let script = """
      for i in 1 2 3; do
        for f in d*/f1*.py; do echo "def new_$i(): pass" > $f.x && mv $f.x $f; done
        rm -rf d3; mkdir -p d3 e$i; echo "def added_$i(): pass" > e$i/a.py
        git add -A && git -c user.name=a -c user.email=a@b -c gc.auto=0 commit -qm $i
        git checkout -q HEAD~1 && git checkout -q main
      done
      """
    async let writer = runningProcess(["sh", "-c", script], cwd: root)
    for _ in 0..<6 {
      let index = try Self.open(scratch)
      _ = try await index.prepare(revision: nil)
      _ = try await index.search(SearchRequest("new old added"), revision: nil)
      _ = try await Self.symbols(index, "old_1", revision: "main")
    }
    #expect(try await writer.status == 0)
    let index = try Self.open(scratch)
    for revision in [nil, "main"] {
      #expect(try await Self.symbols(index, "added_3", revision: revision) == ["e3/a.py"])
      #expect(try await !Self.symbols(index, "old_3", revision: revision).contains("d3/f3.py"))
      #expect(try await Self.symbols(index, "new_3", revision: revision).first == "d0/f12.py")
      #expect(try await Self.symbols(index, "new_2", revision: revision) == [])
    }
  }

  @Test func queriesMayHoldAnyBytes() async throws {
    let scratch = try TemporaryDirectory("codeindex")
    for number in 0..<20 { try scratch.write("tree/f\(number).py", "def name_\(number)(a):\n    return a[\"x\"]\n") }
    let index = try Self.open(scratch)
    var generator = Seeded(11)
    let marks = Array(" name_\"`'\n()[]*+?{}|\\^$.a".utf8)
    for round in 0..<60 {
      let size = round == 0 ? 300_000 : Int.random(in: 0...400, using: &generator)
      let bytes = (0..<size).map { _ in
        Bool.random(using: &generator)
          ? UInt8.random(in: 0...255, using: &generator) : marks[Int.random(in: 0..<marks.count, using: &generator)]
      }
      let text = String(decoding: bytes, as: UTF8.self)
      for mode in [SearchRequest.Mode.words, .regex, .symbols, .files] {
        do {
          let answer = try await index.search(SearchRequest(text, mode: mode, limit: 5), revision: nil)
          #expect(answer.results.count <= 5)
        } catch is SearchError {
          // A pattern may be none.
          #expect(mode == .regex)
        }
      }
    }
  }
}
