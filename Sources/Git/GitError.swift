import CLibgit2
import Paths

/// Why an operation on a repository did not happen.
public struct GitError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What callers tell apart.
  public enum Kind: Sendable, Equatable {
    /// No such object, reference, revision or path.
    case notFound
    /// The place is not a repository, or points to one that is not there.
    case notARepository
    /// A repository format that this library cannot read: SHA-256, an unknown extension, another ref store.
    case unsupported
    /// The repository belongs to somebody else.
    case untrustedOwner
    /// An object, index or reference that does not say what it should.
    case corrupt
    /// Something is already there, locked, or changed meanwhile.
    case conflict
    /// An argument that git's rules do not allow.
    case invalid
    /// Larger than the caller allowed.
    case tooLarge
    /// The operating system refused.
    case io
  }

  /// The kind, for code.
  public let kind: Kind
  /// What happened and where, for people; without control characters.
  public let message: String
  /// What to do about it, where there is an answer.
  public let hint: String?

  /// An error of this room or of one that builds on it.
  public init(_ kind: Kind, _ message: String, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.hint = hint
  }

  /// The message, and the hint after it.
  public var description: String { hint.map { "\(message) (\($0))" } ?? message }
}

extension GitError {
  /// The error that libgit2 has just reported on this thread.
  static func last(_ code: Int32, _ doing: String) -> GitError {
    var reason = "libgit2 error \(code)"
    var area = Int32(GIT_ERROR_NONE.rawValue)
    if let error = git_error_last() {
      area = error.pointee.klass
      if let text = error.pointee.message { reason = printable(String(cString: text)) }
    }
    let message = "\(doing): \(reason)"
    if reason.hasPrefix("unsupported extension name") || reason.hasPrefix("unsupported repository version")
      || reason.contains("unsupported mandatory extension")
    {
      return GitError(
        .unsupported, message, hint: "this repository uses a git format that codeagent cannot read yet")
    }
    return GitError(kind(code, area), message)
  }

  private static func kind(_ code: Int32, _ area: Int32) -> Kind {
    switch git_error_code(code) {
    case GIT_ENOTFOUND, GIT_EUNBORNBRANCH: return .notFound
    case GIT_EEXISTS, GIT_ECONFLICT, GIT_ELOCKED, GIT_EMODIFIED, GIT_EUNMERGED: return .conflict
    case GIT_EAMBIGUOUS, GIT_EINVALIDSPEC, GIT_EPEEL, GIT_EINVALID: return .invalid
    case GIT_EOWNER: return .untrustedOwner
    default: break
    }
    switch git_error_t(UInt32(bitPattern: area)) {
    case GIT_ERROR_OS, GIT_ERROR_NOMEMORY, GIT_ERROR_FILESYSTEM: return .io
    case GIT_ERROR_INVALID: return .invalid
    default: return .corrupt
    }
  }

  /// Text for a message: control characters, which a hostile path may carry, are escaped.
  static func printable(_ text: String) -> String {
    let quoted = Quoting.quote(Array(text.utf8))
    guard quoted.utf8.first == 0x22, !text.utf8.contains(0x22) else { return quoted }
    return String(decoding: quoted.utf8.dropFirst().dropLast(), as: UTF8.self)
  }

  /// A path for a message.
  static func name(_ path: [UInt8]) -> String { Quoting.quote(path) }
}

/// Throws what libgit2 reported, at once, since the next call on this thread replaces it.
func check(_ code: Int32, _ doing: @autoclosure () -> String) throws(GitError) {
  if code < 0 { throw GitError.last(code, doing()) }
}
