import IndexKernel
import Paths
import Synchronization

/// Finds the lines that match a regular expression, in path order, and gives them away as they are found, so that an
/// answer of any size takes little memory.
struct LineSearch: Sendable {
  let state: SearchState
  let filter: PathFilter
  let request: SearchRequest

  private var view: FileView { state.view }

  /// Files that a lane takes at a time, and that are looked at before what was found is given away.
  private static let stride = 16
  private static let window = 64
  /// Lines of a file, beyond which what they lie in is noted for all lines of the file at once.
  private static let many = 4

  /// What a request looks for.
  static func regex(_ request: SearchRequest) throws(SearchError) -> LineRegex {
    do {
      return try LineRegex(Array(request.text.utf8), ignoresCase: request.ignoresCase)
    } catch {
      throw SearchError(error.description)
    }
  }

  /// Looks at all files that may hold a match, until `deliver` was given as many lines as the request allows.
  /// - Parameters:
  ///   - regex: see ``regex(_:)``.
  ///   - deliver: given lines in path order; never called once it threw.
  /// - Returns: whether there are more.
  func run(_ regex: LineRegex, _ deliver: ([SearchAnswer.Result]) async throws -> Void) async throws -> Bool {
    let files = view.files(meeting: regex.need)
    let lanes = max(1, min(Indexer.processors, files.count / Self.stride))
    var lines = [LineRegex](repeating: regex, count: lanes)
    var left = request.limit
    var start = 0
    // Most of what is asked for is found in the first files.
    var size = Self.stride * lanes
    while start < files.count {
      let end = min(files.count, start + size)
      var (results, used) = try await look(files[start..<end], &lines, left)
      start = end
      size = min(Self.window * lanes, size * 2)
      let isCut = results.count > left
      if isCut { results.removeLast(results.count - left) }
      left -= results.count
      if !results.isEmpty { try await deliver(results) }
      if isCut { return true }
      lines = used
      used = []
    }
    return false
  }

  /// The matching lines of some files. Lanes take files in path order; when enough is found, all before it has been looked
  /// at, too.
  private func look(
    _ files: ArraySlice<Int>, _ regexes: inout [LineRegex], _ limit: Int
  ) async throws -> ([SearchAnswer.Result], [LineRegex]) {
    if regexes.count == 1 || files.count <= Self.stride {
      var results: [SearchAnswer.Result] = []
      for file in files where results.count <= limit {
        try Task.checkCancellation()
        await lines(of: file, &regexes[0], limit, into: &results)
      }
      return (results, regexes)
    }
    let progress = LaneProgress(files.indices, limit: limit)
    // Each lane goes on with the automaton that it built so far.
    let given = regexes
    return try await withThrowingTaskGroup(
      of: (regex: LineRegex, found: [(start: Int, results: [SearchAnswer.Result])]).self
    ) { group in
      for lane in given.indices {
        group.addTask {
          var regex = given[lane]
          var found: [(start: Int, results: [SearchAnswer.Result])] = []
          while let range = progress.take(Self.stride) {
            try Task.checkCancellation()
            var results: [SearchAnswer.Result] = []
            for file in files[range] { await lines(of: file, &regex, limit, into: &results) }
            progress.found(results.count)
            if !results.isEmpty { found.append((range.lowerBound, results)) }
          }
          return (regex, found)
        }
      }
      var parts: [(start: Int, results: [SearchAnswer.Result])] = []
      var used: [LineRegex] = []
      for try await lane in group {
        parts += lane.found
        used.append(lane.regex)
      }
      parts.sort { $0.start < $1.start }
      return (parts.flatMap(\.results), used)
    }
  }

  /// The matching lines of a file.
  private func lines(
    of file: Int, _ regex: inout LineRegex, _ limit: Int, into results: inout [SearchAnswer.Result]
  ) async {
    let path = view.paths[file]
    guard filter.admits(path), view.flags(file).isDisjoint(with: [.binary, .tooLarge]) else { return }
    guard let content = await state.source.read(path, limit: Analyzer.sizeLimit) else { return }
    let found = regex.matchingLines(content, limit: limit < .max ? limit + 1 : limit)
    guard !found.isEmpty else { return }
    let starts = LineIndex(content)
    let analysis = request.wantsNames ? view.analysis(file) : nil
    let owners = found.count > Self.many ? analysis.map { Self.owners($0, starts.count) } : nil
    let isFound = request.context > 0 ? Set(found) : []
    for line in found where line < starts.count {
      var result = SearchAnswer.Result(
        path: path, line: line + 1, endLine: line + 1, score: 1, why: ["matches"])
      if let analysis {
        let unit =
          if let owners { owners[line] >= 0 ? analysis.units[Int(owners[line])] : nil } else {
            analysis.units.last { $0.declaration >= 0 && $0.line <= line + 1 && $0.endLine >= line + 1 }
          }
        result.name = unit.flatMap { analysis.name(of: $0) }
      }
      let shown = max(0, line - request.context)...min(starts.count - 1, line + request.context)
      result.lines.reserveCapacity(shown.count)
      for number in shown {
        result.lines.append(
          SearchAnswer.Line(
            number: number + 1, text: Array(content[starts.range(number)].prefix(2000)),
            isMatch: number == line || isFound.contains(number)))
      }
      results.append(result)
    }
  }

  /// By line (from 0) the last callable unit around it; -1 where there is none.
  private static func owners(_ analysis: FileAnalysis, _ lines: Int) -> [Int32] {
    var owners = [Int32](repeating: -1, count: lines)
    for (number, unit) in analysis.units.enumerated() where unit.declaration >= 0 {
      let first = max(0, Int(unit.line) - 1)
      let last = min(lines, Int(unit.endLine))
      guard first < last else { continue }
      for line in first..<last { owners[line] = Int32(number) }
    }
    return owners
  }

  /// Where the lanes of a search stand.
  private final class LaneProgress: Sendable {
    private let end: Int
    private let limit: Int
    private let next: Atomic<Int>
    private let results = Atomic<Int>(0)

    init(_ range: Range<Int>, limit: Int) {
      end = range.upperBound
      next = Atomic<Int>(range.lowerBound)
      self.limit = limit
    }

    func take(_ stride: Int) -> Range<Int>? {
      guard results.load(ordering: .relaxed) <= limit else { return nil }
      let start = next.wrappingAdd(stride, ordering: .relaxed).oldValue
      return start < end ? start..<min(end, start + stride) : nil
    }

    func found(_ number: Int) { results.wrappingAdd(number, ordering: .relaxed) }
  }
}
