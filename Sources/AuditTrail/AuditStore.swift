import GRDB
import Synchronization
public import TransparencyLog

/// The record of all runs: one SQLite file, `record.db`, in a directory that only its user can read.
///
/// Write-ahead logging, `synchronous = FULL`: what an append has acknowledged as durable survives a power cut. Several
/// processes may write several runs at a time; each run has one writer. Every event is a leaf of one RFC 6962 tree over
/// the whole store, and a link of its run's own chain.
public final class AuditStore: Sendable {
  /// What can be set when opening a store.
  public struct Options: Sendable {
    /// How long to wait, in seconds, for another process to finish writing; then the append fails.
    public var busyTimeout: Double
    /// Bytes of disk kept aside for a run's last event.
    public var ballast: Int
    /// What signs checkpoints; nil for the key in the record's directory, made at its first use.
    public var key: NoteSigningKey?

    /// The usual: five seconds, 4 MiB.
    public init(busyTimeout: Double = 5, ballast: Int = 4 << 20, key: NoteSigningKey? = nil) {
      self.busyTimeout = busyTimeout
      self.ballast = ballast
      self.key = key
    }
  }

  /// What the writers of one process share.
  struct Writing {
    /// The tree's right edge as of this process's last append.
    var edge = CompactRange()
    /// When this process last signed a checkpoint, or else first wrote: nanoseconds since boot.
    var lastSigned: Int64?
  }

  /// The log's name in its checkpoints: unique, and without meaning.
  public let origin: String

  let directory: StoreDirectory
  let database: DatabaseQueue
  let options: Options
  /// Held while writing, so that writers of one process queue.
  let writing = Mutex(Writing())
  /// What several runs have waiting for the writer.
  let queue = CommitQueue()
  /// What signs checkpoints, once it is loaded.
  let signingKey: Mutex<NoteSigningKey?>

  /// Opens the record in a directory, and creates it when it is missing.
  /// - Parameter directory: its path, as bytes.
  /// - Throws: ``AuditError`` when it cannot be written, is newer, damaged, or not a record.
  public static func open(at directory: [UInt8], options: Options = Options()) throws(AuditError) -> AuditStore {
    try AuditStore(directory, options, creating: true)
  }

  /// Opens the record in a directory to read it; nothing is created.
  /// - Throws: ``AuditError``, of kind `unknown` when there is none.
  public static func openExisting(at directory: [UInt8], options: Options = Options()) throws(AuditError) -> AuditStore
  {
    try AuditStore(directory, options, creating: false)
  }

  private init(_ path: [UInt8], _ options: Options, creating: Bool) throws(AuditError) {
    let directory = try StoreDirectory(path, ballast: options.ballast, creating: creating)
    var configuration = Configuration()
    configuration.busyMode = .timeout(options.busyTimeout)
    configuration.foreignKeysEnabled = false
    configuration.label = "record"
    let place = directory.name
    do {
      let database = try DatabaseQueue(path: directory.databasePath, configuration: configuration)
      let name = try database.inDatabase { db in
        let state = try Schema.state(of: db, place: place)
        if case .present = state, try String.fetchOne(db, sql: "PRAGMA journal_mode") == "wal" {
          try Schema.configure(db)
        } else {
          try Self.switchToWriteAheadLog(db, place)
          try Schema.configure(db)
          try db.inTransaction(.immediate) {
            // Another process may have been faster: it is looked at again.
            try Schema.prepare(db, place: place)
            return .commit
          }
          try directory.sync()
        }
        return try String.fetchOne(db, sql: "SELECT name FROM log WHERE id = 1") ?? ""
      }
      self.directory = directory
      self.database = database
      self.options = options
      signingKey = Mutex(nil)
      origin = "codeagent/\(name)"
    } catch {
      throw AuditError(error, at: place, doing: "opened")
    }
    if creating { try directory.loadBallast() }
  }

  /// The journal mode stays with the file. SQLite does not wait for others here, so several first starts at once would trip.
  private static func switchToWriteAheadLog(_ db: Database, _ place: String) throws {
    for attempt in 0... {
      do {
        let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL")
        guard mode == "wal" else {
          throw AuditError(
            .unwritable, "the record in \(place) cannot be kept there: no write-ahead log on that file system",
            hint: "set XDG_STATE_HOME to a directory on a local disk")
        }
        return
      } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY && attempt < 100 {
        Clock.sleep(milliseconds: 20)
      }
    }
  }

  // MARK: Writing runs

  /// Begins to write a run. Its first durable append creates it.
  /// - Throws: ``AuditError``; of kind `damaged` when an earlier run stopped uncleanly and what it left does not verify.
  public func begin(run: RunID) throws(AuditError) -> RunLog {
    try prepareToWrite()
    try closeOpenIntents()
    return RunLog(store: self, run: run)
  }

  /// Goes on writing a run: one that was interrupted, or one that has ended and is delivered later.
  /// - Throws: ``AuditError``; of kind `runIsLive` when a living process is writing it.
  public func resume(run: RunID) throws(AuditError) -> RunLog {
    try prepareToWrite()
    return try resumeWithoutCheck(run)
  }

  /// Nothing is written before the record is known to be good and can be signed.
  func prepareToWrite() throws(AuditError) {
    try checkAfterUncleanStop()
    try prepareKey()
  }

  func resumeWithoutCheck(_ run: RunID) throws(AuditError) -> RunLog {
    let number = try number(of: run)
    guard let lock = try directory.lock(run: number) else {
      throw AuditError(
        .runIsLive, "\(run) is being written by another process", hint: "wait until it ends, or stop that process")
    }
    // Only now is nobody else moving the end.
    let end = try read { db in
      try Row.fetchOne(db, sql: "SELECT size, head FROM run WHERE number = ?", arguments: [number]).flatMap { row in
        try Blob.hash(row, 1).map { (size: try row.at(0) as Int, head: $0) }
      }
    }
    guard let end else { throw AuditError(.damaged, "the record in \(directory.name) lost the end of \(run)") }
    return RunLog(store: self, run: run, number: number, size: end.size, head: end.head, lock: lock)
  }

  /// The version of SQLite that keeps records: `3.40.1`.
  public static var engineVersion: String {
    (try? DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") }) ?? ""
  }

  /// Whether a living process is writing a run.
  public func isLive(_ run: RunID) throws(AuditError) -> Bool { directory.isLocked(run: try number(of: run)) }

  /// Writes something other than events of runs, in one durable transaction.
  func commit<Result: Sendable>(
    _ body: (Database, inout CompactRange) throws -> Result
  ) throws(AuditError) -> Result {
    let key = signingKey.withLock { $0 }
    return try writing.withLock { writing throws(AuditError) in
      do {
        var next = writing
        let result = try transaction(&next, key, endsRun: false, body)
        writing = next
        return result
      } catch {
        throw AuditError(error, at: directory.name, doing: "written")
      }
    }
  }

  /// One durable transaction on the tree as it is now, with the checkpoint that is due by it.
  /// - Parameter endsRun: whether a checkpoint is due in any case.
  func transaction<Result>(
    _ next: inout Writing, _ key: NoteSigningKey?, endsRun: Bool,
    _ body: (Database, inout CompactRange) throws -> Result
  ) throws -> Result {
    let now = Clock.monotonic()
    return try database.write { db in
      try next.edge.catchUp(with: db)
      let before = next.edge.size
      let result = try body(db, &next.edge)
      if let key, next.edge.size > before {
        let isDue = try endsRun || Checkpoints.isDue(db, size: next.edge.size, since: next.lastSigned, now: now)
        if isDue { try Checkpoints.sign(db, next.edge, origin: origin, key: key) }
        if isDue || next.lastSigned == nil { next.lastSigned = now }
      }
      return result
    }
  }

  // MARK: Reading

  func read<Result>(_ body: (Database) throws -> Result) throws(AuditError) -> Result {
    do {
      return try database.read(body)
    } catch {
      throw AuditError(error, at: directory.name, doing: "read")
    }
  }

  func number(of run: RunID) throws(AuditError) -> Int64 {
    let number = try read { try Int64.fetchOne($0, sql: "SELECT number FROM run WHERE id = ?", arguments: [run.text]) }
    guard let number else {
      throw AuditError(.unknown, "there is no run \(run) in \(directory.name)", hint: "codeagent runs list")
    }
    return number
  }
}

extension CompactRange {
  /// Takes over what other processes have appended: the peaks are read back, O(log n) rows.
  mutating func catchUp(with db: Database) throws {
    let stored = try db.cachedStatement(sql: "SELECT size FROM log WHERE id = 1")
    guard let size = try Int.fetchOne(stored) else {
      throw AuditError(.damaged, "the record does not say how long it is")
    }
    if size == self.size { return }
    guard let read = try CompactRange.read(size: size, from: db) else {
      throw AuditError(
        .damaged, "the record's tree is not complete", hint: "look at it with `codeagent audit verify`")
    }
    self = read
  }

  /// The edge of the tree at an old size; nil when a node is missing.
  static func read(size: Int, from db: Database) throws -> CompactRange? {
    var peaks: [MerkleHash] = []
    for position in peakPositions(ofSize: size) {
      guard let hash = try TreeRows.node(position, db) else { return nil }
      peaks.append(hash)
    }
    return CompactRange(size: size, peaks: peaks)
  }
}

/// The stored tree: leaves are the events' hashes, inner nodes have a table.
enum TreeRows {
  static func node(_ position: NodePosition, _ db: Database) throws -> MerkleHash? {
    let row =
      position.level == 0
      ? try Row.fetchOne(
        db.cachedStatement(sql: "SELECT hash FROM event WHERE position = ?"), arguments: [position.index])
      : try Row.fetchOne(
        db.cachedStatement(sql: "SELECT hash FROM node WHERE level = ? AND position = ?"),
        arguments: [position.level, position.index])
    return try row.flatMap { try Blob.hash($0, 0) }
  }
}
