extension TestCommand {
  /// How to run this command so that its results come back by a channel of their own.
  ///
  /// The command stays the user's; reporters are loaded through the environment, and so reach the tools inside wrappers.
  /// Where the command itself sets a variable that is needed, or a tool takes no environment for it (`go test`), a word
  /// is added to it.
  /// - Parameters:
  ///   - nonce: a fresh random text of this run; the evidence is given the same.
  ///   - testSeconds: the processor time after which an adaptor that can ends a test as failed, so that one that never
  ///     ends does not hide the others; much more where the tests before it are slow. Nil for no bound.
  public func plan(nonce: String, testSeconds: Double? = nil) -> RunPlan {
    var plan = RunPlan(shell: shell)
    if let testSeconds { plan.environment["CODEAGENT_TEST_SECONDS"] = "\(testSeconds)" }
    plan.environment["CODEAGENT_RESULTS"] = RunPlan.resultsDirectory
    plan.environment["CODEAGENT_NONCE"] = nonce
    switch framework {
    case .pytest, .unittest: addPython(to: &plan)
    case .node: addNode(to: &plan)
    case .tap, .exitStatus:
      addPython(to: &plan)
      addNode(to: &plan)
      plan.environment["HARNESS_VERBOSE"] = "1"
      plan.environment["CTEST_OUTPUT_ON_FAILURE"] = "1"
    case .ctest: plan.environment["CTEST_OUTPUT_ON_FAILURE"] = "1"
    case .cargo:
      plan.environment["CARGO_NET_OFFLINE"] = "true"
      plan.environment["CARGO_TERM_COLOR"] = "never"
      plan.environment["RUST_BACKTRACE"] = "1"
      // Else the first test program that fails hides the tests of all others.
      if !shell.contains("--no-fail-fast") {
        plan.shell = Self.inserting(" --no-fail-fast", after: ["cargo", "test"], in: plan.shell) ?? plan.shell
      }
    case .go: addGo(to: &plan, nonce: nonce)
    case .swift: addSwift(to: &plan, nonce: nonce)
    case .junit: break
    }
    if !reportFilePatterns.isEmpty { noteReportFiles(in: &plan, nonce: nonce) }
    return plan
  }

  /// Has the shell say at its end which report files are newer than its start: older ones are of another run.
  private func noteReportFiles(in plan: inout RunPlan, nonce: String) {
    let start = "\(RunPlan.resultsDirectory)/\(AdaptorResults.startedFile(nonce))"
    let list = "\(RunPlan.resultsDirectory)/\(AdaptorResults.writtenFile(nonce))"
    let pruned = [".git", "node_modules", ".venv"].map { "-name \($0)" }.joined(separator: " -o ")
    plan.shell = """
      : > \(start); trap 'find . \\( \(pruned) \\) -prune -o -name "*.xml" -newer \(start) -print > \(list) 2>/dev/null' EXIT
      \(plan.shell)
      """
  }

  private func addPython(to plan: inout RunPlan) {
    plan.adaptorFiles["sitecustomize.py"] = PackageResources.sitecustomize_py
    plan.adaptorFiles["codeagent_report.py"] = PackageResources.codeagent_report_py
    plan.environment["PYTHONPATH"] = RunPlan.adaptorDirectory
    // Sources of equal size edited within one second would be taken for their cached bytecode.
    plan.environment["PYTHONDONTWRITEBYTECODE"] = "1"
    plan.shell = Self.prefixing("PYTHONPATH", with: RunPlan.adaptorDirectory + ":", in: plan.shell)
  }

  private func addNode(to plan: inout RunPlan) {
    plan.adaptorFiles["codeagent-node.cjs"] = PackageResources.codeagent_node_cjs
    let option = "--require=\(RunPlan.adaptorDirectory)/codeagent-node.cjs"
    plan.environment["NODE_OPTIONS"] = option
    plan.shell = Self.prefixing("NODE_OPTIONS", with: "'\(option) '", in: plan.shell)
  }

  /// `go test` is asked for events where the command names it; inside wrappers, for names of passing tests.
  private func addGo(to plan: inout RunPlan, nonce: String) {
    plan.environment["GOPROXY"] = "off"
    plan.environment["GOTOOLCHAIN"] = "local"
    if let shell = Self.inserting(" -json", after: ["go", "test"], in: plan.shell), !shell.contains("-json -json") {
      let file = "\(RunPlan.resultsDirectory)/\(AdaptorResults.goFile(nonce))"
      plan.shell = "go list -m -f '{{.Path}} {{.Dir}}' > \(file) 2>/dev/null\n\(shell)"
    } else {
      plan.environment["GOFLAGS"] = "-v"
    }
  }

  /// Swift Testing writes its events where the toolchain has the option (Swift 6.1 and later).
  private func addSwift(to plan: inout RunPlan, nonce: String) {
    let words = ShellCommand.parse(shell).filter { $0.texts.prefix(2) == ["swift", "test"] }
    guard words.count == 1, !shell.contains("--event-stream"),
      let text = Self.inserting(" $codeagent_events", after: ["swift", "test"], in: plan.shell)
    else { return }
    let file = "\(RunPlan.resultsDirectory)/\(AdaptorResults.swiftFile(nonce))"
    plan.shell = """
      codeagent_events=; swift test --help-hidden 2>/dev/null | grep -q -e --event-stream-output-path && \
      codeagent_events='--event-stream-output-path \(file) --event-stream-version 0'
      \(text)
      """
  }

  /// Adds a text behind each command that starts with `words`; nil when there is none.
  static func inserting(_ text: String, after words: [String], in shell: String) -> String? {
    let commands = ShellCommand.parse(shell).filter { $0.texts.starts(with: words) }
    guard !commands.isEmpty else { return nil }
    var bytes = Array(shell.utf8)
    for command in commands.reversed() {
      let end = command.words[words.count - 1].range.upperBound
      bytes.insert(contentsOf: text.utf8, at: end)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Puts `prefix` before the value wherever the shell text assigns `variable`.
  static func prefixing(_ variable: String, with prefix: String, in shell: String) -> String {
    let source = Array(shell.utf8)[...]
    let needle = variable + "="
    var result: [UInt8] = []
    var rest = source
    while let range = rest.range(of: needle) {
      result += rest[..<range.upperBound]
      let isWordStart =
        range.lowerBound == source.startIndex || !(source[range.lowerBound - 1].isWord)
      rest = rest[range.upperBound...]
      guard isWordStart else { continue }
      let isEmpty = rest.first.map { $0.isSpace || $0 == UInt8(ascii: ";") } ?? true
      result += isEmpty && prefix.hasSuffix(":") ? Array(prefix.utf8.dropLast()) : Array(prefix.utf8)
    }
    return String(decoding: result + rest, as: UTF8.self)
  }
}
