public import Access
import AuditTrail
import Conversation
import Glibc
import JSON
import Paths
import Synchronization

/// The one door: every effect is authorised, its intent recorded, done, and its outcome recorded.
///
/// Effects that change the world are *barriers*: their intent is durable, together with everything recorded before it,
/// before they begin. Reads are committed with the next barrier.
///
/// What a run has read flows into everything that it does afterwards: the labels of all that it was shown, or that its
/// commands could see, are part of every later question to policy.
public final class Gate: Sendable {
  /// Asked when policy wants people's approval; returns what they gave. Never asked twice about what they approved, as long
  /// as that has not expired.
  public typealias Approver = @Sendable (ApprovalRequest) async -> [Approval]

  let authorizer: any Authorizer
  let principal: Principal
  private let approver: Approver?
  /// The run's own model, whose conversation takes up all that is read.
  private let model: Resource.Model?
  private let regions: [String: String]
  /// The run's record.
  let recorder: Recorder
  private let state: Mutex<State>
  /// One question at a time: programs of one command can wait together.
  let questions = QuestionQueue()

  private struct State {
    var labels: Set<String>
    var approvals: [ActionDigest: [Approval]]
    var spending = Resource.Spending(microdollars: 0, tokens: 0)
    var files: LabelTracker?
    /// How many programs and connections of an effect are recorded one by one.
    var mostRecorded = SandboxTerms().recorded
    /// How many decisions about programs and connections may still be recorded for this effect.
    var decisionsLeft = SandboxTerms().recorded
    /// What people were asked about within this effect, and did not approve.
    var declined: Set<ActionDigest> = []
    /// What has to hold before anything is executed.
    var trial: SandboxTrial?
  }

  /// A gate for one run. Without an approver, what needs approval is refused.
  /// - Parameters:
  ///   - model: the run's own model; nil for none.
  ///   - regions: where providers compute, by their names.
  ///   - labels: of what the run has read before this process.
  ///   - approvals: given before this process.
  public init(
    authorizer: any Authorizer, principal: Principal, recorder: Recorder, approver: Approver?,
    model: Resource.Model? = nil, regions: [String: String] = [:], labels: Set<String> = [],
    approvals: [Approval] = []
  ) {
    self.authorizer = authorizer
    self.principal = principal
    self.recorder = recorder
    self.approver = approver
    self.model = model
    self.regions = regions
    state = Mutex(State(labels: labels, approvals: Dictionary(grouping: approvals, by: \.action)))
  }

  /// The labels of all that the run has read.
  public var labels: Set<String> { state.withLock { $0.labels } }

  /// What knows the labels of the workspace's files; without it they are told from paths alone.
  func use(_ files: LabelTracker) { state.withLock { $0.files = files } }

  /// From now on nothing is executed before this trial's outcome is known and recorded.
  func waits(for trial: SandboxTrial) { state.withLock { $0.trial = trial } }

  /// Waits for the trial of the sandbox's promises.
  /// - Throws: ``RunFailure`` when one does not hold, `AuditError` when that cannot be recorded.
  func sandboxHolds() async throws { try await state.withLock { $0.trial }?.holds() }

  /// What the run has used up so far.
  func setSpending(_ spending: Resource.Spending) { state.withLock { $0.spending = spending } }

  /// How many programs, connections and decisions about them an effect's record holds one by one.
  func keepsAtMost(_ number: Int) { state.withLock { $0.mostRecorded = number } }

  /// Whether one more decision about a program or a connection is recorded.
  func mayRecordDecision() -> Bool {
    state.withLock { state in
      state.decisionsLeft -= 1
      return state.decisionsLeft >= 0
    }
  }

  private var files: LabelTracker? { state.withLock { $0.files } }

  /// Passes one effect through the door.
  ///
  /// - Parameters:
  ///   - effect: what is about to happen.
  ///   - call: the model's tool call that caused it.
  ///   - content: what the intent commits to beside its fields: a patch, a request.
  ///   - details: what else the intent says.
  ///   - body: does it, and says what is recorded of the outcome.
  /// - Throws: ``Refusal`` when policy does not permit it, `AuditError` when it cannot be recorded, and what `body`
  ///   throws, recorded as the outcome.
  func perform<Value: Sendable>(
    _ effect: Effect, call: String? = nil, content: [String: [UInt8]] = [:], details: JSONObject = JSONObject(),
    _ body: () async throws -> EffectOutcome<Value>
  ) async throws -> Value {
    if effect.runsCommands { try await sandboxHolds() }
    let passage = try await authorize(effect, call: call, content: content)
    var fields = (effect.json.object ?? JSONObject()).merging(details)
    fields["call"] = JSONValue(call)
    fields["rules"] = .array(passage.rules.map { .string("\($0)") })
    fields["policy"] = .string(authorizer.digest)
    fields["labels"] = Self.json(passage.labels)
    if !passage.gains.isEmpty { fields["gains"] = Self.json(passage.gains) }
    let intent = try recorder.append(.effectIntent, .object(fields), content: content, durable: effect.isBarrier)
    // Also when it fails: what went wrong is told in words that may come from what was read.
    state.withLock { $0.labels.formUnion(passage.gains) }
    let ledger = effect.runsCommands ? openLedger(intent, passage.labels) : nil
    do {
      let outcome = try await CommandLedger.$current.withValue(ledger, operation: body)
      var result = outcome.fields
      if let ledger { for member in try ledger.close().members { result[member.name] = member.value } }
      result["intent"] = JSONValue(intent)
      result["outcome"] = "done"
      if !outcome.labels.isEmpty { result["gains"] = Self.json(outcome.labels) }
      state.withLock { $0.labels.formUnion(outcome.labels) }
      try recorder.append(.effectOutcome, .object(result), content: outcome.content)
      return outcome.value
    } catch let error as AuditError {
      throw error
    } catch {
      var result = try ledger?.close() ?? JSONObject()
      result["intent"] = JSONValue(intent)
      result["outcome"] = Self.isCancellation(error) ? "cancelled" : "failed"
      result["error"] = .string("\(error)")
      try recorder.append(.effectOutcome, .object(result))
      throw error
    }
  }

  /// A ledger for what an effect's commands execute.
  private func openLedger(_ intent: Int, _ labels: Set<String>) -> CommandLedger {
    let most = state.withLock { state in
      state.decisionsLeft = state.mostRecorded
      state.declined = []
      return state.mostRecorded
    }
    return CommandLedger(recorder, intent: intent, labels: labels, most: most)
  }

  private static func isCancellation(_ error: any Error) -> Bool {
    error is CancellationError || (error as? ModelError)?.kind == .cancelled
  }

  /// Whether a file or a directory may be read without asking anybody, and so be named at all. Nothing is recorded.
  func mayRead(_ path: RepoPath) -> Bool {
    if let files { return !files.isHidden(path) }
    let file = Resource.File(path: path, repository: principal.repository)
    return authorizer.decide(
      AccessRequest(
        principal: principal, action: .read, resource: .file(file), context: AccessContext(labels: labels))
    ).isPermitted
  }

  private static func json(_ labels: Set<String>) -> JSONValue { .array(labels.sorted().map { .string($0) }) }

  // MARK: Deciding

  /// What policy said to an effect that may be done.
  struct Passage: Sendable {
    /// The rules that decided, of all requests.
    var rules: [RuleID]
    /// The labels at that moment.
    var labels: Set<String>
    /// The labels that the effect brings.
    var gains: Set<String>
  }

  /// Decides on an effect without doing it; refusals are recorded.
  func authorize(_ effect: Effect, call: String? = nil, content: [String: [UInt8]] = [:]) async throws -> Passage {
    let (labels, spending) = state.withLock { ($0.labels, $0.spending) }
    let asked = await effect.access(
      principal: principal, labels: labels, files: files, authorizer: authorizer, regions: regions, spending: spending)
    var decisions = asked.requests.map { ($0, authorizer.decide($0)) }
    if decisions.isEmpty {
      let decision = Decision(
        outcome: .deny, rules: [], reason: "the effect names nothing that could be decided on",
        policyDigest: authorizer.digest)
      throw try refusal(effect, decision, call, labels, nil)
    }
    let waiting = decisions.filter { $0.1.outcome == .needsApproval && $0.1.isEnforced }
    var action: ActionDigest?
    // Nobody is asked about what is refused anyway.
    if let hardest = waiting.map(\.1).max(by: { $0.approvals < $1.approvals }),
      !decisions.contains(where: { $0.1.outcome == .deny && $0.1.isEnforced })
    {
      let digest = digest(of: effect, content, labels)
      action = digest
      let count = try await approvals(of: digest, effect, hardest)
      if count > 0 {
        decisions = asked.requests.map { request in
          var request = request
          request.context.approvals = count
          return (request, authorizer.decide(request))
        }
      }
    }
    for (_, decision) in decisions where decision.outcome != .permit {
      if decision.isPermitted {
        try recordRefusal(effect, decision, call, labels, nil)
      } else {
        throw try refusal(effect, decision, call, labels, action)
      }
    }
    if let decision = tainting(asked.gains, labels, effect) { throw try refusal(effect, decision, call, labels, nil) }
    var seen: Set<RuleID> = []
    return Passage(
      rules: decisions.flatMap(\.1.rules).filter { seen.insert($0).inserted }, labels: labels,
      gains: asked.gains.subtracting(labels))
  }

  /// Which of these files may be shown to the model, and the labels that they bring.
  func disclosable(_ paths: [RepoPath]) async -> (paths: Set<RepoPath>, labels: Set<String>) {
    var shown: Set<RepoPath> = []
    var gains: Set<String> = []
    let labels = labels
    for path in Set(paths).sorted() {
      let effect = Effect.read(path)
      let asked = await effect.access(
        principal: principal, labels: labels, files: files, authorizer: authorizer, regions: regions,
        spending: Resource.Spending(microdollars: 0, tokens: 0))
      guard asked.requests.allSatisfy({ authorizer.decide($0).isPermitted }),
        tainting(asked.gains.union(gains), labels, effect) == nil
      else { continue }
      shown.insert(path)
      gains.formUnion(asked.gains)
    }
    return (shown, gains.subtracting(labels))
  }

  /// The denial of an effect after which the run's own model could not be called any more; nil when it still could.
  private func tainting(_ gains: Set<String>, _ labels: Set<String>, _ effect: Effect) -> Decision? {
    guard let model, !gains.isSubset(of: labels) else { return nil }
    func call(_ labels: Set<String>) -> Decision {
      authorizer.decide(
        AccessRequest(
          principal: principal, action: .callModel, resource: .model(model), context: AccessContext(labels: labels)))
    }
    let after = call(labels.union(gains))
    // A model that may not be called at all is refused when it is called.
    guard !after.isPermitted, call(labels).isPermitted else { return nil }
    let names = Label.plain(gains.subtracting(labels)).sorted().joined(separator: ", ")
    return Decision(
      outcome: .deny, rules: after.rules,
      reason: "what is labelled \(names) may not reach this run's model: \(after.reason)",
      policyDigest: authorizer.digest)
  }

  // MARK: Approval

  func digest(of effect: Effect, _ content: [String: [UInt8]], _ labels: Set<String>) -> ActionDigest {
    ActionDigest(
      of: ["run": .string(principal.run), "effect": effect.json, "labels": Self.json(labels)], contents: content)
  }

  /// Whether people can be asked at all.
  var hasApprover: Bool { approver != nil }

  /// Who has approved an action, up to now.
  func people(approving action: ActionDigest) -> Set<String> {
    let now = Self.now()
    return state.withLock { Set(($0.approvals[action] ?? []).filter { $0.expires > now }.map(\.person)) }
  }

  /// Whether people were asked about an action within this effect, and did not approve it.
  func isDeclined(_ action: ActionDigest) -> Bool { state.withLock { $0.declined.contains(action) } }

  func decline(_ action: ActionDigest) { state.withLock { _ = $0.declined.insert(action) } }

  /// How many people have approved an action, after those were asked who can be.
  func approvals(of action: ActionDigest, _ effect: Effect, _ decision: Decision) async throws -> Int {
    func people() -> Set<String> { self.people(approving: action) }
    let known = people()
    guard known.count < decision.approvals, let approver else { return known.count }
    let given = await approver(
      ApprovalRequest(action: action, effect: effect, decision: decision, people: known))
    for approval in given where approval.action == action && approval.expires > Self.now() {
      state.withLock { $0.approvals[action, default: []].append(approval) }
      var fields = approval.json
      fields["effect"] = effect.json
      fields["granted"] = true
      fields["rules"] = .array(decision.rules.map { .string("\($0)") })
      fields["policy"] = .string(decision.policyDigest)
      try recorder.append(.approval, .object(fields), durable: true)
    }
    return people().count
  }

  /// Seconds since 1970.
  private static func now() -> Int64 { Int64(time(nil)) }

  // MARK: Refusing

  /// Records that policy did not permit an effect, durably.
  private func refusal(
    _ effect: Effect, _ decision: Decision, _ call: String?, _ labels: Set<String>, _ action: ActionDigest?
  ) throws(AuditError) -> Refusal {
    try recordRefusal(effect, decision, call, labels, action)
    return Refusal(effect: effect, decision: decision, action: action)
  }

  private func recordRefusal(
    _ effect: Effect, _ decision: Decision, _ call: String?, _ labels: Set<String>, _ action: ActionDigest?
  ) throws(AuditError) {
    var fields = (effect.json.object ?? JSONObject()).merging(decision.fields(labels: labels))
    fields["call"] = JSONValue(call)
    if let action {
      fields["action"] = .string(action.hex)
      fields["approvals"] = JSONValue(decision.approvals)
    }
    try recorder.append(.refusal, .object(fields), durable: decision.isEnforced)
  }
}

/// What `body` of ``Gate/perform(_:call:content:_:)`` hands back.
struct EffectOutcome<Value: Sendable>: Sendable {
  var value: Value
  var fields: JSONObject = JSONObject()
  var content: [String: [UInt8]] = [:]
  /// Labels of what was disclosed that the intent could not know yet.
  var labels: Set<String> = []
}

/// Policy did not permit an effect.
public struct Refusal: Error, Sendable, CustomStringConvertible {
  /// What was asked.
  public let effect: Effect
  /// What policy said.
  public let decision: Decision
  /// What people would have to approve; nil where no approval would help.
  public let action: ActionDigest?

  /// A sentence for the model and for people.
  public var description: String {
    switch decision.outcome {
    case .needsApproval:
      "policy asks for approval: \(decision.reason)"
        + (decision.approvals > 1 && action != nil
          ? "; others give theirs by: codeagent policy approve \(action?.hex ?? "")" : "")
    default: "refused by policy: \(decision.reason)"
    }
  }
}
