import GRDB
import Glibc
import Testing

@testable import AuditTrail

/// A directory for one test, removed with it.
final class Scratch: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/audit-trail-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw ScratchError() }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in [
      "record.db", "record.db-wal", "record.db-shm", "runs.lock", "ballast", "acknowledged", "checkpoint.key",
    ] {
      unlink("\(store)/\(name)")
      unlink("\(path)/\(name)")
    }
    rmdir(store)
    rmdir("\(path)/a")
    rmdir(path)
  }

  struct ScratchError: Error {}

  /// Where the store lies.
  var store: String { "\(path)/store" }

  func open(_ options: AuditStore.Options = .init(ballast: 4096)) throws -> AuditStore {
    try AuditStore.open(at: Array(store.utf8), options: options)
  }

  /// Opens the database behind the store's back, to do what the store never would.
  func database() throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    return try DatabaseQueue(path: "\(store)/record.db", configuration: configuration)
  }

  func execute(_ sql: String, _ arguments: StatementArguments = StatementArguments()) throws {
    try database().write { try $0.execute(sql: sql, arguments: arguments) }
  }

  /// The files' permission bits.
  func mode(_ name: String) -> mode_t? {
    var status = stat()
    guard stat(name.isEmpty ? store : "\(store)/\(name)", &status) == 0 else { return nil }
    return status.st_mode & 0o777
  }
}

/// What an error of the record was; nil when nothing was thrown.
func kind(_ body: () throws -> Void) -> AuditError.Kind? {
  do {
    try body()
    return nil
  } catch let error as AuditError {
    #expect(!error.message.isEmpty)
    return error.kind
  } catch {
    Issue.record("\(error)")
    return nil
  }
}
