import CLinux
import Git
import Glibc
import Paths

/// Does, undoes and inspects the single actions of a delivery.
struct DeliveryPerformer {
  var journal: DeliveryJournal
  /// The checkout.
  let tree: MergedTree

  /// True when there are so many files that the filesystem is synced as a whole instead of each of them.
  var syncsAll: Bool { journal.actions.count > 64 }

  /// Writes the new file of an action under its temporary name; returns its inode.
  func stage(
    _ index: Int, _ content: [UInt8], _ mode: FileMode, replacing old: FileStatus?
  ) throws(WorkspaceError) -> UInt64 {
    let action = journal.actions[index]
    let holder = try directory(action.holder)
    let name = journal.temporary(index)
    if mode == .symlink {
      guard withPath(content, { target in withPath(name) { symlinkat(target, holder.number, $0) } }) == 0 else {
        throw .writing(action.path.bytes)
      }
    } else {
      var permissions: UInt32 = 0o644
      if let old, old.kind == .regular { permissions = old.permissions & 0o777 }
      permissions = mode == .executable ? permissions | (permissions & 0o444) >> 2 : permissions & ~0o111
      try holder.create(name, content, permissions: permissions, sync: !syncsAll, subject: action.path.bytes)
    }
    // Root writes in other people's checkouts: what it leaves there is theirs.
    if geteuid() == 0 {
      let folder = try holder.status()
      let owner = old ?? folder
      try holder.changeOwner(name, owner.owner, owner.group)
    }
    guard let status = try holder.status(name) else { throw .writing(action.path.bytes, ENOENT) }
    return status.identity.inode
  }

  /// Does an action, and makes sure that it met what it was meant for; else it has changed nothing.
  func perform(_ index: Int) throws(WorkspaceError) {
    let action = journal.actions[index]
    guard let place = action.path.parent else { return }
    let name = action.path.name
    let parent = try directory(place)
    switch action.kind {
    case .removeDirectory:
      guard withPath(name, { unlinkat(parent.number, $0, AT_REMOVEDIR) }) == 0 else {
        throw DeliveryPlan.conflict([action.path])
      }
    case .makeDirectory:
      guard try parent.makeDirectory(name, permissions: 0o755) else { throw DeliveryPlan.conflict([action.path]) }
      if geteuid() == 0 {
        let owner = try parent.status()
        try parent.changeOwner(name, owner.owner, owner.group)
      }
    case .remove:
      let temporary = journal.temporary(index)
      let holder = try directory(action.holder)
      try expect(action.old, at: name, in: parent, action.path)
      try rename(name, in: parent, to: temporary, in: holder, action.path)
      if try mark(temporary, in: holder) != action.old {
        try rename(temporary, in: holder, to: name, in: parent, action.path)
        throw DeliveryPlan.conflict([action.path])
      }
    case .add:
      try rename(journal.temporary(index), in: try directory(action.holder), to: name, in: parent, action.path)
    case .replace:
      try replace(index, action, name, in: parent)
    }
  }

  private func replace(
    _ index: Int, _ action: DeliveryAction, _ name: [UInt8], in parent: Descriptor
  ) throws(WorkspaceError) {
    let temporary = journal.temporary(index)
    try expect(action.old, at: name, in: parent, action.path)
    if exchange(temporary, name, in: parent) {
      if try mark(temporary, in: parent) != action.old {
        guard exchange(temporary, name, in: parent) else { throw .writing(action.path.bytes) }
        throw DeliveryPlan.conflict([action.path])
      }
      return
    }
    guard errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP else { throw .writing(action.path.bytes) }
    // A filesystem that cannot exchange names: the old file keeps a second name until all is placed.
    let kept = journal.kept(index)
    let linked = withPath(name) { name in withPath(kept) { linkat(parent.number, name, parent.number, $0, 0) } }
    guard linked == 0 else { throw .writing(action.path.bytes) }
    guard try mark(kept, in: parent) == action.old else {
      try parent.unlink(kept)
      throw DeliveryPlan.conflict([action.path])
    }
    let renamed = withPath(temporary) { temporary in
      withPath(name) { linux_rename(parent.number, temporary, parent.number, $0) }
    }
    guard renamed == 0 else { throw .writing(action.path.bytes) }
  }

  /// True when an action has been done and not taken back.
  func isDone(_ index: Int) throws(WorkspaceError) -> Bool {
    let action = journal.actions[index]
    if action.kind == .remove { return try directory(action.holder).status(journal.temporary(index)) != nil }
    guard let place = action.path.parent, let parent = try? directory(place) else {
      return action.kind == .removeDirectory
    }
    let found = try parent.status(action.path.name)
    switch action.kind {
    case .removeDirectory: return found?.kind != .directory
    case .makeDirectory: return found?.kind == .directory
    case .add, .replace, .remove: return action.newInode != 0 && found?.identity.inode == action.newInode
    }
  }

  /// Takes back every action that was done, the last one first, and removes staged files.
  /// - Throws: `damaged` when something is in the way; the rest has been taken back then.
  func takeBack() throws(WorkspaceError) {
    var stuck: [RepoPath] = []
    for index in journal.actions.indices.reversed() {
      let action = journal.actions[index]
      do throws(WorkspaceError) {
        if journal.phase != .staging, try isDone(index) { try undo(index) }
        if action.kind == .add || action.kind == .replace, let holder = try? directory(action.holder) {
          try holder.unlink(journal.temporary(index))
          try holder.unlink(journal.kept(index))
        }
      } catch {
        stuck.append(action.path)
      }
    }
    guard stuck.isEmpty else {
      throw WorkspaceError(
        .damaged, "a delivery could not be taken back at \(stuck.map(\.quoted).joined(separator: ", "))",
        hint: "the old files have names that begin with .codeagent-\(journal.token) beside them")
    }
  }

  private func undo(_ index: Int) throws(WorkspaceError) {
    let action = journal.actions[index]
    guard let place = action.path.parent else { return }
    let name = action.path.name
    let parent = try directory(place)
    switch action.kind {
    case .removeDirectory: try parent.makeDirectory(name, permissions: action.permissions)
    case .makeDirectory: _ = withPath(name) { unlinkat(parent.number, $0, AT_REMOVEDIR) }
    case .remove:
      try rename(journal.temporary(index), in: try directory(action.holder), to: name, in: parent, action.path)
    case .add:
      try rename(name, in: parent, to: journal.temporary(index), in: try directory(action.holder), action.path)
    case .replace:
      if try parent.status(journal.kept(index)) != nil {
        let renamed = withPath(journal.kept(index)) { kept in
          withPath(name) { linux_rename(parent.number, kept, parent.number, $0) }
        }
        guard renamed == 0 else { throw .writing(action.path.bytes) }
      } else if !exchange(journal.temporary(index), name, in: parent) {
        throw .writing(action.path.bytes)
      }
    }
  }

  /// Removes what an action left under temporary names, once all are placed.
  func clean(_ index: Int) {
    let action = journal.actions[index]
    guard action.isFile, let holder = try? directory(action.holder) else { return }
    try? holder.unlink(journal.temporary(index))
    try? holder.unlink(journal.kept(index))
  }

  /// Removes directories that lost their last file: git knows no empty ones.
  func removeEmptyDirectories() {
    for action in journal.actions where action.kind == .remove {
      var path = action.path.parent
      while let current = path, let above = current.parent, let parent = try? directory(above) {
        guard withPath(current.name, { unlinkat(parent.number, $0, AT_REMOVEDIR) }) == 0 else { break }
        path = above
      }
    }
  }

  /// Returns when all new names are on disk.
  func syncDirectories() throws(WorkspaceError) {
    if syncsAll { return try tree.layers[0].root.syncFilesystem() }
    var places: Set<RepoPath> = []
    for action in journal.actions {
      if let parent = action.path.parent { places.insert(parent) }
    }
    // One that went away itself has its own parent among them.
    for place in places { try (try? directory(place))?.sync() }
  }

  // MARK: Names

  private func directory(_ path: RepoPath) throws(WorkspaceError) -> Descriptor {
    guard let found = try tree.directory(path)?.parts.first else { throw DeliveryPlan.conflict([path]) }
    return found.directory
  }

  private func mark(_ name: [UInt8], in directory: Descriptor) throws(WorkspaceError) -> FileMark? {
    try directory.status(name).map { FileMark($0.identity) }
  }

  private func expect(
    _ old: FileMark, at name: [UInt8], in directory: Descriptor, _ path: RepoPath
  ) throws(WorkspaceError) {
    guard try mark(name, in: directory) == old else { throw DeliveryPlan.conflict([path]) }
  }

  private func exchange(_ first: [UInt8], _ second: [UInt8], in directory: Descriptor) -> Bool {
    withPath(first) { first in
      withPath(second) { linux_rename_exchange(directory.number, first, directory.number, $0) == 0 }
    }
  }

  /// Gives a file a name that must be free.
  private func rename(
    _ from: [UInt8], in source: Descriptor, to: [UInt8], in target: Descriptor, _ path: RepoPath
  ) throws(WorkspaceError) {
    let result = withPath(from) { from in
      withPath(to) { to in
        if linux_rename_no_replace(source.number, from, target.number, to) == 0 { return Int32(0) }
        guard errno == EINVAL || errno == ENOSYS else { return errno }
        // A filesystem without that flag.
        if faccessat(target.number, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0 { return EEXIST }
        return linux_rename(source.number, from, target.number, to) == 0 ? 0 : errno
      }
    }
    if result == EEXIST { throw DeliveryPlan.conflict([path]) }
    guard result == 0 else { throw .writing(path.bytes, result) }
  }
}
