import AuditTrail
import Conversation
import Glibc
import JSON
import Testing

@testable import Agent

private let hasNode = ["/usr/bin/node", "/usr/local/bin/node"].contains { (name: String) in access(name, X_OK) == 0 }

/// Many patches in one start of a command that runs Node, in the sandbox.
@Suite(.enabled(if: hasNode)) struct NodePatchesTests {
  private static let patches: [(id: String, text: String, outcome: String)] = [
    ("wrong", "left * right", "failed"), ("right", "left + right", "passed"), ("no syntax", "left + (", "broken"),
    ("loops", "(() => { for (;;) ; })()", "timeout"),
    ("ends its server", "process.kill(process.pid, 'SIGKILL')", "failed"),
    ("says it is right", "console.log('ok 1 - adds') || left - right", "failed"),
    (
      "asks a server",
      "(require('child_process').execSync('exec 3<>/dev/tcp/192.0.2.1/80', {shell: '/bin/bash'}), left + right)",
      "failed"
    ),
    ("right too", "right + left", "passed"),
  ]

  @Test func oneStartTriesThemAll() async throws {
    let rig = try Rig([
      "package.json": #"{"name": "sums", "scripts": {"test": "node --test"}}"#,
      "sum.js": "exports.sum = (left, right) => left - right;\n",
      "test/sum.test.js":
        "const test = require('node:test'), assert = require('assert');\nconst { sum } = require('../sum.js');\ntest('adds', () => assert.strictEqual(sum(2, 3), 5));\ntest('nothing', () => assert.strictEqual(sum(4, 0), 4));\n",
    ])
    let script = Script([
      Script.call(
        "try_patches",
        [
          "patches": .array(
            Self.patches.map { patch in
              [
                "id": .string(patch.id),
                "edits": [["path": "sum.js", "old": "left - right", "new": .string(patch.text)]],
              ]
            })
        ]), Script.say("That is all."),
    ])
    _ = try await rig.run(script)
    let said = script.requests.flatMap(\.results).map(\.output).joined(separator: "\n")
    for patch in Self.patches { #expect(said.contains("\(patch.id): \(patch.outcome)"), "\(said)") }
    let events = try rig.events().events
    #expect(events.compactMap { $0.fields["served"]?.bool }.first == true)
    // One start for all, and then each alone that passed.
    let batch = events.first { $0.fields["effect"]?.string == "tryPatches" }
    let programs = events.filter {
      $0.kind == EventKind.program.rawValue && $0.fields["within"]?.int == batch?.sequence
    }
    #expect(programs.compactMap { $0.fields["command"]?.int }.max() ?? 0 <= 3)
  }
}
