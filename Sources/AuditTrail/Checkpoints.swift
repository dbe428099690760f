import FoundationEssentials
import GRDB
import Synchronization
public import TransparencyLog

/// When and how the log is signed.
enum Checkpoints {
  /// Signed at the latest after this many events,
  static let eventInterval = 1000
  /// and after this much activity: nanoseconds.
  static let timeInterval: Int64 = 60_000_000_000

  /// Whether a checkpoint is due by number or time.
  static func isDue(_ db: Database, size: Int, since lastSigned: Int64?, now: Int64) throws -> Bool {
    if let lastSigned, now - lastSigned >= timeInterval { return true }
    let newest = try db.cachedStatement(sql: "SELECT max(size) FROM checkpoint")
    return size - (try Int.fetchOne(newest) ?? 0) >= eventInterval
  }

  /// Signs the log as it is now.
  @discardableResult
  static func sign(
    _ db: Database, _ edge: CompactRange, origin: String, key: NoteSigningKey
  ) throws -> SignedNote {
    let claim = Checkpoint(origin: origin, size: edge.size, root: edge.root)
    guard var note = SignedNote(text: claim.text) else {
      throw AuditError(.damaged, "the record has no usable name")
    }
    do {
      try note.sign(with: key)
    } catch {
      throw AuditError(.unwritable, "the record cannot be signed: \(error)")
    }
    try db.cachedStatement(sql: "INSERT OR REPLACE INTO checkpoint (size, time, note) VALUES (?, ?, ?)").execute(
      arguments: [edge.size, Clock.wallTime(), Blob.data(note.bytes)])
    return note
  }
}

/// A signed checkpoint as the record keeps it.
public struct StoredCheckpoint: Sendable, Hashable {
  /// The number of events that it signs.
  public let size: Int
  /// When it was made, in nanoseconds since 1970.
  public let time: Int64
  /// The signed note.
  public let note: SignedNote
}

extension AuditStore {
  /// The newest checkpoint; nil before the first.
  public func newestCheckpoint() throws(AuditError) -> StoredCheckpoint? {
    try checkpoints(where: "1 ORDER BY size DESC LIMIT 1", []).first
  }

  /// The smallest checkpoint that signs an event; nil when none does yet.
  public func checkpoint(covering event: Event) throws(AuditError) -> StoredCheckpoint? {
    try checkpoints(where: "size > ? ORDER BY size LIMIT 1", [event.position]).first
  }

  /// All checkpoints, the oldest first.
  public func checkpoints() throws(AuditError) -> [StoredCheckpoint] { try checkpoints(where: "1 ORDER BY size", []) }

  private func checkpoints(
    where condition: String, _ arguments: StatementArguments
  ) throws(AuditError) -> [StoredCheckpoint] {
    try read { db in
      try Row.fetchAll(db, sql: "SELECT size, time, note FROM checkpoint WHERE \(condition)", arguments: arguments)
        .compactMap { row in
          try SignedNote(parsing: [UInt8](row.at(2) as Blob.Data)).map {
            StoredCheckpoint(size: try row.at(0), time: try row.at(1), note: $0)
          }
        }
    }
  }

  /// Signs the log as it is now.
  /// - Returns: the checkpoint of all events; an existing one when nothing was added since.
  public func signCheckpoint() throws(AuditError) -> StoredCheckpoint {
    try prepareToWrite()
    guard let key = signingKey.withLock({ $0 }) else { throw AuditError(.unwritable, "there is no key to sign with") }
    try commit { [origin] db, edge in
      let newest = try Int.fetchOne(db, sql: "SELECT max(size) FROM checkpoint")
      if newest != edge.size { try Checkpoints.sign(db, edge, origin: origin, key: key) }
    }
    guard let made = try newestCheckpoint() else { throw AuditError(.damaged, "the record lost its checkpoint") }
    return made
  }
}
