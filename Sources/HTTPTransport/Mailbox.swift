import Synchronization

/// Status and header fields of an answer.
struct ResponseHead: Sendable {
  var status: Int
  var headers: HTTPHeaders
}

/// What passes between the transfer thread and the one reader of an answer.
final class Mailbox: Sendable {
  /// Beyond so many unread bytes the transfer is paused.
  static let highWaterMark = 256 << 10

  private typealias HeadWaiter = CheckedContinuation<Result<ResponseHead, HTTPError>, Never>
  private typealias BodyWaiter = CheckedContinuation<Result<[UInt8]?, HTTPError>, Never>

  private struct State {
    var head: ResponseHead?
    var unread: [UInt8] = []
    /// Nil while more may come; then success, or why not.
    var end: Result<Void, HTTPError>?
    var isPaused = false
    var headWaiter: HeadWaiter?
    var bodyWaiter: BodyWaiter?
  }

  private let state = Mutex(State())

  // MARK: The reader's side

  /// Waits for the head.
  func head() async -> Result<ResponseHead, HTTPError> {
    await withCheckedContinuation { continuation in
      let ready: Result<ResponseHead, HTTPError>? = state.withLock { state in
        if case .failure(let error) = state.end { return .failure(error) }
        if let head = state.head { return .success(head) }
        state.headWaiter = continuation
        return nil
      }
      if let ready { continuation.resume(returning: ready) }
    }
  }

  /// Waits for bytes, and takes all there are; nil at the end.
  func next() async -> Result<[UInt8]?, HTTPError> {
    await withCheckedContinuation { continuation in
      let ready: Result<[UInt8]?, HTTPError>? = state.withLock { state in
        if let taken = Self.take(&state) { return taken }
        guard state.bodyWaiter == nil else {
          return .failure(HTTPError(kind: .invalidRequest, message: "a body is read by two tasks at once"))
        }
        state.bodyWaiter = continuation
        return nil
      }
      if let ready { continuation.resume(returning: ready) }
    }
  }

  /// True when the transfer was paused because nobody read, and now can go on.
  func takePause() -> Bool {
    state.withLock { state in
      defer { state.isPaused = false }
      return state.isPaused
    }
  }

  /// Ends the reading at once. False when the transfer has ended already.
  func cancel(_ error: HTTPError) -> Bool { finish(.failure(error), dropping: true) }

  // MARK: The transfer thread's side

  /// Hands over the head.
  func deliver(_ head: ResponseHead) {
    let waiter = state.withLock { state in
      state.head = head
      defer { state.headWaiter = nil }
      return state.headWaiter
    }
    waiter?.resume(returning: .success(head))
  }

  /// Lays bytes ready. The reader is told by ``flush()``.
  func deliver(_ bytes: UnsafeRawBufferPointer) {
    state.withLock { state in
      guard state.end == nil else { return }
      state.unread.append(contentsOf: bytes)
    }
  }

  /// True when so many bytes wait to be read that no more should come; the reader then asks to go on.
  func pauseIfFull() -> Bool {
    state.withLock { state in
      guard state.end == nil, state.unread.count >= Self.highWaterMark else { return false }
      state.isPaused = true
      return true
    }
  }

  /// Wakes the reader when there is something to read.
  func flush() {
    let (waiter, taken) = state.withLock { state -> (BodyWaiter?, Result<[UInt8]?, HTTPError>?) in
      guard let waiter = state.bodyWaiter, let taken = Self.take(&state) else { return (nil, nil) }
      state.bodyWaiter = nil
      return (waiter, taken)
    }
    if let taken { waiter?.resume(returning: taken) }
  }

  /// Ends the transfer; what was delivered before can still be read unless `dropping`. False when it has ended already.
  @discardableResult
  func finish(_ end: Result<Void, HTTPError>, dropping: Bool = false) -> Bool {
    let (ended, head) = state.withLock { state -> (Bool, HeadWaiter?) in
      if dropping, !state.unread.isEmpty {
        // What was not read is gone: the end must not look like success.
        state.unread = []
        if state.end != nil { state.end = end }
      }
      guard state.end == nil else { return (false, nil) }
      state.end = end
      defer { state.headWaiter = nil }
      return (true, state.headWaiter)
    }
    head?.resume(
      returning: end.flatMap { .failure(HTTPError(kind: .malformed, message: "an answer without a head")) })
    flush()
    return ended
  }

  private static func take(_ state: inout State) -> Result<[UInt8]?, HTTPError>? {
    if !state.unread.isEmpty {
      defer { state.unread = [] }
      return .success(state.unread)
    }
    return state.end.map { $0.map { nil } }
  }
}
