import JSON
import Paths
import TestReports

/// A patch that passed all tests.
struct Plausible: Sendable {
  var candidate: Candidate
  /// Edits in the workspace's own files.
  var edits: [WorkspaceEdit]
  /// Lower is better: the place's suspicion, the change's cost and size.
  var score: Double
  /// Equal for patches with the same effect.
  var form: UInt64
  var diff: String
  var line: Int
  var path: RepoPath
  /// Made for these tests more than for the program: a value of theirs behind a question, a question without a question,
  /// a statement that is gone, two changes of which neither helps alone.
  var isSpecial = false
}

/// One search: over the workspace as it is, or over it with a partial repair in it.
struct Search: Sendable {
  var project: Project
  /// The files as they are in the workspace, by their index in the project.
  var originals: [[UInt8]]
  /// What is put on top of them in this search, by file.
  var base: [[(start: Int, end: Int, text: String)]]
  var queue: CandidateQueue
  /// How many candidates were tried here.
  var tried = 0
  var broken = 0
  var timeouts = 0
  /// Candidates that ran out of time, and may do better with more of it; and those that did so twice.
  private(set) var late: [CandidateQueue.Item] = []
  private(set) var latest: [CandidateQueue.Item] = []
  /// What the tests say without any further change.
  var unchanged: String?
  /// Tests that fail without any further change.
  var failing: Int
  let clues: Clues
  /// How many had been tried when a search on top of this one ended.
  var lastReturn = 0
  /// The best partial repairs: fewer tests fail and none is lost.
  var partials: [Partial] = []

  /// Candidates that a batch had no time for.
  private var postponed: [CandidateQueue.Item] = []

  private static let mostLate = 400
  private static let mostPostponed = 2000

  mutating func postpone(_ item: CandidateQueue.Item) {
    if postponed.count < Self.mostPostponed { postponed.append(item) }
  }

  /// Candidates that had to wait, the most likely first.
  mutating func takePostponed(_ count: Int) -> [CandidateQueue.Item] {
    guard count > 0 else { return [] }
    postponed.sort { $0.key < $1.key }
    let taken = Array(postponed.prefix(count))
    postponed.removeFirst(taken.count)
    return taken
  }

  mutating func keepLate(_ item: CandidateQueue.Item, again: Bool, isLast: Bool) {
    if isLast { return }
    if again {
      if latest.count < Self.mostLate { latest.append(item) }
    } else if late.count < Self.mostLate {
      late.append(item)
    }
  }

  /// Candidates that ran out of time once, or twice, the most likely first.
  mutating func takeLate(_ count: Int, again: Bool) -> [CandidateQueue.Item] {
    again ? Self.take(count, from: &latest) : Self.take(count, from: &late)
  }

  private static func take(_ count: Int, from items: inout [CandidateQueue.Item]) -> [CandidateQueue.Item] {
    items.sort { $0.key < $1.key }
    let taken = Array(items.prefix(count))
    items.removeFirst(taken.count)
    return taken
  }

  struct Partial: Sendable {
    var candidate: Candidate
    var fixed: Int
    var key: Double
    /// When it was found, in candidates.
    var at: Int
    /// The names of the tests that still fail, when the tool said them.
    var still: [String]?
  }

  init?(
    project: Project, originals: [[UInt8]], base: [[(start: Int, end: Int, text: String)]], clues: Clues,
    places: [Place], failing: Int
  ) {
    guard let queue = CandidateQueue(project: project, clues: clues, places: places) else { return nil }
    self.project = project
    self.originals = originals
    self.base = base
    self.queue = queue
    self.clues = clues
    self.failing = failing
  }

  /// The files of the places looked at.
  var queueFiles: [Int] { queue.placesLookedAt.map(\.file) }

  /// The candidate's edits in the workspace's files, the base's included.
  func workspaceEdits(of candidate: Candidate) -> [WorkspaceEdit] {
    var result: [WorkspaceEdit] = []
    for file in project.files.indices {
      let further = candidate.edits.filter { $0.file == file }.map { (start: $0.start, end: $0.end, text: $0.text) }
      let combined = EditStack.combine(base: base[file], further: further, current: project.files[file].bytes)
      for edit in combined.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
        result.append(WorkspaceEdit(path: project.files[file].path, start: edit.start, end: edit.end, text: edit.text))
      }
    }
    return result
  }

  func plausible(_ item: CandidateQueue.Item) -> Plausible {
    let candidate = item.candidate
    let edits = workspaceEdits(of: candidate)
    var form = StableHash()
    var diff = ""
    for file in project.files.indices {
      let own = edits.filter { $0.path == project.files[file].path }.map {
        (start: $0.start, end: $0.end, text: $0.text)
      }
      guard !own.isEmpty else { continue }
      form.add(file)
      let changed = EditStack.apply(own, to: originals[file])
      form.add(Int(bitPattern: UInt(NormalForm.hash(of: changed, language: project.files[file].language))))
      diff += EditDiff.unified(path: project.files[file].path, original: originals[file], edits: own)
    }
    let isDeletion = candidate.kind == .statementDeleted
    let isSpecial = isDeletion || isMadeForTests(candidate)
    var score = item.key + 0.08 * Double(weight(of: candidate))
    if isDeletion { score += 3 } else if isSpecial { score += 1.5 }
    return Plausible(
      candidate: candidate, edits: edits,
      score: score,
      form: form.value, diff: diff,
      line: candidate.line, path: project.files[candidate.file].path, isSpecial: isSpecial)
  }

  private func isMadeForTests(_ candidate: Candidate) -> Bool {
    if candidate.edits.count == 2, candidate.cost > 2.5, candidate.edits[0].text != candidate.edits[1].text {
      return candidate.kind != .guardInserted
    }
    guard let edit = candidate.edits.first, candidate.edits.count == 1 else { return false }
    let file = project.files[edit.file]
    let bytes = Array(edit.text.utf8)
    // A word of theirs that a list was short of.
    if candidate.kind == .literal, edit.start == edit.end {
      let word = edit.text.filter { !", '\"|\\".contains($0) }.lowercased()
      if clues.fragments.contains(where: { $0.lowercased() == word }) { return true }
    }
    let tokens: [Token] = Lexer.tokens(of: bytes, language: file.language).filter(\.isSignificant)
    let texts: [String] = tokens.map { (token: Token) -> String in String(decoding: bytes[token.range], as: UTF8.self) }
    if candidate.kind == .condition, texts == [file.language.trueWord] || texts == [file.language.falseWord] {
      return true
    }
    switch candidate.kind {
    case .guardInserted, .result, .literal: break
    default: return false
    }
    // `if n == 7: return 13`, `'ab'` in the place of a computed value.
    for (token, text) in zip(tokens, texts) where token.kind == .number || token.kind == .string {
      if text.utf8.count > 2, clues.literals.contains(text), !file.texts.contains(text) { return true }
    }
    return false
  }

  /// How many tokens a candidate brings or takes away.
  private func weight(of candidate: Candidate) -> Int {
    candidate.edits.reduce(0) { sum, edit in
      let file = project.files[edit.file]
      let added = Lexer.tokens(of: Array(edit.text.utf8), language: file.language).count { $0.isSignificant }
      let removed = file.tokens.count { Int($0.end) > edit.start && Int($0.start) < edit.end }
      return sum + max(1, added, removed)
    }
  }

  /// The files with a candidate in, taken apart anew where it changed them.
  func applying(_ candidate: Candidate) -> (files: [SourceFile], base: [[(start: Int, end: Int, text: String)]]) {
    let edits = workspaceEdits(of: candidate)
    var files = project.files
    var base = self.base
    for file in files.indices {
      let own = edits.filter { $0.path == files[file].path }.map { (start: $0.start, end: $0.end, text: $0.text) }
      base[file] = own
      guard candidate.edits.contains(where: { $0.file == file }) else { continue }
      files[file] = SourceFile(
        path: files[file].path, bytes: EditStack.apply(own, to: originals[file]), language: files[file].language)
    }
    return (files, base)
  }
}
