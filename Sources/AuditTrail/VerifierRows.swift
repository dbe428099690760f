import Crypto
import FoundationEssentials
import GRDB
import TransparencyLog

/// A row of `event`, hashed.
struct StoredEvent {
  let position: Int
  let run: Int64
  let sequence: Int
  let leaf: MerkleHash
  let storedHash: MerkleHash?
  /// What the bytes say; nil when they are not an event's.
  let record: EventRecord?

  init(_ row: Row) throws {
    position = try row.at(0)
    run = try row.at(1)
    sequence = try row.at(2)
    let (leaf, record) = try row.withUnsafeData(atIndex: 3) { data in
      (data ?? Data()).withUnsafeBytes { (MerkleHash.leaf($0), EventRecord(parsing: $0)) }
    }
    self.leaf = leaf
    self.record = record
    storedHash = try Blob.hash(row, 4)
  }

  func bad(_ reason: BadEvent.Reason, _ detail: String = "") -> BadEvent {
    BadEvent(
      run: record?.run, sequence: record?.sequence ?? sequence, position: position, reason: reason, detail: detail)
  }
}

/// The contents in the order of their events.
final class ContentCursor {
  private let rows: RowCursor
  private var next: Row?

  init(_ db: Database, run: Int64?) throws {
    rows =
      if let run {
        try Row.fetchCursor(
          db,
          sql: """
            SELECT content.id, content.name, content.key, content.bytes FROM event JOIN content
            ON content.id BETWEEN event.position * \(Schema.contentsPerEvent)
              AND event.position * \(Schema.contentsPerEvent) + \(Schema.contentsPerEvent - 1)
            WHERE event.run = ? ORDER BY event.sequence, content.id
            """, arguments: [run])
      } else {
        try Row.fetchCursor(db, sql: "SELECT id, name, key, bytes FROM content ORDER BY id")
      }
    next = try rows.next()
  }

  /// Compares an event's contents with what it says of them.
  func check(_ event: StoredEvent, _ report: inout VerificationReport) throws -> BadEvent? {
    let references = event.record?.content ?? []
    for (index, reference) in references.enumerated() {
      let id = ContentRow.id(position: event.position, index: index)
      if let row = next, (try row.at(0) as Int64) < id {
        return event.bad(.content, "there is content it does not know of")
      }
      guard let row = next, (try row.at(0) as Int64) == id else {
        report.erased += 1
        continue
      }
      let name: String = try row.at(1)
      let key: Data = try row.at(2)
      let commitment = try row.withUnsafeData(atIndex: 3) { data in
        (data ?? Data()).withUnsafeBytes { Commitment.of($0, key: SymmetricKey(data: key)) }
      }
      guard name == reference.name, commitment == reference.commitment else {
        return event.bad(.content, reference.name)
      }
      report.contents += 1
      next = try rows.next()
    }
    let behind = ContentRow.id(position: event.position, index: 0) + Schema.contentsPerEvent
    if let row = next, (try row.at(0) as Int64) < behind {
      return event.bad(.content, "there is content it does not know of")
    }
    return nil
  }
}

/// The stored inner nodes, one walk for each level: they are asked for in the order of each level.
final class NodeCursors {
  private let db: Database
  private let start: Int
  private var levels: [RowCursor] = []

  init(_ db: Database, from start: Int) {
    self.db = db
    self.start = start
  }

  func hash(of position: NodePosition) throws -> MerkleHash? {
    while levels.count < position.level {
      let level = levels.count + 1
      levels.append(
        try Row.fetchCursor(
          db, sql: "SELECT position, hash FROM node WHERE level = ? AND position >= ? ORDER BY position",
          arguments: [level, start >> level]))
    }
    guard let row = try levels[position.level - 1].next(), (try row.at(0) as Int) == position.index else { return nil }
    return try Blob.hash(row, 1)
  }
}
