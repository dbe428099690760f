public import Access
import AuditTrail
import Conversation
import JSON
import Paths

/// The one door: every effect is authorised, its intent recorded, done, and its outcome recorded.
///
/// Effects that change the world are *barriers*: their intent is durable, together with everything recorded before it,
/// before they begin. Reads are committed with the next barrier.
public final class Gate: Sendable {
  /// Asked when a rule wants a person's approval; returns who approved, or nil.
  public typealias Approver = @Sendable (Effect, Decision) async -> String?

  private let authorizer: any Authorizer
  private let principal: Principal
  private let approver: Approver?
  /// The run's record.
  let recorder: Recorder

  /// A gate for one run. Without an approver, what needs approval is refused.
  public init(authorizer: any Authorizer, principal: Principal, recorder: Recorder, approver: Approver?) {
    self.authorizer = authorizer
    self.principal = principal
    self.recorder = recorder
    self.approver = approver
  }

  /// Passes one effect through the door.
  ///
  /// - Parameters:
  ///   - effect: what is about to happen.
  ///   - call: the model's tool call that caused it.
  ///   - content: what the intent commits to beside its fields: a patch, a request.
  ///   - body: does it, and says what is recorded of the outcome.
  /// - Throws: ``Refusal`` when policy does not permit it, `AuditError` when it cannot be recorded, and what `body`
  ///   throws, recorded as the outcome.
  func perform<Value: Sendable>(
    _ effect: Effect, call: String? = nil, content: [String: [UInt8]] = [:],
    _ body: () async throws -> EffectOutcome<Value>
  ) async throws -> Value {
    let decision = try await authorize(effect, call: call)
    var fields = effect.json.object ?? JSONObject()
    fields["call"] = JSONValue(call)
    fields["rules"] = .array(decision.rules.map { .string("\($0)") })
    fields["policy"] = .string(decision.policyDigest)
    let intent = try recorder.append(.effectIntent, .object(fields), content: content, durable: effect.isBarrier)
    do {
      let outcome = try await body()
      var result = outcome.fields
      result["intent"] = JSONValue(intent)
      result["outcome"] = "done"
      try recorder.append(.effectOutcome, .object(result), content: outcome.content)
      return outcome.value
    } catch let error as AuditError {
      throw error
    } catch {
      try recorder.append(
        .effectOutcome,
        [
          "intent": JSONValue(intent), "outcome": Self.isCancellation(error) ? "cancelled" : "failed",
          "error": .string("\(error)"),
        ])
      throw error
    }
  }

  private static func isCancellation(_ error: any Error) -> Bool {
    error is CancellationError || (error as? ModelError)?.kind == .cancelled
  }

  /// Whether a file or a directory may be read without asking anybody, and so be named at all. Nothing is recorded.
  func mayRead(_ path: RepoPath) -> Bool {
    Effect.read(path).accessRequests(principal: principal).allSatisfy { authorizer.decide($0).outcome == .permit }
  }

  /// Decides on an effect without doing it; refusals are recorded.
  func authorize(_ effect: Effect, call: String? = nil) async throws -> Decision {
    var permitted: Decision?
    for request in effect.accessRequests(principal: principal) {
      var decision = authorizer.decide(request)
      if decision.outcome == .needsApproval, let approver, let person = await approver(effect, decision) {
        var approved = request
        approved.context.approved = true
        decision = authorizer.decide(approved)
        try recorder.append(
          .approval, ["effect": effect.json, "by": .string(person), "granted": .bool(decision.outcome == .permit)])
      }
      guard decision.outcome == .permit else {
        throw try refusal(effect, decision, call)
      }
      permitted = decision
    }
    guard let permitted else {
      let decision = Decision(
        outcome: .deny, rules: [], reason: "the effect names nothing that could be decided on",
        policyDigest: authorizer.digest)
      throw try refusal(effect, decision, call)
    }
    return permitted
  }

  /// Records that policy did not permit an effect, durably.
  private func refusal(_ effect: Effect, _ decision: Decision, _ call: String?) throws(AuditError) -> Refusal {
    var fields = effect.json.object ?? JSONObject()
    fields["call"] = JSONValue(call)
    fields["decision"] = .string("\(decision.outcome)")
    fields["reason"] = .string(decision.reason)
    fields["rules"] = .array(decision.rules.map { .string("\($0)") })
    fields["policy"] = .string(decision.policyDigest)
    try recorder.append(.refusal, .object(fields), durable: true)
    return Refusal(effect: effect, decision: decision)
  }
}

/// What `body` of ``Gate/perform(_:call:content:_:)`` hands back.
struct EffectOutcome<Value: Sendable>: Sendable {
  var value: Value
  var fields: JSONObject = JSONObject()
  var content: [String: [UInt8]] = [:]
}

/// Policy did not permit an effect.
public struct Refusal: Error, Sendable, CustomStringConvertible {
  /// What was asked.
  public let effect: Effect
  /// What policy said.
  public let decision: Decision

  /// A sentence for the model and for people.
  public var description: String {
    switch decision.outcome {
    case .needsApproval: "policy asks a person to approve this: \(decision.reason)"
    default: "refused by policy: \(decision.reason)"
    }
  }
}
