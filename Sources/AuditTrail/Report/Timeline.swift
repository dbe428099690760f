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
    /// An output that is shown only when it is asked for.
    case folded(String, [UInt8])
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
  let store: AuditStore
  /// What the commands of an effect executed, by its intent. What was denied has entries of its own.
  private let programs: [Int: [Event]]

  init(_ run: RecordedRun, in store: AuditStore) throws {
    self.run = run
    self.store = store
    func isPart(_ event: Event) -> Bool {
      event.kind == "program.executed" && event.fields["deniedBy"] == nil && event.fields["intent"] != nil
    }
    programs = Dictionary(grouping: run.events.filter(isPart)) { $0.fields["intent"]?.int ?? 0 }
    var covered: Set<Int> = []
    for (index, event) in run.events.enumerated() where !covered.contains(event.sequence) {
      if event.kind == "effect.outcome", event.fields["intent"] != nil { continue }
      if event.kind == "model.answer", index > 0 { continue }
      if isPart(event) { continue }
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
    case "program.executed":
      entry.kind = .decision
      entry.title = "Denied: a program"
      entry.subject = Self.commandLine(fields)
      entry.status = "denied"
      entry.state = .bad
      entry.parts = [.facts([("rule", text("deniedBy")), ("program", text("program"))])]
    case "network.connection":
      entry.kind = .decision
      entry.title = "Connection"
      entry.subject = "\(text("host")):\(fields["port"]?.int ?? 0)"
      entry.status = text("refusal").isEmpty ? "made" : "refused"
      entry.state = text("refusal").isEmpty ? .good : .bad
      entry.parts = [.facts(facts(fields))]
    case "policy.decision":
      entry.kind = .decision
      entry.title = fields["enforced"]?.bool == false ? "Would be refused" : "Refused while a command ran"
      entry.subject = text("host").isEmpty ? Self.commandLine(fields) : "\(text("host")):\(fields["port"]?.int ?? 0)"
      entry.status = "refused"
      entry.state = fields["enforced"]?.bool == false ? .warning : .bad
      entry.parts = [.facts([("why", text("reason"))] + Self.rules(fields))]
    case "policy.mask":
      entry.kind = .decision
      entry.title = "Hidden from the run"
      entry.subject = "\(fields["count"]?.int ?? 0) files"
      entry.parts = [
        .facts(
          (fields["files"]?.array ?? []).map { ($0["rule"]?.string ?? "", $0["path"]?.string ?? "") }
            + Self.list("label", fields["labels"]))
      ]
    case "sandbox.tried":
      entry.title = "The sandbox's promises were tried"
      entry.status = fields["holds"]?.bool == false ? "do not hold" : "hold"
      entry.state = fields["holds"]?.bool == false ? .bad : .good
      entry.parts = [.facts(facts(fields))]
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
    if let programs = programs[event.sequence] {
      let total = result?["executed"]?["total"]?.int ?? programs.count
      let shown = programs.prefix(300).map { program in
        "\(program.sequence)  \(Self.commandLine(program.fields))\(Self.ending(program.fields))"
      }
      entry.parts.append(
        .folded(
          "\(Figure.grouped(total)) programs were executed" + (total > shown.count ? ", the first \(shown.count)" : ""),
          Array(shown.joined(separator: "\n").utf8)))
    }
    if !details.isEmpty { entry.parts.append(.facts(details)) }
  }
}
