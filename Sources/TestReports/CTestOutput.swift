internal import Paths

/// Reads what `ctest` prints, with the output of failing tests where it shows it.
enum CTestOutput {
  static func read(_ lines: [Bytes], into builder: inout ReportBuilder, root: ProjectRoot) -> Bool {
    var last: Int?
    var block: [Bytes] = []
    var hasSummary = false
    var hasStarted = false
    func close(_ builder: inout ReportBuilder) {
      if let index = last, !block.isEmpty {
        let trace = block.compactMap { TraceLines.location($0, root: root) }
        builder.update(index) {
          $0.message = block.map(\.text).joined(separator: "\n")
          $0.trace = trace
          $0.location = trace.last
        }
      }
      (last, block) = (nil, [])
    }
    for line in lines {
      if let (name, result, duration) = outcome(line) {
        // What stands between a start and its verdict says why a test could not run.
        let ahead = last == nil && result != .passed ? block : []
        close(&builder)
        hasStarted = false
        let added = builder.add(TestOutcome(name: name, result: result, duration: duration))
        if result != .passed { (last, block) = (added, ahead) }
      } else if line.contains("% tests passed") {
        close(&builder)
        hasSummary = true
      } else if line.trimmed.starts("Start "), line.indentation >= 4 {
        close(&builder)
        hasStarted = true
      } else if last != nil || hasStarted, block.count < 200 {
        block.append(line)
      }
    }
    close(&builder)
    if !builder.tests.isEmpty, !hasSummary { builder.incomplete("ctest ended before its tests did") }
    if builder.tests.isEmpty {
      for error in CompilerErrors(lines, root: root).errors { builder.add(error) }
      if !builder.buildErrors.isEmpty { builder.incomplete("the project does not build") }
    }
    return true
  }

  /// `2/3 Test #2: name ....................***Failed    0.01 sec`.
  private static func outcome(_ line: Bytes) -> (String, TestOutcome.Result, Double?)? {
    let text = line.trimmed
    guard let (counter, rest) = text.cut(at: " Test "), counter.contains(UInt8(ascii: "/")),
      counter.allSatisfy({ $0.isDigit || $0 == UInt8(ascii: "/") }), let (_, tail) = rest.cut(at: ": "),
      let (name, verdict) = tail.cut(at: " ..") ?? tail.cut(at: "..")
    else { return nil }
    let words = verdict.drop { $0 == UInt8(ascii: ".") || $0 == 0x20 }
    guard let (status, time) = words.before(suffix: " sec").flatMap({ $0.cutLast(at: " ") }) else { return nil }
    let result: TestOutcome.Result
    if status.contains("Passed") {
      result = .passed
    } else if status.contains("Skipped") || status.contains("Disabled") {
      result = .skipped
    } else if status.contains("Failed") && !status.contains("Exception") {
      result = .failed
    } else {
      result = .errored
    }
    return (name.trimmed.text, result, time.seconds)
  }
}

/// Reads GoogleTest's lines, which cmocka shares: `[       OK ] Suite.Name (0 ms)`.
enum GoogleTestOutput {
  static func read(_ lines: [Bytes], into builder: inout ReportBuilder, root: ProjectRoot) -> Bool {
    var current: String?
    var block: [Bytes] = []
    var found = false
    var hasEnded = true
    for line in lines {
      if let name = line.after(prefix: "[ RUN      ] ") {
        current = name.trimmed.text
        block = []
        hasEnded = false
        continue
      }
      let marks: [(String, TestOutcome.Result)] = [
        ("[       OK ] ", .passed), ("[  FAILED  ] ", .failed), ("[  SKIPPED ] ", .skipped),
        ("[  ERROR   ] ", .errored),
      ]
      if let open = current, let (mark, result) = marks.first(where: { line.starts($0.0) }),
        let rest = line.after(prefix: mark), rest.starts(open)
      {
        let trace = result == .passed ? [] : block.compactMap { TraceLines.location($0, root: root) }
        builder.add(
          TestOutcome(
            name: open, result: result, duration: rest.cutLast(at: "(")?.after.cut(at: ")")?.before.seconds,
            message: result == .passed || block.isEmpty ? nil : block.map(\.text).joined(separator: "\n"),
            location: trace.last, trace: trace))
        (current, found) = (nil, true)
      } else if current == nil, line.starts("[  PASSED  ]") || line.starts("[==========]") {
        hasEnded = true
      } else if block.count < 200 {
        block.append(line)
      }
    }
    if let current {
      builder.add(TestOutcome(name: current, result: .errored, message: block.map(\.text).joined(separator: "\n")))
      found = true
    }
    if found, !hasEnded || current != nil { builder.incomplete("the test program ended before its tests did") }
    return found
  }
}
