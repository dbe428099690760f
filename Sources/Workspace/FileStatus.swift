import CLinux
import Glibc

/// What a name in a directory stands for.
public enum FileKind: String, Sendable, Hashable {
  /// A regular file.
  case regular
  /// A directory.
  case directory
  /// A symbolic link.
  case symlink
  /// A named pipe.
  case fifo
  /// A unix socket.
  case socket
  /// A character or block device.
  case device

  init(mode: mode_t) {
    switch mode & S_IFMT {
    case S_IFREG: self = .regular
    case S_IFDIR: self = .directory
    case S_IFLNK: self = .symlink
    case S_IFIFO: self = .fifo
    case S_IFSOCK: self = .socket
    default: self = .device
    }
  }
}

/// The result of `lstat`, as values.
struct FileStatus: Sendable, Hashable {
  var kind: FileKind
  /// Permission bits, set-id and sticky bits included.
  var permissions: UInt32
  var owner: UInt32
  var group: UInt32
  var size: Int
  var identity: FileIdentity
  /// True for overlayfs's mark of a deleted name: a character device 0/0.
  var isWhiteout: Bool

  init(_ status: stat) {
    kind = FileKind(mode: status.st_mode)
    permissions = status.st_mode & 0o7777
    owner = status.st_uid
    group = status.st_gid
    size = Int(status.st_size)
    identity = FileIdentity(
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
      modified: nanoseconds(status.st_mtim), changed: nanoseconds(status.st_ctim))
    isWhiteout = status.st_mode & S_IFMT == S_IFCHR && status.st_rdev == 0
  }

  /// True when the owner may execute it.
  var isExecutable: Bool { permissions & 0o100 != 0 }
}

/// What tells one state of a file from another without reading it.
struct FileIdentity: Sendable, Hashable {
  var device: UInt64
  var inode: UInt64
  var size: Int64
  /// Nanoseconds since 1970.
  var modified: Int64
  /// Nanoseconds since 1970.
  var changed: Int64
}

func nanoseconds(_ time: timespec) -> Int64 { Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) }

/// The wall clock, in nanoseconds since 1970.
func wallClock() -> Int64 {
  var now = timespec()
  clock_gettime(CLOCK_REALTIME, &now)
  return nanoseconds(now)
}
