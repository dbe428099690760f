import Access
import Agent
import AuditTrail
import Git
import Glibc
import Sandbox
import Workspace

/// Ends the process with this code; everything has been said.
struct ExitStatus: Error {
  var code: Int32
}

/// An error that people can read: one sentence, what to do, and the exit code that it means.
protocol ReportableFailure: Error {
  /// What happened.
  var sentence: String { get }
  /// What to do about it.
  var advice: String? { get }
  /// The process's exit code.
  var code: Int32 { get }
}

/// Wrong command lines and inputs.
struct UsageFailure: ReportableFailure {
  var sentence: String
  var advice: String?
  var code: Int32 { 2 }

  init(_ sentence: String, advice: String? = nil) {
    self.sentence = sentence
    self.advice = advice
  }
}

extension RunFailure: ReportableFailure {
  var sentence: String { message }
  var advice: String? { hint }
  var code: Int32 { kind.exitCode }
}

extension AuditError: ReportableFailure {
  var sentence: String { message }
  var advice: String? { hint }
  var code: Int32 {
    switch kind {
    case .unknown, .ambiguous: 2
    default: 8
    }
  }
}

extension SandboxError: ReportableFailure {
  var sentence: String { message }
  var advice: String? { hint }
  var code: Int32 { 6 }
}

extension WorkspaceError: ReportableFailure {
  var sentence: String { message }
  var advice: String? { hint }
  var code: Int32 {
    switch kind {
    case .notFound, .notADirectory: 2
    case .sandboxUnavailable: 6
    default: 7
    }
  }
}

extension GitError: ReportableFailure {
  var sentence: String { message }
  var advice: String? { hint }
  var code: Int32 { 7 }
}

/// The ends of the process.
enum Exit {
  /// Ends the process at once: what had to be kept is in the record.
  static func now(_ code: Int32) -> Never {
    fflush(nil)
    var code = code
    if code == 0, let problem = Output.problem {
      Output.error("codeagent: cannot write to standard output: \(problem)")
      code = 7
    }
    // Without exit handlers: they would take down libraries under threads that still work.
    _exit(code)
  }

  /// Says what happened and what to do, and ends with the failure's code.
  static func failing(_ failure: any ReportableFailure) -> Never {
    say(failure)
    now(failure.code)
  }

  /// Says what happened and what to do.
  static func say(_ failure: any ReportableFailure) {
    Output.error("codeagent: \(Display.safe(failure.sentence))")
    if let advice = failure.advice { Output.error("           \(Display.safe(advice))") }
  }
}
