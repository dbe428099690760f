import Agent
import Conversation
import Foundation
import Git
import Paths
import Sandbox
import Synchronization
import TestReports
import Workspace

/// Shows a run to a person: plain lines, and in a terminal one live line below them that says what happens now.
final class ConsoleView: Sendable {
  private let traits: TerminalTraits
  private let style: Style
  private let state: Mutex<State>

  private struct State {
    var line = ""
    var isLineShown = false
    var activity = ""
    var activitySince = ContinuousClock.now
    var commands: [Int: (shell: String, since: ContinuousClock.Instant)] = [:]
    var tail = ""
    var spending = Spending()
    var frame = 0
    var modelText = ""
  }

  private static let frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]

  init(traits: TerminalTraits) {
    self.traits = traits
    style = Style(hasColor: traits.hasColor)
    state = Mutex(State())
  }

  /// Redraws the live line ten times a second until cancelled.
  func animate() async {
    guard traits.isLive else { return }
    while !Task.isCancelled {
      try? await Task.sleep(for: .milliseconds(100))
      state.withLock { redraw(&$0) }
    }
    state.withLock { clear(&$0) }
  }

  /// Shows one notice.
  func show(_ notice: RunNotice) {
    state.withLock { state in
      clear(&state)
      apply(notice, &state)
      redraw(&state)
    }
  }

  private func apply(_ notice: RunNotice, _ state: inout State) {
    switch notice {
    case .started(let header): started(header)
    case .phase(let phase): begin(Self.words(phase), &state)
    case .tests(let summary): tests(summary)
    case .commandStarted(let id, let shell, let purpose):
      flushModel(&state)
      state.commands[id] = (shell, .now)
      state.tail = ""
      begin(purpose == .tool ? "running \(shell)" : "\(Self.words(purpose)): \(shell)", &state)
    case .commandOutput(_, let bytes):
      if traits.isLive, let last = bytes.split(separator: 0x0a).last {
        state.tail = Display.safe(Array(last.suffix(200)))
      }
    case .commandEnded(let id, let status, let succeeded, let seconds):
      let shell = state.commands.removeValue(forKey: id)?.shell ?? ""
      state.tail = ""
      let mark = succeeded ? style.good("✓") : style.warning("•")
      let suffix = (succeeded ? "" : " [\(status)]") + " " + Display.seconds(seconds)
      Output.write(
        "  \(mark) \(Display.line(shell, width: max(20, traits.columns - suffix.count - 6)))\(style.faint(suffix))\n")
      begin("thinking", &state)
    case .tool(let name, let detail):
      guard name != "shell", name != "run_tests", name != "finish", name != "update_plan" else { return }
      flushModel(&state)
      Output.write("  \(style.good("✓")) \(style.faint(name)) \(Display.line(detail, width: traits.columns - 24))\n")
    case .toolFailed(let name, let reason):
      flushModel(&state)
      Output.write(
        "  \(style.warning("•")) \(Display.safe(name)): \(Display.line(reason, width: max(20, traits.columns - name.count - 8)))\n"
      )
    case .changed(let files):
      for file in files { Output.write(DiffText.render(file, style: style, mostLines: traits.isLive ? 40 : 0)) }
    case .plan(let steps):
      for step in steps {
        let mark =
          switch step.status {
          case "completed": style.good("☑")
          case "in_progress": style.name("▶")
          default: "☐"
          }
        Output.write("  \(mark) \(Display.line(step.text, width: traits.columns - 6))\n")
      }
    case .model(let progress): model(progress, &state)
    case .answered(let spending):
      state.spending = spending
      flushModel(&state)
    case .judged(let accepted, let findings):
      Output.write(
        accepted
          ? "  \(style.good("✓")) the judge accepts the change\n"
          : "  \(style.bad("✗")) the judge does not accept it: \(Display.line(findings, width: traits.columns - 36))\n")
    case .notice(let text): Output.write("  \(style.warning("!")) \(Display.safe(text))\n")
    case .ended: flushModel(&state)
    }
  }

  private func started(_ header: RunHeader) {
    let model =
      header.model.endpoint == nil
      ? "the built-in engine" : "\(header.model.provider)/\(header.model.name) at \(header.model.endpoint ?? "")"
    Output.write(
      "\(style.strong(header.isResumed ? "resuming" : "run")) \(style.name(header.run))  \(Display.safe(header.root))")
    if !header.project.isRoot { Output.write("/\(Display.safe(header.project.quoted))") }
    Output.write("\n  model    \(Display.safe(model))\n")
    if let test = header.testCommand {
      Output.write("  check    \(Display.safe(test.shell))  \(style.faint("(\(Display.safe(test.reason)))"))\n")
    }
    if !header.workspaceMode.hasPrefix("overlay") { Output.write("  sandbox  \(Display.safe(header.workspaceMode))\n") }
  }

  private func tests(_ summary: TestSummary) {
    let report = summary.report
    let failed = report.failing.count
    let text =
      report.isNamed
      ? "\(report.passing.count) passed" + (failed > 0 ? ", \(failed) failed" : "")
      : (report.exitStatus == 0 ? "the command succeeded" : "the command failed")
    Output.write("    \(failed > 0 || report.exitStatus != 0 ? style.bad(text) : style.good(text))\n")
    for name in report.failing.prefix(5) {
      Output.write("      \(style.bad("✗")) \(Display.line(name, width: traits.columns - 10))\n")
    }
    if failed > 5 { Output.write("      … and \(failed - 5) more\n") }
  }

  private func model(_ progress: ModelProgress, _ state: inout State) {
    switch progress {
    case .text(let text): state.modelText += text
    case .reasoning: begin("thinking", &state)
    case .toolCall(let name): begin("the model calls \(name)", &state)
    case .status(let text): begin(text, &state)
    case .retrying(let reason, let attempt, let seconds):
      Output.write(
        "  \(style.warning("!")) \(Display.safe(reason)); attempt \(attempt + 1) in \(Display.seconds(seconds))\n")
    }
  }

  private func flushModel(_ state: inout State) {
    let text = state.modelText.trimmingCharacters(in: .whitespacesAndNewlines)
    state.modelText = ""
    guard !text.isEmpty else { return }
    for line in Display.safe(text).split(separator: "\n", omittingEmptySubsequences: false) {
      Output.write("  │ \(line)\n")
    }
  }

  // MARK: The live line

  private func begin(_ activity: String, _ state: inout State) {
    guard state.activity != activity else { return }
    state.activity = activity
    state.activitySince = .now
  }

  private func clear(_ state: inout State) {
    guard traits.isLive, state.isLineShown else { return }
    Output.write("\r\u{1b}[2K")
    state.isLineShown = false
  }

  private func redraw(_ state: inout State) {
    guard traits.isLive, !state.activity.isEmpty, !TerminalQuestion.isOpen.load(ordering: .relaxed) else { return }
    state.frame = (state.frame + 1) % Self.frames.count
    let since = ContinuousClock.now - state.activitySince
    var right = " \(Display.seconds(Double(since.components.seconds)))"
    if state.spending.turns > 0, state.spending.usage.input > 0 {
      right +=
        " · \(state.spending.usage.input + state.spending.usage.output) tokens · \(Display.cost(state.spending.microdollars))"
    }
    let text = Display.line(
      state.activity + (state.tail.isEmpty ? "" : " — \(state.tail)"), width: max(10, traits.columns - right.count - 4))
    Output.write("\r\u{1b}[2K\(style.name(Self.frames[state.frame])) \(text)\(style.faint(right))")
    state.isLineShown = true
  }

  private static func words(_ phase: RunNotice.Phase) -> String {
    switch phase {
    case .setup: "preparing the project"
    case .baseline: "running the tests as they are"
    case .locating: "finding the code that matters"
    case .working: "thinking"
    case .verifying: "judging the change in a clean workspace"
    case .reviewing: "looking at the change once more"
    case .delivering: "delivering"
    }
  }

  private static func words(_ purpose: Effect.Execution.Purpose) -> String {
    switch purpose {
    case .tool: "running"
    case .baseline: "tests before any change"
    case .tests: "tests"
    case .verification: "judge"
    case .setup: "set-up"
    }
  }
}
