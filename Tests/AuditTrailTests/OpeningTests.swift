import GRDB
import Glibc
import JSON
import Testing

@testable import AuditTrail

@Suite struct OpeningTests {
  @Test func aMissingRecordIsCreatedOnlyForWriting() throws {
    let scratch = try Scratch()
    #expect(kind { _ = try AuditStore.openExisting(at: Array(scratch.store.utf8)) } == .unknown)
    #expect(scratch.mode("") == nil)
    _ = try scratch.open()
    let store = try AuditStore.openExisting(at: Array(scratch.store.utf8))
    #expect(try store.runs(limit: 1).isEmpty)
    #expect(try store.verify().isWhole)
    #expect(try store.head().size == 0)
  }

  @Test func aNewerFormatIsRefused() throws {
    let scratch = try Scratch()
    _ = try scratch.open()
    try scratch.execute("PRAGMA user_version = 3")
    #expect(kind { _ = try scratch.open() } == .newerSchema)
    try scratch.execute("PRAGMA user_version = 2")
    _ = try scratch.open()
  }

  /// A record as the first version wrote it, with one run.
  @Test func anOlderFormatIsBroughtUpToDate() throws {
    let scratch = try Scratch()
    mkdir(scratch.store, 0o700)
    let file = "\(#filePath)".split(separator: "/").dropLast().joined(separator: "/")
    try scratch.execute(
      String(decoding: try ByteFile.read("/\(file)/Golden/record-v1.sql"), as: UTF8.self))
    let store = try scratch.open()
    let summary = try #require(try store.runs(limit: 5).first)
    #expect(summary.eventCount == 17)
    #expect(summary.status == .ended)
    let report = try store.verify()
    #expect(report.isWhole, "\(String(describing: report.firstBad))")
    #expect((report.count, report.contents, report.checkpoints) == (17, 10, 0))
    #expect(try store.events(of: summary.run).count == 17)
    // It goes on as one of the present format.
    let log = try store.begin(run: .new())
    try log.append("run.ended", [:], durable: true)
    #expect(try store.newestCheckpoint()?.size == 18)
    #expect(try scratch.open().verify().checkpoints == 1)
  }

  @Test func databasesOfOthersAreRefused() throws {
    let scratch = try Scratch()
    mkdir(scratch.store, 0o700)
    try scratch.execute("CREATE TABLE other (x)")
    #expect(kind { _ = try scratch.open() } == .notARecord)
    try scratch.execute("PRAGMA application_id = 77")
    #expect(kind { _ = try scratch.open() } == .notARecord)
    #expect(try scratch.database().read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "delete")
  }

  @Test func filesThatAreNoDatabaseAreRefused() throws {
    let scratch = try Scratch()
    mkdir(scratch.store, 0o700)
    let file = fopen("\(scratch.store)/record.db", "w")
    for _ in 0..<1000 { fputs("this is not a database\n", file) }
    fclose(file)
    #expect(kind { _ = try scratch.open() } == .damaged)
    unlink("\(scratch.store)/record.db")
    symlink("/etc/passwd", "\(scratch.store)/record.db")
    #expect(kind { _ = try scratch.open() } == .notARecord)
    unlink("\(scratch.store)/record.db")
    mkdir("\(scratch.store)/record.db", 0o700)
    #expect(kind { _ = try scratch.open() } == .notARecord)
    rmdir("\(scratch.store)/record.db")
  }

  @Test func placesThatCannotHoldARecord() throws {
    let scratch = try Scratch()
    close(Glibc.open(scratch.store, O_CREAT | O_WRONLY, 0o600))
    #expect(kind { _ = try scratch.open() } == .unwritable)
    #expect(kind { _ = try AuditStore.open(at: Array("\(scratch.store)/below".utf8)) } == .unwritable)
    #expect(kind { _ = try AuditStore.open(at: []) } == .unwritable)
    #expect(kind { _ = try AuditStore.open(at: [0x2f, 0]) } == .unwritable)
    #expect(kind { _ = try AuditStore.open(at: Array("/proc/no-such-place".utf8)) } != nil)
    unlink(scratch.store)
  }

  @Test func directoriesAreMadeAllTheWay() throws {
    let scratch = try Scratch()
    let place = "\(scratch.path)/a/b"
    let store = try AuditStore.open(at: Array(place.utf8), options: .init(ballast: 0))
    try store.begin(run: .new()).append("run.started", [:], durable: true)
    var status = stat()
    #expect(stat("\(scratch.path)/a", &status) == 0)
    #expect(status.st_mode & 0o777 == 0o700)
    for name in ["record.db", "record.db-wal", "record.db-shm", "runs.lock", "ballast", "checkpoint.key"] {
      unlink("\(place)/\(name)")
    }
    rmdir(place)
  }

  @Test func directoriesWhoseNamesAreNotText() throws {
    let scratch = try Scratch()
    let place = Array(scratch.path.utf8) + [0x2f, 0xff, 0xfe]
    let run = RunID.new()
    try AuditStore.open(at: place, options: .init(ballast: 0)).begin(run: run).append(
      "run.started", [:], durable: true)
    #expect(try AuditStore.open(at: place, options: .init(ballast: 0)).events(of: run).count == 1)
    let directory = place.map { CChar(bitPattern: $0) }
    for name in ["record.db", "record.db-wal", "record.db-shm", "runs.lock", "ballast", "checkpoint.key"] {
      unlink(directory + "/\(name)".utf8CString)
    }
    rmdir(directory + [0])
  }

  @Test func loosePermissionsAreTightened() throws {
    let scratch = try Scratch()
    _ = try scratch.open()
    chmod("\(scratch.store)/record.db", 0o666)
    _ = try scratch.open()
    #expect(scratch.mode("record.db") == 0o600)
  }

  @Test func manyFirstStartsAtOnce() async throws {
    let scratch = try Scratch()
    try await withThrowingTaskGroup { group in
      for _ in 0..<12 {
        group.addTask { try scratch.open().begin(run: .new()).append("run.started", [:], durable: true) }
      }
      try await group.waitForAll()
    }
    let report = try scratch.open().verify()
    #expect(report.isWhole)
    #expect(report.count == 12)
  }

  @Test func aCutOffRunIsCheckedBeforeTheNext() throws {
    let scratch = try Scratch()
    let first = RunID.new()
    try scratch.open().begin(run: first).append("run.started", [:], durable: true)
    _ = try scratch.open().begin(run: .new())
    #expect(try scratch.database().read { try Int.fetchOne($0, sql: "SELECT checked FROM log") } == 1)
    try scratch.open().resume(run: first).append("step", [:], durable: true)
    try scratch.execute("UPDATE event SET record = x'00' WHERE sequence = 2")
    #expect(kind { _ = try scratch.open().begin(run: .new()) } == .damaged)
    #expect(kind { _ = try scratch.open().resume(run: first) } == .damaged)
    // It can still be looked at.
    #expect(try scratch.open().verify().firstBad?.sequence == 2)
  }
}
