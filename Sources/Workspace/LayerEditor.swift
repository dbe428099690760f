import CLinux
import Glibc
import Paths
import Sandbox

/// Changes the topmost layer of a merged tree by hand, so that overlayfs shows what was meant when it is mounted next:
/// copies directories up, marks deletions with whiteouts, hides with opaque directories.
///
/// Never to be used while the layer is mounted as an upper directory.
struct LayerEditor: Sendable {
  /// The layer to change, on top of what it lies on.
  let tree: MergedTree
  /// A directory on the layer's filesystem for files that are not complete yet.
  let scratch: Descriptor
  /// Who shall own what is made: the payload's user when this program is root.
  let owner: LayerOwner
  /// False for a plain copy, where a deletion is just that.
  let isOverlay: Bool

  private var upper: Descriptor { tree.layers[0].root }
  private var lowers: MergedTree { MergedTree(layers: Array(tree.layers.dropFirst())) }

  /// Makes a path a regular file with this content. A file or link of that name is replaced, a directory is not.
  /// - Parameter executable: nil keeps what the file had; a new one is not executable.
  func write(_ path: RepoPath, _ bytes: [UInt8], executable: Bool?) throws(WorkspaceError) {
    let existing = try existing(path)
    var permissions: UInt32 = 0o644
    if let existing, existing.kind == .regular { permissions = existing.permissions & 0o777 }
    if let executable { permissions = executable ? permissions | 0o111 : permissions & ~0o111 }
    let directory = try directory(of: path)
    let temporary = temporaryName()
    do throws(WorkspaceError) {
      try scratch.create(temporary, bytes, permissions: permissions, subject: path.bytes)
      try owner.take(scratch, temporary)
    } catch {
      try? scratch.unlink(temporary)
      throw error
    }
    try move(temporary, to: directory, path)
  }

  /// Makes a path a symbolic link.
  func writeLink(_ path: RepoPath, target: [UInt8]) throws(WorkspaceError) {
    _ = try existing(path)
    let directory = try directory(of: path)
    let temporary = temporaryName()
    let made = withPath(target) { target in withPath(temporary) { symlinkat(target, scratch.number, $0) } }
    guard made == 0 else { throw .writing(path.bytes) }
    try owner.take(scratch, temporary)
    try move(temporary, to: directory, path)
  }

  /// Takes a path away, a directory with everything in it. A missing path is fine.
  func remove(_ path: RepoPath) throws(WorkspaceError) {
    guard let parent = path.parent, try tree.node(path) != nil else { return }
    let isBelow = isOverlay ? try lowerNode(path) != nil : false
    let directory = try makeDirectory(parent)
    if try directory.status(path.name)?.kind == .directory { try directory.removeTree(path.name) }
    guard isBelow else { return try directory.unlink(path.name) }
    let temporary = temporaryName()
    guard withPath(temporary, { linux_make_whiteout(scratch.number, $0) }) == 0 else { throw .writing(path.bytes) }
    try move(temporary, to: directory, path)
  }

  /// Lets the lower layers show through at a path again, by removing what the layer holds there. False when that is not
  /// possible because a directory on the way hides them.
  func uncover(_ path: RepoPath) throws(WorkspaceError) -> Bool {
    guard isOverlay else { return false }
    var directory = upper
    for component in path.components.dropLast() {
      guard let status = try directory.status(component) else { return true }
      guard status.kind == .directory, let next = directory.subdirectory(component), !tree.isOpaque(next) else {
        return false
      }
      next.unlock(status)
      directory = next
    }
    try directory.removeTree(path.name)
    return true
  }

  /// The layer's own directory at a path, made with all its parents as copies of what lies below.
  @discardableResult
  func makeDirectory(_ path: RepoPath) throws(WorkspaceError) -> Descriptor {
    var current = upper
    var below: MergedDirectory? = isOverlay ? lowers.root : nil
    var walked = RepoPath.root
    for name in path.components {
      walked = walked.appending(name) ?? walked
      let status = try current.status(name)
      let lower = try below.flatMap { (directory) throws(WorkspaceError) in try lowers.child(name, of: directory) }
      below = lower?.directory
      if let status, status.kind == .directory {
        guard let next = current.subdirectory(name) else { throw .writing(walked.bytes, ENOTDIR) }
        next.unlock(status)
        if tree.isOpaque(next) { below = nil }
        current = next
        continue
      }
      if let status, !status.isWhiteout { throw notADirectory(walked, status.kind) }
      var model: FileStatus?
      if status == nil, let lower {
        guard lower.directory != nil else { throw notADirectory(walked, lower.status.kind) }
        model = lower.status
      }
      // The directory is complete, and hides what it must, before it gets its name.
      let temporary = temporaryName()
      try scratch.makeDirectory(temporary, permissions: (model?.permissions ?? 0o755) & 0o1777 | 0o700)
      guard let made = scratch.subdirectory(temporary) else { throw .writing(walked.bytes, ENOTDIR) }
      if status != nil {
        below = nil
        guard linux_set_attribute(made.number, MergedTree.opaqueAttribute, "y", 1) == 0 else {
          throw .writing(walked.bytes)
        }
        try current.unlink(name)
      }
      try owner.take(scratch, temporary)
      try move(temporary, to: current, walked)
      current = made
    }
    return current
  }

  private func directory(of path: RepoPath) throws(WorkspaceError) -> Descriptor {
    guard let parent = path.parent else { throw WorkspaceError(.notAFile, "the workspace's root is no file") }
    return try makeDirectory(parent)
  }

  /// What is at the path now, when it can be replaced by a file.
  private func existing(_ path: RepoPath) throws(WorkspaceError) -> FileStatus? {
    let status = try tree.node(path)?.status
    if status?.kind == .directory { throw WorkspaceError(.notAFile, "\(path) is a directory") }
    return status
  }

  private func lowerNode(_ path: RepoPath) throws(WorkspaceError) -> MergedNode? {
    guard let parent = path.parent else { return nil }
    // Below an opaque directory, or one that took a deleted name's place, nothing shows through.
    var directory = upper
    for component in parent.components {
      guard let status = try directory.status(component) else { break }
      guard status.kind == .directory, let next = directory.subdirectory(component), !tree.isOpaque(next) else {
        return nil
      }
      directory = next
    }
    do throws(WorkspaceError) {
      return try lowers.node(path)
    } catch  where error.kind == .outside || error.kind == .notADirectory {
      return nil
    }
  }

  private func move(_ temporary: [UInt8], to directory: Descriptor, _ path: RepoPath) throws(WorkspaceError) {
    let moved = withPath(temporary) { from in
      withPath(path.name) { to in
        // Replacing a file by a rename makes ext4 write it out at once; exchanging the two does not.
        if linux_rename_exchange(scratch.number, from, directory.number, to) == 0 {
          return unlinkat(scratch.number, from, 0)
        }
        return linux_rename(scratch.number, from, directory.number, to)
      }
    }
    guard moved == 0 else {
      let code = errno
      try? scratch.removeTree(temporary)
      throw .writing(path.bytes, code)
    }
  }

  private func temporaryName() -> [UInt8] { Array("new-\(UInt64.random(in: 0 ... .max))".utf8) }

  private func notADirectory(_ path: RepoPath, _ kind: FileKind) -> WorkspaceError {
    if kind == .symlink {
      return WorkspaceError(.outside, "\(path) is a symbolic link", hint: "name the file by its own path")
    }
    return WorkspaceError(.notADirectory, "\(path) is a file, so nothing can lie below it")
  }
}

/// Who owns the files of a workspace on disk.
///
/// Root never runs a payload as itself: what it makes in a workspace belongs to the unprivileged user that the sandbox
/// runs as. Anybody else's files are just theirs.
struct LayerOwner: Sendable, Hashable {
  /// The user and group; nil when this program's own.
  let identity: Identity?

  /// A user and a group.
  struct Identity: Sendable, Hashable {
    var user: UInt32
    var group: UInt32
  }

  /// The owner for this process.
  static let current = LayerOwner(
    identity: Sandbox.hostPayload.map { Identity(user: $0.uid, group: $0.gid) })

  /// Gives a name in a directory to this owner.
  func take(_ directory: Descriptor, _ name: [UInt8]) throws(WorkspaceError) {
    if let identity { try directory.changeOwner(name, identity.user, identity.group) }
  }
}
