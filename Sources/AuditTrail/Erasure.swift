import FoundationEssentials
import GRDB
import JSON
import TransparencyLog

/// What is to be erased. What is given must all hold; at least one must be given.
public struct ErasureRequest: Sendable, Hashable {
  /// Only of this run.
  public var run: RunID?
  /// Only what mentions this path, in its text form: in what events say, or in the content itself.
  public var path: String?
  /// Only what was recorded before this time, in nanoseconds since 1970.
  public var before: Int64?
  /// Why what is younger than the time of retention is erased all the same; nil to keep that.
  public var overrideReason: String?

  /// A request.
  public init(run: RunID? = nil, path: String? = nil, before: Int64? = nil, overrideReason: String? = nil) {
    self.run = run
    self.path = path
    self.before = before
    self.overrideReason = overrideReason
  }
}

/// What became of a request.
public struct ErasureResult: Sendable, Hashable {
  /// How many contents are gone.
  public var erased = 0
  /// How many bytes they had.
  public var bytes = 0
  /// How many events lost content.
  public var events = 0
  /// How many contents were kept because they are too young.
  public var retained = 0
  /// How many were kept because their run is on hold.
  public var held = 0
  /// The runs that lost content.
  public var runs: [RunID] = []
}

/// A run that must not be erased.
public struct LegalHold: Sendable, Hashable {
  /// The run.
  public let run: RunID
  /// Since when, in nanoseconds since 1970.
  public let time: Int64
  /// Why.
  public let reason: String
}

extension AuditStore {
  /// How long content is kept at least, by default: 183 days, in nanoseconds.
  public static let defaultRetention: Int64 = 183 * 86_400 * 1_000_000_000

  /// Erases content and its key: nobody can read it any more, nor find out by guessing what it was. The events stay, all
  /// proofs hold, and that it was done is recorded. Runs on hold and runs that are being written are left alone.
  /// - Parameters:
  ///   - retention: how long content is kept at least, in nanoseconds.
  ///   - now: the time, in nanoseconds since 1970; nil for the clock's.
  ///   - by: who asked for it, as the record names users.
  public func erase(
    _ request: ErasureRequest, by user: String, retention: Int64 = defaultRetention, now: Int64? = nil
  ) throws(AuditError) -> ErasureResult {
    guard request.run != nil || request.path != nil || request.before != nil else {
      throw AuditError(.unknown, "nothing is said of what to erase", hint: "name a run, a path or an age")
    }
    try prepareToWrite()
    let now = now ?? Clock.wallTime()
    let youngest = request.overrideReason == nil ? now - retention : now
    let number = try request.run.map { (run) throws(AuditError) in try self.number(of: run) }
    let (selection, result) = try read { db in
      try Self.select(request, number: number, youngest: youngest, isLocked: directory.isLocked, db)
    }
    guard result.erased > 0 else { return result }
    // First the word, then the deed: an erasure that was cut off is visible, and can be asked for again.
    try noteOfRecord(
      "record.erasure",
      [
        "by": .string(user), "run": JSONValue(request.run?.text), "path": JSONValue(request.path),
        "before": JSONValue(request.before.map { String($0) }), "override": JSONValue(request.overrideReason),
        "contents": JSONValue(result.erased), "bytes": JSONValue(result.bytes), "events": JSONValue(result.events),
        "runs": .array(result.runs.prefix(200).map { .string($0.text) }),
      ])
    try commit { db, _ in
      let delete = try db.cachedStatement(sql: "DELETE FROM content WHERE id = ?")
      for id in selection { try delete.execute(arguments: [id]) }
    }
    // The pages are overwritten already (`secure_delete`); what the write-ahead log still holds of them goes, too.
    database.writeWithoutTransaction { db in _ = try? db.checkpoint(.truncate) }
    return result
  }

  private static func select(
    _ request: ErasureRequest, number: Int64?, youngest: Int64, isLocked: (Int64) -> Bool, _ db: Database
  ) throws -> ([Int64], ErasureResult) {
    var result = ErasureResult()
    var selection: [Int64] = []
    let held = Set(try Int64.fetchAll(db, sql: "SELECT run FROM hold"))
    var locked: [Int64: Bool] = [:]
    let path = request.path.map { Array($0.utf8) }
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT position, run, record FROM event
        WHERE (:run IS NULL OR run = :run) AND EXISTS (
          SELECT 1 FROM content WHERE id BETWEEN position * \(Schema.contentsPerEvent)
            AND position * \(Schema.contentsPerEvent) + \(Schema.contentsPerEvent - 1))
        ORDER BY position
        """, arguments: ["run": number])
    while let row = try rows.next() {
      let position: Int = try row.at(0)
      let run: Int64 = try row.at(1)
      guard
        let record = try row.withUnsafeData(atIndex: 2, { $0?.withUnsafeBytes { EventRecord(parsing: $0) } }) ?? nil
      else { continue }
      if let before = request.before, record.wallTime >= before { continue }
      let mentions = try path.map { path in
        try row.withUnsafeData(atIndex: 2) { data in data?.withUnsafeBytes { contains($0, path) } ?? false }
      }
      let contents = try Row.fetchAll(
        db, sql: "SELECT id, length(bytes), bytes FROM content WHERE id BETWEEN ? AND ?",
        arguments: [
          ContentRow.id(position: position, index: 0),
          ContentRow.id(position: position, index: 0) + Schema.contentsPerEvent - 1,
        ])
      var isTouched = false
      for content in contents {
        if let path, mentions != true,
          try !content.withUnsafeData(atIndex: 2, { $0?.withUnsafeBytes { contains($0, path) } ?? false })
        {
          continue
        }
        if locked[run] == nil { locked[run] = isLocked(run) }
        if held.contains(run) || locked[run] == true {
          result.held += 1
        } else if record.wallTime > youngest {
          result.retained += 1
        } else {
          selection.append(content[0])
          result.erased += 1
          result.bytes += content[1] as Int
          isTouched = true
        }
      }
      if isTouched {
        result.events += 1
        if result.runs.last != record.run, !result.runs.contains(record.run) { result.runs.append(record.run) }
      }
    }
    return (selection, result)
  }

  private static func contains(_ bytes: UnsafeRawBufferPointer, _ text: [UInt8]) -> Bool {
    guard let first = text.first, bytes.count >= text.count else { return false }
    for index in 0...(bytes.count - text.count) where bytes[index] == first {
      if bytes[index..<index + text.count].elementsEqual(text) { return true }
    }
    return false
  }

  // MARK: Holds

  /// Puts a run on hold: nothing of it is erased until it is released.
  public func hold(_ run: RunID, reason: String, by user: String) throws(AuditError) {
    try prepareToWrite()
    let number = try number(of: run)
    try noteOfRecord("record.hold", ["run": .string(run.text), "reason": .string(reason), "by": .string(user)])
    try commit { db, _ in
      try db.execute(
        sql: "INSERT OR REPLACE INTO hold (run, time, reason) VALUES (?, ?, ?)",
        arguments: [number, Clock.wallTime(), reason])
    }
  }

  /// Ends a run's hold.
  public func release(_ run: RunID, reason: String, by user: String) throws(AuditError) {
    try prepareToWrite()
    let number = try number(of: run)
    try noteOfRecord("record.release", ["run": .string(run.text), "reason": .string(reason), "by": .string(user)])
    try commit { db, _ in try db.execute(sql: "DELETE FROM hold WHERE run = ?", arguments: [number]) }
  }

  /// The runs on hold.
  public func holds() throws(AuditError) -> [LegalHold] {
    try read { db in
      try Row.fetchAll(
        db, sql: "SELECT run.id, hold.time, hold.reason FROM hold JOIN run ON run.number = hold.run ORDER BY run.number"
      ).compactMap { row in try RunID(row.at(0)).map { LegalHold(run: $0, time: try row.at(1), reason: try row.at(2)) }
      }
    }
  }
}
