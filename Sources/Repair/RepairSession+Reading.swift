import Conversation
import JSON
import Paths
import TestReports

/// How a session begins: what the check says, the files that are read, and the places that they and the tests point at.
extension RepairSession {
  static let mostFiles = 80
  static let mostBytes = 4 << 20
  static let largestFile = 1 << 20

  mutating func begin() {
    let report = brief.report
    guard !report.failing.isEmpty || !report.buildErrors.isEmpty || report.exitStatus != 0 else {
      giveUp("No test fails, so there is nothing to search for: name a check that fails.")
      return
    }
    if let start = report.startFailure {
      giveUp("The tests cannot start: \(start.message)")
      return
    }
    if report.tests.isEmpty, report.buildErrors.isEmpty, brief.framework.exitStatusWithoutTests == report.exitStatus {
      giveUp("The check ran no tests, so no patch can be judged by it: name one that fails.")
      return
    }
    let choice = FileChoice(brief: brief)
    unread = choice.tooLarge.map { ($0.path, "it has \($0.size) bytes, and at most \(Self.largestFile) are searched") }
    var calls = [plan("coverage", ["files": .array(choice.files.map { .string($0.quoted) })])]
    for file in choice.files { calls.append(plan("read_file", ["path": .string(file.quoted)])) }
    pending = calls
    phase = .reading
  }

  mutating func read(_ answers: [String: ToolResult]) {
    for call in pending {
      let result = answers[call.id]
      if call.name == "coverage" {
        guard let answer = result?.answer else { continue }
        coverage = Coverage(json: answer)
        // What it took is not left for the search.
        if let spent = answer["seconds"]?.double, spent > 0 {
          brief.budgetSeconds = max(1, brief.budgetSeconds - min(spent, brief.budgetSeconds / 2))
        }
        let unsteady = (answer["unsteady"]?.array ?? []).compactMap(\.string)
        if !unsteady.isEmpty {
          brief.report = brief.report.settingApart(Set(unsteady))
          clues = Clues(report: brief.report)
        }
      } else if let path = call.arguments["path"]?.string.flatMap({ RepoPath(quoted: $0) }) {
        if let answer = result?.answer, answer["truncated"]?.bool != true {
          if let text = answer["text"]?.string {
            contents.append((path, Array(text.utf8)))
          } else {
            unread.append((path, "it is not UTF-8 text"))
          }
        } else {
          unread.append((path, result.map { String($0.output.prefix(200)) } ?? "no answer"))
        }
      }
    }
  }

  mutating func localise() {
    if !brief.report.unsteady.isEmpty, brief.report.failing.isEmpty, brief.report.buildErrors.isEmpty {
      giveUp(
        "What failed passed when it was run again without any change: flaky tests, and no patch can be judged by them.")
      return
    }
    var files: [SourceFile] = []
    var tests: [SourceFile] = []
    for (path, bytes) in contents {
      guard let language = Language(path: path) else { continue }
      let file = SourceFile(path: path, bytes: bytes, language: language)
      if TestPaths.isTest(path, in: brief.directory) || TestPaths.isTestConfiguration(path) {
        tests.append(file)
      } else {
        files.append(file)
      }
    }
    let project = Project(files: files, tests: tests)
    clues.addLiterals(of: tests, brief: brief)
    clues.addFragments(of: tests, brief: brief)
    let places = Localizer(project: project, brief: brief, coverage: coverage).places()
    let failing = max(1, brief.report.failing.count)
    guard !places.isEmpty,
      let search = Search(
        project: project, originals: files.map(\.bytes), base: files.map { _ in [] }, clues: clues, places: places,
        failing: failing)
    else {
      giveUp(
        "There is nothing to search for a repair: \(files.isEmpty ? "no source file could be read" : "\(files.count) source files were read")."
          + unreadFiles)
      return
    }
    searches = [search]
    phase = .searching
    tryNext()
  }

  /// The files that were left out, for people; empty when all were read.
  var unreadFiles: String {
    guard !unread.isEmpty else { return "" }
    let named = unread.prefix(3).map { "\($0.path): \($0.why)" }.joined(separator: "; ")
    return " Not searched: \(named)\(unread.count > 3 ? "; and \(unread.count - 3) more" : "")."
  }
}

extension Framework {
  /// The exit status by which a tool says that it found no tests; nil where it says so otherwise.
  fileprivate var exitStatusWithoutTests: Int32? {
    switch self {
    // https://docs.pytest.org/en/stable/reference/exit-codes.html; unittest does the same since Python 3.12.
    case .pytest, .unittest: 5
    default: nil
    }
  }
}
