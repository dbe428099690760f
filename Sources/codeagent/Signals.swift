import Glibc
import Synchronization

/// SIGINT, SIGTERM and SIGHUP stop the work in order; the second one at once.
///
/// The handler only writes the number to a pipe; a thread reads it. Handlers, unlike ignored signals, are not inherited
/// by the programs that are started.
enum Signals {
  private static let state = Mutex(State())
  /// The pipe's writing end. Set once before handlers exist; read by handlers, which may not take locks.
  private static let pipeEnd = Atomic<Int32>(-1)

  private struct State {
    var received: Int32?
    var stop: (@Sendable () -> Void)?
  }

  /// The first signal that came, if any.
  static var received: Int32? { state.withLock(\.received) }

  /// Called, once, when a signal comes; at once when one has come already.
  static func onStop(_ stop: @escaping @Sendable () -> Void) {
    let hasCome = state.withLock { state in
      state.stop = stop
      return state.received != nil
    }
    if hasCome { stop() }
  }

  /// What some work gives; a signal cancels it.
  /// - Throws: what the work throws; the signal's ``ExitStatus`` when it was cancelled.
  static func stoppable<Value: Sendable>(
    _ work: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let task = Task { try await work() }
    onStop { task.cancel() }
    do { return try await task.value } catch {
      if error is CancellationError { throw ExitStatus(code: 128 + (received ?? SIGTERM)) }
      throw error
    }
  }

  /// Installs the handlers and the reading thread.
  static func install() {
    // Closed standard streams would become those of the first files that are opened.
    for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 {
      _ = open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY)
    }
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    pipeEnd.store(ends[1], ordering: .releasing)
    let readEnd = ends[0]
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number) { number in
        var byte = UInt8(truncatingIfNeeded: number)
        _ = write(Signals.pipeEnd.load(ordering: .acquiring), &byte, 1)
      }
    }
    signal(SIGPIPE, SIG_IGN)
    var thread = pthread_t()
    let argument = UnsafeMutableRawPointer(bitPattern: Int(readEnd) + 1)
    pthread_create(
      &thread, nil,
      { argument in
        let descriptor = Int32(Int(bitPattern: argument) - 1)
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) == 1 { Signals.take(Int32(byte)) }
        return nil
      }, argument)
  }

  private static func take(_ number: Int32) {
    let (isSecond, stop) = state.withLock { state in
      let isSecond = state.received != nil
      if !isSecond { state.received = number }
      return (isSecond, state.stop)
    }
    if isSecond || stop == nil { _exit(128 + number) }
    stop?()
  }
}
