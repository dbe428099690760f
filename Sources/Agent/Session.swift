import Access
import AuditTrail
import CodeIndex
import Conversation
import Git
import JSON
import Paths
import Prompts
import Sandbox
import TestReports
import Workspace

/// What the tools of one run share: the workspace, the door, the index, the tests, and what is known so far.
///
/// Tools that only read run side by side; those that write run one after another.
actor Session {
  let workspace: Workspace
  let gate: Gate
  let project: RepoPath
  /// Where relative paths of tool calls start: the project directory, or the checkout for models that are programs.
  let pathBase: RepoPath
  let index: Index?
  let observe: @Sendable (RunNotice) -> Void
  let limits: SandboxLimits
  let tests: TestRunner?
  let files: LabelTracker
  /// True when tools answer with data beside text: for a model that is a program.
  let answersWithData: Bool

  /// The state of the workspace after the last effect that may write.
  private(set) var snapshot: Snapshot
  /// The model's plan.
  private(set) var plan: [PlanStep] = []
  /// What the last run of tests on this workspace said.
  private(set) var lastReport: TestReport?

  /// How one run of the tests may try many patches; nil before any was tried.
  private(set) var trialWays: [ServedTrial.Way]?
  /// What was said of why.
  private var trialReasons: Set<String> = []

  private var instructions: Instructions
  /// Blobs whose content the record holds, or that follow from its diffs.
  private var knownFiles: Set<ObjectID> = []

  init(
    workspace: Workspace, gate: Gate, project: RepoPath, pathBase: RepoPath, index: Index?, tests: TestRunner?,
    limits: SandboxLimits, files: LabelTracker,
    snapshot: Snapshot, answersWithData: Bool, observe: @escaping @Sendable (RunNotice) -> Void
  ) {
    self.workspace = workspace
    self.answersWithData = answersWithData
    instructions = Instructions(workspace)
    self.gate = gate
    self.project = project
    self.pathBase = pathBase
    self.index = index
    self.tests = tests
    self.limits = limits
    self.files = files
    self.snapshot = snapshot
    self.observe = observe
  }

  func setPlan(_ steps: [PlanStep]) throws {
    plan = steps
    try gate.recorder.append(
      .plan, ["steps": .array(steps.map { ["text": .string($0.text), "status": .string($0.status)] })])
    observe(.plan(steps))
  }

  func rely(on ways: [ServedTrial.Way], because reasons: [String]) {
    trialWays = ways
    for reason in reasons where trialReasons.insert(reason).inserted { observe(.notice(reason)) }
  }

  /// The end of the engine's last long tool: what it took until the next one counts to that one's time, so that a search of
  /// many batches ends when it should.
  private(set) var engineClock: ContinuousClock.Instant?
  func setEngineClock() { if answersWithData { engineClock = .now } }

  func restorePlan(_ steps: [PlanStep]) { plan = steps }

  func restore(report: TestReport) { lastReport = report }

  /// Sets tests apart that pass and fail without any change: from now on the report of the base is one without them. The
  /// record keeps it.
  /// - Returns: the names.
  func setApart(_ names: [String]) throws -> [String] {
    guard !names.isEmpty, let report = lastReport?.settingApart(Set(names)) else { return [] }
    lastReport = report
    try gate.recorder.append(
      .baseline,
      [
        "passed": JSONValue(report.passing.count), "failed": JSONValue(report.failing.count),
        "incomplete": .bool(report.isIncomplete), "unsteady": .array(names.prefix(200).map { .string($0) }),
      ], values: ["report": report.json, "leftovers": []])
    let some = names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
    observe(.notice("set apart, because they pass and fail without any change: \(some)"))
    return names
  }

  func restore(instructions files: [RepoPath]) { instructions.markAsTold(files) }

  /// Looks at the workspace again, after what is no change of the run's own.
  func refreshSnapshot() async throws -> Snapshot {
    snapshot = try await labelledSnapshot()
    return snapshot
  }

  /// A snapshot whose files have been labelled: what has to be hidden from now on is not in it.
  private func labelledSnapshot() async throws -> Snapshot {
    let taken = try await workspace.snapshot()
    let hidden = try await files.look(at: taken)
    guard !hidden.isEmpty else { return taken }
    let names = hidden.prefix(3).map(\.path.quoted).joined(separator: ", ")
    observe(.notice("hidden from now on by \(hidden[0].rule): \(names)" + (hidden.count > 3 ? ", …" : "")))
    try gate.recorder.append(
      .mask,
      [
        "count": JSONValue(hidden.count), "labels": .array(files.viewLabels.sorted().map { .string($0) }),
        "rules": .array(Set(hidden.map(\.rule)).sorted().map { .string("\($0)") }),
        "files": .array(
          hidden.prefix(500).map { ["path": .string($0.path.quoted), "rule": .string("\($0.rule)")] }),
      ])
    return try await workspace.snapshot()
  }

  /// Makes what the workspace holds now part of the base, after the project was prepared.
  func freezeBase() async throws {
    try await workspace.freezeBase()
    snapshot = try await workspace.snapshot()
    try gate.recorder.append(
      .effectOutcome, ["outcome": "done", "setup": true, "snapshot": .string(snapshot.id)], durable: true)
  }

  // MARK: Paths

  /// The path that a model means: relative to the project directory, or absolute inside the checkout; in git's quoted
  /// form when it is not plain text.
  nonisolated func resolve(_ text: String) throws(ToolFailure) -> RepoPath {
    guard var bytes = Quoting.unquote(text) else { throw ToolFailure("`\(text)` is not a well-formed quoted path") }
    let root = workspace.location.root
    var base = pathBase
    if bytes.first == UInt8(ascii: "/") {
      guard bytes.starts(with: root), bytes.count == root.count || bytes[root.count] == UInt8(ascii: "/") else {
        throw ToolFailure("`\(text)` is outside the checkout, which is all that can be seen here")
      }
      bytes = Array(bytes.dropFirst(root.count + 1))
      base = .root
    }
    while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    var parts = base.components
    for part in bytes.split(separator: UInt8(ascii: "/")) where !part.elementsEqual(".".utf8) {
      if part.elementsEqual("..".utf8) {
        guard parts.popLast() != nil else { throw ToolFailure("`\(text)` leads out of the checkout") }
      } else {
        parts.append(Array(part))
      }
    }
    guard let path = RepoPath(Array(parts.joined(separator: [UInt8(ascii: "/")]))) else {
      throw ToolFailure("`\(text)` is not a path")
    }
    return path
  }

  /// How a path is shown to the model: relative to the project directory.
  nonisolated func shown(_ path: RepoPath) -> String {
    (path.relative(to: project) ?? path).quoted
  }

  // MARK: Effects

  /// Discloses a file.
  func read(_ path: RepoPath, call: String?) async throws -> FileContent {
    try await gate.perform(.read(path), call: call) {
      let content = try await workspace.read(path)
      return EffectOutcome(value: content, fields: ["bytes": JSONValue(content.bytes.count)])
    }
  }

  /// The committed `AGENTS.md` files that hold for a directory and were not told yet, quoted; empty when there are none.
  func instructions(for directory: RepoPath, call: String?) async throws -> String {
    var parts: [String] = []
    for path in instructions.next(for: directory) {
      do {
        let text: String? = try await gate.perform(.read(path), call: call) {
          EffectOutcome(value: instructions.quoted(path), fields: ["instructions": .string(path.quoted)])
        }
        if let text { parts.append(text) }
      } catch is Refusal {
        continue
      }
    }
    return parts.isEmpty ? "" : Prompt.instructions.filled(["files": parts.joined(separator: "\n\n")])
  }

  /// Runs a command and takes a snapshot of what it changed.
  func execute(
    _ shell: String, directory: RepoPath, timeout: Double?, purpose: Effect.Execution.Purpose, call: String?
  ) async throws -> CommandResult {
    let identifier = CommandCounter.next()
    var limits = limits
    if let timeout { limits.wallSeconds = min(limits.wallSeconds, max(1, timeout)) }
    let effect = Effect.execute(.init(shell: shell, directory: directory, purpose: purpose))
    let commandLimits = limits
    let result: CommandResult = try await gate.perform(effect, call: call) {
      observe(.commandStarted(id: identifier, shell: shell, purpose: purpose))
      let observe = observe
      let run: CommandRun
      do {
        run = try await workspace.run(
          arguments: ["/bin/sh", "-c", shell].map { Array($0.utf8) }, directory: directory, environment: [:],
          limits: commandLimits, onOutput: { observe(.commandOutput(id: identifier, bytes: $0)) })
      } catch {
        // Whoever watches does not wait for its end.
        observe(.commandEnded(id: identifier, status: "not run", succeeded: false, seconds: 0))
        throw error
      }
      // What a stopped run left half done is undone when it goes on, and the command runs again.
      if run.result.status == .cancelled { throw CancellationError() }
      let (fields, content) = try await recordChange()
      let outcome = CommandRecord.fields(run).merging(fields)
      var kept = content
      kept["output"] = run.result.output.recorded
      return EffectOutcome(value: run.result, fields: outcome, content: kept)
    }
    observe(
      .commandEnded(
        id: identifier, status: result.status.text, succeeded: result.status == .exited(0), seconds: result.duration))
    return result
  }

  /// Runs the project's tests on the workspace as it is.
  func runTests(selected: TestCommand?, call: String?) async throws -> TestRunner.Execution {
    guard let tests else { throw ToolFailure("no test command is known for this project; use `shell`") }
    let execution = try await tests.run(in: workspace, purpose: .tests, selected: selected, call: call)
    let (fields, content) = try await recordChange()
    if !content.isEmpty { try gate.recorder.append(.change, .object(fields), content: content) }
    if selected == nil { lastReport = execution.report.settingApart(Set(lastReport?.unsteady ?? [])) }
    return execution
  }

  /// Writes files by the agent's own hand, all or none, and takes a snapshot.
  func edit(_ edits: [FileWrite], patch: [UInt8], call: String?) async throws -> [FileDiff] {
    if edits.isEmpty { return [] }
    let writes = edits.filter { $0.content != nil }.map(\.path)
    let deletes = edits.filter { $0.content == nil }.map(\.path)
    return try await gate.perform(.edit(writes: writes, deletes: deletes), call: call, content: ["patch": patch]) {
      let before = snapshot
      do {
        for edit in edits {
          if let content = edit.content {
            try await workspace.write(edit.path, content, executable: edit.executable)
          } else {
            try await workspace.remove(edit.path)
          }
        }
      } catch {
        try await workspace.restore(before.id)
        throw error
      }
      let (fields, content) = try await recordChange()
      let diff = try await workspace.diff(from: before, to: snapshot)
      return EffectOutcome(value: diff, fields: fields, content: content)
    }
  }

  /// Snapshots the workspace; returns what the record keeps of the change since the last snapshot.
  private func recordChange() async throws -> (JSONObject, [String: [UInt8]]) {
    let before = snapshot
    let after = try await labelledSnapshot()
    snapshot = after
    var fields: JSONObject = ["snapshot": .string(after.id)]
    guard after.id != before.id else { return (fields, [:]) }
    let diff = try await workspace.diff(from: before, to: after)
    fields["changed"] = .array(diff.map { .string($0.path.quoted) })
    if after.ignoredChanges.count > 0 { fields["ignoredChanges"] = JSONValue(after.ignoredChanges.count) }
    observe(.changed(diff))
    var content = try await contents(of: diff)
    content["diff"] = diff.flatMap(\.patch)
    content["blobs"] = JSONValue.array(diff.map(Self.blobs)).canonical
    return (fields, content)
  }

  /// What the record has to hold for the diff to be made again from it alone: each file as it was before its first change,
  /// and binary files as they are.
  private func contents(of diff: [FileDiff]) async throws -> [String: [UInt8]] {
    var contents: [String: [UInt8]] = [:]
    for file in diff {
      for id in [file.beforeID, file.isBinary ? file.afterID : nil].compactMap({ $0 })
      where contents.count < Self.mostContents && !knownFiles.contains(id) {
        let bytes = try await workspace.content(of: id)
        guard bytes.count <= Self.largestContent else { continue }
        knownFiles.insert(id)
        contents["file-\(id.hex)"] = bytes
      }
      if let id = file.afterID, !file.isBinary { knownFiles.insert(id) }
    }
    return contents
  }

  /// A changed file by what it held before and holds now: ids and modes as git has them, null where there was nothing.
  /// Ids give content away to who can guess it, so they are content, too: events only commit to them.
  private static func blobs(_ file: FileDiff) -> JSONValue {
    [
      "path": .string(file.path.quoted), "before": JSONValue(file.beforeID?.hex), "after": JSONValue(file.afterID?.hex),
      "beforeMode": JSONValue(file.beforeMode?.octal), "afterMode": JSONValue(file.afterMode?.octal),
    ]
  }

  private static let mostContents = 200
  private static let largestContent = 4 << 20
}

/// A file to write, or to delete when it has no content.
struct FileWrite: Sendable, Hashable {
  var path: RepoPath
  var content: [UInt8]?
  var executable: Bool?
}
