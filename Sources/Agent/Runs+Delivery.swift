public import AuditTrail
import JSON
import Paths
import Workspace

extension Runs {
  /// Delivers the change of a run that has ended.
  public func deliver(_ run: RunID, _ request: DeliveryRequest) async throws -> RunResult {
    let store = services.store
    let events = try store.events(of: run)
    let state = try RunState(events: events) { event, name in try store.content(of: event, name) }
    guard let ended = state.ended, var outcome = ended["outcome"]?.string.flatMap(RunOutcome.init(rawValue:)) else {
      throw RunFailure(
        .repository, "\(run.text) has not ended", hint: "go on with it: codeagent runs resume \(run.text)")
    }
    guard let snapshot = ended["deliverable"]?.string else {
      throw RunFailure(.repository, "\(run.text) ended without a change that could be delivered (\(outcome.rawValue))")
    }
    if outcome == .refused || outcome == .conflict {
      // Only the delivery failed then: what the judge said is what there is to deliver.
      let ruling = events.last { $0.kind == EventKind.verification.rawValue }?.fields["ruling"]?.string
      let isProven =
        ruling == Judge.Verdict.Ruling.proven.rawValue && state.finish?.outcome != RunOutcome.unconfirmed.rawValue
      outcome = isProven ? .fixed : .unconfirmed
    }
    guard outcome != .unconfirmed || request.acceptUnconfirmed else {
      throw RunFailure(
        .repository, "the change of \(run.text) passes the tests but is not confirmed",
        hint: "look at it with `codeagent runs show \(run.text)`, then add --yes")
    }
    guard let checkout = state.started["checkout"]?.string.flatMap(Quoting.unquote) else {
      throw RunFailure(.record, "the record of \(run.text) does not name its checkout")
    }
    let location = try CheckoutLocation.resolve(checkout)
    let recorder = Recorder(log: try store.resume(run: run), redactor: services.redactor)
    let principal = principal(run.text, location)
    let mask = scan(location, principal, state.labels)
    let workspace = try await open(location, run.text, hiding: mask, resuming: true)
    let gate = gate(recorder, principal, state)
    gate.use(tracker(workspace, principal, state.labels, mask))
    var result = RunResult(run: run.text, outcome: outcome, reason: ended["reason"]?.string ?? "")
    let deliverable = try await workspace.snapshot(id: snapshot)
    result.diff = try await workspace.diff(from: nil, to: deliverable)
    result.summary = ended["summary"]?.string ?? ""
    do {
      result.delivered = try await Delivery(workspace: workspace, gate: gate, run: run.text).deliver(
        deliverable, request,
        message: "Change of codeagent run \(run.text)\n\n"
          + (try RecordTrailer.text(run: run.text, in: store, recorder)))
    } catch let error as Refusal {
      result.outcome = .refused
      result.reason = error.description
    }
    try recorder.flush()
    return result
  }
}
