public import Paths

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

  /// A run acting for a user.
  public init(run: String, user: String, groups: [String] = [], start: Start) {
    self.run = run
    self.user = user
    self.groups = groups
    self.start = start
  }
}

/// What a run asks to act upon.
public enum Resource: Sendable, Hashable {
  /// A file in a repository.
  case file(File)
  /// A program with its arguments.
  case command(Command)
  /// The far end of a connection.
  case host(Host)
  /// A model.
  case model(Model)
  /// A change on its way out of the workspace.
  case delivery(Delivery)
  /// What a run will have used up.
  case spending(Spending)

  /// A file in a repository.
  public struct File: Sendable, Hashable {
    /// Its path inside the repository.
    public var path: RepoPath
    /// The repository's name: its directory, as text.
    public var repository: String
    /// All that it holds, for the rules that look inside. Only needed where ``Authorizer/needsContent(of:)`` says so; a
    /// rule that misses it denies.
    public var content: [UInt8]?

    /// A file.
    public init(path: RepoPath, repository: String = "", content: [UInt8]? = nil) {
      self.path = path
      self.repository = repository
      self.content = content
    }
  }

  /// A program with its arguments.
  public struct Command: Sendable, Hashable {
    /// The program as resolved (an absolute path), or as named where it is not resolved yet.
    public var program: [UInt8]
    /// The arguments, the program's own name included.
    public var arguments: [[UInt8]]

    /// A command.
    public init(program: [UInt8], arguments: [[UInt8]]) {
      self.program = program
      self.arguments = arguments
    }
  }

  /// The far end of a connection.
  public struct Host: Sendable, Hashable {
    /// A name or an address, an IPv6 one without brackets.
    public var name: String
    /// The TCP port.
    public var port: Int

    /// A host.
    public init(name: String, port: Int) {
      self.name = name
      self.port = port
    }
  }

  /// A model.
  public struct Model: Sendable, Hashable {
    /// The provider's name in the configuration.
    public var provider: String
    /// The provider's name for the model.
    public var name: String
    /// The address that requests go to; nil when nothing leaves the process.
    public var endpoint: String?
    /// True when nothing leaves this machine.
    public var isLocal: Bool

    /// A model.
    public init(provider: String, name: String, endpoint: String?, isLocal: Bool) {
      self.provider = provider
      self.name = name
      self.endpoint = endpoint
      self.isLocal = isLocal
    }
  }

  /// A change on its way out of the workspace. Its kind is the request's action.
  public struct Delivery: Sendable, Hashable {
    /// Every path that the change creates, changes or removes.
    public var paths: [RepoPath]
    /// The repository's name: its directory, as text.
    public var repository: String

    /// A change.
    public init(paths: [RepoPath], repository: String = "") {
      self.paths = paths
      self.repository = repository
    }
  }

  /// What a run will have used up when the effect is done, all in all.
  public struct Spending: Sendable, Hashable {
    /// Money in millionths of a US dollar.
    public var microdollars: Int64
    /// Tokens, in and out.
    public var tokens: Int64

    /// An amount.
    public init(microdollars: Int64, tokens: Int64) {
      self.microdollars = microdollars
      self.tokens = tokens
    }
  }
}

extension Resource {
  /// A file in the run's repository.
  public static func file(_ path: RepoPath, content: [UInt8]? = nil) -> Resource {
    .file(File(path: path, content: content))
  }

  /// A program with its arguments, its own name included.
  public static func command(program: String, arguments: [String]) -> Resource {
    .command(Command(program: Array(program.utf8), arguments: arguments.map { Array($0.utf8) }))
  }

  /// The far end of a connection.
  public static func host(name: String, port: Int) -> Resource { .host(Host(name: name, port: port)) }

  /// A model.
  public static func model(provider: String, name: String, endpoint: String?, isLocal: Bool) -> Resource {
    .model(Model(provider: provider, name: name, endpoint: endpoint, isLocal: isLocal))
  }

  /// A change on its way out of the workspace.
  public static func delivery(paths: [RepoPath]) -> Resource { .delivery(Delivery(paths: paths)) }
}

/// What else bears on a decision.
public struct AccessContext: Sendable, Hashable {
  /// True when a person has approved this very request.
  public var approved: Bool
  /// The labels of all that the run has read.
  public var labels: Set<String>

  /// A context.
  public init(approved: Bool = false, labels: Set<String> = []) {
    self.approved = approved
    self.labels = labels
  }
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
