import GRDB
import Glibc
import JSON
import TestSupport
import Testing
import TransparencyLog

@testable import AuditTrail

@Suite struct AuditStoreTests {
  @Test func whatIsAppendedIsRead() throws {
    let scratch = try Scratch()
    let run = RunID.new()
    let fields: JSONValue = [
      "b": [1, -2, true, nil, "\u{1F600}\u{0}é"], "a": ["nested": ["deep": 9_007_199_254_740_991]],
    ]
    var references: [EventReference] = []
    do {
      let log = try scratch.open().begin(run: run)
      references.append(try log.append("run.started", fields, durable: true))
      references.append(
        try log.append("effect.intent", [:], content: ["out": Array("text".utf8), "empty": []], durable: false))
      references.append(try log.append("effect.outcome", ["intent": 2], durable: true))
    }
    let store = try scratch.open()
    let events = try store.events(of: run)
    #expect(events.map(\.sequence) == [1, 2, 3])
    #expect(events.map(\.position) == [0, 1, 2])
    #expect(events.map(\.hash) == references.map(\.hash))
    #expect(events.map(\.previousHash) == [.zero, events[0].hash, events[1].hash])
    #expect(events.map(\.kind) == ["run.started", "effect.intent", "effect.outcome"])
    #expect(JSONValue(events[0].fields["b"]?[4]?.string) == "\u{1F600}\u{0}é")
    #expect(events[0].fields.canonical == fields.canonical)
    #expect(events[1].content.map(\.name) == ["empty", "out"])
    #expect(events[1].content.map(\.length) == [0, 4])
    #expect(try store.content(of: events[1], "out") == Array("text".utf8))
    #expect(try store.content(of: events[1], "empty") == [])
    #expect(try store.content(of: events[1], "other") == nil)
    #expect(try store.events(of: run, from: 3).map(\.sequence) == [3])
    #expect(events[0].wallTime > 1_700_000_000_000_000_000)
    #expect(events[0].monotonic <= events[2].monotonic)
    #expect(!events[0].bootID.isEmpty)
    #expect(try store.verify().isWhole)
    #expect(try store.verify(run: run).count == 3)
  }

  @Test func equalContentsHaveUnlikeCommitments() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = RunID.new()
    let log = try store.begin(run: run)
    try log.append("a", [:], content: ["x": [1, 2, 3], "y": [1, 2, 3]], durable: true)
    let content = try store.events(of: run)[0].content
    #expect(content[0].commitment != content[1].commitment)
  }

  @Test func onlyTheUserCanReadIt() throws {
    let scratch = try Scratch()
    let previous = umask(0)
    defer { umask(previous) }
    let store = try scratch.open()
    try store.begin(run: .new()).append("run.started", [:], durable: true)
    #expect(scratch.mode("") == 0o700)
    for file in ["record.db", "record.db-wal", "record.db-shm", "runs.lock", "ballast"] {
      #expect(scratch.mode(file) == 0o600, "\(file)")
    }
  }

  @Test func writingIsDurable() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let settings = try store.database.read { db in
      (
        try Int.fetchOne(db, sql: "PRAGMA synchronous"), try String.fetchOne(db, sql: "PRAGMA journal_mode"),
        try Int.fetchOne(db, sql: "PRAGMA secure_delete")
      )
    }
    #expect(settings == (2, "wal", 1))
  }

  @Test func waitingEventsComeWithTheNextDurableOne() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = RunID.new()
    let log = try store.begin(run: run)
    try log.append("one", [:], durable: false)
    #expect(try store.runs(limit: 10).isEmpty)
    #expect(kind { _ = try store.events(of: run) } == .unknown)
    try log.append("two", [:], durable: true)
    try log.append("three", [:], durable: false)
    #expect(try store.events(of: run).map(\.kind) == ["one", "two"])
    try log.flush()
    #expect(try store.events(of: run).map(\.kind) == ["one", "two", "three"])
    try log.append("large", [:], content: ["x": [UInt8](repeating: 7, count: 9 << 20)], durable: false)
    #expect(try store.events(of: run).count == 4)
  }

  @Test func runsHaveAStatus() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let ended = RunID.new()
    do {
      let log = try store.begin(run: ended)
      try log.append("run.started", ["task": "first"], durable: true)
      try log.append("run.ended", ["outcome": "fixed"], durable: false)
    }
    let interrupted = RunID.new()
    try store.begin(run: interrupted).append("run.started", [:], durable: true)
    let live = RunID.new()
    let log = try store.begin(run: live)
    try log.append("run.started", [:], durable: true)
    let other = try scratch.open()
    for reader in [store, other] {
      let runs = try reader.runs(limit: 10)
      #expect(runs.map(\.run) == [live, interrupted, ended])
      #expect(runs.map(\.status) == [.running, .interrupted, .ended])
      #expect(runs.map(\.eventCount) == [1, 1, 2])
      #expect(runs[2].firstFields["task"] == "first")
      #expect(runs[2].lastKind == "run.ended")
      #expect(runs[2].lastFields["outcome"] == "fixed")
      #expect(try reader.isLive(live))
      #expect(try !reader.isLive(interrupted))
      #expect(kind { _ = try reader.resume(run: live) } == .runIsLive)
    }
    #expect(try store.runs(limit: 1).map(\.run) == [live])
  }

  @Test func resumingGoesOnWithTheChain() throws {
    let scratch = try Scratch()
    let run = RunID.new()
    try scratch.open().begin(run: run).append("run.started", [:], durable: true)
    let store = try scratch.open()
    let log = try store.resume(run: run)
    #expect(kind { _ = try store.resume(run: run) } == .runIsLive)
    #expect(try log.append("effect.outcome", [:], durable: false).sequence == 2)
    #expect(try store.runs(limit: 1)[0].status == .running)
    try log.append("run.ended", [:], durable: true)
    // A delivery after the end does not open the run again; a resumption does.
    try log.append("effect.intent", [:], durable: true)
    #expect(try store.database.read { try Bool.fetchOne($0, sql: "SELECT ended FROM run") } == true)
    try log.append("run.resumed", [:], durable: false)
    #expect(try store.database.read { try Bool.fetchOne($0, sql: "SELECT ended FROM run") } == false)
    #expect(try store.events(of: run).map(\.sequence) == [1, 2, 3, 4, 5])
    #expect(try store.verify().isWhole)
    #expect(kind { _ = try store.resume(run: .new()) } == .unknown)
  }

  @Test func runsAreFoundByTheirBeginning() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    #expect(kind { _ = try store.run(matching: "last") } == .unknown)
    let runs = ["r-20260101-aaaa0000", "r-20260101-aaab0000", "r-20260202-aaab1111"].compactMap { RunID($0) }
    for run in runs { try store.begin(run: run).append("run.started", [:], durable: true) }
    #expect(try store.run(matching: "last") == runs[2])
    #expect(try store.run(matching: "r-20260101-aaaa") == runs[0])
    #expect(try store.run(matching: "R-202602") == runs[2])
    #expect(try store.run(matching: "202602") == runs[2])
    #expect(try store.run(matching: "aaab1") == runs[2])
    #expect(try store.run(matching: runs[1].text) == runs[1])
    #expect(kind { _ = try store.run(matching: "aaab") } == .ambiguous)
    #expect(kind { _ = try store.run(matching: "r-2026") } == .ambiguous)
    #expect(kind { _ = try store.run(matching: "") } == .unknown)
    #expect(kind { _ = try store.run(matching: "%") } == .unknown)
    #expect(kind { _ = try store.run(matching: "' OR 1=1 --") } == .unknown)
    #expect(kind { _ = try store.run(matching: "zzz") } == .unknown)
  }

  @Test func severalWritersShareATree() async throws {
    let scratch = try Scratch()
    let stores = [try scratch.open(), try scratch.open()]
    let runs = (0..<4).map { _ in RunID.new() }
    try await withThrowingTaskGroup { group in
      for (index, run) in runs.enumerated() {
        group.addTask {
          let log = try stores[index % 2].begin(run: run)
          for number in 0..<25 {
            try log.append("step", ["n": JSONValue(number)], content: ["c": [UInt8(number)]], durable: number % 3 == 0)
          }
          try log.flush()
        }
      }
      try await group.waitForAll()
    }
    let store = try scratch.open()
    let report = try store.verify()
    #expect(report.isWhole)
    #expect(report.count == 100)
    #expect(report.contents == 100)
    let head = try store.head()
    #expect(head.size == 100)
    #expect(report.head == head.root)
    var leaves = [MerkleHash](repeating: .zero, count: 100)
    for run in runs {
      let events = try store.events(of: run)
      #expect(events.compactMap { $0.fields["n"]?.int } == Array(0..<25))
      for event in events {
        leaves[event.position] = event.hash
        let proof = try #require(try store.inclusionProof(of: event, size: 100))
        #expect(
          MerkleProofs.verifyInclusion(
            of: event.hash, index: event.position, size: 100, proof: proof, root: head.root))
      }
    }
    var tree = MemoryTree()
    for leaf in leaves { tree.append(leaf) }
    #expect(tree.root == head.root)
    let proof = try #require(try store.consistencyProof(from: 41, to: 100))
    #expect(proof == tree.consistencyProof(from: 41, to: 100))
    #expect(try store.consistencyProof(from: 41, to: 101) == nil)
  }

  /// Runs that write at once share commits, and one that may not write spoils nothing for the others.
  @Test func writersAtOnceShareCommits() async throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let taken = RunID.new()
    try store.begin(run: taken).append("run.started", [:], durable: true)
    let runs = (0..<12).map { _ in RunID.new() }
    try await withThrowingTaskGroup { group in
      for (index, run) in runs.enumerated() {
        group.addTask {
          let log = try store.begin(run: run)
          for number in 1...40 {
            try log.append("step", ["n": JSONValue(number)], content: ["out": [UInt8(index)]], durable: true)
          }
          // Its name is there already: refused, however many others are in the same transaction.
          #expect(kind { try store.begin(run: taken).append("step", [:], durable: true) } == .runIsLive)
          try log.append("run.ended", [:], durable: true)
        }
      }
      try await group.waitForAll()
    }
    #expect(try store.verify().isWhole)
    for run in runs { #expect(try store.events(of: run).map(\.sequence) == Array(1...41)) }
    #expect(try store.events(of: taken).count == 1)
    #expect(try scratch.open().verify().isWhole)
  }

  @Test func appendsFromManyTasksKeepAnOrder() async throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = RunID.new()
    let log = try store.begin(run: run)
    try await withThrowingTaskGroup { group in
      for task in 0..<8 {
        group.addTask {
          for _ in 0..<10 { try log.append("step", ["task": JSONValue(task)], durable: false) }
        }
      }
      try await group.waitForAll()
    }
    try log.flush()
    #expect(try store.events(of: run).map(\.sequence) == Array(1...80))
    #expect(try store.verify().isWhole)
  }

  @Test func whatCannotBeRecordedIsRefusedAndLeavesNoTrace() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = RunID.new()
    let log = try store.begin(run: run)
    try log.append("run.started", [:], durable: true)
    var deep: JSONValue = 1
    for _ in 0..<100 { deep = [deep] }
    let refused: [JSONValue] = [
      ["x": .double(1.5)], ["x": .double(.infinity)], [["y": .int(1 << 53)]], [.int(.min)], deep, ["x": .double(1e300)],
      ["long": .string(String(repeating: "x", count: 1 << 20))],
    ]
    for fields in refused {
      #expect(kind { try log.append("step", fields, durable: true) } == .unrecordable)
      #expect(kind { try log.append("step", fields, durable: false) } == .unrecordable)
    }
    for name in ["", "Upper", "with space", "é", String(repeating: "a", count: 65)] {
      #expect(kind { try log.append(name, [:], durable: false) } == .unrecordable)
    }
    for name in ["", "a\u{0}b", "line\nend", String(repeating: "a", count: 256)] {
      #expect(kind { try log.append("a", [:], content: [name: [1]], durable: false) } == .unrecordable)
    }
    try log.append("step", ["whole": .double(3)], durable: true)
    #expect(try store.events(of: run).map(\.kind) == ["run.started", "step"])
    #expect(try store.events(of: run)[1].fields["whole"] == 3)
    #expect(try store.verify().isWhole)
  }

  /// Whatever strings and shapes come along, they are read back as they were.
  @Test func anyFieldsComeBack() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = RunID.new()
    let log = try store.begin(run: run)
    var random = Seeded(21)
    func text() -> String {
      String(
        String.UnicodeScalarView(
          (0..<Int.random(in: 0...8, using: &random)).map { _ in
            Unicode.Scalar(UInt32.random(in: 0...0x10ffff, using: &random)) ?? "\u{0}"
          }))
    }
    func value(_ depth: Int) -> JSONValue {
      switch Int.random(in: 0...(depth > 0 ? 6 : 4), using: &random) {
      case 0: return nil
      case 1: return .bool(Bool.random(using: &random))
      case 2: return .int(Int64.random(in: -(1 << 53) + 1...(1 << 53) - 1, using: &random))
      case 3, 4: return .string(text())
      case 5: return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in value(depth - 1) })
      default:
        var object = JSONObject()
        for _ in 0..<Int.random(in: 0...4, using: &random) { object[text()] = value(depth - 1) }
        return .object(object)
      }
    }
    var written: [JSONValue] = []
    for _ in 0..<150 {
      written.append(value(5))
      try log.append(
        "step", written[written.count - 1],
        content: ["x" + text().filter { ($0.asciiValue ?? 0x20) >= 0x20 && $0 != "\u{7f}" }: Array(text().utf8)],
        durable: false)
    }
    var nested: JSONValue = "core"
    for _ in 0..<62 { nested = ["in": nested] }
    written.append(nested)
    try log.append("step", nested, durable: true)
    #expect(try store.events(of: run).map(\.fields.canonical) == written.map(\.canonical))
    let report = try store.verify()
    #expect(report.isWhole)
    #expect(report.contents == 150)
  }

  @Test func namesThatAreTakenAreRefused() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = RunID.new()
    try store.begin(run: run).append("run.started", [:], durable: true)
    #expect(kind { try store.begin(run: run).append("run.started", [:], durable: true) } == .runIsLive)
    #expect(try store.verify().count == 1)
  }

  @Test func aLockedStoreFailsClosedAndGoesOn() throws {
    let scratch = try Scratch()
    let store = try scratch.open(.init(busyTimeout: 0.1, ballast: 0))
    let log = try store.begin(run: .new())
    try log.append("run.started", [:], durable: true)
    let other = try scratch.database()
    try other.writeWithoutTransaction { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      #expect(kind { try log.append("effect.intent", [:], durable: true) } == .busy)
      try db.execute(sql: "COMMIT")
    }
    #expect(try log.append("effect.intent", [:], durable: true).sequence == 2)
    #expect(try store.verify().isWhole)
  }
}
