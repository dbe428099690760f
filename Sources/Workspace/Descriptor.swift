import CLinux
import Glibc
import Paths

/// An open file or directory, closed when the last holder lets go of it.
final class Descriptor: Sendable {
  let number: Int32

  /// Takes over an open descriptor.
  init(owning number: Int32) { self.number = number }

  deinit { close(number) }

  /// Names a directory by an absolute host path, without opening it. Symbolic links in the path are followed.
  static func directory(_ path: [UInt8]) throws(WorkspaceError) -> Descriptor {
    let number = withPath(path) { Glibc.open($0, linux_o_path | O_DIRECTORY | O_CLOEXEC) }
    guard number >= 0 else { throw .reading(path) }
    return Descriptor(owning: number)
  }

  /// Names a directory in this one; nil when the name is missing, a symbolic link or no directory.
  func subdirectory(_ name: [UInt8]) -> Descriptor? {
    let number = withPath(name) { openat(self.number, $0, linux_o_path | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
    return number >= 0 ? Descriptor(owning: number) : nil
  }

  /// The status of a name in this directory, links not followed; nil when there is none.
  func status(_ name: [UInt8]) throws(WorkspaceError) -> FileStatus? {
    var status = stat()
    let result = withPath(name) { fstatat(number, $0, &status, AT_SYMLINK_NOFOLLOW) }
    if result == 0 { return FileStatus(status) }
    // A name too long for the filesystem is not there either.
    if errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG { return nil }
    throw .reading(name)
  }

  /// The status of what this descriptor names.
  func status() throws(WorkspaceError) -> FileStatus {
    var status = stat()
    guard fstat(number, &status) == 0 else { throw .reading([]) }
    return FileStatus(status)
  }

  /// The names in this directory, without `.` and `..`, in no order.
  func names(subject: [UInt8] = []) throws(WorkspaceError) -> [[UInt8]] {
    let number = linux_reopen(self.number, O_RDONLY | O_DIRECTORY)
    guard number >= 0 else { throw .reading(subject) }
    guard let stream = fdopendir(number) else {
      close(number)
      throw .reading(subject)
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while let entry = readdir(stream) {
      guard let start = entry.pointer(to: \.d_name) else { continue }
      let name = UnsafeRawPointer(start)
      let length = strlen(name.assumingMemoryBound(to: CChar.self))
      let bytes = [UInt8](UnsafeRawBufferPointer(start: name, count: length))
      if bytes != [0x2e] && bytes != [0x2e, 0x2e] { names.append(bytes) }
    }
    return names
  }

  /// Sets the permission bits of what this descriptor names; true on success.
  @discardableResult
  func changePermissions(_ permissions: UInt32) -> Bool {
    chmod("/proc/self/fd/\(number)", permissions) == 0
  }

  /// The value of an extended attribute, at most 16 bytes of it; nil when there is none.
  func attribute(_ name: String) -> [UInt8]? {
    var value = [UInt8](repeating: 0, count: 16)
    let length = linux_get_attribute(number, name, &value, value.count)
    return length >= 0 ? Array(value.prefix(length)) : nil
  }

  /// The target of a symbolic link in this directory.
  func linkTarget(_ name: [UInt8], subject: [UInt8]? = nil) throws(WorkspaceError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let length = withPath(name) { path in
      buffer.withUnsafeMutableBytes { bytes in
        guard let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return -1 }
        return readlinkat(number, path, start, bytes.count)
      }
    }
    guard length >= 0 else { throw .reading(subject ?? name) }
    return Array(buffer.prefix(length))
  }

  /// The bytes of a regular file in this directory. Nothing but a regular file is ever opened. A file of ours that its
  /// owner may not read (`unlocking`) is made readable for the moment.
  func contents(
    _ name: [UInt8], limit: Int, unlocking: Bool = false, subject: [UInt8]? = nil
  ) throws(WorkspaceError) -> [UInt8] {
    let file = try open(name, limit: limit, unlocking: unlocking, subject: subject)
    return try file.readToEnd(sizeHint: try file.status().size, limit: limit, subject: subject ?? name)
  }

  /// Opens a regular file in this directory for reading, and nothing else; see ``contents(_:limit:unlocking:subject:)``.
  func open(
    _ name: [UInt8], limit: Int = .max, unlocking: Bool = false, subject: [UInt8]? = nil
  ) throws(WorkspaceError) -> Descriptor {
    let subject = subject ?? name
    let named = withPath(name) { openat(number, $0, linux_o_path | O_NOFOLLOW | O_CLOEXEC) }
    guard named >= 0 else { throw .reading(subject) }
    let file = Descriptor(owning: named)
    let status = try file.status()
    guard status.kind == .regular else {
      throw WorkspaceError(.notAFile, "\(Quoting.quote(subject)) is a \(status.kind.rawValue), not a file")
    }
    guard status.size <= limit else {
      throw WorkspaceError(
        .tooLarge, "\(Quoting.quote(subject)) has \(status.size) bytes, more than the \(limit) that are read")
    }
    var opened = linux_reopen(named, O_RDONLY | O_NONBLOCK)
    if opened < 0, errno == EACCES, unlocking {
      file.changePermissions(status.permissions | 0o400)
      opened = linux_reopen(named, O_RDONLY | O_NONBLOCK)
      file.changePermissions(status.permissions)
    }
    guard opened >= 0 else { throw .reading(subject) }
    return Descriptor(owning: opened)
  }

  private func readToEnd(sizeHint: Int, limit: Int, subject: [UInt8]) throws(WorkspaceError) -> [UInt8] {
    var failure: WorkspaceError?
    var capacity = sizeHint + 1
    var bytes: [UInt8] = []
    while true {
      var count = 0
      let start = bytes.count
      let piece = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, initialized in
        while count < buffer.count {
          let got = Glibc.read(number, buffer.baseAddress.map { $0 + count }, buffer.count - count)
          if got < 0 && errno == EINTR { continue }
          if got < 0 { failure = .reading(subject) }
          if got <= 0 { break }
          count += got
        }
        initialized = count
      }
      if let failure { throw failure }
      if start == 0 { bytes = piece } else { bytes += piece }
      if bytes.count > limit {
        throw WorkspaceError(.tooLarge, "\(Quoting.quote(subject)) grew past the \(limit) bytes that are read")
      }
      if count < capacity { return bytes }
      capacity = 1 << 16
    }
  }

  /// Creates a new file in this directory and writes it whole. Fails when the name is taken.
  func create(
    _ name: [UInt8], _ bytes: [UInt8], permissions: UInt32, sync: Bool = false, subject: [UInt8]? = nil
  ) throws(WorkspaceError) {
    let subject = subject ?? name
    let number = withPath(name) {
      openat(self.number, $0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, permissions & 0o777)
    }
    guard number >= 0 else { throw .writing(subject) }
    let file = Descriptor(owning: number)
    try file.writeAll(bytes, subject: subject)
    // The process's umask may have taken bits away.
    guard fchmod(number, permissions) == 0 else { throw .writing(subject) }
    if sync, fsync(number) != 0 { throw .writing(subject) }
  }

  /// Returns when what this directory lists is on disk.
  func sync() throws(WorkspaceError) {
    let opened = linux_reopen(number, O_RDONLY | O_DIRECTORY)
    guard opened >= 0 else { throw .writing([]) }
    // Some filesystems cannot sync a directory and need not.
    if fsync(opened) != 0, errno == EIO || errno == ENOSPC || errno == EDQUOT {
      let code = errno
      close(opened)
      throw .writing([], code)
    }
    close(opened)
  }

  /// Returns when everything written to the filesystem of this directory is on disk.
  func syncFilesystem() throws(WorkspaceError) {
    let opened = linux_reopen(number, O_RDONLY | O_DIRECTORY)
    guard opened >= 0 else { throw .writing([]) }
    defer { close(opened) }
    guard linux_sync_filesystem(opened) == 0 else { throw .writing([]) }
  }

  /// Writes all bytes at an offset of the file.
  func writeAll(_ bytes: [UInt8], at offset: Int64, subject: [UInt8]) throws(WorkspaceError) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        pwrite(number, $0.baseAddress.map { $0 + written }, bytes.count - written, off_t(offset) + written)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .writing(subject, count == 0 ? ENOSPC : errno) }
      written += count
    }
  }

  /// Reads bytes at an offset of the file; fewer when it ends before.
  func read(at offset: Int64, count: Int, subject: [UInt8]) throws(WorkspaceError) -> [UInt8] {
    var failed = false
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      while initialized < count {
        let got = pread(
          number, buffer.baseAddress.map { $0 + initialized }, count - initialized, off_t(offset) + initialized)
        if got < 0 && errno == EINTR { continue }
        if got < 0 { failed = true }
        if got <= 0 { break }
        initialized += got
      }
    }
    if failed { throw .reading(subject) }
    return bytes
  }

  /// Writes all bytes at the descriptor's offset.
  func writeAll(_ bytes: [UInt8], subject: [UInt8]) throws(WorkspaceError) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { write(number, $0.baseAddress.map { $0 + written }, bytes.count - written) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .writing(subject, count == 0 ? ENOSPC : errno) }
      written += count
    }
  }

  /// Removes a name that is no directory; a missing one is fine.
  func unlink(_ name: [UInt8]) throws(WorkspaceError) {
    if withPath(name, { unlinkat(number, $0, 0) }) != 0 && errno != ENOENT { throw .writing(name) }
  }

  /// Makes a directory with exactly these permission bits; true when it is new.
  @discardableResult
  func makeDirectory(_ name: [UInt8], permissions: UInt32) throws(WorkspaceError) -> Bool {
    guard withPath(name, { mkdirat(number, $0, permissions) }) == 0 else {
      if errno == EEXIST { return false }
      throw .writing(name)
    }
    _ = withPath(name) { fchmodat(number, $0, permissions, 0) }
    return true
  }

  /// Gives a name in this directory to an owner; links not followed.
  func changeOwner(_ name: [UInt8], _ owner: UInt32, _ group: UInt32) throws(WorkspaceError) {
    guard withPath(name, { fchownat(number, $0, owner, group, AT_SYMLINK_NOFOLLOW) }) == 0 else {
      throw .writing(name)
    }
  }

}

/// Runs a body with a NUL-terminated copy of path bytes.
func withPath<Result>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: path.count + 1) { buffer in
    for index in path.indices { buffer[index] = CChar(bitPattern: path[index]) }
    buffer[path.count] = 0
    guard let start = buffer.baseAddress else { preconditionFailure("an allocation of at least one byte") }
    return body(start)
  }
}

extension Descriptor {
  /// Lets its owner enter and list a directory of ours that a command locked (`chmod 000`). Root needs no permission.
  func unlock(_ status: FileStatus) {
    if status.permissions & 0o700 != 0o700, geteuid() != 0 { changePermissions(status.permissions | 0o700) }
  }

  /// Removes a name and, when it is a directory, everything below it, however deep; links are not followed.
  ///
  /// What lies deeper than some levels is moved up next to the name first, instead of holding a descriptor a level.
  func removeTree(_ name: [UInt8]) throws(WorkspaceError) {
    var waiting = [name]
    var moved = 0
    while let next = waiting.popLast() { try removeTree(next, top: self, levels: 64, moved: &moved, waiting: &waiting) }
  }

  private func removeTree(
    _ name: [UInt8], top: Descriptor, levels: Int, moved: inout Int, waiting: inout [[UInt8]]
  ) throws(WorkspaceError) {
    if withPath(name, { unlinkat(number, $0, 0) }) == 0 || errno == ENOENT { return }
    guard errno == EISDIR || errno == EPERM else { throw .writing(name) }
    if withPath(name, { unlinkat(number, $0, AT_REMOVEDIR) }) == 0 || errno == ENOENT { return }
    guard errno == ENOTEMPTY || errno == EEXIST else { throw .writing(name) }
    guard let directory = subdirectory(name) else {
      // The sandbox may be tidying up behind the last command.
      if errno == ENOENT { return }
      throw .writing(name)
    }
    directory.unlock(try directory.status())
    for child in try directory.names(subject: name) {
      if levels > 0 {
        try directory.removeTree(child, top: top, levels: levels - 1, moved: &moved, waiting: &waiting)
      } else {
        let parked = Array(".codeagent-removed-\(moved)".utf8)
        moved += 1
        let result = withPath(child) { child in
          withPath(parked) { linux_rename(directory.number, child, top.number, $0) }
        }
        guard result == 0 else { throw .writing(name) }
        waiting.append(parked)
      }
    }
    guard withPath(name, { unlinkat(number, $0, AT_REMOVEDIR) }) == 0 || errno == ENOENT else { throw .writing(name) }
  }
}
