import Git
import JSON
import Paths
import TestSupport
import Testing

@testable import AuditTrail

/// The final diff, made again from what a record holds.
@Suite struct ReplayTests {
  /// Records steps on files as a run would, each as the diff from one content to the next.
  private struct Player {
    let log: RunLog
    var files: [String: [UInt8]] = [:]
    let base: [String: [UInt8]]
    var recordsContents = true
    private var recorded: Set<ObjectID> = []

    init(_ log: RunLog, base: [String: [UInt8]]) {
      self.log = log
      self.base = base
      files = base
    }

    func patch(_ path: String, _ old: [UInt8]?, _ new: [UInt8]?) throws -> [UInt8] {
      let path = try #require(RepoPath(path))
      return try Diff.unified(
        old: old.map { Diff.Side($0) }, new: new.map { Diff.Side($0) }, oldPath: path, newPath: path)
    }

    mutating func step(_ changes: [String: [UInt8]?]) throws {
      var content: [String: [UInt8]] = ["diff": []]
      for (path, new) in changes.sorted(by: { $0.key < $1.key }) {
        let old = files[path]
        content["diff", default: []] += try patch(path, old, new)
        for side in [old, new].compactMap({ $0 }) where side == old || Diff.isBinary(side) {
          let id = BlobHash.id(of: side)
          if recordsContents, recorded.insert(id).inserted { content["file-\(id.hex)"] = side }
        }
        files[path] = new
      }
      try log.append("effect.outcome", ["outcome": "done"], content: content, durable: false)
    }

    func end() throws {
      var final: [UInt8] = []
      for path in Set(base.keys).union(files.keys).sorted() where base[path] != files[path] {
        final += try patch(path, base[path], files[path])
      }
      try log.append("run.ended", ["outcome": "fixed"], content: ["patch": final], durable: true)
    }
  }

  private static func lines(_ count: Int, _ seed: UInt64) -> [UInt8] {
    var random = Seeded(seed)
    return (0..<count).flatMap { _ in Array("line \(Int.random(in: 0..<50, using: &random)) {\n".utf8) }
  }

  @Test(arguments: 0..<12) func randomStepsAreMadeAgain(seed: Int) throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = RunID.new()
    var random = Seeded(UInt64(seed))
    var player = Player(
      try store.begin(run: run),
      base: [
        "a.txt": Self.lines(80, 1), "dir/b c.txt": Self.lines(200, 2), "no-newline": Array("x\ny".utf8),
        "binary": [0, 1, 2, 255, 0] + Self.lines(10, 3), "\u{fc}ml": Self.lines(5, 4),
      ])
    for number in 0..<8 {
      var changes: [String: [UInt8]?] = [:]
      for _ in 0..<2 {
        let paths = Array(player.files.keys).sorted() + ["new-\(number)"]
        guard let path = paths.randomElement(using: &random) else { continue }
        guard let old = player.files[path], Int.random(in: 0..<6, using: &random) > 0 else {
          changes[path] = player.files[path] == nil ? Self.lines(9, UInt64(number)) : .some(nil)
          continue
        }
        var lines = FilePatch.lines(old).map { Array($0) }
        let place = lines.isEmpty ? 0 : Int.random(in: 0..<lines.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: lines.insert(Array("added \(number)\n".utf8), at: place)
        case 1 where !lines.isEmpty: lines.remove(at: place)
        default: lines.append(Array("the end \(number)".utf8))
        }
        changes[path] = lines.flatMap { $0 }
      }
      try player.step(changes)
    }
    try player.end()
    let replay = try Replay(run, in: store)
    #expect(replay.isIdentical, "\(replay.files.compactMap(\.obstacle)) \(replay.steps.compactMap(\.obstacle))")
    #expect(replay.files.allSatisfy { $0.obstacle == nil })
    #expect(replay.steps.count == 8)
  }

  @Test func itSaysWhereItCannot() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = RunID.new()
    do {
      var player = Player(try store.begin(run: run), base: ["a": Self.lines(9, 1), "b": Self.lines(9, 2)])
      player.recordsContents = false
      try player.step(["a": Self.lines(10, 1), "new": Array("fresh\n".utf8)])
      player.recordsContents = true
      try player.step(["b": Self.lines(12, 2)])
      try player.end()
    }
    let replay = try Replay(run, in: store)
    #expect(!replay.isIdentical)
    #expect(replay.steps[0].obstacle?.contains("a: the record does not hold its content") == true)
    #expect(replay.steps[1].obstacle == nil)
    #expect(replay.files.map(\.path.quoted) == ["a", "b", "new"])
    #expect(replay.files[0].obstacle != nil)
    #expect(replay.files.dropFirst().allSatisfy { $0.obstacle == nil })
    // After an erasure it says that, too.
    _ = try store.erase(.init(run: run, overrideReason: "test"), by: "x")
    let erased = try Replay(run, in: store)
    #expect(erased.recorded == nil)
    #expect(erased.steps.allSatisfy { $0.obstacle == "its diff was erased" })
  }

  @Test func hostilePatchesAreRefused() throws {
    for text in [
      "", "x", "diff --git", "diff --git a/x b/y\n", "diff --git a/x b/x\n@@ -1 +1 @@\n-a\n",
      "diff --git a/x b/x\n@@ -1,9999999999999999999 +1 @@\n", "diff --git a/x b/x\nindex 1..2\n@@ -a +b @@\n",
      "diff --git a/../x b/../x\n",
    ] {
      let files = GitPatch.files(in: Array(text.utf8))
      #expect(
        files == nil || files?.allSatisfy { $0.apply(to: []) == nil || $0.hunks.isEmpty } == true, "\(text.count)")
    }
  }
}
