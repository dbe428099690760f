import GRDB
import TransparencyLog

/// The tables of `record.db`, and how an older file becomes the present one.
///
/// `event` is the log: one leaf of the store's tree a row, by position. `node` holds the tree's complete inner nodes, so that
/// any old root and proof can be made without rehashing. `log` says how long the log is, and its root: a shortened
/// table does not fit it. `content` is the erasable part: what events only commit to. `checkpoint`, `signer` and `anchor` hold
/// what was signed, by which keys, and where else it is kept. `hold` names runs that must not be erased.
enum Schema {
  /// "CAgt".
  static let applicationID: Int32 = 0x4341_6774
  static let version: Int32 = 2

  /// The most contents of one event.
  static let contentsPerEvent: Int64 = 256

  /// Sets what holds per connection.
  static func configure(_ db: Database) throws {
    try db.execute(
      sql: """
        PRAGMA synchronous = FULL;
        PRAGMA secure_delete = ON;
        PRAGMA trusted_schema = OFF;
        PRAGMA journal_size_limit = 16777216;
        """)
    guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
      throw AuditError(.inputOutput, "SQLite does not promise to write durably")
    }
  }

  /// What a file holds.
  enum State {
    /// Nothing yet.
    case empty
    /// The tables of an older format.
    case older(Int32)
    /// The present tables.
    case present
  }

  /// Looks at a file.
  /// - Throws: ``AuditError`` for a newer one and for one of somebody else.
  static func state(of db: Database, place: String) throws -> State {
    let application = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
    let version = try Int32.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    if application == applicationID, version == self.version { return .present }
    if application == 0, version == 0, try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0 {
      return .empty
    }
    guard application == applicationID, version > 0 else { throw notARecord(place) }
    if version < self.version { return .older(version) }
    throw AuditError(
      .newerSchema,
      "the record in \(place) was written by a newer version (format \(version), this one knows \(self.version))",
      hint: "use that version, or set XDG_STATE_HOME to begin another record")
  }

  private static func notARecord(_ place: String) -> AuditError {
    AuditError(
      .notARecord, "\(place)/\(StoreDirectory.databaseName) is a database of something else",
      hint: "move it away, or set XDG_STATE_HOME to another directory")
  }

  /// Brings a file to the present format, inside of a transaction.
  static func prepare(_ db: Database, place: String) throws {
    switch try state(of: db, place: place) {
    case .present: return
    case .empty:
      try create(db)
      try migrateToVersion2(db)
    case .older: try migrateToVersion2(db)
    }
    try db.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version);")
  }

  /// Format 2 adds what was signed, and for each run whether it is the record's own, and how far its intents are closed.
  private static func migrateToVersion2(_ db: Database) throws {
    try db.execute(
      sql: """
        ALTER TABLE run ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE run ADD COLUMN closed INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE checkpoint (
          size INTEGER PRIMARY KEY,
          time INTEGER NOT NULL,
          note BLOB NOT NULL
        ) STRICT;
        CREATE TABLE signer (
          number INTEGER PRIMARY KEY,
          vkey TEXT NOT NULL UNIQUE,
          since INTEGER NOT NULL,
          rotation BLOB
        ) STRICT;
        CREATE TABLE anchor (
          number INTEGER PRIMARY KEY,
          size INTEGER NOT NULL,
          time INTEGER NOT NULL,
          kind TEXT NOT NULL,
          place TEXT NOT NULL,
          note BLOB NOT NULL
        ) STRICT;
        CREATE TABLE hold (
          run INTEGER PRIMARY KEY,
          time INTEGER NOT NULL,
          reason TEXT NOT NULL
        ) STRICT;
        """)
  }

  /// Creates the tables of format 1 in an empty file.
  private static func create(_ db: Database) throws {
    try db.execute(
      sql: """
        CREATE TABLE log (
          id INTEGER PRIMARY KEY CHECK (id = 1),
          name TEXT NOT NULL,
          size INTEGER NOT NULL,
          root BLOB NOT NULL,
          checked INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE run (
          number INTEGER PRIMARY KEY,
          id TEXT NOT NULL UNIQUE,
          size INTEGER NOT NULL,
          head BLOB NOT NULL,
          ended INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX run_open ON run (number) WHERE ended = 0;
        CREATE TABLE event (
          position INTEGER PRIMARY KEY,
          run INTEGER NOT NULL,
          sequence INTEGER NOT NULL,
          record BLOB NOT NULL,
          hash BLOB NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX event_of_run ON event (run, sequence);
        CREATE TABLE node (
          level INTEGER NOT NULL,
          position INTEGER NOT NULL,
          hash BLOB NOT NULL,
          PRIMARY KEY (level, position)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE content (
          id INTEGER PRIMARY KEY,
          name TEXT NOT NULL,
          key BLOB NOT NULL,
          bytes BLOB NOT NULL
        ) STRICT;
        """)
    var random = SystemRandomNumberGenerator()
    let digits = String(random.next() as UInt64, radix: 16)
    try db.execute(
      sql: "INSERT INTO log (id, name, size, root, checked) VALUES (1, ?, 0, ?, 0)",
      arguments: [String(repeating: "0", count: 16 - digits.count) + digits, Blob.data(.emptyRoot)])
  }
}
