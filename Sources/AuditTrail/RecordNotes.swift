import GRDB
import JSON

/// What the record notes about itself, and what it closes for runs that could not.
extension AuditStore {
  /// Appends one event of the record's own: a key that changed hands, content that was erased, a store that was put away. It is
  /// a run of one event, which lists of runs leave out.
  @discardableResult
  func noteOfRecord(_ kind: String, _ fields: JSONValue) throws(AuditError) -> EventReference {
    let log = RunLog(store: self, run: .new(), isOfRecord: true)
    let reference = try log.append(kind, fields, durable: false)
    try log.append("run.ended", ["outcome": "recorded"], durable: true)
    return reference
  }

  /// What the record noted about itself, the oldest first.
  public func ownEvents() throws(AuditError) -> [Event] {
    let runs = try read { try String.fetchAll($0, sql: "SELECT id FROM run WHERE kind = 1 ORDER BY number") }
    var events: [Event] = []
    for run in runs.compactMap(RunID.init) {
      events += try self.events(of: run).filter { $0.kind != "run.ended" }
    }
    return events
  }

  /// Gives every intent of a run that was cut off the outcome that is known of it: none. A run that somebody is writing
  /// is left alone.
  func closeOpenIntents() throws(AuditError) {
    let cutOff = try read { db in
      try Row.fetchAll(db, sql: "SELECT number, id FROM run WHERE ended = 0 AND closed < size ORDER BY number").map {
        (number: try $0.at(0) as Int64, run: RunID(try $0.at(1)))
      }
    }
    for (number, run) in cutOff where !directory.isLocked(run: number) {
      guard let run else { continue }
      let open = try openIntents(of: run)
      var size = 0
      if !open.isEmpty {
        let log = try resumeWithoutCheck(run)
        for intent in open {
          size = try log.append(
            "effect.outcome", ["intent": JSONValue(intent), "outcome": "unknown"], durable: false
          ).sequence
        }
        try log.flush()
      }
      let end = size
      try commit { db, _ in
        try db.execute(
          sql: "UPDATE run SET closed = CASE WHEN ? > 0 THEN ? ELSE size END WHERE number = ?",
          arguments: [end, end, number])
      }
    }
  }

  /// The sequence numbers of a run's intents that have no outcome.
  func openIntents(of run: RunID) throws(AuditError) -> [Int] {
    var open: [Int] = []
    for event in try events(of: run) {
      switch event.kind {
      case "effect.intent": open.append(event.sequence)
      case "effect.outcome": open.removeAll { $0 == event.fields["intent"]?.int }
      default: break
      }
    }
    return open
  }
}
