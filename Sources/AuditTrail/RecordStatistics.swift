import FoundationEssentials
import GRDB
public import JSON

/// How much was done, by whom and where: sums over runs.
public struct RecordStatistics: Sendable, Hashable {
  /// What is summed up together.
  public struct Sum: Sendable, Hashable {
    /// How many runs.
    public internal(set) var runs = 0
    /// How many of them ended how; those that did not are `interrupted` or `running`.
    public internal(set) var outcomes: [String: Int] = [:]
    /// What policy refused.
    public internal(set) var refusals = 0
    /// Answers of models.
    public internal(set) var turns = 0
    /// Tokens read.
    public internal(set) var inputTokens = 0
    /// Tokens written.
    public internal(set) var outputTokens = 0
    /// Millionths of a US dollar, of runs whose cost is known.
    public internal(set) var microdollars = 0
    /// Runs whose cost is not known.
    public internal(set) var unknownCosts = 0
    /// Milliseconds of work.
    public internal(set) var milliseconds = 0
  }

  /// All runs together.
  public internal(set) var total = Sum()
  /// By user.
  public internal(set) var users: [String: Sum] = [:]
  /// By checkout, in its text form.
  public internal(set) var repositories: [String: Sum] = [:]
  /// By model.
  public internal(set) var models: [String: Sum] = [:]
}

extension AuditStore {
  /// Sums up the runs that began in a range of time.
  /// - Parameters:
  ///   - first: nanoseconds since 1970; nil for no limit.
  ///   - last: nanoseconds since 1970, not included; nil for no limit.
  public func statistics(from first: Int64? = nil, to last: Int64? = nil) throws(AuditError) -> RecordStatistics {
    var statistics = RecordStatistics()
    let refusals = try refusals()
    for summary in try runs(limit: .max) {
      if let first, summary.started < first { continue }
      if let last, summary.started >= last { continue }
      let start = summary.firstFields
      let end = summary.lastFields
      let hasEnd = summary.lastKind == "run.ended"
      var sum = RecordStatistics.Sum()
      sum.runs = 1
      let outcome =
        hasEnd ? end["outcome"]?.string ?? "ended" : summary.status == .running ? "running" : "interrupted"
      sum.outcomes[outcome] = 1
      sum.refusals = refusals[summary.run.text] ?? 0
      sum.turns = hasEnd ? end["turns"]?.int ?? 0 : 0
      sum.inputTokens = hasEnd ? end["usage"]?["input"]?.int ?? 0 : 0
      sum.outputTokens = hasEnd ? end["usage"]?["output"]?.int ?? 0 : 0
      if hasEnd, let cost = end["microdollars"]?.int { sum.microdollars = cost } else { sum.unknownCosts = 1 }
      sum.milliseconds = hasEnd ? end["milliseconds"]?.int ?? 0 : 0
      let provider = start["provider"]?.string ?? "builtin"
      let model = provider == "builtin" ? "builtin" : "\(provider)/\(start["model"]?.string ?? "")"
      statistics.total.add(sum)
      statistics.users[start["user"]?.string ?? "", default: .init()].add(sum)
      statistics.repositories[start["checkout"]?.string ?? "", default: .init()].add(sum)
      statistics.models[model, default: .init()].add(sum)
    }
    return statistics
  }

  /// How many refusals each run has.
  private func refusals() throws(AuditError) -> [String: Int] {
    // In canonical JSON this text can be nothing but the member: quotes inside of strings are escaped.
    let member = Data("\"kind\":\"policy.refusal\"".utf8)
    return try read { db in
      var counts: [String: Int] = [:]
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT run.id, count(*) FROM event JOIN run ON run.number = event.run WHERE instr(record, ?) > 0 GROUP BY run.id
          """, arguments: [member])
      while let row = try rows.next() { counts[try row.at(0)] = try row.at(1) as Int }
      return counts
    }
  }
}

extension RecordStatistics.Sum {
  fileprivate mutating func add(_ other: RecordStatistics.Sum) {
    runs += other.runs
    outcomes.merge(other.outcomes, uniquingKeysWith: +)
    refusals += other.refusals
    turns += other.turns
    inputTokens += other.inputTokens
    outputTokens += other.outputTokens
    microdollars += other.microdollars
    unknownCosts += other.unknownCosts
    milliseconds += other.milliseconds
  }

  /// For machines.
  public var json: JSONValue {
    var ends = JSONObject()
    for (outcome, count) in outcomes.sorted(by: { $0.key < $1.key }) { ends[outcome] = JSONValue(count) }
    return [
      "runs": JSONValue(runs), "outcomes": .object(ends), "refusals": JSONValue(refusals), "turns": JSONValue(turns),
      "input_tokens": JSONValue(inputTokens), "output_tokens": JSONValue(outputTokens),
      "cost_microdollars": JSONValue(microdollars), "runs_of_unknown_cost": JSONValue(unknownCosts),
      "milliseconds": JSONValue(milliseconds),
    ]
  }
}
