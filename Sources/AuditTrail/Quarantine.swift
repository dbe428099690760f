import GRDB
import Glibc
import JSON
public import TransparencyLog

/// A damaged store that was put away.
public struct Quarantine: Sendable, Hashable {
  /// The directory, below the record's, that holds it now.
  public let directory: String
  /// What was wrong with it.
  public let reason: String
  /// Its last checkpoint that still fits; nil when none does.
  public let lastGood: SignedNote?
  /// How many events that one signs.
  public let lastGoodSize: Int
}

extension AuditStore {
  /// Opens the record for writing. One that is damaged is put away as it is, and a new one begins in its place, linked to
  /// the last good checkpoint of the old one by its first event.
  /// - Throws: ``AuditError``; of kind `damaged` when a living process still writes to the damaged one.
  public static func openReplacingDamage(
    at path: [UInt8], options: Options = Options()
  ) throws(AuditError) -> (store: AuditStore, quarantine: Quarantine?) {
    let damage: AuditError
    do throws(AuditError) {
      let store = try open(at: path, options: options)
      try store.prepareToWrite()
      return (store, nil)
    } catch {
      guard error.kind == .damaged else { throw error }
      damage = error
    }
    let (lastGood, size, origin) = lastGoodCheckpoint(at: path, options)
    let place = try StoreDirectory(path, ballast: options.ballast, creating: true)
    guard !place.isAnyRunLocked() else { throw damage }
    let name = try place.putAway()
    let store = try open(at: path, options: options)
    try store.prepareToWrite()
    try store.noteOfRecord(
      "record.quarantine",
      [
        "directory": .string(name), "reason": .string(damage.message), "origin": .string(origin ?? ""),
        "lastGoodSize": .init(size), "lastGood": .init(lastGood.map { String(decoding: $0.bytes, as: UTF8.self) }),
      ])
    return (
      store, Quarantine(directory: name, reason: damage.message, lastGood: lastGood, lastGoodSize: size)
    )
  }

  /// The longest checkpoint of a damaged store that its events still fit.
  private static func lastGoodCheckpoint(at path: [UInt8], _ options: Options) -> (SignedNote?, Int, String?) {
    guard let store = try? openExisting(at: path, options: options) else { return (nil, 0, nil) }
    guard let report = try? store.verify(), let newest = report.newestCheckpoint,
      let stored = try? store.checkpoints().first(where: { $0.size == newest.size })
    else { return (nil, 0, store.origin) }
    return (stored.note, newest.size, store.origin)
  }
}

extension StoreDirectory {
  /// Whether any run is being written.
  func isAnyRunLocked() -> Bool { isLocked(from: 0, count: 0) }

  /// Moves the database and its companions into a new directory below this one.
  /// - Returns: the directory's name.
  func putAway() throws(AuditError) -> String {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let target = "damaged-\(time.tv_sec)-\(UInt16.random(in: 0...UInt16.max))"
    guard mkdirat(descriptor, target, 0o700) == 0 else { throw .system(errno, "put away", name) }
    // The log first: without its database it is nothing, while a database must never meet another's log.
    for suffix in ["-wal", "-shm", ""] {
      let file = StoreDirectory.databaseName + suffix
      if renameat(descriptor, file, descriptor, "\(target)/\(file)") != 0, errno != ENOENT {
        throw .system(errno, "put away", name)
      }
    }
    try sync()
    return target
  }
}
