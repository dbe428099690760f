public import Paths

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
  /// What a run has used up.
  case spending(Spending)
  /// A tool of an MCP server.
  case tool(Tool)

  /// A file in a repository.
  public struct File: Sendable, Hashable {
    /// Its path inside the repository.
    public var path: RepoPath
    /// The repository's name: its directory, as text.
    public var repository: String
    /// All that it holds, for the rules that look inside. Only needed where ``Authorizer/needsContent(of:)`` says so;
    /// without it the file has every label that its content could give it.
    public var content: [UInt8]?
    /// Its labels where they are known already, in the form of ``Label``; nil to find them by path, owner and content.
    public var labels: Set<String>?
    /// Bytes of content, where known.
    public var size: Int?

    /// A file.
    public init(
      path: RepoPath, repository: String = "", content: [UInt8]? = nil, labels: Set<String>? = nil, size: Int? = nil
    ) {
      self.path = path
      self.repository = repository
      self.content = content
      self.labels = labels
      self.size = size ?? content?.count
    }
  }

  /// A program with its arguments.
  public struct Command: Sendable, Hashable {
    /// The program as resolved (an absolute path), or as named where it is not resolved yet.
    public var program: [UInt8]
    /// The arguments, the program's own name included.
    public var arguments: [[UInt8]]
    /// The line that it came from, as the model or the user wrote it; nil for a program that another one started. What a
    /// line makes a shell do cannot be told from its text: the programs that it starts are asked about one by one.
    public var line: String?

    /// A command.
    public init(program: [UInt8], arguments: [[UInt8]], line: String? = nil) {
      self.program = program
      self.arguments = arguments
      self.line = line
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
    /// Where the provider computes, as the configuration says.
    public var region: String?

    /// A model.
    public init(provider: String, name: String, endpoint: String?, isLocal: Bool, region: String? = nil) {
      self.provider = provider
      self.name = name
      self.endpoint = endpoint
      self.isLocal = isLocal
      self.region = region
    }
  }

  /// A change on its way out of the workspace. Its kind is the request's action. Each of its files is asked about, and
  /// the change as a whole.
  public struct Delivery: Sendable, Hashable {
    /// Every file that the change creates, changes or removes.
    public var files: [File]
    /// The repository's name: its directory, as text.
    public var repository: String

    /// A change of files whose labels are known.
    public init(files: [File], repository: String = "") {
      self.files = files
      self.repository = repository
    }

    /// A change.
    public init(paths: [RepoPath], repository: String = "") {
      self.init(files: paths.map { File(path: $0, repository: repository) }, repository: repository)
    }
  }

  /// A tool of an MCP server.
  public struct Tool: Sendable, Hashable {
    /// The server's name in the configuration.
    public var server: String
    /// The tool's name at that server.
    public var name: String

    /// A tool.
    public init(server: String, name: String) {
      self.server = server
      self.name = name
    }
  }

  /// What a run has used up so far, all in all.
  public struct Spending: Sendable, Hashable {
    /// Money in millionths of a US dollar; nil when the price is unknown, which is more than any bound.
    public var microdollars: Int64?
    /// Tokens, in and out.
    public var tokens: Int64

    /// An amount.
    public init(microdollars: Int64?, tokens: Int64) {
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
