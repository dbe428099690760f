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
    /// It may be done once a person has approved it.
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
  /// The digest of all rules in force: ``Authorizer/digest``.
  public let policyDigest: String

  /// A decision.
  public init(outcome: Outcome, rules: [RuleID], reason: String, paths: [RepoPath] = [], policyDigest: String) {
    self.outcome = outcome
    self.rules = rules
    self.reason = reason
    self.paths = paths
    self.policyDigest = policyDigest
  }

  /// True when it may be done now.
  public var isPermitted: Bool { outcome == .permit }
}

/// A file that a run must not see, and why.
public struct MaskedFile: Sendable, Hashable {
  /// The file.
  public let path: RepoPath
  /// The rule that denies it.
  public let rule: RuleID

  /// A file to hide.
  public init(path: RepoPath, rule: RuleID) {
    self.path = path
    self.rule = rule
  }
}

/// Decides what a run may do. Everything that nothing permits is denied.
public protocol Authorizer: Sendable {
  /// Answers one question. Never blocks and never fails: what cannot be evaluated is denied.
  func decide(_ request: AccessRequest) -> Decision

  /// A digest of all rules in force, in hexadecimal: two runs under equal digests were under equal rules.
  var digest: String { get }

  /// False when every file may be read, so that no view needs masks.
  var deniesSomeReads: Bool { get }

  /// Whether deciding about reading this file takes its content (``Resource/File/content``).
  func needsContent(of path: RepoPath) -> Bool

  /// Which of these files must be hidden from the run's commands.
  /// - Parameters:
  ///   - candidates: files of the workspace, and directories: a hidden one hides all that lies in it.
  ///   - content: gives the content of those that ``needsContent(of:)`` names; nil when it cannot be read.
  func readMask(
    of candidates: [RepoPath], repository: String, principal: Principal, context: AccessContext,
    content: (RepoPath) -> [UInt8]?
  ) -> [MaskedFile]
}

extension Authorizer {
  /// Asks about each candidate by itself.
  public func readMask(
    of candidates: [RepoPath], repository: String, principal: Principal, context: AccessContext,
    content: (RepoPath) -> [UInt8]?
  ) -> [MaskedFile] {
    guard deniesSomeReads else { return [] }
    return candidates.compactMap { path in
      let file = Resource.File(
        path: path, repository: repository, content: needsContent(of: path) ? content(path) : nil)
      let decision = decide(
        AccessRequest(principal: principal, action: .read, resource: .file(file), context: context))
      guard !decision.isPermitted else { return nil }
      return MaskedFile(path: path, rule: decision.rules.first ?? RuleID(rawValue: "default"))
    }
  }
}
