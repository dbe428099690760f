import Crypto
import JSON

/// The digest of a set of rules: SHA-256 over their canonical JSON.
enum PolicyDigest {
  static func hex(
    organisation: PolicyLayer, user: PolicyLayer, repository: Restrictions, chosenModel: String?
  ) -> String {
    let document: JSONValue = [
      "shipped": .int(ShippedRules.version),
      "lists": .array(
        [
          ShippedRules.secretFiles, ShippedRules.secretFileExamples, ShippedRules.keyStores, ShippedRules.keyFiles,
          ShippedRules.testDirectories, ShippedRules.tokenFiles, ShippedRules.protectedNames, ShippedRules.gitInternals,
        ].map(strings)),
      "organisation": [
        "restrictions": restrictions(organisation.restrictions), "grants": grants(organisation.grants),
      ],
      "user": ["restrictions": restrictions(user.restrictions), "grants": grants(user.grants)],
      "repository": ["restrictions": restrictions(repository)],
      "chosen_model": JSONValue(chosenModel),
    ]
    let digest = SHA256.hash(data: document.canonical)
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
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
