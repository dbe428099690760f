import Cedar

/// What there is to say of policies before they are put in force.
public struct PolicyCheck: Sendable {
  /// What stops every run.
  public private(set) var errors: [PolicyError] = []
  /// What is legal, and probably not meant.
  public private(set) var warnings: [PolicyFinding] = []
  /// How many policies there are beside those that ship.
  public private(set) var policies = 0
  /// How many label rules there are.
  public private(set) var labelRules = 0
  /// The digest of what was checked; nil with errors.
  public private(set) var digest: String?

  /// Reads and validates everything, and goes on after a mistake.
  public init(_ sources: PolicySources) {
    var given: Set<String> = [Label.secret, Label.protected, Label.gitInternal, Label.outsideText]
    for file in sources.labels {
      do throws(PolicyError) {
        let rules = try LabelFile.parse(file.text, file: file.name, layer: file.layer)
        labelRules += rules.count
        given.formUnion(rules.flatMap(\.labels))
      } catch { errors.append(error) }
    }
    do throws(PolicyError) {
      let settings = try CompiledSettings(
        organisation: sources.organisation, user: sources.user, repository: sources.repository)
      let result = try LoadedPolicies.load(sources, settings: settings)
      errors += result.errors
      warnings += result.loaded.warnings
      for (policy, layer) in result.loaded.policies where layer != .shipped {
        policies += 1
        warnings += Self.findings(policy, layer, given)
      }
    } catch { errors.append(error) }
    guard errors.isEmpty else { return }
    do throws(PolicyError) { digest = try CedarAuthorizer(sources).digest } catch { errors.append(error) }
  }

  private static func findings(_ policy: Policy, _ layer: LayerName, _ given: Set<String>) -> [PolicyFinding] {
    func finding(_ reason: String) -> PolicyFinding {
      PolicyFinding(
        PolicyError(layer: layer, file: policy.source, line: policy.position.line, reason: reason))
    }
    var findings: [PolicyFinding] = []
    for label in policy.textsLookedFor(in: "labels").sorted() where !given.contains(label) && !label.contains("/") {
      findings.append(finding("no label file gives the label \(RequestText.quote(label))"))
    }
    if policy.effect == .forbid, !policy.attributesMatched.isDisjoint(with: ["path", "name"]) {
      findings.append(
        finding("`like` compares case, and a file system may not: match resource.folded, in lower case, instead"))
    }
    if policy.effect == .forbid, policy.annotation("reason") == nil {
      findings.append(finding("without @reason(\"…\") nobody is told why it forbids"))
    }
    return findings
  }
}
