import Conversation
import JSON
import Paths
import TestReports

/// A tool call that the session wants made.
struct PlannedCall: Sendable, Hashable {
  var id: String
  var name: String
  var arguments: JSONValue
}

/// The whole course of a repair as a state machine: it says which tools to call, is given what they answered, and says
/// what next. Time is what the tools report; nothing here looks at a clock, so the same answers lead to the same calls.
struct RepairSession: Sendable {
  enum Phase: Sendable { case start, reading, searching, comparing, adopting, finishing, finished, reverting }

  var brief: RepairBrief
  /// Tells the calls of one session from those of another in the same conversation.
  let generation: Int
  var phase: Phase = .start
  private var callNumber = 0
  /// What is under way.
  var pending: [PlannedCall] = []
  var batch: [CandidateQueue.Item] = []

  var clues: Clues
  var contents: [(path: RepoPath, bytes: [UInt8])] = []
  /// Files that could not be read, and why.
  var unread: [(path: RepoPath, why: String)] = []
  var coverage: Coverage?
  var searches: [Search] = []
  var plausible: [Plausible] = []
  /// Refused after it was adopted: the final check did not agree.
  var refused: Set<UInt64> = []
  var adopted: Plausible?
  /// What the patches found give for inputs that no test has.
  var comparison: Comparison?
  var outcome = ""
  var summary = ""
  /// Counted over all searches.
  var tried = 0
  var seconds = 0.0
  var batches = 0
  /// Candidates tried when the first patch passed.
  var firstPassAt: Int?
  var passesUnchanged = false
  /// Candidates that a search gets before another on top of a partial repair is begun, and that this one then gets. Both
  /// grow: most partial repairs are none, and to believe the first one would keep the search from the right place.
  private var patience = 250
  /// What is spent on repairs of one place before two are put together: a share of the time, or candidates.
  private static let shareForOne = 0.4
  private static let triedForOne = 2000
  static let leastRivals = 200
  static let mostRivals = 1500

  init(brief: RepairBrief, generation: Int = 0) {
    self.brief = brief
    self.generation = generation
    clues = Clues(report: brief.report)
    batchSize = Self.firstBatch(for: brief)
  }

  /// One start of the tests serves many patches where they are quick; else each is a run of its own.
  private static func firstBatch(for brief: RepairBrief) -> Int {
    switch brief.framework {
    case .pytest, .unittest, .node: break
    // One build for all of them.
    case .cargo, .go, .swift, .junit, .ctest: return 64
    default:
      let compiled = brief.files.count { MutantSchemata.permits($0.path) }
      return 2 * compiled > brief.files.count { Language(path: $0.path) != nil } ? 64 : 12
    }
    let failing = Set(brief.report.failing).subtracting(brief.report.endless)
    let seconds = brief.report.tests.reduce(0) { $0 + (failing.contains($1.name) ? $1.duration ?? 0 : 0) }
    // Most of them are tried in a millisecond in one process, while a start of pytest takes hundreds.
    return seconds < 0.1 ? brief.framework == .node ? 48 : 320 : seconds < 1 ? 32 : 12
  }

  /// Continues with the answers to ``pending``, by call id. What is then in ``pending`` is to be called next; nothing is
  /// when the session is over.
  mutating func advance(with answers: [String: ToolResult]) {
    switch phase {
    case .start: begin()
    case .reading:
      read(answers)
      localise()
    case .searching: judge(answers)
    case .comparing: compared(answers)
    case .adopting:
      let isApplied = pending.first.flatMap { answers[$0.id] }?.answer?["applied"]?.bool ?? false
      if isApplied {
        finish()
      } else {
        giveUp(
          "The patch passed the tests and could not be written: \(pending.first.flatMap { answers[$0.id] }?.output.prefix(200) ?? "")"
        )
      }
    case .reverting: continueAfterRefusal()
    case .finishing:
      pending = []
      phase = .finished
    case .finished: pending = []
    }
  }

  mutating func plan(_ name: String, _ arguments: JSONValue) -> PlannedCall {
    callNumber += 1
    return PlannedCall(id: "repair-\(generation)-\(callNumber)", name: name, arguments: arguments)
  }

  // MARK: - Searching

  /// Goes on where the search was left.
  mutating func resume() { tryNext() }

  /// The place of the first patch under way, for people.
  var current: String? {
    guard let item = batch.first, let search = searches.last else { return nil }
    return "\(search.project.files[item.candidate.file].path):\(item.candidate.line)"
  }

  /// How many times the usual time the candidates of the batch under way get.
  var factor = 1
  /// The shares of the budget after which candidates that ran out of time are tried once more, and a third time, and how many.
  private static let lateShare = 0.3
  private static let latestShare = 0.8
  private static let lateAtOnce = 24
  /// What had to wait because it takes a build of its own gets a share of some batches.
  private static let postponedAtOnce = 16
  private static let lateFactor = 8
  static let latestFactor = 64

  /// Patches of the next batch: as many as take some seconds, so that progress is seen and starting costs little.
  private var batchSize: Int

  /// What a batch shows of its places counts for those after it.
  private static let mostAtOnce = 500
  private static let longBatch = 30.0
  /// Of fewer patches the start of the tests may take most of the time.
  private static let worthItsStart = 64

  mutating func adaptBatch(_ seconds: Double) {
    if seconds < 3 {
      batchSize = min(Self.mostAtOnce, batchSize * 4)
    } else if seconds < 6 || seconds < Self.longBatch / 2 && batchSize < Self.worthItsStart {
      batchSize = min(Self.mostAtOnce, batchSize * 2)
    } else if seconds > Self.longBatch {
      batchSize = max(8, batchSize / 2)
    }
  }

  mutating func tryNext() {
    guard let last = searches.indices.last else { return }
    if let end = endOfSearch(last) {
      end(&self)
      return
    }
    var size = batchSize
    if let firstPassAt {
      let wanted = firstPassAt + rivalsWanted - tried + unbuilt - unbuiltAtFirstPass
      size = max(1, min(size, searches[last].queue.isInsisting ? max(wanted, 48) : wanted))
    }
    factor = 1
    batch = firstPassAt == nil ? late(last) : []
    if batch.isEmpty {
      batch = searches[last].takePostponed(batches % 4 == 3 ? Self.postponedAtOnce : 0)
      batch += searches[last].queue.take(size - min(size, batch.count), flatEvery: firstPassAt == nil ? 4 : 2)
    }
    if batch.isEmpty { batch = searches[last].takePostponed(size) }
    if batch.isEmpty, firstPassAt == nil {
      factor = searches[last].late.isEmpty ? Self.latestFactor : Self.lateFactor
      batch = searches[last].takeLate(Self.lateAtOnce, again: factor == Self.latestFactor)
    }
    guard !batch.isEmpty else {
      exhausted(last)
      return
    }
    var patches: [JSONValue] = []
    // The workspace without any change tells what "no effect" looks like, and whether the failure is there at all.
    if searches[last].unchanged == nil {
      let base = searches[last].workspaceEdits(of: Candidate(edits: [], cost: 0, kind: .name, line: 0))
      patches.append(["id": "unchanged", "edits": .array(base.map(Self.json))])
    }
    for (index, item) in batch.enumerated() {
      let edits = searches[last].workspaceEdits(of: item.candidate)
      patches.append(["id": .string("p\(tried + index + 1)"), "edits": .array(edits.map(Self.json))])
    }
    pending = [
      plan(
        "try_patches",
        [
          "patches": .array(patches), "stop_at_first": false, "patience": JSONValue(factor),
          // What comes after the search needs the rest of the time.
          "seconds": JSONValue(Int(max(1, min(86_400, (brief.budgetSeconds - seconds).rounded(.up))))),
        ])
    ]
    batches += 1
  }

  /// What ran out of time, when it is time for it.
  private mutating func late(_ index: Int) -> [CandidateQueue.Item] {
    let spent = seconds / brief.budgetSeconds
    if spent >= Self.latestShare, !searches[index].latest.isEmpty {
      factor = Self.latestFactor
    } else if spent >= Self.lateShare, batches.isMultiple(of: 2), !searches[index].late.isEmpty {
      factor = Self.lateFactor
    } else {
      return []
    }
    return searches[index].takeLate(Self.lateAtOnce, again: factor == Self.latestFactor)
  }

  static func json(_ edit: WorkspaceEdit) -> JSONValue {
    [
      "path": .string(edit.path.quoted), "start": JSONValue(edit.start), "end": JSONValue(edit.end),
      "text": .string(edit.text),
    ]
  }

  /// As many again as were tried before; more where only one test tells a repair from what is none.
  var rivalsWanted: Int {
    let isQuick = seconds > 0 && Double(tried) / seconds >= Self.quickRate
    return min(
      Self.mostRivals, max((firstPassAt ?? 0) * (hasOneFailure ? 3 : 1), isQuick ? Self.quickRivals : Self.leastRivals))
  }

  /// Where so many are tried in a second, at least so many follow the first that passes.
  private static let quickRate = 120.0
  private static let quickRivals = 500

  var hasOneFailure: Bool { brief.report.isNamed && brief.report.failing.count == 1 }

  /// Of very many patches some pass a single test by chance.
  var isThin: Bool { hasOneFailure && (firstPassAt ?? 0) > Self.mostForOneFailure }
  private static let mostForOneFailure = 150

  /// Whether only the tests speak for the patch, and they may by chance: where rivals cannot be compared on inputs that no test
  /// has, it was found late, or is made of two.
  var isLucky: Bool {
    guard let search = searches.last, !search.project.files.contains(where: { $0.language == .python }) else {
      return false
    }
    return searches.count > 1 || (firstPassAt ?? 0) > Self.mostUncompared
  }
  private static let mostUncompared = 500
  /// Candidates that did not build, and how many of them when the first patch passed: they are no rivals.
  var unbuilt = 0
  var unbuiltAtFirstPass = 0

  /// Whether there is so much code that a test says little about one line of it.
  private static let statementsOfLarge = 300
  /// In such a project a patch's own statement is looked at closely: changes of up to that cost, and so many.
  static let costAtOwnStatement = 2.8
  static let mostAtOwnStatement = 400

  var isLarge: Bool {
    (searches.first?.project.files ?? []).reduce(0) { $0 + $1.statements.count } >= Self.statementsOfLarge
  }

  /// Whether the time ended before the other changes of the patch's statement were tried.
  var isUnexplored: Bool { searches.last?.queue.isInsisting ?? false }

  /// What to do instead of another batch; nil to go on.
  private func endOfSearch(_ index: Int) -> ((inout RepairSession) -> Void)? {
    if let firstPassAt {
      let isEnough =
        tried - unbuilt + unbuiltAtFirstPass >= firstPassAt + rivalsWanted && !searches[index].queue.isInsisting
      if isEnough || seconds >= brief.budgetSeconds { return { $0.choose() } }
    }
    if seconds >= brief.budgetSeconds { return { $0.notFound() } }
    let search = searches[index]
    if firstPassAt == nil, let best = search.partials.first, searches.count < 3 {
      // A repair of everything at once would be better, and one bug is what there mostly is.
      let isTime = seconds >= Self.shareForOne * brief.budgetSeconds || search.tried >= Self.triedForOne
      if isTime, search.tried >= max(best.at + 100, search.lastReturn + patience) { return { $0.searchOnTop() } }
    }
    if index > 0, firstPassAt == nil, search.tried >= patience + 50 { return { $0.leaveTop(index) } }
    return nil
  }

  private mutating func exhausted(_ index: Int) {
    if firstPassAt != nil {
      choose()
    } else if !searches[index].partials.isEmpty, searches.count < 3 {
      searchOnTop()
    } else if index > 0 {
      leaveTop(index)
    } else {
      notFound()
    }
  }

  /// The partial repair led nowhere: back to where it came from.
  private mutating func leaveTop(_ index: Int) {
    searches.removeLast()
    if !searches[index - 1].partials.isEmpty { searches[index - 1].partials.removeFirst() }
    searches[index - 1].lastReturn = searches[index - 1].tried
    patience *= 2
    tryNext()
  }

  private mutating func searchOnTop() {
    guard let index = searches.indices.last, let partial = searches[index].partials.first else { return }
    let (files, base) = searches[index].applying(partial.candidate)
    var brief = self.brief
    if let still = partial.still.map(Set.init) {
      for test in brief.report.tests.indices
      where brief.report.tests[test].result == .failed || brief.report.tests[test].result == .errored {
        if !still.contains(brief.report.tests[test].name) { brief.report.tests[test].result = .passed }
      }
    }
    let project = Project(files: files, tests: searches[index].project.tests)
    var clues = Clues(report: brief.report)
    clues.addLiterals(of: project.tests, brief: brief)
    clues.addFragments(of: project.tests, brief: brief)
    let places = Localizer(project: project, brief: brief, coverage: coverage).places()
    let failing = max(1, searches[index].failing - partial.fixed)
    guard
      let search = Search(
        project: project, originals: searches[index].originals, base: base, clues: clues, places: places,
        failing: failing)
    else {
      searches[index].partials = []
      tryNext()
      return
    }
    searches.append(search)
    tryNext()
  }
}
