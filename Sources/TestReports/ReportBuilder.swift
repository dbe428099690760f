internal import Paths

/// Gathers outcomes under names that are unique, and bounds what a hostile report can make of them.
struct ReportBuilder {
  /// Tests that one report holds at most.
  static let maximumTests = 200_000
  /// Bytes of one name, and of one message, at most.
  static let maximumName = 2048
  static let maximumMessage = 8192
  /// Frames of one trace, and build errors of one report, at most.
  static let maximumFrames = 64
  static let maximumErrors = 200

  private(set) var tests: [TestOutcome] = []
  private(set) var buildErrors: [BuildError] = []
  private var indexOfName: [String: Int] = [:]
  private var uses: [String: Int] = [:]
  /// Why the report is incomplete; the first reason given holds.
  private(set) var incompleteReason: String?

  var isEmpty: Bool { tests.isEmpty && buildErrors.isEmpty }
  var hasFailures: Bool { tests.contains { $0.result == .failed || $0.result == .errored } || !buildErrors.isEmpty }

  mutating func incomplete(_ reason: String) { incompleteReason = incompleteReason ?? reason }

  /// Adds an outcome; the second test of the same name is called `name#2`, the third `name#3`.
  @discardableResult
  mutating func add(_ outcome: TestOutcome) -> Int? {
    guard tests.count < Self.maximumTests else {
      incomplete("more than \(Self.maximumTests) tests were reported")
      return nil
    }
    var outcome = outcome
    let name = Self.cut(outcome.name, to: Self.maximumName)
    var unique = name
    var count = uses[name, default: 0]
    repeat {
      count += 1
      unique = count == 1 ? name : "\(name)#\(count)"
    } while indexOfName[unique] != nil
    uses[name] = count
    outcome.name = unique
    outcome.message = outcome.message.map { Self.cut($0, to: Self.maximumMessage) }
    if outcome.trace.count > Self.maximumFrames {
      outcome.trace = Array(outcome.trace.prefix(8) + outcome.trace.suffix(Self.maximumFrames - 8))
    }
    if let duration = outcome.duration, !(duration >= 0 && duration.isFinite) { outcome.duration = nil }
    indexOfName[unique] = tests.count
    tests.append(outcome)
    return tests.count - 1
  }

  /// Where a test of this very name is.
  func index(of name: String) -> Int? { indexOfName[name] }

  /// Changes an outcome already added; its name stays.
  mutating func update(_ index: Int, _ change: (inout TestOutcome) -> Void) {
    guard tests.indices.contains(index) else { return }
    let name = tests[index].name
    change(&tests[index])
    tests[index].name = name
    tests[index].message = tests[index].message.map { Self.cut($0, to: Self.maximumMessage) }
    if tests[index].trace.count > Self.maximumFrames {
      tests[index].trace = Array(tests[index].trace.suffix(Self.maximumFrames))
    }
  }

  mutating func add(_ error: BuildError) {
    guard buildErrors.count < Self.maximumErrors, !buildErrors.contains(error) else { return }
    buildErrors.append(BuildError(message: Self.cut(error.message, to: 600), location: error.location))
  }

  /// The first `limit` bytes or fewer, whole characters, marked when cut.
  static func cut(_ text: String, to limit: Int) -> String {
    guard text.utf8.count > limit else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: limit - 3)
    while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
    return text[..<end] + "…"
  }
}
