import GRDB

extension AuditStore {
  /// Recomputes every hash, chain and tree node of the store, or of one run, and compares contents with their commitments.
  ///
  /// Finds every change of what was written that did not also rewrite all that follows up to the record's end. Against
  /// someone who can rewrite the whole file, only a checkpoint kept elsewhere helps. Memory does not grow with the store.
  /// - Throws: ``AuditError`` when the store cannot be read at all. Damage that can be read around is in the report.
  public func verify(run: RunID? = nil) throws(AuditError) -> VerificationReport {
    if let run {
      let number = try number(of: run)
      return try read { db in
        var verifier = try Verifier(db)
        return try verifier.verifyRun(number)
      }
    }
    var report = try read { db in
      var verifier = try Verifier(db)
      return try verifier.verifyStore(from: 0, contents: true)
    }
    report.damage = try read { db in
      try String.fetchAll(db, sql: "PRAGMA integrity_check(10)").filter { $0 != "ok" }
    }
    return report
  }

  /// Verifies what was appended since the last such check, when some run since then was cut off.
  ///
  /// SQLite brings a database through a crash; a disk or a file system may not. A clean history costs one look-up here.
  func checkAfterUncleanStop() throws(AuditError) {
    let pending = try read { db -> (checked: Int, runs: [Int64])? in
      guard
        let row = try Row.fetchOne(db, sql: "SELECT size, checked FROM log WHERE id = 1"),
        (row[0] as Int) > (row[1] as Int)
      else { return nil }
      let checked: Int = row[1]
      let open = try Int64.fetchAll(
        db,
        sql: """
          SELECT number FROM run WHERE ended = 0 AND EXISTS (
            SELECT 1 FROM event WHERE event.run = run.number AND event.sequence = run.size AND event.position >= ?)
          """, arguments: [checked])
      return (checked, open)
    }
    guard let pending, pending.runs.contains(where: { !directory.isLocked(run: $0) }) else { return }
    let report = try read { db in
      var verifier = try Verifier(db)
      return try verifier.verifyStore(from: pending.checked, contents: false)
    }
    if let bad = report.firstBad {
      throw AuditError(
        .damaged, "the record in \(directory.name) did not survive an earlier stop: \(bad)",
        hint: "look at it with `codeagent audit verify`; move the directory away to begin a new record")
    }
    let size = pending.checked + report.count
    try commit { db, _ in
      try db.execute(sql: "UPDATE log SET checked = max(checked, ?) WHERE id = 1", arguments: [size])
    }
  }
}
