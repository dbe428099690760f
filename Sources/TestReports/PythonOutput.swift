internal import Paths

/// Python tracebacks as text.
enum PythonTrace {
  /// Reads `File "path", line 12, in name`.
  static func frame(_ line: Bytes, root: ProjectRoot) -> SourceLocation? {
    guard let quoted = line.trimmed.after(prefix: "File \""), let (path, rest) = quoted.cut(at: "\", line "),
      let (number, _) = rest.leadingNumber
    else { return nil }
    return root.location(path, line: number)
  }
}

/// What pytest prints: read when its reporter could not be loaded, because the command replaced the environment.
///
/// Names of passing tests appear only with `-v` or `-rA`. The format: pytest's `terminal.py`; stable since 3.0.
struct PytestOutput {
  private let root: ProjectRoot
  private var builder = ReportBuilder()
  private var results: [String: TestOutcome] = [:]
  private var order: [String] = []
  private var counts: [String: Int]?

  init(root: ProjectRoot) { self.root = root }

  /// Reads the output; false when it names fewer tests than it counts.
  static func read(_ lines: [Bytes], into builder: inout ReportBuilder, root: ProjectRoot) -> Bool {
    var parser = PytestOutput(root: root)
    parser.read(lines)
    for name in parser.order {
      if let outcome = parser.results[name] { builder.add(outcome) }
    }
    for error in parser.builder.buildErrors { builder.add(error) }
    if !parser.builder.buildErrors.isEmpty { builder.incomplete("some tests could not be loaded") }
    // Without a count nothing says that tests ran at all: then the exit status must not stand for them.
    guard let counts = parser.counts else { return true }
    let total = ["passed", "failed", "skipped", "xfailed", "xpassed"].reduce(0) { $0 + counts[$1, default: 0] }
    return parser.order.count >= total
  }

  private mutating func note(_ name: Bytes, _ result: TestOutcome.Result, message: String? = nil) {
    let name = ReportBuilder.cut(name.text, to: ReportBuilder.maximumName)
    if let known = results[name] {
      if known.result == .passed || result == .errored { results[name]?.result = result }
      if known.message == nil { results[name]?.message = message }
    } else if order.count < ReportBuilder.maximumTests {
      order.append(name)
      results[name] = TestOutcome(name: name, result: result, message: message)
    }
  }

  private static let words: [(word: String, result: TestOutcome.Result)] = [
    ("PASSED", .passed), ("FAILED", .failed), ("ERROR", .errored), ("SKIPPED", .skipped), ("XFAIL", .skipped),
    ("XPASS", .passed),
  ]

  private mutating func read(_ lines: [Bytes]) {
    var section = ""
    var block: [Bytes] = []
    var title: Bytes?
    for line in lines {
      if line.starts("====") {
        close(title, block, section)
        (title, block) = (nil, [])
        section = line.drop { $0 == UInt8(ascii: "=") || $0 == 0x20 }.text.lowercased()
        if let counts = Self.summary(line) { self.counts = counts }
        continue
      }
      if section.hasPrefix("failures") || section.hasPrefix("errors") {
        if line.starts("____") {
          close(title, block, section)
          title = line.drop { $0 == UInt8(ascii: "_") || $0 == 0x20 }
          while let last = title?.last, last == UInt8(ascii: "_") || last == 0x20 { title = title?.dropLast() }
          block = []
        } else if block.count < 4000 {
          block.append(line)
        }
        continue
      }
      if let counts = Self.summary(line) { self.counts = counts }
      readWord(line)
    }
    close(title, block, section)
  }

  /// A progress line `tests/a.py::t PASSED [ 10%]`, or one of the short summary `FAILED tests/a.py::t - why`.
  private mutating func readWord(_ line: Bytes) {
    guard line.contains("::") || line.starts("ERROR ") else { return }
    for (word, result) in Self.words {
      if let rest = line.after(prefix: word + " ") {
        // Parameters in brackets may hold the separator.
        let separator = rest.prefix { $0 != 0x20 }.contains(UInt8(ascii: "[")) ? "] - " : " - "
        var (name, message) = rest.cut(at: separator).map { ($0.before, Optional($0.after.text)) } ?? (rest, nil)
        if separator.utf8.count == 4, message != nil { name = rest[..<(name.endIndex + 1)] }
        if name.contains("::") {
          note(name, result, message: message)
        } else if result == .errored, name.ends(".py") {
          // The block under ERRORS, when there is one, has said it with its place.
          if !builder.buildErrors.contains(where: { $0.message.hasPrefix(name.text) }) {
            builder.add(BuildError(message: "\(name.text): \(message ?? "could not be collected")"))
          }
        }
        return
      }
    }
    for (word, result) in Self.words {
      guard let (name, rest) = line.cutLast(at: " " + word), name.contains("::") else { continue }
      let percent = rest.trimmed
      if percent.isEmpty || percent.starts("[") && percent.ends("%]") { note(name, result) }
      return
    }
  }

  /// One block of the sections FAILURES and ERRORS: its title is a test without its file, or `ERROR collecting path`.
  private mutating func close(_ title: Bytes?, _ block: [Bytes], _ section: String) {
    guard let title, section.hasPrefix("failures") || section.hasPrefix("errors") else { return }
    let message = block.compactMap { $0.after(prefix: "E ")?.trimmed.text }.joined(separator: "\n")
    let frames = block.compactMap { line -> SourceLocation? in
      guard let first = line.first, !first.isSpace, first != UInt8(ascii: "E"), first != UInt8(ascii: ">") else {
        return PythonTrace.frame(line, root: root)
      }
      return root.location(prefix: line)
    }
    if let path = title.after(prefix: "ERROR collecting ") {
      let first = message.split(separator: "\n").last.map(String.init) ?? "could not be collected"
      builder.add(BuildError(message: "\(path.text): \(first)", location: frames.last))
      return
    }
    var test = title
    for phase in ["ERROR at setup of ", "ERROR at teardown of "] { test = test.after(prefix: phase) ?? test }
    guard let file = frames.first?.path else { return }
    let tail = test.text.replacing(".", with: "::", maxReplacements: 1)
    let name = "\(file.quoted)::\(tail)"
    note(name.bytes, section.hasPrefix("errors") ? .errored : .failed, message: message)
    results[name]?.message = message
    results[name]?.trace = frames
    results[name]?.location = frames.last
  }

  /// `== 7 failed, 3 passed, 2 errors in 0.67s ==`, with or without the bars.
  private static func summary(_ line: Bytes) -> [String: Int]? {
    let inner = line.text.split { $0 == "=" }.joined().split(separator: " in ")
    guard inner.count == 2, inner[1].bytesAreDuration else { return nil }
    var counts: [String: Int] = [:]
    for part in inner[0].split(separator: ",") {
      let words = part.split(separator: " ")
      guard words.count >= 2, let count = Int(words[0]) else { return nil }
      counts[String(words[1])] = count
    }
    return counts.isEmpty ? nil : counts
  }
}

extension Substring {
  /// True for `0.67s` and `75.01s (0:01:15)`.
  fileprivate var bytesAreDuration: Bool {
    guard let first = split(separator: " ").first else { return false }
    return String(first).bytes.seconds != nil
  }
}

/// What unittest prints: read when its reporter could not be loaded.
///
/// Names of passing tests appear only with `-v`. The format: CPython's `unittest/runner.py`.
enum UnittestOutput {
  /// Reads the output; false when it names fewer tests than it counts.
  static func read(_ lines: [Bytes], into builder: inout ReportBuilder, root: ProjectRoot) -> Bool {
    var pending: String?
    var ran = 0
    var named = 0
    var index = 0
    func add(_ name: String, _ result: TestOutcome.Result, _ message: String? = nil) {
      named += 1
      if builder.index(of: name) == nil { builder.add(TestOutcome(name: name, result: result, message: message)) }
    }
    while index < lines.count {
      let line = lines[index]
      index += 1
      if let (head, tail) = line.cutLast(at: " ... ") {
        let name = identifier(head) ?? pending
        pending = nil
        guard let name else { continue }
        switch tail.trimmed.text {
        case "ok": add(name, .passed)
        case "FAIL", "unexpected success": add(name, .failed)
        case "ERROR": add(name, .errored)
        case "expected failure": add(name, .skipped, "expected failure")
        case let text where text.hasPrefix("skipped"): add(name, .skipped, String(text.dropFirst(8)))
        default: break
        }
      } else if let head = line.after(prefix: "FAIL: ") ?? line.after(prefix: "ERROR: ") {
        var end = index
        while end < lines.count, end - index < 4000, !lines[end].starts("====="), !isSummary(lines[end]) { end += 1 }
        readBlock(
          head, isFailure: line.starts("FAIL"), Array(lines[index..<end]), into: &builder, root: root, named: &named)
        index = end
      } else if let rest = line.after(prefix: "Ran "), let (count, after) = rest.leadingNumber, after.starts(" test") {
        ran += count
      } else {
        pending = identifier(line)
      }
    }
    return named >= ran
  }

  /// `Ran 2 tests in 0.001s`.
  private static func isSummary(_ line: Bytes) -> Bool {
    line.after(prefix: "Ran ")?.leadingNumber?.rest.starts(" test") == true
  }

  private static func readBlock(
    _ head: Bytes, isFailure: Bool, _ block: [Bytes], into builder: inout ReportBuilder, root: ProjectRoot,
    named: inout Int
  ) {
    let frames = block.compactMap { PythonTrace.frame($0, root: root) }
    let body = block.filter { !$0.starts("-----") }
    let lastFrame = body.lastIndex { $0.trimmed.starts("File \"") } ?? -1
    // Behind the last frame come its source lines, indented, then the exception's own words.
    let message = body[(lastFrame + 1)...].drop { $0.indentation > 0 }
      .prefix { !$0.starts("Ran ") && !$0.starts("Stdout:") }.map(\.text).joined(separator: "\n")
      .trimmingNewlines
    if head.contains("_FailedTest") || head.starts("setUp") || head.starts("tearDown") {
      let last = message.split(separator: "\n").last.map(String.init) ?? "could not be loaded"
      builder.add(BuildError(message: "\(head.words.first?.text ?? ""): \(last)", location: frames.last))
      builder.incomplete("some tests could not be loaded")
      named += 1
      return
    }
    guard let name = identifier(head) else { return }
    let result: TestOutcome.Result = isFailure ? .failed : .errored
    if builder.index(of: name) == nil {
      builder.add(TestOutcome(name: name, result: result))
      named += 1
    }
    if let index = builder.index(of: name), builder.tests[index].message == nil {
      builder.update(index) {
        $0.result = result
        $0.message = message
        $0.trace = frames
        $0.location = frames.last
      }
    }
  }

  /// `test_a (mod.Cls)` of Python before 3.11 and `test_a (mod.Cls.test_a)` since, as `mod.Cls.test_a`.
  private static func identifier(_ text: Bytes) -> String? {
    guard let (method, rest) = text.cut(at: " ("), let close = rest.firstIndex(of: UInt8(ascii: ")")),
      !method.isEmpty, method.allSatisfy(\.isWord)
    else { return nil }
    let holder = rest[..<close]
    guard !holder.isEmpty, holder.allSatisfy({ $0.isWord || $0 == UInt8(ascii: ".") }) else { return nil }
    return holder.ends("." + method.text) ? holder.text : "\(holder.text).\(method.text)"
  }
}

extension String {
  fileprivate var trimmingNewlines: String {
    var text = self[...]
    while text.last?.isNewline == true { text.removeLast() }
    while text.first?.isNewline == true { text.removeFirst() }
    return String(text)
  }
}
