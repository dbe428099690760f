import GRDB
public import TransparencyLog

extension AuditStore {
  /// Recomputes every hash, chain and tree node of the store, or of one run, compares contents with their commitments, and
  /// the log with every checkpoint.
  ///
  /// Finds every change of what was written that did not also rewrite all that follows up to the record's end. Against
  /// someone who can rewrite the whole file and has its key, only an anchor helps: a checkpoint that somebody else holds. Memory
  /// does not grow with the store.
  /// - Parameters:
  ///   - run: only this run's chain; then no checkpoint is looked at.
  ///   - anchors: checkpoints from elsewhere.
  ///   - proofs: proofs of single events from elsewhere. Their checkpoints are anchors, too.
  ///   - keys: the keys that are believed; with none, the record's own first key.
  /// - Throws: ``AuditError`` when the store cannot be read at all. Damage that can be read around is in the report.
  public func verify(
    run: RunID? = nil, anchors: [Anchor] = [], proofs: [HeldProof] = [], keys: [NoteVerificationKey] = []
  ) throws(AuditError) -> VerificationReport {
    if let run {
      let number = try number(of: run)
      return try read { db in
        var verifier = try Verifier(db)
        return try verifier.verifyRun(number)
      }
    }
    let origin = origin
    var report = try read { db in
      let marks = try Marks(db, anchors: anchors, proofs: proofs, keys: keys, origin: origin)
      var verifier = try Verifier(db, marks: marks)
      return try verifier.verifyStore(from: 0, contents: true)
    }
    report.damage = try read { db in
      try String.fetchAll(db, sql: "PRAGMA integrity_check(10)").filter { $0 != "ok" }
    }
    return report
  }

  /// Verifies what was appended since a run began that was then cut off, once.
  ///
  /// SQLite brings a database through a crash; a disk or a file system may not. A clean history costs one look-up here.
  func checkAfterUncleanStop() throws(AuditError) {
    let openRuns = try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT number, max(checked, (SELECT position FROM event WHERE event.run = number AND sequence = 1))
          FROM run, log
          WHERE ended = 0 AND EXISTS (
            SELECT 1 FROM event
            WHERE event.run = number AND event.sequence = run.size AND event.position >= checked)
          """
      ).map { (number: try $0.at(0) as Int64, start: try $0.atIfPresent(1) as Int?) }
    }
    let cutOff = openRuns.filter { !directory.isLocked(run: $0.number) }
    guard !cutOff.isEmpty else { return }
    // A run without its first event is damage, too: the walk from the start will name it.
    let start = cutOff.map { $0.start ?? 0 }.min() ?? 0
    let report = try read { db in
      var verifier = try Verifier(db)
      return try verifier.verifyStore(from: start, contents: false)
    }
    if let bad = report.firstBad {
      throw AuditError(
        .damaged, "the record in \(directory.name) did not survive an earlier stop: \(bad)",
        hint: "look at it with `codeagent audit verify`; move the directory away to begin a new record")
    }
    let size = start + report.count
    try commit { db, _ in
      try db.execute(sql: "UPDATE log SET checked = max(checked, ?) WHERE id = 1", arguments: [size])
    }
  }
}
