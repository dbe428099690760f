import Crypto
import FoundationEssentials
import GRDB
public import TransparencyLog

extension AuditStore {
  /// The newest runs, newest first. What the record noted about itself is not among them.
  public func runs(limit: Int) throws(AuditError) -> [RunSummary] {
    let rows = try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT run.number, run.id, run.size, run.ended, first.record, last.record
          FROM run
          LEFT JOIN event AS first ON first.run = run.number AND first.sequence = 1
          LEFT JOIN event AS last ON last.run = run.number AND last.sequence = run.size
          WHERE run.kind = 0
          ORDER BY run.number DESC LIMIT ?
          """, arguments: [limit]
      ).map { row in
        let number: Int64 = try row.at(0)
        let first = try Self.record(row, 4)
        let last = try Self.record(row, 5)
        return (number, try row.at(1) as String, try row.at(2) as Int, try row.at(3) as Bool, first, last)
      }
    }
    var summaries: [RunSummary] = []
    for (number, id, size, hasEnded, first, last) in rows {
      guard let run = RunID(id), let first, let last else {
        throw AuditError(
          .damaged, "the record in \(directory.name) has a run without its first or last event",
          hint: "look at it with `codeagent audit verify`")
      }
      let status: RunStatus = directory.isLocked(run: number) ? .running : hasEnded ? .ended : .interrupted
      summaries.append(
        RunSummary(
          run: run, status: status, eventCount: size, started: first.wallTime, lastActive: last.wallTime,
          firstFields: first.fields, lastKind: last.kind, lastFields: last.fields))
    }
    return summaries
  }

  /// The run that a person means: a full name, the unique beginning of one, the unique beginning of what follows the date,
  /// or `last`.
  public func run(matching text: String) throws(AuditError) -> RunID {
    let wanted = String(decoding: text.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    let found = try read { db in
      if wanted == "last" {
        return try String.fetchAll(db, sql: "SELECT id FROM run WHERE kind = 0 ORDER BY number DESC LIMIT 1")
      }
      guard !wanted.isEmpty else { return [] }
      return try String.fetchAll(
        db,
        sql: """
          SELECT id FROM run
          WHERE substr(id, 1, :length) = :text OR substr(id, 3, :length) = :text
            OR substr(id, \(RunID.prefixLength + 1), :length) = :text
          ORDER BY number DESC LIMIT 6
          """, arguments: ["length": wanted.unicodeScalars.count, "text": wanted])
    }
    if let exact = found.first(where: { $0 == wanted }).flatMap({ RunID($0) }) { return exact }
    if found.count == 1, let run = RunID(found[0]) { return run }
    guard found.isEmpty else {
      throw AuditError(
        .ambiguous,
        "several runs begin like this: " + found.prefix(5).joined(separator: ", ")
          + (found.count > 5 ? " …" : ""), hint: "write some more characters")
    }
    throw AuditError(
      .unknown, wanted == "last" ? "there is no run yet" : "there is no run named \(text.prefix(80))",
      hint: "codeagent runs list")
  }

  /// The events of a run, in order. Those that a writer still holds in memory are not among them.
  /// - Parameter first: the sequence number to begin with.
  public func events(of run: RunID, from first: Int = 1) throws(AuditError) -> [Event] {
    let number = try number(of: run)
    return try read { db in
      let rows = try Row.fetchCursor(
        db,
        sql: "SELECT position, record, hash FROM event WHERE run = ? AND sequence >= ? ORDER BY sequence",
        arguments: [number, first])
      var events: [Event] = []
      while let row = try rows.next() {
        let position: Int = try row.at(0)
        guard let record = try Self.record(row, 1), let hash = try Blob.hash(row, 2) else {
          throw AuditError(
            .damaged, "event \(position) of the record cannot be read",
            hint: "look at it with `codeagent audit verify`")
        }
        events.append(record.event(position: position, hash: hash))
      }
      return events
    }
  }

  /// The content of an event by its name; nil when the event has none of that name, or when it has been erased.
  /// - Throws: ``AuditError`` of kind `damaged` when the content is not what the event committed to.
  public func content(of event: Event, _ name: String) throws(AuditError) -> [UInt8]? {
    guard let index = event.content.firstIndex(where: { $0.name == name }) else { return nil }
    let id = ContentRow.id(position: event.position, index: index)
    let stored = try read { db in
      try Row.fetchOne(
        db.cachedStatement(sql: "SELECT name, key, bytes FROM content WHERE id = ?"), arguments: [id]
      ).map { (name: try $0.at(0) as String, key: try $0.at(1) as Data, bytes: [UInt8](try $0.at(2) as Data)) }
    }
    guard let stored else { return nil }
    let commitment = Commitment.of(stored.bytes, key: SymmetricKey(data: stored.key))
    guard stored.name == name, commitment == event.content[index].commitment else {
      throw AuditError(
        .damaged, "the content \(name) of event \(event.sequence) of \(event.run) was changed",
        hint: "look at the record with `codeagent audit verify`")
    }
    return stored.bytes
  }

  /// How many events the store holds, and the root of their tree.
  public func head() throws(AuditError) -> (size: Int, root: MerkleHash) {
    let head = try read { db in
      try Row.fetchOne(db, sql: "SELECT size, root FROM log WHERE id = 1").flatMap { row in
        try Blob.hash(row, 1).map { (size: try row.at(0) as Int, root: $0) }
      }
    }
    guard let head else { throw AuditError(.damaged, "the record in \(directory.name) lost its end") }
    return head
  }

  /// The proof that an event is in the tree of the store's first `size` events: RFC 6962 audit path, leaf side first.
  /// - Returns: nil when the event is not among them.
  public func inclusionProof(of event: Event, size: Int) throws(AuditError) -> [MerkleHash]? {
    guard size <= (try head().size) else { return nil }
    return try read { db in
      try MerkleProofs.inclusion(index: event.position, size: size) { try Self.treeNode($0, db) }
    }
  }

  /// The proof that the store's first `oldSize` events are still the first of its `newSize`.
  /// - Returns: nil when the sizes are out of order or range.
  public func consistencyProof(from oldSize: Int, to newSize: Int) throws(AuditError) -> [MerkleHash]? {
    guard newSize <= (try head().size) else { return nil }
    return try read { db in
      try MerkleProofs.consistency(from: oldSize, to: newSize) { try Self.treeNode($0, db) }
    }
  }

  private static func treeNode(_ position: NodePosition, _ db: Database) throws -> MerkleHash {
    guard let hash = try TreeRows.node(position, db) else {
      throw AuditError(
        .damaged, "the record's tree is not complete", hint: "look at it with `codeagent audit verify`")
    }
    return hash
  }

  private static func record(_ row: Row, _ index: Int) throws -> EventRecord? {
    try row.withUnsafeData(atIndex: index) { data in data?.withUnsafeBytes { EventRecord(parsing: $0) } }
  }
}
