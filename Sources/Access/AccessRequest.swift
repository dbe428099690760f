/// What a run asks to do to the world.
public enum Action: String, Sendable, Hashable, CaseIterable {
  /// Look at a file's content.
  case read
  /// Create or change a file in the workspace.
  case write
  /// Remove a file from the workspace.
  case delete
  /// Start a program in the sandbox.
  case execute
  /// Open a connection out of the sandbox.
  case connect
  /// Send a conversation to a model.
  case callModel
  /// Bring the change into the user's checkout.
  case deliverApply
  /// Bring the change into a branch of the user's repository.
  case deliverBranch
  /// Write the change as a patch.
  case deliverPatch
  /// Use up money and tokens.
  case spend
  /// Call a tool of an MCP server.
  case callTool
}

/// The run that asks, and whom it acts for.
public struct Principal: Sendable, Hashable {
  /// How a run was started.
  public enum Start: String, Sendable, Hashable, CaseIterable {
    /// By a person at a terminal, who can be asked.
    case terminal
    /// By a continuous-integration job.
    case ci
    /// As one unit of a campaign.
    case batch
  }

  /// The run's identifier.
  public var run: String
  /// The user that the run acts for.
  public var user: String
  /// The groups that the user is in.
  public var groups: [String]
  /// How the run was started.
  public var start: Start
  /// Who says that it is this user: `system` for the account that the process runs under, else the issuer of a verified
  /// token.
  public var vouchedBy: String
  /// What a verified token says beside that, by the names of its claims; text claims only.
  public var claims: [String: String]
  /// The repository that the run works on: its directory's name, as text.
  public var repository = ""

  /// A run acting for a user.
  public init(
    run: String, user: String, groups: [String] = [], start: Start, vouchedBy: String = "system",
    claims: [String: String] = [:]
  ) {
    self.run = run
    self.user = user
    self.groups = groups
    self.start = start
    self.vouchedBy = vouchedBy
    self.claims = claims
  }
}

/// What else bears on a decision.
public struct AccessContext: Sendable, Hashable {
  /// How many different people have approved this very request.
  public var approvals: Int
  /// The labels of all that the run has read, in the form of ``Label``.
  public var labels: Set<String>

  /// A context.
  public init(approvals: Int = 0, labels: Set<String> = []) {
    self.approvals = approvals
    self.labels = labels
  }

  /// A context of a request that one person has approved, or nobody.
  public init(approved: Bool, labels: Set<String> = []) { self.init(approvals: approved ? 1 : 0, labels: labels) }

  /// True when somebody has approved this very request.
  public var approved: Bool { approvals > 0 }
}

/// One question to the policy: may this run do this?
public struct AccessRequest: Sendable, Hashable {
  /// Who asks.
  public var principal: Principal
  /// What for.
  public var action: Action
  /// Upon what.
  public var resource: Resource
  /// Under what circumstances.
  public var context: AccessContext

  /// A question.
  public init(
    principal: Principal, action: Action, resource: Resource, context: AccessContext = AccessContext()
  ) {
    self.principal = principal
    self.action = action
    self.resource = resource
    self.context = context
  }
}
