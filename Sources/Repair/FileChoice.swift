import Paths
import TestReports

/// Which files of a project are read: all of a small one, and of a large one those that the failures point at first.
struct FileChoice {
  /// What is read, in this order.
  private(set) var files: [RepoPath] = []
  /// Sources that are larger than any that is searched.
  let tooLarge: [RepairBrief.File]

  /// Sources by their names only: they say how a project is built, not what it does.
  private static let manifests: Set<String> = [
    "Package.swift", "build.rs", "setup.py", "noxfile.py", "build.gradle.kts", "settings.gradle.kts",
  ]

  init(brief: RepairBrief) {
    let sources = brief.files.filter {
      $0.size > 0 && Language(path: $0.path) != nil
        && !Self.manifests.contains(String(decoding: $0.path.name, as: UTF8.self))
    }
    tooLarge = sources.filter {
      $0.size > RepairSession.largestFile && !TestPaths.isTest($0.path, in: brief.directory)
    }
    let usable = sources.filter { $0.size <= RepairSession.largestFile }
    var mentioned: Set<RepoPath> = []
    var text = ""
    for test in brief.report.tests where test.result == .failed || test.result == .errored {
      for location in test.trace + [test.location].compactMap({ $0 }) {
        mentioned.insert(brief.directory.joining(location.path))
      }
      text += test.name + "\n" + (test.message ?? "").prefix(2000) + "\n"
      if text.utf8.count > 100_000 { break }
    }
    for error in brief.report.buildErrors.prefix(50) {
      if let location = error.location { mentioned.insert(brief.directory.joining(location.path)) }
      text += error.message.prefix(500) + "\n"
    }
    for hint in brief.hints { text += hint + "\n" }
    text += brief.task ?? ""
    let words = Set(Clues.words(of: text).map { $0.lowercased() })
    let stems = Set(
      brief.files.lazy.filter { TestPaths.isTest($0.path, in: brief.directory) && mentioned.contains($0.path) }
        .map {
          Self.stem($0.path).replacing("test_", with: "").replacing("_test", with: "").replacing("test", with: "")
        })
    func rank(_ file: RepairBrief.File) -> Int {
      var rank = 0
      if mentioned.contains(file.path) { rank -= 1000 }
      let isTest = TestPaths.isTest(file.path, in: brief.directory)
      let own = Self.stem(file.path)
      if stems.contains(own) { rank -= 500 }
      if words.contains(own), own.count > 2 { rank -= 300 }
      // Of tests only those near the failures say anything.
      if isTest { rank += mentioned.contains(file.path) || words.contains(own) ? 0 : 400 }
      if !file.path.isInside(brief.directory) { rank += 600 }
      rank += 20 * file.path.components.count
      rank += min(200, file.size / 2000)
      return rank
    }
    let ordered = usable.map { (rank($0), $0) }.sorted { ($0.0, $0.1.path) < ($1.0, $1.1.path) }
    var bytes = 0
    for (_, file) in ordered
    where files.count < RepairSession.mostFiles && bytes + file.size <= RepairSession.mostBytes {
      files.append(file.path)
      bytes += file.size
    }
  }

  private static func stem(_ path: RepoPath) -> String {
    let name = String(decoding: path.name, as: UTF8.self).lowercased()
    return name.split(separator: ".").first.map(String.init) ?? name
  }
}

extension Clues {
  /// Adds the literals of the statements at which tests failed.
  mutating func addLiterals(of tests: [SourceFile], brief: RepairBrief) {
    for outcome in brief.report.tests where outcome.result == .failed || outcome.result == .errored {
      for location in [outcome.location].compactMap({ $0 }) + outcome.trace.prefix(2) {
        let path = brief.directory.joining(location.path)
        guard let file = tests.first(where: { $0.path == path || $0.path == location.path }) else { continue }
        for index in file.tokens.indices where file.lines[index] == location.line {
          let text = file.texts[index]
          switch file.tokens[index].kind {
          case .number, .string: if text.utf8.count < 60 { literals.add(contentsOf: [text]) }
          case .keyword:
            if ["True", "False", "None", "true", "false", "null", "nil"].contains(text) {
              literals.add(contentsOf: [text])
            }
          case .open:
            if file.match[index] == index + 1, text != "(" { literals.add(contentsOf: [text + file.texts[index + 1]]) }
          default: break
          }
        }
        break
      }
      if literals.count > 12 { break }
    }
  }
}
