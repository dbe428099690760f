internal import JSON
internal import Paths

/// What adaptors wrote beside the run: one file a process, one JSON object a line.
///
/// A file counts when its first line carries the run's nonce. Lines: `start`, `collected` (how many tests will run),
/// `begin` and `test` (one test), `error` (outside any test), `output` (what a script printed), `end`. A process that died
/// has no `end`.
struct AdaptorResults {
  /// Bytes of one file that are read.
  static let maximumBytes = 256 << 20
  /// Files that are read.
  static let maximumFiles = 4096

  /// One process's results.
  struct File {
    var framework: String
    var time: Double
    var script: String?
    var events: [JSONValue]
    var isCut: Bool
  }

  /// Files with the right nonce, in the order of their processes' start.
  let files: [File]
  /// Files whose nonce is wrong or absent: somebody else wrote them.
  let strangers: Int
  /// The event stream of Swift Testing.
  private(set) var swiftEvents: [UInt8]?
  /// Go's modules and their directories.
  private(set) var goModules: [UInt8]?
  /// Paths of report files that are newer than the run's start; nil when that could not be told.
  private var written: [[UInt8]]?

  init(_ results: [String: [UInt8]], nonce: String?) {
    var files: [File] = []
    var strangers = 0
    for (name, content) in results.sorted(by: { $0.key < $1.key }).prefix(Self.maximumFiles) {
      // Tools that write files of their own format carry the nonce in the file's name.
      if let nonce, name == Self.swiftFile(nonce) {
        swiftEvents = content
        continue
      }
      if let nonce, name == Self.goFile(nonce) {
        goModules = content
        continue
      }
      if let nonce, name == Self.writtenFile(nonce) {
        written = OutputLines(content).lines.map { Array($0.after(prefix: "./") ?? $0) }
        continue
      }
      if let nonce, name == Self.startedFile(nonce) { continue }
      if let nonce, let file = Self.read(content, nonce: nonce) { files.append(file) } else { strangers += 1 }
    }
    self.files = files.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
      .map(\.element)
    self.strangers = strangers
  }

  static func swiftFile(_ nonce: String) -> String { "swift-\(nonce).jsonl" }
  static func writtenFile(_ nonce: String) -> String { "written-\(nonce).txt" }
  static func startedFile(_ nonce: String) -> String { "started-\(nonce)" }

  /// The report files without those that an earlier run had left.
  func written(_ files: [RepoPath: [UInt8]]) -> [RepoPath: [UInt8]] {
    guard let written else { return files }
    let names = Set(written)
    return files.filter { names.contains($0.key.bytes) }
  }

  static func goFile(_ nonce: String) -> String { "go-\(nonce).txt" }

  private static func read(_ content: [UInt8], nonce: String) -> File? {
    var lines = content.prefix(maximumBytes).split(separator: UInt8(ascii: "\n"))
    guard !lines.isEmpty, let start = try? JSONValue(parsing: Array(lines.removeFirst())),
      start["event"]?.string == "start", start["nonce"]?.string == nonce
    else { return nil }
    var file = File(
      framework: start["framework"]?.string ?? "", time: start["time"]?.double ?? 0, script: start["script"]?.string,
      events: [], isCut: content.count > maximumBytes)
    file.events.reserveCapacity(lines.count)
    for line in lines {
      guard let event = try? JSONValue(parsing: Array(line)) else {
        file.isCut = true
        continue
      }
      file.events.append(event)
    }
    return file
  }

  /// Modules that an import did not find and that the project does not have; nil when any error has another cause.
  private(set) var missingModules: [String]? = []

  /// Adds what pytest and unittest reported.
  mutating func readPython(into builder: inout ReportBuilder, root: ProjectRoot) {
    for file in files where file.framework == "pytest" || file.framework == "unittest" {
      readPython(file, into: &builder, root: root)
    }
  }

  private mutating func readPython(_ file: File, into builder: inout ReportBuilder, root: ProjectRoot) {
    var begun: [String] = []
    var planned: Int?
    var ran = 0
    var hasEnded = false
    for event in file.events {
      switch event["event"]?.string {
      case "collected": planned = event["count"]?.int
      case "begin":
        hasEnded = false
        // A test that is run again begins again.
        if let name = event["name"]?.string, begun.count < 1000, !begun.contains(name) { begun.append(name) }
      case "test":
        guard let name = event["name"]?.string,
          let result = event["result"]?.string.flatMap(TestOutcome.Result.init(rawValue:))
        else { continue }
        if let index = begun.lastIndex(of: name) { begun.remove(at: index) }
        ran += 1
        let trace = Self.trace(event, root: root)
        let isBad = result == .failed || result == .errored
        builder.add(
          TestOutcome(
            name: name, result: result, duration: event["duration"]?.double, message: event["message"]?.string,
            location: isBad ? trace.last : nil, trace: isBad ? trace : []))
      case "error":
        builder.add(Self.buildError(event, root: root))
        if let missing = event["missing"]?.string { missingModules?.append(missing) } else { missingModules = nil }
        begun.removeAll { $0.hasSuffix("_FailedTest." + (event["name"]?.string ?? "\n")) }
      case "end":
        hasEnded = true
        switch event["status"]?.int {
        case 2: builder.incomplete("pytest was interrupted")
        case 3: builder.incomplete("pytest had an internal error")
        case 4: builder.incomplete("pytest was called wrongly")
        default: break
        }
      default: break
      }
    }
    for name in begun {
      builder.add(TestOutcome(name: name, result: .errored, message: "It did not finish: the run ended while it ran."))
    }
    if !begun.isEmpty || !hasEnded {
      builder.incomplete("the run ended before its reporter did")
    } else if let planned, ran < planned, builder.buildErrors.isEmpty {
      builder.incomplete("\(ran) of \(planned) collected tests ran")
    }
    if file.isCut { builder.incomplete("the results of a process are damaged") }
    if !builder.buildErrors.isEmpty { builder.incomplete("some tests could not be loaded") }
  }

  /// The frames of an event that lie in the project, outermost first.
  static func trace(_ event: JSONValue, root: ProjectRoot) -> [SourceLocation] {
    (event["trace"]?.array ?? []).prefix(500).compactMap { frame in
      frame[0]?.string.flatMap { root.location($0.utf8, line: frame[1]?.int) }
    }
  }

  private static func buildError(_ event: JSONValue, root: ProjectRoot) -> BuildError {
    let lines = OutputLines((event["message"]?.string ?? "").utf8).lines
    // An error that arrives as the text of a traceback: its last frame of the project, its last line.
    let inText = lines.compactMap { PythonTrace.frame($0, root: root) }
    let last = lines.last { !$0.trimmed.isEmpty }?.trimmed.text ?? "an error without a message"
    let location = Self.trace(event, root: root).last.flatMap { inText.isEmpty ? $0 : nil } ?? inText.last
    guard let name = event["name"]?.string, !name.isEmpty else { return BuildError(message: last, location: location) }
    return BuildError(message: "\(name): \(last)", location: location)
  }
}
