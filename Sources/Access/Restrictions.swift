/// Where a layer of rules comes from; each later one is trusted less.
public enum LayerName: String, Sendable, Hashable, CaseIterable {
  /// What comes with the product.
  case shipped
  /// `/etc/codeagent`: what holds for everybody on this machine.
  case organisation
  /// The user's own configuration.
  case user
  /// The committed configuration of the repository that the run works on: it can only restrict.
  case repository
}

/// Rules that can only take away. Whatever is written here, no request that was denied becomes permitted by it.
///
/// Path patterns are those of ``Glob`` and compare without case.
public struct Restrictions: Sendable, Hashable {
  /// Files that cannot be read; masked in the view of commands, too.
  public var denyRead: [String] = []
  /// Files that cannot be written or removed, nor delivered when a command changed them.
  public var denyWrite: [String] = []
  /// Files whose change needs a person's approval to be delivered.
  public var approveDelivery: [String] = []
  /// Programs that cannot be started: a name stands for every program of that name, a pattern with a slash for an
  /// absolute path.
  public var denyExecute: [String] = []
  /// Hosts that cannot be connected to; see ``HostPattern``.
  public var denyHosts: [String] = []
  /// When given, no other host can be connected to.
  public var onlyHosts: [String]?
  /// Models that cannot be called; see ``ModelPattern``.
  public var denyModels: [String] = []
  /// When given, no other model can be called.
  public var onlyModels: [String]?
  /// The most that a run may cost, in millionths of a US dollar.
  public var maximumMicrodollars: Int64?
  /// The most tokens that a run may use.
  public var maximumTokens: Int64?

  /// Rules that take nothing away.
  public init() {}
}

/// Rules that give. There is no way to hand them over for a repository.
public struct Grants: Sendable, Hashable {
  /// Files that the shipped rules hide and that may be read all the same. These patterns compare case, byte for byte.
  public var allowRead: [String] = []
  /// Hosts that may be connected to.
  public var allowHosts: [String] = []
  /// Models that may be called.
  public var allowModels: [String] = []
  /// Files that the shipped rules protect and that need no approval to be delivered. These patterns compare case.
  public var allowDelivery: [String] = []

  /// Rules that give nothing.
  public init() {}
}

/// The rules of the organisation or of the user.
public struct PolicyLayer: Sendable, Hashable {
  /// What it takes away; no grant of any layer lifts that.
  public var restrictions: Restrictions
  /// What it gives beyond the shipped rules.
  public var grants: Grants

  /// A layer.
  public init(restrictions: Restrictions = Restrictions(), grants: Grants = Grants()) {
    self.restrictions = restrictions
    self.grants = grants
  }
}
