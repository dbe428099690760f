import GRDB
import TransparencyLog

/// Some consecutive events of one run, on their way into the database.
struct EventBatch: Sendable {
  let run: RunID
  /// The run's row; nil when these are its first events.
  let number: Int64?
  /// How many events of the run are in the database already.
  let writtenSize: Int
  let events: [PendingEvent]
  /// False when the disk has no room for more than the events themselves.
  let withContent: Bool
  /// Whether the run is one of the record's own.
  let isOfRecord: Bool

  /// Writes the events as leaves, and moves the ends of run and log, all in the transaction at hand.
  /// - Returns: the run's row.
  func write(to db: Database, edge: inout CompactRange) throws -> Int64 {
    let number = try number ?? insertRun(db)
    let event = try db.cachedStatement(
      sql: "INSERT INTO event (position, run, sequence, record, hash) VALUES (?, ?, ?, ?, ?)")
    let node = try db.cachedStatement(sql: "INSERT INTO node (level, position, hash) VALUES (?, ?, ?)")
    let content = try db.cachedStatement(sql: "INSERT INTO content (id, name, key, bytes) VALUES (?, ?, ?, ?)")
    for pending in events {
      let position = edge.size
      try event.execute(arguments: [
        position, number, pending.sequence, Blob.data(pending.record), Blob.data(pending.hash),
      ])
      for completed in edge.append(pending.hash) {
        try node.execute(arguments: [
          completed.position.level, completed.position.index, Blob.data(completed.hash),
        ])
      }
      guard withContent else { continue }
      for (index, item) in pending.content.enumerated() {
        try content.execute(arguments: [
          ContentRow.id(position: position, index: index), item.name, Blob.data(item.key), Blob.data(item.bytes),
        ])
      }
    }
    guard let last = events.last else { return number }
    let mark = events.last { $0.mark != nil }?.mark
    let end = try db.cachedStatement(
      sql: "UPDATE run SET size = ?, head = ?, ended = coalesce(?, ended) WHERE number = ? AND size = ?")
    try end.execute(arguments: [
      last.sequence, Blob.data(last.hash), mark.map { $0 == .ended ? 1 : 0 }, number, writtenSize,
    ])
    guard db.changesCount == 1 else {
      throw AuditError(
        .damaged, "\(run) is not as this process left it: somebody else wrote to its record",
        hint: "look at it with `codeagent audit verify`")
    }
    try db.cachedStatement(sql: "UPDATE log SET size = ?, root = ? WHERE id = 1").execute(arguments: [
      edge.size, Blob.data(edge.root),
    ])
    return number
  }

  /// Takes the new run's lock.
  func lock(_ number: Int64, _ directory: StoreDirectory) throws(AuditError) -> RunLock? {
    guard let lock = try directory.lock(run: number) else {
      throw AuditError(.runIsLive, "\(run) is being written by another process")
    }
    return lock
  }

  private func insertRun(_ db: Database) throws -> Int64 {
    let exists = try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM run WHERE id = ?)", arguments: [run.text])
    guard exists == false else {
      throw AuditError(.runIsLive, "there is already a run \(run) in the record", hint: "resume it instead")
    }
    try db.execute(
      sql: "INSERT INTO run (id, size, head, ended, kind) VALUES (?, 0, ?, 0, ?)",
      arguments: [run.text, Blob.data(MerkleHash.zero), isOfRecord ? 1 : 0])
    return db.lastInsertedRowID
  }
}

/// Where a piece of content lies.
enum ContentRow {
  static func id(position: Int, index: Int) -> Int64 { Int64(position) * Schema.contentsPerEvent + Int64(index) }
}
