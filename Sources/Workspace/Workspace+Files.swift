import Git
public import Paths

/// The content of a file of a workspace.
public struct FileContent: Sendable, Hashable {
  /// The bytes; of a symbolic link its target.
  public let bytes: [UInt8]
  /// Permission bits.
  public let mode: UInt32
  /// True for a symbolic link, which is never followed.
  public let isSymlink: Bool

  /// True when the owner may execute the file.
  public var isExecutable: Bool { !isSymlink && mode & 0o100 != 0 }
}

/// What is known of a file without reading it.
public struct FileMetadata: Sendable, Hashable {
  /// What it is.
  public let kind: FileKind
  /// Bytes of content.
  public let size: Int
  /// Permission bits.
  public let mode: UInt32
}

/// A name in a directory.
public struct DirectoryEntry: Sendable, Hashable {
  /// The name's bytes.
  public let name: [UInt8]
  /// What it stands for.
  public let kind: FileKind
  /// True when the base's ignore rules ignore it, whether tracked or not.
  public let isIgnored: Bool
}

extension Workspace {
  /// Reads a file as the workspace has it now.
  ///
  /// No symbolic link is followed: a link gives its target, and a path that leads through one is refused. FIFOs, sockets
  /// and devices are never opened.
  /// - Parameter limit: the largest size that is read, in bytes.
  /// - Throws: `notFound`, `notAFile`, `outside`, `masked`, `tooLarge`, `unreadable`.
  public func read(_ path: RepoPath, limit: Int = 64 << 20) throws(WorkspaceError) -> FileContent {
    try refuseMasked(path)
    guard let node = try tree.merged.node(path) else {
      if path.isRoot { throw WorkspaceError(.notAFile, "the workspace's root is a directory") }
      throw WorkspaceError(.notFound, "there is no \(path)")
    }
    guard node.directory == nil else { throw WorkspaceError(.notAFile, "\(path) is a directory") }
    let bytes = try tree.merged.contents(node, limit: limit, subject: path)
    return FileContent(bytes: bytes, mode: node.status.permissions, isSymlink: node.status.kind == .symlink)
  }

  /// What is at a path; nil when there is nothing, or when the path leads through something that is no directory.
  public func metadata(_ path: RepoPath) -> FileMetadata? {
    let status = path.isRoot ? try? tree.merged.layers[0].root.status() : (try? tree.merged.node(path))??.status
    return status.map { FileMetadata(kind: $0.kind, size: $0.size, mode: $0.permissions) }
  }

  /// The names in a directory, in byte order. Git's own directory is left out.
  /// - Throws: `notFound`, `notADirectory`, `outside`, `masked`, `unreadable`.
  public func list(_ directory: RepoPath) throws(WorkspaceError) -> [DirectoryEntry] {
    try refuseMasked(directory)
    guard let merged = try tree.merged.directory(directory) else {
      throw WorkspaceError(.notFound, "there is no \(directory)")
    }
    var entries: [DirectoryEntry] = []
    for (name, kind) in try tree.merged.children(of: merged) {
      guard let path = directory.appending(name), !ProtectedNames.isGit(name) else { continue }
      let isIgnored = scanner.rules.isIgnored(path, isDirectory: kind == .directory)
      entries.append(DirectoryEntry(name: name, kind: kind, isIgnored: isIgnored))
    }
    return entries.sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }

  /// The path that a path stands for when the symbolic links in it are followed, the last component's too.
  ///
  /// What does not exist yet stands for itself. Callers that decide by path must use this one, as ``read(_:limit:)`` and
  /// ``write(_:_:executable:)`` follow no link.
  /// - Throws: `outside` when the links lead out of the workspace, in a circle or through a file.
  public func canonical(_ path: RepoPath) throws(WorkspaceError) -> RepoPath {
    let merged = tree.merged
    return try LinkResolver(root: location.root) { (path) throws(WorkspaceError) in
      guard let node = try merged.node(path) else { return .missing }
      switch node.status.kind {
      case .directory: return .directory
      case .symlink: return .link(try node.holder.linkTarget(node.name))
      default: return .file
      }
    }.resolve(path)
  }

  /// Makes a path a regular file with this content, with the directories that lead to it.
  ///
  /// A symbolic link of that name is replaced, not followed.
  /// - Parameter executable: nil keeps what the file had; a new file is not executable.
  /// - Throws: `outside`, `masked`, `notADirectory`, `notAFile` for a directory, `noSpace`.
  public func write(
    _ path: RepoPath, _ bytes: [UInt8], executable: Bool? = nil
  ) async throws(WorkspaceError) {
    try refuseUnwritable(path)
    await acquire()
    defer { release() }
    scanner.layerWillChange()
    scanner.forget(path)
    try tree.editor.write(path, bytes, executable: executable)
  }

  /// Takes a path away, a directory with everything in it. A missing path is fine.
  /// - Throws: `outside`, `masked`, `noSpace`.
  public func remove(_ path: RepoPath) async throws(WorkspaceError) {
    try refuseUnwritable(path)
    await acquire()
    defer { release() }
    scanner.layerWillChange()
    scanner.forget(path)
    try tree.editor.remove(path)
  }

  /// Hides these paths from now on, instead of those that were hidden.
  public func setMasked(_ paths: [RepoPath]) {
    view.masked = paths
    scanner.masked = Set(paths)
  }

  func refuseMasked(_ path: RepoPath) throws(WorkspaceError) {
    for hidden in view.masked where path.isInside(hidden) {
      throw WorkspaceError(.masked, "\(path) is hidden from this run")
    }
  }

  func refuseUnwritable(_ path: RepoPath) throws(WorkspaceError) {
    try refuseMasked(path)
    if path.isRoot { throw WorkspaceError(.outside, "the workspace's root cannot be replaced") }
    if ProtectedNames.contains(path) { throw WorkspaceError(.outside, "\(path) belongs to git and is not written") }
  }
}
