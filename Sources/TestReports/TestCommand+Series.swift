public import Paths

/// How one patch of a series fared.
public struct SeriesTrial: Sendable {
  /// The patch's position; nil for the code as it is, which is tried first.
  public var patch: Int?
  /// What the tests that were named said; nil when none were named.
  public var narrow: TestReport?
  /// What all tests said; nil when those that were named did not pass.
  public var whole: TestReport?
  /// Whether the last run was stopped because it took too long.
  public var isTimeout: Bool
}

/// Several patches one after another in one run and one copy: no start of a sandbox for each, and build products are kept,
/// so that only what a patch changes is built anew. For tools that cannot fork.
extension TestCommand {
  /// How to run this command once for each patch, from a shell.
  ///
  /// Nothing that comes of it is proof: each patch finds what those before it left behind.
  /// - Parameters:
  ///   - nonce: a fresh random text of this run; the evidence is given the same.
  ///   - root: the absolute path of the directory that the patches' paths begin at. Files are changed there.
  ///   - originals: the files that are patched.
  ///   - narrow: a command for the tests that each patch is tried with first; nil to run all at once.
  ///   - patience: how many times the usual time a patch may take.
  ///   - controlSeconds: what the code as it is may take.
  ///   - seconds: when to begin with no further patch.
  ///   - stopsAtFirst: whether what follows the first patch with which all succeeds is left untried.
  /// - Returns: nil when a path or a text cannot be part of a shell text.
  public func seriesPlan(
    nonce: String, root: [UInt8], originals: [RepoPath: [UInt8]], patches: [[TrialEdit]], narrow: TestCommand?,
    patience: Double = 1, controlSeconds: Double = 600, seconds: Double = 86_400, stopsAtFirst: Bool
  ) -> RunPlan? {
    guard let root = Self.quoted(root) else { return nil }
    var plan = plan(nonce: nonce)
    let first = narrow?.plan(nonce: nonce)
    if let first, first.environment != plan.environment { return nil }
    var files: [RepoPath: Int] = [:]
    for (index, path) in originals.keys.sorted().enumerated() {
      files[path] = index
      plan.adaptorFiles["original-\(index)"] = originals[path]
    }
    var script = Self.functions
    for (index, patch) in patches.enumerated() {
      var edits: [RepoPath: [TrialEdit]] = [:]
      for edit in patch { edits[edit.path, default: []].append(edit) }
      var change = ""
      var undo = ""
      for (path, edits) in edits.sorted(by: { $0.key < $1.key }) {
        guard let file = files[path], let name = Self.quoted(path.bytes), let original = originals[path] else {
          return nil
        }
        var position = 0
        var pieces: [String] = []
        for edit in edits.sorted(by: {
          ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }) {
          guard edit.range.lowerBound >= position, edit.range.upperBound <= original.count,
            let text = Self.quoted(edit.text)
          else { return nil }
          pieces.append(Self.piece(position..<edit.range.lowerBound, of: file))
          pieces.append("printf %s \(text)")
          position = edit.range.upperBound
        }
        pieces.append(Self.piece(position..<original.count, of: file))
        change += "{ \(pieces.filter { !$0.isEmpty }.joined(separator: "; ")); } > \(name); "
        undo += "cat $A/original-\(file) > \(name); "
      }
      script += "begin || exit 0\n\(change)\ntry \(index) \(index)\n\(undo)\n"
      if stopsAtFirst { script += "passes \(index) && exit 0\n" }
    }
    script += ": > $R/series/end\n"
    plan.adaptorFiles["series.sh"] = Array(script.utf8)
    plan.shell = """
      \(Self.settings(of: &plan, first, nonce: nonce, patience: patience, controlSeconds: controlSeconds, seconds: seconds))
      UNTIL=$(($(date +%s) + SECONDS_LEFT))
      D=$PWD; cd \(root) && . $A/series.sh
      """
    return plan
  }

  /// Hands the scripts of a series its commands: all tests, and those that are tried first.
  /// - Returns: the variables that the scripts read, as shell text.
  static func settings(
    of plan: inout RunPlan, _ first: RunPlan?, nonce: String, patience: Double, controlSeconds: Double, seconds: Double
  ) -> String {
    plan.adaptorFiles["all.sh"] = Array(plan.shell.utf8)
    if let first { plan.adaptorFiles["narrow.sh"] = Array(first.shell.utf8) }
    return """
      A=\(RunPlan.adaptorDirectory) R=\(RunPlan.resultsDirectory) N=\(first == nil ? 0 : 1) W=\(AdaptorResults.writtenFile(nonce))
      SECONDS_LEFT=\(Int(min(86_400, max(0, seconds)))) PATIENCE=\(Int(min(20, max(1, patience.rounded())))) LIMIT=\(Int(min(3600, max(1, controlSeconds.rounded(.up)))))
      """
  }

  /// Reads how the patches fared; nil when not even the code as it is was tried.
  /// - Parameters:
  ///   - evidence: what a run by ``seriesPlan(nonce:root:originals:patches:narrow:patience:controlSeconds:seconds:stopsAtFirst:)``
  ///     left, also one that was stopped.
  ///   - narrow: the command that was given to it.
  /// - Returns: the trials, and whether the run came to its end.
  public func series(from evidence: RunEvidence, narrow: TestCommand?) -> (trials: [SeriesTrial], isComplete: Bool)? {
    var runs: [String: [String: [UInt8]]] = [:]
    for (name, content) in evidence.results {
      let parts = name.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3, parts[0] == "series" else { continue }
      runs[String(parts[1]), default: [:]][String(parts[2])] = content
    }
    func read(_ name: String, _ command: TestCommand) -> (report: TestReport, isTimeout: Bool)? {
      guard var files = runs[name], let status = files.removeValue(forKey: "status").flatMap(Self.number) else {
        return nil
      }
      let output = files.removeValue(forKey: "out") ?? []
      var reportFiles: [RepoPath: [UInt8]] = [:]
      for (file, content) in files where file.hasPrefix("files/") {
        files[file] = nil
        if let path = RepoPath(Array(file.dropFirst(6).utf8)) { reportFiles[path] = content }
      }
      // 124 is of `timeout`; 137, 142 and 152 of a shell whose program was killed, met its alarm, or used up its processor
      // time.
      let isTimeout = [124, 137, 142, 152].contains(status)
      let report = command.report(
        from: RunEvidence(
          output: output, exitStatus: Int32(exactly: status), results: files, projectRoot: evidence.projectRoot,
          reportFiles: reportFiles, nonce: evidence.nonce))
      return (report, isTimeout)
    }
    func trial(_ name: String, _ patch: Int?) -> SeriesTrial? {
      let first = narrow.flatMap { read("\(name)n", $0) }
      let all = read(name, self)
      guard first != nil || all != nil else { return nil }
      return SeriesTrial(
        patch: patch, narrow: first?.report, whole: all?.report, isTimeout: all?.isTimeout ?? first?.isTimeout ?? false)
    }
    guard let control = trial("base", nil) else { return nil }
    let patches = runs.keys.compactMap { Int($0.hasSuffix("n") ? String($0.dropLast()) : $0) }
    let trials = Set(patches).sorted().compactMap { trial("\($0)", $0) }
    return ([control] + trials, runs["end"] != nil || evidence.results["series/end"] != nil)
  }

  private static func number(_ bytes: [UInt8]) -> Int? {
    Int(String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self))
  }

  /// A shell word; nil for what no shell can hold.
  private static func quoted(_ bytes: [UInt8]) -> String? {
    guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else { return nil }
    return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }

  /// The command that prints a part of an original.
  private static func piece(_ range: Range<Int>, of file: Int) -> String {
    if range.isEmpty { return "" }
    if range.lowerBound == 0 { return "head -c \(range.upperBound) $A/original-\(file)" }
    return "tail -c +\(range.lowerBound + 1) $A/original-\(file) | head -c \(range.count)"
  }

  /// `try NAME` runs the named tests, when there are any, and all when those pass; `begin` says whether there is time left.
  /// Each run leaves its status, its output and its results in a directory. Bounds are four times what the code takes as it is,
  /// by the clock and in processor time, which the kernel counts in whole seconds.
  private static let functions = """
    mkdir -p $R/series
    begin() { [ $(date +%s) -lt $UNTIL ]; }
    passes() { [ "$(cat $R/series/$1/status 2>/dev/null)" = 0 ]; }
    one() {
      d=$R/series/$2; mkdir -p $d
      ( cd "$D" && ulimit -t $LIMIT && exec timeout -k 2 $LIMIT /bin/sh $A/$1.sh ) < /dev/null > /tmp/series-out 2>&1
      s=$?
      head -c 1000000 /tmp/series-out > $d/out
      if [ -s $R/$W ]; then
        n=0
        while IFS= read -r f && [ $n -lt 50 ]; do
          n=$((n + 1)); mkdir -p "$d/files/${f%/*}" && head -c 1000000 "$D/$f" > "$d/files/$f"
        done < $R/$W
      fi
      for f in $R/*; do [ "$f" = $R/series ] || mv "$f" $d/; done
      echo $s > $d/status
    }
    try() {
      if [ $N = 1 ]; then
        one narrow $1n
        if passes $1n; then one all $1; fi
      else
        one all $1
      fi
    }
    t=$(date +%s)
    if [ $N = 1 ]; then one narrow basen; fi
    one all base
    LIMIT=$((PATIENCE * (2 + 4 * ($(date +%s) - t))))

    """
}
