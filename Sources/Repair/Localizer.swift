import Paths
import TestReports

/// A statement with how likely it is that the error lies there.
struct Place: Sendable, Hashable {
  var file: Int
  var statement: Int
  /// From 0 to about 1.5; only the order and the ratio mean something.
  var suspicion: Double
}

/// Ranks statements by what failing and passing tests run, what messages point at, and what names say.
struct Localizer {
  let project: Project
  let brief: RepairBrief
  let coverage: Coverage?

  /// All statements that may be patched, the most suspicious first.
  func places() -> [Place] {
    var scores = project.files.map { [Double](repeating: 0, count: $0.statements.count) }
    var isCovered = false
    if let coverage { isCovered = scoreByCoverage(coverage, &scores) }
    if !isCovered { scoreByReach(&scores) }
    addTraces(&scores)
    addHints(&scores)
    addNames(&scores)
    lowerLoopSteps(&scores)
    var places: [Place] = []
    for (file, list) in scores.enumerated() {
      let source = project.files[file]
      let base = baseline(source)
      for (statement, score) in list.enumerated() {
        // What no test is known to run comes last: constants and declarations at the top of a file before the rest.
        places.append(Place(file: file, statement: statement, suspicion: max(score, base)))
      }
    }
    return places.sorted {
      ($1.suspicion, $0.file, $0.statement) < ($0.suspicion, $1.file, $1.statement)
    }
  }

  private var failing: Set<String> {
    Set(brief.report.tests.lazy.filter { $0.result == .failed || $0.result == .errored }.map(\.name))
  }

  private func baseline(_ source: SourceFile) -> Double {
    source.tokens.count > 20_000 ? 0.05 : 0.08
  }

  // MARK: - Coverage

  /// Ochiai: failed(line) / √(failed · (failed(line) + passed(line))).
  private func scoreByCoverage(_ coverage: Coverage, _ scores: inout [[Double]]) -> Bool {
    let failing = failing
    var failed = 0
    var passedCounts = project.files.map { [Int](repeating: 0, count: $0.lineStarts.count + 2) }
    var failedCounts = passedCounts
    let index = Dictionary(
      project.files.enumerated().map { ($0.element.path.quoted, $0.offset) }, uniquingKeysWith: { first, _ in first })
    for test in coverage.tests {
      let isFailing = Self.isFailing(test.name, among: failing)
      if isFailing { failed += 1 }
      for (path, ranges) in test.lines {
        guard let file = index[path] ?? index[joined(path)] else { continue }
        let limit = passedCounts[file].count
        for range in ranges {
          for line in range.clamped(to: 0...max(0, limit - 1)) where line < limit {
            if isFailing { failedCounts[file][line] += 1 } else { passedCounts[file][line] += 1 }
          }
        }
      }
    }
    guard failed > 0 else { return false }
    var any = false
    let lift = Lift(tests: coverage.tests.count, failed: failed, failedCounts, passedCounts)
    for (fileIndex, file) in project.files.enumerated() {
      var functionScore = [Double](repeating: 0, count: file.functions.count)
      for (statementIndex, statement) in file.statements.enumerated() {
        var score = 0.0
        for line in file.lines[statement.first]...file.lines[statement.last] {
          let both = failedCounts[fileIndex][line] + passedCounts[fileIndex][line]
          guard failedCounts[fileIndex][line] > 0 else { continue }
          score = max(score, Double(failedCounts[fileIndex][line]) / (Double(failed) * Double(both)).squareRoot())
        }
        if score > 0 {
          any = true
          score = lift.raised(score)
        }
        scores[fileIndex][statementIndex] = score
        let function = file.functionOf[statement.first]
        if function >= 0 { functionScore[function] = max(functionScore[function], score) }
      }
      // Headers of functions that ran, and the statements in them that did not, may be wrong as well.
      for (statementIndex, statement) in file.statements.enumerated() {
        let function = file.functionOf[statement.first]
        guard function >= 0, functionScore[function] > 0 else { continue }
        let isHeader = file.functions[function].header == statementIndex
        scores[fileIndex][statementIndex] = max(
          scores[fileIndex][statementIndex], functionScore[function] * (isHeader ? 0.5 : 0.25))
      }
      if functionScore.contains(where: { $0 > 0 }) {
        for (statementIndex, statement) in file.statements.enumerated() where file.functionOf[statement.first] < 0 {
          scores[fileIndex][statementIndex] = max(scores[fileIndex][statementIndex], topLevel(file, statement))
        }
      }
    }
    return any
  }

  /// Where hundreds of tests pass, most lines have next to no suspicion by the formula alone, less than what no test is known to
  /// run. What the failing tests ran stays above that, and its order stays as it is.
  private struct Lift {
    private var exponent = 1.0
    private var factor = 1.0

    private static let few = 20
    private static let many = 120
    private static let leastExponent = 0.6
    private static let leastTop = 0.6
    /// Just above what no test is known to run.
    private static let least = 0.1

    init(tests: Int, failed: Int, _ failedCounts: [[Int]], _ passedCounts: [[Int]]) {
      guard tests > Self.few else { return }
      let share = min(1, Double(tests - Self.few) / Double(Self.many - Self.few))
      exponent = 1 - (1 - Self.leastExponent) * share
      var top = 0.0
      for (failedLines, passedLines) in zip(failedCounts, passedCounts) {
        for (line, count) in failedLines.enumerated() where count > 0 {
          top = max(top, Double(count) / (Double(failed) * Double(count + passedLines[line])).squareRoot())
        }
      }
      guard top > 0 else { return }
      factor = max(1, Self.leastTop / Self.power(top, exponent))
    }

    func raised(_ score: Double) -> Double {
      exponent < 1 ? max(Self.least, min(1, factor * Self.power(score, exponent))) : score
    }

    /// x to the power of an exponent between 0.5 and 1.
    private static func power(_ x: Double, _ exponent: Double) -> Double {
      let root = x.squareRoot()
      // Between the root and the value itself, as means of the two are.
      let weight = 2 * (exponent - 0.5)
      return root * (1 - weight) + x * weight
    }
  }

  /// At the top of a file that is run: tables and constants may be wrong, declarations hardly.
  private func topLevel(_ file: SourceFile, _ statement: Statement) -> Double {
    guard !statement.isHeader,
      file.tokens[statement.first].kind != .directive || file.texts[statement.first] == "#define"
    else { return 0.08 }
    let hasValue = (statement.first...statement.last).contains {
      file.tokens[$0].kind == .number || file.tokens[$0].kind == .string
        || SourceFile.assignments.contains(file.texts[$0])
    }
    return hasValue && !["import", "from", "using", "package"].contains(file.texts[statement.first]) ? 0.28 : 0.08
  }

  /// Whether a test as coverage names it is among those that failed: the report may have its module before its name.
  static func isFailing(_ name: String, among failing: Set<String>) -> Bool {
    failing.contains(name)
      || failing.contains { $0.hasSuffix("." + name) || name.hasSuffix("." + $0) || $0.hasSuffix("::" + name) }
  }

  private func joined(_ path: String) -> String {
    guard let inner = RepoPath(quoted: path) else { return path }
    return brief.directory.joining(inner).quoted
  }

  // MARK: - Reach

  /// Without coverage: which functions a test can reach by the names in it, through the functions they name in turn.
  private func scoreByReach(_ scores: inout [[Double]]) {
    let blocks = TestBlocks(project: project, brief: brief)
    let callees = calledFunctions()
    var failed: [Double] = []
    var passed: [Double] = []
    var ids: [[Int]] = []
    var total = 0
    for file in project.files {
      ids.append((0..<file.functions.count).map { total + $0 })
      total += file.functions.count
    }
    failed = [Double](repeating: 0, count: total)
    passed = failed
    var failures = 0.0
    for test in blocks.tests {
      let reach = self.reach(test.names, callees: callees, ids: ids, total: total)
      if test.isFailing { failures += 1 }
      for id in 0..<total where reach[id] > 0 {
        if test.isFailing { failed[id] += reach[id] } else { passed[id] += reach[id] * 0.8 }
      }
    }
    guard failures > 0 else { return }
    for (fileIndex, file) in project.files.enumerated() {
      for (statementIndex, statement) in file.statements.enumerated() {
        let function = file.functionOf[statement.first]
        guard function >= 0 else { continue }
        let id = ids[fileIndex][function]
        guard failed[id] > 0 else { continue }
        let score = failed[id] / (failures * (failed[id] + passed[id])).squareRoot()
        scores[fileIndex][statementIndex] = max(scores[fileIndex][statementIndex], min(score, 1))
      }
      if file.functions.indices.contains(where: { failed[ids[fileIndex][$0]] > 0 }) {
        for (statementIndex, statement) in file.statements.enumerated() where file.functionOf[statement.first] < 0 {
          scores[fileIndex][statementIndex] = max(scores[fileIndex][statementIndex], topLevel(file, statement))
        }
      }
    }
  }

  /// For each function of each file the functions that it names.
  private func calledFunctions() -> [[[(file: Int, function: Int)]]] {
    project.files.map { file in
      file.functions.map { function in
        var seen: Set<String> = []
        var result: [(file: Int, function: Int)] = []
        for token in function.first...function.last where file.isName(token) && token != function.nameToken {
          guard seen.insert(file.texts[token]).inserted else { continue }
          if let targets = project.functionsByName[file.texts[token]], targets.count <= 6 { result += targets }
          result += constructors(of: file.texts[token])
        }
        return result
      }
    }
  }

  private func reach(_ names: [String: Double], callees: [[[(file: Int, function: Int)]]], ids: [[Int]], total: Int)
    -> [Double]
  {
    var reach = [Double](repeating: 0, count: total)
    var frontier: [(file: Int, function: Int, weight: Double)] = []
    for name in names.keys.sorted() {
      guard let weight = names[name] else { continue }
      // A class stands for what makes its objects.
      for target in (project.functionsByName[name] ?? []) + constructors(of: name) {
        frontier.append((target.file, target.function, weight))
      }
    }
    var rounds = 0
    while !frontier.isEmpty, rounds < 6 {
      var next: [(file: Int, function: Int, weight: Double)] = []
      for entry in frontier {
        let id = ids[entry.file][entry.function]
        guard reach[id] < entry.weight else { continue }
        reach[id] = entry.weight
        for target in callees[entry.file][entry.function] {
          next.append((target.file, target.function, entry.weight * 0.85))
        }
      }
      frontier = next
      rounds += 1
    }
    return reach
  }

  private func constructors(of name: String) -> [(file: Int, function: Int)] {
    guard name.first?.isUppercase == true else { return [] }
    var result: [(file: Int, function: Int)] = []
    for constructor in ["__init__", "constructor", "init", "initialize", "new"] {
      for target in project.functionsByName[constructor] ?? [] {
        let file = project.files[target.file]
        let parent = file.statements[file.functions[target.function].header].parent
        guard parent >= 0 else { continue }
        let header = file.statements[parent]
        if (header.first...header.last).contains(where: { file.texts[$0] == name }) { result.append(target) }
      }
    }
    return result
  }
}
