public import Paths
public import TestReports

/// Files of a compiled project that note which of their lines run, and for which test: line coverage for each test from one
/// build and one run, for languages whose own tools count for a whole run or not at all.
public struct LineNotes: Sendable, ComplaintDropping {
  /// The variable with the path of the file that lines are noted in.
  public static let events = "CODEAGENT_NOTES"
  /// The variable with the path of the file that the tests' output goes to.
  public static let output = "CODEAGENT_OUTPUT"
  /// The variable, in Java the property, by which a test tells its name to the code that it runs.
  static let test = "CODEAGENT_TEST"

  private static let mostEvents = 1_000_000

  private let paths: [RepoPath]
  private var files: [NotedFile]

  /// - Parameters:
  ///   - files: sources of the project.
  ///   - isTest: whether a file holds tests.
  /// - Returns: nil when most of the files are of languages without such notes, or none can have any.
  public init?(files contents: [(path: RepoPath, bytes: [UInt8])], isTest: (RepoPath) -> Bool) {
    let known = contents.filter { Language(path: $0.path) != nil }
    let noted = known.filter { MutantSchemata.permits($0.path) }
    guard 2 * noted.count > known.count else { return nil }
    paths = noted.map(\.path)
    files = noted.enumerated().compactMap { number, item in
      Language(path: item.path).map {
        NotedFile(
          SourceFile(path: item.path, bytes: item.bytes, language: $0), number: number, isTest: isTest(item.path))
      }
    }
    guard files.contains(where: { !$0.parts.isEmpty }) else { return nil }
  }

  /// The files as they are built.
  public var contents: [(path: RepoPath, bytes: [UInt8])] {
    files.filter(\.isChanged).map { ($0.file.path, $0.bytes) }
  }

  /// Takes out what a compiler complained of.
  /// - Returns: false when it complained of nothing here.
  public mutating func drop(complaints output: [UInt8], countingWarnings: Bool = false) -> Bool {
    var isChanged = false
    for complaint in Set(Complaint.all(in: output, files: paths, countingWarnings: countingWarnings)) {
      guard let index = files.firstIndex(where: { $0.file.path == complaint.path }), !files[index].isEmpty else {
        continue
      }
      files[index].drop(line: complaint.line)
      isChanged = true
    }
    return isChanged
  }

  // MARK: - Reading

  /// Reads which lines each test ran.
  /// - Parameters:
  ///   - events: what was noted.
  ///   - output: all that the run printed.
  ///   - framework: what printed it.
  ///   - report: the tests as this run named them.
  /// - Returns: nil when nothing was noted that belongs to a test.
  public func coverage(events: [UInt8], output: [UInt8], framework: Framework, report: TestReport) -> TestCoverage? {
    var byName: [String: [RepoPath: Set<Int>]] = [:]
    let names = TestNames(report)
    let marks = Marks(output: output, framework: framework, report: report)
    for line in events.split(separator: 0x0a).prefix(Self.mostEvents) {
      let fields = line.split(separator: 0x20, maxSplits: 3, omittingEmptySubsequences: false)
      guard fields.count >= 3, let file = Self.number(fields[0]), let part = Self.number(fields[1]),
        let size = Self.number(fields[2]), files.indices.contains(file), files[file].parts.indices.contains(part)
      else { continue }
      let told = fields.count == 4 ? String(decoding: fields[3], as: UTF8.self) : ""
      let tests = told.isEmpty || told == "main" ? marks.name(at: size).map { [$0] } ?? [] : names.named(told)
      for test in tests {
        byName[test, default: [:]][files[file].file.path, default: []].formUnion(files[file].parts[part])
      }
    }
    let tests = report.tests.compactMap { outcome -> TestCoverage.Test? in
      guard let lines = byName[outcome.name] else { return nil }
      return TestCoverage.Test(name: outcome.name, lines: lines.mapValues { TestCoverage.merged($0.map { $0...$0 }) })
    }
    return tests.isEmpty ? nil : TestCoverage(tests: tests)
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    guard !digits.isEmpty, digits.count < 16, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }
}

/// The tests of a report by what they call themselves: reports put packages, modules and classes before it.
private struct TestNames {
  private var exact: Set<String> = []
  private var byLast: [String: [String]] = [:]
  private static let separators: Set<Character> = [".", "/", ":", "$", "#", " "]

  init(_ report: TestReport) {
    for test in report.tests {
      exact.insert(test.name)
      byLast[Self.last(Self.plain(test.name)), default: []].append(test.name)
    }
  }

  func named(_ told: String) -> [String] {
    if exact.contains(told) { return [told] }
    let told = Self.plain(told)
    let found = byLast[Self.last(told)] ?? []
    guard found.count > 1 else { return found }
    // Of several the one with the most of what stands before the name.
    let words = told.split(whereSeparator: Self.separators.contains)
    let scored = found.map { name in
      (name, Set(Self.plain(name).split(whereSeparator: Self.separators.contains)).intersection(words).count)
    }
    let best = scored.map(\.1).max()
    return scored.filter { $0.1 == best }.map(\.0)
  }

  private static func last(_ name: String) -> String {
    String(name.split(whereSeparator: separators.contains).last ?? "")
  }

  /// Without arguments.
  private static func plain(_ name: String) -> String {
    String(name[..<(name.firstIndex { $0 == "(" || $0 == "[" } ?? name.endIndex)])
  }
}

/// Which test runs when so much has been printed.
private struct Marks {
  /// Where tests end, ascending, with their names.
  private var ends: [(offset: Int, name: String)] = []

  init(output: [UInt8], framework: Framework, report: TestReport) {
    var starts: [(offset: Int, name: String)] = []
    var points: [(offset: Int, isInner: Bool)] = []
    var offset = 0
    for line in output.split(separator: 0x0a, omittingEmptySubsequences: false) {
      let inner = line.drop { $0 == 0x20 || $0 == 0x09 }
      if framework == .ctest, inner.starts(with: "Start ".utf8), let colon = inner.firstIndex(of: 0x3a) {
        starts.append((offset, String(decoding: inner[(colon + 1)...].drop { $0 == 0x20 }, as: UTF8.self)))
      } else if ["ok", "not ok"].contains(where: { word in
        inner.starts(with: word.utf8)
          && (inner.count == word.utf8.count || inner[inner.startIndex + word.utf8.count] == 0x20)
      }) {
        points.append((offset, inner.count < line.count))
      }
      offset += line.count + 1
    }
    if framework == .ctest {
      for (index, start) in starts.enumerated() {
        ends.append((index + 1 < starts.count ? starts[index + 1].offset : .max, start.name))
      }
      return
    }
    if points.count != report.tests.count { points.removeAll(where: \.isInner) }
    if points.count == report.tests.count {
      ends = zip(points, report.tests).map { ($0.offset, $1.name) }
    } else if let failed = report.tests.first(where: { $0.result != .passed }), points.isEmpty {
      // All that ran may be why it failed.
      ends = [(.max, failed.name)]
    }
  }

  func name(at size: Int) -> String? {
    var low = 0
    var high = ends.count
    while low < high {
      let middle = (low + high) / 2
      if ends[middle].offset < size { low = middle + 1 } else { high = middle }
    }
    return low < ends.count ? ends[low].name : nil
  }
}
