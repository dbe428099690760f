import Glibc
import IndexKernel
import Paths

/// A view as it is kept between runs, so that a tree that was seen before is opened without looking at its files.
struct KeptView: Sendable {
  let view: FileView
  /// Beside the files: what tells that a file is still the same; empty for a committed tree.
  let stamps: [UInt64]
  /// What is no file to index, by what it is.
  let skipped: [String: Int]
  /// The view that is kept in full, and what differs from it: nothing where it is this one.
  let base: String
  let changes: KeptChanges.Places

  static let magic = Array("CAview\u{0}\u{3}".utf8)
  static let suffix = ".view"
  private static let mostKept = 16

  private enum Part: Int, CaseIterable {
    case segments, paths, ends, places, postings, lengths, bodyLengths, nameLengths, stamps, skipped
  }

  /// Reads a view; nil when there is none, or something that it needs is gone.
  /// - Parameter name: of letters, digits and hyphens.
  init?(_ name: String, in store: SegmentStore) {
    guard let changes = KeptChanges(name, in: store) else {
      self.init(full: name, in: store, nil)
      return
    }
    self.init(full: changes.base, in: store, changes)
    // The oldest go first when there are too many.
    changes.touch()
  }

  /// - Parameter name: of a view that is kept in full.
  private init?(full name: String, in store: SegmentStore, _ later: KeptChanges?) {
    guard let directory = store.directory else { return nil }
    let path = "\(directory)/\(name)\(Self.suffix)"
    guard let container = Container(file: path, magic: Self.magic), container.sections.count == Part.allCases.count
    else { return nil }
    container.bytes.populate()
    guard let names = container.section(Part.segments.rawValue), let bytes = container.section(Part.paths.rawValue),
      let ends: [UInt32] = Self.numbers(container, .ends), let raw = container.section(Part.places.rawValue),
      raw.count % 8 == 0,
      let lengths: [UInt16] = Self.numbers(container, .lengths),
      var bodyLengths: [UInt32] = Self.numbers(container, .bodyLengths),
      var nameLengths: [UInt32] = Self.numbers(container, .nameLengths),
      let stamps: [UInt64] = Self.numbers(container, .stamps),
      let skipped = container.section(Part.skipped.rawValue),
      let table = PathTable(bytes: Self.copy(bytes), ends: ends), raw.count / 8 == table.count,
      lengths.count == table.count,
      bodyLengths.count == table.count, nameLengths.count == table.count,
      stamps.isEmpty || stamps.count == table.count,
      let postings = Postings(container.bytes, container.sections[Part.postings.rawValue]),
      postings.documents == table.count
    else { return nil }
    // Segments may have other numbers now.
    let segments = store.segments
    guard let renumbered = Self.numbers(of: names, segments) else {
      unlink(path)
      return nil
    }
    guard var places = Self.places(raw, renumbered, segments.map(\.documents)) else { return nil }
    var isExchanged = true
    for (path, place) in later?.places ?? [:] {
      guard let place, let number = table.index(of: path) else {
        isExchanged = false
        continue
      }
      places[number] = place
      let numbers = segments[place.segment].numbers(place.document)
      bodyLengths[number] = UInt32(clamping: numbers?.body ?? 0)
      nameLengths[number] = UInt32(clamping: numbers?.names ?? 0)
    }
    let known = FileView(
      table, places, segments, PathIndex(postings, lengths), lengths: (body: bodyLengths, names: nameLengths))
    // Files that are new or gone.
    view = isExchanged ? known : known.replacing(later?.places ?? [:], segments)
    self.stamps = later == nil ? stamps : []
    self.skipped = later?.skipped ?? Self.counts(skipped)
    base = name
    changes = later?.places ?? [:]
    utimes(path, nil)
  }

  /// The numbers that segments have now; nil when one is gone.
  static func numbers(of names: UnsafeRawBufferPointer, _ segments: [Segment]) -> [Int]? {
    var numbers: [String: Int] = [:]
    numbers.reserveCapacity(segments.count)
    for (number, segment) in segments.enumerated() { if let name = segment.name { numbers[name] = number } }
    var renumbered: [Int] = []
    for name in String(decoding: names, as: UTF8.self).split(separator: "\n") {
      guard let number = numbers[String(name)] else { return nil }
      renumbered.append(number)
    }
    return renumbered
  }

  static func counts(_ text: UnsafeRawBufferPointer) -> [String: Int] {
    var counts: [String: Int] = [:]
    for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: "\t")
      if parts.count == 2, let count = Int(parts[1]) { counts[String(parts[0])] = count }
    }
    return counts
  }

  static func encoded(_ counts: [String: Int]) -> [UInt8] {
    Array(counts.sorted { $0.key < $1.key }.map { "\($0.key)\t\($0.value)\n" }.joined().utf8)
  }

  /// Places in the segments as they are numbered now; nil when there is no such document.
  private static func places(
    _ raw: UnsafeRawBufferPointer, _ numbers: [Int], _ documents: [Int]
  ) -> [SegmentStore.Place]? {
    var isSound = true
    let places = [SegmentStore.Place](unsafeUninitializedCapacity: raw.count / 8) { places, count in
      CheckedBytes.populate(UnsafeMutableRawBufferPointer(places))
      for number in 0..<raw.count / 8 {
        let value = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: number * 8, as: UInt64.self))
        let segment = Int(value >> 32)
        let document = Int(value & 0xffff_ffff)
        guard segment < numbers.count, document < documents[numbers[segment]] else {
          isSound = false
          return
        }
        places.initializeElement(at: count, to: SegmentStore.Place(segment: numbers[segment], document: document))
        count += 1
      }
    }
    return isSound ? places : nil
  }

  private static func numbers<Number: FixedWidthInteger>(_ container: Container, _ part: Part) -> [Number]? {
    guard let bytes = container.section(part.rawValue), bytes.count % MemoryLayout<Number>.size == 0 else { return nil }
    return copy(bytes)
  }

  private static func copy<Number: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer) -> [Number] {
    let count = bytes.count / MemoryLayout<Number>.size
    return [Number](unsafeUninitializedCapacity: count) { buffer, filled in
      let room = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<bytes.count])
      CheckedBytes.populate(room)
      room.copyMemory(from: bytes)
      filled = count
    }
  }

  /// Keeps a view; views that lean on what is only in memory are not kept.
  static func keep(
    _ view: FileView, stamps: [UInt64] = [], skipped: [String: Int], as name: String, in store: SegmentStore
  ) {
    guard let directory = store.directory else { return }
    var used: [Int: Int] = [:]
    var names: [String] = []
    var raw: [UInt64] = []
    raw.reserveCapacity(view.count)
    for place in view.places {
      var number = used[place.segment]
      if number == nil {
        guard let name = view.segments[place.segment].name else { return }
        number = names.count
        used[place.segment] = names.count
        names.append(name)
      }
      raw.append(UInt64(number ?? 0) << 32 | UInt64(place.document))
    }
    let index = PathIndex.encoded(view.paths)
    let parts: [[UInt8]] = [
      Array(names.joined(separator: "\n").utf8), view.paths.bytes, encoded(view.paths.ends), encoded(raw),
      index.postings, encoded(index.lengths), encoded(view.bodyLengths), encoded(view.nameLengths), encoded(stamps),
      encoded(skipped),
    ]
    guard Container.write(parts, magic: magic, to: "\(directory)/\(name)\(suffix)") else { return }
    prune(directory)
  }

  static func encoded<Number: FixedWidthInteger>(_ numbers: [Number]) -> [UInt8] {
    numbers.withUnsafeBytes { Array($0) }
  }

  /// The names of the kept views, the newest first.
  static func names(_ store: SegmentStore) -> [String] {
    guard let directory = store.directory else { return [] }
    return PrivateDirectory.names(directory, suffix: suffix).map { name in
      var info = stat()
      let isThere = lstat(directory + "/" + name, &info) == 0
      return (name: name, time: isThere ? (info.st_mtim.tv_sec, info.st_mtim.tv_nsec) : (0, 0))
    }.sorted { $1.time < $0.time }.map { String($0.name.dropLast(suffix.count)) }
  }

  /// Drops all views of a store.
  static func removeAll(_ store: SegmentStore) {
    guard let directory = store.directory else { return }
    for name in names(store) { unlink("\(directory)/\(name)\(suffix)") }
  }

  static func prune(_ directory: String) {
    let files = PrivateDirectory.names(directory, suffix: suffix)
    guard files.count > mostKept else { return }
    let byAge = files.map { name in
      var info = stat()
      _ = lstat(directory + "/" + name, &info)
      return (name: name, time: (info.st_mtim.tv_sec, info.st_mtim.tv_nsec))
    }.sorted { $0.time < $1.time }
    for file in byAge.prefix(files.count - mostKept) { unlink(directory + "/" + file.name) }
  }
}
