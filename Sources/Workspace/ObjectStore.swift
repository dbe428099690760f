import CLinux
import Git
import Glibc
import Paths
import Synchronization

/// The run's own store of file contents by git blob id: one file that only its user can read, dropped with the run.
///
/// Contents are appended, so that storing a thousand small files costs a thousand short writes and not a thousand new
/// files. A record is its size (8 bytes, little-endian), the id (20 bytes) and the content. What a killed process left
/// unfinished at the end is cut off at the next start; a content is checked against its id whenever it is read.
final class ObjectStore: Sendable {
  private let file: Descriptor
  private let path: [UInt8]
  private let state: Mutex<State>

  private struct State {
    var index: [ObjectID: Place] = [:]
    var end: Int64
  }

  private struct Place {
    var offset: Int64
    var size: Int
  }

  private static let header = Array("codeagent objects 1\n".utf8)
  private static let prefixBytes = 8 + ObjectID.byteCount

  /// Opens the store in a storage directory, or makes it.
  /// - Throws: `damaged` when the file is none of ours, `noSpace`, `notWritable`.
  init(_ storage: RunStorage) throws(WorkspaceError) {
    path = storage.path("objects")
    let number = withPath(Array("objects".utf8)) {
      openat(storage.directory.number, $0, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    }
    guard number >= 0 else { throw .writing(path) }
    file = Descriptor(owning: number)
    let size = Int64(try file.status().size)
    var state = State(end: Int64(Self.header.count))
    if size < state.end {
      // New, or killed before the first object.
      guard ftruncate(number, 0) == 0 else { throw .writing(path) }
      try file.writeAll(Self.header, at: 0, subject: path)
    } else {
      try Self.load(file, size: size, path, into: &state)
    }
    self.state = Mutex(state)
  }

  /// Stores content and returns its id.
  /// - Throws: `noSpace`; the store is as before then.
  func write(_ content: [UInt8]) throws(WorkspaceError) -> ObjectID {
    let id = BlobHash.id(of: content)
    try state.withLock { (state) throws(WorkspaceError) in
      if state.index[id] != nil { return }
      var record: [UInt8] = []
      record.reserveCapacity(Self.prefixBytes + content.count)
      let size = UInt64(content.count)
      for shift in stride(from: UInt64(0), to: 64, by: 8) { record.append(UInt8(truncatingIfNeeded: size >> shift)) }
      record += id.bytes
      record += content
      do throws(WorkspaceError) {
        try file.writeAll(record, at: state.end, subject: path)
      } catch {
        ftruncate(file.number, Int(state.end))
        throw error
      }
      state.index[id] = Place(offset: state.end + Int64(Self.prefixBytes), size: content.count)
      state.end += Int64(record.count)
    }
    return id
  }

  /// The content of an id.
  /// - Throws: `unknownSnapshot` when it was never stored, `damaged` when the file was changed.
  func read(_ id: ObjectID) throws(WorkspaceError) -> [UInt8] {
    guard let place = state.withLock({ $0.index[id] }) else {
      throw WorkspaceError(.unknownSnapshot, "the run's object store does not hold \(id)")
    }
    let content = try file.read(at: place.offset, count: place.size, subject: path)
    guard BlobHash.id(of: content) == id else {
      throw WorkspaceError(.damaged, "the run's object store \(Quoting.quote(path)) is damaged at \(id)")
    }
    return content
  }

  /// Reads the places of all objects; an unfinished record at the end is cut off.
  private static func load(
    _ file: Descriptor, size: Int64, _ path: [UInt8], into state: inout State
  ) throws(WorkspaceError) {
    guard try file.read(at: 0, count: header.count, subject: path) == header else {
      throw WorkspaceError(.damaged, "\(Quoting.quote(path)) is no object store")
    }
    while state.end + Int64(prefixBytes) <= size {
      let prefix = try file.read(at: state.end, count: prefixBytes, subject: path)
      var length: UInt64 = 0
      for byte in prefix.prefix(8).reversed() { length = length << 8 | UInt64(byte) }
      let offset = state.end + Int64(prefixBytes)
      guard let id = ObjectID(bytes: prefix.dropFirst(8)), length <= UInt64(size - offset) else { break }
      state.index[id] = Place(offset: offset, size: Int(length))
      state.end = offset + Int64(length)
    }
    if state.end < size, ftruncate(file.number, Int(state.end)) != 0 { throw .writing(path) }
  }
}
