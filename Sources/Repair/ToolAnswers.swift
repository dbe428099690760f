import Conversation
import JSON

/// What one tried patch came to.
struct TrialResult: Sendable {
  enum Outcome: String, Sendable { case passed, failed, broken, timeout, notRun }

  var outcome: Outcome
  /// Tests that fail with the patch, of those that failed before.
  var failing: Int?
  /// Tests that failed before and pass now.
  var fixed: Int
  /// Tests that passed before and do not now.
  var lost: Int
  var firstFailure: String?
  /// Names of the tests that still fail; optional in the tool's answer.
  var still: [String]?

  init?(json: JSONValue) {
    guard let outcome = json["outcome"]?.string.flatMap(Outcome.init) else { return nil }
    self.outcome = outcome
    failing = json["failing"]?.int
    fixed = json["fixed"]?.int ?? 0
    lost = json["lost"]?.int ?? 0
    firstFailure = json["firstFailure"]?.string
    still = json["still"]?.array.map { $0.compactMap(\.string) }
  }
}

extension ToolResult {
  /// The answer as data: the structured part, else the output when that is JSON; nil for an error.
  var answer: JSONValue? {
    if isError { return nil }
    if let structured { return structured }
    return try? JSONValue(parsing: output)
  }
}
