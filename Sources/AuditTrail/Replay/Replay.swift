import Git
public import Paths

/// A run's change, made again from the record alone: every step's diff is applied to the file contents that the record holds, each
/// content is checked against its blob id, and the final diff is computed anew.
public struct Replay: Sendable {
  /// One recorded change of the workspace.
  public struct Step: Sendable, Hashable {
    /// The event that recorded it.
    public let sequence: Int
    /// The files that it changed.
    public let paths: [RepoPath]
    /// Why the step could not be made again; nil when it could, to the byte.
    public let obstacle: String?
  }

  /// One file of the final change.
  public struct File: Sendable, Hashable {
    /// Where it is.
    public let path: RepoPath
    /// Why its diff could not be derived, or that it differs; nil when it is the same to the byte.
    public let obstacle: String?
  }

  /// The steps, in order.
  public let steps: [Step]
  /// The files of the final diff.
  public let files: [File]
  /// The final diff as it was derived, without the files that could not be.
  public let patch: [UInt8]
  /// The final diff as it was recorded; nil when the run has none, or it was erased.
  public let recorded: [UInt8]?

  /// True when the derived diff is the recorded one, byte for byte.
  public var isIdentical: Bool { recorded.map { $0 == patch } ?? false }

  /// Makes a run's change again.
  public init(_ run: RunID, in store: AuditStore) throws {
    let recordedRun = try RecordedRun(run, in: store)
    var contents = Contents()
    var steps: [Step] = []
    for event in recordedRun.events {
      for reference in event.content where reference.name.hasPrefix(Contents.prefix) {
        guard let bytes = try store.content(of: event, reference.name) else { continue }
        contents.add(bytes, named: reference.name)
      }
      guard event.content.contains(where: { $0.name == "diff" }) else { continue }
      guard let diff = try store.content(of: event, "diff") else {
        steps.append(Step(sequence: event.sequence, paths: [], obstacle: "its diff was erased"))
        continue
      }
      guard let files = GitPatch.files(in: diff) else {
        steps.append(Step(sequence: event.sequence, paths: [], obstacle: "its diff cannot be read"))
        continue
      }
      var obstacle: String?
      for file in files {
        if let found = contents.apply(file) { obstacle = obstacle ?? "\(file.path.quoted): \(found)" }
      }
      steps.append(Step(sequence: event.sequence, paths: files.map(\.path), obstacle: obstacle))
    }
    let end = recordedRun.events.last { $0.kind == "run.ended" && $0.content.contains { $0.name == "patch" } }
    let recorded = try end.flatMap { try store.content(of: $0, "patch") }
    var patch: [UInt8] = []
    var files: [File] = []
    for file in recorded.flatMap(GitPatch.files) ?? [] {
      let (bytes, obstacle) = contents.derive(file)
      patch += bytes
      files.append(File(path: file.path, obstacle: obstacle))
    }
    self.steps = steps
    self.recorded = recorded
    self.patch = patch
    self.files = files
  }
}

/// File contents by blob id: those that the record holds, and those that follow from them.
struct Contents {
  /// What names of recorded file contents begin with; the blob id follows.
  static let prefix = "file-"

  private var known: [ObjectID: [UInt8]] = [:]
  /// Recorded contents that are not what their id says: something in them was replaced.
  private var altered: Set<ObjectID> = []

  mutating func add(_ bytes: [UInt8], named name: String) {
    guard let id = ObjectID(hex: String(name.dropFirst(Contents.prefix.count))) else { return }
    if BlobHash.id(of: bytes) == id { known[id] = bytes } else { altered.insert(id) }
  }

  /// Applies one file of a step. Returns why that is not possible.
  mutating func apply(_ file: FilePatch) -> String? {
    guard let after = file.after, known[after] == nil else { return nil }
    if file.isBinary { return "it is binary, and its content was not recorded" }
    var old: [UInt8] = []
    if let before = file.before {
      guard let content = known[before] else { return missing(before) }
      old = content
    }
    guard let new = file.apply(to: old) else { return "the diff does not fit the content before it" }
    guard BlobHash.id(of: new) == after else {
      return altered.isEmpty ? "the diff gives other content than it says" : "a secret in the diff was replaced"
    }
    known[after] = new
    return nil
  }

  /// The diff of one file of the final change, computed anew, and what kept it from being the recorded one.
  func derive(_ file: FilePatch) -> ([UInt8], String?) {
    var sides: [Diff.Side?] = []
    for (id, mode) in [(file.before, file.oldMode), (file.after, file.newMode)] {
      guard let id else {
        // Only the mode changed, or there is no file on this side.
        sides.append(file.before == nil && file.after == nil ? mode.map { Diff.Side([], mode: $0) } : nil)
        continue
      }
      guard let content = known[id] else { return ([], missing(id)) }
      sides.append(Diff.Side(content, mode: mode ?? .regular))
    }
    do {
      let bytes = try Diff.unified(old: sides[0], new: sides[1], oldPath: file.oldPath, newPath: file.path)
      return (bytes, bytes == file.bytes ? nil : "what is derived differs from what was recorded")
    } catch {
      return ([], error.message)
    }
  }

  private func missing(_ id: ObjectID) -> String {
    altered.contains(id)
      ? "its content held a secret, which the record does not keep"
      : "the record does not hold its content \(id.hex.prefix(12))"
  }
}
