import Paths
import TestSupport
import Testing

@testable import Patches

@Suite("hostile patches")
struct PatchFuzzTests {
  static let seeds = [
    "*** Begin Patch\n*** Add File: a\n+x\n*** Update File: f\n*** Move to: g\n@@ if x:\n x\n-    return x\n+y\n*** End of File\n*** Delete File: h\n*** End Patch\n",
    "cd d && apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: f\n@@\n-x\n+y\n*** End Patch\nEOF\n",
    "[\"bash\",\"-lc\",\"apply_patch <<'EOF'\\n*** Begin Patch\\n*** Delete File: \\ud83d\\ude00\\n*** End Patch\\nEOF\"]",
    "diff --git a/f b/f\nindex 1..2 100644\n--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@ x\n x\n-    return x\n+y\n }\n\\ No newline at end of file\n",
    "diff --git \"a/\\303\\251\" \"b/\\303\\251\"\nrename from \"\\303\\251\"\nrename to g\n",
  ]

  /// Nothing here may trap; errors are expected.
  @Test("mutations never crash", arguments: 0..<8)
  func mutations(_ seed: Int) throws {
    var random = Seeded(UInt64(seed))
    let path = try #require(RepoPath("f"))
    let pieces = Self.seeds.flatMap {
      $0.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.utf8) }
    }
    for _ in 0..<1500 {
      var patch = (Self.seeds.randomElement(using: &random) ?? "").bytes
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let place = Int.random(in: 0...patch.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: patch.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 1: patch.removeSubrange(place..<min(patch.count, place + Int.random(in: 0...40, using: &random)))
        case 2: patch.insert(contentsOf: (pieces.randomElement(using: &random) ?? []) + [0x0a], at: place)
        case 3: if place < patch.count { patch[place] = UInt8.random(in: 0...255, using: &random) }
        default: patch.insert(contentsOf: patch[..<place], at: place)
        }
      }
      let content = RandomText.content(&random)
      let root = Bool.random(using: &random) ? "/r".bytes : nil
      _ = ApplyPatch.extractFromShell(String(decoding: patch, as: UTF8.self))
      for edits in [try? ApplyPatch.parse(patch, root: root), try? UnifiedDiff.parse(patch, root: root)] {
        guard let edits else { continue }
        for edit in edits {
          #expect(!edit.path.isRoot)
          guard case .update(_, _, let hunks) = edit else { continue }
          do throws(PatchError) {
            _ = try PatchApplier.apply(hunks, to: content, path: path)
          } catch {
            #expect(!error.description.isEmpty)
          }
        }
      }
    }
  }

  /// Random edits written as hunks with context must give the edited file, whichever of the equal places they are at.
  @Test("what was edited comes out", arguments: 0..<4)
  func roundTrip(_ seed: Int) throws {
    var random = Seeded(UInt64(100 + seed))
    for _ in 0..<400 {
      let count = Int.random(in: 1...40, using: &random)
      let lines = (0..<count).map { "line \($0) \(RandomText.line(&random))" }
      var hunks: [Hunk] = []
      var expected: [String] = []
      var index = 0
      while index < count {
        let span = Int.random(in: 1...6, using: &random)
        let end = min(count, index + span)
        if Bool.random(using: &random) {
          let added = (0..<Int.random(in: 0...3, using: &random)).map { _ in RandomText.line(&random) }
          hunks.append(
            Hunk(lines: lines[index..<end].map { .removed($0.bytes) } + added.map { .added($0.bytes) }))
          expected += added
        } else {
          expected += lines[index..<end]
        }
        index = end
      }
      let original = lines.map { $0 + "\n" }.joined().bytes
      let result = try PatchApplier.apply(hunks.shuffled(using: &random), to: original)
      #expect(result == expected.map { $0 + "\n" }.joined().bytes)
    }
  }

  @Test("repetitive input takes bounded time", .timeLimit(.minutes(1)))
  func repetitive() throws {
    let file = [UInt8](repeating: 0x0a, count: 300_000)
    var hunk = Hunk(lines: (0..<100_000).map { _ in .context([]) } + [.removed("x".bytes)])
    #expect(throws: PatchError.self) { try PatchApplier.apply([hunk], to: file) }
    hunk.lines = [.removed([]), .added("y".bytes)]
    let result = try PatchApplier.apply([Hunk](repeating: hunk, count: 2_000), to: file)
    #expect(result.count == file.count + 2_000)
    let patch = "*** Begin Patch\n*** Update File: f\n" + String(repeating: "@@\n-a\n+b\n", count: 50_000)
    let edits = try ApplyPatch.parse(patch)
    guard case .update(_, _, let hunks)? = edits.first else { return }
    #expect(throws: PatchError.self) {
      try PatchApplier.apply(hunks, to: Array(repeating: [0x62, 0x0a], count: 100_000).flatMap { $0 })
    }
  }
}
