import Access

extension CedarAuthorizer {
  /// Policies made of settings alone.
  init(
    organisation: PolicyLayer = PolicyLayer(), user: PolicyLayer = PolicyLayer(),
    repository: Restrictions = Restrictions(), chosenModel: String? = nil
  ) throws(PolicyError) {
    var sources = PolicySources()
    sources.organisation = organisation
    sources.user = user
    sources.repository = repository
    sources.chosenModels = chosenModel.map { [$0] } ?? []
    try self.init(sources)
  }

  /// Policies made of files: Cedar text and label rules by layer.
  init(
    policies: [(LayerName, String)], labels: [(LayerName, String)] = [], owners: String = "",
    change: (inout PolicySources) -> Void = { _ in }
  ) throws(PolicyError) {
    var sources = PolicySources()
    for (index, (layer, text)) in policies.enumerated() {
      sources.policies.append(PolicyFile(layer: layer, name: "p\(index).cedar", text: text))
    }
    for (index, (layer, text)) in labels.enumerated() {
      sources.labels.append(PolicyFile(layer: layer, name: "l\(index).labels", text: text))
    }
    sources.owners = CodeOwners(owners)
    change(&sources)
    try self.init(sources)
  }
}
