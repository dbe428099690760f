import Git
import Glibc
import Paths

extension Workspace {
  /// Writes a snapshot's changed files into a directory of their own, which is made, or must be empty.
  ///
  /// Regular files with plain modes, and symbolic links that stay inside: every directory below is made here, so nothing
  /// can redirect a write.
  /// - Throws: `outside` when the directory is not empty, `notWritable`, `noSpace`.
  public func export(_ snapshot: Snapshot, to target: [UInt8]) throws(WorkspaceError) -> DeliveryReport {
    _ = withPath(target) { mkdir($0, 0o755) }
    let root = try Descriptor.directory(target)
    guard try root.names(subject: target).isEmpty else {
      throw WorkspaceError(
        .outside, "\(Quoting.quote(target)) is not empty", hint: "export into a new or an empty directory")
    }
    var report = DeliveryReport()
    let (changes, leftOut) = try deliverable(snapshot)
    report.leftOut = snapshot.leftOut + leftOut
    for change in changes {
      guard let after = change.after else {
        report.removed.append(change.path)
        continue
      }
      guard after.mode.isBlob || after.mode == .symlink else {
        report.leftOut.append(LeftOut(path: change.path, reason: .nestedRepository))
        continue
      }
      let components = change.path.components
      guard let name = components.last else { continue }
      var place = root
      for component in components.dropLast() {
        _ = try place.makeDirectory(component, permissions: 0o755)
        guard let next = place.subdirectory(component) else {
          throw WorkspaceError(.notADirectory, "\(change.path) cannot be written: something is in its way")
        }
        place = next
      }
      if after.mode == .symlink {
        // Where it leads is inside, see `deliverable`; nothing here is written through it: no directory is opened that
        // was not made here, and none has its name.
        let target = try content(of: after.id)
        guard withPath(target, { target in withPath(name) { symlinkat(target, place.number, $0) } }) == 0 else {
          throw .writing(change.path.bytes)
        }
        report.written.append(change.path)
        continue
      }
      try place.create(
        name, try content(of: after.id), permissions: after.mode == .executable ? 0o755 : 0o644,
        subject: change.path.bytes)
      report.written.append(change.path)
    }
    return report
  }
}
