import FoundationEssentials
import GRDB
import Glibc
import JSON
import Synchronization
import Testing
import TransparencyLog

@testable import AuditTrail

/// When the log is signed, by which key, and what signatures of it find out.
@Suite struct CheckpointTests {
  /// A run of some events that has ended.
  @discardableResult
  private func run(_ store: AuditStore, events: Int = 4) throws -> RunID {
    let run = RunID.new()
    let log = try store.begin(run: run)
    try log.append("run.started", [:], durable: true)
    for number in 0..<events - 2 {
      try log.append("step", ["n": JSONValue(number)], content: ["out": [7]], durable: true)
    }
    try log.append("run.ended", [:], durable: true)
    return run
  }

  private func anchor(_ store: AuditStore) throws -> Anchor {
    Anchor(try #require(try store.newestCheckpoint()).note, from: "elsewhere")
  }

  /// Copies the database as it is, to be put back later.
  private func copy(_ scratch: Scratch) throws -> [UInt8] {
    try scratch.database().writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
    return try ByteFile.read("\(scratch.store)/record.db")
  }

  private func putBack(_ bytes: [UInt8], _ scratch: Scratch) throws {
    for name in ["record.db-wal", "record.db-shm"] { unlink("\(scratch.store)/\(name)") }
    try ByteFile.write(bytes, "\(scratch.store)/record.db")
  }

  @Test func aRunsEndIsSigned() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let log = try store.begin(run: .new())
    try log.append("run.started", [:], durable: true)
    #expect(try store.newestCheckpoint() == nil)
    try log.append("run.ended", [:], durable: true)
    let checkpoint = try #require(try store.newestCheckpoint())
    #expect(checkpoint.size == 2)
    let head = try store.head()
    #expect(
      Checkpoint(parsing: checkpoint.note.text) == Checkpoint(origin: store.origin, size: 2, root: head.root))
    #expect(scratch.mode("checkpoint.key") == 0o600)
    let report = try store.verify()
    #expect(report.isWhole)
    #expect(report.checkpoints == 1)
    #expect(report.newestCheckpoint?.size == 2)
    #expect(report.keys == (try store.signers().map(\.key)))
    // Nothing was added: nothing is signed again.
    #expect(try store.signCheckpoint() == checkpoint)
  }

  @Test func everyThousandEventsAreSigned() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let log = try store.begin(run: .new())
    for number in 1...2500 { try log.append("step", [:], durable: number % 10 == 0) }
    #expect(try store.checkpoints().map(\.size) == [1000, 2000])
    #expect(try store.verify().checkpoints == 2)
  }

  @Test func aMinuteOfActivityIsSigned() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let log = try store.begin(run: .new())
    try log.append("step", [:], durable: true)
    store.writing.withLock { $0.lastSigned = Clock.monotonic() - Checkpoints.timeInterval }
    try log.append("step", [:], durable: true)
    try log.append("step", [:], durable: true)
    #expect(try store.checkpoints().map(\.size) == [2])
  }

  @Test func theKeyStaysAndMayComeFromOutside() throws {
    let scratch = try Scratch()
    try run(try scratch.open())
    try run(try scratch.open())
    let first = try scratch.open().signers()
    #expect(first.count == 1)
    // A key from outside takes over from the one in the directory, under both signatures.
    let given = try NoteSigningKey(generating: "ci.example/audit")
    try run(try scratch.open(.init(ballast: 4096, key: given)))
    let store = try scratch.open(.init(ballast: 4096, key: given))
    let signers = try store.signers()
    #expect(signers.map(\.key) == [first[0].key, given.verificationKey])
    #expect(signers[1].rotation?.verify(with: [first[0].key])?.count == 1)
    #expect(signers[1].rotation?.verify(with: [given.verificationKey])?.count == 1)
    #expect(try store.ownEvents().map(\.kind) == ["record.key-rotated"])
    #expect(try store.runs(limit: 10).count == 3)
    // Trust goes along the chain, in both directions, and to nobody else.
    for key in signers.map(\.key) { #expect(try store.verify(keys: [key]).isWhole) }
    let other = try NoteSigningKey(generating: store.origin).verificationKey
    #expect(try store.verify(keys: [other]).firstBad?.reason == .checkpoint)
    // The old one is not taken back.
    #expect(kind { _ = try scratch.open().begin(run: .new()) } == .unwritable)
    let third = try NoteSigningKey(generating: "third")
    #expect(kind { _ = try scratch.open(.init(ballast: 4096, key: third)).begin(run: .new()) } == .unwritable)
  }

  @Test func aKeyIsRotated() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    try run(store)
    let old = try store.loadKey()
    let new = try store.rotateKey()
    #expect(new != old.verificationKey)
    try run(store)
    try run(try scratch.open())
    #expect(try scratch.open().loadKey().verificationKey == new)
    #expect(scratch.mode("checkpoint.key.next") == nil)
    #expect(try store.verify().isWhole)
    #expect(try store.verify(keys: [old.verificationKey]).isWhole)
    // Whoever kept the old key can sign nothing that is newer.
    let claim = try #require(Checkpoint(parsing: try anchor(store).note.text))
    var forged = try #require(SignedNote(text: claim.text))
    try forged.sign(with: old)
    try scratch.execute("UPDATE checkpoint SET note = ? WHERE size = ?", [Blob.data(forged.bytes), claim.size])
    #expect(try store.verify().firstBad?.reason == .checkpoint)
  }

  @Test func aRotationThatWasCutOffIsFinished() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    try run(store)
    let old = try ByteFile.read("\(scratch.store)/checkpoint.key")
    _ = try store.rotateKey()
    // As if the machine had stopped before the new key took the old one's name.
    try ByteFile.write(try ByteFile.read("\(scratch.store)/checkpoint.key"), "\(scratch.store)/checkpoint.key.next")
    try ByteFile.write(old, "\(scratch.store)/checkpoint.key")
    chmod("\(scratch.store)/checkpoint.key.next", 0o600)
    chmod("\(scratch.store)/checkpoint.key", 0o600)
    try run(try scratch.open())
    #expect(try scratch.open().verify().isWhole)
  }

  @Test func aKeyThatOthersCanReadIsNotUsed() throws {
    let scratch = try Scratch()
    try run(try scratch.open())
    chmod("\(scratch.store)/checkpoint.key", 0o640)
    #expect(kind { _ = try scratch.open().begin(run: .new()) } == .unwritable)
    chmod("\(scratch.store)/checkpoint.key", 0o600)
    try ByteFile.write(Array("nothing".utf8), "\(scratch.store)/checkpoint.key")
    #expect(kind { _ = try scratch.open().begin(run: .new()) } == .unwritable)
    // It can still be read.
    #expect(try AuditStore.openExisting(at: Array(scratch.store.utf8)).verify().isWhole)
  }

  // MARK: What only an anchor finds

  @Test func aRollbackIsFoundWithAnAnchorAndOnlyWithOne() throws {
    let scratch = try Scratch()
    try run(try scratch.open())
    let old = try copy(scratch)
    try run(try scratch.open())
    let anchor = try anchor(try scratch.open())
    #expect(try scratch.open().verify(anchors: [anchor]).anchors.map(\.size) == [8])
    try putBack(old, scratch)
    let store = try scratch.open()
    #expect(try store.verify().isWhole)
    let report = try store.verify(anchors: [anchor])
    #expect(!report.isWhole)
    #expect(report.firstBad?.reason == .rolledBack)
    #expect(report.firstBad?.position == 4)
  }

  @Test func aForkIsFoundWithAnAnchorAndOnlyWithOne() throws {
    let scratch = try Scratch()
    try run(try scratch.open())
    let old = try copy(scratch)
    let early = try anchor(try scratch.open())
    try run(try scratch.open())
    let anchor = try anchor(try scratch.open())
    try putBack(old, scratch)
    // Another history of the same length, signed with the same key.
    try run(try scratch.open())
    let store = try scratch.open()
    #expect(try store.head().size == 8)
    #expect(try store.verify().isWhole)
    #expect(try store.verify(anchors: [early]).isWhole)
    let report = try store.verify(anchors: [anchor, early])
    #expect(report.firstBad?.reason == .forked)
    #expect(report.firstBad?.position == 4)
    #expect(report.anchors.map(\.size) == [4])
  }

  @Test func anchorsOfOthersSayNothing() throws {
    let scratch = try Scratch()
    let other = try Scratch()
    try run(try scratch.open())
    try run(try other.open())
    let store = try scratch.open()
    let foreign = try store.verify(anchors: [try anchor(try other.open())])
    #expect(foreign.isWhole)
    #expect(foreign.anchors.isEmpty)
    #expect(foreign.foreign == ["elsewhere"])
    // With this record's name and an unknown key, it is no proof of wholeness, and no small matter either.
    let head = try store.head()
    var note = try #require(SignedNote(text: Checkpoint(origin: store.origin, size: 4, root: head.root).text))
    try note.sign(with: try NoteSigningKey(generating: store.origin))
    #expect(try store.verify(anchors: [Anchor(note, from: "x")]).firstBad?.reason == .forked)
  }

  @Test func checkpointsThatDoNotFit() throws {
    let changes = [
      "UPDATE checkpoint SET note = zeroblob(100) WHERE size = 4",
      "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 8) WHERE size = 4",
      "UPDATE checkpoint SET size = 5 WHERE size = 4",
      "INSERT INTO checkpoint SELECT 9, time, note FROM checkpoint WHERE size = 8",
      "UPDATE signer SET vkey = replace(vkey, 'codeagent', 'other')",
      "DELETE FROM signer",
    ]
    for sql in changes {
      let scratch = try Scratch()
      try run(try scratch.open())
      try run(try scratch.open())
      try scratch.execute(sql)
      #expect(try scratch.open().verify().firstBad != nil, "\(sql)")
    }
  }

  /// Everything rewritten so that it fits, but for the checkpoint, which only the key could make.
  @Test func aRewrittenLogDoesNotFitItsCheckpoint() throws {
    let scratch = try Scratch()
    try run(try scratch.open())
    try run(try scratch.open())
    let other = try Scratch()
    try run(try other.open())
    try run(try other.open())
    try scratch.execute("ATTACH '\(other.store)/record.db' AS other")
    let database = try scratch.database()
    try database.writeWithoutTransaction { db in
      try db.execute(sql: "ATTACH '\(other.store)/record.db' AS other")
      for table in ["event", "node", "content", "run"] {
        try db.execute(sql: "DELETE FROM main.\(table); INSERT INTO main.\(table) SELECT * FROM other.\(table)")
      }
      try db.execute(
        sql: "UPDATE main.log SET size = (SELECT size FROM other.log), root = (SELECT root FROM other.log)")
    }
    let report = try scratch.open().verify()
    #expect(report.firstBad?.reason == .checkpoint)
    #expect(report.firstBad?.position == 0)
  }

  // MARK: Where a record that fits together was rewritten

  /// Two records of six runs, the second made by whoever has the key of the first: from the fourth run on others.
  private func rewritten() throws -> (Scratch, Scratch) {
    let scratch = try Scratch()
    for _ in 0..<3 { try run(try scratch.open()) }
    let old = try copy(scratch)
    for _ in 0..<3 { try run(try scratch.open()) }
    let whole = try copy(scratch)
    try putBack(old, scratch)
    for _ in 0..<3 { try run(try scratch.open()) }
    let forged = try copy(scratch)
    let (left, right) = (try Scratch(), try Scratch())
    for place in [left, right] { _ = try place.open() }
    try putBack(whole, left)
    try putBack(forged, right)
    return (left, right)
  }

  private func proof(_ store: AuditStore, _ position: Int, size: Int, isNamed: Bool = true) throws -> HeldProof {
    let event = try #require(
      try store.runs(limit: 100).lazy.flatMap { try store.events(of: $0.run) }.first { $0.position == position })
    let note = try #require(try store.checkpoints().first { $0.size == size }).note
    let path = try #require(try store.inclusionProof(of: event, size: size))
    let proof = LogProof(
      index: position, path: path, checkpoint: note, extra: isNamed ? HeldProof.extra(of: event) : [])
    return try #require(HeldProof.read(Array(proof.text.utf8), from: "a file").first)
  }

  @Test func proofsTellWhereARecordWasRewritten() throws {
    let (left, right) = try rewritten()
    let (whole, forged) = (try left.open(), try right.open())
    #expect(try forged.verify().isWhole)
    let anchors = try whole.checkpoints().map { Anchor($0.note, from: "elsewhere") }
    // A checkpoint alone says how much; older ones bound it, whatever the forged record signed since.
    let last = try #require(try forged.verify(anchors: [anchors[5]]).firstBad)
    #expect((last.position, last.reason) == (0, .forked))
    let between = try #require(try forged.verify(anchors: anchors).firstBad)
    #expect((between.position, between.reason) == (12, .forked))
    #expect(between.detail.contains("events 12 to 15"))
    // A proof holds the hashes of ranges; that of the event itself names it.
    for position in 0..<24 {
      let held = try proof(whole, position, size: 24)
      #expect(try whole.verify(proofs: [held]).isWhole)
      let anchor = Anchor(held.proof.checkpoint, from: held.place, time: 5)
      #expect(try whole.verify(anchors: [anchor], proofs: [held]).anchors.map(\.time) == [5])
      let bad = try #require(try forged.verify(proofs: [held]).firstBad)
      #expect(bad.position <= 12, "\(position): \(bad)")
      if position == 12 { #expect((bad.position, bad.reason, bad.sequence) == (12, .rewritten, 1)) }
      if position < 12 || position == 13 { #expect(bad.position >= 8, "\(position): \(bad)") }
    }
    let several = try [11, 13].map { try proof(whole, $0, size: 24, isNamed: $0 == 13) }
    #expect(try #require(try forged.verify(anchors: anchors, proofs: several).firstBad).position == 12)
    // One that was tampered with, or proves another leaf, says nothing.
    let held = try proof(whole, 12, size: 24)
    var path = held.proof.path
    path[0] = .zero
    let bent = LogProof(index: 12, path: path, checkpoint: held.proof.checkpoint)
    #expect(
      try forged.verify(proofs: [HeldProof(bent, leaf: held.leaf, from: "x")]).firstBad?.reason == .forked)
  }

  @Test func anchorFilesAndLines() throws {
    let scratch = try Scratch()
    let file = "\(scratch.path)/anchors"
    defer { unlink(file) }
    let store = try scratch.open()
    for _ in 0..<3 {
      try run(store)
      try store.appendAnchor(try #require(try store.newestCheckpoint()).note, to: file)
    }
    let anchors = try Anchor.read(file: file)
    #expect(anchors.count == 3)
    let report = try store.verify(anchors: anchors)
    #expect(report.anchors.map(\.size) == [4, 8, 12])
    #expect(try store.anchors().map(\.size) == [12, 8, 4])
    // As a CI log has it: the line in the middle of others.
    let line = NoteCollection.line(anchors[1].note)
    try ByteFile.write(Array("2026-01-01T00:00:00Z start\n2026-01-01 \(line)\r\n\nend\n".utf8), file)
    #expect(try Anchor.read(file: file).map(\.note) == [anchors[1].note])
    #expect(kind { _ = try Anchor.read(file: "\(scratch.path)/none") } == .unknown)
  }
}
