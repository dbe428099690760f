import CLinux
import Glibc
import Paths

extension Workspace {
  /// Makes plain copies of the trees as they are now, because overlays are refused. Costs what the checkout's size is,
  /// less where the filesystem shares blocks between files.
  func becomeCopy(_ reason: String) throws(WorkspaceError) {
    try shared.becomeCopy(reason)
    var copies: [CopyOnWriteTree] = []
    let place = try Descriptor.directory(tree.place)
    try place.removeTree(Array("copy".utf8))
    let old = tree
    let originals = scanner.originals
    let main = try CopyOnWriteTree(
      shared.storage, mountPoint: old.mountPoint, place: old.place, lowers: old.lowers, isCopy: true)
    scanner = shared.makeScanner(main, originals, masked: view.masked)
    try Self.fill(main, from: old.merged, scanner, hidden: view.masked)
    for extra in extras {
      try Descriptor.directory(extra.place).removeTree(Array("copy".utf8))
      let copy = try CopyOnWriteTree(
        shared.storage, mountPoint: extra.mountPoint, place: extra.place, lowers: extra.lowers, isCopy: true)
      try Self.fill(copy, from: extra.merged, nil, hidden: [])
      copies.append(copy)
    }
    tree = main
    extras = copies
    setMode(.copy(reason: reason))
  }

  /// Copies a merged tree into an empty copy, and tells the scanner which files are the base's own.
  static func fill(
    _ copy: CopyOnWriteTree, from merged: MergedTree, _ scanner: SnapshotScanner?, hidden: [RepoPath]
  ) throws(WorkspaceError) {
    let baseBegins = merged.layers.count - copy.base.layers.count
    let copier = TreeCopier(from: merged, hidden: Set(hidden)) { path, layer, status in
      if layer >= baseBegins { scanner?.adoptCopy(path, status) }
    }
    try copier.copy(to: copy.merged.layers[0].root)
  }
}

/// Copies a merged tree into a plain directory: files, directories and symbolic links, with their times, for the
/// payload's user.
struct TreeCopier {
  /// What is copied.
  let from: MergedTree
  /// Paths that become empty unreadable files.
  let hidden: Set<RepoPath>

  /// Told of each file as it is in the copy, with the layer that it came from.
  let copied: (RepoPath, Int, FileStatus) -> Void

  /// Copies everything. What cannot be read, and what is no file, directory or link, is left out.
  func copy(to directory: Descriptor) throws(WorkspaceError) {
    try copy(from.root, to: directory, at: .root)
  }

  private func copy(_ source: MergedDirectory, to target: Descriptor, at path: RepoPath) throws(WorkspaceError) {
    let names: [[UInt8]]
    do throws(WorkspaceError) {
      names = Array(try from.children(of: source).keys)
    } catch  where error.kind == .unreadable {
      return
    }
    for name in names {
      guard let node = try from.child(name, of: source), let child = path.appending(name),
        child.components.count <= SnapshotLimits.standard.depth
      else { continue }
      if hidden.contains(child) {
        if node.directory != nil {
          try target.makeDirectory(name, permissions: 0o700)
        } else {
          try target.create(name, [], permissions: 0, subject: child.bytes)
        }
      } else if let directory = node.directory {
        try target.makeDirectory(name, permissions: node.status.permissions & 0o1777 | 0o700)
        guard let made = target.subdirectory(name) else { throw .writing(child.bytes, ENOTDIR) }
        try copy(directory, to: made, at: child)
      } else if node.status.kind == .symlink {
        let link = try node.holder.linkTarget(name, subject: child.bytes)
        let made = withPath(link) { link in withPath(name) { symlinkat(link, target.number, $0) } }
        guard made == 0 else { throw .writing(child.bytes) }
      } else if node.status.kind == .regular {
        guard try copyFile(node, to: target, at: child) else { continue }
      } else {
        continue
      }
      try LayerOwner.current.take(target, name)
      var times = [
        timespec(node.status.identity.modified), timespec(node.status.identity.modified),
      ]
      _ = withPath(name) { utimensat(target.number, $0, &times, AT_SYMLINK_NOFOLLOW) }
      if node.directory == nil, let status = try target.status(name) { copied(child, node.layer, status) }
    }
  }

  private func copyFile(_ node: MergedNode, to target: Descriptor, at path: RepoPath) throws(WorkspaceError) -> Bool {
    let input: Descriptor
    do throws(WorkspaceError) {
      input = try node.holder.open(node.name, unlocking: from.layers[node.layer].isOwn, subject: path.bytes)
    } catch  where error.kind == .unreadable {
      return false
    }
    let number = withPath(node.name) {
      openat(target.number, $0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    }
    guard number >= 0 else { throw .writing(path.bytes) }
    let output = Descriptor(owning: number)
    if linux_clone_file(output.number, input.number) != 0 {
      while true {
        let count = linux_copy_range(input.number, output.number, 1 << 30)
        if count == 0 { break }
        if count < 0, errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP {
          try copyBytes(input, output, path)
          break
        }
        guard count > 0 else { throw .writing(path.bytes) }
      }
    }
    guard fchmod(output.number, node.status.permissions & 0o777) == 0 else { throw .writing(path.bytes) }
    return true
  }

  private func copyBytes(_ input: Descriptor, _ output: Descriptor, _ path: RepoPath) throws(WorkspaceError) {
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = Glibc.read(input.number, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .reading(path.bytes) }
      if count == 0 { return }
      try output.writeAll(Array(buffer.prefix(count)), subject: path.bytes)
    }
  }
}

extension timespec {
  /// Nanoseconds since 1970 as the system takes them.
  init(_ nanoseconds: Int64) {
    self.init(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
  }
}
