import Access
import Git
import Paths
import Synchronization
import Workspace

/// Knows the labels of a workspace's files as they are now, and hides from its commands what they must not see.
///
/// Files that a run or its commands made are labelled when their snapshot is taken, before the next effect.
final class LabelTracker: Sendable {
  private let labels: FileLabels
  private let workspace: Workspace
  private let state: Mutex<State>

  private struct State {
    var judge: ViewJudge
    /// What is hidden, from the start and since.
    var hidden: Set<RepoPath>
    var visible: Set<String>
    /// The content that a file had when it was last looked at.
    var seen: [RepoPath: String] = [:]
  }

  /// - Parameters:
  ///   - mask: what a look at the whole checkout gave.
  ///   - hidden: what the view hides beside that.
  init(_ authorizer: any Authorizer, judge: ViewJudge, workspace: Workspace, mask: ViewMask, hidden: [RepoPath]) {
    labels = authorizer.fileLabels
    self.workspace = workspace
    state = Mutex(State(judge: judge, hidden: Set(mask.masked.map(\.path) + hidden), visible: mask.labels))
  }

  /// The labels of all that a command can see.
  var viewLabels: Set<String> { state.withLock { $0.visible.union($0.judge.result.labels) } }

  /// Whether a path, or a directory above it, is hidden.
  func isHidden(_ path: RepoPath) -> Bool {
    state.withLock { state in
      guard !state.hidden.isEmpty else { return false }
      var place: RepoPath? = path
      while let current = place {
        if state.hidden.contains(current) { return true }
        place = current.parent
      }
      return false
    }
  }

  /// The labels of a file as the workspace has it; of one that cannot be looked into, all that its content could give it.
  func labels(of path: RepoPath) async -> Set<String> {
    guard labels.needsContent(of: path) else { return labels.labels(of: path, findings: .none) }
    let content = try? await workspace.read(path, limit: CheckoutScan.mostBytes)
    if let content, !content.isSymlink { return labels.labels(of: path, content: content.bytes) }
    let kind = await workspace.metadata(path)?.kind
    // What is no file, or not there yet, holds nothing.
    if kind != .regular { return labels.labels(of: path, findings: .init(made: .max, found: 0)) }
    return labels.labels(of: path, findings: .none)
  }

  /// Labels what changed, and hides what has to be; returns the files hidden by this.
  @discardableResult
  func look(at snapshot: Snapshot) async throws -> [MaskedFile] {
    let fresh = state.withLock { state in
      snapshot.changes.filter { change in
        guard let after = change.after else { return false }
        let id = after.id.hex
        return state.seen.updateValue(id, forKey: change.path) != id
      }
    }
    if fresh.isEmpty { return [] }
    var found: [(path: RepoPath, labels: Set<String>, size: Int)] = []
    for change in fresh {
      guard let after = change.after else { continue }
      var names: Set<String>
      let wanted = after.mode == .symlink ? 0 : labels.testsFor(change.path)
      if wanted == 0 {
        names = labels.labels(of: change.path, findings: .init(made: .max, found: 0))
      } else if after.size <= CheckoutScan.mostBytes {
        names = labels.labels(of: change.path, content: try await workspace.content(of: after.id))
      } else {
        names = labels.labels(of: change.path, findings: .none)
      }
      // What was written by a run that has read something is no less than that: the run's own labels tell.
      found.append((change.path, names, after.size))
    }
    let hidden = state.withLock { state in
      let before = state.judge.result.masked.count
      for file in found { state.judge.isHidden(file.path, labels: file.labels, size: file.size) }
      let fresh = Array(state.judge.result.masked[before...])
      state.hidden.formUnion(fresh.map(\.path))
      return fresh
    }
    if !hidden.isEmpty { await workspace.setMasked(state.withLock { $0.hidden.sorted() }) }
    return hidden
  }
}
