import JSON

/// What happened in a run, as entries that people read: an intent with its outcome, an answer with what it asked for.
struct Timeline {
  /// Where an entry belongs, for filters and colours.
  enum Kind: String, CaseIterable {
    case run, model, command, test, file, decision, told

    var label: String {
      switch self {
      case .run: "run"
      case .model: "model"
      case .command: "commands"
      case .test: "tests"
      case .file: "files"
      case .decision: "decisions"
      case .told: "told the model"
      }
    }
  }

  /// How an entry turned out.
  enum State: String {
    case good, bad, warning, plain
  }

  /// A piece of an entry that can be unfolded.
  enum Part {
    case output(String, [UInt8])
    case diff([UInt8])
    case text(String, String)
    case facts([(String, String)])
  }

  struct Entry {
    var kind: Kind
    var event: Event
    var title: String
    /// What the title is about, shown as code: a command, a path.
    var subject = ""
    var status = ""
    var state = State.plain
    var duration: Int64?
    var parts: [Part] = []
  }

  private(set) var entries: [Entry] = []
  private let run: RecordedRun
  private let store: AuditStore

  init(_ run: RecordedRun, in store: AuditStore) throws {
    self.run = run
    self.store = store
    var covered: Set<Int> = []
    for (index, event) in run.events.enumerated() where !covered.contains(event.sequence) {
      if event.kind == "effect.outcome", event.fields["intent"] != nil { continue }
      if event.kind == "model.answer", index > 0 { continue }
      entries.append(try entry(event, index, &covered))
    }
  }

  private func entry(_ event: Event, _ index: Int, _ covered: inout Set<Int>) throws -> Entry {
    let fields = event.fields
    func text(_ name: String) -> String { fields[name]?.string ?? "" }
    var entry = Entry(kind: .run, event: event, title: event.kind)
    switch event.kind {
    case "run.started":
      entry.title = "The run begins"
      entry.subject = text("checkout")
      entry.parts = [.facts(facts(fields))]
      if let task = try content(event, "task") { entry.parts.insert(.text("Task", task), at: 0) }
    case "run.resumed": entry.title = "The run goes on"
    case "run.ended":
      entry.title = "The run ends"
      entry.status = text("outcome")
      entry.state = ["fixed", "nothing_to_fix"].contains(text("outcome")) ? .good : .bad
      entry.parts = [.text("Why", text("reason"))]
      if let patch = try store.content(of: event, "patch"), !patch.isEmpty { entry.parts.append(.diff(patch)) }
    case "workspace.opened":
      entry.title = "The workspace is open"
      entry.subject = text("mode")
      entry.parts = [.facts(facts(fields))]
    case "effect.intent": try effect(event, index, &entry, &covered)
    case "policy.refusal":
      entry.kind = .decision
      entry.title = "Refused: \(text("effect"))"
      entry.subject = Self.subject(fields)
      entry.status = "refused"
      entry.state = .bad
      entry.parts = [.facts([("why", text("reason"))] + Self.rules(fields))]
    case "policy.approval":
      entry.kind = .decision
      entry.title = "Approval asked of \(text("by"))"
      entry.subject = Self.subject(fields["effect"] ?? .null)
      entry.status = fields["granted"]?.bool == true ? "granted" : "not granted"
      entry.state = fields["granted"]?.bool == true ? .good : .bad
    case "baseline":
      entry.kind = .test
      entry.title = "Before any change"
      entry.status = "\(fields["passed"]?.int ?? 0) pass, \(fields["failed"]?.int ?? 0) fail"
      entry.state = (fields["failed"]?.int ?? 0) == 0 ? .good : .warning
    case "verification":
      entry.kind = .test
      entry.title = "The judge"
      entry.status = text("ruling")
      entry.state = text("ruling") == "proven" ? .good : text("ruling") == "rejected" ? .bad : .warning
      entry.parts = [
        .facts(
          Self.list("proof", fields["proof"]) + Self.list("found", fields["findings"])
            + Self.list("note", fields["notes"])
            + Self.list("passes now", fields["passesNow"]))
      ]
    case "second.look":
      let flags = fields["flags"]?.array ?? []
      entry.kind = .test
      entry.title = "The second look"
      entry.status = flags.isEmpty ? "nothing to flag" : "\(flags.count) flagged"
      entry.state = flags.isEmpty ? .good : .warning
      entry.parts = [.facts(Self.list("flag", fields["flags"]))]
    case "workspace.changed":
      entry.kind = .file
      entry.title = "Changed by running the tests"
      entry.subject = Self.names(fields["changed"])
      if let diff = try store.content(of: event, "diff") { entry.parts = [.diff(diff)] }
    case "model.retry":
      entry.kind = .model
      entry.title = "The request failed, and was made again"
      entry.status = "attempt \(fields["attempt"]?.int ?? 0)"
      entry.state = .warning
      entry.parts = [.facts([("why", text("reason"))])]
    case "plan":
      entry.kind = .model
      entry.title = "The model's plan"
      entry.parts = [
        .facts((fields["steps"]?.array ?? []).map { ($0["status"]?.string ?? "", $0["text"]?.string ?? "") })
      ]
    case "conversation.began":
      entry.kind = .told
      entry.title = text("reason").isEmpty ? "The conversation begins" : "The conversation was cut"
      entry.parts = try told(event, "items")
    case "conversation.item":
      entry.kind = .told
      entry.title = "Told the model"
      entry.parts = try told(event, "item")
    case "effect.outcome":
      entry.title = "Prepared"
      entry.parts = [.facts(facts(fields))]
    default: entry.parts = [.facts(facts(fields))]
    }
    let outcome = event.kind == "effect.intent" ? run.outcomes[event.sequence] : nil
    let secrets = Self.secrets(fields) + Self.secrets(outcome?.fields)
    if !secrets.isEmpty { entry.parts.append(.facts(secrets)) }
    return entry
  }

  // MARK: Effects

  private func effect(_ event: Event, _ index: Int, _ entry: inout Entry, _ covered: inout Set<Int>) throws {
    let fields = event.fields
    let outcome = run.outcomes[event.sequence]
    let result = outcome?.fields
    let name = fields["effect"]?.string ?? "effect"
    entry.subject = Self.subject(fields)
    entry.duration = outcome.map { RecordedRun.duration(from: event, to: $0) }
    let state = result?["outcome"]?.string ?? "unknown"
    entry.status = state == "done" ? "" : state
    entry.state = state == "done" ? .plain : .bad
    var details: [(String, String)] = []
    switch name {
    case "callModel":
      entry.kind = .model
      entry.title = "Asked the model"
      // The answer stands between the request's intent and its outcome.
      for answer in run.events[index...] {
        if let outcome, answer.sequence >= outcome.sequence { break }
        guard answer.kind == "model.answer" else { continue }
        covered.insert(answer.sequence)
        let usage = answer.fields["usage"]
        let items = try value(answer, "answer")?["items"]
        let calls = (items?.array ?? []).count { $0["type"]?.string == "toolCall" }
        entry.status = Self.ending(answer.fields["stop"]?.string ?? "", calls: calls)
        details.append(
          (
            "tokens",
            "\(Figure.grouped(usage?["input"]?.int ?? 0)) read (\(Figure.grouped(usage?["cachedInput"]?.int ?? 0)) cached), "
              + "\(Figure.grouped(usage?["output"]?.int ?? 0)) written"
          ))
        if let cost = answer.fields["microdollars"]?.int { details.append(("cost", Figure.cost(cost))) }
        entry.parts += Self.blocks(items)
        break
      }
    case "execute":
      let purpose = fields["purpose"]?.string ?? "tool"
      entry.kind = purpose == "tool" || purpose == "setup" ? .command : .test
      entry.title =
        switch purpose {
        case "baseline": "Tests, before any change"
        case "tests": "Tests"
        case "verification": "Tests, for the judge"
        case "setup": "Prepared the project"
        default: "Ran"
        }
      if let status = result?["status"]?.string {
        entry.status = status
        entry.state = status == "exit 0" ? .good : entry.kind == .test ? .warning : .bad
      }
      if let passed = result?["passed"]?.int, let failed = result?["failed"]?.int {
        entry.status = "\(passed) pass, \(failed) fail"
        entry.state = failed == 0 && result?["status"]?.string == "exit 0" ? .good : .warning
      }
    case "tryPatches":
      entry.kind = .test
      entry.title = "Tried \(fields["count"]?.int ?? 0) patches"
      if let passed = result?["passed"]?.int { entry.status = "\(passed) pass" }
    case "edit":
      entry.kind = .file
      entry.title = "Edited"
    case "deliver":
      entry.kind = .decision
      entry.title = "Delivered: \(fields["kind"]?.string ?? "")"
      entry.subject = Self.names(fields["paths"])
    default:
      entry.kind = .file
      entry.title = name == "read" ? "Read" : name == "list" ? "Listed" : "Searched"
    }
    if let outcome, let diff = try store.content(of: outcome, "diff") {
      let counts = DiffTable.counts(diff)
      if entry.status.isEmpty { entry.status = "+\(counts.added) −\(counts.removed)" }
    }
    if let error = result?["error"]?.string { details.append(("error", error)) }
    if let cwd = fields["cwd"]?.string, cwd != "." { details.append(("in", cwd)) }
    details += Self.list("failing", result?["failing"])
    if let commit = result?["commit"]?.string { details.append(("commit", commit)) }
    details += Self.rules(fields)
    if let result { details += Self.setting(result) }
    if let outcome { details += try blobs(outcome) }
    for reference in outcome?.content ?? [] where !reference.name.hasPrefix("file-") && reference.name != "blobs" {
      guard let outcome, let bytes = try store.content(of: outcome, reference.name) else {
        details.append((reference.name, "erased"))
        continue
      }
      if bytes.isEmpty { continue }
      entry.parts.append(reference.name == "diff" ? .diff(bytes) : .output(reference.name, bytes))
    }
    if !details.isEmpty { entry.parts.append(.facts(details)) }
  }

  /// How an answer ended, for people.
  private static func ending(_ stop: String, calls: Int) -> String {
    switch stop {
    case "toolCalls": "\(calls) call\(calls == 1 ? "" : "s")"
    case "endOfTurn": "done"
    case "length": "cut off"
    default: stop
    }
  }

  /// What a command used, and under what it ran.
  private static func setting(_ result: JSONValue) -> [(String, String)] {
    var facts: [(String, String)] = []
    if let signal = result["signal"]?.int { facts.append(("signal", "\(signal)")) }
    var used: [String] = []
    if let time = result["cpuMilliseconds"]?.int { used.append("\(time) ms of processor time") }
    if let memory = result["peakMemoryBytes"]?.int { used.append("\(Figure.bytes(memory)) of memory") }
    if let programs = result["programs"]?.int { used.append("\(programs) programs") }
    if !used.isEmpty { facts.append(("used", used.joined(separator: ", "))) }
    if let sandbox = result["sandbox"] {
      var words = ["level \(sandbox["level"]?.string ?? "?")", sandbox["files"]?.string ?? "?"]
      words.append("network: \(sandbox["network"]?.string ?? "?")")
      words.append("\(sandbox["hidden"]?.int ?? 0) paths hidden")
      if sandbox["watched"]?.bool == true { words.append("programs watched") }
      facts.append(("sandbox", words.joined(separator: ", ")))
    }
    let variables = (result["variables"]?.array ?? []).compactMap(\.string)
    if !variables.isEmpty { facts.append(("variables", variables.joined(separator: " "))) }
    return facts
  }

  /// The ids of changed files' contents, before and after.
  private func blobs(_ outcome: Event) throws -> [(String, String)] {
    (try value(outcome, "blobs")?.array ?? []).prefix(20).map { file in
      func short(_ name: String) -> String { file[name]?.string.map { String($0.prefix(12)) } ?? "nothing" }
      return ("blob", "\(short("before")) → \(short("after"))  \(file["path"]?.string ?? "")")
    }
  }

  /// What was replaced in an event, and what may be a key and was not.
  private static func secrets(_ fields: JSONValue?) -> [(String, String)] {
    var facts = (fields?["redacted"]?.array ?? []).map { entry in
      (
        "redacted",
        "\(entry["count"]?.int ?? 1) × \(entry["rule"]?.string ?? ""): \(entry["placeholder"]?.string ?? "")"
      )
    }
    for member in fields?["suspects"]?.object?.members ?? [] {
      facts.append(
        ("look at", "\(member.value.int ?? 0) texts in \(member.name) look like keys, and are left as they are"))
    }
    return facts
  }

  // MARK: Conversation

  private func told(_ event: Event, _ name: String) throws -> [Part] {
    guard let value = try value(event, name) else {
      return event.content.isEmpty ? [] : [.facts([(name, "erased")])]
    }
    return Self.blocks(value.array == nil ? [value] : value)
  }

  /// Items of a conversation as blocks of text.
  private static func blocks(_ items: JSONValue?) -> [Part] {
    (items?.array ?? []).compactMap { item in
      switch item["type"]?.string {
      case "assistant", "user":
        .text(item["type"]?.string == "user" ? "To the model" : "Said", item["text"]?.string ?? "")
      case "reasoning":
        item["summary"]?.string.map { .text("Thought", $0) } ?? item["text"]?.string.map { .text("Thought", $0) }
      case "toolCall":
        .output("asks for \(item["name"]?.string ?? "")", Array((item["arguments"]?.string ?? "").utf8))
      case "toolResult":
        .output(
          item["isError"]?.bool == true ? "error" : "result", Array((item["output"]?.string ?? "").utf8))
      default: nil
      }
    }
  }

  // MARK: Parts

  private func content(_ event: Event, _ name: String) throws -> String? {
    try store.content(of: event, name).map { String(decoding: $0, as: UTF8.self) }
  }

  private func value(_ event: Event, _ name: String) throws -> JSONValue? {
    try store.content(of: event, name).flatMap { try? JSONValue(parsing: $0) }
  }

  private func facts(_ fields: JSONValue) -> [(String, String)] {
    (fields.object?.members ?? []).compactMap { member in
      switch member.value {
      case .null: nil
      case .string(let text): text.isEmpty ? nil : (member.name, text)
      case .array(let elements) where elements.allSatisfy({ $0.string != nil }):
        elements.isEmpty ? nil : (member.name, elements.compactMap(\.string).joined(separator: ", "))
      case .object(let object):
        (
          member.name,
          object.members.compactMap { part in
            if case .null = part.value { nil } else { "\(part.name): \(part.value.string ?? part.value.text)" }
          }.joined(separator: "\n")
        )
      default: (member.name, member.value.text)
      }
    }
  }

  static func rules(_ fields: JSONValue) -> [(String, String)] {
    let rules = (fields["rules"]?.array ?? []).compactMap(\.string)
    var facts: [(String, String)] = rules.isEmpty ? [] : [("rule", rules.joined(separator: ", "))]
    if let policy = fields["policy"]?.string { facts.append(("policy", String(policy.prefix(16)))) }
    return facts
  }

  private static func list(_ name: String, _ values: JSONValue?) -> [(String, String)] {
    (values?.array ?? []).compactMap(\.string).map { (name, $0) }
  }

  static func names(_ values: JSONValue?) -> String {
    let names = (values?.array ?? []).compactMap(\.string)
    return names.prefix(4).joined(separator: ", ") + (names.count > 4 ? " and \(names.count - 4) more" : "")
  }

  static func subject(_ fields: JSONValue) -> String {
    if let shell = fields["argv"]?[2]?.string { return shell }
    for name in ["path", "query", "command"] {
      if let text = fields[name]?.string { return text }
    }
    if let model = fields["model"]?.string { return "\(fields["provider"]?.string ?? "")/\(model)" }
    return names(.array((fields["writes"]?.array ?? []) + (fields["deletes"]?.array ?? [])))
  }
}
