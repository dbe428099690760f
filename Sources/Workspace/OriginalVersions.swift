import Paths
import Synchronization

/// What the base had at each path that a workspace was seen to change: recorded once, and the base from then on, however
/// the checkout goes on. The workspaces on one base share it, so that a judge and the run mean the same base.
final class OriginalVersions: Sendable {
  private let entries = Mutex<[RepoPath: Original]>([:])

  /// One file of the base.
  struct Original: Sendable {
    /// Nil when the base has no file there.
    var version: FileVersion?
    /// False when it may be another version than the one that the change was made on.
    var isCertain: Bool
  }

  /// What is recorded for a path.
  subscript(path: RepoPath) -> Original? { entries.withLock { $0[path] } }

  /// Records a path, unless it is.
  func keep(_ path: RepoPath, _ original: Original) {
    entries.withLock { if $0[path] == nil { $0[path] = original } }
  }

  /// Takes the base of each change as a stored snapshot saw it.
  func adopt(_ snapshot: Snapshot) {
    entries.withLock { entries in
      for change in snapshot.changes {
        entries[change.path] = Original(version: change.before, isCertain: change.isBaseCertain)
      }
    }
  }

  /// Begins anew: the base is another one.
  func forgetAll() { entries.withLock { $0 = [:] } }
}
