/// One file of policies, or of labels.
public struct PolicyFile: Sendable, Hashable {
  /// The layer that it belongs to.
  public var layer: LayerName
  /// Its name for messages: a path.
  public var name: String
  /// All of it.
  public var text: String

  /// A file.
  public init(layer: LayerName, name: String, text: String) {
    self.layer = layer
    self.name = name
    self.text = text
  }
}

/// Everything that decides what a run may do.
public struct PolicySources: Sendable {
  /// Cedar policies beside those that ship. A repository's may only forbid.
  public var policies: [PolicyFile] = []
  /// Label files; see ``Label``.
  public var labels: [PolicyFile] = []
  /// What holds for everybody on this machine, from its configuration.
  public var organisation = PolicyLayer()
  /// The user's own configuration.
  public var user = PolicyLayer()
  /// From the committed base of the repository; it can only take away.
  public var repository = Restrictions()
  /// Who owns which files, from the committed base.
  public var owners = CodeOwners()
  /// Hosts that count as the organisation's own network, beside private addresses; see ``HostPattern``.
  public var internalHosts: [String] = []
  /// Models that the user or the configuration chose for this run, as `provider/name`.
  public var chosenModels: [String] = []
  /// Tools of MCP servers, for the schema.
  public var tools: [Resource.Tool] = []
  /// Layers whose policies are recorded and not enforced. What ships is always enforced.
  public var loggedLayers: Set<LayerName> = []

  /// Nothing beside what ships.
  public init() {}
}
