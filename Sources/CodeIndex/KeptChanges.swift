import Glibc
import IndexKernel
import Paths

/// A view as what differs from one that is kept in full: a few files of many are written down in no time, and a tree that
/// follows by some commits is opened as fast as the other.
struct KeptChanges {
  /// Per path where its analysis is now; nil for files that are gone.
  typealias Places = [RepoPath: SegmentStore.Place?]

  /// The name of the view that is kept in full.
  let base: String
  let places: Places
  let skipped: [String: Int]
  private let file: String

  /// More than these make a view worth keeping on its own.
  static let most = 300
  private static let magic = Array("CAdiff\u{0}\u{1}".utf8)
  /// Stands for a file that is gone.
  private static let gone = UInt64.max

  private enum Part: Int, CaseIterable {
    case base, segments, paths, ends, places, skipped
  }

  /// Reads what was kept under a name; nil when there is none of this kind, or something that it needs is gone.
  init?(_ name: String, in store: SegmentStore) {
    guard let directory = store.directory else { return nil }
    file = "\(directory)/\(name)\(KeptView.suffix)"
    guard let container = Container(file: file, magic: Self.magic), container.sections.count == Part.allCases.count,
      let base = container.section(Part.base.rawValue), let names = container.section(Part.segments.rawValue),
      let paths = container.section(Part.paths.rawValue), let ends = container.section(Part.ends.rawValue),
      let raw = container.section(Part.places.rawValue), let skipped = container.section(Part.skipped.rawValue),
      ends.count % 4 == 0, raw.count == ends.count * 2, ends.count / 4 <= Self.most
    else { return nil }
    let segments = store.segments
    guard let renumbered = KeptView.numbers(of: names, segments) else {
      unlink(file)
      return nil
    }
    var places: Places = [:]
    var start = 0
    for number in 0..<ends.count / 4 {
      let end = Int(UInt32(littleEndian: ends.loadUnaligned(fromByteOffset: number * 4, as: UInt32.self)))
      let value = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: number * 8, as: UInt64.self))
      guard end > start, end <= paths.count, let path = RepoPath(Array(paths[start..<end])) else { return nil }
      start = end
      guard value != Self.gone else {
        places[path] = .some(nil)
        continue
      }
      let segment = Int(value >> 32)
      let document = Int(value & 0xffff_ffff)
      guard segment < renumbered.count, document < segments[renumbered[segment]].documents else { return nil }
      places[path] = SegmentStore.Place(segment: renumbered[segment], document: document)
    }
    self.base = String(decoding: base, as: UTF8.self)
    self.places = places
    self.skipped = KeptView.counts(skipped)
    // A name, and no way out of the directory.
    guard self.base.utf8.allSatisfy({ $0 == 0x2d || $0 &- 0x30 < 10 || $0 &- 0x61 < 26 }) else { return nil }
  }

  /// It was used now.
  func touch() { utimes(file, nil) }

  /// Keeps changes; such that lean on what is only in memory are not kept.
  static func keep(
    _ places: Places, of segments: [Segment], since base: String, skipped: [String: Int], as name: String,
    in store: SegmentStore
  ) {
    guard let directory = store.directory, places.count <= most else { return }
    var numbers: [Int: Int] = [:]
    var names: [String] = []
    var paths: [UInt8] = []
    var ends: [UInt32] = []
    var raw: [UInt64] = []
    for (path, place) in places.sorted(by: { $0.key < $1.key }) {
      paths += path.bytes
      ends.append(UInt32(paths.count))
      guard let place else {
        raw.append(gone)
        continue
      }
      guard let name = segments[place.segment].name else { return }
      let number = numbers[place.segment] ?? names.count
      if number == names.count { names.append(name) }
      numbers[place.segment] = number
      raw.append(UInt64(number) << 32 | UInt64(place.document))
    }
    let parts: [[UInt8]] = [
      Array(base.utf8), Array(names.joined(separator: "\n").utf8), paths, KeptView.encoded(ends), KeptView.encoded(raw),
      KeptView.encoded(skipped),
    ]
    guard Container.write(parts, magic: magic, to: "\(directory)/\(name)\(KeptView.suffix)") else { return }
    KeptView.prune(directory)
  }
}
