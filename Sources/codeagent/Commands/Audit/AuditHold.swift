import ArgumentParser
import AuditTrail

/// `codeagent audit hold`: runs that must not be erased.
struct AuditHold: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hold", abstract: "Keep a run from being erased, or release it; list what is held.")

  @Argument(help: "The run; without one, the runs on hold are listed.") var name: String?
  @Option(help: "Why it is held, or released.") var reason: String?
  @Flag(help: "End the hold.") var release = false

  func run() throws {
    let store = try Assembly().store()
    guard let name else {
      for hold in try store.holds() {
        Output.write("\(hold.run.text)  since \(UTCTime.text(hold.time))  \(Display.safe(hold.reason))\n")
      }
      return
    }
    guard let reason, !reason.isEmpty else { throw UsageFailure("say why: --reason TEXT") }
    let run = try store.run(matching: name)
    if release {
      try store.release(run, reason: reason, by: AuditInput.user())
      Output.write("\(run.text) is no longer held\n")
    } else {
      try store.hold(run, reason: reason, by: AuditInput.user())
      Output.write("\(run.text) is held: nothing of it is erased until it is released\n")
    }
  }
}
