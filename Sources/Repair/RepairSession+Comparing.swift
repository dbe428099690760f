import Conversation
import JSON

/// Patches that all tests accept are tried with inputs that no test has. Where they differ the tests do not decide; which
/// one is likelier is judged by what most of them give, and by how little they change what was right before.
extension RepairSession {
  /// What the patches gave for inputs made from the tests' own.
  struct Comparison: Sendable {
    var probes: Probes
    /// The forms of the patches asked, the best first.
    var forms: [UInt64]
    /// By form what each call gave.
    var answers: [UInt64: [String]] = [:]
    var original: [String]?

    /// Answers that say something: not stopped, and not an error alone.
    func isTelling(_ call: Int) -> Bool {
      answers.values.allSatisfy { $0[call] != "?" } && answers.values.contains { !$0[call].hasPrefix("!") }
    }

    var telling: [Int] { probes.calls.indices.filter(isTelling) }

    /// Whether all patches asked gave the same for everything, and that was enough to mean something.
    var isUnanimous: Bool {
      guard answers.count == forms.count, let first = answers.first?.value, telling.count >= Self.enough else {
        return false
      }
      return answers.values.allSatisfy { $0 == first }
    }

    private static let enough = 10
  }

  private static let mostCompared = 8
  /// Beyond the search's time, for the comparison alone.
  private static let secondsToCompare = 10.0

  /// Begins a comparison; false when there is nothing to compare or no way to.
  mutating func compare(_ patches: [Plausible]) -> Bool {
    guard comparison == nil, patches.count > 1, let search = searches.first, let best = patches.first,
      // On top of a partial repair offsets count from another text.
      searches.count == 1, seconds < brief.budgetSeconds
    else { return false }
    let file = best.candidate.file
    let source = search.project.files[file]
    let asked = patches.prefix(Self.mostCompared).filter { patch in
      patch.candidate.edits.allSatisfy { $0.file == file && $0.end < source.bytes.count }
    }
    let probes = Probes(file: source, tests: search.project.tests, report: brief.report)
    guard asked.count > 1, !probes.calls.isEmpty else { return false }
    let end = source.bytes.count
    let behind = SourceEdit(file: file, start: end, end: end, text: probes.code)
    func patch(_ id: String, _ edits: [SourceEdit]) -> JSONValue {
      let edits = search.workspaceEdits(of: Candidate(edits: edits + [behind], cost: 0, kind: .name, line: 0))
      return ["id": .string(id), "edits": .array(edits.map(Self.json))]
    }
    var list = [patch("original", [])]
    for (index, plausible) in asked.enumerated() { list.append(patch("r\(index + 1)", plausible.candidate.edits)) }
    comparison = Comparison(probes: probes, forms: asked.map(\.form))
    pending = [
      plan(
        "try_patches",
        [
          "patches": .array(list), "stop_at_first": false, "patience": 4,
          "seconds": JSONValue(Int(Self.secondsToCompare)),
        ])
    ]
    phase = .comparing
    return true
  }

  /// Takes what the patches gave, and chooses.
  mutating func compared(_ answers: [String: ToolResult]) {
    if let call = pending.first, let results = answers[call.id]?.answer?["results"]?.array, var found = comparison {
      for result in results {
        guard let id = result["id"]?.string, let given = found.probes.answers(in: result["firstFailure"]?.string) else {
          continue
        }
        if id == "original" {
          found.original = given
        } else if let number = Int(id.dropFirst()), found.forms.indices.contains(number - 1) {
          found.answers[found.forms[number - 1]] = given
        }
      }
      comparison = found
      weigh(found)
    }
    phase = .searching
    choose()
  }

  /// What most give counts for a patch; errors, and other answers where all was right, against it.
  private mutating func weigh(_ found: Comparison) {
    let telling = found.telling
    guard !telling.isEmpty, found.answers.count > 1 else { return }
    let scores = Dictionary(plausible.map { ($0.form, $0.score) }, uniquingKeysWith: min)
    let least = scores.values.min() ?? 0
    func weight(_ form: UInt64) -> Double { 1 / (1 + max(0, (scores[form] ?? least) - least)) }
    for (form, own) in found.answers {
      var apart = 0.0
      var errors = 0.0
      var changed = 0.0
      var unchanged = 0
      for call in telling {
        var same = 0.0
        var all = 0.0
        for (other, theirs) in found.answers where other != form {
          all += weight(other)
          if theirs[call] == own[call] { same += weight(other) }
        }
        apart += 1 - same / max(all, 0.001)
        if own[call].hasPrefix("!") { errors += 1 }
        if found.probes.calls[call].isFromPassing, let before = found.original?[call], !before.hasPrefix("!"),
          before != "?"
        {
          unchanged += 1
          if own[call] != before { changed += 1 }
        }
      }
      let penalty =
        0.8 * apart / Double(telling.count) + 1.2 * errors / Double(telling.count)
        + 0.8 * changed / Double(max(1, unchanged))
      for index in plausible.indices where plausible[index].form == form { plausible[index].score += penalty }
    }
  }

  /// An input for which the best patch and a rival give different answers, as a sentence.
  func difference(between best: Plausible, and rivals: [Plausible]) -> String? {
    guard let comparison, let own = comparison.answers[best.form] else { return nil }
    for (number, rival) in rivals.prefix(3).enumerated() {
      guard let theirs = comparison.answers[rival.form] else { continue }
      guard let call = comparison.telling.first(where: { own[$0] != theirs[$0] }) else { continue }
      return
        "\(comparison.probes.calls[call].text) tells them apart: \(Self.answer(own[call])) with this one, \(Self.answer(theirs[call])) with rival \(number + 1). A test of it would decide."
    }
    return nil
  }

  private static func answer(_ text: String) -> String { text.hasPrefix("!") ? "raises \(text.dropFirst())" : text }
}
