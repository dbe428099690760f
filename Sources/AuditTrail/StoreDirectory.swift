import Glibc

/// The directory of a record and the files beside the database: `runs.lock`, on which a run's writer holds one byte, and
/// `ballast`, room that is given up for the last event when the disk is full.
final class StoreDirectory: Sendable {
  /// The directory as text for messages, control bytes replaced.
  let name: String
  /// What SQLite opens.
  let databasePath: String
  let descriptor: Int32
  private let lockDescriptor: Int32
  private let ballast: Int

  static let databaseName = "record.db"

  /// Opens the directory, and creates it and its files where they are missing.
  /// - Parameter ballast: bytes kept for the last event.
  init(_ path: [UInt8], ballast: Int, creating: Bool) throws(AuditError) {
    let name = String(decoding: path.map { $0 < 0x20 || $0 == 0x7f ? 0x3f : $0 }, as: UTF8.self)
    guard !path.contains(0), !path.isEmpty else {
      throw AuditError(.unwritable, "the record's directory has no usable name")
    }
    if creating { try StoreDirectory.create(path, name) }
    let descriptor = open(Self.cString(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT, !creating { throw AuditError(.unknown, "there is no record in \(name) yet") }
      throw .system(errno, "opened", name)
    }
    self.name = name
    self.descriptor = descriptor
    self.ballast = ballast
    // SQLite takes text. A directory whose name is none is reached through its descriptor, which stays open.
    let text = String(validating: path, as: UTF8.self) ?? "/proc/self/fd/\(descriptor)"
    databasePath = "\(text)/\(StoreDirectory.databaseName)"
    do throws(AuditError) {
      try StoreDirectory.checkDatabase(descriptor, name, creating: creating)
      let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (creating ? O_CREAT : 0)
      lockDescriptor = openat(descriptor, "runs.lock", flags, 0o600)
      guard lockDescriptor >= 0 || !creating else { throw .system(errno, "locked", name) }
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit {
    if lockDescriptor >= 0 { close(lockDescriptor) }
    close(descriptor)
  }

  /// Makes new directory entries durable.
  func sync() throws(AuditError) {
    guard fsync(descriptor) == 0 else { throw .system(errno, "written", name) }
  }

  // MARK: Room for the last event

  /// Makes sure that the ballast is there: no room for the last event, no run.
  func loadBallast() throws(AuditError) {
    var status = stat()
    if fstatat(descriptor, "ballast", &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_size == ballast,
      Int(status.st_blocks) * 512 >= ballast
    {
      return
    }
    let file = openat(descriptor, "ballast", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw .system(errno, "prepared", name) }
    defer { close(file) }
    guard ftruncate(file, off_t(ballast)) == 0 else { throw .system(errno, "prepared", name) }
    let code = ballast == 0 ? 0 : posix_fallocate(file, 0, off_t(ballast))
    guard code == 0 else {
      ftruncate(file, 0)
      throw .system(code, "prepared", name)
    }
  }

  /// Gives the room up.
  func dropBallast() { unlinkat(descriptor, "ballast", 0) }

  // MARK: Who writes a run

  /// Takes the lock of a run; nil when a living process has it. It ends with the process, however that ends.
  func lock(run number: Int64) throws(AuditError) -> RunLock? {
    // A descriptor of its own: such locks belong to the open file, so that two writers in one process exclude each other.
    let file = openat(descriptor, "runs.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw .system(errno, "locked", name) }
    var region = Self.region(number)
    guard fcntl(file, Self.setLock, &region) == 0 else {
      let code = errno
      close(file)
      if code == EAGAIN || code == EACCES { return nil }
      throw .system(code, "locked", name)
    }
    return RunLock(descriptor: file)
  }

  /// Whether some writer has the lock of a run.
  func isLocked(run number: Int64) -> Bool { isLocked(from: number, count: 1) }

  /// Whether some writer has the lock of one of some runs; a count of 0 means all that follow.
  func isLocked(from number: Int64, count: Int64) -> Bool {
    guard lockDescriptor >= 0 else { return false }
    var region = Self.region(number)
    region.l_len = off_t(count)
    // Where the question cannot be asked, the answer that keeps a second writer away.
    guard fcntl(lockDescriptor, Self.getLock, &region) == 0 else { return true }
    return Int32(region.l_type) != F_UNLCK
  }

  /// One byte for each run: open-file-description locks of fcntl(2).
  private static func region(_ number: Int64) -> Glibc.flock {
    var region = Glibc.flock()
    region.l_type = Int16(F_WRLCK)
    region.l_whence = Int16(SEEK_SET)
    region.l_start = off_t(number)
    region.l_len = 1
    return region
  }

  private static let getLock: Int32 = 36
  private static let setLock: Int32 = 37

  // MARK: Files

  /// Creates the directory and those above it, readable for nobody else.
  private static func create(_ path: [UInt8], _ name: String) throws(AuditError) {
    var status = stat()
    if stat(cString(path), &status) == 0 { return }
    var end = 0
    while end < path.count {
      end = path[(end + 1)...].firstIndex(of: UInt8(ascii: "/")) ?? path.count
      let part = Array(path[..<end])
      guard mkdir(cString(part), 0o700) == 0 else {
        if errno == EEXIST || (errno == EROFS || errno == EACCES) && stat(cString(part), &status) == 0 { continue }
        throw .system(errno, "created", name)
      }
      let above = open(cString(part + Array("/..".utf8)), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard above >= 0 else { continue }
      defer { close(above) }
      guard fsync(above) == 0 else { throw .system(errno, "created", name) }
    }
  }

  /// The database must be a regular file of ours that nobody else can read.
  ///
  /// It is not opened when it exists: closing any descriptor of it would drop the locks that SQLite holds in this process.
  private static func checkDatabase(_ directory: Int32, _ name: String, creating: Bool) throws(AuditError) {
    var status = stat()
    guard fstatat(directory, databaseName, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      guard errno == ENOENT else { throw .system(errno, "opened", name) }
      guard creating else { throw AuditError(.unknown, "there is no record in \(name) yet") }
      let file = openat(directory, databaseName, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard file >= 0 || errno == EEXIST else { throw .system(errno, "created", name) }
      if file >= 0 { close(file) }
      return
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw AuditError(
        .notARecord, "\(name)/\(databaseName) is not a regular file", hint: "move it away, or set XDG_STATE_HOME")
    }
    guard status.st_uid == geteuid() || geteuid() == 0 else {
      throw AuditError(
        .unwritable, "\(name)/\(databaseName) belongs to another user",
        hint: "set XDG_STATE_HOME to a directory of yours")
    }
    if status.st_mode & 0o077 != 0 { fchmodat(directory, databaseName, 0o600, 0) }
  }

  private static func cString(_ path: [UInt8]) -> [CChar] { path.map { CChar(bitPattern: $0) } + [0] }
}

/// The lock of one run, held until this is released.
final class RunLock: Sendable {
  private let descriptor: Int32

  init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }
}
