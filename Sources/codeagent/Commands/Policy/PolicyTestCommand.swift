import Access
import ArgumentParser
import Glibc
import JSON

/// `codeagent policy test`: do policies decide as their authors mean them to?
struct PolicyTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Ask policies about the requests of a file, and compare the decisions.",
    discussion: """
      A file names policies beside it, and cases: a request, and the decision that it must get (docs/policies.md). \
      What ships with codeagent is always in force. Exit code 1 when a decision is another.

      EXAMPLES
        codeagent policy test policies/*.test.toml
      """)

  @Argument(help: "Files of cases.") var files: [String]
  @Option(help: ArgumentHelp("Decide about each case so many times, and tell what a decision costs.", valueName: "n"))
  var time: Int?
  @OptionGroup var output: OutputOptions

  mutating func validate() throws {
    if let time, !(1...1_000_000).contains(time) { throw ValidationError("--time is from 1 to 1000000") }
  }

  func run() throws {
    let style = Style(hasColor: TerminalTraits.detect(Environment.current).hasColor)
    var failed = 0
    var count = 0
    var cost = DecisionCost()
    for file in files {
      let cases = try PolicyCases(file: file)
      let authorizer: CedarAuthorizer
      do throws(PolicyError) {
        authorizer = try CedarAuthorizer(cases.sources)
      } catch {
        throw UsageFailure(error.description, advice: "codeagent policy check names everything that is wrong")
      }
      if !output.json { Output.write("\(style.strong(Display.safe(file)))\n") }
      for item in cases.cases {
        count += 1
        if let time { cost.measure(authorizer, item.request, times: time) }
        let decision = authorizer.decide(item.request)
        let rules = decision.rules.map(\.rawValue)
        let missing = item.rules.filter { !rules.contains($0) }
        let holds = decision.outcome == item.expected && missing.isEmpty
        if !holds { failed += 1 }
        if output.json {
          Output.write(
            JSONValue.object([
              "v": 1, "file": .string(file), "case": .string(item.name), "holds": .bool(holds),
              "expected": .string(item.expected.rawValue), "decision": .string(decision.outcome.rawValue),
              "rules": .array(rules.map { .string($0) }), "reason": .string(decision.reason),
            ]).serialized + [0x0a])
          continue
        }
        Output.write("  \(holds ? style.good("✓") : style.bad("✗")) \(Display.safe(item.name))\n")
        if !holds {
          let wanted = item.expected.rawValue + (missing.isEmpty ? "" : " by \(missing.joined(separator: ", "))")
          Output.write(
            "      expected \(Display.safe(wanted)), got \(decision.outcome.rawValue) by "
              + "\(Display.safe(rules.joined(separator: ", "))): \(Display.safe(decision.reason))\n")
        }
      }
    }
    if output.json {
      if time != nil { Output.write(cost.json.serialized + [0x0a]) }
    } else {
      Output.write("\(count - failed) of \(count) cases hold\n")
      if time != nil { Output.write(cost.text + "\n") }
    }
    if failed > 0 { throw ExitStatus(code: 1) }
  }
}

/// What decisions cost: processor time of this process, so that other processes' work does not count.
private struct DecisionCost {
  private var cases: [Double] = []

  mutating func measure(_ authorizer: CedarAuthorizer, _ request: AccessRequest, times: Int) {
    _ = authorizer.decide(request)
    let start = Self.nanoseconds()
    for _ in 0..<times { _ = authorizer.decide(request) }
    cases.append(Double(Self.nanoseconds() - start) / Double(times) / 1000)
  }

  private var sorted: [Double] { cases.sorted() }
  private var median: Double { sorted.isEmpty ? 0 : sorted[sorted.count / 2] }
  private var most: Double { sorted.last ?? 0 }

  var text: String {
    "a decision costs \(Self.tenths(median)) µs in the median case, \(Self.tenths(most)) µs in the dearest"
  }

  var json: JSONValue {
    ["v": 1, "cases": JSONValue(cases.count), "median_us": .double(median), "most_us": .double(most)]
  }

  private static func tenths(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  private static func nanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
