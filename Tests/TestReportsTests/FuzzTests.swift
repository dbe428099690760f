import Paths
import TestReports
import TestSupport
import Testing

/// Reports are hostile input: whatever a run prints or writes, reading it ends, in bounds.
@Suite struct FuzzTests {
  static let tap = """
    TAP version 14
    1..3
    # Subtest: outer
        ok 1 - inner
          ---
          duration_ms: 1
          at: X (/p/a.js:1:2)
          ...
        1..1
    ok 1 - outer
    not ok 2 - bad # TODO later
    Bail out! no
    """
  static let pytest = """
    ============================= test session starts ==============================
    tests/test_a.py::test_a PASSED                                           [ 50%]
    tests/test_a.py::test_b[x - y] FAILED                                    [100%]
    =================================== FAILURES ===================================
    ____________________________ test_b[x - y] _____________________________________
    tests/test_a.py:7: in test_b
        assert f() == 2
    E   assert 1 == 2
    =========================== short test summary info ============================
    FAILED tests/test_a.py::test_b[x - y] - assert 1 == 2
    ========================= 1 failed, 1 passed in 0.01s ==========================
    """
  static let unittest = """
    test_a (m.C.test_a) ... ok
    test_b (m.C)
    Words. ... FAIL
    ======================================================================
    FAIL: test_b (m.C)
    ----------------------------------------------------------------------
    Traceback (most recent call last):
      File "/p/m.py", line 7, in test_b
        self.assertEqual(1, 2)
    AssertionError: 1 != 2

    ----------------------------------------------------------------------
    Ran 2 tests in 0.001s

    FAILED (failures=1)
    """
  static let adaptor = """
    {"event": "start", "nonce": "n", "framework": "pytest", "time": 1.5}
    {"event": "collected", "count": 2}
    {"event": "begin", "name": "a.py::t"}
    {"event": "test", "name": "a.py::t", "result": "failed", "duration": 0.1, "message": "m", "trace": [["/p/a.py", 3]]}
    {"event": "error", "name": "b.py", "message": "ImportError: x", "missing": "x"}
    {"event": "end", "nonce": "n", "status": 1}
    """
  static let node = """
    {"event":"start","nonce":"n","framework":"node","script":"/p/test/a.js","time":1}
    {"event":"script"}
    {"event":"output","text":"TAP version 13\\nok 1 a\\nnot ok 2 b\\n1..2\\n"}
    {"event":"uncaught","message":"Error: x","trace":[["/p/a.js",1]]}
    {"event":"test","file":"/p/test/a.js","path":["a","b"],"result":"passed","duration":0.1}
    {"event":"end","nonce":"n","status":1}
    """

  static let outputs = [
    tap, pytest, unittest, GoSamples.json, GoSamples.verbose, CargoSamples.output, CTestSamples.output,
    SwiftSamples.output, JUnitTests.surefire,
  ]

  @Test func pytestAndUnittestText() {
    let pytest = CompiledTests.report(.pytest, Self.pytest)
    #expect(pytest.passing == ["tests/test_a.py::test_a"])
    #expect(pytest.failing == ["tests/test_a.py::test_b[x - y]"])
    #expect(pytest.isNamed && !pytest.isIncomplete)
    #expect(pytest["tests/test_a.py::test_b[x - y]"]?.location?.line == 7)
    let unittest = CompiledTests.report(.unittest, Self.unittest)
    #expect(unittest.passing == ["m.C.test_a"])
    #expect(unittest.failing == ["m.C.test_b"])
    #expect(unittest["m.C.test_b"]?.message == "AssertionError: 1 != 2")
    #expect(unittest["m.C.test_b"]?.location.map { "\($0.path):\($0.line)" } == "m.py:7")
    #expect(unittest.isNamed && !unittest.isIncomplete)
  }

  static func check(_ report: TestReport, _ what: String) {
    #expect(Set(report.tests.map(\.name)).count == report.tests.count, "names are not unique: \(what)")
    for test in report.tests {
      #expect(test.name.utf8.count <= 2100)
      #expect((test.message?.utf8.count ?? 0) <= 8192)
      #expect(test.trace.count <= 64)
      #expect(test.duration.map { $0 >= 0 && $0.isFinite } ?? true)
      #expect(test.trace.allSatisfy { $0.line > 0 })
    }
    #expect(report.buildErrors.count <= 200)
  }

  /// Damages a sample: bytes flipped, cut, doubled, swapped with another sample's.
  static func mutated(_ sample: [UInt8], _ other: [UInt8], using generator: inout Seeded) -> [UInt8] {
    var bytes = sample
    for _ in 0..<Int.random(in: 1...6, using: &generator) {
      guard !bytes.isEmpty else { break }
      let at = Int.random(in: 0..<bytes.count, using: &generator)
      let length = min(Int.random(in: 1...80, using: &generator), bytes.count - at)
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
      case 1: bytes.removeSubrange(at..<at + length)
      case 2: bytes.insert(contentsOf: bytes[at..<at + length], at: at)
      case 3: bytes = Array(bytes[..<at])
      case 4:
        let from = Int.random(in: 0..<other.count, using: &generator)
        bytes.insert(contentsOf: other[from..<min(from + length, other.count)], at: at)
      default:
        let token =
          [
            "\n", "\u{1b}[31m", "\r\n", "::", "((((", "]]>", "<", "&#x", "\"", "{", " in ", " at :",
            "99999999999999999999", "\0",
          ]
          .randomElement(using: &generator) ?? ""
        bytes.insert(contentsOf: token.utf8, at: at)
      }
    }
    return bytes
  }

  @Test(arguments: Framework.allCases)
  func outputs(framework: Framework) {
    var generator = Seeded(42)
    let samples = Self.outputs.map { Array($0.utf8) }
    let command = TestCommand(shell: "x", framework: framework, reason: "")
    for round in 0..<45 {
      let sample = samples[round % samples.count]
      let other = samples.randomElement(using: &generator) ?? sample
      let output = Self.mutated(sample, other, using: &generator)
      let report = command.report(
        from: RunEvidence(
          output: output, exitStatus: [0, 1, 127, nil].randomElement(using: &generator) ?? 0,
          projectRoot: Array("/p".utf8),
          nonce: "n"))
      Self.check(report, "\(framework) round \(round)")
    }
  }

  @Test func resultFiles() throws {
    var generator = Seeded(43)
    let samples = [Self.adaptor, Self.node, SwiftSamples.events, JUnitTests.surefire].map { Array($0.utf8) }
    for round in 0..<200 {
      let bytes = Self.mutated(samples[round % 4], samples[(round + 1) % 4], using: &generator)
      let framework: Framework = [.pytest, .node, .swift, .junit][round % 4]
      let report = TestCommand(shell: "x", framework: framework, reason: "").report(
        from: RunEvidence(
          output: [], exitStatus: 1, results: framework == .swift ? ["swift-n.jsonl": bytes] : ["x.jsonl": bytes],
          projectRoot: Array("/p".utf8),
          reportFiles: framework == .junit ? [try #require(RepoPath("a.xml")): bytes] : [:],
          nonce: "n"))
      Self.check(report, "\(framework) round \(round)")
    }
  }

  @Test func commands() {
    var generator = Seeded(44)
    let samples = (RecognizerTests.shells.map(\.shell) + SelectingTests.cases.map(\.shell)).map { Array($0.utf8) }
    for round in 0..<600 {
      let sample = samples[round % samples.count]
      guard !sample.isEmpty else { continue }
      let shell = String(decoding: Self.mutated(sample, samples[3], using: &generator), as: UTF8.self)
      for framework in [Framework.pytest, .tap, .go, .swift, .cargo] {
        let command = TestCommand(shell: shell, framework: framework, reason: "")
        _ = command.plan(nonce: "n")
        _ = command.selecting(["a/b.py::t", "test/x.js::y"])
      }
      _ = TestCommand.named(shell, directory: .root, files: MemoryFiles(contents: ["Makefile": shell, "a.sh": shell]))
    }
  }

  /// Work grows with the input, not with its square: a hostile run of a few megabytes takes seconds at most.
  @Test func largeInputs() {
    let hostile = [
      String(repeating: "ok 1 - a\n", count: 6_000), String(repeating: "    ok 1 - a\n", count: 4_000),
      String(repeating: "Test Case 'A.b' started at x\n", count: 4_000),
      String(repeating: "FAILED a.py::t - x\n", count: 4_000), String(repeating: "=== RUN   TestA\n", count: 4_000),
      String(repeating: "test a ... ok\n", count: 4_000), String(repeating: "a.c:1:1: error: x\n", count: 4_000),
      String(repeating: " .. a:b at :1", count: 10_000), String(repeating: "(", count: 100_000),
      String(repeating: "# Failed test 'x'\n", count: 4_000), String(repeating: "---- a stdout ----\n", count: 2_000),
      String(repeating: "◇ Test a started.\n", count: 4_000), String(repeating: "\u{1b}]", count: 40_000),
    ]
    for (index, text) in hostile.enumerated() {
      let bytes = Array(text.utf8)
      for framework in [Framework.pytest, .unittest, .swift, .go, .cargo, .tap, .node, .ctest, .exitStatus] {
        let start = Disk.threadSeconds()
        _ = TestCommand(shell: "x", framework: framework, reason: "").report(
          from: RunEvidence(output: bytes, exitStatus: 1, projectRoot: Array("/p".utf8), nonce: "n"))
        let spent = Disk.threadSeconds() - start
        #expect(spent < 5, "\(framework) of input \(index): \(spent) s")
      }
    }
  }
}
