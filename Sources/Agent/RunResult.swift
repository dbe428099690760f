public import Workspace

/// How a run ended, with everything that its summary shows.
public struct RunResult: Sendable {
  /// The run's id.
  public var run: String
  /// How it ended.
  public var outcome: RunOutcome
  /// A sentence that says why.
  public var reason: String
  /// The change.
  public var diff: [FileDiff] = []
  /// Tests that failed before.
  public var failedBefore: [String] = []
  /// Of those, the ones that pass now.
  public var passesNow: [String] = []
  /// How the change was proven, in sentences.
  public var proof: [String] = []
  /// What the second look flagged.
  public var flags: [String] = []
  /// The model's last words.
  public var summary = ""
  /// What was spent.
  public var spending = Spending()
  /// Seconds.
  public var seconds: Double = 0
  /// What was delivered, in a sentence; nil when nothing was.
  public var delivered: String?
  /// Whether `runs resume` can go on from here.
  public var isResumable = false
}

/// How a run can end; each has an exit code of its own.
public enum RunOutcome: String, Sendable, Hashable, CaseIterable {
  /// The target checks failed before and pass now, in a clean workspace, and nothing was lost.
  case fixed
  /// There was nothing to fix: all tests pass.
  case nothingToFix = "nothing_to_fix"
  /// There is no change, or tests still fail with it.
  case notFixed = "not_fixed"
  /// Policy refused what the run needed.
  case refused
  /// A budget was used up before the change was proven.
  case budgetSpent = "budget_spent"
  /// The model's provider failed.
  case modelFailed = "model_failed"
  /// The change could not be delivered.
  case conflict
  /// The record could not be written.
  case recordUnavailable = "record_unavailable"
  /// The tests pass, but nothing confirms that this is the repair.
  case unconfirmed
  /// The user stopped it.
  case interrupted

  /// The process's exit code.
  public var exitCode: Int32 {
    switch self {
    case .fixed, .nothingToFix: 0
    case .notFixed: 1
    case .refused: 3
    case .budgetSpent: 4
    case .modelFailed: 5
    case .conflict: 7
    case .recordUnavailable: 8
    case .unconfirmed: 9
    case .interrupted: 130
    }
  }
}

/// Why a run could not begin or go on.
public struct RunFailure: Error, Sendable, CustomStringConvertible {
  /// What kind of failure; decides the exit code.
  public enum Kind: Sendable, Hashable {
    /// The command line or its inputs are wrong.
    case usage
    /// Policy does not permit the run.
    case policy
    /// No sandbox can be had.
    case sandbox
    /// The repository or the delivery.
    case repository
    /// The record cannot be written.
    case record
    /// The project cannot be tested.
    case project

    /// The process's exit code.
    public var exitCode: Int32 {
      switch self {
      case .project: 1
      case .usage: 2
      case .policy: 3
      case .sandbox: 6
      case .repository: 7
      case .record: 8
      }
    }
  }

  /// What kind of failure.
  public var kind: Kind
  /// What happened, in a sentence.
  public var message: String
  /// What to do about it; nil when there is nothing to suggest.
  public var hint: String?

  /// Describes a failure.
  public init(_ kind: Kind, _ message: String, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.hint = hint
  }

  /// The sentence.
  public var description: String { message }
}
