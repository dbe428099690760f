import IndexKernel
import Paths

/// One state of a tree: its files in path order, and for each the document that holds its analysis.
final class FileView: Sendable {
  let paths: PathTable
  let segments: [Segment]
  /// Beside the paths.
  let places: [SegmentStore.Place]
  let pathIndex: PathIndex
  /// Beside the paths: how many terms the text has, and the names.
  let bodyLengths: [UInt32]
  let nameLengths: [UInt32]
  /// How many files have a text, names, a path; the mean lengths over these.
  let body: Extent
  let names: Extent
  let path: Extent

  struct Extent: Sendable {
    var files = 0
    var average = 0.0

    init(_ lengths: [some FixedWidthInteger & UnsignedInteger]) {
      var total = 0
      for length in lengths {
        total += Int(length)
        files += length > 0 ? 1 : 0
      }
      average = Double(total) / Double(max(1, files))
    }
  }

  /// Per document, those of one segment behind another's, the first file that has this content; -1 when none does.
  private let firstFiles: [Int32]
  /// Where a segment's documents begin there.
  private let bases: [Int]
  /// Per file the next one with the same content; -1 at the end.
  private let nextFiles: [Int32]

  /// - Parameters:
  ///   - paths: in order, each once.
  ///   - places: beside them; they must exist in `segments`.
  ///   - pathIndex: over these paths; made when it is not given.
  ///   - lengths: beside the paths, as they are kept here; looked up when they are not given.
  init(
    _ paths: PathTable, _ places: [SegmentStore.Place], _ segments: [Segment], _ pathIndex: PathIndex? = nil,
    lengths: (body: [UInt32], names: [UInt32])? = nil
  ) {
    self.paths = paths
    self.places = places
    self.segments = segments
    var bases: [Int] = []
    var documents = 0
    for segment in segments {
      bases.append(documents)
      documents += segment.documents
    }
    var firstFiles = [Int32](repeating: -1, count: documents)
    nextFiles = [Int32](unsafeUninitializedCapacity: places.count) { next, count in
      CheckedBytes.populate(UnsafeMutableRawBufferPointer(next))
      firstFiles.withUnsafeMutableBufferPointer { first in
        bases.withUnsafeBufferPointer { bases in
          places.withUnsafeBufferPointer { places in
            for number in places.indices.reversed() {
              let slot = bases[places[number].segment] + places[number].document
              next[number] = first[slot]
              first[slot] = Int32(number)
            }
          }
        }
      }
      count = places.count
    }
    self.firstFiles = firstFiles
    self.bases = bases
    let lengths = lengths ?? Self.lengths(places, segments)
    bodyLengths = lengths.body
    nameLengths = lengths.names
    body = Extent(bodyLengths)
    names = Extent(nameLengths)
    self.pathIndex = pathIndex ?? PathIndex(paths)
    path = Extent(self.pathIndex.lengths)
  }

  private static func lengths(
    _ places: [SegmentStore.Place], _ segments: [Segment]
  ) -> (body: [UInt32], names: [UInt32]) {
    let lengths = segments.map { $0.lengths() }
    return (
      places.map { $0.document < lengths[$0.segment].body.count ? lengths[$0.segment].body[$0.document] : 0 },
      places.map { $0.document < lengths[$0.segment].names.count ? lengths[$0.segment].names[$0.document] : 0 }
    )
  }

  var count: Int { places.count }

  func place(of path: RepoPath) -> SegmentStore.Place? { paths.index(of: path).map { places[$0] } }

  /// Whether a file's content could not be had.
  func isAbsent(_ file: Int) -> Bool { !flags(file).isDisjoint(with: Self.absent) }

  private static let absent: FileAnalysis.Flags = [.missing, .unreadable]

  /// The files whose definitions ctags would have found if it had been there, in path order.
  func unreadFiles() -> [Int] { undefinedFiles().filter(isUnread) }

  /// The files on which ctags broke, in path order.
  func brokenFiles() -> [Int] { undefinedFiles().filter { !isUnread($0) } }

  private func undefinedFiles() -> [Int] {
    var files: [Int] = []
    forEachFlagged { file, flags in if flags.contains(.undefined) { files.append(file) } }
    return files.sorted()
  }

  private func isUnread(_ file: Int) -> Bool {
    segments[places[file].segment].key(places[file].document).map { Language.isUnread(key: $0.language) } ?? false
  }

  /// The files whose content could not be had, in path order.
  func absentFiles() -> [Int] {
    var files: [Int] = []
    forEachFlagged { file, flags in if !flags.isDisjoint(with: Self.absent) { files.append(file) } }
    return files.sorted()
  }

  /// Visits the files about which there is something special.
  func forEachFlagged(_ visit: (Int, FileAnalysis.Flags) -> Void) {
    for (number, segment) in segments.enumerated() {
      segment.forEachFlagged { document, flags in forEachFile(number, UInt32(document)) { visit($0, flags) } }
    }
  }

  /// The same tree with some files changed, added or (nil) removed.
  /// - Parameter segments: the old ones in their places, and perhaps more.
  func replacing(_ changes: [RepoPath: SegmentStore.Place?], _ segments: [Segment]) -> FileView {
    let sorted = changes.sorted { $0.key < $1.key }
    if let same = exchanging(sorted, segments) { return same }
    var table = PathTable()
    var newPlaces: [SegmentStore.Place] = []
    var lengths: (body: [UInt32], names: [UInt32]) = ([], [])
    var old: [Int32] = []
    table.reserveCapacity(count + sorted.count, bytes: paths.bytes.count + sorted.reduce(0) { $0 + $1.key.bytes.count })
    newPlaces.reserveCapacity(count + sorted.count)
    lengths.body.reserveCapacity(count + sorted.count)
    lengths.names.reserveCapacity(count + sorted.count)
    old.reserveCapacity(count + sorted.count)
    func take(_ numbers: Range<Int>) {
      table.append(paths, numbers)
      newPlaces += places[numbers]
      lengths.body += bodyLengths[numbers]
      lengths.names += nameLengths[numbers]
      for number in numbers { old.append(Int32(number)) }
    }
    var next = 0
    for (path, place) in sorted {
      let position = paths.insertionPlace(of: path)
      take(next..<position)
      next = position
      let isKnown = next < count && paths.bytes(next).elementsEqual(path.bytes)
      if let place {
        table.append(path)
        newPlaces.append(place)
        let numbers = segments[place.segment].numbers(place.document)
        lengths.body.append(UInt32(clamping: numbers?.body ?? 0))
        lengths.names.append(UInt32(clamping: numbers?.names ?? 0))
        old.append(isKnown ? Int32(next) : -1)
      }
      if isKnown { next += 1 }
    }
    take(next..<count)
    let index = PathIndex(pathIndex, old: old, oldCount: count, table)
    return FileView(table, newPlaces, segments, index, lengths: lengths)
  }

  /// The same files with other contents; nil when a file is new, or gone.
  private func exchanging(
    _ changes: [(key: RepoPath, value: SegmentStore.Place?)], _ segments: [Segment]
  ) -> FileView? {
    var places = places
    var lengths = (body: bodyLengths, names: nameLengths)
    for (path, place) in changes {
      guard let number = paths.index(of: path), let place else { return nil }
      places[number] = place
      let numbers = segments[place.segment].numbers(place.document)
      lengths.body[number] = UInt32(clamping: numbers?.body ?? 0)
      lengths.names[number] = UInt32(clamping: numbers?.names ?? 0)
    }
    return FileView(paths, places, segments, pathIndex, lengths: lengths)
  }

  /// Visits the files that have a document's content.
  @inline(__always)
  func forEachFile(_ segment: Int, _ document: UInt32, _ visit: (Int) -> Void) {
    var file = firstFiles[bases[segment] + Int(document)]
    while file >= 0 {
      visit(Int(file))
      file = nextFiles[Int(file)]
    }
  }

  func analysis(_ file: Int) -> FileAnalysis { segments[places[file].segment].analysis(places[file].document) }

  func flags(_ file: Int) -> FileAnalysis.Flags { segments[places[file].segment].flags(places[file].document) }

  func numbers(_ file: Int) -> Segment.Numbers? { segments[places[file].segment].numbers(places[file].document) }

  /// Some of what was read is damaged; answers may lack something.
  var isDamaged: Bool { segments.contains(where: \.isDamaged) }

  // MARK: Looking up

  /// The files that may hold a match, in path order; exact but for the order of the trigrams.
  func files(meeting need: TrigramNeed) -> [Int] {
    guard need != .anything else { return Array(0..<count) }
    var found: [Int] = []
    for number in segments.indices {
      guard let documents = segments[number].trigrams.documents(meeting: need) else {
        return Array(0..<count)
      }
      for document in documents { forEachFile(number, document) { found.append($0) } }
    }
    return found.sorted()
  }

  /// The files whose text, or declared names, hold a term.
  func files(holding term: UInt32, in field: SearchField) -> [Int] {
    var found: [Int] = []
    var documents: [UInt32] = []
    var counts: [UInt32] = []
    for (number, segment) in segments.enumerated() {
      let index = field == .names ? segment.names : segment.body
      guard let list = index.list(term) else { continue }
      documents.removeAll(keepingCapacity: true)
      counts.removeAll(keepingCapacity: true)
      index.read(list, into: &documents, counts: &counts)
      for document in documents { forEachFile(number, document) { found.append($0) } }
    }
    return found.sorted()
  }
}
