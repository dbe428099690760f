import Access
import Conversation
import Paths

extension Effect {
  /// What policy is asked about an effect.
  struct Asked: Sendable {
    /// One request for each resource that the effect touches, all of which must be permitted.
    var requests: [AccessRequest] = []
    /// The labels that the run has afterwards, as far as they are known before.
    var gains: Set<String> = []
  }

  /// What policy is asked.
  func access(
    principal: Principal, labels: Set<String>, files: LabelTracker?, authorizer: any Authorizer,
    regions: [String: String], spending: Resource.Spending
  ) async -> Asked {
    var asked = Asked()
    func add(_ action: Action, _ resource: Resource) {
      asked.requests.append(
        AccessRequest(
          principal: principal, action: action, resource: resource, context: AccessContext(labels: labels)))
    }
    func file(_ path: RepoPath) async -> Resource.File {
      let known = await files?.labels(of: path) ?? authorizer.fileLabels.labels(of: path, content: nil)
      return Resource.File(path: path, repository: principal.repository, labels: known)
    }
    switch self {
    case .read(let path), .list(let path):
      let file = await file(path)
      asked.gains = file.labels ?? []
      add(.read, .file(file))
    case .search:
      add(.read, .file(Resource.File(path: .root, repository: principal.repository, labels: [])))
    case .edit(let writes, let deletes):
      for path in writes { add(.write, .file(await file(path))) }
      for path in deletes { add(.delete, .file(await file(path))) }
    case .execute(let execution):
      asked.gains = files?.viewLabels ?? []
      add(.execute, .command(Self.shell(execution.shell)))
    case .start(let program, let arguments):
      add(.execute, .command(.init(program: program, arguments: arguments)))
    case .tryPatches(_, let writes, let command):
      asked.gains = files?.viewLabels ?? []
      for path in writes { add(.write, .file(await file(path))) }
      add(.execute, .command(Self.shell(command)))
    case .callModel(let identity):
      add(.callModel, .model(Resource.Model(identity, region: regions[identity.provider])))
      add(.spend, .spending(spending))
    case .deliver(let kind, let paths, _):
      let action: Action =
        switch kind {
        case .apply: .deliverApply
        case .branch: .deliverBranch
        case .patch: .deliverPatch
        }
      var change: [Resource.File] = []
      for path in paths { change.append(await file(path)) }
      add(action, .delivery(.init(files: change, repository: principal.repository)))
    }
    return asked
  }

  /// What is started for a shell command. Its text is not judged: the view and the network contain it.
  private static func shell(_ text: String) -> Resource.Command {
    let program = Array("/bin/sh".utf8)
    return Resource.Command(program: program, arguments: [program, Array("-c".utf8), Array(text.utf8)], line: text)
  }
}
