import Git
import Glibc
import Paths

/// The directory that holds everything of one run's workspaces. Only its user can enter it, and one process at a time
/// works with it.
///
/// ```
/// lock            held for as long as a process works here
/// state           what reopening needs
/// new/            files that are being written
/// main/           the run's workspace: upper and work, or copy
/// siblings/NAME/  judges and forks, laid out like main
/// layers/N/       what became part of the base after --setup
/// veil/, veil-N/  what is shown in place of files of the checkout: cleaned git configuration
/// objects         contents of snapshots
/// adaptors/, results/
/// delivery        the journal of a delivery under way
/// ```
final class RunStorage: Sendable {
  /// Its real absolute path.
  let path: [UInt8]
  let directory: Descriptor
  /// Where files of any workspace of the run are written before they get their name.
  let scratch: Descriptor
  private let lock: StorageLock

  /// Makes the directory when it is missing, and locks it.
  /// - Throws: `locked` when another process has it, `notWritable`, `noSpace`.
  init(path: [UInt8]) throws(WorkspaceError) {
    if withPath(path, { mkdir($0, 0o700) }) != 0 && errno != EEXIST { throw .writing(path) }
    let directory = try Descriptor.directory(path)
    let status = try directory.status()
    guard status.owner == geteuid() else {
      throw WorkspaceError(.notWritable, "\(Quoting.quote(path)) belongs to another user")
    }
    if status.permissions & 0o777 != 0o700 { directory.changePermissions(0o700) }
    self.path = try Self.resolved(directory, path)
    self.directory = directory
    lock = try StorageLock(directory, path: path)
    // What a killed process was writing.
    let new = Array("new".utf8)
    try directory.removeTree(new)
    try directory.makeDirectory(new, permissions: 0o700)
    guard let scratch = directory.subdirectory(new) else { throw .writing(path, ENOTDIR) }
    self.scratch = scratch
  }

  /// The path of something in the storage.
  func path(_ names: String...) -> [UInt8] { path + names.flatMap { [0x2f] + Array($0.utf8) } }

  /// Makes a directory in the storage, with its parents.
  @discardableResult
  func makeDirectory(_ names: String..., permissions: UInt32 = 0o700) throws(WorkspaceError) -> Descriptor {
    var current = directory
    for (index, name) in names.enumerated() {
      let bytes = Array(name.utf8)
      try current.makeDirectory(bytes, permissions: index + 1 == names.count ? permissions : 0o700)
      guard let next = current.subdirectory(bytes) else { throw .writing(path + [0x2f] + bytes, ENOTDIR) }
      current = next
    }
    return current
  }

  /// Writes a file so that a reader sees the old content or the new, never a part.
  /// - Parameter sync: returns when it is on disk.
  func replace(_ name: String, with content: [UInt8], sync: Bool = false) throws(WorkspaceError) {
    let draft = Array("\(name).new".utf8)
    try directory.unlink(draft)
    try directory.create(draft, content, permissions: 0o600, sync: sync, subject: path(name))
    let renamed = withPath(draft) { draft in
      withPath(Array(name.utf8)) { renameat(directory.number, draft, directory.number, $0) }
    }
    guard renamed == 0 else { throw .writing(path(name)) }
    if sync { try directory.sync() }
  }

  private static func resolved(_ directory: Descriptor, _ path: [UInt8]) throws(WorkspaceError) -> [UInt8] {
    guard let resolved = withPath(path, { realpath($0, nil) }) else { throw .reading(path) }
    defer { free(resolved) }
    return [UInt8](UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
  }
}

/// What a killed run's successor must know about its workspace.
struct StoredState: Sendable, Hashable {
  /// The checkout's root.
  var root: [UInt8]
  /// The commit that was checked out; nil without git or before a first commit.
  var head: ObjectID?
  /// How many layers became part of the base.
  var frozenLayers = 0
  /// Why the workspace is a plain copy; nil for an overlay.
  var copyReason: String?
  /// How many layers had become part of the base when the workspace became a copy: those after are whole trees.
  var copySince = 0

  private static let header = "codeagent workspace 1"

  /// The stored form: lines, the root's bytes last.
  var encoded: [UInt8] {
    let reason = copyReason.map { Array("copy \(copySince) \($0.filter { !$0.isNewline })\n".utf8) } ?? []
    let text = "\(Self.header)\nhead \(head?.hex ?? "-")\nlayers \(frozenLayers)\n"
    return Array(text.utf8) + reason + Array("root ".utf8) + root
  }

  init(root: [UInt8], head: ObjectID?) {
    self.root = root
    self.head = head
  }

  /// Reads the stored form; nil when it is none.
  init?(_ bytes: [UInt8]) {
    var lines = bytes.split(separator: 0x0a, maxSplits: 3, omittingEmptySubsequences: false)
    guard lines.count == 4, lines.removeFirst().elementsEqual(Self.header.utf8) else { return nil }
    let headLine = String(decoding: lines[0], as: UTF8.self)
    let layersLine = String(decoding: lines[1], as: UTF8.self)
    guard headLine.hasPrefix("head "), layersLine.hasPrefix("layers "), let layers = Int(layersLine.dropFirst(7))
    else { return nil }
    head = ObjectID(hex: String(headLine.dropFirst(5)))
    frozenLayers = layers
    var rest = lines[2]
    if rest.starts(with: Array("copy ".utf8)), let end = rest.firstIndex(of: 0x0a) {
      let fields = rest[(rest.startIndex + 5)..<end].split(separator: 0x20, maxSplits: 1)
      guard fields.count == 2, let since = Int(String(decoding: fields[0], as: UTF8.self)) else { return nil }
      copySince = since
      copyReason = String(decoding: fields[1], as: UTF8.self)
      rest = rest[(end + 1)...]
    }
    guard rest.starts(with: Array("root ".utf8)) else { return nil }
    root = Array(rest.dropFirst(5))
  }
}
