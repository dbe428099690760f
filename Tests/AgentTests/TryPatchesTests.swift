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

  @Test func aProgramWithThreadsIsTriedAlone() async throws {
    var files = Calculator.files
    files["test_calc.py"] =
      "import threading, time\nthreading.Thread(target=time.sleep, args=(3600,), daemon=True).start()\n"
      + (files["test_calc.py"] ?? "")
    files["calc.py"] = Self.source
    let (said, isServed) = try await outcomes(files, stopAtFirst: true)
    #expect(said["right"] == "passed")
    #expect(isServed == false)
  }
}
