import CLibgit2
import Glibc
public import Paths

/// One entry of a tree, with its path from the tree's root.
public struct TreeEntry: Sendable, Hashable {
  /// Where it is.
  public let path: RepoPath
  /// What it is.
  public let mode: FileMode
  /// Its object.
  public let id: ObjectID

  /// An entry.
  public init(path: RepoPath, mode: FileMode, id: ObjectID) {
    self.path = path
    self.mode = mode
    self.id = id
  }
}

extension Repository {
  /// Trees nested deeper than this are refused: no checkout could hold them.
  static let maximumDepth = 1024

  /// The tree of a commit, of an annotated tag's commit, or the tree itself when `id` names one.
  public func tree(of id: ObjectID) throws(GitError) -> ObjectID {
    let all = repository.pointer
    var oid = id.oid
    let object = try Handle("cannot read object \(id)", free: git_object_free) {
      git_object_lookup(&$0, all, &oid, GIT_OBJECT_ANY)
    }
    let tree = try Handle("object \(id) has no tree", free: git_object_free) {
      git_object_peel(&$0, object.pointer, GIT_OBJECT_TREE)
    }
    guard let treeID = git_object_id(tree.pointer) else { throw GitError(.corrupt, "object \(id) has no tree") }
    return ObjectID(treeID.pointee)
  }

  /// Visits every file, link and submodule below a tree in git's order, without holding more than one path from the
  /// root. A hostile tree can be far larger than its objects: `visit` ends the walk by throwing.
  /// - Throws: what `visit` throws; ``GitError``: `corrupt` for names like `..` that no checkout could hold.
  public func walkTree(_ tree: ObjectID, visit: (RepoPath, FileMode, ObjectID) throws -> Void) throws {
    if tree == .emptyTree { return }
    try walk(tree, at: .root, depth: 0, visit)
  }

  private func walk(
    _ tree: ObjectID, at directory: RepoPath, depth: Int, _ visit: (RepoPath, FileMode, ObjectID) throws -> Void
  ) throws {
    guard depth < Self.maximumDepth else { throw GitError(.corrupt, "tree \(tree) is nested too deeply") }
    let handle = try lookUpTree(tree)
    for index in 0..<git_tree_entrycount(handle.pointer) {
      let entry = try entry(of: handle, at: index, in: directory)
      if entry.mode == .tree {
        try walk(entry.id, at: entry.path, depth: depth + 1, visit)
      } else {
        try visit(entry.path, entry.mode, entry.id)
      }
    }
  }

  /// What a tree has at a path; nil when nothing. The root is the tree itself.
  public func entry(_ tree: ObjectID, _ path: RepoPath) throws(GitError) -> (mode: FileMode, id: ObjectID)? {
    var current: (mode: FileMode, id: ObjectID) = (.tree, tree)
    for component in path.components {
      guard current.mode == .tree, current.id != .emptyTree else { return nil }
      let handle = try lookUpTree(current.id)
      let found = try withPath(component) { git_tree_entry_byname(handle.pointer, $0) }
      guard let found, let id = git_tree_entry_id(found) else { return nil }
      guard let mode = FileMode(raw: UInt32(git_tree_entry_filemode_raw(found).rawValue)) else {
        throw GitError(.corrupt, "tree \(current.id) has an entry of unknown mode")
      }
      current = (mode, ObjectID(id.pointee))
    }
    return current
  }

  /// The direct entries of a tree, in git's order.
  public func children(of tree: ObjectID, at directory: RepoPath = .root) throws(GitError) -> [TreeEntry] {
    if tree == .emptyTree { return [] }
    let handle = try lookUpTree(tree)
    var result: [TreeEntry] = []
    let count = git_tree_entrycount(handle.pointer)
    result.reserveCapacity(count)
    for index in 0..<count { result.append(try entry(of: handle, at: index, in: directory)) }
    return result
  }

  func lookUpTree(_ id: ObjectID) throws(GitError) -> Handle {
    let all = repository.pointer
    var oid = id.oid
    return try Handle("cannot read tree \(id)", free: git_tree_free) { git_tree_lookup(&$0, all, &oid) }
  }

  private func entry(of tree: borrowing Handle, at index: Int, in directory: RepoPath) throws(GitError) -> TreeEntry {
    guard let entry = git_tree_entry_byindex(tree.pointer, index), let name = git_tree_entry_name(entry),
      let id = git_tree_entry_id(entry)
    else { throw GitError(.corrupt, "a tree entry without a name") }
    guard let path = directory.appending(bytes(of: name)),
      let mode = FileMode(raw: UInt32(git_tree_entry_filemode_raw(entry).rawValue))
    else {
      throw GitError(
        .corrupt, "the tree of \(directory) has an entry that no checkout could hold: \(GitError.name(bytes(of: name)))"
      )
    }
    return TreeEntry(path: path, mode: mode, id: ObjectID(id.pointee))
  }
}
