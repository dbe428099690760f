import ArgumentParser
import AuditTrail
import JSON
import Paths

/// `codeagent replay`: a run's change, made again from the record alone.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Make a run's change again from the record alone, and compare it byte for byte.",
    discussion: """
      No network, no model, no checkout: the recorded steps are applied to the recorded contents, and the final diff \
      is computed anew. Exit code 0 when it is the recorded one, 1 when some of it cannot be derived; then it says \
      where.
      """)

  @Argument(help: "The run's id, the beginning of one, or `last`.") var name = "last"
  @Flag(help: "Write the derived patch to standard output.") var patch = false
  @OptionGroup var output: OutputOptions

  func run() throws {
    let store = try Assembly().store()
    let run = try store.run(matching: name)
    let replay = try Replay(run, in: store)
    if patch {
      Output.write(replay.patch)
    } else if output.json {
      Output.write(json(run, replay).serialized + [0x0a])
    } else {
      show(run, replay)
    }
    if !replay.isIdentical { throw ExitStatus(code: 1) }
  }

  private func json(_ run: RunID, _ replay: Replay) -> JSONValue {
    [
      "v": 1, "run": .string(run.text), "identical": .bool(replay.isIdentical),
      "steps": .array(
        replay.steps.map {
          [
            "seq": JSONValue($0.sequence), "files": .array($0.paths.map { .string($0.quoted) }),
            "obstacle": JSONValue($0.obstacle),
          ]
        }),
      "files": .array(
        replay.files.map { ["path": .string($0.path.quoted), "obstacle": JSONValue($0.obstacle)] }),
    ]
  }

  private func show(_ run: RunID, _ replay: Replay) {
    let style = Style(hasColor: TerminalTraits.detect(Environment.current).hasColor)
    for step in replay.steps {
      let names = step.paths.prefix(4).map { Display.safe($0.quoted) }.joined(separator: ", ")
      let state = step.obstacle.map { style.warning("cannot: \(Display.safe($0))") } ?? style.good("made again")
      Output.write("  step \(step.sequence)".padding(to: 12) + "\(names)  \(state)\n")
    }
    for file in replay.files {
      guard let obstacle = file.obstacle else { continue }
      Output.write("  " + style.bad("✘ \(Display.safe(file.path.quoted))") + "  \(Display.safe(obstacle))\n")
    }
    guard let recorded = replay.recorded else {
      Output.write(style.warning("? \(run.text) has no final diff to compare with\n"))
      return
    }
    Output.write(
      replay.isIdentical
        ? style.good("✔ the final diff is the recorded one, byte for byte") + "  (\(recorded.count) bytes)\n"
        : style.bad("✘ the final diff could not be derived whole")
          + "  (\(replay.patch.count) of \(recorded.count) bytes)\n")
  }
}
