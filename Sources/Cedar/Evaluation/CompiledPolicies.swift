/// Policies made ready for many decisions: literals folded, and an index over the scopes, so that policies that cannot
/// apply to a request cost next to nothing.
public struct CompiledPolicies: Sendable {
  private struct Entry: Sendable {
    let effect: Effect
    let conditions: [Expression]
  }

  /// The policies in the order in which answers name them. Templates decide nothing and are left out.
  public let policies: [Policy]
  private let entries: [Entry]
  private let index: ScopeIndex

  /// Compiles the static and linked policies of a set.
  public init(_ set: PolicySet) {
    policies = set.policies
    entries = policies.map { Entry(effect: $0.effect, conditions: $0.conditions.map { $0.folded() }) }
    index = ScopeIndex(policies)
  }

  /// Decides. Every policy whose scope fits is evaluated, so that the answer names all that decided and all that
  /// failed.
  public func authorize(_ request: Request, _ entities: some EntitySource) -> Response {
    let evaluator = Evaluator(request, entities)
    var permits: [String] = []
    var forbids: [String] = []
    var failures: [Response.Failure] = []
    index.forEachCandidate(request, entities) { number in
      let entry = entries[number]
      do throws(Evaluator.Failure) {
        for condition in entry.conditions where try !evaluator.bool(condition) { return }
      } catch {
        let policy = policies[number]
        failures.append(
          Response.Failure(
            policy: policy.id, effect: entry.effect,
            error: EvaluationError(reason: error.reason, source: policy.sourceText, offset: error.offset)))
        return
      }
      if entry.effect == .permit { permits.append(policies[number].id) } else { forbids.append(policies[number].id) }
    }
    let isAllowed = forbids.isEmpty && !permits.isEmpty
    return Response(
      decision: isAllowed ? .allow : .deny, reasons: isAllowed ? permits : forbids, failures: failures)
  }
}
