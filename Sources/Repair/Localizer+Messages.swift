import Paths
import TestReports

/// What messages point at, and what names say.
extension Localizer {
  func addTraces(_ scores: inout [[Double]]) {
    for test in brief.report.tests where test.result == .failed || test.result == .errored {
      var frames = test.trace
      if let location = test.location { frames.append(location) }
      let inSources = frames.compactMap(statement(at:))
      if Self.isEndless(test), let last = inSources.last {
        addLoops(around: last, &scores)
        continue
      }
      for (position, frame) in inSources.reversed().enumerated() {
        let boost = position == 0 ? 1.25 : 1.05
        let floor = position == 0 ? 1.0 : 0.6
        scores[frame.file][frame.statement] = min(1.5, max(floor, scores[frame.file][frame.statement] * boost))
      }
    }
    for error in brief.report.buildErrors {
      guard let location = error.location, let found = statement(at: location) else { continue }
      scores[found.file][found.statement] = 1.5
      for near in [found.statement - 1, found.statement + 1] where scores[found.file].indices.contains(near) {
        scores[found.file][near] = max(scores[found.file][near], 0.7)
      }
    }
  }

  /// Whether a test was ended because it ran for too long.
  private static func isEndless(_ test: TestOutcome) -> Bool { test.message?.hasPrefix("TestStopped") == true }

  /// Where a test was when it was ended says which loops it was in; each statement of theirs may be why they do not end.
  private func addLoops(around place: (file: Int, statement: Int), _ scores: inout [[Double]]) {
    let file = project.files[place.file]
    var loop = place.statement
    while loop >= 0,
      !(file.statements[loop].isHeader && ["while", "for", "loop"].contains(file.texts[file.statements[loop].first]))
    {
      loop = file.statements[loop].parent
    }
    guard loop >= 0 else { return }
    for index in file.statements.indices {
      var parent = index
      while parent > loop { parent = file.statements[parent].parent }
      if parent == loop { scores[place.file][index] = min(1.5, max(0.7, scores[place.file][index] * 1.1)) }
    }
  }

  private func statement(at location: SourceLocation) -> (file: Int, statement: Int)? {
    guard let file = fileIndex(of: location.path) else { return nil }
    let source = project.files[file]
    var best: Int?
    for (index, statement) in source.statements.enumerated() {
      if source.lines[statement.first] <= location.line,
        location.line <= source.line(ofByte: Int(source.tokens[statement.last].end) - 1)
      {
        best = index
      }
    }
    return best.map { (file, $0) }
  }

  private func fileIndex(of path: RepoPath) -> Int? {
    let joined = brief.directory.joining(path)
    if let exact = project.files.firstIndex(where: { $0.path == joined || $0.path == path }) { return exact }
    let suffix = [UInt8(ascii: "/")] + path.bytes
    let matching = project.files.indices.filter {
      project.files[$0].path.bytes.suffix(suffix.count).elementsEqual(suffix)
    }
    return matching.count == 1 ? matching.first : nil
  }

  func addHints(_ scores: inout [[Double]]) {
    for hint in brief.hints.prefix(50) {
      var text = Substring(hint)
      var line: Int?
      if let colon = text.lastIndex(of: ":"), let number = Int(text[text.index(after: colon)...]) {
        line = number
        text = text[..<colon]
      }
      if let path = RepoPath(quoted: String(text)), let file = fileIndex(of: path) {
        if let line, let found = statement(at: SourceLocation(path: path, line: line)) {
          scores[found.file][found.statement] = max(1.2, scores[found.file][found.statement])
        } else {
          for index in scores[file].indices { scores[file][index] = max(scores[file][index], 0.3) * 1.1 }
        }
      } else {
        boost(functions: String(text), by: 1.2, floor: 0.4, &scores)
      }
    }
  }

  /// Functions that the task or a failing test is named after.
  func addNames(_ scores: inout [[Double]]) {
    var words: Set<String> = []
    if let task = brief.task { words.formUnion(Clues.words(of: task)) }
    for name in words.sorted() where name.utf8.count > 2 { boost(functions: name, by: 1.15, floor: 0.2, &scores) }
    var tested: Set<String> = []
    for test in brief.report.tests.lazy.filter({ $0.result == .failed || $0.result == .errored }).prefix(20) {
      let last = test.name.split(whereSeparator: { ".:/ ".contains($0) }).last.map(String.init) ?? test.name
      tested.insert(last.lowercased().filter { $0.isLetter || $0.isNumber })
    }
    for (fileIndex, file) in project.files.enumerated() {
      for function in file.functions where function.name.utf8.count > 2 {
        let plain = function.name.lowercased().filter { $0.isLetter || $0.isNumber }
        guard tested.contains(where: { $0.contains(plain) }) else { continue }
        for (index, statement) in file.statements.enumerated()
        where statement.first >= function.first && statement.last <= function.last {
          scores[fileIndex][index] = min(1.5, scores[fileIndex][index] * 1.1)
        }
      }
    }
  }

  /// What moves a loop on would, if it were wrong, most often never end: where tests end, it is less likely to be wrong,
  /// and every wrong guess there costs a time-out.
  func lowerLoopSteps(_ scores: inout [[Double]]) {
    guard brief.report.isNamed, !brief.report.failing.isEmpty, !brief.report.tests.contains(where: Self.isEndless)
    else { return }
    for (fileIndex, file) in project.files.enumerated() {
      for (index, statement) in file.statements.enumerated() where !statement.isHeader {
        guard let step = (statement.first...statement.last).first(where: { Self.steps.contains(file.texts[$0]) }) else {
          continue
        }
        let neighbours = [step - 1, step + 1].filter {
          $0 >= statement.first && $0 <= statement.last && file.isName($0)
        }
        let names = Set(neighbours.map { file.texts[$0] })
        var parent = statement.parent
        while parent >= 0 {
          let header = file.statements[parent]
          if file.texts[header.first] == "while",
            (header.first...header.last).contains(where: { names.contains(file.texts[$0]) })
          {
            scores[fileIndex][index] *= 0.5
            break
          }
          parent = header.parent
        }
      }
    }
  }

  private static let steps: Set<String> = ["+=", "-=", "++", "--"]

  private func boost(functions name: String, by factor: Double, floor: Double, _ scores: inout [[Double]]) {
    for target in project.functionsByName[name] ?? [] {
      let file = project.files[target.file]
      let function = file.functions[target.function]
      for (index, statement) in file.statements.enumerated()
      where statement.first >= function.first && statement.last <= function.last {
        scores[target.file][index] = min(1.5, max(floor, scores[target.file][index] * factor))
      }
    }
  }
}
