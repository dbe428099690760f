import GRDB
import Synchronization
import TransparencyLog

/// Batches of several runs that wait for the one writer. Whoever writes next takes all that wait along, in one durable
/// transaction: while one commit is on its way to the disk, the others gather for the next.
final class CommitQueue: Sendable {
  /// A batch on its way, and what became of it.
  final class Ticket: Sendable {
    let batch: EventBatch
    /// Whether a checkpoint is due in any case.
    let endsRun: Bool
    /// False where there is no room for a checkpoint either.
    let isSigned: Bool
    private let state = Mutex<Result<Written, AuditError>?>(nil)

    init(_ batch: EventBatch, endsRun: Bool, isSigned: Bool) {
      self.batch = batch
      self.endsRun = endsRun
      self.isSigned = isSigned
    }

    /// Nil as long as nobody has written it.
    var result: Result<Written, AuditError>? {
      get { state.withLock { $0 } }
      set { state.withLock { $0 = newValue } }
    }
  }

  /// The row of a run, and its lock where it is new.
  struct Written: Sendable {
    var number: Int64
    var lock: RunLock?
  }

  /// A transaction carries no more than this: nobody is to wait for all the others.
  private static let mostAtOnce = 64

  private let waiting = Mutex<[Ticket]>([])

  func add(_ ticket: Ticket) { waiting.withLock { $0.append(ticket) } }

  /// The next ones to write, in the order in which they came.
  func take() -> [Ticket] {
    waiting.withLock { waiting in
      let taken = Array(waiting.prefix(CommitQueue.mostAtOnce))
      waiting.removeFirst(taken.count)
      return taken
    }
  }
}

extension AuditStore {
  /// Writes a batch durably, together with what others have waiting.
  /// - Parameter isSigned: false where there is no room for a checkpoint either.
  func append(_ batch: EventBatch, endsRun: Bool, isSigned: Bool) throws(AuditError) -> CommitQueue.Written {
    let ticket = CommitQueue.Ticket(batch, endsRun: endsRun, isSigned: isSigned)
    queue.add(ticket)
    let key = signingKey.withLock { $0 }
    writing.withLock { writing in
      while ticket.result == nil {
        let tickets = queue.take()
        guard !tickets.isEmpty else { return }
        write(tickets, &writing, signingWith: key)
      }
    }
    guard let result = ticket.result else {
      throw AuditError(.inputOutput, "a batch of \(batch.run) was lost on its way")
    }
    return try result.get()
  }

  /// One transaction for several batches. One that cannot be written is taken back alone; when the transaction itself fails,
  /// nothing of it is written.
  private func write(
    _ tickets: [CommitQueue.Ticket], _ writing: inout Writing, signingWith key: NoteSigningKey?
  ) {
    do {
      var next = writing
      let results = try transaction(
        &next, tickets.allSatisfy(\.isSigned) ? key : nil, endsRun: tickets.contains(where: \.endsRun)
      ) { (db, edge) -> [Result<CommitQueue.Written, AuditError>] in
        if tickets.count == 1 { return [.success(try tickets[0].batch.append(to: db, &edge, directory))] }
        var results: [Result<CommitQueue.Written, AuditError>] = []
        for ticket in tickets {
          let before = edge
          var result: Result<CommitQueue.Written, AuditError>?
          try db.inSavepoint {
            do {
              result = .success(try ticket.batch.append(to: db, &edge, directory))
              return .commit
            } catch let error as AuditError where error.kind != .inputOutput {
              result = .failure(error)
              edge = before
              return .rollback
            }
          }
          if let result { results.append(result) }
        }
        return results
      }
      writing = next
      for (ticket, result) in zip(tickets, results) { ticket.result = result }
    } catch {
      let failure = AuditError(error, at: directory.name, doing: "written")
      // A disk that is too full for all may have room for some, above all for a run's last event.
      if failure.kind == .diskFull, tickets.count > 1 {
        for ticket in tickets { write([ticket], &writing, signingWith: key) }
      } else {
        for ticket in tickets { ticket.result = .failure(failure) }
      }
    }
  }
}

extension EventBatch {
  /// A new run's row and lock come with its first events: nobody ever sees the one without the other.
  fileprivate func append(
    to db: Database, _ edge: inout CompactRange, _ directory: StoreDirectory
  ) throws -> CommitQueue.Written {
    let number = try write(to: db, edge: &edge)
    return CommitQueue.Written(number: number, lock: self.number == nil ? try lock(number, directory) : nil)
  }
}
