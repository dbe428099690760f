import GRDB
import Glibc
public import TransparencyLog

/// A checkpoint of this record that somebody else holds: what the record cannot take back.
public struct Anchor: Sendable, Hashable {
  /// The signed checkpoint.
  public let note: SignedNote
  /// Where it is kept, for people: a file, a commit, a witness.
  public let place: String
  /// When it was put there, in nanoseconds since 1970; nil when that is not known.
  public let time: Int64?

  /// A checkpoint from elsewhere.
  public init(_ note: SignedNote, from place: String, time: Int64? = nil) {
    self.note = note
    self.place = place
    self.time = time
  }

  /// All checkpoints in a file: notes one after another, or the lines that go to CI logs.
  /// - Throws: ``AuditError`` when it cannot be read.
  public static func read(file: String) throws(AuditError) -> [Anchor] {
    var status = stat()
    let descriptor = Glibc.open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
      let code = errno
      if descriptor >= 0 { close(descriptor) }
      throw AuditError(.unknown, "\(printable(file)) cannot be read: \(String(cString: strerror(code)))")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count < 256 << 20 {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { break }
      bytes += buffer[..<count]
    }
    let modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    let notes = NoteCollection.notes(in: bytes)
    return notes.enumerated().map { index, note in
      Anchor(note, from: printable(file), time: index == notes.count - 1 ? modified : nil)
    }
  }

  private static func printable(_ name: String) -> String {
    String(decoding: name.utf8.map { $0 < 0x20 || $0 == 0x7f ? 0x3f : $0 }, as: UTF8.self)
  }
}

/// An anchor that this machine has put somewhere.
public struct AnchorRecord: Sendable, Hashable {
  /// How it is kept: `file`, `git`, `witness`, `line`.
  public let kind: String
  /// Where.
  public let place: String
  /// The number of events that it holds fast.
  public let size: Int
  /// When, in nanoseconds since 1970.
  public let time: Int64
  /// The note, with a witness's signature where there is one.
  public let note: SignedNote
}

extension AuditStore {
  /// Remembers that a checkpoint was put somewhere else.
  public func recordAnchor(
    _ note: SignedNote, kind: String, place: String
  ) throws(AuditError) {
    guard let claim = Checkpoint(parsing: note.text), claim.origin == origin else {
      throw AuditError(.unknown, "that is no checkpoint of this record")
    }
    let bytes = note.bytes
    try commit { db, _ in
      try db.execute(
        sql: "INSERT INTO anchor (size, time, kind, place, note) VALUES (?, ?, ?, ?, ?)",
        arguments: [claim.size, Clock.wallTime(), kind, place, Blob.data(bytes)])
    }
  }

  /// The anchors that this machine has put somewhere, the newest first.
  public func anchors(limit: Int = 1000) throws(AuditError) -> [AnchorRecord] {
    try read { db in
      try Row.fetchAll(
        db, sql: "SELECT kind, place, size, time, note FROM anchor ORDER BY size DESC, number DESC LIMIT ?",
        arguments: [limit]
      ).compactMap { row in
        try SignedNote(parsing: [UInt8](row.at(4) as Blob.Data)).map {
          AnchorRecord(kind: try row.at(0), place: try row.at(1), size: try row.at(2), time: try row.at(3), note: $0)
        }
      }
    }
  }

  /// Appends a checkpoint to a file that only grows, durably.
  public func appendAnchor(_ note: SignedNote, to file: String) throws(AuditError) {
    let descriptor = Glibc.open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .anchor(file) }
    defer { close(descriptor) }
    // One write, so that the notes of several processes do not mix.
    let bytes = note.bytes + [0x0a]
    let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    guard count == bytes.count, fsync(descriptor) == 0 else { throw .anchor(file) }
    try recordAnchor(note, kind: "file", place: file)
  }
}

extension AuditError {
  fileprivate static func anchor(_ file: String) -> AuditError {
    AuditError(
      .unwritable, "the anchor file \(file) cannot be written: \(String(cString: strerror(errno)))",
      hint: "name another file, or make it writable for appending")
  }
}
