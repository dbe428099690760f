import Crypto
public import JSON
import Synchronization
import TransparencyLog

/// The one writer of one run. Appends are serialised; their order is the order of the record.
///
/// An event that is not asked to be durable waits in memory, and is written with the next durable one in a single
/// transaction: what was acknowledged as durable brings everything before it along. A crash may lose waiting events,
/// never one in the middle.
public final class RunLog: Sendable {
  /// The run.
  public let run: RunID

  private let store: AuditStore
  private let isOfRecord: Bool
  private let state: Mutex<State>

  private struct State {
    /// The run's row; nil before the first durable append.
    var number: Int64?
    /// What stands in the record.
    var writtenSize: Int
    /// What stands in the record or waits.
    var size: Int
    var head: MerkleHash
    var waiting: [PendingEvent] = []
    var waitingBytes = 0
    var lock: RunLock?
    /// Why nothing more is written: a disk that failed once is not believed again.
    var failure: AuditError?
  }

  /// - Parameter isOfRecord: true for what the record notes about itself.
  init(store: AuditStore, run: RunID, isOfRecord: Bool = false) {
    self.store = store
    self.run = run
    self.isOfRecord = isOfRecord
    state = Mutex(State(number: nil, writtenSize: 0, size: 0, head: .zero))
  }

  init(store: AuditStore, run: RunID, number: Int64, size: Int, head: MerkleHash, lock: RunLock) {
    self.store = store
    self.run = run
    isOfRecord = false
    state = Mutex(State(number: number, writtenSize: size, size: size, head: head, lock: lock))
  }

  deinit { try? flush() }

  /// Appends an event.
  ///
  /// - Parameters:
  ///   - kind: what kind of event it is: lower-case words with dots, `effect.intent`. `run.ended` ends the run,
  ///     `run.resumed` opens it again; they are always durable.
  ///   - fields: what is said of it: no fractions, no integers from 2^53 on.
  ///   - content: what may be large or sensitive, by name: stored beside the event, which only commits to it.
  ///   - durable: whether the event must be on disk before this returns.
  /// - Throws: ``AuditError``. The event is then not part of the record, and does not wait either.
  @discardableResult
  public func append(
    _ kind: String, _ fields: JSONValue, content: [String: [UInt8]] = [:], durable: Bool
  ) throws(AuditError) -> EventReference {
    try state.withLock { state throws(AuditError) in
      if let failure = state.failure { throw failure }
      let event = try PendingEvent(
        run: run, sequence: state.size + 1, previousHash: state.head, kind: kind, fields: fields, content: content)
      let before = (size: state.size, head: state.head, bytes: state.waitingBytes)
      state.waiting.append(event)
      state.waitingBytes += event.byteCount
      state.size += 1
      state.head = event.hash
      let isMark = event.mark != nil
      if durable || isMark || state.waitingBytes > RunLog.maximumWaiting {
        do throws(AuditError) {
          try write(&state, isLast: event.mark == .ended)
        } catch {
          state.waiting.removeLast()
          (state.size, state.head, state.waitingBytes) = before
          if error.isFinal { state.failure = error }
          throw error
        }
      }
      return EventReference(run: run, sequence: event.sequence, hash: event.hash)
    }
  }

  /// Makes everything appended so far durable.
  public func flush() throws(AuditError) {
    try state.withLock { state throws(AuditError) in
      if let failure = state.failure { throw failure }
      do throws(AuditError) {
        try write(&state, isLast: false)
      } catch {
        if error.isFinal { state.failure = error }
        throw error
      }
    }
  }

  /// Events wait in memory up to this many bytes.
  private static let maximumWaiting = 8 << 20

  private func write(_ state: inout State, isLast: Bool) throws(AuditError) {
    guard !state.waiting.isEmpty else { return }
    do throws(AuditError) {
      try write(&state, withContent: true)
    } catch {
      guard isLast, error.kind == .diskFull else { throw error }
      // The room kept for this moment; and if that does not do, the event without what it commits to.
      store.directory.dropBallast()
      do throws(AuditError) {
        try write(&state, withContent: true)
      } catch {
        guard error.kind == .diskFull else { throw error }
        try write(&state, withContent: false)
      }
    }
  }

  private func write(_ state: inout State, withContent: Bool) throws(AuditError) {
    let batch = EventBatch(
      run: run, number: state.number, writtenSize: state.writtenSize, events: state.waiting, withContent: withContent,
      isOfRecord: isOfRecord)
    let written = try store.append(
      batch, endsRun: state.waiting.contains { $0.mark == .ended }, isSigned: withContent)
    state.number = written.number
    if let lock = written.lock { state.lock = lock }
    state.writtenSize = state.size
    state.waiting = []
    state.waitingBytes = 0
  }
}

/// An event that is complete and hashed, but not yet written.
struct PendingEvent: Sendable {
  /// What an event means for its run's status.
  enum Mark: Sendable {
    case ended
    case resumed
  }

  struct Content: Sendable {
    var name: String
    var key: [UInt8]
    var bytes: [UInt8]
  }

  let sequence: Int
  let record: [UInt8]
  let hash: MerkleHash
  let content: [Content]
  let mark: Mark?

  var byteCount: Int { content.reduce(record.count) { $0 + $1.bytes.count } }

  init(
    run: RunID, sequence: Int, previousHash: MerkleHash, kind: String, fields: JSONValue, content: [String: [UInt8]]
  ) throws(AuditError) {
    func fail(_ reason: String) -> AuditError {
      AuditError(.unrecordable, "an event \(kind) cannot be recorded: \(reason)")
    }
    guard PendingEvent.isKind(kind) else {
      throw AuditError(.unrecordable, "an event of this kind cannot be recorded: its name is not lower-case words")
    }
    if let obstacle = EventRecord.obstacle(in: fields) { throw fail(obstacle) }
    guard content.count <= Schema.contentsPerEvent else { throw fail("it has too many contents") }
    guard content.values.allSatisfy({ $0.count <= PendingEvent.maximumContent }) else {
      throw fail("a content is larger than \(PendingEvent.maximumContent >> 20) MiB")
    }
    var references: [ContentReference] = []
    var contents: [Content] = []
    for name in content.keys.sorted(by: { $0.utf16.lexicographicallyPrecedes($1.utf16) }) {
      guard !name.isEmpty, name.utf8.count <= 255, name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }),
        let bytes = content[name]
      else { throw fail("the name of a content is empty, too long, or has control characters") }
      let key = SymmetricKey(size: .bits256)
      references.append(
        ContentReference(name: name, commitment: Commitment.of(bytes, key: key), length: bytes.count))
      contents.append(Content(name: name, key: key.withUnsafeBytes { Array($0) }, bytes: bytes))
    }
    let record = EventRecord(
      run: run, sequence: sequence, wallTime: Clock.wallTime(), monotonic: Clock.monotonic(), bootID: Clock.bootID,
      kind: kind, fields: fields, content: references, previousHash: previousHash
    ).canonical
    guard record.count <= EventRecord.maximumSize else {
      throw fail("it takes \(record.count) bytes; what is large belongs into its content")
    }
    self.sequence = sequence
    self.record = record
    self.content = contents
    hash = .leaf(record)
    mark =
      switch kind {
      case "run.ended": .ended
      case "run.resumed": .resumed
      default: nil
      }
  }

  private static let maximumContent = 256 << 20

  private static func isKind(_ kind: String) -> Bool {
    !kind.isEmpty && kind.utf8.count <= 64
      && kind.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || ".-_".utf8.contains($0) }
  }
}

/// What events hold of their content.
enum Commitment {
  static func of(_ bytes: [UInt8], key: SymmetricKey) -> MerkleHash {
    bytes.withUnsafeBytes { of($0, key: key) }
  }

  static func of(_ bytes: UnsafeRawBufferPointer, key: SymmetricKey) -> MerkleHash {
    var code = HMAC<SHA256>(key: key)
    code.update(data: bytes)
    return code.finalize().withUnsafeBytes { MerkleHash($0) } ?? .zero
  }
}
