import Git
import Paths

/// The user's checkout as it is now, read without following links.
struct CheckoutState {
  let root: [UInt8]
  let tree: MergedTree

  init(root: [UInt8]) throws(WorkspaceError) {
    self.root = root
    tree = MergedTree(layers: [try Layer(root, isOwn: false)])
  }

  /// What is at a path.
  enum Found {
    case nothing
    case file(FileStatus, FileVersion, content: [UInt8])
    case directory(MergedNode)
    /// A FIFO, socket, device, or a file that is too large or not readable.
    case other
    /// A component on the way is a link or a file.
    case blocked(by: RepoPath)

    /// True when this is exactly the version, or nothing for none.
    func matches(_ version: FileVersion?) -> Bool {
      switch self {
      case .nothing: version == nil
      case .file(_, let found, _): found.id == version?.id && found.mode == version?.mode
      case .directory, .other, .blocked: false
      }
    }

    /// True when there is nothing left to do for a change: a file to be removed is gone, whatever took its place.
    func isAlready(_ change: FileChange) -> Bool {
      switch self {
      case .directory, .blocked: change.after == nil
      default: matches(change.after)
      }
    }
  }

  /// True when a change finds what it was made on, so that it can be done without a merge.
  /// - Parameter removed: what the same delivery takes away: it makes room for a directory in a file's place, and for a
  ///   file in that of a directory.
  func fits(_ change: FileChange, _ found: Found, removed: Set<RepoPath>) throws(WorkspaceError) -> Bool {
    guard change.isBaseCertain else { return false }
    switch found {
    case .nothing, .file: return found.matches(change.before)
    case .blocked(let file): return change.before == nil && removed.contains(file)
    case .directory(let node):
      guard change.before == nil else { return false }
      return try files(below: node, at: change.path).allSatisfy(removed.contains)
    case .other: return false
    }
  }

  /// What is at a path, its content hashed.
  func version(_ path: RepoPath) throws(WorkspaceError) -> Found {
    var directory = tree.root
    var walked = RepoPath.root
    for component in path.components.dropLast() {
      walked = walked.appending(component) ?? walked
      guard let node = try tree.child(component, of: directory) else { return .nothing }
      guard let next = node.directory else { return .blocked(by: walked) }
      directory = next
    }
    guard let node = try tree.child(path.name, of: directory) else { return .nothing }
    if node.directory != nil { return .directory(node) }
    guard node.status.kind == .regular || node.status.kind == .symlink else { return .other }
    guard node.status.size <= SnapshotLimits.standard.fileBytes else { return .other }
    let content: [UInt8]
    do throws(WorkspaceError) {
      content = try tree.contents(node, limit: SnapshotLimits.standard.fileBytes, subject: path)
    } catch  where error.kind == .unreadable {
      return .other
    }
    let version = FileVersion(mode: node.status.fileMode, id: BlobHash.id(of: content), size: content.count)
    return .file(node.status, version, content: content)
  }

  /// The paths of everything below a directory that is no directory.
  func files(below directory: MergedNode, at path: RepoPath) throws(WorkspaceError) -> [RepoPath] {
    guard let merged = directory.directory else { return [path] }
    var result: [RepoPath] = []
    for name in try tree.children(of: merged).keys {
      guard let child = path.appending(name), let node = try tree.child(name, of: merged) else { continue }
      result += try files(below: node, at: child)
      if result.count > 100_000 { break }
    }
    return result
  }

  /// All directories below a directory and itself, deepest first.
  func directories(at node: MergedNode, _ path: RepoPath) throws(WorkspaceError) -> [(RepoPath, FileStatus)] {
    guard let merged = node.directory else { return [] }
    var result: [(RepoPath, FileStatus)] = []
    for (name, kind) in try tree.children(of: merged) where kind == .directory {
      guard let child = path.appending(name), let below = try tree.child(name, of: merged) else { continue }
      result += try directories(at: below, child)
    }
    return result + [(path, node.status)]
  }
}
