import CLibgit2
import Glibc
public import Paths

/// One path at which the checkout differs from HEAD.
public struct StatusEntry: Sendable, Hashable {
  /// How it differs.
  public enum Change: Sendable, Hashable {
    /// Not in HEAD, but in the index.
    case added
    /// Content, mode or type differ.
    case modified
    /// In HEAD, and gone.
    case deleted
    /// Neither in HEAD nor in the index, and not ignored.
    case untracked
    /// The index holds an unfinished merge of it.
    case conflicted
  }

  /// Which path.
  public let path: RepoPath
  /// How it differs.
  public let change: Change
}

extension Repository {
  /// Where the checkout differs from HEAD, in path order: staged or not, and what is untracked and not ignored.
  ///
  /// Files are listed, not directories; the insides of submodules and other nested repositories are not looked at.
  /// A file whose size and time are those of the index is not read. A file that was only taken out of the index is
  /// listed twice, as git does: as deleted and as untracked.
  /// - Parameter limit: the most entries to return; looking stops there.
  /// - Throws: ``GitError``: `invalid` for a bare repository; `corrupt`, `unsupported`.
  public func status(limit: Int = .max) throws(GitError) -> [StatusEntry] {
    try status(of: indexEntries(), limit: limit)
  }

  func status(of entries: [IndexEntry], limit: Int) throws(GitError) -> [StatusEntry] {
    guard let workTree = location.workTree else { throw GitError(.invalid, "a bare repository has no checkout") }
    var committed: [RepoPath: TreeChange.Content] = [:]
    if let commit = try head.commit {
      do {
        try walkTree(tree(of: commit)) { committed[$0] = .init(mode: $1, id: $2) }
      } catch let error as GitError {
        throw error
      } catch {
        throw GitError(.corrupt, "cannot read HEAD's tree")
      }
    }
    let stampOfIndex = FileSystem.status(FileSystem.join(location.gitDirectory, "index")).map { FileTime($0) }
    var result: [StatusEntry] = []
    var tracked: Set<RepoPath> = []
    var trackedDirectories: Set<RepoPath> = []
    tracked.reserveCapacity(entries.count)
    var directories = RealDirectories(workTree: workTree)
    for entry in entries {
      guard tracked.insert(entry.path).inserted else { continue }
      var directory = entry.path.parent
      while let current = directory, trackedDirectories.insert(current).inserted { directory = current.parent }
      let before = committed.removeValue(forKey: entry.path)
      let change: StatusEntry.Change?
      if entry.isConflicted {
        change = .conflicted
      } else {
        // What lies behind a link that took a directory's place is not the checkout's.
        let isThere = entry.path.parent.map { directories.contains($0) } ?? false
        let now = isThere || entry.isSkipped ? current(entry, in: workTree, stampOfIndex) : nil
        change = Self.change(from: before, to: now)
      }
      if let change { result.append(StatusEntry(path: entry.path, change: change)) }
      if result.count >= limit { break }
    }
    // What HEAD has and the index has not was removed from the index; on disk it may live on, untracked.
    for path in committed.keys where !tracked.contains(path) {
      result.append(StatusEntry(path: path, change: .deleted))
    }
    if result.count < limit {
      let search = UntrackedSearch(
        workTree: workTree, rules: ignoreRules(), tracked: tracked, directories: trackedDirectories)
      search.run(limit: limit - result.count) { result.append(StatusEntry(path: $0, change: .untracked)) }
    }
    result.sort { $0.path < $1.path }
    return result.count > limit ? Array(result.prefix(limit)) : result
  }

  private static func change(
    from before: TreeChange.Content?, to now: TreeChange.Content?
  ) -> StatusEntry.Change? {
    switch (before, now) {
    case (nil, nil): nil
    case (nil, _): .added
    case (_, nil): .deleted
    default: before == now ? nil : .modified
    }
  }

  /// What the checkout has where the index has `entry`; nil when it is gone.
  private func current(_ entry: IndexEntry, in workTree: [UInt8], _ index: FileTime?) -> TreeChange.Content? {
    let staged = TreeChange.Content(mode: entry.mode, id: entry.id)
    if entry.isAssumedUnchanged || entry.mode == .submodule { return staged }
    let path = FileSystem.join(workTree, entry.path.bytes)
    guard let status = FileSystem.status(path) else { return entry.isSkipped ? staged : nil }
    let mode: FileMode
    if status.isLink {
      mode = .symlink
    } else if status.isRegularFile {
      mode = status.st_mode & S_IXUSR != 0 ? .executable : .regular
    } else {
      return nil
    }
    let time = FileTime(status)
    let isSame =
      entry.stamp.size == UInt32(truncatingIfNeeded: status.st_size)
      && entry.stamp.seconds == Int32(truncatingIfNeeded: time.seconds)
      && (entry.stamp.nanoseconds == 0 || entry.stamp.nanoseconds == UInt32(truncatingIfNeeded: time.nanoseconds))
      && entry.stamp.inode == UInt32(truncatingIfNeeded: status.st_ino)
    // A file changed in the moment in which the index was written has the same stamp: it has to be read.
    if isSame, let index, time < index { return TreeChange.Content(mode: mode, id: entry.id) }
    return TreeChange.Content(mode: mode, id: hash(path, entry.path, mode) ?? entry.id)
  }

  /// The id that the file would be stored under, line endings converted as the repository's attributes say.
  private func hash(_ path: [UInt8], _ name: RepoPath, _ mode: FileMode) -> ObjectID? {
    if mode == .symlink { return FileSystem.readLink(path).map { BlobHash.id(of: $0) } }
    let all = repository.pointer
    var oid = git_oid()
    let code = FileSystem.terminated(path) { path in
      FileSystem.terminated(name.bytes) { git_repository_hashfile(&oid, all, path, GIT_OBJECT_BLOB, $0) }
    }
    return code == 0 ? ObjectID(oid) : nil
  }
}

/// A time stamp of a file.
private struct FileTime: Comparable {
  let seconds: Int
  let nanoseconds: Int

  init(_ status: stat) {
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
  }

  static func < (left: FileTime, right: FileTime) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }
}

/// Which directories of a checkout are directories, and not behind a link.
private struct RealDirectories {
  let workTree: [UInt8]
  private var known: [RepoPath: Bool] = [.root: true]

  init(workTree: [UInt8]) { self.workTree = workTree }

  mutating func contains(_ directory: RepoPath) -> Bool {
    if let known = known[directory] { return known }
    let isParentReal = directory.parent.map { contains($0) } ?? true
    let isReal =
      isParentReal && FileSystem.status(FileSystem.join(workTree, directory.bytes))?.isDirectory ?? false
    known[directory] = isReal
    return isReal
  }
}

/// Walks a checkout for files that are neither tracked nor ignored.
private struct UntrackedSearch {
  let workTree: [UInt8]
  let rules: IgnoreRules
  let tracked: Set<RepoPath>
  let directories: Set<RepoPath>

  func run(limit: Int, _ found: (RepoPath) -> Void) {
    var left = limit
    var waiting = [RepoPath.root]
    while let directory = waiting.popLast(), left > 0 {
      let place = FileSystem.join(workTree, directory.bytes)
      for name in (FileSystem.list(place) ?? []) where left > 0 {
        guard name != Array(".git".utf8), let path = directory.appending(name), !tracked.contains(path) else {
          continue
        }
        guard let status = FileSystem.status(FileSystem.join(place, name)) else { continue }
        if status.isDirectory {
          if directories.contains(path) {
            waiting.append(path)
          } else if !rules.isIgnored(path, isDirectory: true), !isRepository(FileSystem.join(place, name)) {
            waiting.append(path)
          }
        } else if status.isRegularFile || status.isLink, !rules.isIgnored(path, isDirectory: false) {
          found(path)
          left -= 1
        }
      }
    }
  }

  private func isRepository(_ directory: [UInt8]) -> Bool {
    FileSystem.exists(FileSystem.join(directory, ".git"))
  }
}
