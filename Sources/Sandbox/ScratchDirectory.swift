import Glibc

/// A directory of one command's own, with `home` and `tmp` in it, where there can be no private file systems.
final class ScratchDirectory {
  let path: [UInt8]

  /// Makes it for a user; nil when that is not possible.
  init?(owner: (uid: UInt32, gid: UInt32)?) {
    var template = Array("/var/tmp/codeagent-run.XXXXXX".utf8CString)
    guard template.withUnsafeMutableBufferPointer({ $0.baseAddress.flatMap { mkdtemp($0) } }) != nil else { return nil }
    path = template.dropLast().map { UInt8(bitPattern: $0) }
    for name in ["/home", "/tmp"] {
      let place = path + Array(name.utf8)
      _ = withCPath(place) { mkdir($0, 0o700) }
      if let owner { _ = withCPath(place) { lchown($0, owner.uid, owner.gid) } }
    }
    if let owner { _ = withCPath(path) { lchown($0, owner.uid, owner.gid) } }
  }

  deinit { Self.remove(AT_FDCWD, path, levels: 300) }

  /// Removes a tree without following links. What a command has locked away from its own user is opened first.
  private static func remove(_ parent: Int32, _ name: [UInt8], levels: Int) {
    _ = withCPath(name) { fchmodat(parent, $0, 0o700, AT_SYMLINK_NOFOLLOW) }
    let file = withCPath(name) { openat(parent, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
    guard levels > 0, file >= 0, let directory = fdopendir(file) else {
      if file >= 0 { close(file) }
      _ = withCPath(name) { unlinkat(parent, $0, 0) }
      return
    }
    while let entry = readdir(directory) {
      let child = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if child == [0x2e] || child == [0x2e, 0x2e] { continue }
      if entry.pointee.d_type == UInt8(DT_DIR) {
        remove(file, child, levels: levels - 1)
      } else {
        _ = withCPath(child) { unlinkat(file, $0, 0) }
      }
    }
    closedir(directory)
    _ = withCPath(name) { unlinkat(parent, $0, AT_REMOVEDIR) }
  }
}
