import Glibc

/// Watches what a command adds to the upper directories of its overlays.
///
/// Measuring a directory costs a walk, so that is done only when its file system has lost as much space as the command may
/// use: until then the command cannot have used it.
struct DiskWatch {
  /// Seconds between two looks.
  static let interval = 0.25

  private let uppers: [(path: [UInt8], freeAtStart: Int)]
  private let limit: Int

  /// Watches the writable trees of a command; nil when there is none to watch.
  init?(_ command: SandboxedCommand) {
    limit = command.limits.diskBytes
    uppers = ([command.workspace] + command.extraMounts).compactMap { mount in
      let path: [UInt8]
      switch mount {
      case .overlay(_, let upper, _, _): path = upper
      case .copy(let directory, _): path = directory
      }
      return Self.free(path).map { (path, $0) }
    }
    if uppers.isEmpty { return nil }
  }

  /// Whether more was written than the command may.
  func isOver() -> Bool {
    uppers.contains { upper in
      guard let free = Self.free(upper.path), upper.freeAtStart - free > limit else { return false }
      var used = 0
      measure(AT_FDCWD, upper.path, &used)
      return used > limit
    }
  }

  private static func free(_ path: [UInt8]) -> Int? {
    var status = statvfs()
    return withCPath(path) { statvfs($0, &status) } == 0 ? Int(status.f_bfree) * Int(status.f_frsize) : nil
  }

  /// Adds up the blocks of a tree until they are more than the limit.
  private func measure(_ parent: Int32, _ name: [UInt8], _ used: inout Int) {
    let file = withCPath(name) { openat(parent, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
    guard file >= 0, let directory = fdopendir(file) else { return }
    defer { closedir(directory) }
    while used <= limit, let entry = readdir(directory) {
      let isDirectory = entry.pointee.d_type == UInt8(DT_DIR)
      let child = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if child == [UInt8(ascii: ".")] || child == [UInt8(ascii: "."), UInt8(ascii: ".")] { continue }
      if isDirectory {
        measure(file, child, &used)
      } else {
        var status = stat()
        if withCPath(child, { fstatat(file, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 {
          used += Int(status.st_blocks) * 512
        }
      }
    }
  }
}
