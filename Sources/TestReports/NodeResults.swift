internal import JSON
internal import Paths

extension AdaptorResults {
  /// Adds what Node's processes reported: tests of node:test, mocha and jest by name, and scripts that were run by
  /// themselves with the TAP that they printed. Returns true when something was added.
  func readNode(into builder: inout ReportBuilder, root: ProjectRoot) -> Bool {
    let before = (builder.tests.count, builder.buildErrors.count)
    for file in files where file.framework == "node-child" { readUnfinished(file, into: &builder, root: root) }
    for file in files where file.framework == "node" {
      let script = file.script.flatMap { root.path($0.utf8) }
      let tests = file.events.filter { $0["event"]?.string == "test" }
      let isScript = file.events.contains { $0["event"]?.string == "script" }
      for event in tests { readTest(event, into: &builder, root: root) }
      if tests.isEmpty, isScript, let script { readScript(file, script, into: &builder, root: root) }
      let hasEnded = file.events.contains { $0["event"]?.string == "end" }
      if !hasEnded || file.isCut, !tests.isEmpty || isScript {
        builder.incomplete("a Node process ended before its reporter did")
      }
    }
    return before != (builder.tests.count, builder.buildErrors.count)
  }

  private func readTest(_ event: JSONValue, into builder: inout ReportBuilder, root: ProjectRoot) {
    guard let result = event["result"]?.string.flatMap(TestOutcome.Result.init(rawValue:)) else { return }
    let path = event["file"]?.string.flatMap { root.path($0.utf8) }
    let trace = Self.trace(event, root: root)
    let message = event["message"]?.string
    let place = path?.quoted ?? event["file"]?.string ?? ""
    if event["isFile"]?.bool == true {
      if event["isLoad"]?.bool == true, result != .passed, Self.isLoadError(message ?? "") {
        builder.add(BuildError(message: "\(place): \(Self.headline(message ?? ""))", location: trace.last))
        builder.incomplete("some tests could not be loaded")
        return
      }
      builder.add(
        TestOutcome(
          name: place, result: result, duration: event["duration"]?.double, message: message, location: trace.last,
          trace: trace))
      return
    }
    let isBad = result == .failed || result == .errored
    let own = path.flatMap { path in event["line"]?.int.flatMap { SourceLocation(path: path, line: $0) } }
    builder.add(
      TestOutcome(
        name: Self.nodeName(event, place: place), result: result, duration: event["duration"]?.double,
        message: message, location: isBad ? trace.last ?? own : nil, trace: isBad ? trace : []))
  }

  /// The name of the test that an event is of.
  static func nodeName(_ event: JSONValue, place: String) -> String {
    let names = (event["path"]?.array ?? []).prefix(32).compactMap(\.string).joined(separator: " > ")
    return place.isEmpty ? names : "\(place)::\(names)"
  }

  /// A test file that ended, with whatever status, while tests of it were still to run: `process.exit(0)` in a test.
  private func readUnfinished(_ file: File, into builder: inout ReportBuilder, root: ProjectRoot) {
    guard let place = file.script.flatMap({ root.path($0.utf8) }) else { return }
    for event in file.events where event["event"]?.string == "unfinished" {
      builder.add(
        TestOutcome(
          name: "\(place.quoted)::\(event["name"]?.string ?? "")", result: .errored,
          message: "It did not finish: its file ended before."))
      builder.incomplete("a test file ended while its tests were running")
    }
  }

  /// A script that was run by itself: the points that it printed, then the script as a whole by its exit status.
  private func readScript(_ file: File, _ script: RepoPath, into builder: inout ReportBuilder, root: ProjectRoot) {
    var text: [UInt8] = []
    var outcome = TestOutcome(name: script.quoted, result: .errored)
    for event in file.events {
      switch event["event"]?.string {
      case "output": text += Array((event["text"]?.string ?? "").utf8)
      case "uncaught":
        outcome.message = event["message"]?.string
        outcome.trace = Self.trace(event, root: root)
        outcome.location = outcome.trace.last
        if Self.isLoadError(outcome.message ?? "") {
          builder.add(
            BuildError(message: "\(script.quoted): \(Self.headline(outcome.message ?? ""))", location: outcome.location)
          )
          builder.incomplete("some tests could not be loaded")
        }
      case "end":
        outcome.result = event["status"]?.int == 0 ? .passed : .failed
        if outcome.result == .failed, outcome.message == nil {
          outcome.message = "It exited with status \(event["status"]?.int ?? -1)."
        }
      default: break
      }
    }
    let tap = TAPOutput(OutputLines(text).lines)
    if tap.isTAP { tap.add(to: &builder, root: root, file: script) }
    if outcome.result == .errored { outcome.message = outcome.message ?? "It ended without an exit status." }
    builder.add(outcome)
  }

  /// True when a file could not be loaded at all, in contrast to a test in it that failed.
  private static func isLoadError(_ text: String) -> Bool {
    [
      "SyntaxError", "Cannot find module", "Cannot find package", "ERR_MODULE_NOT_FOUND", "ERR_REQUIRE_ESM",
      "does not provide an export named", "Test suite failed to run", "Cannot use import statement",
    ].contains { text.contains($0) }
  }

  /// The line of an error text that names the error.
  private static func headline(_ text: String) -> String {
    let lines = text.split(separator: "\n").map { $0.drop { $0 == " " } }
    let line = lines.first { line in
      let head = line.prefix { $0 != ":" && $0 != " " }
      return head.hasSuffix("Error") && head.count < line.count
    }
    return String(line ?? lines.first ?? "it could not be loaded")
  }
}

/// Reads Node's `spec` reporter, for runs whose process was not reached by the adaptor.
enum NodeSpecOutput {
  static func read(_ lines: [Bytes], into builder: inout ReportBuilder, root: ProjectRoot) -> Bool {
    var open: [(indent: Int, name: String)] = []
    var last: Int?
    var details: [Bytes] = []
    var found = false
    func close(_ builder: inout ReportBuilder) {
      guard let index = last else { return }
      let information = TAPDiagnostics(details.filter { !$0.trimmed.isEmpty }, root: root)
      builder.update(index) {
        $0.message = details.map(\.text).prefix { !$0.drop { $0 == " " }.hasPrefix("at ") }.joined(separator: "\n")
        $0.trace = information.trace
        $0.location = information.trace.last
      }
      last = nil
      details = []
    }
    for line in lines {
      if line.starts("✖ failing tests:") || line.starts("ℹ ") {
        close(&builder)
        if line.starts("✖") { break }
        continue
      }
      let indent = line.prefix { $0 == 0x20 }.count
      let text = line.dropFirst(indent)
      guard let mark = ["✔ ", "✖ ", "﹣ ", "▶ ", "⚠ "].first(where: text.starts) else {
        if last != nil, details.count < 200 { details.append(line) }
        continue
      }
      close(&builder)
      let name = title(text.dropFirst(mark.utf8.count))
      while let top = open.last, top.indent > indent { open.removeLast() }
      if let top = open.last, top.indent == indent {
        // The line that closes a suite or a test with subtests.
        if top.name == name.text {
          open.removeLast()
          continue
        }
        open.removeLast()
      }
      if mark == "▶ " {
        open.append((indent, name.text))
        continue
      }
      found = true
      let path = open.map(\.name) + [name.text]
      let isSkipped = mark == "﹣ " || mark == "⚠ " || name.isTodo
      let index = builder.add(
        TestOutcome(
          name: path.joined(separator: " > "), result: isSkipped ? .skipped : mark == "✔ " ? .passed : .failed,
          duration: name.duration))
      last = mark == "✖ " && !isSkipped ? index : nil
    }
    close(&builder)
    return found
  }

  private static func title(_ text: Bytes) -> (text: String, duration: Double?, isTodo: Bool) {
    var head = text
    var isTodo = false
    for directive in [" # TODO", " # SKIP", " # "] {
      if let (before, _) = head.cutLast(at: directive), before.ends("ms)") {
        isTodo = true
        head = before
      }
    }
    guard head.ends("ms)"), let (name, time) = head.cutLast(at: " (") else { return (head.text, nil, isTodo) }
    return (name.text, time.dropLast().seconds, isTodo)
  }
}
