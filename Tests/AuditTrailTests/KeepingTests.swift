import FoundationEssentials
import GRDB
import Glibc
import JSON
import Testing
import TransparencyLog

@testable import AuditTrail

/// What becomes of content, of runs that were cut off, and of stores that are damaged.
@Suite struct KeepingTests {
  private static let secret = "the-content-that-must-go-4711"

  /// A run with content, recorded now.
  private func run(_ store: AuditStore, path: String = "src/main.c") throws -> RunID {
    let run = RunID.new()
    let log = try store.begin(run: run)
    try log.append("run.started", ["user": "someone"], content: ["task": Array("do it".utf8)], durable: true)
    try log.append("effect.intent", ["effect": "read", "path": .string(path)], durable: false)
    try log.append(
      "effect.outcome", ["intent": 2, "outcome": "done"], content: ["output": Array(Self.secret.utf8)], durable: false)
    try log.append(
      "conversation.item", [:], content: ["item": Array("quotes \(path) here".utf8)], durable: false)
    try log.append("run.ended", ["outcome": "fixed"], durable: true)
    return run
  }

  private let later = Clock.wallTime() + AuditStore.defaultRetention + 1_000_000_000

  private func files(_ scratch: Scratch) throws -> [UInt8] {
    var bytes: [UInt8] = []
    for name in ["record.db", "record.db-wal"] {
      bytes += (try? ByteFile.read("\(scratch.store)/\(name)")) ?? []
    }
    return bytes
  }

  @Test func contentGoesAndProofsHold() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let runs = [try run(store), try run(store)]
    let event = try store.events(of: runs[0])[2]
    let checkpoint = try #require(try store.newestCheckpoint())
    let proof = try #require(try store.inclusionProof(of: event, size: checkpoint.size))
    let result = try store.erase(ErasureRequest(run: runs[0]), by: "someone", now: later)
    #expect((result.erased, result.events, result.runs) == (3, 3, [runs[0]]))
    #expect(result.bytes == 5 + Self.secret.utf8.count + 22)
    #expect(try store.content(of: event, "output") == nil)
    #expect(try store.content(of: try store.events(of: runs[1])[2], "output") == Array(Self.secret.utf8))
    let report = try store.verify(anchors: [Anchor(checkpoint.note, from: "x")])
    #expect(report.isWhole)
    #expect((report.erased, report.contents) == (3, 3))
    #expect(try store.inclusionProof(of: event, size: checkpoint.size) == proof)
    #expect(
      LogProof(index: event.position, path: proof, checkpoint: checkpoint.note).verify(event.hash, keys: report.keys)
        != nil)
    let noted = try #require(try store.ownEvents().first)
    #expect(noted.kind == "record.erasure")
    #expect(noted.fields["contents"] == 3)
    #expect(noted.fields["by"] == "someone")
    // The other run's content is the last place where the bytes are, in the database and in its log.
    _ = try store.erase(ErasureRequest(run: runs[1]), by: "someone", now: later)
    #expect(!String(decoding: try files(scratch), as: UTF8.self).contains(Self.secret))
  }

  @Test func byPathAndByAge() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let first = try run(store, path: "a/secret.txt")
    let second = try run(store, path: "b/other.txt")
    #expect(kind { _ = try store.erase(ErasureRequest(), by: "x", now: later) } == .unknown)
    #expect(try store.erase(ErasureRequest(path: "c/none"), by: "x", now: later).erased == 0)
    let byPath = try store.erase(ErasureRequest(path: "a/secret.txt"), by: "x", now: later)
    #expect((byPath.erased, byPath.runs) == (1, [first]))
    let border = try store.events(of: second)[0].wallTime
    let byAge = try store.erase(ErasureRequest(before: border), by: "x", now: later)
    #expect((byAge.erased, byAge.runs) == (2, [first]))
    #expect(try store.verify().isWhole)
  }

  @Test func youngContentStaysUnlessThereIsAReason() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = try run(store)
    let kept = try store.erase(ErasureRequest(run: run), by: "x")
    #expect((kept.erased, kept.retained) == (0, 3))
    #expect(try store.ownEvents().isEmpty)
    let gone = try store.erase(ErasureRequest(run: run, overrideReason: "a person asked"), by: "x")
    #expect((gone.erased, gone.retained) == (3, 0))
    #expect(try store.ownEvents().first?.fields["override"] == "a person asked")
  }

  @Test func aHoldKeepsEverything() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = try run(store)
    try store.hold(run, reason: "a lawsuit", by: "counsel")
    #expect(try store.holds().map(\.reason) == ["a lawsuit"])
    let held = try store.erase(ErasureRequest(run: run, overrideReason: "all the same"), by: "x", now: later)
    #expect((held.erased, held.held) == (0, 3))
    try store.release(run, reason: "settled", by: "counsel")
    #expect(try store.erase(ErasureRequest(run: run), by: "x", now: later).erased == 3)
    #expect(try store.ownEvents().map(\.kind) == ["record.hold", "record.release", "record.erasure"])
    #expect(try store.verify().isWhole)
  }

  @Test func aRunThatIsBeingWrittenIsLeftAlone() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = RunID.new()
    let log = try store.begin(run: run)
    try log.append("run.started", [:], content: ["task": [1]], durable: true)
    #expect(try store.erase(ErasureRequest(run: run), by: "x", now: later).held == 1)
    withExtendedLifetime(log) {}
  }

  // MARK: Runs that were cut off

  @Test func openIntentsAreClosedAtTheNextStart() throws {
    let scratch = try Scratch()
    let cut = RunID.new()
    do {
      let log = try scratch.open().begin(run: cut)
      try log.append("run.started", [:], durable: true)
      try log.append("effect.intent", ["effect": "execute"], durable: true)
      try log.append("effect.outcome", ["intent": 2, "outcome": "done"], durable: false)
      try log.append("effect.intent", ["effect": "deliver"], durable: true)
    }
    let store = try scratch.open()
    let living = try store.begin(run: .new())
    try living.append("effect.intent", ["effect": "edit"], durable: true)
    let closed = try store.events(of: cut)
    #expect(closed.count == 5)
    #expect(closed[4].kind == "effect.outcome")
    #expect(closed[4].fields == ["intent": 4, "outcome": "unknown"])
    // Once is enough, and what somebody is still writing is not touched.
    _ = try store.begin(run: .new())
    #expect(try store.events(of: cut).count == 5)
    #expect(try store.events(of: living.run).count == 1)
    #expect(try store.runs(limit: 5).first { $0.run == cut }?.status == .interrupted)
    // It can go on, and be cut off again.
    do { try store.resume(run: cut).append("effect.intent", ["effect": "edit"], durable: true) }
    _ = try store.begin(run: .new())
    #expect(try store.events(of: cut).last?.fields == ["intent": 6, "outcome": "unknown"])
    #expect(try store.verify().isWhole)
    withExtendedLifetime(living) {}
  }

  // MARK: Damaged stores

  private func remove(_ scratch: Scratch, _ directory: String) {
    for name in ["record.db", "record.db-wal", "record.db-shm"] { unlink("\(scratch.store)/\(directory)/\(name)") }
    rmdir("\(scratch.store)/\(directory)")
  }

  @Test func aDamagedStoreIsPutAwayAndANewOneGoesOnFromIt() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let first = try run(store)
    let good = try #require(try store.newestCheckpoint())
    let cut = RunID.new()
    do { try store.begin(run: cut).append("run.started", [:], durable: true) }
    try scratch.execute("UPDATE event SET record = x'00' WHERE position = 5")
    #expect(kind { _ = try scratch.open().begin(run: .new()) } == .damaged)
    let (next, quarantine) = try AuditStore.openReplacingDamage(
      at: Array(scratch.store.utf8), options: .init(ballast: 4096))
    let found = try #require(quarantine)
    defer { remove(scratch, found.directory) }
    #expect(found.lastGood == good.note)
    #expect(found.lastGoodSize == 5)
    #expect(next.origin != store.origin)
    #expect(kind { _ = try next.events(of: first) } == .unknown)
    let noted = try #require(try next.ownEvents().first)
    #expect(noted.kind == "record.quarantine")
    #expect(noted.position == 0)
    #expect(noted.fields["directory"]?.string == found.directory)
    #expect(noted.fields["lastGood"]?.string.map { Array($0.utf8) } == good.note.bytes)
    #expect(noted.fields["origin"]?.string == store.origin)
    _ = try run(next)
    #expect(try next.verify().isWhole)
    // What was put away is as it was.
    let old = try AuditStore.openExisting(at: Array("\(scratch.store)/\(found.directory)".utf8))
    #expect(try old.events(of: first).count == 5)
    #expect(try old.verify().firstBad?.position == 5)
    // With nothing wrong, nothing is put away.
    #expect(
      try AuditStore.openReplacingDamage(at: Array(scratch.store.utf8), options: .init(ballast: 4096)).quarantine == nil
    )
  }

  @Test func aFileThatIsNoDatabaseIsPutAwayToo() throws {
    let scratch = try Scratch()
    _ = try run(try scratch.open())
    try ByteFile.write([UInt8](repeating: 0x41, count: 9000), "\(scratch.store)/record.db")
    let (next, quarantine) = try AuditStore.openReplacingDamage(
      at: Array(scratch.store.utf8), options: .init(ballast: 4096))
    let found = try #require(quarantine)
    defer { remove(scratch, found.directory) }
    #expect(found.lastGood == nil)
    _ = try run(next)
    #expect(try next.verify().isWhole)
  }

  @Test func nothingIsPutAwayUnderALivingRun() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let log = try store.begin(run: .new())
    try log.append("run.started", [:], durable: true)
    do { try store.begin(run: .new()).append("run.started", [:], durable: true) }
    try scratch.execute("UPDATE event SET record = x'00' WHERE position = 1")
    #expect(
      kind { _ = try AuditStore.openReplacingDamage(at: Array(scratch.store.utf8), options: .init(ballast: 4096)) }
        == .damaged)
    withExtendedLifetime(log) {}
  }
}
