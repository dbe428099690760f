extension TestCommand {
  /// How to run this command so that its results come back by a channel of their own.
  ///
  /// The command stays the user's; reporters are loaded through the environment, and so reach the tools inside wrappers.
  /// Where the command itself sets a variable that is needed, or a tool takes no environment for it (`go test`), a word
  /// is added to it.
  /// - Parameter nonce: a fresh random text of this run; the evidence is given the same.
  public func plan(nonce: String) -> RunPlan {
    var plan = RunPlan(shell: shell)
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
    case .go:
      plan.environment["GOFLAGS"] = "-mod=mod -v"
      plan.environment["GOPROXY"] = "off"
    case .swift, .junit: break
    }
    return plan
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
