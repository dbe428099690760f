import Crypto
import Glibc
import Synchronization
public import TransparencyLog

/// What a witness answers to HTTP requests (C2SP `tlog-witness`), and where it remembers what it has signed: a directory
/// with one file for each log.
///
/// `POST /add-checkpoint` takes a request and answers with a signature line; `GET /checkpoint/<SHA-256 of the origin, hex>` gives
/// the note that was signed last.
public final class WitnessService: Sendable {
  /// An answer.
  public struct Response: Sendable, Hashable {
    /// The status of HTTP.
    public var status: Int
    /// Its type.
    public var type: String
    /// The body.
    public var body: [UInt8]
  }

  /// What decides.
  public let witness: Witness
  private let directory: String
  /// One request at a time: two must not both go on from one memory.
  private let turn = Mutex(())

  /// A service that remembers in a directory, which exists.
  public init(_ witness: Witness, directory: String) {
    self.witness = witness
    self.directory = directory
  }

  /// The name by which an origin is asked for.
  public static func name(of origin: String) -> String { Hash.hex(SHA256.hash(data: Array(origin.utf8))) }

  /// Answers a request.
  /// - Parameter time: seconds since 1970.
  public func respond(_ method: String, _ target: String, _ body: [UInt8], time: UInt64) -> Response {
    switch (method, target) {
    case ("POST", "/add-checkpoint"): return turn.withLock { _ in add(body, time) }
    case ("GET", _) where target.hasPrefix("/checkpoint/"):
      let name = String(target.dropFirst(12))
      guard name.utf8.count == 64, name.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
        let note = read(name)
      else { return text(404, "no such log\n") }
      return Response(status: 200, type: "text/plain; charset=utf-8", body: note.bytes)
    case (_, "/add-checkpoint"): return text(405, "POST only\n")
    default: return text(404, "POST /add-checkpoint, GET /checkpoint/<sha256 of the origin>\n")
    }
  }

  private func add(_ body: [UInt8], _ time: UInt64) -> Response {
    guard let request = WitnessRequest(parsing: body), let claim = Checkpoint(parsing: request.checkpoint.text) else {
      return text(400, "malformed\n")
    }
    let name = Self.name(of: claim.origin)
    var memory = read(name).flatMap { note in
      Checkpoint(parsing: note.text).map { Witness.Memory(checkpoint: $0, keys: witness.logs) }
    }
    guard let answer = try? witness.answer(request, memory: &memory, time: time) else {
      return text(500, "no signature\n")
    }
    switch answer {
    case .cosigned(let signature):
      var note = request.checkpoint
      note.add([signature])
      // Remembered before it is answered: a witness that forgets signs two histories.
      guard write(note, name) else { return text(500, "cannot remember\n") }
      return text(200, signature.line + "\n")
    case .conflict(let size):
      return Response(status: 409, type: "text/x.tlog.size", body: Array("\(size)\n".utf8))
    default: return text(answer.status, "\(answer)\n")
    }
  }

  private func text(_ status: Int, _ text: String) -> Response {
    Response(status: status, type: "text/plain; charset=utf-8", body: Array(text.utf8))
  }

  private func read(_ name: String) -> SignedNote? {
    let file = open("\(directory)/\(name).note", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 17)
    let count = Glibc.read(file, &bytes, bytes.count)
    return count > 0 ? SignedNote(parsing: Array(bytes[..<count])) : nil
  }

  private func write(_ note: SignedNote, _ name: String) -> Bool {
    let temporary = "\(directory)/\(name).\(getpid()).new"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { return false }
    let bytes = note.bytes
    let isWhole =
      bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) } == bytes.count && fsync(file) == 0
    close(file)
    guard isWhole, rename(temporary, "\(directory)/\(name).note") == 0 else {
      unlink(temporary)
      return false
    }
    let place = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { if place >= 0 { close(place) } }
    return place >= 0 && fsync(place) == 0
  }
}
