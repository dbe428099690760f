import Access
public import Conversation
public import JSON
public import Paths

/// Everything that a run does to the world. Each one passes the ``Gate``; there is no other way out.
public enum Effect: Sendable, Hashable {
  /// Disclosing a file of the workspace to the model.
  case read(RepoPath)
  /// Disclosing names below a directory.
  case list(RepoPath)
  /// Disclosing what the index finds.
  case search(String)
  /// Writing and deleting files of the workspace by the agent's own hand.
  case edit(writes: [RepoPath], deletes: [RepoPath])
  /// Running a command in the sandbox.
  case execute(Execution)
  /// Starting a program within a command, by what the kernel resolved and its arguments.
  case start(program: [UInt8], arguments: [[UInt8]])
  /// Trying a batch of small patches, each alone, in copies of the workspace.
  case tryPatches(count: Int, writes: [RepoPath], command: String)
  /// Sending the conversation to a model.
  case callModel(ModelIdentity)
  /// Taking the change out of the run: of these files, as a snapshot holds them.
  case deliver(DeliveryKind, paths: [RepoPath], snapshot: String)

  /// A command and why it runs.
  public struct Execution: Sendable, Hashable {
    /// What `/bin/sh -c` is given.
    public var shell: String
    /// The directory, relative to the checkout.
    public var directory: RepoPath
    /// Why it runs.
    public var purpose: Purpose

    /// Why a command runs.
    public enum Purpose: String, Sendable, Hashable {
      /// The model asked for it.
      case tool
      /// Tests before any change.
      case baseline
      /// Tests that the model asked for.
      case tests
      /// Tests in the judge's workspace.
      case verification
      /// Preparing the project.
      case setup
    }
  }

  /// How a change leaves the run.
  public enum DeliveryKind: String, Sendable, Hashable {
    /// Into the user's checkout.
    case apply
    /// As a commit on a new branch.
    case branch
    /// As a patch file.
    case patch
  }

  /// Whether the world may look different afterwards: such effects are recorded durably before they begin.
  var isBarrier: Bool {
    switch self {
    case .read, .list, .search, .start: false
    case .edit, .execute, .tryPatches, .callModel, .deliver: true
    }
  }

  /// The effect's name in the record.
  var name: String {
    switch self {
    case .read: "read"
    case .list: "list"
    case .search: "search"
    case .edit: "edit"
    case .execute: "execute"
    case .start: "start"
    case .tryPatches: "tryPatches"
    case .callModel: "callModel"
    case .deliver: "deliver"
    }
  }

  /// The effect as the record keeps it.
  public var json: JSONValue {
    func texts(_ paths: [RepoPath]) -> JSONValue { .array(paths.map { .string($0.quoted) }) }
    var object: JSONObject = ["effect": .string(name)]
    switch self {
    case .read(let path), .list(let path):
      object["path"] = .string(path.quoted)
    case .search(let query):
      object["query"] = .string(query)
    case .edit(let writes, let deletes):
      object["writes"] = texts(writes)
      object["deletes"] = texts(deletes)
    case .execute(let execution):
      object["argv"] = ["/bin/sh", "-c", .string(execution.shell)]
      object["cwd"] = .string(execution.directory.quoted)
      object["purpose"] = .string(execution.purpose.rawValue)
    case .start(let program, let arguments):
      object["program"] = .string(Quoting.quote(program))
      object["argv"] = .array(arguments.map { .string(Quoting.quote($0)) })
    case .tryPatches(let count, let writes, let command):
      object["count"] = JSONValue(count)
      object["writes"] = texts(writes)
      object["command"] = .string(command)
    case .callModel(let identity):
      object["provider"] = .string(identity.provider)
      object["model"] = .string(identity.name)
      object["endpoint"] = JSONValue(identity.endpoint)
    case .deliver(let kind, let paths, let snapshot):
      object["kind"] = .string(kind.rawValue)
      object["paths"] = texts(paths)
      object["change"] = .string(snapshot)
    }
    return .object(object)
  }
}
