import Access
import Git
import Glibc

/// What is known of contents, by blob id, kept between runs. One file for each set of tests; records are only appended, so
/// that several processes may write at once. A file that others could write is not believed.
final class LabelStore {
  private static let magic = Array("CAlabels1\n".utf8)
  private static let recordBytes = 36
  /// A file that grows beyond this is begun anew.
  private static let mostBytes = 256 << 20

  private let path: [CChar]
  private var known: [ObjectID: FileLabels.Findings] = [:]
  private var fresh: [UInt8] = []

  init?(directory: [UInt8], named name: String) {
    guard directory.first == UInt8(ascii: "/"), !directory.contains(0) else { return nil }
    var prefix: [UInt8] = []
    for component in directory.split(separator: UInt8(ascii: "/")) {
      prefix += [UInt8(ascii: "/")] + component
      mkdir(prefix.map { CChar(bitPattern: $0) } + [0], 0o700)
    }
    path = (directory + Array("/\(name)".utf8)).map { CChar(bitPattern: $0) } + [0]
    load()
  }

  subscript(blob: ObjectID) -> FileLabels.Findings? { known[blob] }

  func add(_ blob: ObjectID, _ findings: FileLabels.Findings) {
    known[blob] = findings
    fresh += blob.bytes
    for word in [findings.made, findings.found] {
      fresh += (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
    }
  }

  /// Appends what is new. What cannot be written is found out again next time.
  func save() {
    guard !fresh.isEmpty else { return }
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return }
    if status.st_size > Self.mostBytes { ftruncate(descriptor, 0) }
    let bytes = (status.st_size == 0 || status.st_size > Self.mostBytes ? Self.magic : []) + fresh
    // One write: whole records stay together.
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    fresh = []
  }

  private func load() {
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o022 == 0,
      status.st_size <= Self.mostBytes
    else { return }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    guard count == bytes.count, bytes.starts(with: Self.magic) else { return }
    var offset = Self.magic.count
    func word(_ start: Int) -> UInt64 {
      (0..<8).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
    }
    while offset + Self.recordBytes <= bytes.count {
      if let id = ObjectID(bytes: Array(bytes[offset..<offset + 20])) {
        known[id] = FileLabels.Findings(made: word(offset + 20), found: word(offset + 28))
      }
      offset += Self.recordBytes
    }
  }
}
