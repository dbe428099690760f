import Paths
import TestReports
import TestSupport
import Testing

/// Swift, Rust, Go, C and C++: outputs recorded from the real tools, and the tools themselves where they are cheap.
@Suite struct CompiledTests {
  static func report(
    _ framework: Framework, _ output: String, status: Int32? = 1, shell: String = "x", results: [String: String] = [:]
  ) -> TestReport {
    TestCommand(shell: shell, framework: framework, reason: "").report(
      from: RunEvidence(
        output: Array(output.utf8), exitStatus: status, results: results.mapValues { Array($0.utf8) },
        projectRoot: Array("/p".utf8), nonce: "n"))
  }

  static func place(_ outcome: TestOutcome?) -> String? { outcome?.location.map { "\($0.path):\($0.line)" } }

  // Swift.

  @Test func swiftFromOutput() {
    let report = Self.report(.swift, SwiftSamples.output)
    #expect(!report.isIncomplete, "\(report.incompleteReason ?? "")")
    #expect(
      report.names(.failed) == ["XTests.testAdd", "free()", "addition()", "\"a display name\""])
    #expect(report.names(.errored) == ["XTests.testThrows", "throwing()"])
    #expect(report.names(.passed) == ["XTests.testAsync", "XTests.testOK", "fine()", "known()", "inner()"])
    #expect(report.names(.skipped) == ["XTests.testSkip", "off()"])
    #expect(Self.place(report["XTests.testAdd"]) == "Tests/LibTests/XTests.swift:4")
    #expect(
      report["XTests.testAdd"]?.message == "XCTAssertEqual failed: (\"-1\") is not equal to (\"3\") - sum\nwrong")
    #expect(report["addition()"]?.message == "Expectation failed: (add(1, 2) → -1) == 3\ncomment here")
    #expect(Self.place(report["\"a display name\""]) == "STests.swift:5")
    let located = report.locating(
      in: MemoryFiles(contents: [
        "Tests/LibTests/STests.swift": "", "Tests/LibTests/XTests.swift": "", "Sources/Lib/Lib.swift": "",
      ]))
    #expect(Self.place(located["addition()"]) == "Tests/LibTests/STests.swift:4")
  }

  @Test func swiftFromEvents() {
    let report = Self.report(.swift, SwiftSamples.output, results: ["swift-n.jsonl": SwiftSamples.events])
    #expect(!report.isIncomplete, "\(report.incompleteReason ?? "")")
    #expect(
      Set(report.failing) == [
        "XTests.testAdd", "XTests.testThrows", "LibTests.free()", "LibTests.STests/addition()",
        "LibTests.STests/args(n:)", "LibTests.STests/throwing()",
      ])
    #expect(
      Set(report.passing) == [
        "XTests.testAsync", "XTests.testOK", "LibTests.STests/fine()", "LibTests.STests/known()",
        "LibTests.STests/Nested/inner()",
      ])
    #expect(Self.place(report["LibTests.STests/addition()"]) == "Tests/LibTests/STests.swift:4")
    #expect(report["LibTests.STests/off()"]?.message == "not now")
  }

  @Test func swiftBuildErrorCrashAndStartFailure() {
    let build = Self.report(
      .swift,
      """
      [3/9] Compiling Lib Lib.swift
      /p/Sources/Lib/Lib.swift:1:53: error: cannot find 'c' in scope
      1 | public func add(_ a: Int, _ b: Int) -> Int { a - c }
        |                                                  `- error: cannot find 'c' in scope
      error: fatalError
      """)
    #expect(build.isIncomplete)
    #expect(build.startFailure == nil)
    #expect(build.buildErrors.map(\.message) == ["cannot find 'c' in scope"])
    #expect(build.buildErrors.first?.location?.line == 1)
    let crash = Self.report(
      .swift,
      """
      Test Suite 'All tests' started at 2026-01-01 00:00:00.000
      Test Case 'XTests.testA' started at 2026-01-01 00:00:00.000
      Test Case 'XTests.testA' passed (0.0 seconds)
      Test Case 'XTests.testB' started at 2026-01-01 00:00:00.000
      Lib/Lib.swift:2: Fatal error: boom
      💣 Program crashed: Illegal instruction at 0x00007f
      0 crash() + 40 in x at /p/Sources/Lib/Lib.swift:2:30
      1 XTests.testB() + 9 in x at /p/Tests/LibTests/XTests.swift:9:5
      error: Exited with unexpected signal code 4
      """)
    #expect(crash.isIncomplete)
    #expect(crash.passing == ["XTests.testA"])
    #expect(crash.failing == ["XTests.testB"])
    #expect(crash["XTests.testB"]?.message == "Fatal error: boom")
    #expect(Self.place(crash["XTests.testB"]) == "Sources/Lib/Lib.swift:2")
    #expect(Self.report(.swift, "sh: 1: swift: not found\n", status: 127).startFailure?.missing == "swift")
    let offline = Self.report(
      .swift,
      "error: Failed to clone repository https://example.com/x.git:\n  fatal: unable to access 'https://example.com/x.git/'\n"
    )
    #expect(offline.startFailure?.missing == "https://example.com/x.git")
  }

  @Test func swiftTestForReal() async throws {
    let command = TestCommand(shell: "swift build && swift test --parallel", framework: .swift, reason: "")
    let shell = command.plan(nonce: "n").shell
    #expect(shell.hasSuffix("swift build && swift test $codeagent_events --parallel"))
    #expect(shell.contains("/run/codeagent/results/swift-n.jsonl"))
  }

  // Rust.

  @Test func cargo() {
    let report = Self.report(.cargo, CargoSamples.output, status: 101)
    #expect(!report.isIncomplete, "\(report.incompleteReason ?? "")")
    #expect(report.isNamed)
    #expect(
      report.names(.failed) == [
        "my_crate::tests::index", "my_crate::tests::adds", "my_crate::tests::result", "it::other",
        "my_crate::src/lib.rs - add",
      ])
    #expect(report.names(.passed) == ["my_crate::tests::fine", "my_crate::tests::panics", "it::adds"])
    #expect(report.names(.skipped) == ["my_crate::tests::slow"])
    let index = report["my_crate::tests::index"]
    #expect(Self.place(index) == "src/lib.rs:7")
    #expect(index?.trace.map(\.line) == [15, 15, 7])
    #expect(index?.message == "index out of bounds: the len is 1 but the index is 5")
    #expect(report["my_crate::tests::result"]?.message?.hasPrefix("Error: \"bad\"") == true)
    #expect(Self.place(report["it::other"]) == "tests/it.rs:2")
  }

  @Test func cargoErrors() {
    let build = Self.report(
      .cargo,
      """
         Compiling my-crate v0.1.0 (/p)
      error[E0425]: cannot find value `c` in this scope
       --> src/lib.rs:6:43
        |
      error: could not compile `my-crate` (lib) due to 1 previous error
      """, status: 101)
    #expect(build.buildErrors.count == 1)
    #expect(build.buildErrors.first?.message == "cannot find value `c` in this scope")
    #expect(build.buildErrors.first?.location?.line == 6)
    #expect(build.isIncomplete)
    let offline = Self.report(
      .cargo,
      """
      error: no matching package named `serde` found
      location searched: registry `crates-io`
      As a reminder, you're using offline mode (--offline) which can sometimes cause surprising resolution failures
      """, status: 101)
    #expect(offline.startFailure?.missing == "serde")
    #expect(offline.startFailure?.suggestedSetup == "cargo fetch")
    let died = Self.report(
      .cargo, "running 2 tests\ntest a ... ok\nerror: test failed, to rerun pass `--lib`\n\nCaused by: (signal: 11)\n",
      status: 101)
    #expect(died.isIncomplete)
    #expect(died.passing == ["a"])
    let old = Self.report(
      .cargo,
      """
      running 1 test
      test tests::a ... FAILED

      failures:

      ---- tests::a stdout ----
      thread 'tests::a' panicked at 'assertion failed: `(left == right)`
        left: `1`,
       right: `2`', src/lib.rs:10:9
      note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace

      test result: FAILED. 0 passed; 1 failed; 0 ignored
      """, status: 101)
    #expect(Self.place(old["tests::a"]) == "src/lib.rs:10")
    let quiet = Self.report(
      .cargo, "running 3 tests\n.F.\nfailures:\n\n---- a stdout ----\nx\n\ntest result: FAILED. 2 passed; 1 failed\n",
      status: 101)
    #expect(!quiet.isNamed)
  }

  @Test(.enabled(if: programOnPath("cargo") != nil))
  func cargoForReal() async throws {
    let project = try Project([
      "Cargo.toml": "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\ndoctest = false\n",
      "src/lib.rs": """
      pub fn add(a: i32, b: i32) -> i32 { a - b }
      #[test] fn adds() { assert_eq!(add(1, 2), 3); }
      #[test] fn fine() {}
      """,
      "tests/it.rs": "#[test] fn later() {}\n",
    ])
    let command = try #require(ProjectRecognizer.recognize(project.files, directory: .root).first)
    #expect(command.shell == "cargo test")
    let report = try await project.report(command)
    #expect(Set(report.passing) == ["small::fine", "it::later"])
    #expect(report.failing == ["small::adds"])
    #expect(!report.isIncomplete, "\(report.incompleteReason ?? "")")
  }

  // Go.

  @Test(arguments: [GoSamples.Form.json, .verbose])
  func go(form: GoSamples.Form) {
    let report = Self.report(
      .go, form.output, results: ["go-n.txt": "example.com/acct /p\n"])
    let module = "example.com/acct"
    #expect(Set(report.names(.failed)) == ["TestAdd", "TestSub/two", "TestSub"].mapSet { "\(module).\($0)" })
    #expect(report.names(.errored) == ["\(module)/sub.TestPanics"])
    #expect(
      Set(report.names(.passed)) == ["\(module).TestSub/one_case", "\(module).TestOK", "\(module)/sub.TestBefore"])
    #expect(report.names(.skipped) == ["\(module).TestSkip"])
    #expect(Self.place(report["\(module).TestAdd"]) == "a_test.go:7")
    #expect(report["\(module).TestAdd"]?.message == "a_test.go:7: Add(1, 2) = -1, want 3")
    #expect(report["\(module).TestSub/two"]?.message == "a_test.go:12: bad\nworse")
    let panic = report["\(module)/sub.TestPanics"]
    #expect(panic?.trace.map { "\($0.path):\($0.line)" } == ["sub/s_test.go:6", "sub/s.go:3"])
    #expect(report.isIncomplete)
    #expect(report.buildErrors.map(\.message) == ["undefined: undefinedName"])
    #expect(report.buildErrors.first?.location.map { "\($0.path):\($0.line)" } == "broken/b.go:3")
  }

  @Test func goInAModuleBelow() {
    let output = """
      {"Action":"start","Package":"example.com/m/inner/x"}
      {"Action":"run","Package":"example.com/m/inner/x","Test":"TestA"}
      {"Action":"output","Package":"example.com/m/inner/x","Test":"TestA","Output":"    a_test.go:5: no\\n"}
      {"Action":"fail","Package":"example.com/m/inner/x","Test":"TestA","Elapsed":0.01}
      {"Action":"fail","Package":"example.com/m/inner/x"}
      """
    let report = Self.report(.go, output, results: ["go-n.txt": "example.com/m /p/srv\nexample.com/m/inner /p/lib\n"])
    #expect(Self.place(report["example.com/m/inner/x.TestA"]) == "lib/x/a_test.go:5")
    #expect(!report.isIncomplete, "\(report.incompleteReason ?? "")")
    let died = Self.report(.go, output.split(separator: "\n").dropLast(2).joined(separator: "\n"))
    #expect(died.failing == ["example.com/m/inner/x.TestA"])
    #expect(died.isIncomplete)
  }

  @Test func goPlanAndStartFailures() {
    let command = TestCommand(shell: "go vet ./... && go test -race ./...", framework: .go, reason: "")
    let plan = command.plan(nonce: "n")
    #expect(plan.shell.hasSuffix("\ngo vet ./... && go test -json -race ./..."))
    #expect(plan.environment["GOFLAGS"] == nil)
    let wrapper = TestCommand(shell: "make test", framework: .go, reason: "").plan(nonce: "n")
    #expect(wrapper.shell == "make test")
    #expect(wrapper.environment["GOFLAGS"] == "-v")
    #expect(Self.report(.go, "sh: 1: go: not found\n", status: 127).startFailure?.missing == "go")
    let offline = Self.report(
      .go, "a.go:3:8: example.com/x@v1.2.3: module lookup disabled by GOPROXY=off\nFAIL\tm [setup failed]\n")
    #expect(offline.startFailure?.suggestedSetup == "go mod download")
  }

  // C and C++.

  @Test func ctest() throws {
    let report = Self.report(.ctest, CTestSamples.output, status: 8)
    #expect(!report.isIncomplete, "\(report.incompleteReason ?? "")")
    #expect(report.names(.passed) == ["test_ok"])
    #expect(report.names(.failed) == ["test_fails"])
    #expect(report.names(.errored) == ["test_crashes", "test_slow", "notrun"])
    #expect(report.names(.skipped) == ["test_skips", "disabled"])
    #expect(Self.place(report["test_fails"]) == "t.c:7")
    #expect(report["test_crashes"]?.message?.contains("Assertion `1 == 2' failed") == true)
    #expect(report["notrun"]?.message?.contains("Unable to find executable") == true)
    #expect(try #require(report["test_slow"]?.duration) >= 1)
    #expect(Self.report(.ctest, "No tests were found!!!\n", status: 8).startFailure != nil)
    let cut = Self.report(.ctest, CTestSamples.output.split(separator: "33%")[0].description, status: nil)
    #expect(cut.isIncomplete)
  }

  @Test func googleTest() {
    let report = Self.report(
      .tap,
      """
      [==========] Running 3 tests from 1 test suite.
      [ RUN      ] Math.Adds
      /p/test/math_test.cc:12: Failure
      Expected equality of these values:
        add(1, 2)
          Which is: -1
        3
      [  FAILED  ] Math.Adds (3 ms)
      [ RUN      ] Math.Fine
      [       OK ] Math.Fine (0 ms)
      [ RUN      ] Math.Later
      [  SKIPPED ] Math.Later (0 ms)
      [==========] 3 tests from 1 test suite ran. (4 ms total)
      [  PASSED  ] 1 test.
      [  FAILED  ] 1 test, listed below:
      [  FAILED  ] Math.Adds
      """, shell: "make test")
    #expect(report.failing == ["Math.Adds"])
    #expect(report.passing == ["Math.Fine"])
    #expect(Self.place(report["Math.Adds"]) == "test/math_test.cc:12")
    #expect(report["Math.Adds"]?.duration == 0.003)
    #expect(!report.isIncomplete)
  }

  @Test(.enabled(if: programOnPath("make") != nil && programOnPath("cc") != nil))
  func plainAsserts() async throws {
    let project = try Project([
      "Makefile": "test: t\n\t./t\nt: t.c\n\t$(CC) -o t t.c\n",
      "t.c": "#include <assert.h>\nint main(void) {\n  assert(1 == 2);\n  return 0;\n}\n",
    ])
    let report = try await project.report("make test")
    #expect(!report.isNamed)
    #expect(report.failing == ["make test"])
    #expect(report["make test"]?.location.map { "\($0.path):\($0.line)" } == "t.c:3")
    try project.directory.write("p/t.c", "int main(void) {\n  return x;\n}\n")
    let broken = try await project.report("make test")
    #expect(broken.buildErrors.first?.location.map { "\($0.path):\($0.line)" } == "t.c:2")
    #expect(broken.isIncomplete)
    #expect(broken.startFailure == nil)
  }
}

extension Sequence {
  func mapSet<T: Hashable>(_ transform: (Element) -> T) -> Set<T> { Set(map(transform)) }
}
