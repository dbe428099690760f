public import Paths

/// One change to a tree.
public struct TreeChange: Sendable, Hashable {
  /// Which path.
  public let path: RepoPath
  /// What is there afterwards; nil when nothing.
  public let content: Content?

  /// A mode with its object.
  public struct Content: Sendable, Hashable {
    /// What it is.
    public let mode: FileMode
    /// Its object.
    public let id: ObjectID

    /// A mode with its object.
    public init(mode: FileMode, id: ObjectID) {
      self.mode = mode
      self.id = id
    }
  }

  /// Puts an object at a path, in place of what is there.
  public static func put(_ path: RepoPath, _ mode: FileMode, _ id: ObjectID) -> TreeChange {
    TreeChange(path: path, content: Content(mode: mode, id: id))
  }

  /// Takes a path away, and what lies below it.
  public static func remove(_ path: RepoPath) -> TreeChange { TreeChange(path: path, content: nil) }
}

extension Repository {
  /// Writes the nested trees for a flat list of entries, in any order, and returns the root's id.
  /// - Throws: ``GitError``: `invalid` for a path given twice, a file where a directory is needed, or a `.git` name.
  public func writeTree(_ entries: [(RepoPath, FileMode, ObjectID)]) throws(GitError) -> ObjectID {
    let root = TreeNode()
    for (path, mode, id) in entries {
      guard try root.insert(path, .init(mode: mode, id: id)) else {
        throw GitError(.invalid, "path given twice, or as a file and as a directory: \(path)")
      }
    }
    if let tree = try write(root, over: nil) { return tree }
    return try writeTreeObject([])
  }

  /// Applies changes to a tree and returns the new root's id. The cost is that of the directories that change, not of
  /// the repository; a directory that becomes empty goes away.
  ///
  /// Putting a file where a directory was replaces the directory, and the reverse.
  /// - Throws: ``GitError``: `invalid` for contradicting changes or a `.git` name.
  public func updateTree(_ base: ObjectID?, _ changes: [TreeChange]) throws(GitError) -> ObjectID {
    let root = TreeNode()
    // Removals first: "remove `a`, put `a/b`" means that a directory takes a file's place.
    for change in changes where change.content == nil {
      guard try root.insert(change.path, nil) else { continue }
    }
    for change in changes {
      guard let content = change.content else { continue }
      guard try root.insert(change.path, content) else {
        throw GitError(.invalid, "contradicting changes at \(change.path)")
      }
    }
    if let tree = try write(root, over: base) { return tree }
    return try writeTreeObject([])
  }

  /// Writes a directory with its changes over what `base` holds; nil when nothing is left in it.
  private func write(_ node: TreeNode, over base: ObjectID?) throws(GitError) -> ObjectID? {
    var entries: [[UInt8]: TreeChange.Content] = [:]
    if let base, base != .emptyTree {
      for child in try children(of: base) { entries[child.path.bytes] = .init(mode: child.mode, id: child.id) }
    }
    for (name, child) in node.children {
      if let content = child.content {
        entries[name] = content
        continue
      }
      let old = entries.removeValue(forKey: name)
      guard !child.children.isEmpty else { continue }
      let oldTree = child.isRemoved || old?.mode != .tree ? nil : old?.id
      if let id = try write(child, over: oldTree) {
        entries[name] = .init(mode: .tree, id: id)
      } else if let old, old.mode != .tree, !child.isRemoved {
        // Nothing was put below: removals under a file leave the file.
        entries[name] = old
      }
    }
    return entries.isEmpty ? nil : try writeTreeObject(entries.map { ($0.key, $0.value) })
  }

  private func writeTreeObject(_ entries: [([UInt8], TreeChange.Content)]) throws(GitError) -> ObjectID {
    // Git sorts a directory as if its name ended in a slash.
    let sorted = entries.map { (key: $0.1.mode == .tree ? $0.0 + [0x2f] : $0.0, name: $0.0, content: $0.1) }
      .sorted { $0.key.lexicographicallyPrecedes($1.key) }
    var object: [UInt8] = []
    for entry in sorted {
      object.append(contentsOf: String(entry.content.mode.rawValue, radix: 8).utf8)
      object.append(0x20)
      object.append(contentsOf: entry.name)
      object.append(0)
      object.append(contentsOf: entry.content.id.bytes)
    }
    return try write(object, .tree)
  }
}

/// The changed paths as a tree of names.
private final class TreeNode {
  var children: [[UInt8]: TreeNode] = [:]
  var content: TreeChange.Content?
  /// What the base has here is gone, whatever is put below.
  var isRemoved = false

  /// False when the path clashes with another one.
  func insert(_ path: RepoPath, _ content: TreeChange.Content?) throws(GitError) -> Bool {
    guard !path.isRoot else { throw GitError(.invalid, "the root is no entry of a tree") }
    let components = path.components
    guard components.count <= Repository.maximumDepth else { throw GitError(.invalid, "nested too deeply: \(path)") }
    var node = self
    for component in components {
      guard !TreeNode.isReserved(component) else {
        throw GitError(.invalid, "git keeps the name .git for itself: \(path)")
      }
      guard node.content == nil else { return false }
      if let child = node.children[component] {
        node = child
      } else {
        let child = TreeNode()
        node.children[component] = child
        node = child
      }
    }
    guard let content else {
      node.isRemoved = true
      return true
    }
    guard node.content == nil, node.children.values.allSatisfy({ $0.isNothing }) else { return false }
    node.children = [:]
    node.content = content
    return true
  }

  /// True when nothing is put here or below.
  private var isNothing: Bool { content == nil && children.values.allSatisfy { $0.isNothing } }

  private static func isReserved(_ component: [UInt8]) -> Bool {
    component.count == 4 && component[0] == 0x2e && component[1] | 0x20 == 0x67 && component[2] | 0x20 == 0x69
      && component[3] | 0x20 == 0x74
  }
}
