public import Paths

/// The name of a rule, such as `shipped/secret-files` or `repository/deny_read`.
public struct RuleID: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The name.
  public let rawValue: String

  /// A rule of that name.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// The name.
  public var description: String { rawValue }

  /// The order of names.
  public static func < (left: RuleID, right: RuleID) -> Bool { left.rawValue < right.rawValue }
}

/// The answer to an ``AccessRequest``.
public struct Decision: Sendable, Hashable {
  /// What was decided.
  public enum Outcome: String, Sendable, Hashable {
    /// It may be done.
    case permit
    /// It may not be done.
    case deny
    /// It may be done once people have approved it: ``Decision/approvals`` of them.
    case needsApproval
  }

  /// What was decided.
  public let outcome: Outcome
  /// The rules that decided.
  public let rules: [RuleID]
  /// One sentence for people.
  public let reason: String
  /// The paths that stand in the way, for requests about several.
  public let paths: [RepoPath]
  /// How many different people have to approve it; 0 where none can help or need to.
  public let approvals: Int
  /// False when this is what would be decided: the rules that deny are on trial, and it may be done all the same.
  public let isEnforced: Bool
  /// The digest of all rules in force: ``Authorizer/digest``.
  public let policyDigest: String

  /// A decision.
  public init(
    outcome: Outcome, rules: [RuleID], reason: String, paths: [RepoPath] = [], approvals: Int = 0,
    isEnforced: Bool = true, policyDigest: String
  ) {
    self.outcome = outcome
    self.rules = rules
    self.reason = reason
    self.paths = paths
    self.approvals = approvals
    self.isEnforced = isEnforced
    self.policyDigest = policyDigest
  }

  /// True when it may be done now.
  public var isPermitted: Bool { outcome == .permit || !isEnforced }

  /// The same, with further rules that decided so.
  func joined(by others: [RuleID]) -> Decision {
    let named = rules.filter { $0 != .nothingPermits || others.isEmpty }
    let fresh = others.filter { !rules.contains($0) && $0 != .nothingPermits }
    if fresh.isEmpty { return self }
    return Decision(
      outcome: outcome, rules: named + fresh, reason: reason, paths: paths, approvals: approvals,
      isEnforced: isEnforced, policyDigest: policyDigest)
  }

  func unenforced() -> Decision {
    Decision(
      outcome: outcome, rules: rules, reason: reason, paths: paths, approvals: approvals, isEnforced: false,
      policyDigest: policyDigest)
  }
}

/// A file that a run must not see, and why.
public struct MaskedFile: Sendable, Hashable {
  /// The file.
  public let path: RepoPath
  /// The rule that denies it.
  public let rule: RuleID
  /// The labels for which it is denied, by their plain names.
  public let labels: Set<String>

  /// A file to hide.
  public init(path: RepoPath, rule: RuleID, labels: Set<String> = []) {
    self.path = path
    self.rule = rule
    self.labels = labels
  }
}

/// Decides what a run may do. Everything that nothing permits is denied.
public protocol Authorizer: Sendable {
  /// Answers one question. Never blocks and never fails: what cannot be evaluated is denied.
  func decide(_ request: AccessRequest) -> Decision

  /// A digest of all rules in force, in hexadecimal: two runs under equal digests were under equal rules.
  var digest: String { get }

  /// Which labels files have.
  var fileLabels: FileLabels { get }

  /// True when whether a file may be read follows from its labels alone, whatever else a request says.
  var readsFollowFromLabels: Bool { get }

  /// The names of programs that rules beyond what ships may speak of; nil when no such rule is about programs.
  var programNames: [String]? { get }

  /// Whether some rule permits connections out of the sandbox.
  var permitsConnections: Bool { get }

  /// Whether the rules that permitted a connection name this very host or address, or the organisation calls it its own: else
  /// what it leads to has to be public.
  func names(_ host: Resource.Host, in rules: [RuleID]) -> Bool
}

extension Authorizer {
  /// Whether deciding about this file takes its content (``Resource/File/content``).
  public func needsContent(of path: RepoPath) -> Bool { fileLabels.needsContent(of: path) }
}
