import Git
import Glibc
import IndexKernel
import Paths
import Synchronization

/// Brings an index up to date: finds what of a listing was analysed before, reads and analyses the rest on the threads
/// that are free, and gives the view of all.
struct Indexer {
  let source: any IndexSource
  let store: SegmentStore
  let ctags: Ctags

  /// Told now and then, from any thread.
  typealias Observer = @Sendable (IndexProgress) -> Void

  /// Files that a lane takes at a time: neighbours share directories and often delta bases.
  private static let stride = 32
  /// A segment is written when its documents take so much memory.
  private static let draftSize = 40 << 20

  /// Where the lanes stand.
  private final class Work: Sendable {
    let files: [Int]
    private let next = Atomic<Int>(0)
    private let done: Mutex<IndexProgress>
    private let observe: Observer?

    init(_ files: [Int], total: Int, _ observe: Observer?) {
      self.files = files
      self.observe = observe
      done = Mutex(IndexProgress(files: total - files.count, total: total, bytes: 0))
    }

    func take() -> ArraySlice<Int>? {
      let start = next.wrappingAdd(Indexer.stride, ordering: .relaxed).oldValue
      return start < files.count ? files[start..<min(files.count, start + Indexer.stride)] : nil
    }

    func finished(_ count: Int, _ bytes: Int) {
      let now = done.withLock { done in
        done.files += count
        done.bytes += bytes
        return done
      }
      observe?(now)
    }
  }

  /// A lane's documents that are in no segment yet, and the files they belong to.
  private struct Lane {
    var draft = Segment.Draft()
    var files: [(file: Int, document: Int)] = []
    var placed: [(file: Int, place: SegmentStore.Place)] = []

    /// Reads what ctags reads, once there is such a file.
    let reader: CtagsReader

    mutating func flush(_ store: SegmentStore) {
      guard draft.count > 0 else { return }
      if let segment = store.add(&draft) {
        placed += files.map { ($0.file, SegmentStore.Place(segment: segment, document: $0.document)) }
      }
      files = []
    }
  }

  /// The view of some files.
  /// - Parameter base: what was known of the same tree before; files whose identity did not change are taken from it.
  /// - Returns: the view, and whether it differs from the base.
  @concurrent func view(
    _ files: [IndexedFile], base: KeptView? = nil, observe: Observer? = nil
  ) async -> (view: FileView, stamps: [UInt64], isChanged: Bool) {
    var sorted = files.sorted { $0.path < $1.path }
    for number in sorted.indices.dropFirst().reversed() where sorted[number].path == sorted[number - 1].path {
      sorted.remove(at: number)
    }
    let stamps = sorted.map(\.identity)
    if let base, base.stamps.count == base.view.count {
      let (changed, removed) = difference(sorted, stamps, base)
      if changed.isEmpty, removed.isEmpty { return (base.view, stamps, false) }
      if changed.count + removed.count <= max(300, base.view.count / 4) {
        let places = await places(changed.map { sorted[$0] }, observe)
        var changes: [RepoPath: SegmentStore.Place?] = [:]
        for path in removed { changes[path] = .some(nil) }
        for (number, place) in zip(changed, places) { changes[sorted[number].path] = .some(place) }
        let view = base.view.replacing(changes, store.segments)
        return (view, lasting(stamps, view), true)
      }
    }
    let places = await places(sorted, observe)
    var table = PathTable()
    var known: [SegmentStore.Place] = []
    var knownStamps: [UInt64] = []
    for (number, file) in sorted.enumerated() {
      guard let place = places[number] else { continue }
      table.append(file.path)
      known.append(place)
      knownStamps.append(stamps[number])
    }
    let view = FileView(table, known, store.segments)
    return (view, lasting(knownStamps, view), true)
  }

  /// What could not be read is tried again, though git or the directory says that it is still the same; what ctags did not
  /// read, when there is another ctags.
  private func lasting(_ stamps: [UInt64], _ view: FileView) -> [UInt64] {
    guard stamps.count == view.count else { return stamps }
    var lasting = stamps
    for file in view.absentFiles() { lasting[file] = 0 }
    for file in view.unreadFiles() { lasting[file] = ctags.isTroubled ? 0 : unread(stamps[file]) }
    return lasting
  }

  /// What tells that a file is still the same, and ctags, too.
  private func unread(_ stamp: UInt64) -> UInt64 { stamp == 0 ? 0 : max(1, stamp ^ ctags.fingerprint) }

  /// Which of the files are not as the base has them, and which paths of the base are gone.
  private func difference(
    _ sorted: [IndexedFile], _ stamps: [UInt64], _ base: KeptView
  ) -> (changed: [Int], removed: [RepoPath]) {
    var changed: [Int] = []
    var removed: [RepoPath] = []
    let paths = base.view.paths
    let unread = Set(base.view.unreadFiles())
    var next = 0
    for (number, file) in sorted.enumerated() {
      while next < paths.count, paths.bytes(next).lexicographicallyPrecedes(file.path.bytes) {
        removed.append(paths[next])
        next += 1
      }
      if next < paths.count, paths.bytes(next).elementsEqual(file.path.bytes) {
        let stamp = !unread.isEmpty && unread.contains(next) ? self.unread(stamps[number]) : stamps[number]
        if stamp == 0 || stamp != base.stamps[next] { changed.append(number) }
        next += 1
      } else {
        changed.append(number)
      }
    }
    while next < paths.count {
      removed.append(paths[next])
      next += 1
    }
    return (changed, removed)
  }

  /// Where the analyses of files are; what has none is read and analysed.
  @concurrent func places(_ sorted: [IndexedFile], _ observe: Observer? = nil) async -> [SegmentStore.Place?] {
    var keys = sorted.map { Self.key($0) }
    var places = store.find(keys)
    var wanted = sorted.indices.filter { places[$0] == nil }
    guard !wanted.isEmpty else { return places }
    // Without ctags, what was read without it will do.
    let byCtags = wanted.filter { keys[$0] != nil && Language.of(sorted[$0].path).isReadByCtags }
    let unread = byCtags.map { Self.key(sorted[$0], isRead: false) }
    let unreadPlaces = byCtags.isEmpty ? [] : store.find(unread)
    if unreadPlaces.contains(where: { $0 != nil }), await !CtagsReader(ctags).isReady() {
      for (number, file) in byCtags.enumerated() { (keys[file], places[file]) = (unread[number], unreadPlaces[number]) }
      wanted.removeAll { places[$0] != nil }
      guard !wanted.isEmpty else { return places }
    }
    let (missing, known) = (wanted, keys)
    let work = Work(missing, total: sorted.count, observe)
    await withTaskGroup(of: [(file: Int, place: SegmentStore.Place)].self) { group in
      for _ in 0..<max(1, min(Self.processors, missing.count / Self.stride + 1)) {
        group.addTask(priority: .utility) {
          var lane = Lane(reader: CtagsReader(ctags))
          while let part = work.take(), !Task.isCancelled {
            var bytes = 0
            for file in part { bytes += await analyze(sorted[file], known[file], file, &lane) }
            work.finished(part.count, bytes)
            if lane.draft.size > Self.draftSize { lane.flush(store) }
          }
          lane.flush(store)
          return lane.placed
        }
      }
      for await part in group { for (file, place) in part { places[file] = place } }
    }
    return places
  }

  /// Threads worth having.
  static var processors: Int { min(8, max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))) }

  /// What a file's content is known by; nil when only reading it tells. The same content at two places is analysed once.
  private static func key(_ file: IndexedFile, isRead: Bool = true) -> ContentKey? {
    file.blob.flatMap { ObjectID(hex: $0) }.map {
      ContentKey(blob: $0, language: Language.of(file.path).key(isRead: isRead))
    }
  }

  /// Analyses a file into the lane's draft; returns the bytes that were read.
  private func analyze(_ file: IndexedFile, _ key: ContentKey?, _ number: Int, _ lane: inout Lane) async -> Int {
    let language = Language.of(file.path)
    var content: [UInt8] = []
    let analysis: FileAnalysis?
    switch await source.content(file.path, limit: Analyzer.sizeLimit) {
    case .bytes(let bytes):
      content = bytes
      analysis = nil
    case .tooLarge: analysis = .opaque(.tooLarge)
    case .unreadable: analysis = .opaque(.unreadable)
    case .missing: analysis = .opaque(.missing)
    }
    if let analysis {
      // What could not be read is known for this once: its key is that of no content.
      let stand = ContentKey(blob: ObjectID.emptyTree, language: "\u{0}\(analysis.flags.rawValue)")
      lane.files.append((number, lane.draft.add(stand, analysis, [])))
      return 0
    }
    // What is read may differ from what the list said (the file was written meanwhile, a filter changes line ends): the
    // content is known under its own id.
    let isInGit = file.blob != nil || source.repository != nil
    let blob = isInGit ? BlobHash.id(of: content) : PassingHash.id(of: content)
    let actual = ContentKey(blob: blob, language: language.key(isRead: true))
    if let known = lane.draft.keys[actual] {
      lane.files.append((number, known))
    } else if actual != key, let known = store.find([actual])[0] {
      lane.placed.append((number, known))
    } else {
      var reading: Ctags.Reading?
      if language.isReadByCtags {
        reading = await lane.reader.read(content, language)
        // Nobody waits for it any more: it counts as not read.
        if Task.isCancelled { return content.count }
      }
      let read = ContentKey(blob: blob, language: language.key(reading))
      lane.files.append((number, lane.draft.add(read, Analyzer.analyze(content, language, reading), content)))
    }
    return content.count
  }
}
