import ArgumentParser
import AuditTrail
import JSON

/// `codeagent audit stats`: sums over runs.
struct AuditStats: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Sum up runs, cost and refusals by user, repository and model.")

  @Option(help: "Only runs that began at or after this time: 2026-11-23, or how long ago: 30d.") var since: String?
  @Option(help: "Only runs that began before this time.") var until: String?
  @OptionGroup var output: OutputOptions

  func run() throws {
    let store = try Assembly().store()
    let now = UTCTime.now()
    let statistics = try store.statistics(
      from: try since.map { try AuditInput.time($0, now: now) },
      to: try until.map { try AuditInput.time($0, now: now) })
    let groups = [("user", statistics.users), ("repository", statistics.repositories), ("model", statistics.models)]
    if output.json {
      var object: JSONObject = ["v": 1, "total": statistics.total.json]
      for (name, sums) in groups {
        var entries = JSONObject()
        for (key, sum) in sums.sorted(by: { $0.key < $1.key }) { entries[key] = sum.json }
        object[name] = .object(entries)
      }
      Output.write(JSONValue.object(object).serialized + [0x0a])
      return
    }
    let style = Style(hasColor: TerminalTraits.detect(Environment.current).hasColor)
    let width = min(60, max(14, groups.flatMap(\.1.keys).map(\.count).max() ?? 0)) + 2
    func line(_ name: String, _ cells: [String]) -> String {
      name.padding(to: width) + cells.map { String(repeating: " ", count: max(1, 12 - $0.count)) + $0 }.joined() + "\n"
    }
    func row(_ name: String, _ sum: RecordStatistics.Sum) -> String {
      line(
        Display.line(name, width: width - 2),
        [
          "\(sum.runs)", "\(sum.outcomes["fixed"] ?? 0)", "\(sum.refusals)", "\(sum.turns)", "\(sum.inputTokens)",
          "\(sum.outputTokens)", Display.cost(sum.microdollars) + (sum.unknownCosts > 0 ? "+" : ""),
          Display.seconds(Double(sum.milliseconds) / 1000),
        ])
    }
    let head = line("", ["runs", "fixed", "refused", "answers", "tokens in", "tokens out", "cost", "time"])
    Output.write(style.faint(head) + row("all", statistics.total))
    for (name, sums) in groups where !sums.isEmpty {
      Output.write(style.faint("by \(name)\n"))
      for (key, sum) in sums.sorted(by: { ($1.value.runs, $0.key) < ($0.value.runs, $1.key) }) {
        Output.write(row(key, sum))
      }
    }
    if statistics.total.unknownCosts > 0 {
      Output.write(style.faint("+ the cost of \(statistics.total.unknownCosts) runs is not known\n"))
    }
  }
}
