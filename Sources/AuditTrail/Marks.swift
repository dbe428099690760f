import GRDB
import TransparencyLog

/// The checkpoints that a walk over the log meets: the record's own, read in their order, and those from elsewhere.
struct Marks {
  private struct Held {
    var claim: Checkpoint
    var anchor: Anchor
  }

  private let trust: Trust
  private let origin: String
  private let own: RowCursor
  private var nextOwn: (size: Int, time: Int64, note: SignedNote?)?
  private var held: [Held] = []
  /// Anchors of this record that nobody known has signed.
  private var unsigned: [Anchor] = []
  private var foreign: [String] = []
  /// Up to where some mark agreed.
  private var agreed = 0
  /// Up to where one agreed that somebody else holds: the record's own are as good as its key.
  private var agreedElsewhere = 0
  private let db: Database
  private let proofs: [(held: HeldProof, claim: Checkpoint)]

  init(
    _ db: Database, anchors: [Anchor], proofs: [HeldProof], keys: [NoteVerificationKey], origin: String
  ) throws {
    self.db = db
    self.origin = origin
    let trust = Trust(try AuditStore.signers(db), given: keys, origin: origin)
    self.trust = trust
    self.proofs = proofs.compactMap { held in
      trust.claim(of: held.proof.checkpoint).flatMap { $0.origin == origin ? (held, $0) : nil }
    }
    // A place may hold the same checkpoint by itself, and tell when it came there.
    var known = Set(anchors.map { [$0.place, $0.note.text] })
    let anchors = anchors + proofs.map(\.anchor).filter { known.insert([$0.place, $0.note.text]).inserted }
    own = try Row.fetchCursor(db, sql: "SELECT size, time, note FROM checkpoint ORDER BY size")
    for anchor in anchors {
      guard Checkpoint(parsing: anchor.note.text)?.origin == origin else {
        if !foreign.contains(anchor.place) { foreign.append(anchor.place) }
        continue
      }
      if let claim = trust.claim(of: anchor.note) {
        held.append(Held(claim: claim, anchor: anchor))
      } else {
        unsigned.append(anchor)
      }
    }
    held.sort { $0.claim.size > $1.claim.size }
    try advance()
  }

  private mutating func advance() throws {
    nextOwn = try own.next().map { row in
      (try row.at(0), try row.at(1), SignedNote(parsing: [UInt8](try row.at(2) as Blob.Data)))
    }
  }

  /// Compares what was claimed of the log at its size so far.
  mutating func check(_ edge: CompactRange, _ report: inout VerificationReport) throws -> BadEvent? {
    while let mark = held.last, mark.claim.size <= edge.size {
      held.removeLast()
      guard mark.claim.size == edge.size ? mark.claim.root == edge.root : mark.claim.root == .emptyRoot else {
        return try forked(edge.size, "\(mark.anchor.place) holds \(edge.size) events with another root")
      }
      agreed = edge.size
      agreedElsewhere = edge.size
      report.anchors.append(
        CheckedMark(size: mark.claim.size, time: mark.anchor.time, place: mark.anchor.place))
    }
    while let mark = nextOwn, mark.size <= edge.size {
      guard mark.size == edge.size, let note = mark.note, let claim = trust.claim(of: note), claim.origin == origin,
        claim.size == mark.size
      else { return bad(.checkpoint, max(0, mark.size - 1), "no key of this record has signed it") }
      guard claim.root == edge.root else {
        return bad(.checkpoint, agreed, "it or one up to event \(edge.size - 1) is not what was signed")
      }
      agreed = edge.size
      report.checkpoints += 1
      report.newestCheckpoint = CheckedMark(size: mark.size, time: mark.time, place: "the record")
      try advance()
    }
    return nil
  }

  /// What is left when the log has ended.
  mutating func checkEnd(_ edge: CompactRange, _ report: inout VerificationReport) throws -> BadEvent? {
    report.keys = trust.keys
    report.foreign = foreign
    if edge.size == 0, let found = try check(edge, &report) { return found }
    if let mark = held.last {
      return bad(.rolledBack, edge.size, "\(mark.anchor.place) holds \(mark.claim.size) events, here are \(edge.size)")
    }
    if let mark = nextOwn {
      return bad(.truncated, edge.size, "there is a checkpoint of \(mark.size) events")
    }
    if let anchor = unsigned.first {
      return bad(.forked, agreed, "\(anchor.place) is signed by a key that this record does not know")
    }
    return nil
  }

  /// Something that somebody else holds was changed: what the others hold tells where, as far as it does.
  private func forked(_ size: Int, _ detail: String) throws -> BadEvent {
    var narrowing = Narrowing(db, good: agreedElsewhere, bad: size)
    for proof in proofs { try narrowing.take(proof.held, claim: proof.claim) }
    let range = narrowing.range
    guard range.count == 1 else {
      return BadEvent(
        run: nil, sequence: nil, position: range.lowerBound, reason: .forked,
        detail:
          "\(detail); the first that was changed is one of the events \(range.lowerBound) to \(range.upperBound - 1)")
    }
    // What stands there now: its run and number are what was written over it, or the same.
    let event = try Row.fetchOne(
      db, sql: "SELECT position, run, sequence, record, hash FROM event WHERE position = ?",
      arguments: [range.lowerBound]
    ).map { try StoredEvent($0) }
    return BadEvent(
      run: event?.record?.run, sequence: event?.record?.sequence, position: range.lowerBound, reason: .rewritten,
      detail: "\(narrowing.place ?? "what others hold") proves another")
  }

  private func bad(_ reason: BadEvent.Reason, _ position: Int, _ detail: String) -> BadEvent {
    BadEvent(run: nil, sequence: nil, position: position, reason: reason, detail: detail)
  }
}
