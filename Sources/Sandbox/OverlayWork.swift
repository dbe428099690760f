import Glibc
import Synchronization

/// Fresh scratch directories for the overlays of one command, below the directory that each of them names.
///
/// overlayfs wants to find its scratch directory empty, and removing what the last mount left costs more than all the rest of
/// set-up where the disk is told of every block that becomes free. So each command gets a new one, and the old ones are
/// removed when nobody waits for it.
final class OverlayWork {
  private var made: [[UInt8]] = []

  /// The command with its overlays' scratch directories replaced.
  func prepare(_ command: SandboxedCommand, id: Int) throws(SandboxError) -> SandboxedCommand {
    var command = command
    command.workspace = try fresh(command.workspace, id: id)
    command.extraMounts = try command.extraMounts.map { mount throws(SandboxError) in try fresh(mount, id: id) }
    return command
  }

  private func fresh(_ mount: WorkspaceMount, id: Int) throws(SandboxError) -> WorkspaceMount {
    guard case .overlay(let lowers, let upper, let work, let mountPoint) = mount else { return mount }
    Self.removeStale(work)
    let path = work + Array("/\(getpid())-\(id)-\(made.count)".utf8)
    // A process that had this one's id may have left one.
    if withCPath(path, { mkdir($0, 0o700) }) != 0 {
      guard errno == EEXIST else {
        throw SandboxError(.setUpFailed, "\(String(decoding: path, as: UTF8.self)) cannot be made: \(lastError())")
      }
      FileTree.remove(path)
      guard withCPath(path, { mkdir($0, 0o700) }) == 0 else {
        throw SandboxError(.setUpFailed, "\(String(decoding: path, as: UTF8.self)) cannot be made: \(lastError())")
      }
    }
    made.append(path)
    return .overlay(lowers: lowers, upper: upper, work: path, mountPoint: mountPoint)
  }

  deinit { BackgroundRemoval.shared.add(made) }

  private static let seen = Mutex<Set<[UInt8]>>([])

  /// Removes what processes that have ended left in a directory: once in this process's life.
  private static func removeStale(_ work: [UInt8]) {
    guard seen.withLock({ $0.insert(work).inserted }), let listing = withCPath(work, { opendir($0) }) else { return }
    defer { closedir(listing) }
    var stale: [[UInt8]] = []
    while let entry = readdir(listing) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      let parts = name.split(separator: UInt8(ascii: "-"))
      guard parts.count == 3, let process = pid_t(String(decoding: parts[0], as: UTF8.self)), process != getpid(),
        kill(process, 0) != 0, errno == ESRCH
      else { continue }
      stale.append(work + [UInt8(ascii: "/")] + name)
    }
    BackgroundRemoval.shared.add(stale)
  }
}

/// Removes directories on a thread of its own that lives as long as there is something to remove.
private final class BackgroundRemoval: Sendable {
  static let shared = BackgroundRemoval()

  private struct State {
    var waiting: [[UInt8]] = []
    var isRunning = false
  }

  private let state = Mutex(State())

  func add(_ paths: [[UInt8]]) {
    if paths.isEmpty { return }
    let starts = state.withLock { state in
      state.waiting += paths
      defer { state.isRunning = true }
      return !state.isRunning
    }
    guard starts else { return }
    var thread = pthread_t()
    let started = pthread_create(
      &thread, nil,
      { _ in
        BackgroundRemoval.shared.work()
        return nil
      }, nil)
    // Left for whoever removes the whole storage.
    if started == 0 { pthread_detach(thread) } else { state.withLock { $0.isRunning = false } }
  }

  private func work() {
    while let path = next() { FileTree.remove(path) }
  }

  private func next() -> [UInt8]? {
    state.withLock { state in
      if state.waiting.isEmpty {
        state.isRunning = false
        return nil
      }
      return state.waiting.removeFirst()
    }
  }
}

/// Trees of files that belong to nobody but the agent.
enum FileTree {
  /// Removes a directory and what is in it, as far as that is possible. Links are not followed; what is gone already is no
  /// matter.
  static func remove(_ path: [UInt8]) {
    remove(AT_FDCWD, path, depth: 0)
  }

  private static func remove(_ parent: Int32, _ name: [UInt8], depth: Int) {
    if withCPath(name, { unlinkat(parent, $0, 0) }) == 0 || errno == ENOENT { return }
    if withCPath(name, { unlinkat(parent, $0, AT_REMOVEDIR) }) == 0 || errno == ENOENT || depth > 32 { return }
    // What overlayfs makes is closed to its owner, too.
    _ = withCPath(name) { fchmodat(parent, $0, 0o700, 0) }
    let file = withCPath(name) { openat(parent, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
    guard file >= 0 else { return }
    guard let directory = fdopendir(file) else {
      close(file)
      return
    }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let child = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if child == [UInt8(ascii: ".")] || child == [UInt8(ascii: "."), UInt8(ascii: ".")] { continue }
      remove(file, child, depth: depth + 1)
    }
    _ = withCPath(name) { unlinkat(parent, $0, AT_REMOVEDIR) }
  }
}
