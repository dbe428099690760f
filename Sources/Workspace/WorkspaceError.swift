import Glibc
public import Paths

/// Why something about a workspace could not be done: one clear sentence, and what can be done about it.
public struct WorkspaceError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure it is, for exit codes and for code that reacts.
  public let kind: Kind
  /// One sentence that names what happened and where. Paths in it are quoted.
  public let message: String
  /// What to do about it; nil when nothing can be said.
  public let hint: String?

  /// The kinds of failure.
  public enum Kind: Sendable, Hashable {
    /// There is nothing at the path.
    case notFound
    /// A directory was wanted.
    case notADirectory
    /// A file was wanted and something else is there: a directory, a FIFO, a socket, a device.
    case notAFile
    /// The repository has no checkout.
    case bareRepository
    /// The repository is in the middle of the named operation: a merge, a rebase.
    case operationInProgress(String)
    /// The repository cannot be read by this program: its format, its owner, damage.
    case unsupportedRepository
    /// There is no git repository where one is needed.
    case notARepository
    /// No sandbox can be had, so no command can run.
    case sandboxUnavailable
    /// The checkout changed meanwhile, or the change does not fit on it: these paths, and nothing was written.
    case conflict([RepoPath])
    /// The branch to be made exists.
    case branchExists
    /// The disk or the quota is full.
    case noSpace
    /// Writing is not permitted.
    case notWritable
    /// Reading is not permitted.
    case unreadable
    /// The path leads out of the workspace, through a symbolic link, or to a name that is never touched.
    case outside
    /// The path is hidden from this run.
    case masked
    /// A file or a change is larger than what is handled.
    case tooLarge
    /// Another process works with this storage.
    case locked
    /// No snapshot of that name is stored.
    case unknownSnapshot
    /// Stored state does not fit together.
    case damaged
    /// Any other refusal of the operating system, with its number.
    case io(Int32)
  }

  /// A failure in words.
  public init(_ kind: Kind, _ message: String, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.hint = hint
  }

  /// The message, and the hint after it.
  public var description: String { hint.map { "\(message). \($0)" } ?? message }
}

extension WorkspaceError {
  /// The failure of a system call that reads.
  static func reading(_ subject: [UInt8], _ code: Int32 = errno) -> WorkspaceError {
    let kind: Kind =
      switch code {
      case ENOENT: .notFound
      case ENOTDIR: .notADirectory
      case ELOOP: .outside
      case EACCES, EPERM: .unreadable
      default: .io(code)
      }
    return WorkspaceError(kind, "cannot read \(Quoting.quote(subject)): \(reason(code))")
  }

  /// The failure of a system call that writes.
  static func writing(_ subject: [UInt8], _ code: Int32 = errno) -> WorkspaceError {
    let kind: Kind =
      switch code {
      case ENOSPC, EDQUOT: .noSpace
      case EACCES, EPERM, EROFS: .notWritable
      case ENOTDIR: .notADirectory
      case ENOENT: .notFound
      case ELOOP: .outside
      case EISDIR: .notAFile
      case EFBIG, ENAMETOOLONG: .tooLarge
      default: .io(code)
      }
    return WorkspaceError(kind, "cannot write \(Quoting.quote(subject)): \(reason(code))")
  }

  private static func reason(_ code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 128)
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    return buffer.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } } ?? "error \(code)"
  }
}
