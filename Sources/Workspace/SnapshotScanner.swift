import CLinux
import Git
import Glibc
import Paths

/// Finds what differs between a workspace's own layer and what it lies on, looking only at the layer's files.
///
/// Content that was hashed before is not read again as long as the file's identity (inode, size, times) stays. What the
/// base had at a changed path is stored when it is first seen, and kept: that is the base from then on, whatever
/// happens to the checkout.
final class SnapshotScanner {
  /// What lies below: the base.
  let base: MergedTree
  let store: ObjectStore
  /// The base's ignore rules.
  let rules: IgnoreRules
  /// Tells whether the base's commit has a path, file or directory: what is tracked is never ignored.
  let isTracked: (RepoPath) throws(WorkspaceError) -> Bool
  let limits: SnapshotLimits
  /// Paths that are hidden from the run; what it put there is not taken.
  var masked: Set<RepoPath> = []
  /// True when the layer is a whole copy instead of an overlay's upper directory.
  let isCopy: Bool
  /// The layer below which nothing but the user's checkout lies: its files can change at any time.
  private let checkoutLayer: Int

  private var known: [RepoPath: KnownVersion] = [:]
  /// What the base had at each path that was seen to differ.
  let originals: OriginalVersions
  /// When the layer can first have been written after the last scan.
  private var dirtySince: Int64?

  private struct KnownVersion {
    var identity: FileIdentity
    var permissions: UInt32
    var version: FileVersion
    /// False when the file was written so shortly before it was read that its times cannot tell a later change.
    var isSettled: Bool
  }

  init(
    base: MergedTree, store: ObjectStore, originals: OriginalVersions, rules: IgnoreRules, limits: SnapshotLimits,
    isCopy: Bool,
    isTracked: @escaping (RepoPath) throws(WorkspaceError) -> Bool
  ) {
    self.base = base
    self.store = store
    self.originals = originals
    self.rules = rules
    self.limits = limits
    self.isCopy = isCopy
    self.isTracked = isTracked
    checkoutLayer = base.layers.count - 1
  }

  /// To be called before anything may write to the layer.
  func layerWillChange() { if dirtySince == nil { dirtySince = wallClock() } }

  /// To be called when this program wrote a path itself.
  func forget(_ path: RepoPath) { known[path] = nil }

  /// Remembers files of a fresh copy as being what the base has.
  func adoptCopy(_ path: RepoPath, _ status: FileStatus) { copied[path] = status.identity }
  private var copied: [RepoPath: FileIdentity] = [:]

  /// The differences, sorted by path, and what is not taken.
  func scan(_ layer: Descriptor) throws(WorkspaceError) -> Findings {
    findings = Findings()
    started = wallClock()
    try scan(layer, over: base.root, hidesBase: isCopy, at: .root, depth: 0)
    var result = findings
    findings = Findings()
    result.changes.sort { $0.path < $1.path }
    dirtySince = nil
    if known.count > 4 * (result.changes.count + 1000) {
      let present = Set(result.changes.map(\.path))
      known = known.filter { present.contains($0.key) }
    }
    return result
  }

  /// What a scan found.
  struct Findings {
    var changes: [FileChange] = []
    var ignoredCount = 0
    var ignoredIsComplete = true
    var ignoredSample: [RepoPath] = []
    var leftOut: Set<LeftOut> = []
  }

  private var findings = Findings()
  private var started: Int64 = 0

  // MARK: One directory

  private func scan(
    _ layer: Descriptor, over below: MergedDirectory?, hidesBase: Bool, at path: RepoPath, depth: Int
  ) throws(WorkspaceError) {
    var present: Set<[UInt8]> = []
    for name in try layer.names(subject: path.bytes) {
      guard let status = try layer.status(name) else { continue }
      if hidesBase { present.insert(name) }
      // The repository's own `.git` is the run's private affair.
      if path.isRoot, name == Array(".git".utf8) { continue }
      guard let child = path.appending(name) else { continue }
      if masked.contains(child) {
        leaveOut(child, .masked)
        continue
      }
      let node = try below.flatMap { (below) throws(WorkspaceError) in try base.child(name, of: below) }
      if ProtectedNames.isGit(name) {
        if !status.isWhiteout { leaveOut(child, path.isRoot ? .protectedName : .nestedRepository) }
        continue
      }
      if depth >= limits.depth || child.bytes.count > Int(PATH_MAX) - 256 {
        leaveOut(child, .tooDeep)
        continue
      }
      if status.isWhiteout {
        if let node, !isCopy { try recordDeletion(node, at: child, depth: depth) }
      } else if status.kind == .directory {
        try scanDirectory(
          name, status, in: layer, over: node, hidesBase: hidesBase, at: child, depth: depth)
      } else {
        try scanFile(name, status, in: layer, over: node, at: child, depth: depth)
      }
    }
    guard hidesBase, let below else { return }
    for name in try base.children(of: below).keys where !present.contains(name) {
      if path.isRoot, name == Array(".git".utf8) { continue }
      guard let child = path.appending(name), !masked.contains(child), !ProtectedNames.isGit(name),
        let node = try base.child(name, of: below)
      else { continue }
      try recordDeletion(node, at: child, depth: depth)
    }
  }

  private func scanDirectory(
    _ name: [UInt8], _ status: FileStatus, in layer: Descriptor, over node: MergedNode?, hidesBase: Bool,
    at path: RepoPath, depth: Int
  ) throws(WorkspaceError) {
    guard let directory = layer.subdirectory(name) else { return }
    directory.unlock(status)
    if rules.isIgnored(path, isDirectory: true), try !isTracked(path) {
      if !isCopy { try countIgnored(directory, at: path) }
      return
    }
    if let node, node.directory == nil { try recordDeletion(node, at: path, depth: depth) }
    if node?.directory == nil, try isRepository(directory) {
      leaveOut(path, .nestedRepository)
      return
    }
    // What is in a directory that hides the base hides it, too, without a mark of its own.
    let hidesBase = hidesBase || base.isOpaque(directory)
    try scan(directory, over: node?.directory, hidesBase: hidesBase, at: path, depth: depth + 1)
  }

  private func scanFile(
    _ name: [UInt8], _ status: FileStatus, in layer: Descriptor, over node: MergedNode?, at path: RepoPath, depth: Int
  ) throws(WorkspaceError) {
    if isCopy, copied[path] == status.identity { return }
    if rules.isIgnored(path, isDirectory: false), try !isTracked(path) {
      if !isCopy { noteIgnored(path, count: 1) }
      return
    }
    if let node, node.directory != nil { try recordDeletion(node, at: path, depth: depth) }
    let original = node?.directory == nil ? node : nil
    if let original, try isSame(name, status, in: layer, as: original, at: path) { return }
    guard let after = try version(name, status, in: layer, at: path) else {
      if let original { try recordDeletion(original, at: path, depth: depth) }
      return
    }
    if status.permissions & 0o6000 != 0, status.kind == .regular { leaveOut(path, .setID) }
    guard let before = try baseVersion(original, at: path) else { return }
    if before.version?.id == after.id, before.version?.mode == after.mode { return }
    try record(FileChange(path: path, before: before.version, after: after, isBaseCertain: before.isCertain))
  }

  /// True for two kinds of files that need no version: one of a copy that is as in the base, though nobody remembers
  /// having copied it, and one too large to be taken that was copied up and not written.
  private func isSame(
    _ name: [UInt8], _ status: FileStatus, in layer: Descriptor, as original: MergedNode, at path: RepoPath
  ) throws(WorkspaceError) -> Bool {
    guard status.kind == .regular, original.status.kind == .regular, status.size == original.status.size,
      status.isExecutable == original.status.isExecutable
    else { return false }
    if status.size > limits.fileBytes { return status.identity.modified == original.status.identity.modified }
    guard isCopy, known[path] == nil, originals[path] == nil else { return false }
    let content = try layer.contents(name, limit: limits.fileBytes, unlocking: true, subject: path.bytes)
    guard let there = try? base.contents(original, limit: limits.fileBytes, subject: path), there == content else {
      return false
    }
    adoptCopy(path, status)
    return true
  }

  // MARK: Versions

  /// The state of a file of the layer; nil when it cannot be taken, which has been noted then.
  private func version(
    _ name: [UInt8], _ status: FileStatus, in layer: Descriptor, at path: RepoPath
  ) throws(WorkspaceError) -> FileVersion? {
    if let version = known[path], version.isSettled, version.identity == status.identity,
      version.permissions == status.permissions
    {
      return version.version
    }
    switch status.kind {
    case .fifo: leaveOut(path, .fifo)
    case .socket: leaveOut(path, .socket)
    case .device, .directory: leaveOut(path, .device)
    case .regular, .symlink:
      if status.size > limits.fileBytes {
        leaveOut(path, .tooLarge)
        break
      }
      let content =
        status.kind == .symlink
        ? try layer.linkTarget(name, subject: path.bytes)
        : try layer.contents(name, limit: limits.fileBytes, unlocking: true, subject: path.bytes)
      let version = FileVersion(mode: status.fileMode, id: try store.write(content), size: content.count)
      let isSettled = status.identity.changed < started - 20_000_000
      known[path] = KnownVersion(
        identity: status.identity, permissions: status.permissions, version: version, isSettled: isSettled)
      return version
    }
    return nil
  }

  /// What the base has at a path; the outer nil when it cannot be read, which has been noted then.
  private func baseVersion(_ node: MergedNode?, at path: RepoPath) throws(WorkspaceError) -> OriginalVersions.Original?
  {
    if let original = originals[path] { return original }
    var original = OriginalVersions.Original(version: nil, isCertain: true)
    if let node, node.status.kind == .regular || node.status.kind == .symlink {
      if node.status.size > limits.fileBytes {
        leaveOut(path, .tooLarge)
        return nil
      }
      let content: [UInt8]
      do throws(WorkspaceError) {
        content = try base.contents(node, limit: limits.fileBytes, subject: path)
      } catch  where error.kind == .unreadable {
        leaveOut(path, .unreadable)
        return nil
      }
      original.version = FileVersion(mode: node.status.fileMode, id: try store.write(content), size: content.count)
      if node.layer == checkoutLayer, let dirtySince, node.status.identity.changed > dirtySince {
        original.isCertain = false
      }
    }
    originals.keep(path, original)
    return original
  }

  /// Notes that a file, or every file of a directory, is gone.
  private func recordDeletion(_ node: MergedNode, at path: RepoPath, depth: Int) throws(WorkspaceError) {
    let isDirectory = node.directory != nil
    if rules.isIgnored(path, isDirectory: isDirectory), try !isTracked(path) {
      if !isCopy { noteIgnored(path, count: 1) }
      return
    }
    if let directory = node.directory {
      if depth >= limits.depth { return leaveOut(path, .tooDeep) }
      for name in try base.children(of: directory).keys {
        guard !ProtectedNames.isGit(name), let child = path.appending(name), !masked.contains(child),
          let node = try base.child(name, of: directory)
        else { continue }
        try recordDeletion(node, at: child, depth: depth + 1)
      }
      return
    }
    guard let before = try baseVersion(node, at: path), before.version != nil else { return }
    try record(FileChange(path: path, before: before.version, after: nil, isBaseCertain: before.isCertain))
  }

  // MARK: What is not taken

  /// True for a directory that is a repository: one with `.git`, or a bare one, which git would enter just the same.
  private func isRepository(_ directory: Descriptor) throws(WorkspaceError) -> Bool {
    if try directory.names().contains(where: ProtectedNames.isGit) { return true }
    guard try directory.status(Array("HEAD".utf8)) != nil else { return false }
    let objects = try directory.status(Array("objects".utf8))
    let references = try directory.status(Array("refs".utf8))
    return objects?.kind == .directory && references?.kind == .directory
  }

  private func countIgnored(_ directory: Descriptor, at path: RepoPath) throws(WorkspaceError) {
    noteIgnored(path, count: 0)
    try countIgnored(directory, levels: 32)
  }

  private func countIgnored(_ directory: Descriptor, levels: Int) throws(WorkspaceError) {
    guard findings.ignoredCount < limits.ignoredCounted, levels > 0 else {
      findings.ignoredIsComplete = false
      return
    }
    for name in try directory.names() {
      guard let status = try directory.status(name) else { continue }
      if status.kind == .directory, let child = directory.subdirectory(name) {
        child.unlock(status)
        try countIgnored(child, levels: levels - 1)
      } else {
        findings.ignoredCount += 1
      }
      if findings.ignoredCount >= limits.ignoredCounted {
        findings.ignoredIsComplete = false
        return
      }
    }
  }

  private func noteIgnored(_ path: RepoPath, count: Int) {
    findings.ignoredCount += count
    if findings.ignoredSample.count < limits.ignoredListed { findings.ignoredSample.append(path) }
  }

  private func leaveOut(_ path: RepoPath, _ reason: LeftOut.Reason) {
    if findings.leftOut.count < limits.leftOutListed {
      findings.leftOut.insert(LeftOut(path: path, reason: reason))
    }
  }

  private func record(_ change: FileChange) throws(WorkspaceError) {
    guard findings.changes.count < limits.files else {
      throw WorkspaceError(
        .tooLarge, "more than \(limits.files) files differ from the base",
        hint: "add what a build writes to .gitignore")
    }
    findings.changes.append(change)
  }
}

extension FileStatus {
  /// The mode that git gives this file.
  var fileMode: FileMode { kind == .symlink ? .symlink : isExecutable ? .executable : .regular }
}
