import GRDB
import TransparencyLog

/// Walks over the log once, in order, and stops at the first event that is wrong.
struct Verifier {
  /// Where the chain of one run stands.
  private struct Chain {
    var run: RunID
    var size: Int
    var head: MerkleHash
    /// Where its last event stood.
    var position = -1
  }

  private let db: Database
  private var chains: [Int64: Chain] = [:]
  private var report = VerificationReport()
  /// Where the walk began: what lies before is not known here.
  private var start = 0
  /// The checkpoints that the log has to fit.
  private var marks: Marks?

  init(_ db: Database, marks: Marks? = nil) throws {
    self.db = db
    self.marks = marks
  }

  // MARK: One run

  mutating func verifyRun(_ number: Int64) throws -> VerificationReport {
    let rows = try Row.fetchCursor(
      db, sql: "SELECT position, run, sequence, record, hash FROM event WHERE run = ? ORDER BY sequence",
      arguments: [number])
    let contents = try ContentCursor(db, run: number)
    while report.firstBad == nil, let row = try rows.next() {
      let event = try StoredEvent(row)
      if let bad = try check(event) { report.firstBad = bad }
      if report.firstBad == nil { report.firstBad = try contents.check(event, &report) }
      report.count += 1
    }
    if report.firstBad == nil { report.firstBad = try checkEnds(of: [number]) }
    report.head = chains[number]?.head
    return report
  }

  // MARK: The store

  mutating func verifyStore(from start: Int, contents checksContents: Bool) throws -> VerificationReport {
    self.start = start
    guard var edge = try CompactRange.read(size: start, from: db) else {
      report.firstBad = BadEvent(
        run: nil, sequence: nil, position: start, reason: .tree, detail: "nodes before it are missing")
      return report
    }
    let rows = try Row.fetchCursor(
      db, sql: "SELECT position, run, sequence, record, hash FROM event WHERE position >= ? ORDER BY position",
      arguments: [start])
    let contents = checksContents ? try ContentCursor(db, run: nil) : nil
    let nodes = NodeCursors(db, from: start)
    while report.firstBad == nil, let row = try rows.next() {
      guard let event = try? StoredEvent(row) else {
        report.firstBad = BadEvent(
          run: nil, sequence: nil, position: edge.size, reason: .altered, detail: "its row cannot be read")
        break
      }
      if event.position != edge.size {
        report.firstBad =
          try missing(at: edge.size, before: event.position)
          ?? BadEvent(run: nil, sequence: nil, position: edge.size, reason: .missing, detail: "")
        break
      }
      if let bad = try check(event) {
        report.firstBad = bad
        break
      }
      for node in edge.append(event.leaf) where try nodes.hash(of: node.position) != node.hash {
        report.firstBad = try missing(at: event.position, before: event.position + 1) ?? event.bad(.tree)
        break
      }
      if report.firstBad == nil, let bad = try contents?.check(event, &report) {
        // Content of another event is a sign that rows were renumbered; the pair's node tells.
        let moved = try isPairWrong(event) ? try missing(at: event.position, before: event.position + 1) : nil
        report.firstBad = moved ?? bad
      }
      report.count += 1
      if report.firstBad == nil { report.firstBad = try marks?.check(edge, &report) }
    }
    report.head = edge.root
    if report.firstBad == nil { report.firstBad = try checkLogEnd(edge) }
    if report.firstBad == nil { report.firstBad = try checkEnds(of: nil) }
    if report.firstBad == nil { report.firstBad = try marks?.checkEnd(edge, &report) }
    return report
  }

  // MARK: One event

  /// Checks an event by itself and as the next of its run's chain.
  private mutating func check(_ event: StoredEvent) throws -> BadEvent? {
    guard event.leaf == event.storedHash, let record = event.record else {
      // What cannot be read any more still stands in a row of its run.
      return BadEvent(
        run: try event.record?.run ?? chain(of: event)?.run, sequence: event.record?.sequence ?? event.sequence,
        position: event.position, reason: .altered, detail: "")
    }
    let chain = try chain(of: event)
    guard let chain, record.run == chain.run else { return event.bad(.reordered, "it stands in another run") }
    let expected = chain.size + 1
    if record.sequence < expected { return event.bad(.duplicated) }
    if record.sequence > expected {
      return BadEvent(
        run: chain.run, sequence: expected, position: event.position,
        reason: try isLater(expected, of: event) ? .reordered : .missing, detail: "")
    }
    guard record.previousHash == chain.head else {
      // This event tells what the one before it was.
      return BadEvent(
        run: chain.run, sequence: max(1, chain.size), position: max(0, chain.position),
        reason: .altered, detail: chain.size == 0 ? "it does not begin its run" : "the next event remembers another")
    }
    guard record.sequence == event.sequence else { return event.bad(.altered, "its row is numbered otherwise") }
    chains[event.run] = Chain(
      run: chain.run, size: expected, head: event.leaf, position: event.position)
    return nil
  }

  /// The chain that an event should go on; read back when the walk began behind the run's start. Nil without such a run.
  private mutating func chain(of event: StoredEvent) throws -> Chain? {
    if let chain = chains[event.run] { return chain }
    guard
      let id = try String.fetchOne(db, sql: "SELECT id FROM run WHERE number = ?", arguments: [event.run]),
      let run = RunID(id)
    else { return nil }
    var chain = Chain(run: run, size: 0, head: .zero)
    let before = try Row.fetchOne(
      db,
      sql: "SELECT sequence, hash, position FROM event WHERE run = ? AND position < ? ORDER BY sequence DESC LIMIT 1",
      arguments: [event.run, event.position])
    if let before, let head = try Blob.hash(before, 1) {
      chain = Chain(run: run, size: try before.at(0), head: head, position: try before.at(2))
    }
    chains[event.run] = chain
    return chain
  }

  /// Whether an event that should come now stands further on.
  private func isLater(_ sequence: Int, of event: StoredEvent) throws -> Bool {
    let rows = try Row.fetchCursor(
      db, sql: "SELECT position, run, sequence, record, hash FROM event WHERE position > ?", arguments: [event.position]
    )
    while let row = try rows.next() {
      let later = try StoredEvent(row)
      if later.record?.run == event.record?.run, later.record?.sequence == sequence { return true }
    }
    return false
  }

  // MARK: Gaps and ends

  /// Names the event that should stand where the walk has come to, when one is gone: it belongs to the run whose numbers
  /// jump next, or that ends too early.
  /// - Parameter next: the first position that the walk has not yet passed.
  private func missing(at position: Int, before next: Int) throws -> BadEvent? {
    var seen = chains.mapValues(\.size)
    let rows = try Row.fetchCursor(
      db, sql: "SELECT position, run, sequence, record, hash FROM event WHERE position >= ? ORDER BY position",
      arguments: [next])
    while let row = try rows.next() {
      let event = try StoredEvent(row)
      guard let record = event.record else { break }
      if let last = seen[event.run] ?? (start == 0 ? 0 : nil), record.sequence > last + 1 {
        return BadEvent(run: record.run, sequence: last + 1, position: position, reason: .missing, detail: "")
      }
      seen[event.run] = record.sequence
    }
    let ends = try Row.fetchCursor(db, sql: "SELECT number, id, size FROM run ORDER BY number")
    while let row = try ends.next() {
      if let size = seen[try row.at(0)] ?? (start == 0 ? 0 : nil), (try row.at(2) as Int) > size {
        return BadEvent(run: RunID(try row.at(1)), sequence: size + 1, position: position, reason: .missing, detail: "")
      }
    }
    return nil
  }

  /// Whether an event and its neighbour give another node than the one that is stored.
  private func isPairWrong(_ event: StoredEvent) throws -> Bool {
    let isLeft = event.position & 1 == 0
    guard let other = try TreeRows.node(NodePosition(level: 0, index: event.position ^ 1), db),
      let stored = try TreeRows.node(NodePosition(level: 1, index: event.position >> 1), db)
    else { return true }
    return stored != (isLeft ? MerkleHash.node(event.leaf, other) : MerkleHash.node(other, event.leaf))
  }

  private func checkLogEnd(_ edge: CompactRange) throws -> BadEvent? {
    func bad(_ reason: BadEvent.Reason, _ detail: String = "", at position: Int) -> BadEvent {
      BadEvent(run: nil, sequence: nil, position: position, reason: reason, detail: detail)
    }
    guard let row = try Row.fetchOne(db, sql: "SELECT size, root FROM log WHERE id = 1") else {
      return bad(.tree, "the record's end is gone", at: edge.size)
    }
    let size: Int = try row.at(0)
    if size > edge.size { return try truncation(at: edge.size) }
    if size < edge.size { return bad(.added, at: size) }
    let stray = try Int.fetchOne(
      db, sql: "SELECT min(position << level) FROM node WHERE (position + 1) << level > ?", arguments: [size])
    if let stray { return bad(.tree, "there are nodes behind the end", at: stray) }
    return try Blob.hash(row, 1) == edge.root
      ? nil : bad(.tree, "the record's end has another root", at: max(0, size - 1))
  }

  /// The log is longer than its events: the first one that is gone belongs to a run that is longer than its events.
  private func truncation(at position: Int) throws -> BadEvent {
    let row = try Row.fetchOne(
      db,
      sql: """
        SELECT run.id, (SELECT coalesce(max(sequence), 0) FROM event WHERE event.run = run.number) AS last FROM run
        WHERE run.size > last ORDER BY run.number LIMIT 1
        """)
    return BadEvent(
      run: try row.flatMap { RunID(try $0.at(0)) }, sequence: try row.map { (try $0.at(1) as Int) + 1 },
      position: position,
      reason: .truncated, detail: "")
  }

  /// Compares each run's end with its last event.
  private func checkEnds(of numbers: [Int64]?) throws -> BadEvent? {
    let rows = try Row.fetchCursor(db, sql: "SELECT number, id, size, head FROM run ORDER BY number")
    while let row = try rows.next() {
      let number: Int64 = try row.at(0)
      if let numbers, !numbers.contains(number) { continue }
      let size: Int = try row.at(2)
      guard let chain = chains[number] else {
        // A walk over the end of the log does not meet older runs.
        let count = try Int.fetchOne(
          db, sql: "SELECT coalesce(max(sequence), 0) FROM event WHERE run = ?", arguments: [number])
        if count == size, size > 0 { continue }
        return BadEvent(run: RunID(try row.at(1)), sequence: 1, position: 0, reason: .truncated, detail: "")
      }
      func bad(_ reason: BadEvent.Reason, _ sequence: Int, _ detail: String = "") -> BadEvent {
        BadEvent(run: chain.run, sequence: sequence, position: chain.position, reason: reason, detail: detail)
      }
      if chain.size < size { return bad(.truncated, chain.size + 1) }
      if chain.size > size { return bad(.added, size + 1) }
      if try Blob.hash(row, 3) != chain.head { return bad(.altered, size, "the run's end remembers another") }
    }
    return nil
  }
}
