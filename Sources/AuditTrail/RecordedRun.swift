public import JSON

/// A run as its events tell it: what readers of the record ask for most.
public struct RecordedRun: Sendable {
  /// The run.
  public let run: RunID
  /// Its events, in order.
  public let events: [Event]
  /// For each intent, by sequence number, the event that says what became of it.
  public let outcomes: [Int: Event]

  /// Reads a run.
  public init(_ run: RunID, in store: AuditStore) throws(AuditError) {
    self.init(run, events: try store.events(of: run))
  }

  /// Takes a run's events.
  public init(_ run: RunID, events: [Event]) {
    self.run = run
    self.events = events
    var outcomes: [Int: Event] = [:]
    for event in events where event.kind == "effect.outcome" {
      if let intent = event.fields["intent"]?.int, outcomes[intent] == nil { outcomes[intent] = event }
    }
    self.outcomes = outcomes
  }

  /// The first event's fields.
  public var started: JSONValue { events.first { $0.kind == "run.started" }?.fields ?? .null }

  /// The event that ended the run; nil when it goes on, or was cut off.
  public var end: Event? {
    guard let event = events.last(where: { $0.kind == "run.ended" || $0.kind == "run.resumed" }) else { return nil }
    return event.kind == "run.ended" ? event : nil
  }

  /// How the run ended: its outcome, or that it did not.
  public var outcome: String { end?.fields["outcome"]?.string ?? "interrupted" }

  /// `provider/name` of the model; `builtin` for the engine.
  public var model: String {
    guard let provider = started["provider"]?.string, let name = started["model"]?.string else { return "builtin" }
    return provider == "builtin" ? "builtin" : "\(provider)/\(name)"
  }

  /// Nanoseconds from one event to another, by the clock that nobody sets where both are of one boot.
  public static func duration(from first: Event, to last: Event) -> Int64 {
    max(
      0, first.bootID == last.bootID ? last.monotonic - first.monotonic : last.wallTime - first.wallTime)
  }

  /// What of the change was delivered as a commit, in hexadecimal; nil for none.
  public var commit: String? {
    for event in events.reversed() where event.kind == "effect.outcome" {
      if let commit = event.fields["commit"]?.string { return commit }
    }
    return nil
  }
}

/// Times as exports write them.
enum Timestamp {
  /// RFC 3339 in UTC with nanoseconds cut to milliseconds.
  static func text(_ nanoseconds: Int64) -> String {
    let second = nanoseconds / 1_000_000_000
    let day = second / 86_400
    let rest = second - day * 86_400
    let date = CivilDate(daysSince1970: Int(day))
    func pad(_ number: Int64, _ width: Int = 2) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(pad(Int64(date.year), 4))-\(pad(Int64(date.month)))-\(pad(Int64(date.day)))T\(pad(rest / 3600)):"
      + "\(pad(rest / 60 % 60)):\(pad(rest % 60)).\(pad(nanoseconds / 1_000_000 % 1000, 3))Z"
  }
}
