import ArgumentParser
import Cedar
import JSON

/// `codeagent policy conformance`: measures the policy engine against cases with known answers.
struct ConformanceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conformance",
    abstract: "Run a folder of Cedar conformance cases, and say where the engine's answers differ.",
    discussion: """
      The folder holds cases in the format of cedar-policy/cedar-integration-tests: NAME.json and, beside it, the \
      policies, the schema and the entities that it names. Exit code 0 when all agree, 1 when any differs, 2 when \
      the folder holds no cases.

      EXAMPLES
        codeagent policy conformance corpus-tests
        codeagent policy conformance corpus-tests --json
        codeagent policy conformance corpus-tests --time 100
      """)

  @Argument(help: "The folder of cases.") var directory: String
  @Option(help: "Name at most so many answers that differ.") var show = 20
  @Option(help: "Decide every request so many times, and tell the processor time that one decision takes.")
  var time: Int?
  @OptionGroup var output: OutputOptions

  mutating func run() async throws {
    let suite: ConformanceSuite
    do throws(CedarError) {
      suite = try ConformanceSuite(directory: directory)
    } catch {
      throw UsageFailure(
        error.description, advice: "a case is NAME.json with its .cedar, .cedarschema and .entities.json beside it")
    }
    let report = suite.run()
    if output.json { writeJSON(report) } else { writeText(report) }
    if let time { writeTime(suite.secondsPerDecision(repetitions: max(1, time))) }
    if !report.isConforming { throw ExitStatus(code: 1) }
  }

  private func writeText(_ report: ConformanceReport) {
    let style = Style(hasColor: TerminalTraits.detect(Environment.current).hasColor)
    Output.write("\(report.cases) cases, \(report.requests) requests\n")
    for aspect in ConformanceReport.Aspect.allCases {
      guard let count = report.counts[aspect] else { continue }
      let isWhole = count.agreeing == count.compared
      let mark = isWhole ? style.good("✓") : style.bad("✗")
      Output.write(
        "  \(mark) \(aspect.rawValue.padding(to: 12))\(count.agreeing) of \(count.compared) agree\n")
    }
    for difference in report.differences.prefix(max(0, show)) {
      Output.write("  \(style.bad("✗")) \(Display.safe(difference.description))\n")
    }
    let hidden = report.differences.count - max(0, show)
    if hidden > 0 { Output.write("  … and \(hidden) more (--show)\n") }
  }

  private func writeJSON(_ report: ConformanceReport) {
    for difference in report.differences.prefix(max(0, show)) {
      var line: JSONObject = ["v": 1, "kind": "difference", "case": .string(difference.name)]
      if let request = difference.request { line["request"] = JSONValue(request) }
      if let aspect = difference.aspect {
        line["aspect"] = .string(aspect.rawValue)
        line["expected"] = .string(difference.expected)
      }
      line["found"] = .string(difference.found)
      Output.write(JSONValue.object(line).serialized + [0x0a])
    }
    var agreement: JSONObject = [:]
    for aspect in ConformanceReport.Aspect.allCases {
      guard let count = report.counts[aspect] else { continue }
      agreement[aspect.rawValue] = ["agreeing": JSONValue(count.agreeing), "compared": JSONValue(count.compared)]
    }
    Output.write(
      JSONValue.object([
        "v": 1, "kind": "summary", "cases": JSONValue(report.cases), "requests": JSONValue(report.requests),
        "agreement": .object(agreement), "differences": JSONValue(report.differences.count),
        "conforming": .bool(report.isConforming),
      ]).serialized + [0x0a])
  }

  private func writeTime(_ seconds: Double) {
    let nanoseconds = Int(seconds * 1e9)
    if output.json {
      Output.write(
        JSONValue.object(["v": 1, "kind": "time", "nanosecondsPerDecision": JSONValue(nanoseconds)]).serialized + [0x0a]
      )
    } else {
      Output.write("  \(Double(nanoseconds) / 1000) µs of processor time for one decision\n")
    }
  }
}
