internal import JSON
public import Paths

/// One replacement of bytes in a file, in a patch that is tried.
public struct TrialEdit: Sendable, Hashable {
  /// The file, from the plan's root.
  public var path: RepoPath
  /// The bytes that are replaced.
  public var range: Range<Int>
  /// What takes their place.
  public var text: [UInt8]

  /// A replacement.
  public init(path: RepoPath, range: Range<Int>, text: [UInt8]) {
    self.path = path
    self.range = range
    self.text = text
  }
}

/// How one of several patches fared in a run that tried them all.
public struct Trial: Sendable {
  /// The patch's position in the plan; nil for the code as it is, which is tried first.
  public var patch: Int?
  /// What the tests said; nil when the patch could not be applied.
  public var report: TestReport?
  /// Whether it was stopped because it took too long.
  public var isTimeout: Bool
  /// Whether all tests ran after those that were named.
  public var isOfAll = false
}

/// What a run that tries patches answered.
public struct Trials: Sendable {
  /// The trials that took place.
  public var all: [Trial]
  /// Whether the run came to its end, rather than being stopped or dying half way.
  public var isComplete: Bool
}

extension TestCommand {
  /// Whether ``trialsPlan(nonce:root:patches:stopsAtFirst:)`` may have an adaptor for this command, when these files are
  /// patched: what only says TAP, or nothing, may run scripts of Node.
  public func mayHaveTrials(patching paths: some Sequence<RepoPath>) -> Bool {
    switch framework {
    case .pytest, .unittest, .node: true
    case .tap, .exitStatus: paths.contains(where: Self.isOfNode)
    case .swift, .go, .cargo, .junit, .ctest: false
    }
  }

  private static func isOfNode(_ path: RepoPath) -> Bool {
    [".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".jsx", ".tsx"].contains { path.bytes[...].ends($0) }
  }

  /// Whether trials run scripts of Node again, rather than fork: the command's own words do not count there, and its
  /// narrowing to some tests brings nothing.
  public var runsScriptsAgain: Bool { framework != .pytest && framework != .unittest }

  /// How to run this command once so that it tries many patches. A Python forks where the first patched file is about to be
  /// imported, and every child goes on with a patch of its own; scripts of Node that the command started are run again in
  /// threads. Nil when no adaptor can, or a patch is not text.
  ///
  /// Where tests leave nothing behind in the project's modules that cannot be put back, patches of the inside of functions are
  /// tried one after another in one child, which is believed where it finds them failing.
  ///
  /// Nothing that comes of it is proof: children share what was loaded before, and files that tests leave behind.
  /// - Parameters:
  ///   - nonce: a fresh random text of this run; the evidence is given the same.
  ///   - root: the absolute path, inside the sandbox, of the directory that the patches' paths begin at. Files are
  ///     changed there.
  ///   - directory: the absolute path of the directory that the command runs in.
  ///   - names: the tests that each patch is tried with first, as reports name them; with all others only where those pass.
  ///     Nil to run what the command runs.
  ///   - slow: tests of which it is known that they do not end as the code is.
  ///   - usual: the seconds that all tests take as the code is, those that never end left out.
  ///   - seconds: when to begin with no further patch.
  ///   - patience: how many times the usual time a patch may take; more for those that ran out of it before.
  ///   - stopsAtFirst: whether what follows the first patch with which the run succeeds is left untried.
  public func trialsPlan(
    nonce: String, root: [UInt8], directory: [UInt8]? = nil, patches: [[TrialEdit]], names: [String]? = nil,
    slow: [String] = [], usual: Double = 0, seconds: Double = 86_400, patience: Double = 1, stopsAtFirst: Bool
  ) -> RunPlan? {
    guard mayHaveTrials(patching: patches.joined().lazy.map(\.path)),
      let directory = String(validating: directory ?? root, as: UTF8.self),
      let root = String(validating: root, as: UTF8.self)
    else { return nil }
    var list: [JSONValue] = []
    for patch in patches {
      var edits: [JSONValue] = []
      for edit in patch {
        guard let path = String(validating: edit.path.bytes, as: UTF8.self),
          let text = String(validating: edit.text, as: UTF8.self)
        else { return nil }
        edits.append([
          .string(path), JSONValue(edit.range.lowerBound), JSONValue(edit.range.upperBound), .string(text),
        ])
      }
      list.append(.array(edits))
    }
    let request: JSONValue = [
      "root": .string(root), "directory": .string(directory), "patches": .array(list), "stop": .bool(stopsAtFirst),
      "names": names.map { .array($0.map { .string($0) }) } ?? .null, "slow": .array(slow.map { .string($0) }),
      "seconds": .double(min(86_400, max(0, seconds))),
      "cpu": JSONValue(Self.trialSeconds), "wall": JSONValue(2 * Self.trialSeconds),
      "patience": .double(patience), "usual": .double(usual),
    ]
    // The code as it is may have tests that never end: they were seen before.
    var plan = plan(nonce: nonce, testSeconds: Self.endlessSeconds)
    plan.adaptorFiles["trials.json"] = request.serialized
    if !runsScriptsAgain {
      plan.adaptorFiles["codeagent_server.py"] = PackageResources.codeagent_server_py
      plan.adaptorFiles["codeagent_screen.py"] = PackageResources.codeagent_screen_py
      plan.adaptorFiles["codeagent_state.py"] = PackageResources.codeagent_state_py
      plan.adaptorFiles["codeagent_functions.py"] = PackageResources.codeagent_functions_py
      plan.environment["CODEAGENT_TRIALS"] = "\(RunPlan.adaptorDirectory)/trials.json"
    } else {
      plan.adaptorFiles["codeagent-trials.cjs"] = PackageResources.codeagent_trials_cjs
      plan.adaptorFiles["codeagent-thread.cjs"] = PackageResources.codeagent_thread_cjs
      plan.shell = Self.tryingScripts(of: plan.shell)
    }
    return plan
  }

  /// Runs the command once to note the scripts that Node runs for it, then the program that runs these for every patch:
  /// again where a patch has ended that program itself.
  private static func tryingScripts(of shell: String) -> String {
    """
    (
    CODEAGENT_SCRIPTS=1; export CODEAGENT_SCRIPTS
    \(shell)
    ) < /dev/null > /dev/null 2>&1
    unset NODE_OPTIONS
    n=0
    while [ -s \(RunPlan.resultsDirectory)/node ] && [ $n -lt \(mostDeaths) ]; do
    "$(head -n 1 \(RunPlan.resultsDirectory)/node)" \(RunPlan.adaptorDirectory)/codeagent-trials.cjs \(RunPlan.adaptorDirectory)/trials.json < /dev/null > /dev/null 2>&1
    [ $? -ge 128 ] || break
    n=$((n + 1))
    done
    """
  }

  /// Patches that may end the program that tries them all.
  private static let mostDeaths = 40

  /// CPU seconds that the code as it is may take; a patch gets some times of what that took.
  private static let trialSeconds = 20

  /// Processor seconds of a test of the code as it is.
  private static let endlessSeconds = 2.0

  /// Reads how the patches fared; nil when the run never came to the point where it would fork.
  /// - Parameter evidence: what a run by ``trialsPlan(nonce:root:patches:stopsAtFirst:)`` left, also one that was stopped.
  public func trials(from evidence: RunEvidence) -> Trials? {
    let results = AdaptorResults(evidence.results.filter { $0.key.hasPrefix("trials-") }, nonce: evidence.nonce)
    guard let file = results.files.first(where: { $0.framework == "trials" }) else { return nil }
    var trials = Trials(all: [], isComplete: false)
    for event in file.events {
      if event["event"]?.string == "end" { trials.isComplete = true }
      guard event["event"]?.string == "trial", let index = event["index"]?.int else { continue }
      var trial = Trial(
        patch: index < 0 ? nil : index, isTimeout: event["timeout"]?.bool ?? false,
        isOfAll: event["all"]?.bool ?? false)
      if event["error"] == nil {
        // A text of each process that had something to say.
        let texts = event["lines"]?.array?.map { $0.string ?? "" } ?? [event["lines"]?.string ?? ""]
        let lines = texts.enumerated().filter { !$0.element.isEmpty }.map {
          ("trial-\(1000 + $0.offset).jsonl", Array($0.element.utf8))
        }
        trial.report = report(
          from: RunEvidence(
            output: [], exitStatus: event["status"]?.int.flatMap(Int32.init(exactly:)),
            results: Dictionary(uniqueKeysWithValues: lines), projectRoot: evidence.projectRoot,
            nonce: evidence.nonce))
      }
      trials.all.append(trial)
    }
    return trials.all.isEmpty ? nil : trials
  }

  /// Why a run that tries patches did not, or did so in a slower way than it might have: a sentence each.
  /// - Parameter evidence: what a run by ``trialsPlan(nonce:root:patches:stopsAtFirst:)`` left.
  public func trialsRemarks(in evidence: RunEvidence) -> [String] {
    AdaptorResults(evidence.results.filter { $0.key.hasPrefix("trials-") }, nonce: evidence.nonce).files
      .flatMap(\.events).filter { ["refused", "unscreened"].contains($0["event"]?.string) }
      .compactMap { event in event["reason"]?.string.map { $0.prefix(200) + "." } }
  }
}
