import Git
import Paths

/// Delivers a change as a commit in the user's repository, in memory: no file of the checkout is touched.
struct BranchDelivery {
  let location: CheckoutLocation
  /// The commit that the run began with; nil before a first commit.
  let base: ObjectID?
  let store: ObjectStore

  /// Makes the commit and the branch.
  ///
  /// The commit is the base commit with the run's changes only. A file that was not as committed when the run began
  /// takes the run's change by a three-way merge; where that fails the delivery is refused. A branch that exists is
  /// refused, unless it holds this very change: a run that died after making it, before recording it, delivers again.
  func deliver(
    _ changes: [FileChange], name: [UInt8], message: String, author: Signature
  ) throws(WorkspaceError) -> DeliveryReport {
    guard let place = location.repository else {
      throw WorkspaceError(
        .notARepository, "\(Quoting.quote(location.root)) is no git repository, so it can have no branch",
        hint: "deliver with --apply or --patch")
    }
    let shown = Quoting.quote(name)
    let repository = try usingGit { () throws(GitError) in try Repository.open(place) }
    let existing = try usingGit { () throws(GitError) in
      try repository.branch(name).map { (commit) throws(GitError) in try repository.commit(commit) }
    }
    let tree = try usingGit { () throws(GitError) in
      try base.map { (commit) throws(GitError) in try repository.tree(of: commit) }
    }
    var report = DeliveryReport()
    var edits: [TreeChange] = []
    var conflicts: [RepoPath] = []
    for change in changes {
      if try isInSubmodule(change.path, tree, repository) {
        report.leftOut.append(LeftOut(path: change.path, reason: .nestedRepository))
        continue
      }
      switch try edit(change, tree, repository) {
      case .conflict: conflicts.append(change.path)
      case .nothing: report.unchanged.append(change.path)
      case .change(let edit, let isMerged):
        edits.append(edit)
        report.written.append(change.path)
        if isMerged { report.merged.append(change.path) }
        if edit.content == nil { report.removed.append(change.path) }
      }
    }
    guard conflicts.isEmpty else {
      let list = conflicts.prefix(5).map(\.quoted).joined(separator: ", ")
      throw WorkspaceError(
        .conflict(conflicts), "\(list): uncommitted changes and the run's change touch the same lines",
        hint: "commit your changes first, or take the change as a patch")
    }
    do throws(GitError) {
      let newTree = try repository.updateTree(tree, edits)
      if let existing {
        guard existing.tree == newTree, existing.parents == (base.map { [$0] } ?? []),
          existing.author.email == author.email
        else { throw GitError(.conflict, "it exists", hint: "name another one") }
        report.commit = existing.id
        return report
      }
      let commit = try repository.createCommit(
        tree: newTree, parents: base.map { [$0] } ?? [], message: message, author: author)
      try repository.createBranch(name, at: commit)
      report.commit = commit
    } catch {
      throw Self.failure(error, shown)
    }
    return report
  }

  private enum Edit {
    case change(TreeChange, isMerged: Bool)
    case nothing
    case conflict
  }

  private func edit(
    _ change: FileChange, _ tree: ObjectID?, _ repository: Repository
  ) throws(WorkspaceError) -> Edit {
    let committed = try usingGit { () throws(GitError) in
      try tree.flatMap { (tree) throws(GitError) in try repository.entry(tree, change.path) }
    }
    if committed?.id == change.after?.id, committed?.mode == change.after?.mode { return .nothing }
    // A directory that the change replaces by a file, or a file in whose place it puts a directory.
    let isFile = committed.map { $0.mode.isBlob } ?? false
    let isAsCommitted =
      change.before.map { $0.id == committed?.id && $0.mode == committed?.mode } ?? !isFile
    guard let after = change.after else {
      if isAsCommitted { return .change(.remove(change.path), isMerged: false) }
      guard let committed, committed.mode.isBlob else { return .nothing }
      let same = try change.before.map { (before) throws(WorkspaceError) in
        try isCheckedOutForm(before, of: committed.id, repository)
      }
      return same == true ? .change(.remove(change.path), isMerged: false) : .conflict
    }
    var content = try store.read(after.id)
    var mode = after.mode
    var isMerged = false
    if !isAsCommitted {
      guard let committed, committed.mode.isBlob, let before = change.before, before.mode != .symlink,
        after.mode != .symlink, committed.mode != .symlink
      else { return .conflict }
      if try isCheckedOutForm(before, of: committed.id, repository) {
        content = Self.withoutCarriageReturns(content)
      } else {
        let base = try store.read(before.id)
        let theirs = content
        let merged = try usingGit { () throws(GitError) in
          try Diff.mergeThreeWay(base: base, ours: try repository.readBlob(committed.id), theirs: theirs)
        }
        guard case .clean(let bytes) = merged else { return .conflict }
        content = bytes
        isMerged = true
      }
      if after.mode == before.mode { mode = committed.mode }
    }
    let bytes = content
    let id = try usingGit { () throws(GitError) in try repository.writeBlob(bytes) }
    if id == committed?.id, mode == committed?.mode { return .nothing }
    return .change(.put(change.path, mode, id), isMerged: isMerged)
  }

  /// True when a file differs from the committed one only in line ends, as `core.autocrlf` and `eol=crlf` make them.
  private func isCheckedOutForm(
    _ version: FileVersion, of committed: ObjectID, _ repository: Repository
  ) throws(WorkspaceError) -> Bool {
    let content = try store.read(version.id)
    guard content.contains(0x0d), !Diff.isBinary(content) else { return false }
    let normal = Self.withoutCarriageReturns(content)
    return BlobHash.id(of: normal) == committed
  }

  private static func withoutCarriageReturns(_ content: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(content.count)
    for (index, byte) in content.enumerated() {
      if byte == 0x0d, index + 1 < content.count, content[index + 1] == 0x0a { continue }
      result.append(byte)
    }
    return result
  }

  private func isInSubmodule(
    _ path: RepoPath, _ tree: ObjectID?, _ repository: Repository
  ) throws(WorkspaceError) -> Bool {
    guard let tree else { return false }
    var current: RepoPath? = path
    while let place = current, !place.isRoot {
      let entry = try usingGit { () throws(GitError) in try repository.entry(tree, place) }
      if entry?.mode == .submodule { return true }
      current = place.parent
    }
    return false
  }

  private static func failure(_ error: GitError, _ shown: String) -> WorkspaceError {
    switch error.kind {
    case .conflict:
      WorkspaceError(.branchExists, "the branch \(shown) could not be made: \(error.message)", hint: error.hint)
    case .invalid: WorkspaceError(.outside, error.message, hint: error.hint)
    case .io: WorkspaceError(.notWritable, error.message, hint: error.hint)
    default: WorkspaceError(.unsupportedRepository, error.message, hint: error.hint)
    }
  }
}
