import Access
import AuditTrail
import JSON
import Sandbox
import Workspace

/// How a run's commands are held: tried at its start, recorded, and put in force for every copy of its workspace.
extension Runs {
  /// Records what came of trying the sandbox's promises, and refuses to go on when one does not hold. From then on every
  /// command's programs and connections pass the gate.
  static func hold(
    _ workspace: Workspace, by gate: Gate, _ services: RunServices, _ assurance: SandboxAssurance
  ) throws {
    let terms = services.sandboxTerms
    let names = services.authorizer.programNames
    let mayConnect = RunNetwork(services, level: assurance.level) != nil
    try gate.recorder.append(
      .sandbox,
      [
        "level": .string(assurance.level.rawValue), "lacks": .array(assurance.level.lacks.map { .string($0) }),
        "holds": .bool(assurance.holds), "milliseconds": JSONValue(Int(assurance.duration * 1000)),
        "watch": .string(!terms.watchesPrograms ? "off" : names == nil ? "recorded" : "asked"),
        "network": .string(mayConnect ? "by policy" : "off"),
        "checks": .array(
          assurance.checks.map { ["name": .string($0.name), "ok": .bool($0.ok), "detail": .string($0.detail)] }),
      ], durable: !assurance.holds)
    if let failure = assurance.failure { throw RunFailure(.sandbox, failure.message, hint: failure.hint) }
    guard terms.watchesPrograms || names == nil else {
      throw RunFailure(
        .policy, "the watch of programs is switched off, and policies have rules about programs",
        hint: "remove `watch = \"off\"` from [sandbox], or the rules")
    }
    gate.keepsAtMost(terms.recorded)
    let decisions = ProgramDecisions()
    let isWatched = terms.watchesPrograms
    let most = terms.recorded
    let endpoints = services.endpoints
    // The gate knows the workspace, and must not be kept by it: with it, the record would stay open after the run.
    let ask: @Sendable (ExecEvent, Set<String>) -> ExecVerdict = { [weak gate] event, labels in
      gate.map { decisions.decide(event, labels: labels, by: $0) } ?? .deny(rule: Gate.unrecorded)
    }
    workspace.supervise(
      CommandSupervision(
        watch: { [weak gate] in
          guard isWatched else { return nil }
          let labels = CommandLedger.current?.labels ?? gate?.labels ?? []
          guard let names else { return ExecWatch(recorded: most) }
          return ExecWatch(
            programs: names, recorded: most, authorize: { ask($0, labels) },
            decide: { [weak gate] in await gate?.decideStart($0, labels: labels) ?? .deny(rule: Gate.unrecorded) })
        },
        network: { [weak gate] in
          guard mayConnect, let gate else { return nil }
          // The intent has brought the labels of what the command can see.
          let labels = gate.labels.union(CommandLedger.current?.labels ?? [])
          return NetworkAccess(endpoints: endpoints) { [weak gate] in
            gate?.mayConnect($0, labels: labels) ?? .deny(rule: Gate.unrecorded)
          }
        },
        ended: { CommandLedger.current?.note($0, under: $1) }))
  }
}
