import Access
import Conversation
import Paths

extension Effect {
  /// What policy is asked: one request for each resource that the effect touches, all of which must be permitted.
  func accessRequests(principal: Principal) -> [AccessRequest] {
    func file(_ action: Action, _ path: RepoPath) -> AccessRequest {
      AccessRequest(principal: principal, action: action, resource: .file(.init(path: path)))
    }
    switch self {
    case .read(let path), .list(let path):
      return [file(.read, path)]
    case .search:
      return [file(.read, .root)]
    case .edit(let writes, let deletes):
      return writes.map { file(.write, $0) } + deletes.map { file(.delete, $0) }
    case .execute(let execution):
      return [
        AccessRequest(
          principal: principal, action: .execute,
          resource: .command(Self.shell(execution.shell)))
      ]
    case .tryPatches(_, let writes, let command):
      return writes.map { file(.write, $0) } + [
        AccessRequest(
          principal: principal, action: .execute,
          resource: .command(Self.shell(command)))
      ]
    case .callModel(let identity):
      return [
        AccessRequest(
          principal: principal, action: .callModel,
          resource: .model(
            .init(
              provider: identity.provider, name: identity.name, endpoint: identity.endpoint,
              isLocal: identity.endpoint == nil)))
      ]
    case .deliver(let kind, let paths):
      let action: Action =
        switch kind {
        case .apply: .deliverApply
        case .branch: .deliverBranch
        case .patch: .deliverPatch
        }
      return [
        AccessRequest(
          principal: principal, action: action, resource: .delivery(.init(paths: paths)))
      ]
    }
  }

  /// What is started for a shell command. Its text is not judged: the view and the network contain it.
  private static func shell(_ text: String) -> Resource.Command {
    Resource.Command(program: Array("/bin/sh".utf8), arguments: [Array("-c".utf8), Array(text.utf8)])
  }
}
