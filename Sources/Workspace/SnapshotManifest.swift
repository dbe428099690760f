import Git
import Paths

/// The stored form of a snapshot: a blob whose id is the snapshot's.
///
/// After a first line, NUL-terminated records in path order: `BEFORE AFTER CERTAIN PATH` for a change, with each version
/// as `MODE,ID,SIZE` or `-`, and `! REASON PATH` for what was left out.
enum SnapshotManifest {
  private static let header = Array("codeagent snapshot 1\n".utf8)

  /// The stored form.
  static func encode(_ changes: [FileChange], _ leftOut: [LeftOut]) -> [UInt8] {
    var bytes = header
    for change in changes {
      bytes += text(change.before).utf8
      bytes.append(0x20)
      bytes += text(change.after).utf8
      bytes += (change.isBaseCertain ? " = " : " ? ").utf8
      bytes += change.path.bytes
      bytes.append(0)
    }
    for item in leftOut {
      bytes += "! \(item.reason.rawValue) ".utf8
      bytes += item.path.bytes
      bytes.append(0)
    }
    return bytes
  }

  /// Reads the stored form back; nil when it is none.
  static func decode(_ bytes: [UInt8], id: ObjectID) -> Snapshot? {
    guard bytes.starts(with: header) else { return nil }
    var changes: [FileChange] = []
    var leftOut: [LeftOut] = []
    for record in bytes.dropFirst(header.count).split(separator: 0) {
      let isLeftOut = record.first == UInt8(ascii: "!")
      let fields = record.split(separator: 0x20, maxSplits: isLeftOut ? 2 : 3, omittingEmptySubsequences: false)
      guard let last = fields.last, let path = RepoPath(Array(last)) else { return nil }
      if isLeftOut {
        guard fields.count == 3, let reason = LeftOut.Reason(rawValue: String(decoding: fields[1], as: UTF8.self))
        else { return nil }
        leftOut.append(LeftOut(path: path, reason: reason))
      } else {
        guard fields.count == 4, let before = version(fields[0]), let after = version(fields[1]) else { return nil }
        changes.append(
          FileChange(path: path, before: before, after: after, isBaseCertain: fields[2].first == UInt8(ascii: "=")))
      }
    }
    return Snapshot(id: id.hex, changes: changes, leftOut: leftOut)
  }

  private static func text(_ version: FileVersion?) -> String {
    guard let version else { return "-" }
    return "\(version.mode.octal),\(version.id.hex),\(version.size)"
  }

  /// The outer optional is nil for a malformed field, the inner one for no version.
  private static func version(_ field: ArraySlice<UInt8>) -> FileVersion?? {
    let text = String(decoding: field, as: UTF8.self)
    if text == "-" { return .some(nil) }
    let parts = text.split(separator: ",")
    guard parts.count == 3, let raw = UInt32(parts[0], radix: 8), let mode = FileMode(rawValue: raw),
      let id = ObjectID(hex: String(parts[1])), let size = Int(parts[2])
    else { return nil }
    return FileVersion(mode: mode, id: id, size: size)
  }
}
