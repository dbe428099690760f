import CLinux
import Glibc
import Paths
import Synchronization

/// The right of one process to work with a storage directory, and of one ``RunStorage`` in it.
///
/// A POSIX record lock: unlike flock(2), it does not live on in a child that was forked and has not executed its program
/// yet. Such a lock says nothing within a process, and closing any descriptor of the file gives it up: so the process
/// keeps its own list, and looks there before it opens the file.
final class StorageLock: Sendable {
  private let file: Int32
  private let key: Key

  private struct Key: Hashable {
    var device: UInt64
    var inode: UInt64
  }

  private static let held = Mutex<Set<Key>>([])

  /// Locks a directory. What this process itself is about to let go of is waited for, a third of a second at most.
  /// - Throws: `locked`.
  init(_ directory: Descriptor, path: [UInt8]) throws(WorkspaceError) {
    let identity = try directory.status().identity
    key = Key(device: identity.device, inode: identity.inode)
    let refusal = WorkspaceError(
      .locked, "another process works with \(Quoting.quote(path))", hint: "wait for that run to end, or stop it")
    var waits = 0
    while !Self.held.withLock({ [key] in $0.insert(key).inserted }) {
      waits += 1
      guard waits < 100 else { throw refusal }
      usleep(3000)
    }
    do throws(WorkspaceError) {
      let number = withPath(Array("lock".utf8)) {
        openat(directory.number, $0, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      }
      guard number >= 0 else { throw .writing(path) }
      var lock = flock()
      lock.l_type = Int16(F_WRLCK)
      lock.l_whence = Int16(SEEK_SET)
      guard fcntl(number, F_SETLK, &lock) == 0 else {
        close(number)
        throw refusal
      }
      file = number
    } catch {
      Self.held.withLock { [key] in _ = $0.remove(key) }
      throw error
    }
  }

  deinit {
    // Closing gives the lock up, and must come before the list says that the file may be opened again.
    close(file)
    Self.held.withLock { [key] in _ = $0.remove(key) }
  }
}
