import AuditTrail
import Conversation
import JSON
import Testing

@testable import Agent

/// Many patches at once, in one run of the tests where that is possible, and alone where it is not.
@Suite struct TryPatchesTests {
  private static let source = "def add(left, right):\n    return left - right\n"
  private static let patches: [(id: String, text: String, outcome: String)] = [
    ("right", "left + right", "passed"), ("wrong", "left * right", "failed"),
    ("loops", "[1 for _ in iter(int, 1)]", "timeout"),
    ("no syntax", "left + (", "broken"), ("raises", "left + nothing", "failed"),
    ("kills", "__import__('os')._exit(0)", "failed"),
    ("greedy", "bytearray(1 << 40)", "failed"), ("right too", "right + left", "passed"),
    ("leaves files", "open('/tmp/seen', 'a') and left", "failed"),
    ("ends its parent", "__import__('os').kill(__import__('os').getppid(), 9) or left + right", "timeout"),
    ("ends all it can reach", "__import__('os').kill(-1, 9) or left + right", "timeout"),
    ("fills the disk", "open('big', 'wb').truncate(1 << 44) and left + right", "failed"),
    ("asks a person", "int(input()) + left + right", "failed"),
    ("asks a terminal", "open('/dev/tty').read() and left + right", "failed"),
    ("asks a server", "__import__('socket').create_connection(('192.0.2.1', 80), 5) and left + right", "failed"),
    ("looks", "left + right + len(str(open('/tmp/seen')))", "failed"),
  ]

  private static func call(stopAtFirst: Bool) -> ModelResponse {
    return Script.call(
      "try_patches",
      [
        "patches": .array(
          patches.map { patch in
            [
              "id": .string(patch.id),
              "edits": [
                ["path": "calc.py", "old": "left - right", "new": .string(patch.text)]
              ],
            ]
          }), "stop_at_first": .bool(stopAtFirst),
      ])
  }

  /// What the tool said of each patch, and whether one run served them.
  private func outcomes(_ files: [String: String], stopAtFirst: Bool = false) async throws -> (
    said: [String: String], isServed: Bool?
  ) {
    let rig = try Rig(files)
    let script = Script([Self.call(stopAtFirst: stopAtFirst), Script.say("That is all.")])
    _ = try await rig.run(script)
    var said: [String: String] = [:]
    for case .toolResult(let result) in script.requests.last?.items ?? [] {
      for line in result.output.split(separator: "\n") {
        guard let colon = line.firstIndex(of: ":") else { continue }
        said[String(line[..<colon])] = String(line[line.index(colon, offsetBy: 2)...].prefix { $0 != "," })
      }
    }
    let outcome = try rig.events().events.map(\.fields).first { $0["served"]?.bool != nil }
    let isServed = outcome?["served"]?.bool
    // Under what its commands ran is in the record, however many these were.
    let sandbox = outcome?["sandbox"]
    #expect(sandbox?["level"] == "full" && sandbox?["network"] == "none" && sandbox?["watched"] == true)
    #expect(sandbox?["limits"]?["memoryBytes"]?.int ?? 0 > 0 && outcome?["executed"]?["total"]?.int ?? 0 > 0)
    return (said, isServed)
  }

  @Test func oneRunOfUnittestTriesThemAll() async throws {
    let (said, isServed) = try await outcomes(Calculator.files)
    for patch in Self.patches { #expect(said[patch.id] == patch.outcome, "\(patch.id)") }
    #expect(isServed == true)
  }

  @Test func nothingIsTriedAfterTheFirstThatPasses() async throws {
    let (said, isServed) = try await outcomes(Calculator.files, stopAtFirst: true)
    #expect(said["right"] == "passed")
    #expect(said["right too"] == "notRun")
    #expect(isServed == true)
  }

  @Test func whatItsTimeDoesNotReachIsNotRun() async throws {
    let rig = try Rig(Calculator.files)
    func patch(_ id: String, _ text: String) -> JSONValue {
      ["id": .string(id), "edits": [["path": "calc.py", "old": "left - right", "new": .string(text)]]]
    }
    let sleeper = "__import__('time').sleep(60) or left + right"
    let script = Script([
      Script.call(
        "try_patches", ["patches": [patch("sleeps", sleeper), patch("right", "left + right")], "seconds": 1]),
      Script.say("That is all."),
    ])
    _ = try await rig.run(script)
    let said = script.requests.flatMap(\.results).map(\.output).joined(separator: "\n")
    #expect(said.contains("sleeps: notRun") && said.contains("right: notRun"), "\(said)")
  }

  /// A project in which one test fails, and a patch of its source with what has to come of it.
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var source: String
    var old: String
    var new: String
    var outcome: String
    var tests = """
      import unittest

      from calc import *


      class Tests(unittest.TestCase):
          def test_add(self):
              self.assertEqual(add(2, 3), 5)

          def test_other(self):
              self.assertEqual(other(2, 3), 3)

      """
  }

  private static let cases: [Case] = [
    Case(
      testDescription: "what breaks a test that passed",
      source:
        "def one(a, b):\n    return a - b\ndef add(a, b):\n    return one(a, b)\ndef other(a, b):\n    return one(b, -1) - 1\n",
      old: "a - b", new: "a + b", outcome: "failed"),
    Case(
      testDescription: "what a function gave at the import",
      source:
        "def step(n):\n    return n - 1\nSTEPS = [step(n) for n in range(9)]\ndef add(a, b):\n    return STEPS[a] + b - 1\ndef other(a, b):\n    return b\n",
      old: "n - 1", new: "n + 1", outcome: "passed"),
    Case(
      testDescription: "a value of the module",
      source: "OFF = 1\ndef add(a, b):\n    return a + b - OFF\ndef other(a, b):\n    return b\n",
      old: "OFF = 1", new: "OFF = 0", outcome: "passed"),
    Case(
      testDescription: "a default",
      source:
        "def plus(a, b, off=1):\n    return a + b - off\ndef add(a, b):\n    return plus(a, b)\ndef other(a, b):\n    return b\n",
      old: "off=1", new: "off=0", outcome: "passed"),
    Case(
      testDescription: "a method that a property hides",
      source:
        "class Sum:\n    def __init__(self, a, b):\n        self.a, self.b = a, b\n    @property\n    def value(self):\n        return self.a - self.b\ndef add(a, b):\n    return Sum(a, b).value\ndef other(a, b):\n    return b\n",
      old: "self.a - self.b", new: "self.a + self.b", outcome: "passed"),
    Case(
      testDescription: "a function within a function",
      source:
        "def add(a, b):\n    def inner():\n        return a - b\n    return inner()\ndef other(a, b):\n    return b\n",
      old: "a - b", new: "a + b", outcome: "passed"),
    Case(
      testDescription: "a function that a cache wraps, with a line more",
      source:
        "import functools\n@functools.lru_cache\ndef add(a, b):\n    c = 1\n    return a - b\ndef other(a, b):\n    return b\n",
      old: "c = 1", new: "c = 1\n    return a + b", outcome: "passed"),
    Case(
      testDescription: "tests that fail only after others",
      source:
        "SEEN = []\ndef add(a, b):\n    return a + b - len(SEEN)\ndef other(a, b):\n    SEEN.append(1)\n    return b\n",
      old: "len(SEEN)", new: "0", outcome: "passed",
      tests: """
        import unittest

        from calc import *


        class Tests(unittest.TestCase):
            def test_a_other(self):
                self.assertEqual(other(2, 3), 3)

            def test_b_add(self):
                self.assertEqual(add(2, 3), 5)

        """),
  ]

  @Test(arguments: cases) func oneStartTellsThemApart(_ example: Case) async throws {
    let rig = try Rig(["calc.py": example.source, "test_calc.py": example.tests])
    let script = Script([
      Script.call(
        "try_patches",
        [
          "patches": [
            [
              "id": "p",
              "edits": [["path": "calc.py", "old": .string(example.old), "new": .string(example.new)]],
            ]
          ]
        ]), Script.say("That is all."),
    ])
    _ = try await rig.run(script)
    let said = script.requests.flatMap(\.results).map(\.output).joined(separator: "\n")
    #expect(said.contains("p: \(example.outcome)"), "\(said)")
    let events = try rig.events().events
    #expect(events.compactMap { $0.fields["served"]?.bool }.first == true)
    // All of it in one start of the tests, or two where they do not fail alone.
    let batch = events.first { $0.fields["effect"]?.string == "tryPatches" }
    let programs = events.filter {
      $0.kind == EventKind.program.rawValue && $0.fields["within"]?.int == batch?.sequence
    }
    let starts = programs.compactMap { $0.fields["command"]?.int }.max() ?? 0
    #expect(starts <= 2, "\(starts) starts")
  }

  @Test func whatCannotForkIsTriedFromAShell() async throws {
    let rig = try Rig([
      "Makefile": "test:\n\t@sh check.sh\n", "calc.sh": "add() { echo $(($1 - $2)); }\nother() { echo $1; }\n",
      "check.sh": """
      . ./calc.sh
      echo 1..2
      [ "$(add 2 3)" = 5 ] && echo "ok 1 - add" || { echo "not ok 1 - add"; bad=1; }
      [ "$(other 2)" = 2 ] && echo "ok 2 - other" || { echo "not ok 2 - other"; bad=1; }
      exit ${bad:-0}

      """,
    ])
    let patches: [(id: String, old: String, new: String, outcome: String)] = [
      ("wrong", "$1 - $2", "$1 * $2", "failed"), ("loops", "echo $(($1 - $2))", "while :; do :; done", "timeout"),
      ("kills", "echo $(($1 - $2))", "kill -9 $$ $PPID", "timeout"),
      ("right", "$1 - $2", "$1 + $2", "passed"), ("quotes", "echo $(($1 - $2))", "echo 'it'\\''s'", "failed"),
      ("breaks", "- $2)); }\nother() { echo $1", "+ $2)); }\nother() { echo '", "failed"),
    ]
    let script = Script([
      Script.call(
        "try_patches",
        [
          "patches": .array(
            patches.map {
              ["id": .string($0.id), "edits": [["path": "calc.sh", "old": .string($0.old), "new": .string($0.new)]]]
            })
        ]), Script.say("That is all."),
    ])
    _ = try await rig.run(script)
    let said = script.requests.flatMap(\.results).map(\.output).joined(separator: "\n")
    for patch in patches where patch.outcome != "timeout" {
      #expect(said.contains("\(patch.id): \(patch.outcome)"), "\(said)")
    }
    #expect(!said.contains("loops: passed"), "\(said)")
    #expect(try rig.events().events.compactMap { $0.fields["served"]?.bool }.first == true)
  }

  @Test func aProgramWithThreadsIsNotForked() async throws {
    var files = Calculator.files
    files["test_calc.py"] =
      "import threading, time\nthreading.Thread(target=time.sleep, args=(3600,), daemon=True).start()\n"
      + (files["test_calc.py"] ?? "")
    files["calc.py"] = Self.source
    let (said, isServed) = try await outcomes(files, stopAtFirst: true)
    #expect(said["right"] == "passed")
    // Runs one after another serve it.
    #expect(isServed == true)
  }
}
