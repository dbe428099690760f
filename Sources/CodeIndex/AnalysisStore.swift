import Git
import Glibc
import IndexKernel
import Synchronization

/// A content together with the language that its name tells.
struct ContentKey: Hashable, Sendable {
  var blob: ObjectID
  var language: String
}

/// Small records kept between runs, by object id and kind, in segment files that are written once under a name of their own and never
/// changed: any number of processes may read and write at the same time, and a process that dies leaves either a whole
/// segment or none. Every record carries a checksum; a damaged one counts as absent and is made anew.
///
/// A file is the eight bytes of ``magic``, then records: length of the rest (4 bytes, little endian), checksum of
/// what follows (8 bytes), 20 bytes of object id, one byte of the kind's length, the kind, the record.
final class AnalysisStore: Sendable {
  /// Changes whenever an analysis of the same content comes out differently, or is stored differently.
  static let magic = Array("CArec\u{1}\u{0}\u{5}".utf8)
  private static let suffix = ".rec"
  /// So many segments are joined into one.
  private static let mostSegments = 8
  /// A store that grows beyond this is begun anew.
  private static let mostBytes = 1 << 30

  private struct Record: Sendable {
    var segment: Int
    var offset: Int
    var length: Int
  }

  private struct State: Sendable {
    var segments: [MappedFile] = []
    var names: [String] = []
    var records: [ContentKey: Record] = [:]
    var damaged = 0
  }

  private let directory: String
  private let state = Mutex(State())

  /// Opens the store in a directory, which is made when it is missing; nil when that cannot be done, or when the directory
  /// is not this user's alone: what others can write must not be believed.
  init?(directory path: [UInt8]) {
    guard let made = PrivateDirectory.make(path) else { return nil }
    directory = made
    state.withLock { load(&$0) }
  }

  private func load(_ state: inout State) {
    for name in PrivateDirectory.names(directory, suffix: Self.suffix) { read(name, &state) }
  }

  private func read(_ name: String, _ state: inout State) {
    guard let file = MappedFile(directory + "/" + name) else { return }
    let number = state.segments.count
    let isWhole = file.withBytes { bytes -> Bool in
      guard bytes.count >= 8, bytes[0..<8].elementsEqual(Self.magic) else { return false }
      var index = 8
      while index + 12 <= bytes.count {
        let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self)))
        guard length >= 29, index + 4 + length <= bytes.count else { return false }
        let language = Int(bytes[index + 32])
        guard 29 + language <= length, let blob = ObjectID(bytes: bytes[(index + 12)..<(index + 32)]) else {
          return false
        }
        let key = ContentKey(
          blob: blob, language: String(decoding: bytes[(index + 33)..<(index + 33 + language)], as: UTF8.self))
        state.records[key] = Record(segment: number, offset: index, length: length)
        index += 4 + length
      }
      return index == bytes.count
    }
    state.segments.append(file)
    state.names.append(name)
    if !isWhole { state.damaged += 1 }
  }

  /// What `decode` makes of a record; nil when there is none, or it is damaged.
  func value<Value>(_ key: ContentKey, _ decode: (UnsafeRawBufferPointer) -> Value?) -> Value? {
    let found = state.withLock { state in
      state.records[key].map { (state.segments[$0.segment], $0) }
    }
    guard let (file, record) = found else { return nil }
    let value = file.withBytes { bytes -> Value? in
      let content = UnsafeRawBufferPointer(rebasing: bytes[(record.offset + 12)..<(record.offset + 4 + record.length)])
      let sum = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: record.offset + 4, as: UInt64.self))
      guard Checksum.of(content) == sum else { return nil }
      let start = 21 + Int(content[20])
      return decode(UnsafeRawBufferPointer(rebasing: content[start...]))
    }
    if value == nil {
      state.withLock { state in
        state.records[key] = nil
        state.damaged += 1
      }
    }
    return value
  }

  /// Keeps records. Failing to (no space, no permission) costs only time later on.
  func add(records: [(ContentKey, [UInt8])]) {
    guard !records.isEmpty else { return }
    var bytes = Self.magic
    for (key, content) in records { Self.append(key, content, to: &bytes) }
    if let name = write(bytes) { state.withLock { read(name, &$0) } }
    mergeIfNeeded()
  }

  private static func append(_ key: ContentKey, _ analysis: [UInt8], to bytes: inout [UInt8]) {
    var content = key.blob.bytes
    let language = Array(key.language.utf8.prefix(255))
    content.append(UInt8(language.count))
    content.append(contentsOf: language)
    content.append(contentsOf: analysis)
    withUnsafeBytes(of: UInt32(content.count + 8).littleEndian) { bytes.append(contentsOf: $0) }
    let sum = content.withUnsafeBytes { Checksum.of($0) }
    withUnsafeBytes(of: sum.littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: content)
  }

  /// Writes a segment under a name of its own; nil when that failed.
  private func write(_ bytes: [UInt8]) -> String? {
    var generator = SystemRandomNumberGenerator()
    let name = String(generator.next(), radix: 16) + String(generator.next(), radix: 16) + Self.suffix
    let path = directory + "/" + name
    let temporary = path + ".tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { return nil }
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      written += count
    }
    close(descriptor)
    guard written == bytes.count, rename(temporary, path) == 0 else {
      unlink(temporary)
      return nil
    }
    return name
  }

  /// Joins segments once there are many, without records that another one repeats; drops everything when it is too much.
  private func mergeIfNeeded() {
    let (segments, names, records) = state.withLock { ($0.segments, $0.names, $0.records) }
    guard segments.count > Self.mostSegments else { return }
    let total = segments.reduce(0) { $0 + $1.count }
    guard total < Self.mostBytes else {
      for name in names { unlink(directory + "/" + name) }
      return
    }
    var bytes = Self.magic
    bytes.reserveCapacity(total)
    for record in records.values.sorted(by: { ($0.segment, $0.offset) < ($1.segment, $1.offset) }) {
      segments[record.segment].withBytes { mapped in
        bytes.append(contentsOf: mapped[record.offset..<(record.offset + 4 + record.length)])
      }
    }
    guard let merged = write(bytes) else { return }
    // Readers that have the old ones open keep them.
    for name in names { unlink(directory + "/" + name) }
    state.withLock { state in
      state = State()
      read(merged, &state)
    }
  }

  /// Bytes in all segments, segments, and damaged ones met.
  var size: (bytes: Int, segments: Int, damaged: Int) {
    state.withLock { ($0.segments.reduce(0) { $0 + $1.count }, $0.segments.count, $0.damaged) }
  }
}

/// A file mapped for reading.
///
/// Unchecked: the mapping is made once, read-only and private, never moves, and lives as long as the object; the segments
/// behind it are never written again.
final class MappedFile: @unchecked Sendable {
  private let address: UnsafeMutableRawPointer?
  let count: Int

  init?(_ path: String) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_uid == geteuid() else { return nil }
    count = Int(info.st_size)
    guard count > 0 else { return nil }
    address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
    if address == MAP_FAILED { return nil }
  }

  deinit { if let address { munmap(address, count) } }

  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    body(UnsafeRawBufferPointer(start: address, count: count))
  }
}
