public import Paths

/// A project's test command and how its results are read.
public struct TestCommand: Sendable, Hashable {
  /// The shell command, run by `/bin/sh -c` in ``directory``; the user's own text when the user named it.
  public var shell: String
  /// Which tool it starts.
  public var framework: Framework
  /// Where it runs, relative to the project directory.
  public var directory: RepoPath
  /// Why this was chosen, for people: `pyproject.toml names pytest`.
  public var reason: String
  /// What usually installs the project's dependencies, seen in its files: `npm ci`, `pip install -r requirements.txt`.
  public var setup: String?

  /// A command.
  public init(
    shell: String, framework: Framework, directory: RepoPath = .root, reason: String, setup: String? = nil
  ) {
    self.shell = shell
    self.framework = framework
    self.directory = directory
    self.reason = reason
    self.setup = setup
  }
}

/// A test tool whose output is understood.
public enum Framework: String, Sendable, Hashable, CaseIterable {
  /// Python's pytest.
  case pytest
  /// Python's own unittest.
  case unittest
  /// `swift test`: XCTest and Swift Testing.
  case swift
  /// `go test`.
  case go
  /// `cargo test`.
  case cargo
  /// Node's test runner.
  case node
  /// Maven, Gradle and all else that leaves JUnit XML files.
  case junit
  /// CMake's ctest.
  case ctest
  /// Any program whose output is TAP, under make or alone.
  case tap
  /// Anything else: the exit status counts.
  case exitStatus
}

/// How one run is set up so that its results come back by a channel of their own, beside what it prints.
///
/// The user's command stays as it is; runners are told by environment variables to load a reporter that is bound
/// read-only into the view, and which writes to ``resultsDirectory``.
public struct RunPlan: Sendable, Hashable {
  /// The shell command to run.
  public var shell: String
  /// Variables to set in addition to the sandbox's own.
  public var environment: [String: String]
  /// Files to offer read-only in ``adaptorDirectory``, by name.
  public var adaptorFiles: [String: [UInt8]]

  /// Where adaptor files are seen inside the sandbox.
  public static let adaptorDirectory = "/run/codeagent/adaptor"
  /// Where adaptors write inside the sandbox.
  public static let resultsDirectory = "/run/codeagent/results"

  /// A plan.
  public init(shell: String, environment: [String: String] = [:], adaptorFiles: [String: [UInt8]] = [:]) {
    self.shell = shell
    self.environment = environment
    self.adaptorFiles = adaptorFiles
  }
}

/// What a run left behind for ``TestCommand/report(from:)``.
public struct RunEvidence: Sendable {
  /// Standard output and error.
  public var output: [UInt8]
  /// The exit status; nil when a signal or a limit ended the command.
  public var exitStatus: Int32?
  /// Files found in the results directory, by name.
  public var results: [String: [UInt8]]
  /// The absolute path, inside the sandbox, of the directory that the command ran in: places in the report are relative to
  /// it.
  public var projectRoot: [UInt8]
  /// Reads report files that the run wrote into the project (JUnit XML): path relative to the project to content.
  public var reportFiles: [RepoPath: [UInt8]]
  /// The nonce given to ``TestCommand/plan(nonce:)``: results that do not carry it are not believed.
  public var nonce: String?

  /// Evidence of one run.
  public init(
    output: [UInt8], exitStatus: Int32?, results: [String: [UInt8]] = [:], projectRoot: [UInt8],
    reportFiles: [RepoPath: [UInt8]] = [:], nonce: String? = nil
  ) {
    self.output = output
    self.exitStatus = exitStatus
    self.results = results
    self.projectRoot = projectRoot
    self.reportFiles = reportFiles
    self.nonce = nonce
  }
}
