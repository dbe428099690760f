import Access
import Conversation
import JSON
import Paths
import TestReports
import Workspace

/// What is told and recorded of a run at its start.
extension Runs {
  func header(
    _ run: String, _ location: CheckoutLocation, _ tests: TestCommand?, _ workspace: Workspace, isResumed: Bool
  ) -> RunHeader {
    RunHeader(
      run: run, root: location.root, project: location.project, model: services.model.identity, testCommand: tests,
      workspaceMode: "\(workspace.mode)" + (workspace.modeReason.map { " (\($0))" } ?? ""), isResumed: isResumed)
  }

  func startFields(_ request: RunRequest, _ location: CheckoutLocation, _ tests: TestCommand?) -> JSONValue {
    [
      "checkout": .string(Quoting.quote(location.root)), "project": .string(location.project.quoted),
      "version": .string(services.version), "user": .string(services.principal.user),
      "account": .string(services.account), "startedBy": .string("\(services.principal.start.rawValue)"),
      "groups": .array(services.principal.groups.map { .string($0) }),
      "vouchedBy": .string(services.principal.vouchedBy),
      "labels": .array(request.labels.sorted().map { .string($0) }),
      "provider": .string(services.model.identity.provider), "model": .string(services.model.identity.name),
      "endpoint": JSONValue(services.model.identity.endpoint), "policy": .string(services.authorizer.digest),
      "test": JSONValue(request.testCommand), "testCommand": JSONValue(tests?.shell),
      "setup": JSONValue(request.setup), "prompts": PromptRecord.digests,
      "versions": .object(
        services.versions.sorted { $0.key < $1.key }.reduce(into: JSONObject()) { $0[$1.key] = .string($1.value) }),
      "budget": [
        "turns": request.budget.turns.map { JSONValue($0) } ?? .null,
        "tokens": request.budget.tokens.map { JSONValue($0) } ?? .null,
        "microdollars": request.budget.microdollars.map { JSONValue($0) } ?? .null,
        "seconds": request.budget.seconds.map { JSONValue(Int($0)) } ?? .null,
      ],
    ]
  }
}
