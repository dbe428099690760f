import CLibcurl
import Glibc
import Synchronization

/// The one thread that touches libcurl. Others leave commands in its inbox and wake it.
final class TransferThread: Sendable {
  enum Command: Sendable {
    /// Load libcurl now.
    case prepare
    case start(HTTPRequest, Mailbox)
    /// The reader has made room.
    case resume(Mailbox)
    /// End the transfer at the latest after so long.
    case limit(Mailbox, Duration)
    /// The reader has gone; its mailbox is closed already.
    case cancel(Mailbox)
    /// End the thread.
    case stop
  }

  /// The multi handle as other threads may hold it: they only wake it, which libcurl allows from any thread, and under
  /// the lock that takes it away before it is freed. That makes sharing it safe.
  private struct Waker: @unchecked Sendable { let multi: UnsafeMutableRawPointer }

  private struct Inbox {
    var commands: [Command] = []
    var isRunning = false
    var waker: Waker?
    /// Why no request can be sent.
    var refusal: HTTPError?
  }

  private let inbox = Mutex(Inbox())
  let configuration: HTTPClient.Configuration

  init(configuration: HTTPClient.Configuration) { self.configuration = configuration }

  func post(_ command: Command) {
    let refusal: HTTPError? = inbox.withLock { inbox in
      if let refusal = inbox.refusal { return refusal }
      if !inbox.isRunning {
        guard case .stop = command else {
          inbox.isRunning = true
          inbox.commands.append(command)
          if !startThread() {
            inbox.refusal = HTTPError(kind: .unavailable, message: "no thread can be started for HTTP requests")
            return inbox.refusal
          }
          return nil
        }
        return nil
      }
      inbox.commands.append(command)
      if let waker = inbox.waker { ccurl_multi_wakeup(waker.multi) }
      return nil
    }
    if let refusal, case .start(_, let mailbox) = command { mailbox.finish(.failure(refusal)) }
  }

  /// Starts the thread with all signals blocked: they are for the program's own threads.
  private func startThread() -> Bool {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 1 << 20)
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)
    let code = pthread_create(
      &thread, &attributes,
      { context in
        guard let context else { return nil }
        Unmanaged<TransferThread>.fromOpaque(context).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    if code != 0 { context.release() }
    return code == 0
  }

  // MARK: On the thread

  private func run() {
    let reason = ccurl_load().map { String(cString: $0) }
    guard reason == nil, let multi = ccurl_multi_init() else {
      refuse(HTTPError(kind: .unavailable, message: reason ?? "libcurl cannot be initialised"))
      return
    }
    inbox.withLock { $0.waker = Waker(multi: multi) }
    ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, 8)
    var loop = TransferLoop(multi: multi, configuration: configuration)
    while true {
      let commands = inbox.withLock { inbox in
        defer { inbox.commands = [] }
        return inbox.commands
      }
      guard loop.handle(commands) else { break }
      loop.turn()
    }
    loop.endAll()
    inbox.withLock { $0.waker = nil }
    ccurl_multi_cleanup(multi)
  }

  /// Answers every request, waiting and to come, with one error.
  private func refuse(_ error: HTTPError) {
    let commands = inbox.withLock { inbox in
      inbox.refusal = error
      defer { inbox.commands = [] }
      return inbox.commands
    }
    for case .start(_, let mailbox) in commands { mailbox.finish(.failure(error)) }
  }
}

/// The running transfers and their clock. Lives on the thread's stack.
private struct TransferLoop {
  let multi: UnsafeMutableRawPointer
  let configuration: HTTPClient.Configuration
  private var transfers: [ObjectIdentifier: Transfer] = [:]
  private var pace = StreamPace()

  init(multi: UnsafeMutableRawPointer, configuration: HTTPClient.Configuration) {
    self.multi = multi
    self.configuration = configuration
  }

  /// False when the thread is to end.
  mutating func handle(_ commands: [TransferThread.Command]) -> Bool {
    for command in commands {
      switch command {
      case .prepare: break
      case .start(let request, let mailbox):
        let transfer = Transfer(request: request, mailbox: mailbox, configuration: configuration)
        if let transfer, ccurl_multi_add(multi, transfer.easy) == CURLM_OK {
          transfers[ObjectIdentifier(mailbox)] = transfer
        } else {
          mailbox.finish(.failure(HTTPError(kind: .unavailable, message: "libcurl has no memory for a request")))
        }
      case .resume(let mailbox): transfers[ObjectIdentifier(mailbox)]?.resume()
      case .limit(let mailbox, let duration): transfers[ObjectIdentifier(mailbox)]?.limit(to: duration)
      case .cancel(let mailbox): end(ObjectIdentifier(mailbox), nil)
      case .stop: return false
      }
    }
    return true
  }

  /// Moves all transfers on, then sleeps until something happens.
  mutating func turn() {
    var running: Int32 = 0
    ccurl_multi_perform(multi, &running)
    var code = CURLE_OK
    while let easy = ccurl_multi_finished(multi, &code) {
      guard let (id, transfer) = transfers.first(where: { $0.value.easy == easy }) else { continue }
      end(id, transfer.outcome(code))
    }
    let now = Clock.now()
    var next = now + 60_000_000_000
    var received = 0
    for (id, transfer) in transfers {
      received += transfer.takeNewBytes(now)
      transfer.flush(now)
      if let error = transfer.overdue(now) {
        end(id, .failure(error))
      } else {
        next = min(next, transfer.nextDeadline)
      }
    }
    if pace.isDense(after: received, at: now) { usleep(StreamPace.rest) }
    ccurl_multi_poll(multi, Int32(clamping: (next - now) / 1_000_000 + 1))
  }

  private mutating func end(_ id: ObjectIdentifier, _ outcome: Result<Void, HTTPError>?) {
    guard let transfer = transfers.removeValue(forKey: id) else { return }
    ccurl_multi_remove(multi, transfer.easy)
    transfer.free()
    if let outcome { transfer.mailbox.finish(outcome) }
  }

  mutating func endAll() {
    let error = HTTPError(kind: .cancelled, message: "the HTTP client was closed")
    for id in transfers.keys { end(id, .failure(error)) }
  }
}

/// Notices streams of many small pieces. Asking the system for each piece as it comes costs most of what such a stream costs:
/// a short rest lets several come together. Nobody sees four milliseconds.
private struct StreamPace {
  /// Microseconds to rest.
  static let rest: UInt32 = 4000
  /// Pieces that come within this time of each other, in nanoseconds, count as dense; longer than a rest.
  private static let gap: Int64 = 8_000_000
  /// So many in a row make a dense stream: the first words of an answer are never held back.
  private static let enough = 8
  /// More bytes than this at once are no stream of words but a body that should come as fast as it can.
  private static let mostBytes = 32 << 10

  private var row = 0
  private var last: Int64 = 0

  /// True when it pays to rest before asking again.
  mutating func isDense(after bytes: Int, at now: Int64) -> Bool {
    guard bytes > 0 else { return false }
    row = now - last < Self.gap && bytes < Self.mostBytes ? row + 1 : 0
    last = now
    return row >= Self.enough
  }
}

/// The monotonic clock in nanoseconds.
enum Clock {
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// A duration in nanoseconds, at most about 30 years.
  static func nanoseconds(_ duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    return min(max(seconds, 0), 1_000_000_000) * 1_000_000_000 + max(attoseconds, 0) / 1_000_000_000
  }
}
