import AuditTrail
import Git
import HTTPTransport
import JSON
import Paths
import TransparencyLog

/// Where checkpoints of the record are kept beside it: a file, the notes of commits, witnesses.
struct AnchorPlaces {
  /// The reference of the notes on delivered commits.
  static let notes = "refs/notes/codeagent"

  private let assembly: Assembly
  private let store: AuditStore

  init(_ assembly: Assembly, _ store: AuditStore) {
    self.assembly = assembly
    self.store = store
  }

  // MARK: Reading

  /// What others hold of the record.
  struct Held {
    var anchors: [Anchor] = []
    /// The proofs in receipts.
    var proofs: [HeldProof] = []
    /// Who could not be asked, and why.
    var unreachable: [String] = []
  }

  /// What all known places hold, and those that could not be asked.
  /// - Parameter isOffline: files only: no repository, no witness.
  func read(isOffline: Bool) async -> Held {
    var held = Held()
    let known = (try? store.anchors()) ?? []
    var files = Set(known.filter { $0.kind == "file" }.map(\.place))
    if let file = assembly.settings.audit.anchorFile(assembly.environment) { files.insert(file) }
    for file in files.sorted() {
      do throws(AuditError) {
        let times = Dictionary(known.filter { $0.place == file }.map { ($0.size, $0.time) }, uniquingKeysWith: max)
        held.anchors += try Anchor.read(file: file).map { anchor in
          let size = Checkpoint(parsing: anchor.note.text)?.size
          return Anchor(anchor.note, from: anchor.place, time: size.flatMap { times[$0] } ?? anchor.time)
        }
      } catch {
        held.unreachable.append(error.message)
      }
    }
    if isOffline { return held }
    for anchor in known where anchor.kind == "git" {
      guard let (repository, commit) = Self.parse(anchor.place) else { continue }
      do throws(GitError) {
        guard let place = try Repository.discover(from: repository) else { continue }
        let text = try Repository.open(place).note(on: commit, in: Self.notes) ?? []
        let noted = "the note on commit \(commit.hex.prefix(12))"
        held.anchors += NoteCollection.notes(in: text).map { Anchor($0, from: noted, time: anchor.time) }
        held.proofs += HeldProof.read(text, from: noted)
      } catch {
        held.unreachable.append("the note on \(commit.hex.prefix(12)): \(error.message)")
      }
    }
    for witness in assembly.settings.audit.witnesses {
      do {
        guard let note = try await WitnessClient(witness).newest(of: store.origin) else { continue }
        held.anchors.append(
          Anchor(
            note, from: "the witness \(witness.key.name)",
            time: note.time(by: witness.key).map { Int64(clamping: $0) &* 1_000_000_000 }))
      } catch {
        held.unreachable.append("the witness \(witness.key.name): \(error)")
      }
    }
    return held
  }

  private static func parse(_ place: String) -> ([UInt8], ObjectID)? {
    guard let space = place.lastIndex(of: " "), let root = Quoting.unquote(String(place[..<space])),
      let commit = ObjectID(hex: String(place[place.index(after: space)...]))
    else { return nil }
    return (root, commit)
  }

  // MARK: Writing

  /// Puts a checkpoint into all configured places. Returns sentences of what was done, and of what failed.
  func publish(_ checkpoint: StoredCheckpoint) async -> (done: [String], failed: [String]) {
    var done: [String] = []
    var failed: [String] = []
    if let file = assembly.settings.audit.anchorFile(assembly.environment) {
      do throws(AuditError) {
        try store.appendAnchor(checkpoint.note, to: file)
        done.append("\(checkpoint.size) events anchored in \(file)")
      } catch {
        failed.append(error.message)
      }
    }
    for witness in assembly.settings.audit.witnesses {
      do {
        let note = try await WitnessClient(witness).submit(checkpoint, of: store)
        try store.recordAnchor(note, kind: "witness", place: witness.url)
        done.append("\(checkpoint.size) events witnessed by \(witness.key.name)")
      } catch {
        failed.append("the witness \(witness.key.name) did not sign: \(error)")
      }
    }
    return (done, failed)
  }

  /// Puts a checkpoint, and the run's receipt, into the note on a delivered commit.
  func note(_ checkpoint: StoredCheckpoint, receipt: Envelope?, on commit: ObjectID, in root: [UInt8]) throws {
    guard let place = try Repository.discover(from: root) else { return }
    var text = String(decoding: checkpoint.note.bytes, as: UTF8.self)
    if let receipt { text += "\n" + receipt.json.text + "\n" }
    try Repository.open(place).setNote(
      text, on: commit, in: Self.notes,
      author: Signature(
        name: "codeagent", email: "codeagent@localhost", time: UTCTime.now() / 1_000_000_000))
    try store.recordAnchor(checkpoint.note, kind: "git", place: "\(Quoting.quote(root)) \(commit.hex)")
  }
}

/// Asks a witness (C2SP `tlog-witness`).
struct WitnessClient {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private let address: AuditSettings.WitnessAddress
  private let client = HTTPClient()

  init(_ address: AuditSettings.WitnessAddress) { self.address = address }

  /// The last note that the witness signed; nil when it knows none.
  func newest(of origin: String) async throws -> SignedNote? {
    let (status, body) = try await ask("GET", "/checkpoint/\(WitnessService.name(of: origin))", [])
    if status == 404 { return nil }
    guard status == 200, let note = SignedNote(parsing: body), note.verify(with: [address.key]) != nil else {
      throw Failure(description: "it answers what it has not signed (HTTP \(status))")
    }
    return note
  }

  /// Has a checkpoint signed. The witness may have seen less, or more, than this record believes: it says so, and is asked again
  /// with the proof from there.
  func submit(_ checkpoint: StoredCheckpoint, of store: AuditStore) async throws -> SignedNote {
    var old = try store.anchors().first { $0.kind == "witness" && $0.place == address.url }?.size ?? 0
    for _ in 0..<2 {
      guard let proof = try store.consistencyProof(from: old, to: checkpoint.size) else {
        throw Failure(
          description:
            "it holds \(old) events and the record has \(checkpoint.size): the record was put back to an older state")
      }
      let request = WitnessRequest(oldSize: old, proof: proof, checkpoint: checkpoint.note)
      let (status, body) = try await ask("POST", "/add-checkpoint", request.bytes)
      let text = String(decoding: body, as: UTF8.self).trimmingWhitespace
      switch status {
      case 200:
        var note = checkpoint.note
        note.add(
          text.split(separator: "\n").compactMap { SignedNote.Signature(line: $0) })
        guard note.verify(with: [address.key]) != nil else { throw Failure(description: "its signature does not hold") }
        return note
      case 409:
        guard let size = Int(text), size != old else { throw Failure(description: "it contradicts itself") }
        old = size
      case 422: throw Failure(description: "it saw another history of this record: there are two")
      case 403, 404: throw Failure(description: "it does not know this record's key: add it there with --log")
      default: throw Failure(description: "HTTP \(status) \(Display.line(text, width: 80))")
      }
    }
    throw Failure(description: "it changes faster than it can be asked")
  }

  private func ask(_ method: String, _ path: String, _ body: [UInt8]) async throws -> (Int, [UInt8]) {
    let response = try await client.send(
      HTTPRequest(
        method: method, url: address.url + path,
        headers: ["User-Agent": "codeagent/\(Codeagent.version)", "Content-Type": "text/plain"],
        body: body.isEmpty ? [] : [body],
        timeouts: HTTPTimeouts(connect: .seconds(5), idle: .seconds(10), total: .seconds(20)),
        maximumResponseBytes: 1 << 20))
    return (response.status, try await response.body.collect(upTo: 1 << 20))
  }
}
