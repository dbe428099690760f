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

    init(_ lengths: some Sequence<Int>) {
      var total = 0
      for length in lengths where length > 0 {
        total += length
        files += 1
      }
      average = Double(total) / Double(max(1, files))
    }
  }

  /// Per segment and document the first file that has this content; -1 when none does.
  private let firstFiles: [[Int32]]
  /// Per file the next one with the same content; -1 at the end.
  private let nextFiles: [Int32]

  /// - Parameters:
  ///   - paths: in order, each once.
  ///   - places: beside them; they must exist in `segments`.
  ///   - pathIndex: over these paths; made when it is not given.
  init(_ paths: PathTable, _ places: [SegmentStore.Place], _ segments: [Segment], _ pathIndex: PathIndex? = nil) {
    self.paths = paths
    self.places = places
    self.segments = segments
    var firstFiles = segments.map { [Int32](repeating: -1, count: $0.documents) }
    var nextFiles = [Int32](repeating: -1, count: places.count)
    for number in places.indices.reversed() {
      let place = places[number]
      nextFiles[number] = firstFiles[place.segment][place.document]
      firstFiles[place.segment][place.document] = Int32(number)
    }
    self.firstFiles = firstFiles
    self.nextFiles = nextFiles
    let lengths = segments.map { $0.lengths() }
    bodyLengths = places.map { place in
      place.document < lengths[place.segment].body.count ? lengths[place.segment].body[place.document] : 0
    }
    nameLengths = places.map { place in
      place.document < lengths[place.segment].names.count ? lengths[place.segment].names[place.document] : 0
    }
    body = Extent(bodyLengths.lazy.map { Int($0) })
    names = Extent(nameLengths.lazy.map { Int($0) })
    self.pathIndex = pathIndex ?? PathIndex(paths)
    path = Extent(self.pathIndex.lengths.lazy.map { Int($0) })
  }

  var count: Int { places.count }

  /// Whether a file's content could not be had.
  func isAbsent(_ file: Int) -> Bool { !flags(file).isDisjoint(with: [.missing, .unreadable]) }

  /// The same tree with some files changed, added or (nil) removed.
  /// - Parameter segments: the old ones in their places, and perhaps more.
  func replacing(_ changes: [RepoPath: SegmentStore.Place?], _ segments: [Segment]) -> FileView {
    let sorted = changes.sorted { $0.key < $1.key }
    var table = PathTable()
    var newPlaces: [SegmentStore.Place] = []
    var old: [Int32] = []
    newPlaces.reserveCapacity(count + sorted.count)
    old.reserveCapacity(count + sorted.count)
    var next = 0
    var isSameTree = true
    for (path, place) in sorted {
      let position = paths.insertionPlace(of: path)
      while next < position {
        table.append(paths.bytes(next))
        newPlaces.append(places[next])
        old.append(Int32(next))
        next += 1
      }
      let isKnown = next < count && paths.bytes(next).elementsEqual(path.bytes)
      if let place {
        table.append(path)
        newPlaces.append(place)
        old.append(isKnown ? Int32(next) : -1)
      }
      if isKnown != (place != nil) { isSameTree = false }
      if isKnown { next += 1 }
    }
    while next < count {
      table.append(paths.bytes(next))
      newPlaces.append(places[next])
      old.append(Int32(next))
      next += 1
    }
    let index = isSameTree ? pathIndex : PathIndex(pathIndex, old: old, oldCount: count, table)
    return FileView(table, newPlaces, segments, index)
  }

  /// Visits the files that have a document's content.
  @inline(__always)
  func forEachFile(_ segment: Int, _ document: UInt32, _ visit: (Int) -> Void) {
    var file = firstFiles[segment][Int(document)]
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
