import JSON
import Paths
import TestReports

/// How a session ends: with the best patch, with several that the tests do not tell apart, or with none.
extension RepairSession {
  /// Patches with different effects, the best first. One that does what a smaller one does and more is no rival to it.
  var distinct: [Plausible] {
    var forms: Set<UInt64> = []
    var result: [Plausible] = []
    let ordered = plausible.enumerated().sorted { ($0.element.score, $0.offset) < ($1.element.score, $1.offset) }.map(
      \.element)
    for patch in ordered where !refused.contains(patch.form) && forms.insert(patch.form).inserted {
      if let best = result.first, best.edits.count < patch.edits.count, Set(best.edits).isSubset(of: Set(patch.edits)) {
        continue
      }
      result.append(patch)
    }
    return result
  }

  mutating func choose() {
    let patches = distinct
    guard let best = patches.first else {
      notFound()
      return
    }
    if compare(patches) { return }
    adopted = best
    let isAlone = patches.count == 1 || isAgreed(patches)
    let isConfirmed = isAlone && !isThin && !isLucky && !best.isSpecial && !isUnexplored && !isUnguarded(best)
    outcome = isConfirmed ? "fixed" : "unconfirmed"
    summary = describe(best, rivals: Array(patches.dropFirst()))
    pending = [
      plan(
        "adopt_patch",
        ["edits": .array(best.edits.map(Self.json)), "label": .string(isConfirmed ? "verified" : "unconfirmed")])
    ]
    phase = .adopting
  }

  /// Whether, in a project of some size, no test that passed before runs what the patch changes: nothing says what it breaks.
  private func isUnguarded(_ patch: Plausible) -> Bool {
    guard isLarge, let coverage, let file = searches.first?.project.files[patch.candidate.file] else { return false }
    let failing = Set(brief.report.failing)
    let lines = patch.candidate.edits.filter { $0.file == patch.candidate.file }.flatMap {
      [file.line(ofByte: $0.start), file.line(ofByte: $0.end)]
    }
    let changed = (lines.min() ?? patch.line)...(lines.max() ?? patch.line)
    return !coverage.tests.contains { test in
      !Localizer.isFailing(test.name, among: failing)
        && test.lines.contains { path, ranges in
          (path == file.path.quoted || file.path.quoted.hasSuffix("/" + path))
            && ranges.contains { $0.overlaps(changed) }
        }
    }
  }

  /// Whether all patches found give the same for inputs that no test has.
  private func isAgreed(_ patches: [Plausible]) -> Bool {
    guard let comparison, comparison.isUnanimous else { return false }
    return patches.allSatisfy { comparison.forms.contains($0.form) }
  }

  mutating func finish() {
    pending = [plan("finish", ["outcome": .string(outcome), "summary": .string(summary)])]
    phase = .finishing
  }

  mutating func notFound() {
    outcome = "not_fixed"
    summary = describeFailure()
    finish()
  }

  mutating func giveUp(_ reason: String) {
    outcome = "not_fixed"
    summary = reason
    adopted = nil
    finish()
  }

  /// The final check did not agree with the patch: it is taken back, and the search goes on.
  mutating func refuse() {
    guard let patch = adopted, let search = searches.first else { return }
    refused.insert(patch.form)
    plausible.removeAll { $0.form == patch.form }
    adopted = nil
    var edits: [WorkspaceEdit] = []
    for (file, source) in search.project.files.enumerated() {
      let own = patch.edits.filter { $0.path == source.path }.map { (start: $0.start, end: $0.end, text: $0.text) }
      for edit in EditStack.inverse(of: own, original: search.originals[file]) {
        edits.append(WorkspaceEdit(path: source.path, start: edit.start, end: edit.end, text: edit.text))
      }
    }
    pending = [plan("adopt_patch", ["edits": .array(edits.map(Self.json)), "label": "reverted"])]
    phase = .reverting
  }

  mutating func continueAfterRefusal() {
    phase = .searching
    comparison = nil
    if plausible.contains(where: { !refused.contains($0.form) }) {
      choose()
    } else {
      firstPassAt = nil
      plausible = []
      resume()
    }
  }

  // MARK: - Texts

  /// What is being done now, for people.
  var status: String {
    switch phase {
    case .start, .reading: return "reading \(pending.count { $0.name == "read_file" }) files"
    case .searching:
      var text = "\(tried) patches tried"
      if seconds > 0.5 { text += ", \(Int((Double(tried) / seconds).rounded())) a second" }
      if let item = current { text = "\(item), " + text }
      if !plausible.isEmpty { text += "; \(distinct.count) pass, looking for rivals" }
      return text
    case .comparing: return "comparing the patches by other inputs"
    case .adopting: return "keeping the patch at \(adopted.map { "\($0.path):\($0.line)" } ?? "")"
    case .reverting: return "taking the patch back"
    case .finishing, .finished:
      return outcome == "fixed"
        ? "a patch passes all tests" : outcome == "unconfirmed" ? "several patches pass all tests" : "no patch found"
    }
  }

  private func describe(_ best: Plausible, rivals: [Plausible]) -> String {
    var text = "\(best.path):\(best.line): \(Self.word(best.candidate.kind)). All tests pass with it. "
    text += "\(tried) patches were tried at \(placesLookedAt)\(Self.duration(seconds)). "
    if rivals.isEmpty {
      text += "No other patch passes of the \(max(0, tried - (firstPassAt ?? tried))) tried after it was found."
      if isThin {
        text +=
          " Only one test fails without it, and \(firstPassAt ?? 0) patches were tried before: it may pass by chance."
      }
      if isLucky, !isThin { text += " It was found late, or is made of two changes: it may pass by chance." }
      if best.isSpecial { text += " It fits these tests and may fit no other." }
      if isUnguarded(best) { text += " No test that passed before runs the lines it changes." }
      if isUnexplored { text += " The time ended before all likely changes of that statement were tried." }
    } else if let comparison, isAgreed([best] + rivals) {
      text +=
        "\(rivals.count) other\(rivals.count == 1 ? " passes" : "s pass"), too, and give\(rivals.count == 1 ? "s" : "") the same for \(comparison.telling.count) inputs made from the tests' own."
    } else {
      text +=
        rivals.count == 1
        ? "Another patch passes, too: the tests do not decide between them."
        : "\(rivals.count) other patches pass, too: the tests do not decide between them."
      if let difference = difference(between: best, and: rivals) { text += " " + difference }
    }
    // The change itself is shown with every result; beside others it is to be compared with them.
    if !rivals.isEmpty { text += "\n\n" + best.diff }
    for (index, rival) in rivals.prefix(3).enumerated() {
      text += "\nRival \(index + 1) of \(rivals.count), \(Self.word(rival.candidate.kind)):\n" + rival.diff
    }
    return text
  }

  private func describeFailure() -> String {
    guard let search = searches.first else { return "Nothing could be searched." }
    let files = Set(search.queueFiles).count
    var text =
      "No patch found: \(tried) candidates at \(placesLookedAt) of \(files) file\(files == 1 ? "" : "s")\(Self.duration(seconds))."
    if let place = search.queue.bestPlace {
      let file = search.project.files[place.file]
      text += " The best guess of the place is \(file.path):\(file.lines[file.statements[place.statement].first])."
    }
    if let partial = searches.first?.partials.first {
      text +=
        " A change at \(search.project.files[partial.candidate.file].path):\(partial.candidate.line) repairs \(partial.fixed) of \(search.failing) failing tests, but not all."
    }
    if !refused.isEmpty {
      text +=
        " \(refused.count) patch\(refused.count == 1 ? "" : "es") passed here and did not hold in the final check."
    }
    return text + unreadFiles
  }

  private var placesLookedAt: String {
    let count = searches.map(\.queue.placeCount).max() ?? 0
    return "\(count) statement\(count == 1 ? "" : "s")"
  }

  private static func duration(_ seconds: Double) -> String {
    guard seconds > 0 else { return "" }
    let tenths = Int((seconds * 10).rounded())
    return " in \(tenths / 10).\(tenths % 10) s"
  }

  static func word(_ kind: Candidate.Kind) -> String {
    switch kind {
    case .comparison: "another comparison"
    case .arithmetic: "another operator"
    case .logic: "another connective"
    case .assignment: "another assignment"
    case .constant: "another constant"
    case .offByOne: "off by one"
    case .dualName: "the counterpart of a name"
    case .name: "another name"
    case .member: "another member"
    case .call: "another call"
    case .argument: "arguments of a call"
    case .swap: "operands exchanged"
    case .condition: "another condition"
    case .negation: "a condition negated"
    case .bounds: "other bounds"
    case .wrap: "a value wrapped"
    case .unwrap: "a value unwrapped"
    case .guardInserted: "a guard inserted"
    case .result: "another result"
    case .expression: "another expression"
    case .statementMoved: "a statement moved"
    case .statementInserted: "a statement inserted"
    case .statementDeleted: "a statement deleted"
    case .misspelling: "a misspelt name"
    case .importAdded: "an import added"
    case .literal: "a value from the failure"
    case .punctuation: "punctuation"
    }
  }
}
