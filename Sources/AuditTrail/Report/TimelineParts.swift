import JSON

/// What the parts of an entry say.
extension Timeline {
  /// How an answer ended, for people.
  static func ending(_ stop: String, calls: Int) -> String {
    switch stop {
    case "toolCalls": "\(calls) call\(calls == 1 ? "" : "s")"
    case "endOfTurn": "done"
    case "length": "cut off"
    default: stop
    }
  }

  /// What a command used, and under what it ran.
  static func setting(_ result: JSONValue) -> [(String, String)] {
    var facts: [(String, String)] = []
    if let signal = result["signal"]?.int { facts.append(("signal", "\(signal)")) }
    var used: [String] = []
    if let time = result["cpuMilliseconds"]?.int { used.append("\(time) ms of processor time") }
    if let memory = result["peakMemoryBytes"]?.int { used.append("\(Figure.bytes(memory)) of memory") }
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

  /// What a program was called with; the program itself where that is no part of it.
  static func commandLine(_ fields: JSONValue) -> String {
    let arguments = (fields["argv"]?.array ?? []).compactMap(\.string)
    return arguments.isEmpty ? fields["program"]?.string ?? "" : arguments.joined(separator: " ")
  }

  static func ending(_ fields: JSONValue) -> String {
    if let code = fields["exit"]?.int { return code == 0 ? "" : "  → exit \(code)" }
    return fields["signal"]?.int.map { "  → signal \($0)" } ?? ""
  }

  /// The ids of changed files' contents, before and after.
  func blobs(_ outcome: Event) throws -> [(String, String)] {
    (try value(outcome, "blobs")?.array ?? []).prefix(20).map { file in
      func short(_ name: String) -> String { file[name]?.string.map { String($0.prefix(12)) } ?? "nothing" }
      return ("blob", "\(short("before")) → \(short("after"))  \(file["path"]?.string ?? "")")
    }
  }

  /// What was replaced in an event, and what may be a key and was not.
  static func secrets(_ fields: JSONValue?) -> [(String, String)] {
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

  func told(_ event: Event, _ name: String) throws -> [Part] {
    guard let value = try value(event, name) else {
      return event.content.isEmpty ? [] : [.facts([(name, "erased")])]
    }
    return Self.blocks(value.array == nil ? [value] : value)
  }

  /// Items of a conversation as blocks of text.
  static func blocks(_ items: JSONValue?) -> [Part] {
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

  func content(_ event: Event, _ name: String) throws -> String? {
    try store.content(of: event, name).map { String(decoding: $0, as: UTF8.self) }
  }

  func value(_ event: Event, _ name: String) throws -> JSONValue? {
    try store.content(of: event, name).flatMap { try? JSONValue(parsing: $0) }
  }

  func facts(_ fields: JSONValue) -> [(String, String)] {
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

  static func list(_ name: String, _ values: JSONValue?) -> [(String, String)] {
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
