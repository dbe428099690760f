public import Conversation
public import Paths
public import TestReports
public import Workspace

/// What a person may want to see while a run works. Notices are not the record: losing one loses nothing.
public enum RunNotice: Sendable {
  /// The run has begun, or goes on.
  case started(RunHeader)
  /// What the run is doing now.
  case phase(Phase)
  /// What tests said.
  case tests(TestSummary)
  /// A command began.
  case commandStarted(id: Int, shell: String, purpose: Effect.Execution.Purpose)
  /// A command wrote.
  case commandOutput(id: Int, bytes: [UInt8])
  /// A command ended.
  case commandEnded(id: Int, status: String, succeeded: Bool, seconds: Double)
  /// A tool that is no command was used: its name and what for.
  case tool(name: String, detail: String)
  /// A tool could not do what was asked, or policy refused it.
  case toolFailed(name: String, reason: String)
  /// Files changed by the last effect.
  case changed([FileDiff])
  /// The model's plan.
  case plan([PlanStep])
  /// What happens inside the model's answer.
  case model(ModelProgress)
  /// An answer is complete: what has been spent so far.
  case answered(Spending)
  /// The judge's findings.
  case judged(accepted: Bool, findings: String)
  /// Something a person should know.
  case notice(String)
  /// The run ended.
  case ended(RunResult)

  /// What a run is doing.
  public enum Phase: String, Sendable, Hashable {
    /// Preparing the project.
    case setup
    /// Running the tests before any change.
    case baseline
    /// Finding the code that the task is about.
    case locating
    /// Working with the model.
    case working
    /// Judging the change in a clean workspace.
    case verifying
    /// Looking at the change once more.
    case reviewing
    /// Delivering.
    case delivering
  }
}

/// What is known of a run at its start.
public struct RunHeader: Sendable {
  /// The run's id.
  public var run: String
  /// The checkout, absolute.
  public var root: [UInt8]
  /// The project directory inside it.
  public var project: RepoPath
  /// The model.
  public var model: ModelIdentity
  /// The test command, when one is known.
  public var testCommand: TestCommand?
  /// How the workspace is made, with the reason when it is a fallback.
  public var workspaceMode: String
  /// True when an interrupted run goes on.
  public var isResumed: Bool
}

/// One run of tests, counted.
public struct TestSummary: Sendable {
  /// Why they ran.
  public var purpose: Effect.Execution.Purpose
  /// What they said.
  public var report: TestReport
  /// Seconds.
  public var seconds: Double
}

/// A step of the model's plan.
public struct PlanStep: Sendable, Hashable {
  /// What is to be done.
  public var text: String
  /// `pending`, `in_progress` or `completed`.
  public var status: String

  /// A step.
  public init(text: String, status: String) {
    self.text = text
    self.status = status
  }
}
