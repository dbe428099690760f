internal import JSON
internal import Paths

/// Reads `go test -json` (the events of cmd/internal/test2json) and the text of `go test -v`.
///
/// Tests are named `package.Test/subtest`.
struct GoTestOutput {
  private let root: ProjectRoot
  /// Module paths with their directories inside the project, longest first.
  private var modules: [(path: String, directory: RepoPath)] = []
  private var outputs: [String: [Bytes]] = [:]
  private var running: [(package: String, test: String)] = []
  private var builder: ReportBuilder
  private var packagesStarted: Set<String> = []
  private var packagesEnded: Set<String> = []

  /// - Parameter modules: lines of `path directory` that `go list -m` gave.
  static func read(
    _ lines: [Bytes], modules: [UInt8]?, into builder: inout ReportBuilder, root: ProjectRoot
  ) -> Bool {
    var parser = GoTestOutput(root: root, builder: builder)
    for line in OutputLines(modules ?? []).lines {
      if let (path, directory) = line.cut(at: " ") {
        parser.modules.append((path.text, root.path(directory) ?? .root))
      }
    }
    parser.modules.sort { $0.path.utf8.count > $1.path.utf8.count }
    parser.read(lines)
    builder = parser.builder
    return true
  }

  private init(root: ProjectRoot, builder: ReportBuilder) {
    self.root = root
    self.builder = builder
  }

  private mutating func read(_ lines: [Bytes]) {
    var plain: [Bytes] = []
    var hasEvents = false
    var package: String?
    for line in lines {
      if line.first == UInt8(ascii: "{"), let event = try? JSONValue(parsing: Array(line)),
        let action = event["Action"]?.string
      {
        hasEvents = true
        read(action, event, &plain)
      } else {
        plain.append(line)
      }
    }
    if !hasEvents { readText(plain) }
    for line in plain { readBuild(line, &package) }
    for test in running {
      add(test.package, test.test, .errored, nil)
      builder.incomplete("a test program ended before its tests did")
    }
    if !packagesStarted.isSubset(of: packagesEnded) { builder.incomplete("a package's tests did not finish") }
    if !builder.buildErrors.isEmpty { builder.incomplete("some packages do not build") }
  }

  private mutating func read(_ action: String, _ event: JSONValue, _ plain: inout [Bytes]) {
    let package = event["Package"]?.string ?? event["ImportPath"]?.string ?? ""
    guard let test = event["Test"]?.string else {
      switch action {
      case "start": packagesStarted.insert(package)
      case "output", "build-output": if let text = event["Output"]?.string { plain += OutputLines(text.utf8).lines }
      case "pass", "fail", "skip":
        packagesEnded.insert(package)
        // A test that panicked has no end of its own.
        if action == "fail" { closeRunning(package) }
      default: break
      }
      return
    }
    let key = "\(package).\(test)"
    switch action {
    case "run":
      if running.count < 100_000 { running.append((package, test)) }
    case "output":
      if let text = event["Output"]?.string, (outputs[key]?.count ?? 0) < 400 {
        outputs[key, default: []] += OutputLines(text.utf8).lines
      }
    case "pass", "fail", "skip":
      if let index = running.lastIndex(where: { $0.test == test && $0.package == package }) {
        running.remove(at: index)
      }
      let result: TestOutcome.Result = action == "pass" ? .passed : action == "skip" ? .skipped : .failed
      add(package, test, result, event["Elapsed"]?.double)
    default: break
    }
  }

  private mutating func closeRunning(_ package: String) {
    for test in running where test.package == package { add(package, test.test, .errored, nil) }
    running.removeAll { $0.package == package }
  }

  private mutating func add(_ package: String, _ test: String, _ result: TestOutcome.Result, _ duration: Double?) {
    let key = "\(package).\(test)"
    let output = outputs.removeValue(forKey: key) ?? []
    var outcome = TestOutcome(name: key, result: result, duration: duration)
    if result != .passed {
      let kept = output.filter { !$0.trimmed.starts("=== ") && !$0.trimmed.starts("--- ") }
      outcome.message = kept.isEmpty ? nil : kept.map { $0.trimmed.text }.joined(separator: "\n")
      outcome.trace = trace(kept, package: package)
      outcome.location = outcome.trace.last
      if kept.contains(where: { $0.trimmed.starts("panic: ") }), result != .skipped {
        // A panic ends the package's test program: what would have come after it did not run.
        outcome.result = .errored
        builder.incomplete("a package's tests ended with a panic")
      }
    }
    builder.add(outcome)
  }

  /// Frames of a panic, `\t/p/a.go:12 +0x1d`, outermost first; else the lines of log entries, `    a_test.go:12: text`.
  private func trace(_ lines: [Bytes], package: String) -> [SourceLocation] {
    let frames = lines.compactMap { line -> SourceLocation? in
      guard line.first == 0x09 || line.trimmed.first == UInt8(ascii: "/") else { return nil }
      let text = line.trimmed
      guard text.contains(".go:") else { return nil }
      return root.location(prefix: text)
    }
    if !frames.isEmpty { return frames.reversed() }
    return lines.compactMap { line -> SourceLocation? in
      let text = line.trimmed
      guard let (file, rest) = text.cut(at: ":"), file.ends(".go"), !file.contains(0x20),
        let (number, after) = rest.leadingNumber, after.starts(":")
      else { return nil }
      if file.contains(UInt8(ascii: "/")) { return root.location(file, line: number) }
      return path(of: file, in: package).map { SourceLocation(path: $0, line: number) }
    }.suffix(1)
  }

  /// A file named by its base name, in the directory of its package.
  private func path(of file: Bytes, in package: String) -> RepoPath? {
    guard let name = RepoPath(Array(file)) else { return nil }
    for (module, directory) in modules where package == module || package.hasPrefix(module + "/") {
      let below = package.dropFirst(module.count + 1)
      guard let inner = RepoPath(String(below)) else { return nil }
      return directory.joining(inner).joining(name)
    }
    return name
  }

  /// `--- FAIL: TestX/sub (0.00s)` with its log lines, up to the line of the package: `ok  \tpkg\t0.003s`.
  private mutating func readText(_ lines: [Bytes]) {
    var tests: [(name: String, result: TestOutcome.Result, duration: Double?, output: [Bytes])] = []
    var said: [String: [Bytes]] = [:]
    var current: String?
    var open: [String] = []
    func close(_ package: String) {
      for test in tests {
        outputs["\(package).\(test.name)"] = test.output + (said[test.name] ?? [])
        add(package, test.name, test.result, test.duration)
      }
      for name in open {
        outputs["\(package).\(name)"] = said[name] ?? []
        add(package, name, .errored, nil)
      }
      (tests, said, current, open) = ([], [:], nil, [])
    }
    for line in lines {
      let text = line.trimmed
      if let name = text.after(prefix: "=== RUN   ") {
        current = name.text
        if open.count < 10_000 { open.append(name.text) }
        continue
      }
      if let name = text.after(prefix: "=== NAME  ") ?? text.after(prefix: "=== CONT  ") {
        current = name.text
        continue
      }
      if text.starts("=== ") { continue }
      let marks: [(String, TestOutcome.Result)] = [("PASS", .passed), ("FAIL", .failed), ("SKIP", .skipped)]
      if let (mark, result) = marks.first(where: { text.starts("--- \($0.0): ") }),
        let (name, time) = text.dropFirst(5 + mark.utf8.count).trimmed.cutLast(at: " (")
      {
        if let index = open.lastIndex(of: name.text) { open.remove(at: index) }
        current = name.text
        if tests.count < ReportBuilder.maximumTests { tests.append((name.text, result, time.dropLast().seconds, [])) }
        continue
      }
      if line.starts("ok  \t") || line.starts("FAIL\t") {
        let words = line.words
        if words.count >= 2 { close(words[1].text) }
        continue
      }
      if let current, said[current, default: []].count < 400 { said[current, default: []].append(line) }
    }
    if !tests.isEmpty || !open.isEmpty {
      builder.incomplete("a package's tests did not finish")
      close("?")
    }
  }

  /// `# package` and below it `./a.go:10:5: undefined: x`; `FAIL\tpackage [build failed]`.
  private mutating func readBuild(_ line: Bytes, _ package: inout String?) {
    if let name = line.after(prefix: "# ") {
      package = name.words.first?.text
    } else if package != nil, line.indentation == 0, line.contains(".go:"), let (place, message) = line.cut(at: ": "),
      let location = root.location(prefix: place.after(prefix: "vet: ") ?? place)
    {
      builder.add(BuildError(message: message.text, location: location))
    } else if line.starts("FAIL\t"), line.contains(" [build failed]") || line.contains("[setup failed]") {
      let name = line.words.count > 1 ? line.words[1].text : ""
      if builder.buildErrors.isEmpty { builder.add(BuildError(message: "\(name) does not build")) }
      builder.incomplete("some packages do not build")
    }
  }
}
