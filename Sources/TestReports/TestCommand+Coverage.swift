internal import JSON
public import Paths

extension TestCommand {
  /// Most tests of which lines are read.
  private static let maximumTests = 20_000

  /// Processor seconds of a test, while its lines are noted: what a loop runs again adds nothing.
  private static let coveredSeconds = 1.5

  /// Whether ``coveragePlan(nonce:root:)`` has an adaptor for this command's tool, or for one that a wrapper may start.
  public var mayHaveCoverage: Bool {
    switch framework {
    case .pytest, .unittest, .node, .tap, .exitStatus: true
    case .swift, .go, .cargo, .junit, .ctest: false
    }
  }

  /// How to run this command so that it also says which lines each test runs; nil when no adaptor can.
  ///
  /// The tests run slower than by ``plan(nonce:)``: a Python before 3.12 several times where it does nothing but compute.
  /// - Parameters:
  ///   - nonce: a fresh random text of this run; the evidence is given the same.
  ///   - root: the absolute path, inside the sandbox, of the directory below which lines are noted.
  public func coveragePlan(nonce: String, root: [UInt8]) -> RunPlan? {
    guard mayHaveCoverage, let root = String(validating: root, as: UTF8.self) else { return nil }
    var plan = plan(nonce: nonce, testSeconds: Self.coveredSeconds)
    if plan.adaptorFiles["codeagent_report.py"] != nil {
      plan.adaptorFiles["codeagent_coverage.py"] = PackageResources.codeagent_coverage_py
    }
    if plan.adaptorFiles["codeagent-node.cjs"] != nil {
      plan.adaptorFiles["codeagent-coverage.cjs"] = PackageResources.codeagent_coverage_cjs
    }
    plan.environment["CODEAGENT_COVERAGE"] = root
    return plan
  }

  /// Reads which lines each test ran; nil when nothing was noted. Tests that did not end are there when the run noted
  /// them in time.
  /// - Parameters:
  ///   - evidence: what a run by ``coveragePlan(nonce:root:)`` left, also one that was stopped. Paths are relative to the
  ///     plan's root, whatever the evidence's directory is.
  ///   - directory: where the command ran, from the plan's root: names of tests begin with files relative to it.
  public func coverage(from evidence: RunEvidence, directory: RepoPath = .root) -> TestCoverage? {
    let results = AdaptorResults(evidence.results.filter { $0.key.hasPrefix("coverage-") }, nonce: evidence.nonce)
    // Paths come relative to the plan's root already.
    let root = ProjectRoot(evidence.projectRoot)
    let here = ProjectRoot(evidence.projectRoot + (directory.isRoot ? [] : [UInt8(ascii: "/")] + directory.bytes))
    var uses: [String: Int] = [:]
    var order: [String] = []
    var lines: [String: [RepoPath: [ClosedRange<Int>]]] = [:]
    for file in results.files where file.framework == "coverage" {
      for event in file.events where event["event"]?.string == "lines" {
        guard let name = event["name"]?.string ?? Self.name(ofNode: event, root: here, uses: &uses),
          let files = event["files"]?.object
        else { continue }
        if lines[name] == nil {
          guard order.count < Self.maximumTests else { continue }
          order.append(name)
        }
        for member in files.members where !member.name.hasPrefix("/") {
          guard let path = root.path(member.name.utf8) else { continue }
          let ranges = (member.value.array ?? []).compactMap(Self.range)
          guard !ranges.isEmpty else { continue }
          lines[name, default: [:]][path] = TestCoverage.merged((lines[name]?[path] ?? []) + ranges)
        }
      }
    }
    let tests = order.compactMap { name in lines[name].map { TestCoverage.Test(name: name, lines: $0) } }
    return tests.isEmpty ? nil : TestCoverage(tests: tests)
  }

  /// The name that a report gives to a test, a point of TAP or a script of Node; the second of a name is called `name#2`.
  private static func name(ofNode event: JSONValue, root: ProjectRoot, uses: inout [String: Int]) -> String? {
    guard let place = event["file"]?.string.flatMap({ root.path($0.utf8)?.quoted }) else { return nil }
    var name = place
    if let point = event["point"]?.string {
      let read = TAPOutput([Array(point.utf8)[...]]).points.first
      guard let title = read?.path.joined(separator: " > ") else { return nil }
      name = "\(place)::\(title)"
    } else if event["path"]?.array?.isEmpty == false {
      name = AdaptorResults.nodeName(event, place: place)
    }
    uses[name, default: 0] += 1
    return uses[name].map { $0 == 1 ? name : "\(name)#\($0)" }
  }

  private static func range(_ value: JSONValue) -> ClosedRange<Int>? {
    guard let first = value[0]?.int, let last = value[1]?.int, first >= 1, last >= first, last < 1 << 31 else {
      return nil
    }
    return first...last
  }
}
