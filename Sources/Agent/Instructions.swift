import Git
import Paths
import Workspace

/// The repository's `AGENTS.md` files, from the committed base: what lies uncommitted in the checkout, or what a run
/// writes, instructs nobody. Each directory's file is told once in a run.
struct Instructions {
  private static let name = Array("AGENTS.md".utf8)
  private static let limit = 16_000
  private static let largestBlob = 1 << 20

  private let location: CheckoutLocation
  private let commit: ObjectID?
  private var tree: (repository: Repository, id: ObjectID)?
  private var isOpen = false
  /// Directories whose file was told, or that have none.
  private var done: Set<RepoPath> = []

  init(_ workspace: Workspace) {
    location = workspace.location
    commit = workspace.baseCommit
  }

  /// Counts files as told: those that an earlier process of the run told.
  mutating func markAsTold(_ files: [RepoPath]) { done.formUnion(files.compactMap(\.parent)) }

  /// The files that hold for a directory and were not told yet, root first. They count as told from here on.
  mutating func next(for directory: RepoPath) -> [RepoPath] {
    var directories = [RepoPath.root]
    for component in directory.components {
      if let next = directories.last?.appending(component) { directories.append(next) }
    }
    return directories.filter { done.insert($0).inserted }.compactMap { directory in
      guard let path = directory.appending(Self.name), blob(path) != nil else { return nil }
      return path
    }
  }

  /// A file's text, quoted line by line; nil when it cannot be read.
  mutating func quoted(_ path: RepoPath) -> String? {
    guard let id = blob(path),
      let bytes = try? tree?.repository.readBlob(id, maximumSize: Self.largestBlob)
    else { return nil }
    let text = OutputText.bounded(OutputText.clean(bytes), limit: Self.limit)
    return "## \(path.quoted)\n\n"
      + text.split(separator: "\n", omittingEmptySubsequences: false).map { "> " + $0 }.joined(separator: "\n")
  }

  private mutating func blob(_ path: RepoPath) -> ObjectID? {
    if !isOpen {
      isOpen = true
      if let place = location.repository, let commit, let repository = try? Repository.open(place),
        let id = try? repository.tree(of: commit)
      {
        tree = (repository, id)
      }
    }
    guard let tree, let entry = try? tree.repository.entry(tree.id, path),
      entry.mode == .regular || entry.mode == .executable
    else { return nil }
    return entry.id
  }
}
