import ArgumentParser
import CodeIndex
import Git
import Glibc
import JSON
import Paths
import Synchronization

/// `codeagent index`: makes searches fast before the first one, and shows what is known.
struct IndexCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "index", abstract: "Index a checkout or a revision; show or tidy what is kept.",
    discussion: """
      Searches and runs index by themselves; this does it ahead, and reads only what \
      changed.

      EXAMPLES
        codeagent index                      the checkout, uncommitted files included
        codeagent index ~/src/app --rev v2.1 a revision, without a checkout
        codeagent index status --json
        codeagent index gc
      """,
    subcommands: [Build.self, Status.self, Collect.self], defaultSubcommand: Build.self)

  /// Brings the index up to date.
  struct Build: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Bring the index up to date (the default).")

    @Argument(help: "A directory of the checkout, or a bare repository.") var path = "."
    @Option(help: "This revision instead of the checkout.") var rev: String?
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
      let place = try SearchPlace(path)
      let start = ContinuousClock.now
      let status = try await place.prepare(rev)
      place.show(status, json: output.json, seconds: (ContinuousClock.now - start) / .seconds(1))
    }
  }

  /// What is known.
  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show what the index holds, and what it leaves out and why.")

    @Argument(help: "A directory of the checkout, or a bare repository.") var path = "."
    @Option(help: "This revision instead of the checkout.") var rev: String?
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
      let place = try SearchPlace(path)
      place.show(try await place.prepare(rev), json: output.json, seconds: nil)
    }
  }

  /// Frees space.
  struct Collect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "gc", abstract: "Drop what no repository needs any more, and join small files of the index.")

    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
      let directory = try SearchPlace.cache()
      let (before, after) = CodeSearch.collect(cache: directory)
      if output.json {
        Output.write(
          JSONValue.object(["v": 1, "bytes_before": JSONValue(before), "bytes_after": JSONValue(after)]).serialized
            + [0x0a])
      } else {
        Output.write("the index takes \(Display.bytes(after)), before \(Display.bytes(before))\n")
      }
    }
  }
}

/// What a path leads to, opened for searching.
struct SearchPlace: Sendable {
  let index: CodeSearch
  private let root: [UInt8]

  init(_ path: String) throws {
    guard let resolved = realpath(path, nil) else {
      throw UsageFailure("\(path): \(String(cString: strerror(errno)))")
    }
    defer { free(resolved) }
    var absolute = Array(UnsafeBufferPointer(start: resolved, count: strlen(resolved))).map(UInt8.init(bitPattern:))
    var info = stat()
    if stat(resolved, &info) == 0, info.st_mode & S_IFMT != S_IFDIR, let slash = absolute.lastIndex(of: 0x2f) {
      absolute.removeSubrange(max(1, slash)...)
    }
    index = try CodeSearch(path: absolute, cache: try Self.cache())
    root = index.repository.map { $0.workTree ?? $0.gitDirectory } ?? absolute
  }

  static func cache() throws -> [UInt8] { Array((try Directories.cache(Environment.current) + "/index").utf8) }

  /// Brings the index up to date, with progress on a terminal.
  func prepare(_ revision: String?) async throws -> IndexStatus {
    let progress = ProgressLine()
    return try await progress.during {
      try await index.prepare(revision: revision) { progress.show($0) }
    }
  }

  func show(_ status: IndexStatus, json: Bool, seconds: Double?) {
    let special = status.special.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    if json {
      var skipped = JSONObject()
      for (name, count) in special { skipped[name] = JSONValue(count) }
      var object: JSONObject = [
        "v": 1, "root": .string(Display.path(root)), "files": JSONValue(status.files), "lines": JSONValue(status.lines),
        "declarations": JSONValue(status.declarations), "skipped": .object(skipped),
        "store": [
          "bytes": JSONValue(status.storeBytes), "segments": JSONValue(status.storeSegments),
          "damaged": JSONValue(status.storeDamaged),
        ],
      ]
      if let problem = status.storeProblem { object["problem"] = .string(problem) }
      if let problem = status.ctagsProblem { object["definitions_problem"] = .string(problem) }
      if !status.broken.isEmpty { object["broken"] = .array(status.broken.map { .string($0.quoted) }) }
      if let seconds { object["milliseconds"] = JSONValue(Int(seconds * 1000)) }
      object["open_milliseconds"] = .double((status.openSeconds * 10_000).rounded() / 10)
      Output.write(JSONValue.object(object).serialized + [0x0a])
      return
    }
    var text = "index of \(Display.path(root))\n"
    text += "  \(status.files) files, \(status.lines) lines, \(status.declarations) declarations\n"
    if !special.isEmpty {
      text += "  special: " + special.map { "\($0.value) \($0.key)" }.joined(separator: ", ") + "\n"
    }
    text += "  kept in \(Display.bytes(status.storeBytes)), \(Display.count(status.storeSegments, "segment"))"
    if status.storeDamaged > 0 { text += "; \(status.storeDamaged) damaged, dropped" }
    text += "\n"
    if let problem = status.storeProblem { text += "  in memory only: \(Display.safe(problem))\n" }
    if let problem = status.ctagsProblem { text += "  \(Display.safe(problem))\n" }
    if !status.broken.isEmpty {
      text += "  ctags broke on \(status.broken.map { Display.safe($0.quoted) }.joined(separator: ", "))\n"
    }
    if let seconds { text += "  ready in \(Display.seconds(seconds))\n" }
    Output.write(text)
  }
}

/// A line on standard error that tells how far the index is.
final class ProgressLine: Sendable {
  private let isShown: Bool
  private let start = ContinuousClock.now
  private let last = Mutex((time: ContinuousClock.now, isWritten: false))

  init(isShown: Bool = isatty(2) == 1) { self.isShown = isShown }

  /// Does what may take long and may be stopped, with the line below.
  /// - Throws: `ExitStatus` when a signal stopped it; what `work` throws.
  func during<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
    let value = try await Signals.stoppable(work)
    clear()
    if let signal = Signals.received { throw ExitStatus(code: 128 + signal) }
    return value
  }

  func show(_ progress: IndexProgress) {
    guard isShown else { return }
    let now = ContinuousClock.now
    let isDue = last.withLock { last in
      guard now - last.time > .milliseconds(100), progress.files > 0 else { return false }
      last = (now, true)
      return true
    }
    guard isDue else { return }
    let seconds = (now - start) / .seconds(1)
    let left = seconds / Double(progress.files) * Double(progress.total - progress.files)
    let rate = Double(progress.bytes) / 1e6 / max(seconds, 0.001)
    Output.error(
      "\r\u{1b}[K  \(progress.files) of \(progress.total) files, \(Int(rate)) MB/s, \(Display.seconds(left)) left",
      isLine: false)
  }

  /// Takes the line away, if there is one.
  func clear() {
    let wasWritten = last.withLock { last in
      defer { last.isWritten = false }
      return last.isWritten
    }
    if wasWritten { Output.error("\r\u{1b}[K", isLine: false) }
  }
}
