import Paths

/// Follows symbolic links in a tree of files that need not exist on any disk, without ever leaving it.
struct LinkResolver {
  /// What is at a path whose parents are real directories.
  enum Entry {
    case missing
    case file
    case directory
    case link([UInt8])
  }

  /// The absolute path of the tree's root: absolute links below it are inside.
  let root: [UInt8]
  let entry: (RepoPath) throws(WorkspaceError) -> Entry

  /// The path without links.
  /// - Throws: `outside` when it leaves the tree, goes in a circle, or leads through a file.
  func resolve(_ path: RepoPath) throws(WorkspaceError) -> RepoPath {
    try resolve(path.components, from: .root, named: path)
  }

  /// Where a link at `path` with this target leads.
  func resolve(target: [UInt8], ofLinkAt path: RepoPath) throws(WorkspaceError) -> RepoPath {
    let (components, start) = try split(target, at: path.parent ?? .root, named: path)
    return try resolve(components, from: start, named: path)
  }

  private func resolve(
    _ components: [[UInt8]], from start: RepoPath, named path: RepoPath
  ) throws(WorkspaceError) -> RepoPath {
    var waiting = Array(components.reversed())
    var current = start
    var links = 0
    // True once a component is missing: what lies below it cannot be a link.
    var isMissing = false
    while let component = waiting.popLast() {
      if component.isEmpty || component == [0x2e] { continue }
      if component == [0x2e, 0x2e] {
        guard let parent = current.parent else { throw outside(path) }
        current = parent
        isMissing = false
        continue
      }
      guard let next = current.appending(component) else { throw outside(path) }
      if isMissing {
        current = next
        continue
      }
      switch try entry(next) {
      case .directory: current = next
      case .missing:
        current = next
        isMissing = true
      case .file:
        guard waiting.allSatisfy({ $0.isEmpty || $0 == [0x2e] }) else {
          throw WorkspaceError(.notADirectory, "\(next) is not a directory")
        }
        current = next
      case .link(let target):
        links += 1
        guard links <= 40 else {
          throw WorkspaceError(.outside, "\(path) leads through too many symbolic links")
        }
        let (more, from) = try split(target, at: current, named: path)
        waiting += more.reversed()
        current = from
      }
    }
    return current
  }

  private func split(
    _ target: [UInt8], at directory: RepoPath, named path: RepoPath
  ) throws(WorkspaceError) -> ([[UInt8]], RepoPath) {
    guard target.first == 0x2f else {
      return (target.split(separator: 0x2f).map(Array.init), directory)
    }
    guard target == root || target.starts(with: root + [0x2f]) else { throw outside(path) }
    return (target.dropFirst(root.count).split(separator: 0x2f).map(Array.init), .root)
  }

  private func outside(_ path: RepoPath) -> WorkspaceError {
    WorkspaceError(.outside, "\(path) is a symbolic link that leads out of the workspace")
  }
}
