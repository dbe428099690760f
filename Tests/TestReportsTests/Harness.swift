import Paths
import TestReports
import TestSupport
import Testing

/// Files of a directory on disk, as the recogniser asks for them.
struct DiskFiles: ProjectFiles {
  let root: String

  private func absolute(_ path: RepoPath) -> String {
    path.isRoot ? root : root + "/" + String(decoding: path.bytes, as: UTF8.self)
  }

  func exists(_ path: RepoPath) -> Bool { Disk.kind(absolute(path)) != nil }

  func read(_ path: RepoPath) -> [UInt8]? {
    Disk.kind(absolute(path)) == .file ? fileBytes(absolute(path)) : nil
  }

  func list(_ dir: RepoPath) -> [(name: [UInt8], isDirectory: Bool)] {
    Disk.names(absolute(dir)).map {
      ($0, Disk.kind(absolute(dir) + "/" + String(decoding: $0, as: UTF8.self)) == .directory)
    }
  }
}

/// Files in memory, for the recogniser.
struct MemoryFiles: ProjectFiles {
  var contents: [String: String]

  func exists(_ path: RepoPath) -> Bool { read(path) != nil || !list(path).isEmpty }

  func read(_ path: RepoPath) -> [UInt8]? {
    contents[String(decoding: path.bytes, as: UTF8.self)].map { Array($0.utf8) }
  }

  func list(_ dir: RepoPath) -> [(name: [UInt8], isDirectory: Bool)] {
    let prefix = dir.isRoot ? "" : String(decoding: dir.bytes, as: UTF8.self) + "/"
    var found: [String: Bool] = [:]
    for name in contents.keys where name.hasPrefix(prefix) {
      let parts = name.dropFirst(prefix.count).split(separator: "/")
      if let first = parts.first {
        found[String(first), default: false] = found[String(first)] == true || parts.count > 1
      }
    }
    return found.sorted { $0.key < $1.key }.map { (Array($0.key.utf8), $0.value) }
  }
}

/// A project in a directory of its own, whose tests are really run.
struct Project {
  let directory: TemporaryDirectory
  /// Another directory than the temporary one.
  var rootOverride: String?

  init(_ files: [String: String] = [:]) throws {
    directory = try TemporaryDirectory("test-reports")
    try directory.makeDirectory("p")
    for (name, text) in files { try directory.write("p/" + name, text) }
  }

  var root: String { rootOverride ?? directory.path("p") }
  var files: DiskFiles { DiskFiles(root: root) }

  /// The command as a user would name it.
  func command(_ shell: String) -> TestCommand { TestCommand.named(shell, directory: .root, files: files) }

  /// Runs a command as its plan says, with directories of the host in place of the sandbox's, and reads the report.
  func report(_ command: TestCommand, nonce: String = "n0nce", environment: [String: String] = [:]) async throws
    -> TestReport
  {
    command.report(from: try await evidence(command, nonce: nonce, environment: environment))
  }

  func report(_ shell: String, environment: [String: String] = [:]) async throws -> TestReport {
    try await report(command(shell), environment: environment)
  }

  func evidence(
    _ command: TestCommand, plan: RunPlan? = nil, nonce: String = "n0nce", environment: [String: String] = [:]
  ) async throws -> RunEvidence {
    let plan = plan ?? command.plan(nonce: nonce)
    let host = try TemporaryDirectory("test-reports-run")
    try host.makeDirectory("adaptor")
    try host.makeDirectory("results")
    for (name, bytes) in plan.adaptorFiles { try host.write("adaptor/" + name, bytes: bytes) }
    let places = [
      RunPlan.adaptorDirectory: host.path("adaptor"), RunPlan.resultsDirectory: host.path("results"),
    ]
    func placed(_ text: String) -> String {
      places.reduce(text) { $0.replacing($1.key, with: $1.value) }
    }
    var variables = ["PATH": Disk.environment("PATH") ?? "/usr/bin:/bin", "HOME": Disk.environment("HOME") ?? "/tmp"]
    variables["LANG"] = "C.UTF-8"
    // Plugins that happen to be installed here cost half a second a run.
    variables["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for (name, value) in plan.environment { variables[name] = placed(value) }
    variables.merge(environment) { $1 }
    let cwd = command.directory.isRoot ? root : root + "/" + String(decoding: command.directory.bytes, as: UTF8.self)
    let result = try await runningProcess(
      ["/bin/sh", "-c", "exec 2>&1\n" + placed(plan.shell)], environment: variables, cwd: cwd, timeout: 120)
    var results: [String: [UInt8]] = [:]
    for name in Disk.names(host.path("results")) {
      let name = String(decoding: name, as: UTF8.self)
      results[name] = host.bytes("results/" + name)
    }
    return RunEvidence(
      output: result.stdout, exitStatus: result.status >= 128 ? nil : result.status, results: results,
      projectRoot: Array(cwd.utf8), reportFiles: reportFiles(command, cwd), nonce: nonce)
  }

  /// Runs a command once so that it tries texts in place of one that stands in a file.
  /// - Parameter names: the tests that are tried first.
  /// - Returns: how they fared, nil where the command cannot try any, and what was said of how it went.
  func trials(
    _ shell: String, of texts: [String], inPlaceOf old: String, in file: String, names: [String]?
  ) async throws -> (trials: Trials?, remarks: [String]) {
    let command = command(shell)
    let path = try #require(RepoPath(file))
    let source = try #require(fileBytes(root + "/" + file))
    let range = try #require(source.firstRange(of: Array(old.utf8)))
    let plan = try #require(
      command.trialsPlan(
        nonce: "n0nce", root: Array(root.utf8),
        patches: texts.map { [TrialEdit(path: path, range: range, text: Array($0.utf8))] }, names: names,
        stopsAtFirst: false))
    let evidence = try await evidence(command, plan: plan)
    #expect(fileBytes(root + "/" + file) == source, "patches are taken back")
    return (command.trials(from: evidence), command.trialsRemarks(in: evidence))
  }

  /// All XML files, when the command has patterns for any: which of them are new is for the plan's shell to say.
  private func reportFiles(_ command: TestCommand, _ cwd: String) -> [RepoPath: [UInt8]] {
    guard !command.reportFilePatterns.isEmpty else { return [:] }
    var found: [RepoPath: [UInt8]] = [:]
    func walk(_ directory: String) {
      for name in Disk.names(cwd + "/" + directory).map({ String(decoding: $0, as: UTF8.self) }) {
        let path = directory.isEmpty ? name : directory + "/" + name
        if Disk.kind(cwd + "/" + path) == .directory {
          walk(path)
        } else if path.hasSuffix(".xml"), let key = RepoPath(path) {
          found[key] = fileBytes(cwd + "/" + path)
        }
      }
    }
    walk("")
    return found
  }
}

extension TestReport {
  /// Names by result.
  func names(_ result: TestOutcome.Result) -> [String] { tests.filter { $0.result == result }.map(\.name) }

  /// The outcome of a name.
  subscript(name: String) -> TestOutcome? { tests.first { $0.name == name } }
}
