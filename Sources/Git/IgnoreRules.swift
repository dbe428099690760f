public import Paths
import Synchronization

/// Which paths of a checkout git ignores, by its `.gitignore` files and the repository's `info/exclude`.
///
/// The user's own ignore file and `core.excludesFile` do not count: what is snapshotted may not depend on who runs.
/// Rules of a directory are read when first asked for, and kept; share one instance, between threads too.
public final class IgnoreRules: Sendable {
  /// Gives the `.gitignore` content of a directory; nil when it has none.
  public typealias Source = @Sendable (_ directory: RepoPath) -> [UInt8]?

  private let source: Source
  private let excluded: [IgnorePattern]
  private let cache = Mutex(Cache())

  private struct Cache {
    var patterns: [RepoPath: [IgnorePattern]] = [:]
    /// Directories that are known to be ignored, or not.
    var verdicts: [RepoPath: Bool] = [:]
  }

  /// The rules that `source` gives, and those of an exclude file for the whole repository.
  public init(exclude: [UInt8] = [], source: @escaping Source) {
    self.source = source
    excluded = IgnorePattern.parse(exclude)
  }

  /// The rules of a directory on disk, with or without git.
  ///
  /// Links are not followed and files over 1 MiB are not read, as they come from the repository.
  /// - Parameter directory: the absolute path of the checkout's root.
  public convenience init(directory: [UInt8], exclude: [UInt8] = []) {
    self.init(exclude: exclude) { path in
      // Git does not look behind links: neither through a link that stands for a directory.
      var place = directory
      for component in path.components {
        place = FileSystem.join(place, component)
        guard let status = FileSystem.status(place), status.isDirectory else { return nil }
      }
      return FileSystem.read(FileSystem.join(place, ".gitignore"), limit: 1 << 20)
    }
  }

  /// True when git ignores the path or a directory above it. Whether a file is tracked nevertheless is not looked at.
  public func isIgnored(_ path: RepoPath, isDirectory: Bool) -> Bool {
    guard let parent = path.parent else { return false }
    return cache.withLock { cache in
      isDirectoryIgnored(parent, &cache) || matches(path, isDirectory: isDirectory, &cache)
    }
  }

  private func isDirectoryIgnored(_ directory: RepoPath, _ cache: inout Cache) -> Bool {
    if directory.isRoot { return false }
    if let known = cache.verdicts[directory] { return known }
    // From the root down: what lies below an ignored directory is ignored whatever its own rules say.
    var verdict = false
    var place = RepoPath.root
    for component in directory.components {
      guard let next = place.appending(component) else { break }
      place = next
      if let known = cache.verdicts[place] {
        verdict = known
      } else {
        verdict = verdict || matches(place, isDirectory: true, &cache)
        cache.verdicts[place] = verdict
      }
    }
    return verdict
  }

  /// The last pattern that matches decides; a deeper `.gitignore` comes before a higher one, `info/exclude` last.
  private func matches(_ path: RepoPath, isDirectory: Bool, _ cache: inout Cache) -> Bool {
    let bytes = path.bytes
    let name = bytes[((bytes.lastIndex(of: 0x2f) ?? -1) + 1)...]
    var directory = path.parent
    while let current = directory {
      let relative = current.isRoot ? bytes[...] : bytes[(current.bytes.count + 1)...]
      for pattern in patterns(of: current, &cache).reversed()
      where pattern.matches(path: relative, name: name, isDirectory: isDirectory) {
        return !pattern.isNegated
      }
      directory = current.parent
    }
    for pattern in excluded.reversed() where pattern.matches(path: bytes[...], name: name, isDirectory: isDirectory) {
      return !pattern.isNegated
    }
    return false
  }

  private func patterns(of directory: RepoPath, _ cache: inout Cache) -> [IgnorePattern] {
    if let known = cache.patterns[directory] { return known }
    let parsed = source(directory).map(IgnorePattern.parse) ?? []
    cache.patterns[directory] = parsed
    return parsed
  }
}

extension Repository {
  /// The ignore rules of the checkout as it stands; of a bare repository, `info/exclude` alone.
  public func ignoreRules() -> IgnoreRules {
    let exclude =
      FileSystem.read(FileSystem.join(location.commonDirectory, "info/exclude"), limit: 1 << 20, followLinks: true)
      ?? []
    guard let workTree = location.workTree else { return IgnoreRules(exclude: exclude) { _ in nil } }
    return IgnoreRules(directory: workTree, exclude: exclude)
  }
}
