import Cedar
import Paths

/// A policy with what decisions say of it.
struct LoadedPolicy: Sendable {
  let rule: RuleID
  let layer: LayerName
  let effect: Effect
  /// The value of `@reason`.
  let reason: String?
  let file: String
  let line: Int
  let text: String
}

/// A policy in force, for people.
public struct PolicyDescription: Sendable, Hashable {
  /// What decisions call it.
  public let rule: RuleID
  /// The layer that it belongs to.
  public let layer: LayerName
  /// True for a `forbid`.
  public let isForbid: Bool
  /// Where it stands.
  public let file: String
  /// The line there, from 1.
  public let line: Int
  /// The value of its annotation `@reason`.
  public let reason: String?
  /// The policy as it was written.
  public let text: String
}

/// Policies that decide together, compiled.
struct PolicyEngine: Sendable {
  let policies: [RuleID: LoadedPolicy]
  /// True when some policy speaks of approval: else nobody has to be asked about a denial.
  let asksForApproval: Bool
  private let compiled: CompiledPolicies

  /// What the policies say to one request.
  struct Verdict {
    var isAllowed: Bool
    /// The satisfied permits, or the satisfied forbids.
    var rules: [RuleID]
    /// Forbids that could not be evaluated: they deny.
    var erredForbids: [(rule: RuleID, reason: String)]
  }

  init(_ set: PolicySet, _ loaded: [LoadedPolicy]) {
    compiled = CompiledPolicies(set)
    policies = Dictionary(loaded.map { ($0.rule, $0) }) { first, _ in first }
    asksForApproval = set.policies.contains {
      let names = $0.attributeNames
      return names.contains("approved") || names.contains("approvals")
    }
  }

  func evaluate(_ entities: RequestEntities, _ context: Record) -> Verdict {
    let response = compiled.authorize(
      Request(
        principal: entities.principal.run, action: entities.action, resource: entities.resource.uid, context: context),
      entities)
    return Verdict(
      isAllowed: response.decision == .allow, rules: response.reasons.map(RuleID.init(rawValue:)),
      erredForbids: response.hasFailedForbid
        ? response.failures.filter { $0.effect == .forbid }.map { (RuleID(rawValue: $0.policy), $0.error.message) } : []
    )
  }

  /// Why the first of these rules that says it decides so.
  func reason(of rules: [RuleID]) -> String? {
    for rule in rules {
      if let reason = policies[rule]?.reason, !reason.isEmpty { return RequestText.line(reason) }
    }
    return nil
  }
}
