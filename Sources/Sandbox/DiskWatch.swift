import Glibc

/// Watches what a command adds to the upper directories of its overlays: bytes and files.
///
/// Measuring a directory costs a walk, so that is done only when its file system has lost as much as the command may use:
/// until then the command cannot have used it.
struct DiskWatch {
  /// Seconds between two looks.
  static let interval = 0.25

  private struct Use {
    var bytes: Int
    var files: Int
  }

  private let uppers: [(path: [UInt8], freeAtStart: Use)]
  private let limit: Use

  /// Watches the writable trees of a command; nil when there is none to watch.
  init?(_ command: SandboxedCommand) {
    limit = Use(bytes: command.limits.diskBytes, files: command.limits.diskFiles)
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
      guard let free = Self.free(upper.path) else { return false }
      let lost = Use(bytes: upper.freeAtStart.bytes - free.bytes, files: upper.freeAtStart.files - free.files)
      guard isOver(lost) else { return false }
      var used = Use(bytes: 0, files: 0)
      measure(AT_FDCWD, upper.path, depth: 0, &used)
      return isOver(used)
    }
  }

  private func isOver(_ use: Use) -> Bool { use.bytes > limit.bytes || use.files > limit.files }

  private static func free(_ path: [UInt8]) -> Use? {
    var status = statvfs()
    guard withCPath(path, { statvfs($0, &status) }) == 0 else { return nil }
    return Use(bytes: Int(status.f_bfree) * Int(status.f_frsize), files: Int(status.f_ffree))
  }

  /// Adds up a tree until it is over the limit. What cannot be measured, because it is too deep or closed, counts as too
  /// much: the space is gone, after all.
  private func measure(_ parent: Int32, _ name: [UInt8], depth: Int, _ used: inout Use) {
    let file = withCPath(name) { openat(parent, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
    guard file >= 0, depth < 200, let directory = fdopendir(file) else {
      if errno != ENOENT { used.bytes = limit.bytes + 1 }
      if file >= 0 { close(file) }
      return
    }
    defer { closedir(directory) }
    while !isOver(used), let entry = readdir(directory) {
      let isDirectory = entry.pointee.d_type == UInt8(DT_DIR)
      let child = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if child == [UInt8(ascii: ".")] || child == [UInt8(ascii: "."), UInt8(ascii: ".")] { continue }
      used.files += 1
      if isDirectory {
        measure(file, child, depth: depth + 1, &used)
      } else {
        var status = stat()
        if withCPath(child, { fstatat(file, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 {
          used.bytes += Int(status.st_blocks) * 512
        }
      }
    }
  }
}
