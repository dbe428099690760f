public import Git
import Glibc
public import Paths

/// Where a task's code lies: the root that is copied on write, and the project in it that the user named.
public struct CheckoutLocation: Sendable, Hashable {
  /// The real absolute path of the git checkout's root; without git, of the directory itself.
  public let root: [UInt8]
  /// The directory that was named, seen from the root.
  public let project: RepoPath
  /// The repository; nil for a directory without git.
  public let repository: RepositoryLocation?

  /// A location whose parts are known.
  public init(root: [UInt8], project: RepoPath, repository: RepositoryLocation?) {
    self.root = root
    self.project = project
    self.repository = repository
  }

  /// Finds the location for a path as a user gives it, relative to the current directory or absolute.
  ///
  /// A repository that encloses the home directory itself (dotfiles kept in git) does not count for what lies in it.
  /// - Throws: `notFound`, `notADirectory`, `unreadable`, `bareRepository`, `operationInProgress`,
  ///   `unsupportedRepository`, `outside` for a directory that is no project (`/`, a system directory, the home directory).
  public static func resolve(_ path: [UInt8]) throws(WorkspaceError) -> CheckoutLocation {
    let shown = Quoting.quote(path)
    guard !path.isEmpty, !path.contains(0), let real = realPath(path) else {
      if errno == EACCES { throw WorkspaceError(.unreadable, "\(shown) cannot be entered: permission denied") }
      if errno == ENOTDIR { throw WorkspaceError(.notFound, "there is no \(shown): a part of it is a file") }
      throw WorkspaceError(.notFound, "there is no \(shown)")
    }
    let directory = withPath(real) { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard directory >= 0 else {
      if errno == ENOTDIR {
        throw WorkspaceError(.notADirectory, "\(shown) is not a directory", hint: "name the project's directory")
      }
      throw .reading(path)
    }
    close(directory)
    guard withPath(real, { access($0, R_OK | X_OK) }) == 0 else {
      throw WorkspaceError(.unreadable, "\(shown) cannot be read: permission denied")
    }
    try refuseSystemDirectory(real)
    return try locate(real, shown)
  }

  private static func locate(_ real: [UInt8], _ shown: String) throws(WorkspaceError) -> CheckoutLocation {
    let found = try usingGit { () throws(GitError) in try Repository.discover(from: real) }
    guard let found, found.workTree.map({ !isHome($0) || $0 == real }) ?? true else {
      return CheckoutLocation(root: real, project: .root, repository: nil)
    }
    guard let root = found.workTree else {
      if found.gitDirectory.suffix(5) == Array("/.git".utf8)[...] {
        throw WorkspaceError(.outside, "\(shown) is git's own directory", hint: "name the checkout that it belongs to")
      }
      throw WorkspaceError(
        .bareRepository, "\(shown) is a bare repository, without a checkout",
        hint: "clone it, or add a checkout with `git worktree add`")
    }
    let repository = try usingGit { () throws(GitError) in
      let repository = try Repository.open(found)
      _ = try repository.head
      return repository
    }
    if let operation = repository.operationInProgress {
      throw WorkspaceError(
        .operationInProgress(operation), "\(Quoting.quote(root)) is in the middle of a \(operation)",
        hint: "finish it, or end it with `git \(operation) \(operation == "bisect" ? "reset" : "--abort")`")
    }
    let prefix = root == [0x2f] ? root : root + [0x2f]
    let below = real == root ? [] : Array(real.dropFirst(prefix.count))
    guard real == root || real.starts(with: prefix), let project = RepoPath(below) else {
      throw WorkspaceError(.outside, "\(shown) does not lie in the checkout \(Quoting.quote(root))")
    }
    return CheckoutLocation(root: root, project: project, repository: found)
  }

  /// Directories whose copy would be a copy of the system, or of everything the user has.
  private static func refuseSystemDirectory(_ real: [UInt8]) throws(WorkspaceError) {
    let system = [
      "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/boot", "/dev", "/proc", "/sys",
    ]
    let whole = ["/", "/run", "/home", "/root", "/tmp", "/var", "/var/tmp", "/opt", "/srv", "/mnt", "/media"]
    let isSystem = system.contains { real == Array($0.utf8) || real.starts(with: Array("\($0)/".utf8)) }
    guard isSystem || whole.contains(where: { real == Array($0.utf8) }) || isHome(real) else { return }
    throw WorkspaceError(
      .outside, "\(Quoting.quote(real)) is a \(isHome(real) ? "home" : "system") directory, not a project",
      hint: "name the project's own directory")
  }

  private static func isHome(_ real: [UInt8]) -> Bool {
    guard let home = getenv("HOME") else { return false }
    return realPath([UInt8](UnsafeRawBufferPointer(start: home, count: strlen(home)))) == real
  }

  private static func realPath(_ path: [UInt8]) -> [UInt8]? {
    guard let resolved = withPath(path, { realpath($0, nil) }) else { return nil }
    defer { free(resolved) }
    return [UInt8](UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
  }
}

/// Runs a call of room `Git` and gives its failure as this room's.
func usingGit<Result>(_ body: () throws(GitError) -> Result) throws(WorkspaceError) -> Result {
  do throws(GitError) {
    return try body()
  } catch {
    let kind: WorkspaceError.Kind =
      switch error.kind {
      case .notARepository: .notARepository
      case .notFound: .notFound
      case .io: .io(EIO)
      case .tooLarge: .tooLarge
      default: .unsupportedRepository
      }
    throw WorkspaceError(kind, error.message, hint: error.hint)
  }
}
