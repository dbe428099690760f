public import Paths

/// What one run of a project's tests said, test by test.
public struct TestReport: Sendable, Hashable {
  /// Every test that the run named, in the order reported.
  public var tests: [TestOutcome]
  /// The exit status of the test command; nil when a signal or a limit ended it.
  public var exitStatus: Int32?
  /// True when the tests could not be run or not all of them: a build, import or collection error, a crash, a time-out,
  /// or a reporter that did not finish.
  public var isIncomplete: Bool
  /// Why nothing could start, when that is so: no failing test, but a missing tool or dependency.
  public var startFailure: StartFailure?
  /// Errors outside any test: a module that does not compile or import, with where it was seen.
  public var buildErrors: [BuildError]
  /// True when outcomes come from named tests; false when only the exit status counts.
  public var isNamed: Bool
  /// Names of tests that were set apart because they pass and fail without any change; they are not among ``tests``.
  public var unsteady: [String] = []
  /// Why ``isIncomplete`` is true, in a clause for people: `the run ended before its reporter did`.
  public var incompleteReason: String?

  /// A report.
  public init(
    tests: [TestOutcome] = [], exitStatus: Int32?, isIncomplete: Bool = false, startFailure: StartFailure? = nil,
    buildErrors: [BuildError] = [], isNamed: Bool = true, incompleteReason: String? = nil
  ) {
    self.tests = tests
    self.exitStatus = exitStatus
    self.isIncomplete = isIncomplete
    self.startFailure = startFailure
    self.buildErrors = buildErrors
    self.isNamed = isNamed
    self.incompleteReason = incompleteReason
  }

  /// Names of the tests that failed or errored.
  public var failing: [String] { tests.filter { $0.result == .failed || $0.result == .errored }.map(\.name) }

  /// Names of failing tests that an adaptor ended because they took too much processor time.
  public var endless: [String] {
    tests.filter { $0.result != .passed && $0.message?.hasPrefix("TestStopped") == true }.map(\.name)
  }

  /// Names of the tests that passed.
  public var passing: [String] { tests.filter { $0.result == .passed }.map(\.name) }
}

/// One test and how it ended.
public struct TestOutcome: Sendable, Hashable {
  /// The framework's own full name of the test, such as `tests/test_a.py::test_b[1]`: unique in its report.
  public var name: String
  /// How it ended.
  public var result: Result
  /// Seconds, when reported.
  public var duration: Double?
  /// The failure's text: assertion message or exception, with its diff when there is one.
  public var message: String?
  /// The failing line in the test or the code.
  public var location: SourceLocation?
  /// The stack at the failure, outermost first; only frames of files inside the project.
  public var trace: [SourceLocation]

  /// How a test ended.
  public enum Result: String, Sendable, Hashable, CaseIterable {
    /// It passed.
    case passed
    /// An assertion failed.
    case failed
    /// It broke before or outside its assertions.
    case errored
    /// It did not run, by its own or the framework's decision.
    case skipped
  }

  /// One test.
  public init(
    name: String, result: Result, duration: Double? = nil, message: String? = nil, location: SourceLocation? = nil,
    trace: [SourceLocation] = []
  ) {
    self.name = name
    self.result = result
    self.duration = duration
    self.message = message
    self.location = location
    self.trace = trace
  }
}

/// A line of a file of the project.
public struct SourceLocation: Sendable, Hashable {
  /// The file, relative to the directory that the tests ran in.
  public var path: RepoPath
  /// The line, from 1.
  public var line: Int

  /// A line of a file.
  public init(path: RepoPath, line: Int) {
    self.path = path
    self.line = line
  }
}

/// Why tests could not start at all.
public struct StartFailure: Sendable, Hashable {
  /// What is missing: a program, module or package, as its tool names it.
  public var missing: String
  /// A sentence for people.
  public var message: String
  /// A command that usually provides it, for `--setup`; nil when none is known.
  public var suggestedSetup: String?

  /// Describes what is missing.
  public init(missing: String, message: String, suggestedSetup: String? = nil) {
    self.missing = missing
    self.message = message
    self.suggestedSetup = suggestedSetup
  }
}

/// An error of a compiler, import or test collection.
public struct BuildError: Sendable, Hashable {
  /// What the tool said, in one line.
  public var message: String
  /// Where, when it said so.
  public var location: SourceLocation?

  /// Describes one error.
  public init(message: String, location: SourceLocation? = nil) {
    self.message = message
    self.location = location
  }
}
