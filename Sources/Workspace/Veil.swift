import Glibc
import Paths

/// A layer that lies directly on the checkout and shows cleaned git configuration in place of the real one, so that no
/// token in a remote's address and no helper program is visible inside, while `git config` still works there.
enum Veil {
  /// Writes the layer for a git directory that is seen at `place` below the mount.
  /// - Returns: the layer's path; nil when there was nothing to hide.
  static func make(
    _ storage: RunStorage, named name: String, gitDirectory: [UInt8], at place: RepoPath
  ) throws(WorkspaceError) -> [UInt8]? {
    guard let directory = try? Descriptor.directory(gitDirectory) else { return nil }
    var files: [(RepoPath, [UInt8])] = []
    collect(directory, at: place, levels: 8, into: &files)
    guard !files.isEmpty else { return nil }
    let root = try storage.makeDirectory(name, permissions: 0o755)
    try LayerOwner.current.take(storage.directory, Array(name.utf8))
    for (path, content) in files {
      var current = root
      for component in path.components.dropLast() {
        if try current.makeDirectory(component, permissions: 0o755) { try LayerOwner.current.take(current, component) }
        guard let next = current.subdirectory(component) else { throw .writing(path.bytes, ENOTDIR) }
        current = next
      }
      try current.unlink(path.name)
      try current.create(path.name, content, permissions: 0o644, subject: path.bytes)
      try LayerOwner.current.take(current, path.name)
    }
    return storage.path(name)
  }

  /// Configuration files that differ from their cleaned form: the repository's, its worktrees' and its submodules'.
  private static func collect(
    _ directory: Descriptor, at place: RepoPath, levels: Int, into files: inout [(RepoPath, [UInt8])]
  ) {
    guard levels > 0 else { return }
    for name in ["config", "config.worktree"] {
      guard let content = try? directory.contents(Array(name.utf8), limit: 4 << 20),
        let path = place.appending(Array(name.utf8))
      else { continue }
      let cleaned = GitConfigCleaner.clean(content)
      if !GitConfigCleaner.says(content, theSameAs: cleaned) { files.append((path, cleaned)) }
    }
    for group in ["worktrees", "modules"] {
      guard let container = directory.subdirectory(Array(group.utf8)), let path = place.appending(Array(group.utf8))
      else { continue }
      descend(container, at: path, levels: levels - 1, into: &files)
    }
  }

  /// A submodule's name can hold slashes, so its git directory can lie deeper.
  private static func descend(
    _ container: Descriptor, at place: RepoPath, levels: Int, into files: inout [(RepoPath, [UInt8])]
  ) {
    guard levels > 0, let names = try? container.names() else { return }
    for name in names.prefix(1000) {
      guard let child = container.subdirectory(name), let path = place.appending(name) else { continue }
      if (try? child.status(Array("HEAD".utf8))) ?? nil != nil {
        collect(child, at: path, levels: levels, into: &files)
      } else {
        descend(child, at: path, levels: levels - 1, into: &files)
      }
    }
  }
}
