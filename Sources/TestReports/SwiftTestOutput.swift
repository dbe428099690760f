internal import JSON
internal import Paths

/// Reads what `swift test` prints: XCTest's lines and Swift Testing's, in any mixture.
///
/// Swift Testing prints no suite and no directory, so its event stream (ABI version 0) is read instead where the
/// toolchain writes one.
struct SwiftTestOutput {
  private let root: ProjectRoot
  /// Swift Testing is read from its event stream.
  private let hasEvents: Bool
  private var builder: ReportBuilder
  private var open: [String: Int] = [:]
  private var started: [String] = []
  private var known: Set<String> = []
  private var failureOf: [String: (message: String, place: SourceLocation?)] = [:]
  private var crash: String?
  private var crashTrace: [SourceLocation] = []
  private var sawEnd = false
  private var sawStart = false

  static func read(
    _ lines: [Bytes], events: [UInt8]?, into builder: inout ReportBuilder, root: ProjectRoot
  ) -> Bool {
    var parser = SwiftTestOutput(root: root, hasEvents: events != nil, builder: builder)
    parser.read(lines)
    if let events { parser.readEvents(events) }
    parser.finish()
    builder = parser.builder
    if builder.tests.isEmpty || builder.incompleteReason != nil {
      for error in CompilerErrors(lines, root: root).errors { builder.add(error) }
      if !builder.buildErrors.isEmpty { builder.incomplete("the package does not build") }
    }
    return true
  }

  private mutating func read(_ lines: [Bytes]) {
    var continuation: String?
    for line in lines {
      if readXCTest(line, &continuation) { continue }
      if !hasEvents, readSwiftTesting(line, &continuation) { continue }
      if readCrash(line) { continue }
      if let name = continuation, !line.isEmpty, failureOf[name].map({ $0.message.utf8.count < 4000 }) == true {
        let text = line.after(prefix: "↳ ") ?? line
        failureOf[name]?.message += "\n" + text.text
      }
    }
  }

  // XCTest.

  private mutating func readXCTest(_ line: Bytes, _ continuation: inout String?) -> Bool {
    if let rest = line.after(prefix: "Test Case '") {
      guard let (quoted, tail) = rest.cut(at: "' ") else { return false }
      let name = Self.xctestName(quoted)
      continuation = nil
      if tail.starts("started") {
        sawStart = true
        start(name)
      } else {
        let duration = tail.cut(at: "(")?.after.cut(at: " seconds")?.before.seconds
        let result: TestOutcome.Result =
          tail.starts("passed") ? .passed : tail.starts("skipped") ? .skipped : .failed
        end(name, result, duration)
      }
      return true
    }
    if line.starts("Test Suite '") || line.contains(" Executed ") {
      continuation = nil
      if line.starts("Test Suite 'All tests' ") || line.starts("Test Suite 'Selected tests' "),
        !line.contains("started")
      {
        sawEnd = true
      }
      return true
    }
    for mark in [": error: ", ": "] {
      // `/p/Tests/XTests.swift:4: error: XTests.testAdd : XCTAssertEqual failed: …`
      guard let (place, rest) = line.cut(at: mark == ": " ? ": " : mark),
        let (name, message) = rest.cut(at: " : "), name.count < 400, !name.contains(0x20) || name.starts("-[")
      else { continue }
      let key = Self.xctestName(name)
      guard known.contains(key) else { continue }
      note(key, message.text, root.location(prefix: place))
      continuation = key
      return true
    }
    return false
  }

  /// `XTests.testAdd`, and `-[LibTests.XTests testAdd]` of other platforms.
  private static func xctestName(_ text: Bytes) -> String {
    guard let inner = text.after(prefix: "-[")?.before(suffix: "]") else { return text.text }
    return inner.text.replacing(" ", with: ".")
  }

  // Swift Testing.

  private static let symbols = ["✔ ", "✘ ", "➜ ", "━ ", "◇ ", "⚠ ", "􁁛 ", "􀢄 ", "􀟈 "]

  private mutating func readSwiftTesting(_ line: Bytes, _ continuation: inout String?) -> Bool {
    guard let symbol = Self.symbols.first(where: line.starts), let rest = line.after(prefix: symbol) else {
      return false
    }
    continuation = nil
    if rest.starts("Test run ") {
      sawStart = true
      if rest.starts("Test run with ") { sawEnd = true }
      return true
    }
    guard let text = rest.after(prefix: "Test ") else { return true }
    if text.starts("case ") { return true }
    if let (name, tail) = text.cut(at: " recorded an issue") {
      let name = Self.title(name)
      // ` with 1 argument n → 2 at STests.swift:5:66: Expectation failed: …`
      var place: SourceLocation?
      var message = tail
      var search = tail
      while let (_, after) = search.cut(at: " at ") {
        if let found = root.location(prefix: after), let (_, words) = after.cut(at: ": ") {
          (place, message) = (found, words)
          break
        }
        search = after
      }
      note(name, message.text, place)
      continuation = name
      return true
    }
    if let (name, _) = text.cutLast(at: " started.") {
      start(Self.title(name))
    } else if let (name, reason) = text.cut(at: " skipped") {
      let reason = reason.after(prefix: ": ") ?? []
      end(Self.title(name), .skipped, nil)
      if let index = builder.tests.indices.last, !reason.isEmpty { builder.update(index) { $0.message = reason.text } }
    } else if let (name, tail) = text.cutLast(at: " passed after ") {
      end(Self.title(name), .passed, tail.cut(at: " second")?.before.seconds)
    } else if let (name, tail) = text.cutLast(at: " failed after ") {
      end(Self.title(name), .failed, tail.cut(at: " second")?.before.seconds)
    }
    return true
  }

  /// A test's name without ` with 2 test cases`.
  private static func title(_ text: Bytes) -> String {
    if let (name, tail) = text.cutLast(at: " with "), tail.ends(" test cases") || tail.ends(" test case") {
      return name.text
    }
    return text.text
  }

  // What both have in common.

  private mutating func start(_ name: String) {
    guard started.count < ReportBuilder.maximumTests else { return }
    open[name, default: 0] += 1
    started.append(name)
    known.insert(name)
  }

  private mutating func note(_ name: String, _ message: String, _ place: SourceLocation?) {
    guard failureOf[name] == nil else { return }
    failureOf[name] = (ReportBuilder.cut(message, to: 4000), place)
  }

  private mutating func end(_ name: String, _ result: TestOutcome.Result, _ duration: Double?) {
    if let count = open[name] { open[name] = count > 1 ? count - 1 : nil }
    var outcome = TestOutcome(name: name, result: result, duration: duration)
    if let failure = failureOf.removeValue(forKey: name) {
      outcome.message = failure.message
      if result == .skipped || result == .passed {
        builder.add(outcome)
        return
      }
      outcome.location = failure.place
      outcome.trace = failure.place.map { [$0] } ?? []
      if result == .failed, failure.message.hasPrefix("threw error") || failure.message.hasPrefix("Caught error") {
        outcome.result = .errored
      }
    }
    builder.add(outcome)
  }

  /// `Lib/Lib.swift:2: Fatal error: boom` and the frames of the crash report, `… at /p/Sources/Lib/Lib.swift:2:30`.
  private mutating func readCrash(_ line: Bytes) -> Bool {
    if crash == nil, let range = line.range(of: "Fatal error"), range.lowerBound - line.startIndex < 400 {
      crash = line[range.lowerBound...].text
      return true
    }
    if line.starts("error: ") && (line.contains("unexpected signal") || line.contains("crashed")) {
      crash = crash ?? line.text
    }
    if crash != nil, crashTrace.count < ReportBuilder.maximumFrames, let (_, place) = line.cutLast(at: " at "),
      place.starts("/"), let found = root.location(prefix: place)
    {
      crashTrace.append(found)
      return true
    }
    return false
  }

  private mutating func finish() {
    let unfinished = started.filter { open[$0] != nil }
    if !unfinished.isEmpty || (sawStart && !sawEnd) {
      builder.incomplete("the test process ended before its tests did")
    }
    let trace = Array(crashTrace.reversed())
    for name in unfinished {
      guard let count = open[name], count > 0 else { continue }
      open[name] = count - 1
      builder.add(
        TestOutcome(
          name: name, result: .errored, message: crash ?? "It did not finish: the test process ended while it ran.",
          location: trace.last, trace: trace))
    }
  }

  // The event stream.

  private mutating func readEvents(_ content: [UInt8]) {
    var names: [String: String] = [:]
    for line in content.prefix(AdaptorResults.maximumBytes).split(separator: UInt8(ascii: "\n")) {
      guard let record = try? JSONValue(parsing: Array(line)), let payload = record["payload"] else {
        builder.incomplete("the event stream of Swift Testing is damaged")
        continue
      }
      if record["kind"]?.string == "test" {
        if payload["kind"]?.string == "function", let id = payload["id"]?.string { names[id] = Self.withoutPlace(id) }
        continue
      }
      let kind = payload["kind"]?.string
      if kind == "runStarted" { sawStart = true }
      if kind == "runEnded" { sawEnd = true }
      guard let id = payload["testID"]?.string, let name = names[id] else { continue }
      switch kind {
      case "testStarted":
        times[name] = payload["instant"]?["absolute"]?.double
        start(name)
      case "issueRecorded":
        guard payload["issue"]?["isKnown"]?.bool != true, payload["issue"]?["severity"]?.string != "warning" else {
          continue
        }
        failed.insert(name)
        note(name, Self.message(payload), place(payload["issue"]?["sourceLocation"] ?? payload["_sourceLocation"]))
      case "testEnded":
        let duration = times[name].flatMap { start in payload["instant"]?["absolute"]?.double.map { $0 - start } }
        end(name, failed.contains(name) ? .failed : .passed, duration)
      case "testSkipped":
        end(name, .skipped, nil)
        let reason = payload["_comments"]?[0]?.string
        if let index = builder.tests.indices.last, let reason { builder.update(index) { $0.message = reason } }
      default: break
      }
    }
  }

  private var times: [String: Double] = [:]
  private var failed: Set<String> = []

  private init(root: ProjectRoot, hasEvents: Bool, builder: ReportBuilder) {
    self.root = root
    self.hasEvents = hasEvents
    self.builder = builder
  }

  /// `LibTests.STests/addition()/STests.swift:4:4` without the place, which moves with every edit above it.
  private static func withoutPlace(_ id: String) -> String {
    guard let slash = id.lastIndex(of: "/"), id[slash...].contains(".swift:") else { return id }
    return String(id[..<slash])
  }

  private static func message(_ payload: JSONValue) -> String {
    var lines: [String] = []
    for message in payload["messages"]?.array ?? [] {
      guard var text = message["text"]?.string else { continue }
      if lines.isEmpty, let range = text.range(ofMark: "recorded an issue") {
        text = String(text[range...])
        if let colon = text.range(ofMark: ": ") { text = String(text[colon...]) }
      }
      lines.append(text)
    }
    return lines.joined(separator: "\n")
  }

  private func place(_ value: JSONValue?) -> SourceLocation? {
    guard let path = value?["filePath"]?.string ?? value?["_filePath"]?.string else { return nil }
    return root.location(path.utf8, line: value?["line"]?.int)
  }
}

extension String {
  /// The index behind the first occurrence of a text.
  fileprivate func range(ofMark mark: String) -> String.Index? { firstRange(of: mark)?.upperBound }
}
