import Crypto
import JSON

/// The digest of everything that decides: SHA-256 over canonical JSON.
enum PolicyDigest {
  static func hex(_ sources: PolicySources, schema: String) -> String {
    func files(_ files: [PolicyFile]) -> JSONValue {
      .array(files.map { ["layer": .string($0.layer.rawValue), "name": .string($0.name), "text": .string($0.text)] })
    }
    let document: JSONValue = [
      "version": .int(ShippedRules.version), "schema": .string(schema),
      "shipped": .string(String(decoding: LoadedPolicies.shippedText, as: UTF8.self)),
      "lists": .array(
        [
          ShippedRules.secretFiles, ShippedRules.secretFileExamples, ShippedRules.keyStores, ShippedRules.keyFiles,
          ShippedRules.testDirectories, ShippedRules.tokenFiles, ShippedRules.protectedNames, ShippedRules.gitInternals,
        ].map(strings)),
      "policies": files(sources.policies), "labels": files(sources.labels),
      "organisation": [
        "restrictions": restrictions(sources.organisation.restrictions), "grants": grants(sources.organisation.grants),
      ],
      "user": ["restrictions": restrictions(sources.user.restrictions), "grants": grants(sources.user.grants)],
      "repository": ["restrictions": restrictions(sources.repository)],
      "owners": .string(sources.owners.text), "internal_hosts": strings(sources.internalHosts),
      "chosen_models": strings(sources.chosenModels),
      "logged": strings(sources.loggedLayers.map(\.rawValue).sorted()),
    ]
    return hex(document.canonical)
  }

  static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: SHA256.hash(data: bytes).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  private static func restrictions(_ rules: Restrictions) -> JSONValue {
    [
      "deny_read": strings(rules.denyRead), "deny_write": strings(rules.denyWrite),
      "approve_delivery": strings(rules.approveDelivery), "deny_execute": strings(rules.denyExecute),
      "deny_hosts": strings(rules.denyHosts), "only_hosts": rules.onlyHosts.map(strings) ?? .null,
      "deny_models": strings(rules.denyModels), "only_models": rules.onlyModels.map(strings) ?? .null,
      "maximum_cost": rules.maximumMicrodollars.map(JSONValue.int) ?? .null,
      "maximum_tokens": rules.maximumTokens.map(JSONValue.int) ?? .null,
    ]
  }

  private static func grants(_ rules: Grants) -> JSONValue {
    [
      "allow_read": strings(rules.allowRead), "allow_hosts": strings(rules.allowHosts),
      "allow_models": strings(rules.allowModels), "allow_delivery": strings(rules.allowDelivery),
    ]
  }

  private static func strings(_ values: [String]) -> JSONValue { .array(values.map(JSONValue.string)) }
}
