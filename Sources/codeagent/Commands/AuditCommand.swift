import Agent
import ArgumentParser
import AuditTrail
import JSON

/// `codeagent audit`: reading and checking the record.
struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "Read the record of runs, and check that nobody changed it.",
    subcommands: [Log.self, Verify.self])

  /// A run's events.
  struct Log: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show everything that a run did, in order.",
      discussion:
        "EXAMPLES\n  codeagent audit log last\n  codeagent audit log r-2026 --content | less\n  codeagent audit log last --json | jq .kind"
    )

    @Argument(help: "The run's id, the beginning of one, or `last`.") var name = "last"
    @Flag(help: "Show prompts, answers, output and diffs, too.") var content = false
    @OptionGroup var output: OutputOptions

    func run() throws {
      let store = try Assembly().store()
      let style = Style(hasColor: TerminalTraits.detect(Environment.current).hasColor)
      let events = try store.events(of: try store.run(matching: name))
      let start = events.first?.wallTime ?? 0
      for event in events {
        if output.json {
          var object: JSONObject = [
            "v": 1, "run": .string(event.run.text), "seq": JSONValue(event.sequence), "kind": .string(event.kind),
            "wall_ns": .int(event.wallTime), "hash": .string("\(event.hash)"), "fields": event.fields,
          ]
          if content {
            var contents = JSONObject()
            for reference in event.content {
              contents[reference.name] = try JSONValue(
                store.content(of: event, reference.name).map { String(decoding: $0, as: UTF8.self) })
            }
            object["content"] = .object(contents)
          }
          Output.write(JSONValue.object(object).serialized + [0x0a])
          continue
        }
        Output.write(EventText.line(event, since: start, style: style))
        guard content else { continue }
        for reference in event.content {
          guard let bytes = try store.content(of: event, reference.name) else {
            Output.write(style.faint("        \(reference.name): erased") + "\n")
            continue
          }
          Output.write(style.faint("        \(reference.name):") + "\n")
          for line in Display.safe(bytes).split(separator: "\n", omittingEmptySubsequences: false) {
            Output.write("        │ \(line)\n")
          }
        }
      }
    }
  }

  /// Checks the chain.
  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check that the record is whole: no event changed, missing, added or moved.")

    @Argument(help: "Only this run; all of them when not given.") var name: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
      let store = try Assembly().store()
      let report = try store.verify(run: try name.map { try store.run(matching: $0) })
      if output.json {
        Output.write(
          JSONValue.object([
            "v": 1, "events": JSONValue(report.count), "whole": .bool(report.isWhole),
            "first_bad": JSONValue(report.firstBad?.description),
            "damage": .array(report.damage.map { .string($0) }), "head": JSONValue(report.head.map { "\($0)" }),
          ]).serialized + [0x0a])
      } else if let bad = report.firstBad {
        Output.write("✘ the record was changed: \(bad)\n")
      } else if let damage = report.damage.first {
        Output.write("✘ the record is damaged: \(Display.safe(damage))\n")
      } else {
        Output.write(
          "✔ \(report.count) events, whole and in order"
            + (report.head.map { "; head \($0)" } ?? "") + "\n")
      }
      if !report.isWhole { throw ExitStatus(code: 8) }
    }
  }
}
