import GRDB
import Glibc

/// Why the record cannot be used: what happened, where, and what to do. Without a record there is no run: exit code 8.
public struct AuditError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of trouble it is.
  public enum Kind: String, Sendable, Hashable {
    /// The directory or a file in it cannot be created or written.
    case unwritable
    /// There is no room left.
    case diskFull
    /// Another process kept the record locked for longer than was waited.
    case busy
    /// The record, or what it says about itself, is not what was written.
    case damaged
    /// The record was written by a newer version.
    case newerSchema
    /// The file is a database of something else.
    case notARecord
    /// The run is being written by a living process.
    case runIsLive
    /// There is no such run, event or record.
    case unknown
    /// Several runs have that name's beginning.
    case ambiguous
    /// The event cannot be written down: see the message.
    case unrecordable
    /// The disk failed; what was last written may or may not be there.
    case inputOutput
  }

  /// What kind of trouble it is.
  public let kind: Kind
  /// One sentence: what happened, and where.
  public let message: String
  /// What to do about it; nil when there is nothing to advise.
  public let hint: String?

  /// An error.
  public init(_ kind: Kind, _ message: String, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.hint = hint
  }

  /// Message and hint.
  public var description: String { hint.map { "\(message) (\($0))" } ?? message }

  /// True when nothing more can be trusted to reach the disk.
  var isFinal: Bool { kind == .inputOutput || kind == .damaged }
}

extension AuditError {
  /// What SQLite's answer means for the record at `place`.
  init(_ error: any Error, at place: String, doing action: String) {
    if error is RowDecodingError {
      self.init(
        .damaged, "the record in \(place) is damaged: a row cannot be read",
        hint: "look at it with `codeagent audit verify`; move the directory away to begin a new record")
      return
    }
    guard let error = error as? DatabaseError else {
      self = error as? AuditError ?? AuditError(.inputOutput, "the record in \(place) cannot be \(action): \(error)")
      return
    }
    let detail = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
    switch error.resultCode {
    case .SQLITE_FULL: self = .diskFull(place)
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      self.init(
        .busy, "the record in \(place) is locked by another process",
        hint: "wait for it to finish; `fuser \(place)/record.db` names it")
    case .SQLITE_CORRUPT, .SQLITE_NOTADB:
      self.init(
        .damaged, "the record in \(place) is damaged: \(detail)",
        hint: "look at it with `codeagent audit verify`; move the directory away to begin a new record")
    case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
      self.init(
        .unwritable, "the record in \(place) cannot be \(action): \(detail)",
        hint: "make the directory writable, or set XDG_STATE_HOME to one that is")
    case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_SHMSIZE:
      self = .diskFull(place)
    case .SQLITE_TOOBIG:
      self.init(.unrecordable, "an event or its content is too large for the record in \(place)")
    default:
      self.init(
        .inputOutput, "the record in \(place) cannot be \(action): \(detail)",
        hint: "check the disk, then resume the run"
      )
    }
  }

  static func diskFull(_ place: String) -> AuditError {
    AuditError(
      .diskFull, "there is no room left for the record in \(place)",
      hint: "free some space on that disk, then `codeagent runs resume`")
  }

  /// What a failed system call means.
  static func system(_ code: Int32, _ action: String, _ place: String) -> AuditError {
    switch code {
    case ENOSPC, EDQUOT: return .diskFull(place)
    default:
      let reason = String(cString: strerror(code))
      return AuditError(
        code == EIO ? .inputOutput : .unwritable, "the record in \(place) cannot be \(action): \(reason)",
        hint: "make the directory writable, or set XDG_STATE_HOME to one that is")
    }
  }
}
