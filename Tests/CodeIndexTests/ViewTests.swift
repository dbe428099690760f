import CodeIndex
import Git
import Glibc
import Paths
import Synchronization
import TestSupport
import Testing

/// What is kept between runs, and what becomes of it.
@Suite struct ViewTests {
  private func git(_ directory: String, _ arguments: String...) throws {
    let result = try runProcess(
      ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"] + arguments, cwd: directory)
    #expect(result.status == 0, "\(result.err)")
  }

  private func open(_ scratch: TemporaryDirectory) throws -> CodeSearch {
    try CodeSearch(path: Array(scratch.path("tree").utf8), cache: Array(scratch.path("cache").utf8))
  }

  private func paths(
    _ index: CodeSearch, _ text: String, _ mode: SearchRequest.Mode, revision: String? = nil
  ) async throws -> [String] {
    try await index.search(SearchRequest(text, mode: mode), revision: revision).results.map(\.path.quoted)
  }

  /// The files of the cache with this ending.
  private func kept(_ scratch: TemporaryDirectory, _ suffix: String) throws -> [String] {
    try runProcess(["find", scratch.path("cache"), "-name", "*\(suffix)"]).out.split(separator: "\n").map(String.init)
      .sorted()
  }

  /// Older than what was just written counts as.
  private func settle() async throws { try await Task.sleep(for: .milliseconds(150)) }

  @Test(arguments: [false, true]) func whatIsKnownIsNotReadAgain(inGit: Bool) async throws {
    let scratch = try TemporaryDirectory("codeindex")
    for number in 0..<20 { try scratch.write("tree/f\(number).py", "def name_\(number)():\n    pass\n") }
    if inGit {
      try git(scratch.path("tree"), "init", "-q")
      try git(scratch.path("tree"), "add", "-A")
      try git(scratch.path("tree"), "commit", "-qm", "all")
    }
    try await settle()
    #expect(try await reads(scratch) == 20)
    #expect(try await reads(scratch) == 0)
    #expect(try await paths(open(scratch), "name_7", .symbols) == ["f7.py"])
    try scratch.write("tree/f7.py", "def name_7():\n    pass\n\n\ndef fresh_name():\n    pass\n")
    try await settle()
    #expect(try await reads(scratch) == 1)
    // Git knows no id for what is not committed: it is read each time.
    #expect(try await reads(scratch) == (inGit ? 1 : 0))
    #expect(try await paths(open(scratch), "fresh_name", .symbols) == ["f7.py"])
  }

  /// How many files are read to bring the index up to date.
  private func reads(_ scratch: TemporaryDirectory) async throws -> Int {
    let read = Mutex(0)
    _ = try await open(scratch).prepare(revision: nil) { progress in read.withLock { $0 = max($0, progress.files) } }
    return read.withLock { $0 }
  }

  @Test func aCommitIsAbsorbed() async throws {
    let scratch = try TemporaryDirectory("codeindex")
    for number in 0..<50 { try scratch.write("tree/src/f\(number).go", "package p\n\nfunc Name\(number)() {}\n") }
    try scratch.write("tree/src/same.go", "package p\n\nfunc Name3() {}\n")
    let tree = scratch.path("tree")
    try git(tree, "init", "-q", "-b", "main")
    try git(tree, "add", "-A")
    try git(tree, "commit", "-qm", "all")
    #expect(try await paths(open(scratch), "Name3", .symbols, revision: "main") == ["src/f3.go", "src/same.go"])
    try git(tree, "mv", "src/f3.go", "src/moved_parser.go")
    try git(tree, "rm", "-q", "src/f4.go")
    try scratch.write("tree/src/f5.go", "package p\n\nfunc Other5() {}\n")
    try scratch.write("tree/src/unheard_of.go", "package p\n\nfunc Brand() {}\n")
    try git(tree, "add", "-A")
    try git(tree, "commit", "-qm", "changes")
    for _ in 0..<2 {
      let index = try open(scratch)
      #expect(
        try await paths(index, "Name3", .symbols, revision: "main") == ["src/moved_parser.go", "src/same.go"])
      #expect(
        try await paths(index, "func Name4", .regex, revision: "main") == ["src/f40.go", "src/f41.go"]
          + (42..<50).map { "src/f\($0).go" })
      #expect(try await paths(index, "Other5", .symbols, revision: "main") == ["src/f5.go"])
      #expect(try await paths(index, "unheard of", .words, revision: "main").first == "src/unheard_of.go")
      #expect(try await paths(index, "moved parser", .words, revision: "main").first == "src/moved_parser.go")
      #expect(try await paths(index, "Name5\\b", .regex, revision: "main").isEmpty)
      #expect(try await paths(index, "Name5\\b", .regex, revision: "main~1") == ["src/f5.go"])
      let status = try await index.prepare(revision: "main")
      #expect(status.files == 51)
    }
  }

  /// What follows on a tree by some changes is kept as these: with files that changed, came and went, and one more each time.
  @Test func treesThatFollowAreKeptAsChanges() async throws {
    let scratch = try TemporaryDirectory("codeindex")
    let tree = scratch.path("tree")
    for number in 0..<90 { try scratch.write("tree/f\(number).go", "package p\n\nfunc Name\(number)() {}\n") }
    try git(tree, "init", "-q", "-b", "main")
    var generator = Seeded(5)
    for round in 0..<6 {
      if round > 0 {
        try scratch.write("tree/f\(round).go", "package p\n\nfunc Later\(round)() {}\n")
        try scratch.write("tree/new\(round).go", "package p\n\nfunc Fresh\(round)() {}\n")
        try git(tree, "rm", "-q", "f\(80 + round).go")
      }
      try git(tree, "add", "-A")
      try git(tree, "commit", "-qm", "round \(round)")
      // Each time by another process; then by one that finds the tree kept, or damaged, or what it leans on gone.
      let views = try kept(scratch, ".view")
      for attempt in 0..<4 {
        let index = try open(scratch)
        #expect(try await index.prepare(revision: "main").files == 90)
        #expect(
          try await paths(index, "func Later", .regex, revision: "main")
            == (1..<(round + 1)).map { "f\($0).go" })
        #expect(
          try await paths(index, "Fresh\(round)", .symbols, revision: "main") == (round > 0 ? ["new\(round).go"] : []))
        #expect(try await paths(index, "Name8[1-9]", .regex, revision: "main") == (81 + round..<90).map { "f\($0).go" })
        #expect(try await paths(index, "fresh \(round) new", .files, revision: "main~\(round)").isEmpty)
        let fresh = try #require(kept(scratch, ".view").first { !views.contains($0) })
        if attempt == 1 {
          var bytes = try #require(fileBytes(fresh))
          bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= 0x11
          try scratch.write("damaged", bytes: bytes)
          #expect(rename(scratch.path("damaged"), fresh) == 0)
        }
        if attempt == 2, round == 4 { for view in views { unlink(view) } }
      }
    }
    let sizes = try kept(scratch, ".view").map { try #require(fileBytes($0)).count }
    #expect(sizes.contains { $0 * 3 < sizes.max() ?? 0 })
    _ = CodeSearch.collect(cache: Array(scratch.path("cache").utf8))
    #expect(try await open(scratch).prepare(revision: "main").files == 90)
  }

  @Test func damagedFilesAreMadeAnew() async throws {
    let scratch = try TemporaryDirectory("codeindex")
    for number in 0..<40 {
      try scratch.write("tree/f\(number).py", "def name_\(number)():\n    return \"text \(number)\"\n")
    }
    try await settle()
    var generator = Seeded(3)
    for round in 0..<24 {
      _ = try await open(scratch).prepare(revision: nil)
      let file = try #require(kept(scratch, round % 2 == 0 ? ".seg" : ".view").first)
      var bytes = try #require(fileBytes(file))
      if round % 5 == 4 {
        bytes.removeLast(Int.random(in: 1..<bytes.count, using: &generator))
      } else {
        for _ in 0..<8 {
          bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= UInt8.random(in: 1...255, using: &generator)
        }
      }
      try scratch.write("damaged", bytes: bytes)
      #expect(rename(scratch.path("damaged"), file) == 0)
      let index = try open(scratch)
      #expect(try await paths(index, "name_7", .symbols) == ["f7.py"])
      #expect(try await paths(index, "text 1\\d", .regex) == (10..<20).map { "f\($0).py" })
      #expect(try await paths(index, "name 33 text", .words).first == "f33.py")
    }
  }

  @Test func manyMayReadAndWriteAtOnce() async throws {
    let scratch = try TemporaryDirectory("codeindex")
    for number in 0..<120 { try scratch.write("tree/f\(number).py", "def name_\(number)():\n    pass\n") }
    try await withThrowingTaskGroup(of: [String].self) { group in
      for number in 0..<12 {
        group.addTask { try await paths(open(scratch), "name_\(number)", .symbols) }
      }
      var found: [String] = []
      for try await part in group { found += part }
      #expect(found.sorted() == (0..<12).map { "f\($0).py" }.sorted())
    }
    let (before, after) = CodeSearch.collect(cache: Array(scratch.path("cache").utf8))
    #expect(after <= before)
    #expect(try kept(scratch, ".seg").count == 1)
    #expect(try await paths(open(scratch), "name_119", .symbols) == ["f119.py"])
  }

  /// More files than are looked at closely.
  @Test func theBestOfManyFilesAreFound() async throws {
    let scratch = try TemporaryDirectory("codeindex")
    for number in 0..<900 {
      let text = "def common_name(value):\n    return value  # shared words of all files \(number)\n"
      try scratch.write(
        "tree/d\(number % 30)/f\(number).py", number == 777 ? text + "\ndef kumquat_press():\n    pass\n" : text)
    }
    let index = try open(scratch)
    #expect(try await paths(index, "shared words, and the kumquat", .words).first == "d27/f777.py")
    #expect(try await paths(index, "kumquat", .regex) == ["d27/f777.py"])
    #expect(try await paths(index, "f777", .words).first == "d27/f777.py")
  }

  @Test func whatIsGoneIsCollected() async throws {
    let scratch = try TemporaryDirectory("codeindex")
    try scratch.write("tree/a.py", "def a():\n    pass\n")
    _ = try await open(scratch).prepare(revision: nil)
    #expect(try kept(scratch, ".seg").count == 1)
    #expect(try runProcess(["rm", "-r", scratch.path("tree")]).status == 0)
    _ = CodeSearch.collect(cache: Array(scratch.path("cache").utf8))
    #expect(try kept(scratch, ".seg").isEmpty)
  }
}
