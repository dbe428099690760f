import Glibc
import Paths
import Sandbox

/// One layer of a merged tree.
struct Layer: Sendable {
  /// Where it lies on the host.
  let path: [UInt8]
  /// Its root.
  let root: Descriptor
  /// True for a layer that only this program and its sandbox write: what its owner may not read can be unlocked.
  let isOwn: Bool

  init(_ path: [UInt8], isOwn: Bool) throws(WorkspaceError) {
    self.path = path
    self.root = try .directory(path)
    self.isOwn = isOwn
  }
}

/// The files of several layers as overlayfs shows them, read by hand: an upper name hides the lower one, directories of
/// the same name merge, a whiteout deletes, an opaque directory hides what lies below.
///
/// Nothing here follows a symbolic link: each component is opened by itself, relative to its parent.
/// Format: Documentation/filesystems/overlayfs.rst of Linux, without redirects and metadata-only copies, which the mounts
/// switch off.
struct MergedTree: Sendable {
  /// The layers, top first.
  let layers: [Layer]

  /// The attribute that marks an opaque directory: root's overlays use the trusted namespace, others the user's.
  static let opaqueAttribute =
    Sandbox.hostPayload != nil ? "trusted.overlay.opaque" : "user.overlay.opaque"

  /// The merged root directory.
  var root: MergedDirectory {
    MergedDirectory(parts: layers.indices.map { MergedDirectory.Part(layer: $0, directory: layers[$0].root) })
  }

  /// What is at a path; nil when there is nothing. A symbolic link or a file on the way is an error that names it.
  func node(_ path: RepoPath) throws(WorkspaceError) -> MergedNode? {
    guard let parent = path.parent else { return nil }
    guard let directory = try directory(parent) else { return nil }
    return try child(path.name, of: directory)
  }

  /// The merged directory at a path; nil when a component is missing.
  /// - Throws: `outside` when a component is a symbolic link, `notADirectory` when it is any other file.
  func directory(_ path: RepoPath) throws(WorkspaceError) -> MergedDirectory? {
    var current = root
    var walked = RepoPath.root
    for component in path.components {
      walked = walked.appending(component) ?? walked
      guard let node = try child(component, of: current) else { return nil }
      guard let next = node.directory else {
        if node.status.kind == .symlink {
          throw WorkspaceError(
            .outside, "\(path) leads through the symbolic link \(walked)", hint: "name the file by its own path")
        }
        throw WorkspaceError(.notADirectory, "\(walked) is not a directory")
      }
      current = next
    }
    return current
  }

  /// What a name stands for in a merged directory; nil when nothing does.
  func child(_ name: [UInt8], of directory: MergedDirectory) throws(WorkspaceError) -> MergedNode? {
    var parts: [MergedDirectory.Part] = []
    var status: FileStatus?
    for (index, part) in directory.parts.enumerated() {
      guard let found = try part.directory.status(name) else { continue }
      if found.isWhiteout { break }
      guard found.kind == .directory else {
        if status != nil { break }
        return MergedNode(name: name, status: found, layer: part.layer, holder: part.directory, directory: nil)
      }
      guard let opened = part.directory.subdirectory(name) else { continue }
      if layers[part.layer].isOwn { opened.unlock(found) }
      if status == nil { status = found }
      parts.append(MergedDirectory.Part(layer: part.layer, directory: opened))
      if index + 1 < directory.parts.count, isOpaque(opened) { break }
    }
    guard let status, let first = parts.first else { return nil }
    return MergedNode(
      name: name, status: status, layer: first.layer, holder: first.directory,
      directory: MergedDirectory(parts: parts))
  }

  /// The names in a merged directory and what they stand for, in no order.
  func children(of directory: MergedDirectory) throws(WorkspaceError) -> [[UInt8]: FileKind] {
    var result: [[UInt8]: FileKind] = [:]
    var hidden: Set<[UInt8]> = []
    for part in directory.parts {
      for name in try part.directory.names()
      where result[name] == nil && !hidden.contains(name) {
        guard let status = try part.directory.status(name) else { continue }
        if status.isWhiteout { hidden.insert(name) } else { result[name] = status.kind }
      }
    }
    return result
  }

  /// The bytes of a regular file, or the target of a symbolic link.
  func contents(
    _ node: MergedNode, limit: Int, subject: RepoPath
  ) throws(WorkspaceError) -> [UInt8] {
    if node.status.kind == .symlink { return try node.holder.linkTarget(node.name, subject: subject.bytes) }
    return try node.holder.contents(
      node.name, limit: limit, unlocking: layers[node.layer].isOwn, subject: subject.bytes)
  }

  /// True when a layer's directory hides what lies below it.
  func isOpaque(_ directory: Descriptor) -> Bool {
    directory.attribute(Self.opaqueAttribute)?.first == UInt8(ascii: "y")
  }
}

/// The directories of the layers that together are one directory, top first.
struct MergedDirectory: Sendable {
  var parts: [Part]

  /// One layer's share.
  struct Part: Sendable {
    /// Index into ``MergedTree/layers``.
    var layer: Int
    var directory: Descriptor
  }
}

/// A file or directory of a merged tree.
struct MergedNode: Sendable {
  var name: [UInt8]
  var status: FileStatus
  /// The layer that it comes from: the topmost one for a directory.
  var layer: Int
  /// For a file the directory that holds it; for a directory itself.
  var holder: Descriptor
  /// The merged directory, when it is one.
  var directory: MergedDirectory?
}
