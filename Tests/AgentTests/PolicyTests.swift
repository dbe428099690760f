import Access
import AuditTrail
import Conversation
import JSON
import Paths
import Sandbox
import Synchronization
import TestSupport
import Testing
import Workspace

@testable import Agent

/// What policy says to a run, and what flows through it.
@Suite struct PolicyTests {
  private let files = Calculator.files.merging([
    "notes/plan.md": "marker-plan-51\n", "notes/deep/more.md": "marker-more-52\n", "open.md": "marker-open-53\n",
  ]) { $1 }

  /// Policies of the organisation, and its label rules.
  private func policy(_ text: String, labels: String = "") -> @Sendable (inout RunServices) throws -> Void {
    { services in
      var sources = PolicySources()
      sources.chosenModels = ["\(services.model.identity.provider)/\(services.model.identity.name)"]
      sources.policies = [PolicyFile(layer: .organisation, name: "test.cedar", text: text)]
      sources.labels = [PolicyFile(layer: .organisation, name: "test.labels", text: labels)]
      services.authorizer = try CedarAuthorizer(sources)
    }
  }

  private func refusals(_ rig: Rig) throws -> [JSONValue] {
    try rig.events().events.filter { $0.kind == EventKind.refusal.rawValue }.map(\.fields)
  }

  /// A door of its own, with nothing behind it.
  private func gate(_ rig: Rig, _ text: String, labels: String = "", had: Set<String> = []) throws -> Gate {
    let recorder = Recorder(log: try rig.store().begin(run: .new()), redactor: Redactor(knownValues: [:]))
    var services = try rig.services(Script([Script.say("x")]))
    try policy(text, labels: labels)(&services)
    return Gate(
      authorizer: services.authorizer, principal: services.principal, recorder: recorder, approver: nil, labels: had)
  }

  @Test func whatWasReadFlowsIntoWhatFollows() async throws {
    let rig = try Rig(files)
    let gate = try gate(
      rig,
      """
      @id("after") forbid (principal, action == Action::"read", resource)
      when { context.labels.contains("plan") } unless { resource.labels.contains("plan") };
      """, labels: "path notes/plan.md plan\n")
    func read(_ path: String) async throws {
      try await gate.perform(.read(try #require(RepoPath(path)))) { EffectOutcome(value: ()) }
    }
    try await read("open.md")
    try await read("notes/plan.md")
    #expect(gate.labels == ["plan"])
    let refusal = await #expect(throws: Refusal.self) { try await read("open.md") }
    #expect(refusal?.decision.rules.map(\.rawValue) == ["organisation/test/after"])
    try await read("notes/plan.md")
    try gate.recorder.flush()
    let (events, content) = try rig.events()
    let intents = events.filter { $0.kind == EventKind.effectIntent.rawValue }.map(\.fields)
    #expect(intents.map { $0["gains"] } == [nil, ["plan"], nil])
    #expect(intents.map { $0["labels"] } == [[], [], ["plan"]])
    #expect(try refusals(rig).map { $0["labels"] } == [["plan"]])
    // A resumed run has read what it had read.
    #expect(try RunState(events: events, content: content).labels == ["plan"])
  }

  @Test func commandsLearnWhatTheyCouldSee() async throws {
    let rig = try Rig(files)
    _ = try await rig.run(
      Script([
        Script.shell("true"), Script.shell("cp notes/plan.md x.md; true"), Script.call("read_file", ["path": "x.md"]),
        Script.call("finish", ["outcome": "cannot_be_done", "summary": "no"]),
      ]), task: "look around",
      change: policy(
        """
        @id("once") forbid (principal, action == Action::"execute", resource) when { context.labels.contains("plan") };
        """, labels: "path notes/ plan\n"))
    // The tests ran before the model's first command, and could see the plan.
    #expect(try refusals(rig).allSatisfy { $0["rules"] == ["organisation/test/once"] })
    #expect(try refusals(rig).count >= 2)
  }

  @Test func filesForWhichTheModelCouldNotBeCalledAreHidden() async throws {
    let rig = try Rig(files)
    let said = Mutex<[String]>([])
    let script = Script([
      Script.shell("cat notes/plan.md open.md; ls notes"), Script.call("read_file", ["path": "notes/deep/more.md"]),
      Script.shell("mkdir -p notes2 && echo marker-made-54 > notes2/made.md"), Script.shell("cat notes2/made.md"),
      Calculator.fix, Script.say("done"),
    ])
    let result = try await rig.run(
      script, task: "fix add",
      notices: { if case .notice(let text) = $0 { said.withLock { $0.append(text) } } },
      change: policy(
        """
        @id("inside") forbid (principal, action == Action::"callModel", resource)
        when { context.labels.contains("plan") };
        """, labels: "path notes*/ plan\n"))
    #expect(result.outcome == .fixed || result.outcome == .unconfirmed, "\(result.reason)")
    let told = script.requests.flatMap(\.results).map(\.output).joined(separator: "\n")
    #expect(told.contains("marker-open-53"))
    #expect(!told.contains("marker-plan-51") && !told.contains("marker-more-52"), "\(told)")
    #expect(!script.requests.flatMap(\.results).contains { $0.output.hasPrefix("marker-made-54") }, "\(told)")
    #expect(said.withLock { $0 }.contains { $0.contains("organisation/test/inside") && $0.contains("plan") })
    #expect(result.diff.allSatisfy { $0.path.quoted == "calc.py" })
    let masks = try rig.events().events.filter { $0.kind == EventKind.mask.rawValue }
    #expect(masks.count == 2)
  }

  @Test func approvalIsForOneActionAndRecorded() async throws {
    let rig = try Rig(files)
    let asked = Mutex<[ApprovalRequest]>([])
    var delivery = DeliveryRequest()
    delivery.apply = true
    delivery.branch = "fix"
    delivery.acceptUnconfirmed = true
    let result = try await rig.run(
      Script([Calculator.fix, Script.say("done")]), task: "fix add", delivery: delivery,
      change: { services in
        try policy(
          """
          @id("ask") @reason("code is approved") forbid (principal, action in Action::"deliver", resource is File)
          unless { context.approvals >= 2 };
          """)(&services)
        services.approver = { request in
          asked.withLock { $0.append(request) }
          return [
            Approval(action: request.action, person: "ana", evidence: "test", expires: 1 << 40),
            Approval(action: request.action, person: "ben", evidence: "test", expires: 1 << 40),
            Approval(action: request.action, person: "old", evidence: "test", expires: 1),
          ]
        }
      })
    #expect(result.delivered != nil, "\(result.reason)")
    let requests = asked.withLock { $0 }
    #expect(requests.count == 2)
    #expect(Set(requests.map(\.action)).count == 2)
    #expect(requests.allSatisfy { $0.missing == 2 && $0.decision.reason.contains("code is approved") })
    let approvals = try rig.events().events.filter { $0.kind == EventKind.approval.rawValue }
    #expect(approvals.map { $0.fields["by"]?.string } == ["ana", "ben", "ana", "ben"])
    let (events, content) = try rig.events()
    #expect(try RunState(events: events, content: content).approvals.count == 4)
  }

  @Test func anApprovalOfSomethingElseIsNone() async throws {
    let rig = try Rig(files)
    var delivery = DeliveryRequest()
    delivery.apply = true
    delivery.acceptUnconfirmed = true
    let result = try await rig.run(
      Script([Calculator.fix, Script.say("done")]), task: "fix add", delivery: delivery,
      change: { services in
        try policy(
          """
          forbid (principal, action in Action::"deliver", resource is File) unless { context.approved };
          """)(&services)
        services.approver = { _ in
          [Approval(action: ActionDigest(of: "another"), person: "ana", evidence: "test", expires: 1 << 40)]
        }
      })
    #expect(result.outcome == .refused)
    #expect(result.delivered == nil)
    #expect(try refusals(rig).last?["approvals"] == 1)
    #expect(try refusals(rig).last?["action"]?.string?.utf8.count == 64)
    #expect(rig.directory.text("project/calc.py") == Calculator.files["calc.py"])
  }

  @Test func searchesShowNothingThatCannotBeRead() async throws {
    let rig = try Rig(files)
    let script = Script([
      Script.call("search", ["query": "marker-[a-z]+", "regex": true]),
      Script.call("finish", ["outcome": "cannot_be_done", "summary": "no"]),
    ])
    _ = try await rig.run(
      script, task: "look for the marker-plan-51",
      change: policy(
        """
        forbid (principal, action == Action::"read", resource in Directory::"notes");
        """))
    let told = script.requests.flatMap(\.results).map(\.output).joined(separator: "\n")
    #expect(!told.contains("marker-plan-51") && !told.contains("marker-more-52"), "\(told)")
    let prompts = script.requests.map { "\($0.items)" }.joined()
    #expect(!prompts.contains("marker-more-52"))
  }

  @Test func spendingIsAskedAboutBeforeEachRequest() async throws {
    let rig = try Rig(files)
    let script = Script([Script.call("list_files", ["path": "."]), Script.call("list_files", ["path": "."])])
    let result = try await rig.run(
      script, task: "go on",
      change: policy(
        """
        @id("tokens") forbid (principal, action == Action::"spend", resource) when { resource.tokens > 200 };
        """))
    #expect(result.outcome == .refused, "\(result.reason)")
    #expect(script.requests.count == 2)
    #expect(try refusals(rig).last?["rules"] == ["organisation/test/tokens"])
  }

  @Test func startedProgramsAreDecidedAboutAndRecorded() async throws {
    let rig = try Rig(files)
    let gate = try gate(
      rig,
      """
      @id("curl") forbid (principal, action == Action::"execute", resource) when { resource.name == "curl" };
      """, had: ["seen"])
    func started(_ program: String, as given: String, _ arguments: [String], copyOf: [String] = []) -> ExecEvent {
      ExecEvent(
        number: 1, parent: 0, process: 2, time: 0, executable: Array(program.utf8), givenPath: Array(given.utf8),
        arguments: arguments.map { Array($0.utf8) }, workingDirectory: [0x2f], copyOf: copyOf)
    }
    #expect(gate.mayStart(started("/usr/bin/id", as: "/usr/bin/id", ["id"]), labels: ["seen"]) == .allow)
    let rule = ExecVerdict.deny(rule: "organisation/test/curl")
    #expect(
      gate.mayStart(started("/usr/bin/curl", as: "/usr/bin/curl", ["harmless", "http://h"]), labels: ["seen"]) == rule)
    #expect(gate.mayStart(started("/tmp/x", as: "/tmp/x", ["x"], copyOf: ["curl"]), labels: ["seen"]) == rule)
    #expect(
      gate.mayStart(started("/usr/bin/busybox", as: "/usr/bin/busybox", ["busybox", "curl"]), labels: ["seen"]) == rule)
    try gate.recorder.flush()
    let decisions = try rig.events().events.filter { $0.kind == EventKind.decision.rawValue }.map(\.fields)
    #expect(decisions.map { $0["program"]?.string } == ["/usr/bin/curl", "/tmp/x", "/usr/bin/busybox"])
    #expect(decisions.allSatisfy { $0["decision"] == "deny" && $0["rules"] == ["organisation/test/curl"] })
    #expect(decisions.allSatisfy { $0["labels"] == ["seen"] && $0["policy"]?.string?.utf8.count == 64 })
    #expect(decisions.first?["argv"] == ["harmless", "http://h"])
  }
}
