public import Glibc

/// What a finished process left.
public struct ProcessResult: Sendable {
  /// The exit status, or 128 plus the signal that ended it.
  public var status: Int32
  /// Everything it wrote to standard output.
  public var stdout: [UInt8]
  /// Everything it wrote to standard error.
  public var stderr: [UInt8]
  /// True when it was killed because its time was up.
  public var timedOut: Bool

  /// Standard output as text.
  public var out: String { String(decoding: stdout, as: UTF8.self) }
  /// Standard error as text.
  public var err: String { String(decoding: stderr, as: UTF8.self) }
}

/// Runs a program to its end and collects what it wrote. Blocks the calling thread; see ``runningProcess(_:environment:cwd:input:timeout:)``
/// for code that must not.
///
/// The process gets a process group of its own, default signal actions and no descriptors but the standard three.
/// - Parameters:
///   - argv: the program, looked up in `PATH` when it holds no slash, and its arguments.
///   - environment: the whole environment; nil passes on this process's.
///   - cwd: where to start it; nil means here.
///   - input: what it reads from standard input; nil means `/dev/null`.
///   - timeout: seconds after which its process group is killed.
/// - Throws: ``POSIXFailure`` when it cannot be started.
public func runProcess(
  _ argv: [String], environment: [String: String]? = nil, cwd: String? = nil, input: [UInt8]? = nil,
  timeout: Double = 120
) throws -> ProcessResult {
  let running = try RunningProcess(argv, environment: environment, cwd: cwd, pipeInput: input != nil)
  return running.finish(input: input ?? [], timeout: timeout)
}

/// ``runProcess(_:environment:cwd:input:timeout:)`` on a thread of its own: the caller is suspended, not blocked.
public func runningProcess(
  _ argv: [String], environment: [String: String]? = nil, cwd: String? = nil, input: [UInt8]? = nil,
  timeout: Double = 120
) async throws -> ProcessResult {
  try await onOwnThread {
    try runProcess(argv, environment: environment, cwd: cwd, input: input, timeout: timeout)
  }
}

/// A child process of a test that runs while the test goes on: kill it, talk to it, wait for it.
public final class RunningProcess: Sendable {
  /// Its process id, which is its process group's as well.
  public let id: pid_t
  private let stdin: Int32?
  private let stdout: Int32
  private let stderr: Int32

  /// Starts a program; see ``runProcess(_:environment:cwd:input:timeout:)``. ``finish(input:timeout:)`` must be called
  /// once.
  public init(
    _ argv: [String], environment: [String: String]? = nil, cwd: String? = nil, pipeInput: Bool = false
  ) throws {
    guard let program = argv.first else { throw POSIXFailure("posix_spawn", "no program", code: EINVAL) }
    let out = try Pipe()
    let err = try Pipe()
    let input = pipeInput ? try Pipe() : nil

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let input {
      posix_spawn_file_actions_adddup2(&actions, input.reading, 0)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_adddup2(&actions, out.writing, 1)
    posix_spawn_file_actions_adddup2(&actions, err.writing, 2)
    _ = GNU.closeFrom(&actions, 3)
    if let cwd { _ = cwd.withCString { GNU.changeDirectory(&actions, $0) } }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

    var arguments: [UnsafeMutablePointer<CChar>?] = argv.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = (environment ?? [:]).map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer {
      for argument in arguments { free(argument) }
      for variable in variables { free(variable) }
    }
    var child: pid_t = 0
    let code = variables.withUnsafeMutableBufferPointer { buffer in
      posix_spawnp(
        &child, program, &actions, &attributes, &arguments, environment == nil ? environ : buffer.baseAddress)
    }
    close(out.writing)
    close(err.writing)
    if let input { close(input.reading) }
    id = child
    stdin = input?.writing
    stdout = out.reading
    stderr = err.reading
    if code != 0 {
      close(out.reading)
      close(err.reading)
      if let input { close(input.writing) }
      throw POSIXFailure("posix_spawn", program, code: code)
    }
  }

  /// Sends a signal to the process alone, or to its whole group.
  public func signal(_ number: Int32, group: Bool = false) { kill(group ? -id : id, number) }

  /// Feeds the input, collects the output and waits for the end; after `timeout` seconds the group is killed.
  public func finish(input: [UInt8] = [], timeout: Double = 120) -> ProcessResult {
    let deadline = monotonicSeconds() + timeout
    var timedOut = false
    var collected: [[UInt8]] = [[], []]
    var open: [Int32?] = [stdout, stderr]
    var feeding = stdin
    var fed = 0
    if let feeding { setNonBlocking(feeding) }
    var buffer = [UInt8](repeating: 0, count: 65536)
    while open[0] != nil || open[1] != nil {
      let left = deadline - monotonicSeconds()
      if left <= 0 {
        timedOut = true
        kill(-id, SIGKILL)
        break
      }
      if let descriptor = feeding, fed == input.count {
        close(descriptor)
        feeding = nil
      }
      var polled = [
        pollfd(fd: open[0] ?? -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: open[1] ?? -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: feeding ?? -1, events: Int16(POLLOUT), revents: 0),
      ]
      _ = poll(&polled, nfds_t(polled.count), Int32(min(left, 1) * 1000) + 1)
      for index in 0..<2 where polled[index].revents != 0 {
        guard let descriptor = open[index] else { continue }
        let count = read(descriptor, &buffer, buffer.count)
        if count > 0 {
          collected[index].append(contentsOf: buffer[..<count])
        } else if count == 0 || errno != EINTR {
          close(descriptor)
          open[index] = nil
        }
      }
      if let descriptor = feeding, polled[2].revents != 0 {
        let count = writeWithoutSignal(descriptor, input[fed...])
        if count > 0 { fed += count } else if count < 0, errno != EAGAIN, errno != EINTR { fed = input.count }
      }
    }
    for descriptor in open + [feeding] { if let descriptor { close(descriptor) } }
    var raw: Int32 = 0
    while true {
      let waited = waitpid(id, &raw, timedOut ? 0 : WNOHANG)
      if waited == id || waited < 0 && errno != EINTR { break }
      if monotonicSeconds() > deadline {
        timedOut = true
        kill(-id, SIGKILL)
      }
      usleep(1000)
    }
    let status = raw & 0x7f == 0 ? (raw >> 8) & 0xff : 128 + (raw & 0x7f)
    return ProcessResult(status: status, stdout: collected[0], stderr: collected[1], timedOut: timedOut)
  }
}

/// The path of an executable that the package builds, such as `codeagent`: it lies beside the test bundle.
public func builtProduct(_ name: String) -> String {
  var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
  let count = readlink("/proc/self/exe", &buffer, buffer.count)
  let bytes = buffer[..<max(0, count)].map { UInt8(bitPattern: $0) }
  let own = String(decoding: bytes, as: UTF8.self)
  return own[..<(own.lastIndex(of: "/") ?? own.startIndex)] + "/" + name
}

/// Where a program is on the `PATH`; nil where it is on none of its directories.
public func programOnPath(_ name: String) -> String? {
  (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":").map { "\($0)/\(name)" }
    .first { access($0, X_OK) == 0 }
}

/// The GNU functions that the `Glibc` module does not show, looked up by name.
private enum GNU {
  typealias Actions = UnsafeMutablePointer<posix_spawn_file_actions_t>

  static let pipe2 = look(
    "pipe2", as: (@convention(c) (UnsafeMutablePointer<Int32>, Int32) -> Int32).self)
  static let closeFrom = look(
    "posix_spawn_file_actions_addclosefrom_np", as: (@convention(c) (Actions, Int32) -> Int32).self)
  static let changeDirectory = look(
    "posix_spawn_file_actions_addchdir_np",
    as: (@convention(c) (Actions, UnsafePointer<CChar>) -> Int32).self)

  private static func look<Function>(_ name: String, as type: Function.Type) -> Function {
    guard let symbol = dlsym(nil, name) else { fatalError("this C library has no \(name)") }
    return unsafeBitCast(symbol, to: type)
  }
}

private struct Pipe {
  let reading: Int32
  let writing: Int32

  init() throws {
    var ends: [Int32] = [0, 0]
    guard GNU.pipe2(&ends, O_CLOEXEC) == 0 else { throw POSIXFailure("pipe2", "") }
    reading = ends[0]
    writing = ends[1]
  }
}

private func setNonBlocking(_ descriptor: Int32) {
  _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
}

/// Seconds of the monotonic clock.
func monotonicSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Writes to a pipe whose reader may be gone, with SIGPIPE blocked and taken in this thread alone: children of other
/// tests must not inherit an ignored SIGPIPE.
private func writeWithoutSignal(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) -> Int {
  var pipe = sigset_t()
  var before = sigset_t()
  sigemptyset(&pipe)
  sigaddset(&pipe, SIGPIPE)
  pthread_sigmask(SIG_BLOCK, &pipe, &before)
  let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
  let code = errno
  if count < 0, code == EPIPE {
    var now = timespec()
    sigtimedwait(&pipe, nil, &now)
  }
  pthread_sigmask(SIG_SETMASK, &before, nil)
  errno = code
  return count
}
