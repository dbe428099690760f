internal import Paths

/// Reads JUnit XML reports, as Ant began them and Surefire, Gradle, JUnit's console and many others write them.
///
/// Tests are named `class::name`. The format has no standard; what is read: `testsuite`, `testcase` with `name`,
/// `classname`, `time`, `file` and `line`, and in it `failure`, `error`, `skipped`, and Surefire's `rerunFailure` and
/// `flakyFailure`.
enum JUnitXML {
  /// Bytes of one file, and files, that are read.
  static let maximumBytes = 64 << 20
  static let maximumFiles = 10_000

  /// Adds all tests of the report files; false when there are none.
  static func read(_ files: [RepoPath: [UInt8]], into builder: inout ReportBuilder, root: ProjectRoot) -> Bool {
    var found = false
    for (path, content) in files.sorted(by: { $0.key < $1.key }).prefix(maximumFiles) {
      var reader = Reader(module: module(of: path), root: root)
      reader.read(Array(content.prefix(maximumBytes)), into: &builder)
      found = found || reader.found
    }
    return found
  }

  /// The directory of the module that wrote a report: what stands before `target/` or `build/`.
  private static func module(of path: RepoPath) -> String {
    var components = path.components.map { String(decoding: $0, as: UTF8.self) }
    if let index = components.lastIndex(where: { $0 == "target" || $0 == "build" }) {
      components = Array(components[..<index])
      return components.isEmpty ? "" : components.joined(separator: "/") + "/"
    }
    return ""
  }

  private struct Reader {
    let module: String
    let root: ProjectRoot
    var found = false
    private var suites: [String] = []
    private var test: TestOutcome?
    private var className = ""
    private var detail: (name: String, message: String, type: String, text: String)?

    init(module: String, root: ProjectRoot) {
      self.module = module
      self.root = root
    }

    mutating func read(_ content: [UInt8], into builder: inout ReportBuilder) {
      var scanner = XMLScanner(content)
      var isWhole = false
      while let event = scanner.next() {
        switch event {
        case .start(let name, let attributes, let isEmpty):
          start(name, attributes, into: &builder)
          if isEmpty { end(name, into: &builder) }
        case .end(let name):
          end(name, into: &builder)
          if name == "testsuite" || name == "testsuites" { isWhole = suites.isEmpty }
        case .text(let text):
          if detail != nil, (detail?.text.utf8.count ?? 0) < 64 << 10 { detail?.text += text }
        }
      }
      if found, !isWhole { builder.incomplete("a report file is not complete") }
    }

    private mutating func start(_ name: String, _ attributes: [String: String], into builder: inout ReportBuilder) {
      switch name {
      case "testsuite":
        if suites.count < 64 { suites.append(attributes["name"] ?? "") }
      case "testcase":
        found = true
        className = attributes["classname"] ?? attributes["class"] ?? suites.last ?? ""
        let title = attributes["name"] ?? ""
        var outcome = TestOutcome(
          name: className.isEmpty ? title : "\(className)::\(title)", result: .passed,
          duration: attributes["time"].flatMap { Double($0.filter { $0 != "," }) })
        if let file = attributes["file"], let line = attributes["line"].flatMap(Int.init) {
          outcome.location = root.location(file.utf8, line: line)
        }
        if attributes["status"] == "skipped" || attributes["status"] == "notrun" { outcome.result = .skipped }
        test = outcome
      case "failure", "error", "skipped", "rerunFailure", "rerunError", "flakyFailure", "flakyError":
        detail = (name, attributes["message"] ?? "", attributes["type"] ?? "", "")
      default: break
      }
    }

    private mutating func end(_ name: String, into builder: inout ReportBuilder) {
      switch name {
      case "testsuite": if !suites.isEmpty { suites.removeLast() }
      case "testcase":
        guard var outcome = test else { return }
        if outcome.result == .passed || outcome.result == .skipped { outcome.location = nil }
        builder.add(outcome)
        test = nil
      case "failure", "error", "skipped", "rerunFailure", "rerunError", "flakyFailure", "flakyError":
        if let detail, detail.name == name { close(detail, into: &builder) }
        detail = nil
      default: break
      }
    }

    private mutating func close(
      _ detail: (name: String, message: String, type: String, text: String), into builder: inout ReportBuilder
    ) {
      guard var outcome = test else {
        // Outside any test: a class that could not be set up.
        if detail.name == "error" || detail.name == "failure" {
          builder.add(BuildError(message: "\(suites.last ?? ""): \(Self.firstLine(detail.message, detail.text))"))
        }
        return
      }
      switch detail.name {
      case "skipped":
        outcome.result = .skipped
        outcome.message = detail.message.isEmpty ? nil : detail.message
      case "failure", "error":
        outcome.result = detail.name == "failure" ? .failed : .errored
        let text = detail.message.isEmpty ? Self.beforeFrames(detail.text) : detail.message
        outcome.message =
          detail.type.isEmpty || text.hasPrefix(detail.type)
          ? text : text.isEmpty ? detail.type : "\(detail.type): \(text)"
        outcome.trace = trace(detail.text)
        outcome.location = outcome.trace.last ?? outcome.location
      default: break
      }
      test = outcome
    }

    private static func firstLine(_ message: String, _ text: String) -> String {
      String((message.isEmpty ? text : message).split(separator: "\n").first ?? "")
    }

    private static func beforeFrames(_ text: String) -> String {
      text.split(separator: "\n", omittingEmptySubsequences: false)
        .prefix { !$0.drop { $0 == " " || $0 == "\t" }.hasPrefix("at ") }.joined(separator: "\n")
    }

    /// Frames of the project, outermost first: `at com.x.FooTest.testA(FooTest.java:12)`, or `path:12` of others.
    private func trace(_ text: String) -> [SourceLocation] {
      let own = className.split(separator: ".").prefix(2)
      var frames: [SourceLocation] = []
      for line in OutputLines(text.utf8).lines.prefix(400) {
        let text = line.trimmed
        guard let call = text.after(prefix: "at "), let (method, place) = call.cutLast(at: "("),
          let (file, number) = place.before(suffix: ")")?.cutLast(at: ":"), let line = number.number
        else {
          if let location = TraceLines.location(line, root: root) { frames.append(location) }
          continue
        }
        if file.contains(UInt8(ascii: "/")) {
          if let location = root.location(prefix: place) { frames.append(location) }
          continue
        }
        // Java prints no directory: the package gives it, below the source root that Maven and Gradle agree on.
        let words = method.text.split(separator: "/").last?.split(separator: ".") ?? []
        let package = words.dropLast(2)
        guard words.count >= 2, words.prefix(own.count).elementsEqual(own) || package.isEmpty else { continue }
        let kind =
          file.ends(".kt") ? "kotlin" : file.ends(".groovy") ? "groovy" : file.ends(".scala") ? "scala" : "java"
        let stem = file.prefix { $0 != UInt8(ascii: ".") }.text
        let isTest =
          className.hasSuffix(stem) || stem.hasSuffix("Test") || stem.hasSuffix("Tests") || stem.hasPrefix("Test")
        let directory = (["src", isTest ? "test" : "main", kind] + package.map(String.init)).joined(separator: "/")
        if let location = root.location("\(module)\(directory)/\(file.text)".utf8, line: line) {
          frames.append(location)
        }
      }
      return frames.reversed()
    }
  }
}
