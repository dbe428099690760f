import CLibgit2
import Glibc

/// Where a repository's parts lie; all paths are absolute, without a final slash. Passed between threads, where a
/// ``Repository`` may not.
public struct RepositoryLocation: Sendable, Hashable {
  /// The checkout's root; nil for a bare repository.
  public let workTree: [UInt8]?
  /// Holds HEAD and the index of this checkout.
  public let gitDirectory: [UInt8]
  /// Holds objects, references and configuration; the same as ``gitDirectory`` but in a linked worktree.
  public let commonDirectory: [UInt8]
  /// True for a checkout made by `git worktree add`.
  public let isLinkedWorktree: Bool
  /// True for a submodule whose git directory lies in its superproject's.
  public let isSubmodule: Bool

  /// True when there is no checkout.
  public var isBare: Bool { workTree == nil }

  /// The directory with the objects: what another store names as its alternate.
  public var objectsDirectory: [UInt8] { FileSystem.join(commonDirectory, "objects") }
}

extension RepositoryLocation {
  /// Finds the repository that holds `start` by git's own search: each directory upwards, `.git` (directory or file)
  /// before the directory itself as a bare repository, not past a mount point.
  static func discover(from start: [UInt8]) throws(GitError) -> RepositoryLocation? {
    guard start.first == 0x2f else { throw GitError(.invalid, "not an absolute path: \(GitError.name(start))") }
    guard !start.contains(0), var directory = FileSystem.resolve(start) else {
      throw GitError(.notFound, "no such directory: \(GitError.name(start))")
    }
    if !FileSystem.isDirectory(directory) { directory = parent(directory) }
    let device = FileSystem.status(directory)?.st_dev
    while true {
      if let found = try inspect(directory) { return found }
      if directory == [0x2f] { return nil }
      directory = parent(directory)
      if FileSystem.status(directory)?.st_dev != device { return nil }
    }
  }

  private static func inspect(_ directory: [UInt8]) throws(GitError) -> RepositoryLocation? {
    let dotGit = FileSystem.join(directory, ".git")
    switch FileSystem.status(dotGit, followLinks: true).map({ $0.st_mode & S_IFMT }) {
    case S_IFDIR:
      let gitDirectory = FileSystem.resolve(dotGit) ?? dotGit
      if let common = commonDirectory(of: gitDirectory) {
        return make(workTree: directory, gitDirectory, common, fromFile: false)
      }
    case S_IFREG:
      let gitDirectory = try followGitFile(dotGit, in: directory)
      guard let common = commonDirectory(of: gitDirectory) else {
        throw GitError(
          .notARepository, "\(GitError.name(dotGit)) points to \(GitError.name(gitDirectory)), which is no repository",
          hint: "a linked worktree or submodule whose repository was moved? `git worktree repair` may help")
      }
      return make(workTree: directory, gitDirectory, common, fromFile: true)
    default: break
    }
    guard let common = commonDirectory(of: directory) else { return nil }
    return make(workTree: nil, directory, common, fromFile: false)
  }

  private static func make(
    workTree: [UInt8]?, _ gitDirectory: [UInt8], _ common: [UInt8], fromFile: Bool
  ) -> RepositoryLocation {
    let isLinked = common != gitDirectory
    let isModule = fromFile && !isLinked && gitDirectory.split(separator: 0x2f).contains(Array("modules".utf8)[...])
    // A linked worktree has a checkout even when the main repository is bare.
    let isBare = !isLinked && isConfiguredBare(gitDirectory)
    return RepositoryLocation(
      workTree: isBare ? nil : workTree, gitDirectory: gitDirectory, commonDirectory: common,
      isLinkedWorktree: isLinked, isSubmodule: isModule)
  }

  /// Reads `gitdir: PATH`, relative to the directory that holds the file.
  private static func followGitFile(_ file: [UInt8], in directory: [UInt8]) throws(GitError) -> [UInt8] {
    let prefix = Array("gitdir: ".utf8)
    guard let content = FileSystem.read(file, limit: 1 << 16, followLinks: true), content.starts(with: prefix) else {
      throw GitError(.notARepository, "\(GitError.name(file)) is neither a directory nor a `gitdir:` file")
    }
    let target = trimmed(content[prefix.count...])
    let path = target.first == 0x2f ? target : FileSystem.join(directory, target)
    return FileSystem.resolve(path) ?? path
  }

  /// The common directory of what looks like a git directory (HEAD, objects, refs); nil for anything else.
  private static func commonDirectory(of gitDirectory: [UInt8]) -> [UInt8]? {
    guard FileSystem.exists(FileSystem.join(gitDirectory, "HEAD")) else { return nil }
    var common = gitDirectory
    if let content = FileSystem.read(FileSystem.join(gitDirectory, "commondir"), limit: 1 << 16) {
      let target = trimmed(content[...])
      let path = target.first == 0x2f ? target : FileSystem.join(gitDirectory, target)
      guard let resolved = FileSystem.resolve(path) else { return nil }
      common = resolved
    }
    guard FileSystem.isDirectory(FileSystem.join(common, "objects")),
      FileSystem.isDirectory(FileSystem.join(common, "refs"))
    else { return nil }
    return common
  }

  /// `core.bare` of the repository's own configuration, `config.worktree` before `config`.
  private static func isConfiguredBare(_ gitDirectory: [UInt8]) -> Bool {
    guard (try? Library.start()) != nil else { return false }
    if let value = flag("core.bare", in: FileSystem.join(gitDirectory, "config.worktree")),
      flag("extensions.worktreeconfig", in: FileSystem.join(gitDirectory, "config")) == true
    {
      return value
    }
    return flag("core.bare", in: FileSystem.join(gitDirectory, "config")) ?? false
  }

  private static func flag(_ name: String, in file: [UInt8]) -> Bool? {
    guard FileSystem.exists(file),
      let configuration = try? Handle(
        "cannot read configuration", free: git_config_free,
        { pointer in FileSystem.terminated(file) { git_config_open_ondisk(&pointer, $0) } })
    else { return nil }
    var value: Int32 = 0
    return git_config_get_bool(&value, configuration.pointer, name) == 0 ? value != 0 : nil
  }

  private static func parent(_ path: [UInt8]) -> [UInt8] {
    guard let slash = path.lastIndex(of: 0x2f), slash > 0 else { return [0x2f] }
    return Array(path[..<slash])
  }

  private static func trimmed(_ line: ArraySlice<UInt8>) -> [UInt8] {
    var end = line.endIndex
    while end > line.startIndex, line[end - 1] == 0x0a || line[end - 1] == 0x0d { end -= 1 }
    return Array(line[line.startIndex..<end])
  }
}

extension RepositoryLocation {
  /// Refuses a repository that somebody else owns: its configuration and objects would be theirs to change.
  ///
  /// The rule is git's: the checkout, its `.git` and the git directories must belong to the effective user; root under
  /// sudo also accepts the user who called sudo.
  func checkOwner() throws(GitError) {
    let user = geteuid()
    var trusted = [user]
    if user == 0, let text = getenv("SUDO_UID"), let caller = UInt32(String(cString: text)) { trusted.append(caller) }
    var paths = [gitDirectory]
    if let workTree { paths += [workTree, FileSystem.join(workTree, ".git")] }
    if commonDirectory != gitDirectory { paths.append(commonDirectory) }
    for path in paths {
      guard let status = FileSystem.status(path), !trusted.contains(status.st_uid) else { continue }
      throw GitError(
        .untrustedOwner,
        "\(GitError.name(path)) belongs to user id \(status.st_uid), and this process runs as \(user)",
        hint: "work as its owner, or change the owner with chown")
    }
  }
}
