import Paths
import TestReports

/// Where the tests of a report stand in the test files, and which names each of them mentions.
struct TestBlocks {
  struct Test {
    var isFailing: Bool
    /// Names in the test with a weight: 1 where the failure arose, less elsewhere.
    var names: [String: Double]
  }

  private(set) var tests: [Test] = []
  private let project: Project
  private let brief: RepairBrief

  init(project: Project, brief: RepairBrief) {
    self.project = project
    self.brief = brief
    var found = 0
    for outcome in brief.report.tests.prefix(2000) where outcome.result != .skipped {
      let isFailing = outcome.result != .passed
      guard let test = block(of: outcome, isFailing: isFailing) else { continue }
      if isFailing { found += 1 }
      tests.append(test)
    }
    if found == 0 {
      // No failing test could be found in the files: then all that the test files name is under suspicion.
      tests.append(Test(isFailing: true, names: everything()))
    }
  }

  private func everything() -> [String: Double] {
    var names: [String: Double] = [:]
    for file in project.tests {
      for index in file.tokens.indices where file.isName(index) { names[file.texts[index]] = 0.8 }
    }
    for test in brief.report.tests where test.result == .failed || test.result == .errored {
      for word in Clues.words(of: String((test.message ?? "").prefix(4000))) { names[word] = 1 }
    }
    for error in brief.report.buildErrors { for word in Clues.words(of: error.message) { names[word] = 1 } }
    return names
  }

  private func block(of outcome: TestOutcome, isFailing: Bool) -> Test? {
    var ranges: [(file: SourceFile, range: ClosedRange<Int>)] = []
    var lines: (file: SourceFile, check: ClosedRange<Int>)?
    let label = lastComponent(outcome.name)
    let files = self.files(for: outcome)
    for file in files {
      if let function = file.functions.last(where: { $0.name == label }) {
        ranges.append((file, function.first...function.last))
        break
      }
      if let range = named(label, in: file) ?? named(outcome.name, in: file) {
        // A test case with a body of its own, or one check among others in a function.
        let hasBody = file.statements.contains { $0.first > range.lowerBound && $0.last <= range.upperBound }
        if hasBody { ranges.append((file, range)) } else { lines = (file, range) }
        break
      }
    }
    var focus: (file: SourceFile, statement: Statement)?
    if let location = outcome.location ?? outcome.trace.first(where: { isTestFile($0.path) }),
      let file = testFile(location.path)
    {
      let statement = file.statements.last {
        file.lines[$0.first] <= location.line && location.line <= file.line(ofByte: Int(file.tokens[$0.last].end) - 1)
      }
      if let statement {
        focus = (file, statement)
        if ranges.isEmpty {
          let function = file.functionOf[statement.first]
          if function >= 0 { ranges.append((file, file.functions[function].first...file.functions[function].last)) }
        }
      }
    }
    if let lines { return Test(isFailing: isFailing, names: namesAround(lines.check, in: lines.file)) }
    guard !ranges.isEmpty || focus != nil else { return nil }
    var names: [String: Double] = [:]
    func add(_ file: SourceFile, _ range: ClosedRange<Int>, _ weight: Double, until last: Int? = nil) {
      for index in range where file.isName(index) {
        // What comes after the failing line did not run.
        if let last, file.lines[index] > last { break }
        names[file.texts[index]] = max(names[file.texts[index]] ?? 0, weight)
      }
    }
    for (file, range) in ranges {
      let last = focus.map { file.path == $0.file.path ? file.lines[$0.statement.last] : Int.max }
      add(file, range, isFailing ? 0.9 : 1, until: isFailing ? last : nil)
      for function in file.functions
      where ["setUp", "setup", "beforeEach", "setUpClass", "setup_method"].contains(function.name) {
        add(file, function.first...function.last, 0.5)
      }
    }
    if let focus { add(focus.file, focus.statement.first...focus.statement.last, 1) }
    return Test(isFailing: isFailing, names: names)
  }

  /// The names of one check among others: what stands right before it counts more than what stands far above.
  private func namesAround(_ check: ClosedRange<Int>, in file: SourceFile) -> [String: Double] {
    var names: [String: Double] = [:]
    let function = file.functionOf[check.lowerBound]
    let first = function >= 0 ? file.functions[function].first : max(0, check.lowerBound - 200)
    var weight = 1.0
    var line = file.lines[check.upperBound]
    for index in stride(from: check.upperBound, through: first, by: -1) {
      if file.lines[index] < line {
        weight = index < check.lowerBound ? max(0.4, weight * 0.9) : weight
        line = file.lines[index]
      }
      if file.isName(index) { names[file.texts[index]] = max(names[file.texts[index]] ?? 0, weight) }
    }
    return names
  }

  /// The test that is introduced by a text: `test('name', …)`, `CHECK(…, "name")`.
  private func named(_ name: String, in file: SourceFile) -> ClosedRange<Int>? {
    guard name.utf8.count > 1 else { return nil }
    for index in file.tokens.indices where file.tokens[index].kind == .string {
      let text = file.texts[index]
      guard text.utf8.count >= name.utf8.count + 2, text.dropFirst().dropLast() == name else { continue }
      var open = index - 1
      while open >= 0, file.tokens[open].kind != .open {
        open = file.match[open] >= 0 && file.match[open] < open ? file.match[open] - 1 : open - 1
      }
      guard open >= 0, file.match[open] > index else {
        return file.statementOf[index] >= 0 ? file.statements[file.statementOf[index]].first...index : nil
      }
      return max(0, open - 1)...file.match[open]
    }
    return nil
  }

  private func lastComponent(_ name: String) -> String {
    var text = Substring(name)
    if let bracket = text.firstIndex(of: "["), text.hasSuffix("]") { text = text[..<bracket] }
    if let round = text.firstIndex(of: "("), text.hasSuffix(")") { text = text[..<round] }
    if let separator = text.lastRange(of: "::") { text = text[separator...] }
    if !text.contains(" "), let dot = text.lastIndex(where: { $0 == "." || $0 == "/" || $0 == "#" }) {
      text = text[text.index(after: dot)...]
    }
    return String(text)
  }

  private func isTestFile(_ path: RepoPath) -> Bool { testFile(path) != nil }

  private func testFile(_ path: RepoPath) -> SourceFile? {
    let joined = brief.directory.joining(path)
    return project.tests.first { $0.path == joined || $0.path == path }
  }

  /// The test files, the one that the outcome names first.
  private func files(for outcome: TestOutcome) -> [SourceFile] {
    var first: [SourceFile] = []
    var rest: [SourceFile] = []
    for file in project.tests {
      let stem = String(decoding: file.path.name, as: UTF8.self).split(separator: ".").first.map(String.init) ?? ""
      let isNamed = outcome.location.map { brief.directory.joining($0.path) == file.path } ?? false
      if isNamed || !stem.isEmpty && outcome.name.contains(stem) { first.append(file) } else { rest.append(file) }
    }
    return first + rest
  }
}

extension Substring {
  fileprivate func lastRange(of text: String) -> Index? {
    var result: Index?
    var rest = self
    while let found = rest.firstRange(of: text) {
      result = found.upperBound
      rest = rest[found.upperBound...]
    }
    return result
  }
}
