import Agent
import ArgumentParser
import AuditTrail
import JSON

/// `codeagent audit log`: a run's events.
struct AuditLog: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log", abstract: "Show everything that a run did, in order.",
    discussion:
      "EXAMPLES\n  codeagent audit log last\n  codeagent audit log r-2026 --content | less\n  codeagent audit log last --json | jq .kind"
  )

  @Argument(help: "The run's id, the beginning of one, or `last`; `record` for what the record notes about itself.")
  var name = "last"
  @Flag(help: "Show prompts, answers, output and diffs, too, and every event on a line of its own.") var content = false
  @Flag(help: "Show each program that commands executed; without it, their number and those that were denied.")
  var programs = false
  @OptionGroup var output: OutputOptions

  func run() throws {
    let store = try Assembly().store()
    let style = Style(hasColor: TerminalTraits.detect(Environment.current).hasColor)
    let events = name == "record" ? try store.ownEvents() : try store.events(of: try store.run(matching: name))
    let start = events.first?.wallTime ?? 0
    if output.json {
      for event in events { Output.write(try json(event, store).serialized + [0x0a]) }
      return
    }
    if content {
      for event in events {
        Output.write(EventText.line(event, since: start, style: style))
        try show(event, store, style)
      }
      return
    }
    // Without contents, an effect and what became of it are one line, and a change follows it.
    let intents = Set(events.filter { $0.kind == EventKind.effectIntent.rawValue }.map(\.sequence))
    let outcomes = Dictionary(
      events.filter { $0.kind == EventKind.effectOutcome.rawValue }.compactMap { event in
        event.fields["intent"]?.int.flatMap { intents.contains($0) ? ($0, event) : nil }
      }, uniquingKeysWith: { $1 })
    let told = Set(outcomes.values.map(\.sequence))
    for event in events where !told.contains(event.sequence) {
      let isProgram = event.kind == EventKind.program.rawValue && event.fields["deniedBy"] == nil
      if isProgram, !programs, intents.contains(event.fields["intent"]?.int ?? 0) { continue }
      let outcome = outcomes[event.sequence]
      Output.write(EventText.line(event, outcome: outcome, since: start, style: style))
      guard let patch = try store.content(of: outcome ?? event, "diff") else { continue }
      for line in DiffText.render(patch, style: style, mostLines: 24) {
        Output.write("\(EventText.indent)\(line)\n")
      }
    }
  }

  private func json(_ event: Event, _ store: AuditStore) throws -> JSONValue {
    var object: JSONObject = [
      "v": 1, "run": .string(event.run.text), "seq": JSONValue(event.sequence), "kind": .string(event.kind),
      "wall_ns": .int(event.wallTime), "mono_ns": .int(event.monotonic), "boot": .string(event.bootID),
      "position": JSONValue(event.position), "hash": .string("\(event.hash)"), "fields": event.fields,
    ]
    if content {
      var contents = JSONObject()
      for reference in event.content {
        contents[reference.name] = try JSONValue(
          store.content(of: event, reference.name).map { String(decoding: $0, as: UTF8.self) })
      }
      object["content"] = .object(contents)
    }
    return .object(object)
  }

  private func show(_ event: Event, _ store: AuditStore, _ style: Style) throws {
    for reference in event.content {
      guard let bytes = try store.content(of: event, reference.name) else {
        Output.write(style.faint("        \(Display.safe(reference.name)): erased") + "\n")
        continue
      }
      Output.write(style.faint("        \(Display.safe(reference.name)):") + "\n")
      for line in Display.safe(bytes).split(separator: "\n", omittingEmptySubsequences: false) {
        Output.write("        │ \(line)\n")
      }
    }
  }
}
