import Git
import Glibc
import IndexKernel
import Synchronization

/// The segments of one repository or directory, in a directory of their own.
///
/// Segments are written once under a name that nobody else uses and never changed, so that any number of processes may
/// read and write at the same time, and one that is killed leaves a whole segment or none. What two processes analysed at
/// the same time is there twice, until segments are joined. A damaged segment is removed, and its contents analysed anew.
final class SegmentStore: Sendable {
  private static let suffix = ".seg"
  /// So many small segments are joined into one.
  private static let mostSmall = 12
  /// Larger ones are left alone.
  private static let small = 8 << 20
  /// A table of all documents costs as much as so many looks at them.
  private static let mostLooks = 16

  /// Where a document is.
  struct Place: Hashable, Sendable {
    private let number: UInt64

    init(segment: Int, document: Int) { number = UInt64(segment) << 32 | UInt64(document) }

    var segment: Int { Int(number >> 32) }
    var document: Int { Int(number & 0xffff_ffff) }
  }

  private struct State: Sendable {
    var segments: [Segment] = []
    var places: [UInt64: [Place]]?
    /// How often all documents were looked at for a few of them.
    var looks = 0
    var damaged = 0
    var problem: String?
  }

  /// nil for a store that lives in memory.
  let directory: String?
  private let state = Mutex(State())

  /// Opens the store in a directory, which is made when it is missing. When that cannot be done, or the directory is not
  /// this user's alone (what others can write must not be believed), it lives in memory.
  init(directory path: [UInt8]) {
    guard let directory = PrivateDirectory.make(path) else {
      self.directory = nil
      if !path.isEmpty { state.withLock { $0.problem = PrivateDirectory.problem(path) } }
      return
    }
    self.directory = directory
    let names = PrivateDirectory.names(directory, suffix: Self.suffix)
    state.withLock { state in
      for name in names {
        guard let container = Container(file: directory + "/" + name, magic: Segment.magic),
          let segment = Segment(container, name: name)
        else {
          unlink(directory + "/" + name)
          state.damaged += 1
          continue
        }
        state.segments.append(segment)
      }
    }
  }

  /// All segments; their numbers hold as long as nothing is joined or dropped.
  var segments: [Segment] { state.withLock(\.segments) }

  /// Why what was indexed is not kept on disk; nil when it is, or is not meant to be.
  var problem: String? { state.withLock(\.problem) }

  /// Bytes in all segments, segments, and damaged ones met.
  var size: (bytes: Int, segments: Int, damaged: Int) {
    state.withLock { state in
      (state.segments.reduce(0) { $0 + $1.container.size }, state.segments.count, state.damaged)
    }
  }

  /// Where the analyses of contents are; nil for those that have none.
  func find(_ keys: [ContentKey?]) -> [Place?] {
    state.withLock { state in
      let places: [UInt64: [Place]]
      let documents = state.segments.reduce(0) { $0 + $1.documents }
      if let known = state.places {
        places = known
      } else if keys.count < documents / 64, state.looks < Self.mostLooks {
        if keys.contains(where: { $0 != nil }) { state.looks += 1 }
        places = Self.table(of: keys, state.segments)
      } else {
        var table: [UInt64: [Place]] = [:]
        table.reserveCapacity(documents)
        for (number, segment) in state.segments.enumerated() { Self.enter(segment, number, &table) }
        state.places = table
        places = table
      }
      return keys.map { key in
        guard let key, let candidates = places[Self.short(key)] else { return nil }
        return candidates.first { state.segments[$0.segment].key($0.document) == key }
      }
    }
  }

  private static func short(_ key: ContentKey) -> UInt64 {
    key.blob.bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
  }

  private static func enter(_ segment: Segment, _ number: Int, _ table: inout [UInt64: [Place]]) {
    segment.forEachShortKey { document, short in
      table[short, default: []].append(Place(segment: number, document: document))
    }
  }

  /// The documents that may be among a few keys: a look at all is cheaper than a table of all.
  private static func table(of keys: [ContentKey?], _ segments: [Segment]) -> [UInt64: [Place]] {
    var table: [UInt64: [Place]] = [:]
    // A bit for the lowest twelve of each wanted key's first bytes lets nearly all others pass by.
    var sieve = [UInt64](repeating: 0, count: 64)
    for short in keys.compactMap({ $0.map(short) }) {
      table[short] = []
      sieve[Int(short >> 6 & 63)] |= 1 << (short & 63)
    }
    guard !table.isEmpty else { return table }
    sieve.withUnsafeBufferPointer { sieve in
      for (number, segment) in segments.enumerated() {
        segment.forEachShortKey { document, short in
          guard sieve[Int(short >> 6 & 63)] >> (short & 63) & 1 == 1 else { return }
          table[short]?.append(Place(segment: number, document: document))
        }
      }
    }
    return table
  }

  /// Keeps a segment; where it cannot be written (no space, no permission) it stays in memory.
  /// - Parameters:
  ///   - draft: begins anew.
  ///   - isPassing: keeps it in memory, for what will soon be out of date.
  /// - Returns: its number.
  func add(_ draft: inout Segment.Draft, isPassing: Bool = false) -> Int? {
    let parts = draft.finish()
    var segment: Segment?
    if let directory, !isPassing {
      let name = Self.freshName() + Self.suffix
      if Container.write(parts, magic: Segment.magic, to: directory + "/" + name),
        let container = Container(file: directory + "/" + name, magic: Segment.magic)
      {
        segment = Segment(container, name: name)
      } else {
        let reason = String(cString: strerror(errno))
        state.withLock { $0.problem = "\(directory): \(reason)" }
      }
    }
    guard let segment = segment ?? Segment(Container(parts), name: nil) else { return nil }
    return state.withLock { state in
      state.segments.append(segment)
      if var places = state.places.take() {
        Self.enter(segment, state.segments.count - 1, &places)
        state.places = places
      }
      return state.segments.count - 1
    }
  }

  static func freshName() -> String {
    var generator = SystemRandomNumberGenerator()
    return String(generator.next(), radix: 36)
  }

  /// Removes segments that were found damaged; true when there were any. Numbers of segments change.
  func dropDamaged() -> Bool {
    state.withLock { state in
      let damaged = state.segments.filter(\.isDamaged)
      guard !damaged.isEmpty else { return false }
      for segment in damaged {
        if let directory, let name = segment.name { unlink(directory + "/" + name) }
      }
      state.damaged += damaged.count
      state.segments.removeAll(where: \.isDamaged)
      state.places = nil
      return true
    }
  }

  /// Looks at all bytes of the segments, and removes those that are damaged, so that no answer will lack anything. Numbers of
  /// segments change. A store of more than `most` bytes is left alone: there damage shows when it is met.
  func verify(upTo most: Int) {
    guard size.bytes <= most else { return }
    for segment in segments { _ = segment.container.bytes.slice(0..<segment.container.bytes.count) }
    _ = dropDamaged()
  }

  /// Joins small segments once there are many. Numbers of segments change; segments that are in use stay readable.
  func mergeIfNeeded(force: Bool = false) {
    guard let directory else { return }
    let small = state.withLock { $0.segments.filter { $0.name != nil && $0.container.size < Self.small } }
    guard small.count > (force ? 1 : Self.mostSmall) else { return }
    replace(small, in: directory) { _ in true }
  }

  /// Writes one segment in the place of several.
  private func replace(_ small: [Segment], in directory: String, keeping isWanted: (ContentKey) -> Bool) {
    // One process joins at a time; others go on without.
    let lock = open(directory + "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard lock >= 0 else { return }
    defer { close(lock) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else { return }
    let name = Self.freshName() + Self.suffix
    guard let parts = SegmentMerger.merge(small, keeping: isWanted),
      Container.write(parts, magic: Segment.magic, to: directory + "/" + name),
      let container = Container(file: directory + "/" + name, magic: Segment.magic),
      let merged = Segment(container, name: name)
    else { return }
    for segment in small { if let name = segment.name { unlink(directory + "/" + name) } }
    let gone = Set(small.compactMap(\.name))
    state.withLock { state in
      state.segments.removeAll { $0.name.map { gone.contains($0) } ?? false }
      state.segments.append(merged)
      state.places = nil
    }
  }
}

extension SegmentStore {
  /// Joined segments stay below this.
  private static let large = 128 << 20

  /// Writes segments anew that hold much that no kept view uses. Kept views are dropped: what they say is found again by
  /// the contents' keys.
  func compact() {
    guard let directory else { return }
    let views = KeptView.names(self).compactMap { KeptView($0, in: self)?.view }
    guard !views.isEmpty else { return }
    var live: Set<ContentKey> = []
    for view in views {
      for place in view.places {
        if let key = view.segments[place.segment].key(place.document) { live.insert(key) }
      }
    }
    let wasteful = segments.filter { segment in
      guard segment.name != nil else { return false }
      var used = 0
      segment.forEachKey { _, key in if live.contains(key) { used += 1 } }
      return used * 4 < segment.documents * 3
    }
    guard !wasteful.isEmpty else { return }
    var groups: [[Segment]] = [[]]
    var size = 0
    for segment in wasteful {
      if size + segment.container.size > Self.large {
        groups.append([])
        size = 0
      }
      groups[groups.count - 1].append(segment)
      size += segment.container.size
    }
    for group in groups { replace(group, in: directory) { live.contains($0) } }
    KeptView.removeAll(self)
  }
}

/// Directories that only their user can enter.
enum PrivateDirectory {
  /// Makes a directory and those above it; nil when that cannot be done, or others can write there.
  static func make(_ path: [UInt8]) -> String? {
    guard path.first == 0x2f, !path.contains(0) else { return nil }
    let directory = String(decoding: path, as: UTF8.self)
    guard Array(directory.utf8) == path, make(directory) else { return nil }
    var info = stat()
    guard stat(directory, &info) == 0, info.st_uid == geteuid(), info.st_mode & 0o022 == 0 else { return nil }
    return directory
  }

  /// Why ``make(_:)`` cannot make a directory, in words.
  static func problem(_ path: [UInt8]) -> String {
    let name = String(decoding: path, as: UTF8.self)
    guard path.first == 0x2f, !path.contains(0), Array(name.utf8) == path else { return "\(name): not a usable path" }
    var info = stat()
    // The nearest directory that is there says why the next is not.
    if !make(name) { return "\(name): \(String(cString: strerror(errno)))" }
    guard stat(name, &info) == 0 else { return "\(name): \(String(cString: strerror(errno)))" }
    return "\(name): other users can write there"
  }

  private static func make(_ path: String) -> Bool {
    if mkdir(path, 0o700) != 0, errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
      guard make(String(path[..<slash])) else { return false }
      _ = mkdir(path, 0o700)
    }
    let reason = errno
    var info = stat()
    guard stat(path, &info) == 0 else {
      errno = reason
      return false
    }
    errno = ENOTDIR
    return info.st_mode & S_IFMT == S_IFDIR
  }

  /// The names in a directory that end so, sorted.
  static func names(_ directory: String, suffix: String) -> [String] {
    guard let listing = opendir(directory) else { return [] }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasSuffix(suffix), name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}
