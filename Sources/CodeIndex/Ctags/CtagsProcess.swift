import CLinux
import Glibc

/// A ctags that waits for files: its interactive mode, in which it can open none itself (its own system call filter).
///
/// It has no environment, no options but ours, no descriptors but a socket and /dev/null, and little memory; it is killed
/// when it is let go.
final class CtagsProcess {
  /// What it said to a file.
  enum Answer {
    case tags([CtagsTag])
    /// It ended, took too long, or said what is no answer. It cannot be used any more.
    case broken(String)
  }

  /// How long it may take for a file.
  static let patience: Duration = .seconds(3)
  /// More definitions than these are not kept.
  private static let mostTags = 20_000
  private static let mostBytes = 64 << 20
  private static let cpuSeconds: UInt64 = 60
  private static let memory: UInt64 = 1 << 30
  /// How long a thread waits before it is given to others.
  private static let blocking: Int32 = 20

  private let id: pid_t
  private let socket: Int32
  /// What was read and is no whole line yet.
  private var rest: [UInt8] = []
  /// Files that it was given, and their bytes.
  private(set) var files = 0
  private(set) var bytes = 0

  /// Starts a program that may be Universal Ctags; nil with `errno` when that cannot be done.
  init?(_ path: String) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return nil }
    defer { close(ends[1]) }
    let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
    guard null >= 0 else {
      let reason = errno
      close(ends[0])
      errno = reason
      return nil
    }
    defer { close(null) }
    var words =
      ([path, "--options=NONE", "--_interactive=sandbox"] + CtagsLanguage.options).map {
        strdup($0)
      } + [nil]
    let child = linux_spawn_command(path, &words, [ends[1], ends[1], null], 3)
    let reason = errno
    for word in words { free(word) }
    guard child > 0 else {
      close(ends[0])
      errno = reason
      return nil
    }
    _ = linux_process_limit(child, Self.cpuSeconds, Self.memory)
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    id = child
    socket = ends[0]
  }

  deinit {
    close(socket)
    kill(id, SIGKILL)
    var status: Int32 = 0
    while waitpid(id, &status, 0) < 0, errno == EINTR {}
  }

  /// Whether the program says that it is Universal Ctags, in the mode that was asked for.
  func isUniversal() async -> Bool {
    var isUniversal = false
    _ = await exchange([], file: "") { reply in
      guard case .program(let name) = reply else { return false }
      isUniversal = name == "Universal Ctags"
      return true
    }
    return isUniversal
  }

  /// The definitions in a text.
  func tags(_ text: [UInt8], suffix: String) async -> Answer {
    files += 1
    bytes += text.count
    // A name of its own for each file tells late answers from those that are waited for.
    let name = "\(files).\(suffix)"
    var tags: [CtagsTag] = []
    var isFailed = false
    let request = #"{"command":"generate-tags","filename":"\#(name)","size":\#(text.count)}"# + "\n"
    let problem = await exchange(Array(request.utf8) + text, file: name) { reply in
      switch reply {
      case .tag(let tag):
        if tags.count < Self.mostTags { tags.append(tag) }
        return false
      case .failed:
        isFailed = true
        return true
      case .completed: return true
      case .program, .nothing: return false
      }
    }
    if let problem { return .broken(problem) }
    return isFailed ? .broken("it gave up") : .tags(tags)
  }

  /// Writes, and reads replies until one is the last; what went wrong, if anything.
  private func exchange(_ request: [UInt8], file: String, isLast: (CtagsReply) -> Bool) async
    -> String?
  {
    let clock = SuspendingClock()
    let end = clock.now + Self.patience
    var written = 0
    var total = 0
    var isSlow = false
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      if Task.isCancelled { return "cancelled" }
      var wait = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      if written < request.count { wait.events |= Int16(POLLOUT) }
      let ready = poll(&wait, 1, isSlow ? 0 : Self.blocking)
      if ready <= 0 {
        guard clock.now < end else { return "it took too long" }
        // A file that takes long must not keep a thread from others.
        if isSlow { try? await Task.sleep(for: .milliseconds(4)) }
        isSlow = true
        continue
      }
      if wait.revents & Int16(POLLOUT) != 0 {
        let count = request[written...].withUnsafeBytes {
          send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if count > 0 {
          written += count
        } else if errno != EAGAIN, errno != EINTR {
          return "it ended"
        }
      }
      guard wait.revents & ~Int16(POLLOUT) != 0 else { continue }
      let count = read(socket, &buffer, buffer.count)
      if count < 0, errno == EAGAIN || errno == EINTR { continue }
      guard count > 0 else { return "it ended" }
      total += count
      guard total <= Self.mostBytes else { return "it said too much" }
      var start = 0
      while let newline = buffer[start..<count].firstIndex(of: 0x0a) {
        let line = rest + buffer[start..<newline]
        rest = []
        start = newline + 1
        if line.isEmpty { continue }
        guard let reply = CtagsReply(line, file: file) else { return "it said what is no answer" }
        if isLast(reply) {
          return start == count && written == request.count ? nil : "it said more than was asked"
        }
      }
      rest += buffer[start..<count]
      guard rest.count <= CtagsReply.longest else { return "it said what is no answer" }
      guard clock.now < end else { return "it took too long" }
    }
  }
}
