import Foundation
import GRDB
import Glibc
import JSON
import TestSupport
import Testing
import TransparencyLog

@testable import AuditTrail

/// Everything that somebody with a database shell can do to the rows of a store, and that `verify` names the first event
/// that it was done to.
@Suite struct VerificationTests {
  /// Two runs of seven events each, taking turns; each event with one content.
  private func filled() throws -> (Scratch, [RunID]) {
    let scratch = try Scratch()
    let store = try scratch.open()
    let runs = ["r-20260101-aaaa0000", "r-20260101-bbbb0000"].compactMap { RunID($0) }
    let logs = try runs.map { try store.begin(run: $0) }
    for number in 1...7 {
      for log in logs {
        try log.append("step", ["n": JSONValue(number)], content: ["out": [UInt8(number)]], durable: true)
      }
    }
    #expect(try store.verify().isWhole)
    return (scratch, runs)
  }

  /// The run and sequence number of the event at a position of ``filled()``.
  private func place(_ position: Int, _ runs: [RunID]) -> (run: RunID, sequence: Int) {
    (runs[position % 2], position / 2 + 1)
  }

  private func firstBad(_ scratch: Scratch) throws -> BadEvent? { try scratch.open().verify().firstBad }

  /// Both views of the store must find it: the whole walk and that of the run.
  private func expect(
    _ scratch: Scratch, _ run: RunID, _ sequence: Int, _ reasons: Set<BadEvent.Reason>,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let store = try scratch.open()
    for report in [try store.verify(), try store.verify(run: run)] {
      #expect(!report.isWhole, sourceLocation: sourceLocation)
      let bad = try #require(report.firstBad, sourceLocation: sourceLocation)
      #expect(bad.run == run, "\(bad)", sourceLocation: sourceLocation)
      #expect(bad.sequence == sequence, "\(bad)", sourceLocation: sourceLocation)
      #expect(reasons.contains(bad.reason), "\(bad)", sourceLocation: sourceLocation)
      #expect(!bad.description.isEmpty, sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: 0..<14) func flippedBitsOfARecord(position: Int) throws {
    let (scratch, runs) = try filled()
    let (run, sequence) = place(position, runs)
    let database = try scratch.database()
    let length = try database.read {
      try Int.fetchOne($0, sql: "SELECT length(record) FROM event WHERE position = ?", arguments: [position])
    }
    // Some bytes of each record here, all of one in the next test.
    for byte in stride(from: position, to: try #require(length), by: 61) {
      try flip(database, "event", "record", "position = \(position)", byte)
      let bad = try #require(try firstBad(scratch))
      #expect(bad.position == position)
      #expect(bad.reason == .altered)
      try flip(database, "event", "record", "position = \(position)", byte)
    }
    try flip(database, "event", "record", "position = \(position)", 0)
    let bad = try #require(try scratch.open().verify(run: run).firstBad)
    #expect(bad.sequence == sequence)
    #expect(bad.reason == .altered)
  }

  @Test func everyByteOfAnEvent() throws {
    let (scratch, _) = try filled()
    let store = try scratch.open()
    let database = try scratch.database()
    for (column, count) in [("record", 300), ("hash", 32)] {
      for byte in 0..<count {
        try flip(database, "event", column, "position = 5", byte)
        let bad = try store.verify().firstBad
        #expect(bad?.position == 5 && bad?.reason == .altered, "\(column) \(byte)")
        try flip(database, "event", column, "position = 5", byte)
      }
    }
    #expect(try store.verify().isWhole)
  }

  /// Each byte of each row that verification rests on: the first bad event is named, or the one whose part the row is. Every
  /// byte takes a minute; the variable asks for it, or for every nth.
  @Test func everyByteOfEveryRow() throws {
    let (scratch, runs) = try filled()
    for run in runs { try scratch.open().resume(run: run).append("run.ended", [:], durable: true) }
    let store = try scratch.open()
    let database = try scratch.database()
    let step = getenv("CODEAGENT_TEST_EVERY_BYTE").map { max(1, Int(String(cString: $0)) ?? 1) } ?? 61
    var flips = 0
    for (table, column, key) in [
      ("event", "record", "position"), ("event", "hash", "position"), ("node", "hash", "rowid"),
      ("run", "head", "number"),
      ("run", "id", "number"), ("log", "root", "id"), ("log", "name", "id"), ("content", "bytes", "id"),
      ("content", "key", "id"), ("content", "name", "id"), ("checkpoint", "note", "size"), ("signer", "vkey", "number"),
    ] {
      let name = key == "rowid" ? "level * 1000 + position" : key
      let rows = try database.read { db in
        try Row.fetchAll(db, sql: "SELECT \(name), length(CAST(\(column) AS BLOB)) FROM \(table)").map {
          (key: $0[0] as Int, length: $0[1] as Int)
        }
      }
      for row in rows {
        // At least one byte of each row.
        for byte in stride(from: flips % min(step, row.length), to: row.length, by: step) {
          let condition = "\(name) = \(row.key)"
          try flip(database, table, column, condition, byte)
          flips += 1
          let report = try? AuditStore.openExisting(at: Array(scratch.store.utf8)).verify()
          let place = "\(table).\(column) of \(row.key), byte \(byte)"
          if let report {
            let bad = try #require(report.firstBad, "\(place)")
            switch table {
            case "event": #expect(bad.position == row.key && bad.reason == .altered, "\(place): \(bad)")
            case "content": #expect(bad.position == row.key / 256 && bad.reason == .content, "\(place): \(bad)")
            case "node":
              let leaves = NodePosition(level: row.key / 1000, index: row.key % 1000).leaves
              #expect(leaves.contains(bad.position) && bad.reason == .tree, "\(place): \(bad)")
            case "run": #expect(bad.run == runs[row.key - 1] || column == "id", "\(place): \(bad)")
            case "checkpoint": #expect(bad.reason == .checkpoint && bad.position < row.key, "\(place): \(bad)")
            default: break
            }
          }
          try flip(database, table, column, condition, byte)
        }
      }
    }
    #expect(flips > 60)
    #expect(try store.verify().isWhole)
  }

  /// A damaged page can hold values that no table would take. Whoever reads them says so, and goes on.
  @Test func valuesOfOtherTypesAreDamage() throws {
    let (scratch, runs) = try filled()
    for run in runs { try scratch.open().resume(run: run).append("run.ended", [:], durable: true) }
    try scratch.database().writeWithoutTransaction { db in
      try db.execute(
        sql: """
          PRAGMA writable_schema = ON;
          UPDATE sqlite_schema SET sql = replace(replace(sql, ' STRICT', ''), ' NOT NULL', '') WHERE type = 'table';
          PRAGMA writable_schema = RESET;
          """)
    }
    let database = try scratch.database()
    let store = try scratch.open()
    for (table, key, columns) in [
      ("event", "position = 3", ["run", "sequence", "record", "hash"]),
      ("run", "number = 1", ["id", "size", "head", "ended"]),
      ("log", "id = 1", ["name", "size", "root", "checked"]), ("content", "id = 768", ["name", "key", "bytes"]),
      ("checkpoint", "size = 15", ["time", "note"]), ("signer", "number = 1", ["vkey", "since"]),
      ("node", "level = 1 AND position = 1", ["hash"]),
    ] {
      for column in columns {
        let old = try database.read {
          try DatabaseValue.fetchOne($0, sql: "SELECT \(column) FROM \(table) WHERE \(key)")
        }
        for value in ["NULL", "'text'", "x'00ff80'", "1.5"] {
          try database.write { try $0.execute(sql: "UPDATE \(table) SET \(column) = \(value) WHERE \(key)") }
          let report = try? store.verify()
          // Nothing rests on these, or the open store knows it already.
          let isInformation =
            ["checked", "time", "since", "ended"].contains(column) || (table, column) == ("log", "name")
          #expect(report?.isWhole != true || isInformation, "\(table).\(column) = \(value)")
          if table == "event", column != "hash" { #expect(report?.firstBad?.position == 3, "\(column) = \(value)") }
          // Nothing here ends the process.
          _ = try? store.runs(limit: 9)
          for run in runs { _ = try? store.events(of: run).map { try store.content(of: $0, "out") } }
          _ = try? store.checkpoints()
          _ = try? store.signers()
          _ = try? store.head()
          _ = try? store.verify(run: runs[0])
          _ = try? AuditStore.openExisting(at: Array(scratch.store.utf8)).origin
          try database.write {
            try $0.execute(sql: "UPDATE \(table) SET \(column) = ? WHERE \(key)", arguments: [old])
          }
        }
      }
    }
    #expect(try store.verify().isWhole)
  }

  private func flip(_ database: DatabaseQueue, _ table: String, _ column: String, _ condition: String, _ byte: Int)
    throws
  {
    try database.write { db in
      guard
        var bytes = try Row.fetchOne(db, sql: "SELECT \(column) FROM \(table) WHERE \(condition)").map({
          [UInt8]($0[0] as Data)
        })
      else { return }
      bytes[byte % bytes.count] ^= 1
      let value = ["id", "name", "vkey"].contains(column) ? "CAST(? AS TEXT)" : "?"
      try db.execute(
        sql: "UPDATE \(table) SET \(column) = \(value) WHERE \(condition)", arguments: [Data(bytes)])
    }
  }

  @Test(arguments: 0..<14) func aDeletedEvent(position: Int) throws {
    let (scratch, runs) = try filled()
    let (run, sequence) = place(position, runs)
    try scratch.execute("DELETE FROM event WHERE position = ?", [position])
    try expect(scratch, run, sequence, [.missing, .truncated])
  }

  @Test(arguments: 0..<13) func aDeletedEventWithTheGapClosed(position: Int) throws {
    let (scratch, runs) = try filled()
    let (run, sequence) = place(position, runs)
    try scratch.execute("DELETE FROM event WHERE position = ?", [position])
    try scratch.execute("UPDATE event SET position = -position WHERE position > ?", [position])
    try scratch.execute("UPDATE event SET position = -position - 1 WHERE position < 0")
    try scratch.execute("UPDATE log SET size = size - 1")
    try expect(scratch, run, sequence, [.missing, .truncated])
    try scratch.execute(
      "UPDATE event SET sequence = sequence - 1 WHERE sequence > ? AND run = ?", [sequence, position % 2 + 1])
    let bad = try #require(try firstBad(scratch))
    #expect((bad.run, bad.sequence) == (run, sequence))
  }

  @Test(arguments: 0..<14) func aDuplicatedEvent(position: Int) throws {
    let (scratch, runs) = try filled()
    let (run, sequence) = place(position, runs)
    try scratch.execute("DROP INDEX event_of_run")
    try scratch.execute("UPDATE event SET position = -position WHERE position > ?", [position])
    try scratch.execute("UPDATE event SET position = 1 - position WHERE position < 0")
    try scratch.execute(
      "INSERT INTO event SELECT position + 1, run, sequence, record, hash FROM event WHERE position = ?", [position])
    try scratch.execute("UPDATE log SET size = size + 1")
    let bad = try #require(try firstBad(scratch))
    #expect((bad.run, bad.sequence, bad.reason) == (run, sequence, .duplicated))
    #expect(bad.position == position + 1)
    let ofRun = try #require(try scratch.open().verify(run: run).firstBad)
    #expect((ofRun.sequence, ofRun.reason) == (sequence, .duplicated))
  }

  @Test(arguments: 0..<12) func twoEventsOfARunExchanged(position: Int) throws {
    let (scratch, runs) = try filled()
    let (run, sequence) = place(position, runs)
    // Rows trade places, once whole and once with their numbers left where they were.
    try scratch.execute("DROP INDEX event_of_run")
    try scratch.execute("UPDATE event SET position = -1 WHERE position = ?", [position])
    try scratch.execute("UPDATE event SET position = ? WHERE position = ?", [position, position + 2])
    try scratch.execute("UPDATE event SET position = ? WHERE position = -1", [position + 2])
    let bad = try #require(try firstBad(scratch))
    #expect((bad.run, bad.sequence, bad.reason) == (run, sequence, .reordered))
    try scratch.execute(
      "UPDATE event SET sequence = 2 * ? + 1 - sequence WHERE position IN (?, ?)", [sequence, position, position + 2])
    try expect(scratch, run, sequence, [.reordered])
  }

  @Test(arguments: 0..<13) func neighboursOfTwoRunsExchanged(position: Int) throws {
    let (scratch, runs) = try filled()
    try scratch.execute("UPDATE event SET position = -1 WHERE position = ?", [position])
    try scratch.execute("UPDATE event SET position = ? WHERE position = ?", [position, position + 1])
    try scratch.execute("UPDATE event SET position = ? WHERE position = -1", [position + 1])
    // Each run is still in order; the store's tree is not. A node is wrong once both are in.
    let bad = try #require(try firstBad(scratch))
    #expect(bad.reason == .tree || bad.reason == .content)
    #expect((position...position + 2).contains(bad.position), "\(bad)")
    #expect(try scratch.open().verify(run: runs[0]).firstBad?.reason != .altered)
  }

  @Test(arguments: 0..<14) func aTruncatedLog(position: Int) throws {
    let (scratch, runs) = try filled()
    let (run, sequence) = place(position, runs)
    try scratch.execute("DELETE FROM event WHERE position >= ?", [position])
    let bad = try #require(try firstBad(scratch))
    #expect(bad.reason == .truncated)
    #expect(bad.position == position)
    // The log's end alone made to fit: the run's end tells.
    let edge = try scratch.database().read { try CompactRange.read(size: position, from: $0) }
    try scratch.execute("DELETE FROM node WHERE (position + 1) << level > ?", [position])
    try scratch.execute(
      "UPDATE log SET size = ?, root = ?", [position, Blob.data(try #require(edge).root)])
    try scratch.execute("DELETE FROM content WHERE id >= ?", [position * 256])
    let second = try #require(try firstBad(scratch))
    #expect(second.reason == .truncated)
    #expect(runs.contains { $0 == second.run })
    #expect(try scratch.open().verify(run: run).firstBad?.sequence == sequence)
  }

  /// An event rewritten with a hash of its own: the next event, the run's end, or the tree remembers the old one.
  @Test(arguments: 0..<14) func aRewrittenEvent(position: Int) throws {
    let (scratch, runs) = try filled()
    let (run, sequence) = place(position, runs)
    let previous =
      sequence == 1 ? MerkleHash.zero : try scratch.open().events(of: run)[sequence - 2].hash
    let forged = EventRecord(
      run: run, sequence: sequence, wallTime: 1, monotonic: 1, bootID: "", kind: "step", fields: ["n": 99],
      content: [], previousHash: previous
    ).canonical
    try scratch.execute(
      "UPDATE event SET record = ?, hash = ? WHERE position = ?",
      [Blob.data(forged), Blob.data(MerkleHash.leaf(forged)), position])
    try scratch.execute("DELETE FROM content WHERE id = ?", [position * 256])
    let bad = try #require(try scratch.open().verify(run: run).firstBad)
    #expect((bad.sequence, bad.reason) == (sequence, .altered))
    let whole = try #require(try firstBad(scratch))
    #expect((position...position + 2).contains(whole.position), "\(whole)")
  }

  @Test func changedEndsNodesAndContents() throws {
    let changes: [(String, BadEvent.Reason)] = [
      ("UPDATE run SET head = zeroblob(32) WHERE number = 1", .altered),
      ("UPDATE run SET size = 8 WHERE number = 1", .truncated),
      ("UPDATE run SET size = 6 WHERE number = 1", .added),
      ("UPDATE run SET id = 'r-20260101-cccc0000' WHERE number = 1", .reordered),
      ("DELETE FROM run WHERE number = 1", .reordered),
      ("UPDATE log SET root = zeroblob(32)", .tree),
      ("UPDATE log SET size = 13", .added),
      ("UPDATE log SET size = 15", .truncated),
      ("DELETE FROM log", .tree),
      ("UPDATE node SET hash = zeroblob(32) WHERE level = 2 AND position = 1", .tree),
      ("DELETE FROM node WHERE level = 3", .tree),
      ("INSERT INTO node VALUES (1, 7, zeroblob(32))", .tree),
      ("UPDATE content SET bytes = x'ff' WHERE id = 5 * 256", .content),
      ("UPDATE content SET key = zeroblob(32) WHERE id = 5 * 256", .content),
      ("UPDATE content SET name = 'in' WHERE id = 5 * 256", .content),
      ("INSERT INTO content VALUES (5 * 256 + 1, 'more', zeroblob(32), x'00')", .content),
      ("UPDATE event SET run = 9 WHERE position = 4", .reordered),
      ("UPDATE event SET run = 2 WHERE position = 12", .reordered),
      ("UPDATE event SET sequence = 12 WHERE position = 12", .altered),
    ]
    for (sql, reason) in changes {
      let (scratch, _) = try filled()
      if sql.contains("SET run = 2") { try scratch.execute("DROP INDEX event_of_run") }
      try scratch.execute(sql)
      let report = try scratch.open().verify()
      #expect(report.firstBad?.reason == reason, "\(sql): \(String(describing: report.firstBad))")
    }
  }

  @Test func erasedContentIsNoDamage() throws {
    let (scratch, runs) = try filled()
    try scratch.execute("DELETE FROM content WHERE id % 2 = 0 AND id < 6 * 256")
    let store = try scratch.open()
    let report = try store.verify()
    #expect(report.isWhole)
    #expect(report.erased == 6)
    #expect(report.contents == 8)
    let event = try store.events(of: runs[0])[0]
    #expect(try store.content(of: event, "out") == nil)
    #expect(try store.verify(run: runs[0]).erased == 3)
  }

  @Test func changedContentIsNotHandedOut() throws {
    let (scratch, runs) = try filled()
    try scratch.execute("UPDATE content SET bytes = x'ff' WHERE id = 0")
    let store = try scratch.open()
    let event = try store.events(of: runs[0])[0]
    #expect(kind { _ = try store.content(of: event, "out") } == .damaged)
  }

  /// Any byte of the file: nothing crashes, and either it was not in use or somebody says so. All bytes take minutes; the
  /// variable asks for them, or for every nth.
  @Test func flippedBytesOfTheFile() throws {
    let (scratch, runs) = try filled()
    try scratch.open().resume(run: runs[0]).append("run.ended", [:], durable: true)
    try scratch.database().writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
    let events = try runs.map { try scratch.open().events(of: $0) }
    let original = try ByteFile.read("\(scratch.store)/record.db")
    var random = Seeded(3)
    let step = getenv("CODEAGENT_TEST_EVERY_BYTE").map { max(1, Int(String(cString: $0)) ?? 1) }
    let places =
      step.map { Array(stride(from: 0, to: original.count, by: $0)) }
      ?? (0..<150).map { _ in Int.random(in: 0..<original.count, using: &random) }
    var noticed = 0
    for index in places {
      var changed = original
      changed[index] ^= UInt8.random(in: 1...255, using: &random)
      try ByteFile.write(changed, "\(scratch.store)/record.db")
      do {
        let store = try AuditStore.openExisting(at: Array(scratch.store.utf8))
        if try !store.verify().isWhole {
          noticed += 1
        } else {
          // Nothing of what was recorded reads otherwise.
          #expect(try runs.map { try store.events(of: $0) } == events, "byte \(index)")
        }
      } catch let error as AuditError {
        noticed += 1
        #expect(!error.message.isEmpty)
      }
    }
    #expect(noticed > places.count / 20)
  }
}

/// Whole files.
enum ByteFile {
  static func read(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: .init(filePath: path))) }

  static func write(_ bytes: [UInt8], _ path: String) throws { try Data(bytes).write(to: .init(filePath: path)) }
}
